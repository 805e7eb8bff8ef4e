"""Who is to blame? The gradients of the chosen unit at this part, walked back line by line."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.equations import Line as Formula
from rnnviz.equations import symbol
from rnnviz.tui.panels.equations import in_symbols, name_style, walk_start, worked
from rnnviz.tui.render.segments import Line, heading, length, spans
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class Gradients(View):
    """One line a gradient: its value, and the equation that gave it."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        look = moment.look
        title, question = moment.text("panel.backward"), moment.text("question.backward")
        head = heading(title, question, width, look, moment.loss())
        if moment.part == "predict":
            return [head, *walk_start(moment, width)]
        lines = [head]
        for line in moment.back:
            lines += undone(moment, line, width)
        if len(lines) == 1:
            lines.append([Segment(" " + moment.text("view.no_back"), look.dim)])
        return lines


def undone(moment: ViewState, line: Formula, width: int) -> list[Line]:
    """One gradient in one line: its value, then as much of its equation as there is room for.

    Nothing where the chosen unit has no such component (an input narrower than the layer).
    """
    look = moment.look
    done = worked(moment.layer, line.formula, moment.cursor.t, moment.cursor.unit)
    if done is None:
        return []
    result = "?" if moment.hidden else done.result
    style = name_style(moment, line.name)
    left = [
        Segment(f" {symbol(line.name, moment.step)}".ljust(9), look.now),
        Segment(" = ", look.ink),
        Segment(result.ljust(8), look.now),
    ]
    middle = [Segment("= ", look.dim), *spans(in_symbols(line.formula, moment.step), style)]
    right = [Segment(" = ", look.dim), *spans(done.spans, style)]
    for more in (middle,) if moment.hidden else (middle, right):
        if length(left) + length(more) <= width:
            left += more
    return [left]
