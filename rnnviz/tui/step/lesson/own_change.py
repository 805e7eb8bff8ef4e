"""The learner's own change in a lesson: what is typed, read, and whether it reaches the goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from rnnviz.clamps import parse_counted
from rnnviz.cursor import fitted
from rnnviz.errors import UsageError, one_line
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import LessonChange, Step
from rnnviz.lessons.reader import with_change
from rnnviz.query import Query
from rnnviz.tui.step.attempt import attempt
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.lesson.host import LessonHost


class OwnChange:
    """The learner's own changes in the lesson of one step screen.

    Whatever is read at such a change is checked, also what is typed into the prompts of pages.
    """

    def __init__(self, host: LessonHost) -> None:
        self.host, self.screen = host, host.screen

    def open(self, change: LessonChange) -> None:
        label = self.screen.view_state.text(f"lesson.own_{change.own}")
        self.screen.prompt.open(Prompt(label, self._typed_change))

    def _typed_change(self, view_state: ViewState, typed: str) -> Change:
        lesson = view_state.lesson
        change = None if lesson is None else lesson.player.change
        if lesson is None or change is None or change.own is None:
            return Change()
        if not typed:
            return Change(message=view_state.text("status.empty"), failed=True)
        try:
            query = _changed(lesson.player.base, change.own, typed, view_state.trace.tokens)
        except UsageError as error:
            return Change(message=one_line(error), failed=True)
        return Change(query=query)

    def trace_shown(self) -> None:
        """A new trace is on the screen: check it if the learner is to change something."""
        state, view_state = self.host.state, self.screen.view_state
        if state is None or state.player.phase != "own" or state.player.change is None:
            return
        query, change = view_state.query, state.player.change
        if query in (state.player.own, state.player.base):
            return
        self.host.set_player(state.player.tried(query, None))
        last = len(view_state.trace.tokens) - 1
        self.screen.show(cursor=fitted(replace(view_state.cursor, t=last), view_state.trace))
        self.host.pending.add(query)
        self.screen.run_worker(
            partial(self._check_goal, state.player.step, change, query), thread=True,
            group="lesson", exit_on_error=False,
        )  # fmt: skip

    def _check_goal(self, step: Step, change: LessonChange, query: Query) -> None:
        evaluator = Evaluator(self.screen.requests.explorer)
        value, why = attempt(partial(evaluator.value, change.reached, query, step.against))
        if not get_current_worker().is_cancelled:
            self.screen.call_later(self._receive_goal, query, bool(value), why)

    def _receive_goal(self, query: Query, reached: bool, why: str) -> None:
        """Whether the goal is reached is known; or the reason why it is not."""
        self.host.pending.discard(query)
        state = self.host.state
        if state is None or state.player.own != query:
            return
        self.host.set_player(state.player.tried(query, reached))
        if why:
            self.screen.fail("status.failed", reason=why.rstrip("."))


def _changed(query: Query, kind: str, typed: str, tokens: Sequence[str]) -> Query:
    """The query with a change that is typed where ``tokens`` are shown, numbered from 1."""
    if kind == "clamp":
        return replace(query, clamps=(*query.clamps, parse_counted(typed, tokens)))
    return with_change(query, kind, typed)
