"""A lesson on the step screen: how far it has come, and what its pane shows beside the texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rnnviz.analysis.readout import shown_class
from rnnviz.analysis.series import forecasts
from rnnviz.cursor import Cursor, fitted
from rnnviz.lessons.player import LessonPlayer, Place
from rnnviz.trace import Trace

if TYPE_CHECKING:
    from rnnviz.tui.view.view_state import ViewState


@dataclass(frozen=True, eq=False)
class LessonState:
    """A lesson in progress; ``before`` is the trace that a change is compared with.

    ``next`` is the lesson that comes after this one, "" for none. ``training`` is how far the
    training of a change has come, in words; "" while none runs.
    """

    player: LessonPlayer
    before: Trace | None = None
    next: str = ""
    training: str = ""


def with_open_question(view_state: ViewState) -> ViewState:
    """The view state with what a question of the lesson is about hidden, until it is revealed.

    What comes after the cursor is hidden so that nothing tells it, and the cursor does not go past
    the place of the question. In predict mode that mode hides.
    """
    lesson = view_state.lesson
    if lesson is None or view_state.predictions.on:
        return view_state
    scene = lesson.player.scene
    if not scene.covered:
        hidden = view_state.hidden or view_state.revealed
        return replace(view_state, hidden=False, revealed=False) if hidden else view_state
    cursor = view_state.cursor
    if view_state.query == scene.query:
        cursor = _not_past(place_cursor(scene.place, view_state.trace, view_state), view_state)
    wanted = (True, not scene.hidden, cursor)
    if (view_state.hidden, view_state.revealed, view_state.cursor) == wanted:
        return view_state
    return replace(view_state, hidden=True, revealed=not scene.hidden, cursor=cursor)


def _not_past(place: Cursor, view_state: ViewState) -> Cursor:
    """The cursor of a view state, or the place if it is further on in the same layer."""
    cursor, order = view_state.cursor, view_state.layer.order
    if cursor.layer != place.layer:
        return cursor
    here, limit = (order.index(c.t) * 100 + c.part for c in (cursor, place))
    return replace(cursor, t=place.t, part=place.part) if here > limit else cursor


def place_cursor(place: Place, trace: Trace, view_state: ViewState) -> Cursor:
    """The cursor of a trace at a lesson's place.

    Without a unit it stays where it is, or where it is most in another model. A part that this
    cell does not have is the last one.
    """
    before, layer = view_state.cursor, min(place.layer, len(trace.layers)) - 1
    parts = trace.layers[layer].parts
    part = parts.index(place.part) if place.part in parts else len(parts) - 1
    same = trace.model == view_state.trace.model
    unit = place.unit if place.unit is not None else before.unit if same else trace.leading_unit()
    zoom: Any = place.zoom
    return fitted(Cursor(layer, place.token - 1, part, unit, zoom), trace)


def answered_output(view_state: ViewState, t: int) -> float | None:
    """What was answered to a revealed question of the lesson about the output of token t."""
    lesson = view_state.lesson
    if lesson is None or lesson.player.phase in ("ask", "committed"):
        return None
    player, question = lesson.player, lesson.player.step.question
    if question is None or question.kind != "number" or not question.of.startswith("p("):
        return None
    answer, last = player.answer, len(view_state.trace.tokens) - 1
    shown = view_state.query == player.scene.query and t == min(player.scene.place.token - 1, last)
    return answer.prediction.answer if shown and answer and answer.prediction else None


def last_output(trace: Trace) -> float:
    """What the net says at the end: the probability of the shown class, or the forecast."""
    if trace.series is not None:
        return float(forecasts(trace)[-1])
    return float(trace.head.readout[-1, shown_class(trace.head)])
