"""The events of a change of the step screen: what differs between two view states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from rnnviz.clamps import parse
from rnnviz.cursor import Cursor, fitted
from rnnviz.equations import NOTATIONS
from rnnviz.events import (
    CursorEvent,
    Event,
    EventError,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    ReachEvent,
    SessionEvent,
    TallyEvent,
    ViewEvent,
)
from rnnviz.events.records import from_record
from rnnviz.initial_states import parse as parse_states
from rnnviz.messages import _
from rnnviz.query import Query
from rnnviz.toy_net import net_record
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.lesson_differences import lesson_events
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.query_history import QueryHistory
from rnnviz.tui.view.view_state import THINGS, ViewState
from rnnviz.tui.view.vote_state import VoteState
from rnnviz.version import VERSION

#: The fields of the view state that everybody sees, apart from those with an event of their own.
#: Language and theme are a matter of each screen.
SHARED = ("backward", "hidden", "notation", "presenter")


def snapshot(view_state: ViewState, session: str = "") -> Iterator[Event]:
    """The events that lead another screen to this view state; undone queries are left out."""
    lesson = "" if view_state.lesson is None else view_state.lesson.player.lesson.id
    yield SessionEvent(session, lesson, VERSION)
    yield from lesson_events(None, view_state)
    yield _query_event(view_state.latest_query, "start")
    for state in view_state.page_states.values():
        yield PageStateEvent(state.page, page_record(state))
    yield PageEvent(view_state.page)
    yield ViewEvent(shared(view_state))
    if view_state.vote is not None:
        yield _tally_event(view_state.vote)
    if view_state.reaches:
        yield ReachEvent()
    yield cursor_event(view_state)


def differences(before: ViewState, after: ViewState) -> Iterator[Event]:
    """The events that lead from one view state to another, in the order to apply them."""
    if before is after:
        return
    yield from lesson_events(before, after)
    yield from _query_events(before.queries, after.queries)
    for page, state in after.page_states.items():
        if before.page_states.get(page) != state:
            yield PageStateEvent(page, page_record(state))
    if after.page != before.page:
        yield PageEvent(after.page)
    was, now = shared(before), shared(after)
    changed = {name: value for name, value in now.items() if was[name] != value}
    if changed:
        yield ViewEvent(changed)
    if after.vote is not None and after.vote != before.vote:
        yield _tally_event(after.vote)
    if after.reaches and after.reaches is not before.reaches:
        yield ReachEvent()
    moved = (after.cursor, after.first, after.page) != (before.cursor, before.first, before.page)
    if moved or after.trace is not before.trace:
        yield cursor_event(after)


def _tally_event(vote: VoteState) -> TallyEvent:
    """How many have answered a question of a class; once the vote is closed also what."""
    return TallyEvent(
        vote.question, vote.vote, vote.is_open, vote.answered, vote.devices, vote.counts,
        vote.values, vote.reasons,
    )  # fmt: skip


def cursor_event(view_state: ViewState) -> CursorEvent:
    """Where the cursor is."""
    cursor, tokens = view_state.cursor, view_state.trace.tokens
    return CursorEvent(
        cursor.t, view_state.part, cursor.unit, cursor.layer, cursor.zoom, view_state.first,
        tokens[cursor.t], len(tokens),
    )  # fmt: skip


def cursor_at(event: CursorEvent, view_state: ViewState) -> Cursor:
    """The nearest cursor in the trace on the screen; an unknown part is the last one."""
    layers = view_state.trace.layers
    parts = layers[min(max(event.layer, 0), len(layers) - 1)].parts
    part = parts.index(event.part) if event.part in parts else len(parts) - 1
    cursor = Cursor(event.layer, event.t, part, event.unit, event.zoom)
    return fitted(cursor, view_state.trace)


def _query_events(before: QueryHistory, after: QueryHistory) -> Iterator[QueryEvent]:
    """How the history of queries went on: by one query, or by steps back or forth."""
    if before is after or before.current == after.current:
        return
    forth = len(after.past) - len(before.past)
    undone = before.past[len(after.past) :]
    redone = before.future[: max(0, forth)]
    if forth < 0 and undone[0].query == after.current.query:
        yield from (_query_event(step.query, "undo") for step in reversed(undone))
    elif redone and len(before.future) - len(after.future) == forth and (
        redone[-1].query == after.current.query
    ):  # fmt: skip
        yield from (_query_event(step.query, "redo") for step in redone)
    else:
        edit = after.current.query != after.current.origin
        yield _query_event(after.current.query, "edit" if edit else "ask")


def _query_event(query: Query, step: Any) -> QueryEvent:
    net = None
    if query.hand is not None:
        net = net_record.to_record(net_record.NetFile(query.hand))
    return QueryEvent(
        query.text, query.model, query.target, query.random, tuple(map(str, query.clamps)), net,
        step, tuple(map(str, query.initial)),
    )  # fmt: skip


def query_of(event: QueryEvent) -> Query:
    """The query of an event; EventError or UsageError if it is none."""
    net = None
    if event.net is not None:
        try:
            net = net_record.from_record(event.net).hand
        except (ValueError, TypeError) as error:
            raise EventError(
                _("query: 'net' is not a net: {reason}").format(reason=error)
            ) from error
    clamps = tuple(parse(clamp) for clamp in event.clamps)
    initial = tuple(state for text in event.initial for state in parse_states(text))
    return Query(event.text, event.model, event.target, event.random, clamps, net, initial)


def page_record(state: PageState) -> dict[str, Any]:
    """The fields of a page's state."""
    return {field.name: getattr(state, field.name) for field in fields(state)}


