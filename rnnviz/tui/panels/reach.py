"""How far back can it still feel? The norm of ∂(last state)/∂(state at t), token by token."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnviz.equations import number, symbol
from rnnviz.tui.render.segments import Line, cut, fit, heading, log_range, log_spark, window
from rnnviz.tui.view.view_state import Reach, ViewState
from rnnviz.tui.view.widget import View

NAME = 11


class Reaches(View):
    """A sparkline for each cell that has read this sentence, on one logarithmic scale."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        look, layer = moment.look, moment.layer
        own = Reach(layer.title, layer.reach)
        told = [own, *(r for m, r in moment.reaches.items() if m != moment.trace.model)]
        last, t = layer.order[-1] + 1, moment.cursor.t + 1
        note = f"‖∂{symbol('s', last)}/∂{symbol('s', t)}‖"
        title, question = moment.text("panel.reach"), moment.text("question.reach")
        if moment.hidden:
            said = cut(" " + moment.text("view.hidden_later"), width)
            return [heading(title, question, width, look, note), [Segment(said, look.dim)]]
        low, high = log_range(np.concatenate([r.values for r in told]))
        note += " " + moment.text("view.reach_scale", low=power(low), high=power(high))
        head = heading(title, question, width, look, note)
        if height < 1 + len(told):
            # One line for all of them where there is no room for one each.
            each = width // len(told) - 1
            row = [piece for r in told for piece in spark(moment, r, each, low, high, False)]
            return [head, row]
        lines = [head, *(spark(moment, r, width, low, high, True) for r in told)]
        if len(told) == 1 and moment.others and not moment.paper:
            names = " ".join(m for m in moment.others if m != moment.trace.model)
            busy = moment.text("view.reach_busy")
            said = busy if moment.comparing else moment.text("view.reach_ask", others=names)
            lines.append([Segment(" " + said, look.dim)])
        return lines


def spark(moment: ViewState, reach: Reach, width: int, low: int, high: int, roomy: bool) -> Line:
    """One cell's reach: its name, a block a token, the number here and at the first token."""
    look, t = moment.look, moment.cursor.t
    own = reach.title == moment.layer.title
    name = NAME if roomy else len(reach.title) + 2
    beside = 24 if roomy else 8
    T = len(reach.values)
    each = 2 if roomy and T * 2 <= width - name - beside else 1
    room = max(1, (width - name - beside) // each)
    first = window(T, t, room)
    line = [Segment(fit(f" {reach.title}", name), look.bold if own else look.dim)]
    for at, block in enumerate(log_spark(reach.values[first : first + room], low, high), first):
        line.append(Segment(block * each, look.now if at == t else look.source))
    line.append(Segment(f" {number(float(reach.values[t]))}", look.now))
    if roomy and t:
        line.append(Segment(f"  t=1 {number(float(reach.values[0]))}", look.dim))
    return [*line, Segment(" ", look.dim)]


def power(exponent: int) -> str:
    """10⁻³."""
    digits = str(abs(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return "10" + ("⁻" if exponent < 0 else "") + digits
