"""Reading other sentences and models: in a thread, answered by messages to the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.message import Message

from rnnviz import i18n
from rnnviz.analysis.model_choice import ModelChoice, ModelChoiceQuestion
from rnnviz.analysis.model_family import Kind, input_kind, switch_models
from rnnviz.cursor import Cursor, fitted
from rnnviz.display import in_one_line, visible
from rnnviz.errors import shortened
from rnnviz.lookup import DEFAULTS
from rnnviz.query import Explorer, Query
from rnnviz.trace import Trace
from rnnviz.trace.notation import in_notation, written_clamp
from rnnviz.tui.step.attempt import attempt
from rnnviz.tui.view.query_history import QueryHistory
from rnnviz.tui.view.view_state import Reach, ViewState

#: Characters of a text in a message.
QUOTED = 60

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


@dataclass(frozen=True)
class TraceRequest:
    """A query to be read, and what is shown with its trace."""

    query: Query
    quiet: bool = False  # keep the message, and the cursor as far as it fits
    cursor: Cursor | None = None  # of another text; None: its first token
    message: str = ""
    #: Where the cursor goes, from the new trace and the view state before; None: as above.
    to: Callable[[Trace, ViewState], Cursor | None] | None = None


class TraceReady(Message):
    """The trace of a query; or None and the reason."""

    def __init__(self, request: TraceRequest, trace: Trace | None, reason: str = "") -> None:
        super().__init__()
        self.request, self.trace, self.reason = request, trace, reason


class ReachReady(Message):
    """The reach of other models over the same sentence, by model."""

    def __init__(self, text: str, reaches: dict[str, Reach], reason: str = "") -> None:
        super().__init__()
        self.text, self.reaches, self.reason = text, reaches, reason


class TraceRequests:
    """What one step screen asks its explorer for; a newer request cancels an older one."""

    def __init__(self, screen: StepScreen, explorer: Explorer) -> None:
        self.screen, self.explorer = screen, explorer
        self.chooses_model = False  # no model was named: a sentence chooses a default one
        self._others: dict[Kind, tuple[str, ...]] = {}  # the models of the digit keys
        self._expected: TraceRequest | None = None  # the one that is being read
        self._read_last = screen.view_state.queries  # the queries when a trace was shown last

    @property
    def is_reading(self) -> bool:
        """Whether a trace is still to come."""
        return self._expected is not None

    def forget(self) -> None:
        """Drop what is being read; the queries on the screen are those that were read."""
        self._expected = None
        self._read_last = self.screen.view_state.queries

    def ask(self, request: TraceRequest, *, edit: bool = False) -> None:
        """Read another query; ``edit``: it goes on with a series of edits."""
        screen = self.screen
        screen.playback.stop()
        screen.page_host.drop_waiting()
        if not request.quiet:
            screen.say("status.reading", text=in_one_line(request.query.text))
        queries = screen.view_state.queries
        self.read(request, queries.pushed(request.query, screen.view_state.cursor, edit=edit))

    def ask_sentence(self, text: str) -> Query:
        """Read a typed sentence, with the default net that knows more of its words; the query.

        The model stays where another one than the default ones is on the screen.
        """
        view_state = self.screen.view_state
        before = view_state.query
        query, message = replace(before, text=text, target=None, initial=()), ""
        plain = before.random is None and not before.clamps and before.hand is None
        if self.chooses_model and plain and before.model in DEFAULTS:
            choice, _reason = attempt(partial(self.explorer, ModelChoiceQuestion(text)))
            if choice is not None and choice.model != before.model:
                query = replace(query, model=choice.model)
                message = choice_text(choice, view_state.text)
        self.ask(TraceRequest(query, message=message))
        return query

    def read(self, request: TraceRequest, queries: QueryHistory) -> None:
        """Trace a query; the screen gets a :class:`TraceReady`.

        ``queries`` is the history with the query as the current one. It is taken back if the query
        cannot be read.
        """
        self._expected = request
        self.screen.show(history=queries)
        self.screen.run_worker(
            partial(self._read, request), thread=True, exclusive=True, group="read",
            exit_on_error=False,
        )  # fmt: skip

    def undo(self) -> None:
        """Read the query before the latest one again."""
        view_state = self.screen.view_state
        self._go(view_state.queries.undone(view_state.cursor), "undo.undone", "undo.nothing")

    def redo(self) -> None:
        """Read the query again that was undone last."""
        view_state = self.screen.view_state
        self._go(view_state.queries.redone(view_state.cursor), "undo.redone", "undo.nothing_undone")

    def _go(self, queries: QueryHistory, done: str, nothing: str) -> None:
        screen, before = self.screen, self.screen.view_state.latest_query
        step = queries.current
        if queries is screen.view_state.queries:
            screen.say(nothing)
            return
        screen.playback.stop()
        screen.page_host.drop_waiting()
        what = difference_text(screen.view_state, before, step.query)
        message = screen.view_state.text(done, what=what)
        if screen.view_state.page and (step.query.text, step.query.model) == (
            before.text, before.model
        ):  # fmt: skip
            message = ""  # the page shows it, and keeps its height
        self.read(TraceRequest(step.query, True, step.cursor, message), queries)

    def _read(self, request: TraceRequest) -> None:
        trace, reason = self._traced(request.query)
        self.screen.post_message(TraceReady(request, trace, reason))

    def _traced(self, query: Query) -> tuple[Trace | None, str]:
        return attempt(partial(self.explorer, query))

    def show_trace(self, message: TraceReady) -> None:
        """Show the new trace with the cursor at the same place; or the reason why there is none."""
        screen, request, trace = self.screen, message.request, message.trace
        before = screen.view_state
        if request is self._expected:
            self._expected = None
        if request.query != before.latest_query:
            return  # a newer query is being read
        if trace is not None:
            trace = in_notation(trace, before.notation)
        if trace is None:
            screen.show(history=self._read_last.without(request.query))
            screen.fail("status.failed", reason=message.reason.rstrip("."))
            return
        self._read_last = before.queries
        screen.prompt.receive_answer(request.query, "")
        same_text = trace.tokens == before.trace.tokens
        numbers = request.query.hand is not None or trace.series is not None
        if request.quiet and (numbers or request.cursor is None):
            # A number of the text was changed, not the text.
            stays = len(trace.tokens) == len(before.trace.tokens)
        else:
            stays = same_text
        at_last_part = before.cursor.part == len(before.layer.parts) - 1
        cursor = before.cursor
        if not stays:
            cursor = request.cursor or replace(cursor, t=0, part=10**6)
        elif at_last_part:
            cursor = replace(cursor, part=10**6)
        if request.to is not None:
            cursor = request.to(trace, before) or cursor
        changes: dict[str, Any] = {"reaches": before.reaches if same_text else {}}
        if request.message or not request.quiet:
            changes |= {"status": request.message, "failed": False}
        kind = input_kind(request.query, trace)
        if kind != input_kind(before.query, before.trace):
            self._others[input_kind(before.query, before.trace)] = before.others
            changes["others"] = self._others.get(kind, switch_models(kind))
        screen.show(trace=trace, query=request.query, cursor=fitted(cursor, trace), **changes)
        screen.lesson.trace_shown()

    def compare_reach(self) -> None:
        """Trace the sentence with up to three other models; ends in a :class:`ReachReady`."""
        view_state = self.screen.view_state
        if not view_state.others:
            self.screen.fail("status.no_others")
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


def choice_text(choice: ModelChoice, text: Callable[..., str]) -> str:
    """Which net reads the sentence now, and how many words each knows."""
    chosen = choice.chosen
    others = ", ".join(f"{other.model} {other.known}" for other in choice.others)
    return text(
        "status.chosen_model", model=chosen.model, known=chosen.known, words=chosen.words,
        others=others,
    )  # fmt: skip


def difference_text(view_state: ViewState, before: Query, after: Query) -> str:
    """What the query is now, as far as it differs from the one before."""
    say, texts = view_state.text, []
    if after.text != before.text and after.hand is None:
        texts.append(say("undo.sentence", text=shortened(in_one_line(after.text), QUOTED)))
    if after.model != before.model or after.random != before.random:
        texts.append(say("undo.model", model=i18n.model_name(after.model, view_state.lang)))
    if after.hand is not None and (after.hand, after.text) != (before.hand, before.text):
        texts.append(say("undo.net"))
    if after.target != before.target and after.target is not None:
        texts.append(say("undo.target", target=visible(after.target)))
    if after.clamps != before.clamps:
        tokens = view_state.trace.tokens if after.text == before.text else ()
        trace = view_state.trace
        clamps = ", ".join(written_clamp(each, trace).counted(tokens) for each in after.clamps)
        texts.append(say("undo.clamps", clamps=clamps) if clamps else say("undo.no_clamps"))
    return " · ".join(texts)
