"""The moments of a recording: what was on the screen, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, get_type_hints

from rnnviz.cursor import fitted
from rnnviz.equations import NOTATIONS
from rnnviz.events import (
    CursorEvent,
    Event,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    ReachEvent,
    ViewEvent,
)
from rnnviz.i18n import LANGUAGES
from rnnviz.lessons.player import stages
from rnnviz.tui.replay import values
from rnnviz.tui.replay.values import misfit
from rnnviz.tui.step import view_differences
from rnnviz.tui.view.query_history import QueryHistory
from rnnviz.tui.view.view_state import THINGS, ViewState

#: Fields of the view state that are of the screen on which it is played, or that nothing changes.
_NOT_RECORDED = frozenset({"theme", "keymap", "paper"})
#: Fields that are written as what has changed, by key.
BY_KEY = ("answers", "failures")
#: The fields of a view state that a recording holds.
RECORDED = tuple(f.name for f in fields(ViewState) if f.name not in _NOT_RECORDED)
#: Those to which an event of their own leads; the others come before these events.
_BY_EVENT = frozenset({
    "cursor", "first", "page", "page_states", "backward", "hidden", "notation", "presenter",
    "predictions", "history", "comparing",
})  # fmt: skip
OWN = tuple(name for name in RECORDED if name not in _BY_EVENT)
#: Pieces of a row: text and style.
Pieces = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Moment:
    """What was on the screen from ``seconds`` on; ``events`` led to it from the moment before.

    ``line`` is the input line as it was drawn, ``window`` the rows of the whole terminal while a
    window is in front; None without. ``theme`` is the name of the theme.
    """

    seconds: float
    view_state: ViewState
    size: tuple[int, int]
    theme: str
    events: tuple[Event, ...] = ()
    line: Pieces | None = None
    window: Mapping[int, Pieces] | None = None
    number: int = 0  # of its last line in the file


# -- one event after the other --------------------------------------------------------------------


def fold(view_state: ViewState, event: Event) -> ViewState:
    """The view state after an event; ValueError or RnnvizError for one that does not fit.

    The recorder checks with the same function whether events lead to what is on the screen, and
    adds what they leave out.
    """
    match event:
        case CursorEvent():
            cursor = view_differences.cursor_at(event, view_state)
            T = len(view_state.trace.tokens)
            return replace(view_state, cursor=cursor, first=min(max(event.first, 0), T - 1))
        case PageEvent(page=page):
            return replace(view_state, page=view_differences.require_page(page) if page else "")
        case PageStateEvent():
            state = view_differences.page_state_of(event)
            page_states = {**view_state.page_states, state.page: state}
            return replace(view_state, page_states=page_states)
        case ViewEvent(changes=changes):
            return _viewed(view_state, changes)
        case ReachEvent():
            return replace(view_state, comparing=True)
        case QueryEvent():
            return replace(view_state, history=_asked(view_state, event))
    return view_state


def _viewed(view_state: ViewState, changes: Mapping[str, Any]) -> ViewState:
    found = view_differences.view_changes(changes, view_state)
    if "hidden" in changes:
        found["hidden"] = changes["hidden"] is True
    return replace(view_state, **found)


def _asked(view_state: ViewState, event: QueryEvent) -> QueryHistory:
    query, queries = view_differences.query_of(event), view_state.queries
    if event.step == "start":
        return QueryHistory.start(query)
    if event.step == "undo" and queries.past and queries.past[-1].query == query:
        return queries.undone(view_state.cursor)
    if event.step == "redo" and queries.future and queries.future[0].query == query:
        return queries.redone(view_state.cursor)
    return queries.pushed(query, view_state.cursor, edit=event.step == "edit")


def differing(before: ViewState, after: ViewState) -> tuple[str, ...]:
    """The recorded fields in which two view states differ."""
    found = []
    for name in RECORDED:
        # The history of one query may be left out of a view state.
        shown = "queries" if name == "history" else name
        a, b = getattr(before, shown), getattr(after, shown)
        if a is not b and a != b:
            found.append(name)
    return tuple(found)


# -- fields of the view state ---------------------------------------------------------------------


@cache
def field_hints() -> Mapping[str, Any]:
    """The types of the fields of a view state."""
    return get_type_hints(ViewState)


def changes_record(
    before: ViewState, after: ViewState, names: tuple[str, ...], sink: values.ContentSink
) -> dict[str, Any]:
    """Fields of a view state as JSON; of answers only what has changed."""
    found: dict[str, Any] = {}
    for name in names:
        value = getattr(after, name)
        if name in BY_KEY:
            found[name] = _entries_record(getattr(before, name), value, sink)
        elif name == "page_states":
            records = ((s.page, view_differences.page_record(s)) for s in value.values())
            found[name] = [[page, record] for page, record in records]
        else:
            found[name] = values.encode(value, field_hints()[name], sink)
    return found


def _entries_record(
    before: Mapping[Any, Any], after: Mapping[Any, Any], sink: values.ContentSink
) -> dict[str, Any]:
    """The entries that are new or changed, and those that are gone."""
    gone = [key for key in before if key not in after]
    new = {k: v for k, v in after.items() if k not in before or before[k] is not v}
    return {
        "new": [[values.encode(k, Any, sink), values.encode(v, Any, sink)] for k, v in new.items()],
        "gone": [values.encode(key, Any, sink) for key in gone],
    }


def changed(
    view_state: ViewState, changes: Mapping[str, Any], source: values.ContentSource
) -> ViewState:
    """The view state with the fields of a record; ValueError for what does not fit."""
    found: dict[str, Any] = {}
    for name, data in changes.items():
        if name in BY_KEY:
            found[name] = _with_entries(getattr(view_state, name), data, source)
        elif name == "page_states":
            found[name] = _page_states(data)
        elif name in RECORDED:
            found[name] = values.decode(data, field_hints()[name], source)
    return checked(replace(view_state, **found))


def _with_entries(
    before: Mapping[Any, Any], data: Any, source: values.ContentSource
) -> dict[Any, Any]:
    if not isinstance(data, dict):
        raise misfit("answers", data)
    gone = {values.decode(key, Any, source) for key in data.get("gone", ())}
    kept = {key: value for key, value in before.items() if key not in gone}
    return kept | {
        values.decode(key, Any, source): values.decode(value, Any, source)
        for key, value in data.get("new", ())
    }


def _page_states(data: Any) -> dict[str, Any]:
    states = (view_differences.page_state_of(PageStateEvent(page, dict(s))) for page, s in data)
    return {state.page: state for state in states}


def checked(view_state: ViewState) -> ViewState:
    """The view state with its cursor in the trace; ValueError if a field names what there is not.

    A trace may have changed before the event that says where the cursor is in it.
    """
    trace, lesson = view_state.trace, view_state.lesson
    if view_state.notation not in NOTATIONS or view_state.presenter not in ("", *THINGS):
        raise misfit("notation, presenter", (view_state.notation, view_state.presenter))
    if view_state.lang not in LANGUAGES:
        raise misfit("lang", view_state.lang)
    if view_state.page:
        view_differences.require_page(view_state.page)
    if view_state.travel is not None and not 0 <= view_state.travel <= 1:
        raise misfit("travel", view_state.travel)
    if lesson is not None:
        player = lesson.player
        if not 0 <= player.index < len(player.lesson.steps):
            raise misfit("index", player.index)
        if not 0 <= player.stage < len(stages(player.lesson, player.index)):
            raise misfit("stage", player.stage)
    first = min(max(view_state.first, 0), len(trace.tokens) - 1)
    return replace(view_state, cursor=fitted(view_state.cursor, trace), first=first)
