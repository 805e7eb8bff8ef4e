"""The backward panel: the gradients of the chosen unit at the current part."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.equations import Line as Formula
from rnnviz.equations import number
from rnnviz.tui.panels.equations import arithmetic, name_style, symbol_spans, walk_start
from rnnviz.tui.render.segments import Line, heading, length, spans
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class Gradients(View):
    """A line for each gradient: its value and its equation."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme = view_state.theme
        title, question = view_state.text("panel.backward"), view_state.text("question.backward")
        note = view_state.loss()
        if cell_len(title) + cell_len(note) + 5 > width:
            note = f"L = {'?' if view_state.hidden else number(view_state.trace.head.loss)}"
        head = heading(title, question, width, theme, note)
        if view_state.part == "predict":
            start = walk_start(view_state, width)
            # Where there is no room for the loss of this step, the sum is what counts.
            writes = view_state.trace.head.writes
            return [head, *(start[-(height - 1) :] if writes and height > 1 else start)]
        lines = [head]
        for line in view_state.back:
            lines += gradient_line(view_state, line, width)
        if len(lines) == 1:
            lines.append([Segment(" " + view_state.text("view.no_back"), theme.dim)])
        return lines


def _left(name: str) -> str:
    """The name of a gradient, in nine columns at least."""
    return f" {name}" + " " * (8 - cell_len(name))


def gradient_line(view_state: ViewState, line: Formula, width: int) -> list[Line]:
    """One gradient in one line: its value, and as much of its equation as fits.

    Empty if the chosen unit has no such component (an input narrower than the layer).
    """
    theme = view_state.theme
    worked = arithmetic(view_state.layer, line.formula, view_state.cursor.t, view_state.cursor.unit)
    if worked is None:
        return []
    result = "?" if view_state.hidden else worked.result
    style = name_style(view_state, line.name)
    left = [
        Segment(_left(view_state.symbol(line.name, view_state.step)), theme.now),
        Segment(" = ", theme.ink),
        Segment(result.ljust(8), theme.now),
    ]
    middle = [
        Segment("= ", theme.dim),
        *spans(symbol_spans(line.formula, view_state.step, view_state.layer.table), style),
    ]
    right = [Segment(" = ", theme.dim), *spans(worked.spans, style)]
    for more in (middle,) if view_state.hidden else (middle, right):
        if length(left) + length(more) <= width:
            left += more
    return [left]
