"""Every lesson from its first step to its last by keys alone, in both languages and two sizes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from lesson_runs import trained_once
from textual.pilot import Pilot
from tui.small_models import app as small_app
from tui.small_models import moment, screen_text

from rnnviz import explore, i18n
from rnnviz.cli import lesson_training
from rnnviz.cli.lesson_run import make_app, where_it_was
from rnnviz.display import visible
from rnnviz.errors import UsageError
from rnnviz.lessons.catalogue import lesson_files
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import LessonQuestion, Step
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.predictions import spoken
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read
from rnnviz.progress import Event, SentenceReading, TrainingStep
from rnnviz.query import Explorer
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.step.lesson.pane import pane_height
from rnnviz.tui.step.lesson.session import Trainer
from rnnviz.tui.view.lesson_state import LessonState

SIZES = ((80, 24), (120, 36))
KEYS = {" ": "space", ".": "full_stop", "-": "minus", ",": "comma"}


@cache
def explorer() -> Explorer:
    return explore.explorer("sample")


@cache
def evaluator() -> Evaluator:
    return Evaluator(explorer())


def app_of(name: str, lang: str, *, train: Trainer | None = None, **options: Any) -> RnnvizApp:
    path = lesson_files()[name]
    app = make_app(
        LessonPlayer(read(path, lang)), explorer(), options.pop("progress", ProgressFile(None)),
        read=partial(read, path), lang=lang, color="always", **options,
    )  # fmt: skip
    host = app.step_screen.lesson
    assert host.session is not None
    host.session = replace(host.session, train=train or trained_once)
    return app


@pytest.fixture(scope="module", autouse=True)
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs are not written into the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


class LessonRun:
    """A lesson that is run by keys; every screen is checked on the way."""

    def __init__(self, app: RnnvizApp, pilot: Pilot[int], right: bool) -> None:
        self.app, self.pilot, self.right = app, pilot, right

    @property
    def player(self) -> LessonPlayer:
        lesson = self.app.step_screen.view_state.lesson
        assert lesson is not None
        return lesson.player

    async def press(self, *keys: str) -> None:
        """Press keys and wait for what they ask for."""
        await self.pilot.press(*keys)
        await self.app.workers.wait_for_complete()
        await settled(self.app, self.pilot)

    async def type(self, text: str) -> None:
        """Type a text and enter it."""
        await self.pilot.press(*(KEYS.get(char, char) for char in text))
        await self.press("enter")

    def shown(self) -> str:
        """The pane of the lesson as one line."""
        pane = self.app.step_screen.query_one("#lesson").region
        lines = screen_text(self.app)[pane.y : pane.bottom]
        return " ".join(" ".join(lines[1:]).split())

    async def run(self) -> list[str]:
        """From the beginning to the end; the phases."""
        seen = []
        for _ in range(200):
            player = self.player
            seen.append(player.phase)
            self.check()
            if player.at_end:
                return seen
            if player.phase == "ask":
                await self.answer(player.step)
            elif player.phase == "own" and not player.reached:
                await self.change()
            else:
                before = player
                await self.press("pagedown")
                assert self.player != before
        raise AssertionError(f"no end: {seen[-20:]}")

    def check(self) -> None:
        """What is said is on the screen as a whole, and nothing that is not to be seen yet."""
        player, pane = self.player, self.shown()
        step, question = player.step, player.step.question
        assert visible(" ".join(player.said.split())) in pane, (step.id, player.phase, pane)
        if player.phase == "ask" and question is not None:
            assert all(f"{n} {visible(o)}" in pane for n, o in enumerate(question.options, 1)), pane
            assert not step.reveal or step.reveal not in pane
        if player.phase == "revealed" and question is not None and question.kind == "number":
            assert f"{spoken(self.truth(step, question))}" in pane

    def truth(self, step: Step, question: LessonQuestion) -> float:
        if question.right is not None:
            return question.right
        return float(evaluator().value(question.of, step.query, step.against))

    async def answer(self, step: Step) -> None:
        """Answer the question, rightly or wrongly."""
        question = step.question
        assert question is not None
        truth = self.truth(step, question)
        await self.press("pagedown" if self.right else "o")
        if question.kind == "choice":
            options = len(question.options)
            await self.press(str(int(truth) if self.right else int(truth) % options + 1))
        elif question.kind == "word":
            tokens = self.app.step_screen.view_state.trace.tokens
            await self.type(str(int(truth) if self.right else int(truth) % len(tokens) + 1))
        else:
            await self.type(f"{truth if self.right else truth + 2 * question.within:.4f}")
        if question.why:
            await self.type("a reason")
        answer = self.player.answer
        assert answer is not None and answer.prediction is not None
        assert answer.correct is self.right, (step.id, answer)
        assert not question.why or answer.prediction.why == "a reason"

    async def change(self) -> None:
        """The learner's own change: what does not reach the goal, then the example."""
        change = self.player.change
        assert change is not None
        await self.press("o")
        await self.type(change.example)
        assert self.player.reached, (self.player.step.id, screen_text(self.app))


