"""The reach panel: the norm of ∂(final state)/∂(state at t) of every token."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnviz.equations import number, symbol
from rnnviz.tui.render.segments import Line, cut, fit, heading, log_range, log_spark, window
from rnnviz.tui.view.view_state import Reach, ViewState
from rnnviz.tui.view.widget import View

NAME = 11


class Reaches(View):
    """A sparkline for each compared cell, on one logarithmic scale."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, layer = view_state.theme, view_state.layer
        own = Reach(layer.title, layer.reach)
        reaches = [own, *(r for m, r in view_state.reaches.items() if m != view_state.trace.model)]
        last, t = layer.order[-1] + 1, view_state.cursor.t + 1
        note = f"‖∂{symbol('s', last)}/∂{symbol('s', t)}‖"
        title, question = view_state.text("panel.reach"), view_state.text("question.reach")
        if view_state.hidden:
            text = cut(" " + view_state.text("view.hidden_later"), width)
            return [heading(title, question, width, theme, note), [Segment(text, theme.dim)]]
        low, high = log_range(np.concatenate([r.values for r in reaches]))
        note += " " + view_state.text("view.reach_scale", low=power(low), high=power(high))
        head = heading(title, question, width, theme, note)
        if height < 1 + len(reaches):
            # One line for all cells if there is no room for one each.
            each = width // len(reaches) - 1
            row = [piece for r in reaches for piece in spark(view_state, r, each, low, high, False)]
            return [head, row]
        lines = [head, *(spark(view_state, r, width, low, high, True) for r in reaches)]
        if len(reaches) == 1 and view_state.others and not view_state.paper:
            names = " ".join(m for m in view_state.others if m != view_state.trace.model)
            busy = view_state.text("view.reach_busy")
            text = busy if view_state.comparing else view_state.text("view.reach_ask", others=names)
            lines.append([Segment(" " + text, theme.dim)])
        return lines


def spark(
    view_state: ViewState, reach: Reach, width: int, low: int, high: int, roomy: bool
) -> Line:
    """The reach of one cell: name, a block per token, the numbers here and at the first token."""
    theme, t = view_state.theme, view_state.cursor.t
    own = reach.title == view_state.layer.title
    name = NAME if roomy else len(reach.title) + 2
    beside = 24 if roomy else 8
    T = len(reach.values)
    each = 2 if roomy and T * 2 <= width - name - beside else 1
    room = max(1, (width - name - beside) // each)
    first = window(T, t, room)
    line = [Segment(fit(f" {reach.title}", name), theme.bold if own else theme.dim)]
    for at, block in enumerate(log_spark(reach.values[first : first + room], low, high), first):
        line.append(Segment(block * each, theme.now if at == t else theme.source))
    line.append(Segment(f" {number(float(reach.values[t]))}", theme.now))
    if roomy and t:
        line.append(Segment(f"  t=1 {number(float(reach.values[0]))}", theme.dim))
    return [*line, Segment(" ", theme.dim)]


def power(exponent: int) -> str:
    """A power of ten with superscript digits, such as 10⁻³."""
    digits = str(abs(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return "10" + ("⁻" if exponent < 0 else "") + digits
