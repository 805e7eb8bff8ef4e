"""Every lesson from its first step to its last by keys alone, in both languages and two sizes."""

from __future__ import annotations

import asyncio
from functools import cache, partial

import pytest
from textual.pilot import Pilot
from tui.small_models import screen_text

from rnnviz import explore, i18n
from rnnviz.cli.lesson_run import make_app
from rnnviz.display import visible
from rnnviz.lessons.catalogue import lesson_files
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import LessonQuestion, Step
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.predictions import spoken
from rnnviz.lessons.progress import ProgressFile
from rnnviz.lessons.reader import read
from rnnviz.query import Explorer
from rnnviz.tui.step.app import RnnvizApp, settled

SIZES = ((80, 24), (120, 36))
KEYS = {" ": "space", ".": "full_stop", "-": "minus", ",": "comma"}


@cache
def explorer() -> Explorer:
    return explore.explorer("sample")


@cache
def evaluator() -> Evaluator:
    return Evaluator(explorer())


def app_of(name: str, lang: str) -> RnnvizApp:
    path = lesson_files()[name]
    return make_app(
        LessonPlayer(read(path, lang)), explorer(), ProgressFile(None), read=partial(read, path),
        lang=lang, color="always",
    )  # fmt: skip


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


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("name", lesson_files())
def test_a_lesson_runs_from_start_to_end(name: str, lang: str, size: tuple[int, int]) -> None:
    right = (lang == "en") == (size == SIZES[0])

    async def run() -> None:
        app = app_of(name, lang)
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            phases = await LessonRun(app, pilot, right).run()
            assert phases[-1] == "say"

    asyncio.run(run())