def runs_of_lessons() -> list[tuple[str, str, tuple[int, int], bool]]:
    """Each lesson in both languages, at both sizes, answered rightly and wrongly, in two runs."""
    return [
        (name, lang, SIZES[(n + k) % 2], (n // 2 + k) % 2 == 0)
        for n, name in enumerate(lesson_files())
        for k, lang in enumerate(i18n.LANGUAGES)
    ]


@pytest.mark.parametrize(("name", "lang", "size", "right"), runs_of_lessons())
def test_a_lesson_runs_from_start_to_end(
    name: str, lang: str, size: tuple[int, int], right: bool
) -> None:
    async def run() -> None:
        app = app_of(name, lang)
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            phases = await LessonRun(app, pilot, right).run()
            assert phases[-1] == "say"

    asyncio.run(run())


# -- one lesson, in detail ------------------------------------------------------------------------


async def to_step(run: LessonRun, step: str) -> None:
    """Go on to a step, with right answers."""
    for _ in range(100):
        if run.player.step.id == step:
            return
        if run.player.phase == "ask":
            await run.answer(run.player.step)
        await run.press("pagedown")
    raise AssertionError(step)


async def test_looking_around_is_free_and_going_on_returns_to_the_place_of_the_lesson() -> None:
    app = app_of("stuck", "en")
    async with app.run_test(size=SIZES[1]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await run.press("home", "enter", "w")
        state = app.step_screen.view_state
        assert (state.cursor.t, state.cursor.zoom, state.page) == (0, "cell", "weights")
        await run.press("G")
        state = app.step_screen.view_state
        assert (state.cursor.t, state.cursor.zoom, state.page) == (8, "sentence", "")
        await run.press("home", "pagedown")  # a question is asked at its place
        assert app.step_screen.view_state.cursor.t == 8


async def test_what_comes_after_the_cursor_stays_hidden_before_it_is_asked_about() -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[1]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await run.press("end")
        state = app.step_screen.view_state
        assert (state.cursor.t, state.hidden, state.revealed) == (2, True, True)
        assert "0.18" not in "".join(screen_text(app))


async def test_the_key_that_goes_on_takes_an_answer_and_skips_the_reason() -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "not.guess")
        await run.press("pagedown")
        assert "right within .1" in "".join(screen_text(app))
        await run.press("full_stop", "2", "pagedown")
        assert run.player.phase == "committed"
        assert "Why?" in "".join(screen_text(app))
        await run.press("pagedown")
        assert not app.step_screen.is_typing
        await run.press("pagedown")
        assert run.player.phase == "revealed"


async def test_a_choice_is_answered_by_a_digit_and_can_be_changed_until_it_is_revealed() -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[1]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "not.good")
        await run.press("1")
        await run.type("why not")
        assert run.player.phase == "committed"
        assert "your answer: “it rises”" in run.shown()
        assert "right" not in run.shown().partition("your answer")[2]
        await run.press("3", "escape")
        assert "your answer: “it falls”" in run.shown()
        model = app.step_screen.view_state.query.model
        await run.press("9")  # there is no such option; no model is read either
        assert app.step_screen.view_state.latest_query.model == model
        await run.press("pagedown")
        assert "you “it falls” · right" in run.shown()
        await run.press("pageup", "1")
        assert run.player.answers["not.good"].correct is True


@pytest.mark.parametrize("size", SIZES)
async def test_a_number_stands_beside_the_bar_of_its_token_after_the_reveal(
    size: tuple[int, int],
) -> None:
    app = app_of("not", "en")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, False)
        await to_step(run, "not.guess")
        await run.press("o")
        await run.type(".05")
        await run.press("enter")
        assert "◀.05" not in "".join(screen_text(app))
        await run.press("pagedown")
        assert "◀.05" in "".join(screen_text(app))


