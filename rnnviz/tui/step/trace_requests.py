"""Reading other sentences and models: in a thread, answered by messages to the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from rnnviz.cursor import fitted
from rnnviz.errors import RnnvizError, one_line
from rnnviz.query import Explorer, Query
from rnnviz.trace import Trace
from rnnviz.tui.view.view_state import Reach

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


class TraceReady(Message):
    """The trace of a query; or None and the reason."""

    def __init__(
        self, query: Query, trace: Trace | None, reason: str = "", quiet: bool = False
    ) -> None:
        super().__init__()
        self.query, self.trace, self.reason, self.quiet = query, trace, reason, quiet


class ReachReady(Message):
    """The reach of other models over the same sentence, by model."""

    def __init__(self, text: str, reaches: dict[str, Reach], reason: str = "") -> None:
        super().__init__()
        self.text, self.reaches, self.reason = text, reaches, reason


class TraceRequests:
    """What one step screen asks its explorer for; a newer request cancels an older one."""

    def __init__(self, screen: StepScreen, explorer: Explorer) -> None:
        self.screen, self.explorer = screen, explorer

    def read(self, query: Query, quiet: bool) -> None:
        """Trace a query; the screen gets a :class:`TraceReady`."""
        self.screen.run_worker(
            partial(self._read, query, quiet), thread=True, exclusive=True, group="read",
            exit_on_error=False,
        )  # fmt: skip

    def _read(self, query: Query, quiet: bool) -> None:
        trace, reason = self._traced(query)
        self.screen.post_message(TraceReady(query, trace, reason, quiet))

    def _traced(self, query: Query) -> tuple[Trace | None, str]:
        try:
            return self.explorer(query), ""
        except RnnvizError as error:
            return None, one_line(error)
        except Exception as error:
            # An error in an explorer must not end the app.
            return None, f"{type(error).__name__}: {error}"

    def show_trace(self, message: TraceReady) -> None:
        """Show the new trace with the cursor at the same place; or the reason why there is none."""
        screen = self.screen
        if message.trace is None:
            screen.fail("status.failed", reason=message.reason.rstrip("."))
            return
        screen.prompt.receive_answer(message.query, "")
        before, trace = screen.view_state, message.trace
        same_text = trace.tokens == before.trace.tokens
        if message.quiet:  # a number of the text was changed, not the text
            same_text = len(trace.tokens) == len(before.trace.tokens)
        at_last_part = before.cursor.part == len(before.layer.parts) - 1
        cursor = before.cursor if same_text else replace(before.cursor, t=0)
        cursor = replace(cursor, part=10**6) if at_last_part or not same_text else cursor
        reaches = before.reaches if same_text else {}
        status = {} if message.quiet else {"status": "", "failed": False}
        screen.show(
            trace=trace, query=message.query, cursor=fitted(cursor, trace), reaches=reaches,
            **status,
        )  # fmt: skip

    def compare_reach(self) -> None:
        """Trace the sentence with up to three other models; ends in a :class:`ReachReady`."""
        view_state = self.screen.view_state
        if view_state.comparing or not view_state.others:
            return
        self.screen.show(comparing=True)
        queries = [replace(view_state.query, model=m, target=None) for m in view_state.others[:3]]
        self.screen.run_worker(
            partial(self._compare_reach, queries), thread=True, exclusive=True, group="compare",
            exit_on_error=False,
        )  # fmt: skip

    def _compare_reach(self, queries: Sequence[Query]) -> None:
        reaches: dict[str, Reach] = {}
        reason = ""
        for query in queries:
            trace, failure = self._traced(query)
            if trace is None:
                reason = failure
            else:
                layer = trace.layers[-1]
                reaches[query.model] = Reach(layer.title, layer.reach)
        self.screen.post_message(ReachReady(queries[0].text, reaches, reason))

    def show_reach(self, message: ReachReady) -> None:
        """Show the comparison, unless another sentence is on the screen by now."""
        screen = self.screen
        if message.text != screen.view_state.query.text:
            screen.show(comparing=False)
            return
        T = len(screen.view_state.trace.tokens)
        reaches = {m: r for m, r in message.reaches.items() if len(r.values) == T}
        screen.show(reaches=reaches, comparing=False)
        if message.reason:
            screen.fail("status.failed", reason=message.reason.rstrip("."))
