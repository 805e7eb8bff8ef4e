"""A class on the step screen: what the phones are asked, when, and what is shown of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui.small_models import screen_text

from rnnviz import explore
from rnnviz.classroom.votes import VoteBox
from rnnviz.cli.lesson_run import make_app
from rnnviz.events import BallotEvent, CloseVoteEvent, Event, RevealEvent, TallyEvent
from rnnviz.events.recording import RecordingWriter
from rnnviz.lessons.catalogue import lesson_files
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read
from rnnviz.query import Explorer, Query
from rnnviz.tui.replay.reader import read as read_recording
from rnnviz.tui.replay.recorder import Recorder
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.step.class_vote.session import ClassSession

LINK = "http://192.0.2.5:8080/"


class Hall:
    """Phones without a network: a vote box behind the link."""

    def __init__(self) -> None:
        self.box, self.sent = VoteBox(), list[Event]()
        self.received: Callable[[Event], None] = lambda event: None
        self.devices, self.failed = 0, ""

    def send(self, event: Event) -> None:
        self.sent.append(event)
        match event:
            case BallotEvent():
                self.box.open(event, 0.0)
            case CloseVoteEvent():
                tally = self.box.close(event)
                if tally is not None and event.counts:
                    self.received(replace(tally, devices=self.devices, failed=self.failed))
            case RevealEvent(question=question):
                self.box.reveal(question)

    def answer(self, *values: float, why: str = "") -> None:
        ballot = self.box.ballot
        assert ballot is not None
        for n, value in enumerate(values):
            outcome = self.box.answer(str(n), ballot.question, ballot.vote, value, why, 1.0)
            assert outcome in ("counted", "replaced")
        tally = self.box.tally(ballot)
        self.devices = len(values) + 1
        self.received(replace(tally, devices=self.devices))

    @property
    def ballot(self) -> BallotEvent:
        assert self.box.ballot is not None
        return self.box.ballot


@cache
def explorer() -> Explorer:
    return explore.explorer("sample")


def lesson_app(
    hall: Hall, name: str = "not", lang: str = "en", step: str = "", **options: Any
) -> RnnvizApp:
    path = lesson_files()[name]
    player = LessonPlayer(read(path, lang))
    return make_app(
        player.at_step(step) if step else player, explorer(), ProgressFile(None),
        read=partial(read, path),
        lang=lang, color="always", class_session=ClassSession(hall, (LINK,)), **options,
    )  # fmt: skip


def text_app(hall: Hall, text: str = "this movie was not good", **options: Any) -> RnnvizApp:
    query = Query(text, "sentiment-lstm")
    return RnnvizApp(
        explorer(), query, explorer()(query), class_session=ClassSession(hall, (LINK,)),
        presenter=True, **options,
    )  # fmt: skip


async def press(app: RnnvizApp, pilot: Pilot[int], *keys: str) -> str:
    for key in keys:
        await pilot.press(key)
        await settled(app, pilot)
    await pilot.pause(0.02)  # what the phones did meanwhile
    return "\n".join(screen_text(app))


async def opened(app: RnnvizApp, pilot: Pilot[int]) -> str:
    """The code is shown first; enter goes on."""
    await settled(app, pilot)
    shown = "\n".join(screen_text(app))
    assert LINK in shown and "█▀" in shown
    return await press(app, pilot, "enter")


def numbers(text: str, *wanted: str) -> bool:
    return all(each in text for each in wanted)


async def test_a_lesson_asks_counts_shows_asks_again_and_reveals() -> None:
    hall = Hall()
    app = lesson_app(hall)
    async with app.run_test(size=(120, 36)) as pilot:
        shown = await opened(app, pilot)
        assert "class · " + LINK in shown and hall.sent == []
        shown = await press(app, pilot, "pagedown")
        assert hall.ballot.question == "not.guess" and hall.ballot.ask == "number"
        assert (hall.ballot.low, hall.ballot.high) == (0.0, 1.0)
        assert hall.ballot.curve[-1] == pytest.approx(0.392, abs=0.005)
        assert len(hall.ballot.curve) == 3  # what comes after is not told to the phones
        assert set(hall.ballot.texts) == {"en"}  # in Turkish it is about a Turkish sentence
        hall.answer(0.05, 0.1, 0.1, 0.3, why="not is negative")
        shown = await press(app, pilot)
        assert "4 of 5 phones have answered" in shown
        assert "median" not in shown and "▪" not in shown and "0.18" not in shown
        # One line says what the key does.
        assert "PgDn closes the vote" in shown and "PgDn or o: answer" not in shown
        # One may look around meanwhile.
        shown = await press(app, pilot, "left", "right", "right", "comma", "full_stop")
        assert hall.box.is_open and "0.18" not in shown
        # The key that goes on closes the vote; what is right is not told yet.
        shown = await press(app, pilot, "pagedown")
        assert "the class: .10 (median)" in shown and "▪▪" in shown
        assert "the net ." not in shown and "vote again" in shown and "not is negative" in shown
        assert "the class: .10  " in shown and "your answer" not in shown
        assert isinstance(hall.sent[-1], CloseVoteEvent)
        assert hall.sent[-1].right == pytest.approx(0.18, abs=0.005)
        # Once more, after the neighbours have talked.
        shown = await press(app, pilot, "percent_sign")
        assert "then vote again" in shown
        shown = await press(app, pilot, "a")
        assert hall.ballot.vote == 2 and "second vote · 0 of 5" in shown and "▪" not in shown
        assert "your answer" not in shown and "see what the net says" not in shown
        hall.answer(0.2, 0.2, 0.15, 0.25)
        await press(app, pilot, "pagedown")
        shown = await press(app, pilot)
        assert "the class: .10, then .20 (medians)" in shown and "the net ." not in shown
        # The reveal.
        shown = await press(app, pilot, "pagedown")
        assert "the net .18: the class .02 too high" in shown
        assert "✓ the class .20, the net .18: .02 too high" in shown and " you " not in shown
        assert hall.sent[-1] == RevealEvent("not.guess") and hall.box.is_revealed
        # The next question has options.
        shown = await press(app, pilot, "pagedown")
        assert hall.ballot.question == "not.good" and hall.ballot.vote == 1
        assert hall.ballot.texts["en"]["options"][2] == "it falls"
        hall.answer(1, 1, 3)
        shown = await press(app, pilot, "pagedown")
        assert numbers(shown, "1 it rises", "2 (67 %)", "1 (33 %)") and "✓" not in shown
        shown = await press(app, pilot, "pagedown")
        assert "✓ 3 it falls" in shown


async def test_a_class_that_begins_at_an_open_question_asks_about_its_place() -> None:
    hall = Hall()
    app = lesson_app(hall, step="not.guess", restored=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        assert hall.ballot.question == "not.guess" and len(hall.ballot.curve) == 3
        vote = app.step_screen.view_state.vote
        assert vote is not None and vote.t == 3


async def test_a_question_is_asked_in_both_languages_where_it_is_the_same() -> None:
    hall = Hall()
    app = lesson_app(hall, "quiz", "tr")
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        while not hall.sent:
            await press(app, pilot, "pagedown")
        assert list(hall.ballot.texts) == ["tr", "en"]
        lengths = {len(each["options"]) for each in hall.ballot.texts.values()}
        assert len(lengths) == 1


async def test_nobody_answers_and_the_lesson_goes_on_as_without_a_class() -> None:
    hall = Hall()
    app = lesson_app(hall, "not")
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        shown = await press(app, pilot, "pagedown", "pagedown")
        assert isinstance(hall.sent[-1], CloseVoteEvent) and not hall.sent[-1].counts
        assert "Type" in shown or app.step_screen.input is not None  # the line for a number
        await press(app, pilot, *".2", "enter")
        player = app.step_screen.view_state.lesson.player  # type: ignore[union-attr]
        assert player.phase == "committed" and player.answer is not None


async def test_predict_mode_asks_what_the_word_does_and_what_was_seen() -> None:
    hall = Hall()
    app = text_app(hall, t=3)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        shown = await press(app, pilot, "p")
        assert hall.ballot.question == "4 not direction" and len(hall.ballot.curve) == 3
        assert hall.ballot.texts["tr"]["options"] == ["yükselir", "yerinde kalır", "düşer"]
        hall.answer(3, 3, 1)
        shown = await press(app, pilot, "right")  # closes
        assert numbers(shown, "↗1", "↘2") and "2 (67 %)" in shown
        assert app.step_screen.view_state.part_hidden
        shown = await press(app, pilot, "right")  # reveals
        assert "✓ 3 it falls" in shown and not app.step_screen.view_state.part_hidden
        assert hall.sent[-1] == RevealEvent("4 not direction")
        # Then: what did you see?
        shown = await press(app, pilot, "right")
        assert hall.ballot.question == "4 not seen"
        hall.answer(3, 3, 2)
        shown = await press(app, pilot, "right")
        assert "the class saw: it fell, right" in shown and "3 it fell" in shown
        shown = await press(app, pilot, "right")
        assert hall.ballot.question == "5 good direction"
        # Another question about the same word.
        shown = await press(app, pilot, "o")
        assert "What is the class asked?" in shown
        await press(app, pilot, "down", "enter")
        assert hall.ballot.question == "5 good output" and hall.ballot.ask == "number"
        # Part by part: the first press closes, the next ones go on.
        hall.answer(0.1, 0.2, 0.9)
        await press(app, pilot, "full_stop")
        shown = await press(app, pilot)
        assert "the class: .20 (median)" in shown
        before = app.step_screen.view_state.cursor.part
        await press(app, pilot, "full_stop")
        assert app.step_screen.view_state.cursor.part == before + 1
        assert not hall.box.is_revealed


async def test_a_second_vote_in_predict_mode_hides_what_the_first_one_said() -> None:
    hall = Hall()
    app = text_app(hall, t=3)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        shown = await press(app, pilot, "p")
        assert "→ closes the vote" in shown and "→ shows it" not in shown
        hall.answer(3, 3, 1)
        shown = await press(app, pilot, "right")
        assert "the class: it falls · → shows it" in shown
        shown = await press(app, pilot, "percent_sign", "a")
        assert "second vote" in shown and "the class: it falls" not in shown
        hall.answer(3, 1, 1)
        shown = await press(app, pilot, "right")
        assert "the class: it rises" in shown


async def test_the_word_that_turns_it_is_tapped() -> None:
    hall = Hall()
    app = text_app(hall)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(app, pilot, "p", "right", "o")
        titles: Sequence[str] = screen_text(app)
        assert any("Which word turns" in line for line in titles)
        control = app.step_screen.class_host.control
        assert control is not None
        await press(app, pilot, "down", "down", "enter")
        assert (hall.ballot.ask, hall.ballot.first) == ("word", 2)
        hall.answer(4, 4, 5, 2)
        shown = await press(app, pilot, "right")
        assert numbers(shown, "4 not", "2 (50 %)")
        vote = app.step_screen.view_state.vote
        assert vote is not None and not vote.is_revealed


async def test_an_open_vote_ends_when_the_screen_tells_what_is_right() -> None:
    hall = Hall()
    app = text_app(hall, t=3)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(app, pilot, "p")
        hall.answer(3, 3)
        await press(app, pilot, "p")  # everything is shown
        assert not hall.box.is_open
        # Nothing is taken for an answer of the class that it did not give.
        assert app.step_screen.view_state.predictions.marked == {}


async def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnviz.tui.step.class_vote import control

    monkeypatch.setattr(control, "PATIENCE", 0.05)
    hall = Hall()
    app = lesson_app(hall)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(app, pilot, "pagedown")
        hall.answer(0.1)
        await press(app, pilot)
        hall.received = lambda event: None
        await press(app, pilot, "pagedown")
        await pilot.pause(0.2)
        assert "does not answer" in "\n".join(screen_text(app))
        shown = await press(app, pilot, "pagedown")
        assert app.step_screen.input is not None, shown


async def test_answers_that_could_not_be_written_are_shown_all_the_same() -> None:
    hall = Hall()
    hall.failed = "No space left on device"
    app = lesson_app(hall)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(app, pilot, "pagedown")
        hall.answer(0.1, 0.3)
        shown = await press(app, pilot, "pagedown")
        assert "could not be written to the results: No space left on device." in shown
        assert "the class: .20 (median)" in shown


async def test_a_recording_shows_the_votes_of_a_class(tmp_path: Path) -> None:
    path = tmp_path / "class.jsonl"
    hall = Hall()
    app = lesson_app(hall)
    recorder = Recorder(app, RecordingWriter(path))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(app, pilot, "pagedown")
        hall.answer(0.1, 0.3, 0.2)
        shown = await press(app, pilot, "pagedown")
        assert "the class: .20" in shown
    recorder.close()
    assert recorder.ended == ""
    moment = read_recording(path).moments[-1]
    assert moment.view_state.vote == app.step_screen.view_state.vote


async def test_a_second_terminal_is_told_how_many_have_answered_and_then_what() -> None:
    hall, told = Hall(), list[Event]()
    app = lesson_app(hall)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        stream = app.step_screen.event_stream
        stream.subscribe(told.append)
        await press(app, pilot, "pagedown")
        hall.answer(0.1, 0.3)
        await press(app, pilot)
        tallies = [each for each in told if isinstance(each, TallyEvent)]
        assert tallies[-1] == TallyEvent("not.guess", 1, True, 2, 3)
        assert tallies[-1] in stream.snapshot()  # for one that comes later
        await press(app, pilot, "pagedown")
        last = [each for each in told if isinstance(each, TallyEvent)][-1]
        assert (last.is_open, last.values) == (False, (0.1, 0.3))


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_what_the_class_can_be_asked_fits_in_the_terminal(size: tuple[int, int]) -> None:
    hall = Hall()
    app = text_app(hall)
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        await press(app, pilot, "p", "right")
        shown = await press(app, pilot, "o")
        assert "╮" in shown and shown.count("│") % 2 == 0  # both sides of the frame
        assert "changes it most" in shown or size == (60, 20)


async def test_without_a_class_the_key_says_so() -> None:
    query = Query("not good", "sentiment-lstm")
    app = RnnvizApp(explorer(), query, explorer()(query))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(app, pilot)
        shown = await press(app, pilot, "percent_sign")
        assert "rnnviz class" in shown


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 50)])
async def test_it_fits_in_every_terminal(size: tuple[int, int]) -> None:
    hall = Hall()
    app = lesson_app(hall, "not", "tr", presenter=True)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        await press(app, pilot, "enter", "pagedown")
        hall.answer(*[0.1] * 200, why="çünkü \x1b[2J uzun" * 9)
        for _ in range(3):
            shown = await press(app, pilot, "pagedown")
            assert "\x1b[2J" not in shown
            if app.step_screen.view_state.vote.is_counted:  # type: ignore[union-attr]
                assert "sınıf: .10 (ortanca)" in shown or size == (60, 20)