async def test_a_class_may_go_on_without_an_answer() -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await run.press("G")
        await run.press("G")
        await run.press("enter")
        assert run.player.phase == "committed"
        await run.press("G")
        assert "no answer · the net: .18" in run.shown()
        assert run.player.score.asked == 0


@pytest.mark.parametrize("typed", ["x", "1e", "half"])
async def test_what_is_not_a_number_is_told_and_the_line_stays_open(typed: str) -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await run.press("G")
        await run.press("o")
        await run.type(typed)
        assert app.step_screen.view_state.failed
        assert app.step_screen.is_typing and run.player.phase == "ask"


async def test_a_goal_that_is_not_reached_is_told_and_can_be_tried_again() -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[1]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "not.own")
        await run.press("pagedown")
        assert run.player.phase == "own"
        await run.press("o")
        await run.type("this movie was not good")
        assert run.player.reached is None  # as before: nothing was changed
        await run.press("t")  # the key that types a sentence anywhere
        await run.type("not good")
        assert run.player.reached is False
        assert "not yet" in run.shown()
        await run.press("o")
        await run.type("this movie was not bad")
        assert run.player.reached is True
        assert "reached" in run.shown()
        await run.press("pagedown")
        assert app.step_screen.view_state.query.text == "this movie was not good"
        assert "rnnviz lesson" not in run.shown()


async def test_a_clamp_of_a_lesson_is_typed_as_the_screen_counts() -> None:
    app = app_of("stuck", "tr")
    async with app.run_test(size=SIZES[1]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "stuck.own")
        await run.press("pagedown", "o")
        await run.type("f ama = 0")
        assert [str(clamp) for clamp in app.step_screen.view_state.query.clamps] == ["f[2]=0"]
        assert run.player.reached is True


async def test_another_language_stays_at_the_step() -> None:
    app = app_of("not", "en")
    async with app.run_test(size=SIZES[1]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "not.good")
        await run.press("L")
        assert (run.player.step.id, run.player.lesson.lang) == ("not.good", "tr")
        run.check()
        assert "not.guess" in run.player.answers


async def test_a_change_is_not_compared_with_what_is_read_in_another_language() -> None:
    app = app_of("not", "tr")
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "not.wipe")
        await run.press("pagedown")
        assert ".04 → .36" in run.shown()
        await run.press("L")
        assert app.step_screen.view_state.query.model == "sentiment-lstm"
        assert ".16" in run.shown()
        assert "→ .16" not in run.shown()
        await run.press("pageup", "pagedown")
        assert ".03 → .16" in run.shown()


async def test_progress_is_kept_and_told(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path)
    app = app_of("not", "en", progress=progress)
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        await to_step(LessonRun(app, pilot, True), "not.good")
    known = progress.read()["not"]
    assert (known.step, known.right, known.asked, known.done) == ("not.good", 1, 1, False)
    path = lesson_files()["not"]
    player = where_it_was(LessonPlayer(read(path, "tr")), progress)
    assert player.step.id == "not.good"
    again = make_app(player, explorer(), progress, read=partial(read, path), restored=True)
    async with again.run_test(size=SIZES[0]) as pilot:
        await settled(again, pilot)
        assert "--restart" in again.step_screen.view_state.status
    progress.write("not", replace(known, step="not.end", done=True))
    assert where_it_was(player.at_step(1), progress).at_start