def page_state_of(event: PageStateEvent) -> PageState:
    """The state of a page, or of what else has one; EventError if it is none."""
    if is_page(event.page):
        load(event.page)  # its module has the class
    for kind in PageState.__subclasses__():
        if kind.page == event.page:
            # As a JSON line has it, where it comes from this process.
            record = {name: _listed(value) for name, value in event.state.items()}
            return from_record(kind, record, _("page_state of {page}").format(page=kind.page))
    raise EventError(_("page_state: {page!r} has no state.").format(page=event.page[:60]))


def _listed(value: Any) -> Any:
    """Tuples as lists, also inside one another."""
    return [_listed(each) for each in value] if isinstance(value, tuple | list) else value


def is_page(name: str) -> bool:
    """Whether there is a page of this name."""
    return any(name == entry.name for entry in PAGES)


def require_page(name: str) -> str:
    """The name of a page; EventError for any other."""
    if not is_page(name):
        raise EventError(_("There is no page {name!r}.").format(name=name[:60]))
    return name


def shared(view_state: ViewState) -> dict[str, Any]:
    """How the trace is shown; of predict mode whether it is on, and what has been revealed."""
    session = view_state.predictions
    fields = {name: getattr(view_state, name) for name in SHARED}
    return fields | {"predict": session.on, "frontier": session.frontier}


def view_changes(changes: Mapping[str, Any], view_state: ViewState) -> dict[str, Any]:
    """The fields of the view state that are to change; EventError for a value out of range."""
    now = shared(view_state)
    wanted = {name: value for name, value in changes.items() if name in now}
    names = {
        "notation": NOTATIONS, "presenter": ("", *THINGS),
        "frontier": range(len(view_state.trace.tokens) + 1),
    }  # fmt: skip
    for name, value in wanted.items():
        of_type = type(value) is type(now[name])
        if not of_type or (name in names and value not in names[name]):
            raise EventError(
                _("view: {name!r} cannot be {value!r:.60}.").format(name=name, value=value)
            )
    found = {name: wanted[name] for name in SHARED if wanted.get(name, now[name]) != now[name]}
    session = view_state.predictions
    on, frontier = wanted.get("predict", session.on), wanted.get("frontier", session.frontier)
    if (on, frontier) != (session.on, session.frontier):
        found["predictions"] = replace(session, on=on, frontier=frontier)
    if on:
        found.pop("hidden", None)  # the mode decides
    return found
