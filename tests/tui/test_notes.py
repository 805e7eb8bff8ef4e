"""The notes terminal: what it shows, and what its keys send to the screen of the class."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from rnnviz import i18n
from rnnviz.cli.lesson_run import make_app, record_answers
from rnnviz.events import (
    ActionEvent,
    AnswerEvent,
    CursorEvent,
    Event,
    LessonEvent,
    PageEvent,
    QueryEvent,
    SessionEvent,
    TallyEvent,
    ViewEvent,
)
from rnnviz.explore import explorer
from rnnviz.lessons.catalogue import find, lesson_files
from rnnviz.lessons.lesson import Lesson
from rnnviz.lessons.player import LessonPlayer, stages
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read
from rnnviz.lessons.results import ResultsFile, read_results
from rnnviz.tui.notes.app import NotesApp
from rnnviz.tui.notes.notes_state import NotesState
from rnnviz.tui.notes.notes_view import NotesView
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from tests.tui.small_models import screen_text

EXPLORER = explorer("sample")


def lesson_of(name: str, lang: str) -> Lesson:
    return read(find(name), lang)


def notes_app(state: Path, name: str | None = "not", **options: Any) -> NotesApp:
    lang = options.get("lang", "en")
    lesson = None if name is None else lesson_of(name, lang)
    return NotesApp(lesson, lesson_of, EXPLORER, state=state, **options)


def class_app(state: Path, name: str = "not", lang: str = "en") -> RnnvizApp:
    player = LessonPlayer(lesson_of(name, lang))
    app = make_app(
        player, EXPLORER, ProgressFile(None), read=lambda lang: lesson_of(name, lang), lang=lang
    )
    app.state_folder = state
    return app


def class_events(step: str, phase: str = "say", stage: int = 0, lesson: str = "not") -> list[Event]:
    return [
        SessionEvent("1", lesson), LessonEvent(lesson, step, phase, stage, 1, 9),
        QueryEvent("this movie was not good", "sentiment-lstm", clamps=("h[3]=0",)),
        PageEvent("clamp"), ViewEvent({"hidden": True}),
        CursorEvent(2, "forget", 27, 0, "cell", 0, "was", 5),
    ]  # fmt: skip


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_it_shows_notes_answer_clock_and_what_the_class_sees(tmp_path: Path) -> None:
    app = notes_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        text = "\n".join(screen_text(app))
        assert "No screen yet" in text and "rnnviz lesson not" in text
        for event in class_events("not.good", "ask"):
            app.receive(event)
        app._began = time.monotonic() - 125
        app.notes_screen._show_time(app.seconds)
        await pilot.pause()
        text = "\n".join(screen_text(app))
        step = lesson_of("not", "en").steps[2]
        for word in (
            "One small word · step 3 of", "2:05 of", *step.say.split()[:8], *step.notes.split(),
            "✓ 3 it falls", "h[3]=0 · this movie was not good",
            "clamp · token 3 of 5 “was” · forget · unit 27 · hidden", *step.reveal.split()[:3],
        ):  # fmt: skip
            assert word in text, word
        app.receive(AnswerEvent("not.good", 1.0, False, 12.4, "it rises"))
        await pilot.pause()
        assert "the class: “it rises” ✗ after 12 s" in "\n".join(screen_text(app))


async def test_the_right_number_is_computed(tmp_path: Path) -> None:
    app = notes_app(tmp_path)
    async with app.run_test(size=(80, 24)):
        for event in class_events("not.guess", "ask"):
            app.receive(event)
        await until(lambda: app.notes_screen.state.right == ".18")
        await until(lambda: "✓ .18  within .1" in "\n".join(screen_text(app)))


async def test_it_shows_how_many_phones_have_answered_and_then_what(tmp_path: Path) -> None:
    app = notes_app(tmp_path)
    sent: list[Event] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.notes_screen.send = lambda event: not sent.append(event)

        async def shown(*events: Event) -> str:
            for event in events:
                app.receive(event)
            await pilot.pause()
            return "\n".join(screen_text(app))

        text = await shown(*class_events("not.good", "ask"), TallyEvent("not.good", devices=9))
        assert "● 0 of 9 phones have answered" in text
        await pilot.press("pagedown")  # nobody has answered: hands are counted
        assert sent == [] and app.notes_screen.input is not None
        await pilot.press("escape")
        text = await shown(TallyEvent("not.good", answered=4, devices=9))
        assert "● 4 of 9 phones have answered" in text and "it falls 3" not in text
        await pilot.press("pagedown")  # closes the vote
        assert sent == [ActionEvent("lesson_on")] and app.notes_screen.input is None
        closed = TallyEvent(
            "not.good", 1, False, 4, 9, (1, 0, 3), reasons=("good is\x1b[2J good", "negated")
        )
        text = await shown(closed)
        assert (
            "4 answers · it falls 3 (75 %), it rises 1 (25 %)" in text and "it stays 0" not in text
        )
        assert "“negated”" in text and "\x1b[2J" not in text
        # Of numbers the median, and how far apart they are.
        number = TallyEvent("not.guess", 2, False, 5, 9, values=(0.1, 0.2, 0.3, 0.4, 0.9))
        text = await shown(*class_events("not.guess", "committed"), number)
        assert "second vote: 5 answers · the class: .30 (median)" in text
        assert "the middle half between .20 and .40" in " ".join(text.split())
        # Questions of predict mode, in the language of this terminal.
        await pilot.press("L")
        text = await shown(TallyEvent("4 not direction", 1, False, 2, 9, (0, 0, 2)))
        assert "2 yanıt · düşer 2 (%100)" in text
        assert "2 yanıt · was 2" in await shown(TallyEvent("4 not word", 1, False, 2, 9, (0, 0, 2)))
        assert "Telefonlar" not in await shown(TallyEvent(""))


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("name", lesson_files())
def test_every_phase_of_every_lesson_fits(name: str, lang: str) -> None:
    """At 80×24 nothing is wider than the screen, and the notes are there as a whole."""
    lesson = lesson_of(name, lang)
    for size in ((80, 21), (120, 33)):
        for index, step in enumerate(lesson.steps):
            for stage, (phase, _) in enumerate(stages(lesson, index)):
                state = NotesState(ViewTheme("dark"), lang, lesson=lesson)
                for event in class_events(step.id, phase, stage, lesson.id):
                    state = state.after(event)
                strips = NotesView(state).strips_at(state, *size)
                lines = [strip.text for strip in strips]
                assert all(cell_len(line) == size[0] for line in lines)
                text = " ".join(" ".join(lines).split())
                assert all(word in text for word in step.notes.split())
                assert i18n.text("notes.next", lang) in text


async def test_keys_are_sent_as_actions(tmp_path: Path) -> None:
    app, sent = notes_app(tmp_path), []
    app.send = lambda event: not sent.append(event)  # type: ignore[method-assign, func-returns-value]
    app.notes_screen.send = app.send
    async with app.run_test(size=(80, 24)) as pilot:
        for event in class_events("not.start"):
            app.receive(event)
        await pilot.press("pagedown", "G", "pageup", "right", ".", "p", "c", "escape", "space")
        assert [event.name for event in sent if isinstance(event, ActionEvent)] == [
            "lesson_on", "lesson_on", "lesson_back", "token_on", "part_on", "predict",
            "page_clamp", "zoom_out", "play",
        ]  # fmt: skip
        sent.clear()
        await pilot.press("t", "m", "j", "s", "y")  # what opens a line, or writes a file
        assert sent == []
        await pilot.press("o")
        assert app.notes_screen.state.failed  # no question is open


async def test_the_answer_of_the_class_is_typed_here(tmp_path: Path) -> None:
    app, sent = notes_app(tmp_path), []
    app.notes_screen.send = lambda event: not sent.append(event)  # type: ignore[func-returns-value]
    async with app.run_test(size=(80, 24)) as pilot:
        for event in class_events("not.good", "ask"):
            app.receive(event)
        await pilot.press("pagedown", "9", "enter")
        assert sent == [] and app.notes_screen.state.failed
        await pilot.press("backspace", "2", "enter")
        assert sent == [AnswerEvent("not.good", 2.0)]
        await pilot.press("o", "escape", "o", "enter")  # closed; then passed over
        assert sent == [AnswerEvent("not.good", 2.0), AnswerEvent("not.good", None)]
        for event in class_events("not.guess", "ask"):
            app.receive(event)
        await pilot.press("pagedown", "x", "enter")
        assert len(sent) == 2
        await pilot.press("backspace", ".", "3", "enter")
        assert sent[-1] == AnswerEvent("not.guess", 0.3)


async def test_languages_and_themes_are_each_terminals_own(tmp_path: Path) -> None:
    app = notes_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        for event in class_events("not.start"):
            app.receive(event)
        await pilot.press("L", "T")
        await pilot.pause()
        text = "\n".join(screen_text(app))
        assert "Küçük bir sözcük" in text and "Sınıfın gördüğü" in text
        assert app.view_theme.name != "dark"
        await pilot.press("question_mark")
        await pilot.pause()
        await pilot.press("escape", "q")
    assert app.return_code == 0


async def test_hostile_events_are_drawn_as_text(tmp_path: Path) -> None:
    app, hostile = notes_app(tmp_path, None), "\x1b[31m[bold]x[/bold]\n"
    events: list[Event] = [
        SessionEvent(hostile, hostile), LessonEvent(hostile, hostile, hostile, 10**9, -3, 0),
        QueryEvent(hostile, hostile, clamps=(hostile,)), PageEvent(hostile),
        CursorEvent(10**9, hostile, -5, 99, "cell", -1, hostile, -7),
        AnswerEvent(hostile, 1e300, None, 1e15, hostile), ViewEvent({"hidden": hostile}),
    ]  # fmt: skip
    async with app.run_test(size=(80, 24)) as pilot:
        for event in events:
            app.receive(event)
            await pilot.pause()
        assert app.is_running and app.fault is None
        assert all(line.isprintable() for line in screen_text(app))
        app.receive(LessonEvent("not", "not.nowhere", "ask", 7))
        await pilot.pause()
        assert app.fault is None and app.notes_screen.state.lesson is not None


async def test_notes_steer_a_lesson_and_its_answers_are_recorded(tmp_path: Path) -> None:
    """Both apps over the socket: from the first step to a revealed answer, by the notes' keys."""
    shown, notes = class_app(tmp_path), notes_app(tmp_path)
    file = tmp_path / "answers.jsonl"
    record_answers(shown, ResultsFile(file), "")
    async with shown.run_test(size=(120, 36)), notes.run_test(size=(80, 24)) as pilot:
        state = lambda: notes.notes_screen.state  # noqa: E731
        await until(lambda: state().session is not None and state().cursor is not None)
        assert state().place == LessonEvent("not", "not.start", "say", 0, 1, len(
            lesson_of("not", "en").steps))  # fmt: skip
        await pilot.press("pagedown")
        await until(lambda: state().is_asked)
        await pilot.press("pagedown", ".", "3", "enter")
        await until(lambda: state().answer is not None)
        answer = state().answer
        assert answer is not None and (answer.answer, answer.correct) == (0.3, False)
        await pilot.press("pagedown")
        await until(lambda: state().place.phase == "revealed")  # type: ignore[union-attr]
        await until(lambda: state().cursor.token == "not")  # type: ignore[union-attr]
        assert shown.step_screen.view_state.cursor.t == 3
    records = read_results(file).records
    assert [(each.question, each.answer, each.correct) for each in records] == [
        ("not.guess", 0.3, False)
    ]