async def test_a_net_is_trained_in_the_lesson_and_read_with() -> None:
    def train(
        wanted: Mapping[str, object], watch: Callable[[Event], None], stop: Callable[[], bool]
    ) -> str:
        small = {**wanted, "epochs": 1, "limit": 60, "units": 4}
        return lesson_training.train(small, watch, stop)

    app = app_of("yours", "en", train=train)
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "yours.train")
        await run.press("pagedown")
        assert run.player.trained, app.step_screen.view_state.status
        state = app.step_screen.view_state
        assert state.query.model == run.player.trained["yours.train"]
        assert state.layer.units == 4
        await run.press("pagedown")
        assert run.player.phase == "own"
        assert app.step_screen.view_state.query.model == state.query.model
        await run.press("pageup", "pagedown")  # it is not trained again
        assert run.player.phase == "own"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (SIZES[0], " … was .60 not .31 good .24"),
        (SIZES[1], " · this .50 movie .52 was .60 not .31"),
    ],
)
async def test_while_a_net_is_trained_its_sentence_is_read_and_no_answer_is_told(
    size: tuple[int, int], words: str
) -> None:
    readings, pause = [], threading.Event()
    tokens = ("this", "movie", "was", "not", "good")

    def train(_: object, watch: Callable[[Event], None], stop: Callable[[], bool]) -> str:
        outputs = tuple((1 - p, p) for p in (0.5, 0.52, 0.6, 0.31, 0.24))
        watch(SentenceReading(40, 1, 40, " ".join(tokens), tokens, outputs))
        watch(TrainingStep(1, 7, 41, 158, 0.61))
        pause.wait(60)
        return "sentiment-lstm"

    app = app_of("learning", "en", train=train)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await run.press("pagedown", "2")
        await run.press("pagedown")
        assert run.player.step.id == "learning.first"
        await pilot.press("pagedown")
        for _ in range(200):
            await pilot.pause(0.02)
            if words in (shown := run.shown()):
                break
        readings.append(shown)
        assert words in shown
        assert run.player.waits
        assert run.player.score.asked == 0
        assert run.player.step.changes[0].say not in shown
        pause.set()
        await app.workers.wait_for_complete()
        await settled(app, pilot)
        assert run.player.step.changes[0].say in run.shown()
        assert run.player.score.asked == 1
    assert "epoch 1 of 7, 25 %, loss 0.61" in readings[0]


async def test_a_training_that_fails_is_told() -> None:
    def train(*_: object) -> str:
        raise UsageError("there is no data.")

    app = app_of("yours", "en", train=train)
    async with app.run_test(size=SIZES[0]) as pilot:
        await settled(app, pilot)
        run = LessonRun(app, pilot, True)
        await to_step(run, "yours.train")
        await run.press("pagedown")
        assert app.step_screen.view_state.failed
        assert "there is no data" in app.step_screen.view_state.status
        await run.press("pagedown")
        assert run.player.phase == "own"


async def test_the_keys_of_a_lesson_do_nothing_but_tell_so_without_one() -> None:
    it = small_app()
    async with it.run_test(size=SIZES[0]) as pilot:
        await pilot.press("pagedown")
        assert "rnnviz lesson" in it.step_screen.view_state.status


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 30), (120, 36), (200, 50)])
@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_the_pane_leaves_room_for_the_views_at_every_size(lang: str, size: tuple[int, int]) -> None:
    for name, path in lesson_files().items():
        lesson = read(path, lang)
        for index, step in enumerate(lesson.steps):
            state = moment(lesson=LessonState(LessonPlayer(lesson, index)))
            height = pane_height(state, *size)
            assert height + 12 <= size[1], (name, step.id)
