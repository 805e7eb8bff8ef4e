"""The diagram with numbers on their way: where each is written, without covering another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.style import Style

from rnnviz.display import visible
from rnnviz.tui.panels.cell_diagram import Diagram, State
from rnnviz.tui.panels.diagram_canvas import Overlay, draw_on_canvas
from rnnviz.tui.panels.travel import Flight, printed, travel
from rnnviz.tui.render.large_text import MEDIUM, drawable, large_text
from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.view_state import ViewState


def travel_picture(
    view_state: ViewState, style_of: Callable[[State], Style], plan: Diagram
) -> list[Line]:
    """The diagram at ``view_state.travel``, a time from 0 to 1."""
    ways = travel(view_state, plan)
    frame = ways.frame(view_state, view_state.travel or 0.0)
    large = any(at.height >= MEDIUM.lines for at in plan.labels)
    texts: dict[str, tuple[str, str]] = {}
    for name in ways.graph.labels:
        if ways.drawn(name):
            text = printed(view_state, frame, name, large)
        else:  # what a function is applied to, in its box
            blank = view_state.backward or view_state.hidden or frame.states[name] == "later"
            text = ("", "") if blank else None
        if text is not None:
            texts[name] = text
    flights = placed(view_state, plan, frame.flights, large)
    return draw_on_canvas(view_state, style_of, plan, frame.states, flights, texts)


def placed(
    view_state: ViewState, plan: Diagram, flights: Sequence[Flight], large: bool
) -> list[Overlay]:
    """The texts of the flights at their places; one without a free place is left out."""
    # The pixels of large digits end at the edges of their lines: there is no margin around them.
    style = view_state.theme.now if large else view_state.theme.chosen
    found: list[Overlay] = []
    once = {(flight.text, flight.place): flight for flight in flights}
    for flight in once.values():
        lines = _lines(view_state, flight.text, large)
        row, column = _corner(plan, flight, lines)
        high, wide = len(lines), max(map(len, lines))
        for moved in (0, -high, high):
            top = row + moved
            fits = 0 <= top <= len(plan.art) - high
            if fits and not any(other.meets(top, column, high, wide) for other in found):
                found.append(Overlay(top, column, tuple(lines), style))
                break
    return found


def _lines(view_state: ViewState, text: str, large: bool) -> list[str]:
    text = visible(text)
    if large and drawable(text, MEDIUM):
        drawn = large_text(text, MEDIUM, view_state.theme.ascii)
        return [f" {line} " for line in drawn]
    if cell_len(text) != len(text):  # a canvas has one column a character
        text = "“…”"
    return [f" {text} "]  # a digit of the drawing beside it would make it another number


def _corner(plan: Diagram, flight: Flight, lines: Sequence[str]) -> tuple[int, int]:
    """Row and column of a text whose front is at the place of the flight.

    On a wire to the right the text ends there, on one to the left it begins there; up and down it
    is centred.
    """
    row, column = flight.place
    k = min(flight.at, len(flight.path) - 2)
    way = flight.path[k + 1][1] - flight.path[k][1] if k >= 0 else 0
    high, wide = len(lines), max(map(len, lines))
    left = column - wide + 1 if way > 0 else column if way < 0 else column - wide // 2
    top = row - high // 2
    return (
        min(max(top, 0), max(0, len(plan.art) - high)),
        min(max(left, 0), max(0, plan.width - wide)),
    )