async def test_a_lesson_is_replayed_by_its_events(tmp_path: Path) -> None:
    events: list[Event] = []
    first, second = class_app(tmp_path), class_app(tmp_path)
    async with first.run_test(size=(120, 36)) as pilot:
        first.step_screen.event_stream.subscribe(events.append)
        for key in ("pagedown", "pagedown", "0", "enter", "pagedown", "pagedown", "left"):
            await pilot.press(key)
            await pilot.pause(0.1)
            await until(lambda: not first.step_screen.lesson.pending)
        expected = first.step_screen.view_state
    async with second.run_test(size=(120, 36)) as pilot:
        for event in events:
            second.step_screen.event_stream.apply(event)
            await pilot.pause()
        await until(lambda: not second.step_screen.event_stream._pending)
        await until(lambda: not second.step_screen.lesson.pending)
        now = second.step_screen.view_state
        assert now.lesson is not None and expected.lesson is not None
        was, player = expected.lesson.player, now.lesson.player
        assert (player.step.id, player.stage, player.revealed) == (
            was.step.id, was.stage, was.revealed
        )  # fmt: skip
        assert (now.cursor, now.page, now.query) == (
            expected.cursor, expected.page, expected.query
        )  # fmt: skip
        assert [a.prediction for a in player.answers.values()] == [
            a.prediction for a in was.answers.values()
        ]
