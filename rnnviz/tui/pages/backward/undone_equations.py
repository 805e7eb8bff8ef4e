"""The backward equations of the current part, and the head's backward step."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnviz.analysis.layer_stack import levels
from rnnviz.analysis.shared_weights import sizes, undone, undone_at, walk
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import number, numbers
from rnnviz.tui.panels.equations import (
    arithmetic,
    equation,
    equation_lines,
    is_top,
    receives_gradient,
    walk_start,
)
from rnnviz.tui.panels.gradients import gradient_line as in_one_line
from rnnviz.tui.render.segments import (
    Line,
    heading,
    wrapped,
)  # fmt: skip
from rnnviz.tui.view.view_state import ViewState


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.backward.{key}", **values)


def present_equations(view_state: ViewState, width: int, height: int, titled: bool) -> list[Line]:
    """The equations of this part, in full if they fit; above them those evaluated before."""
    head: list[Line] = []
    if titled:
        unit = view_state.text("panel.unit", n=view_state.cursor.unit)
        token = visible(view_state.trace.tokens[view_state.cursor.t])
        note = f"“{token}” · {unit}"
        head = [
            heading(view_state.word("part", view_state.part), "", width, view_state.theme, note)
        ]
    room = height - len(head)
    if not view_state.layer.mask[view_state.cursor.t]:
        return head + note_lines(view_state, "masked", width)
    if view_state.part == "predict":
        return head + from_above(view_state, width, room)[:room]
    return head + _before(view_state, width, room, _now(view_state, width, room))


def _now(view_state: ViewState, width: int, room: int) -> list[Line]:
    layer, cursor = view_state.layer, view_state.cursor
    equations = [
        line for line in view_state.back
        if arithmetic(layer, line.formula, cursor.t, cursor.unit) is not None
    ]  # fmt: skip
    for tight in (False, True):
        body = [equation(view_state, line, width, tight) for line in equations]
        if sum(map(len, body)) <= room:
            return [line for block in body for line in block]
    return [text for line in equations for text in in_one_line(view_state, line, width)]


def _before(view_state: ViewState, width: int, room: int, now: list[Line]) -> list[Line]:
    """The equations evaluated at this token before, dim, as many as fit; then ``now``."""
    layer, cursor = view_state.layer, view_state.cursor
    equations = [n for n in layer.back if undone_at(layer, n.name[2:]) > cursor.part]
    earlier = [text for n in equations for text in in_one_line(view_state, n, width)]
    # One segment a line saves bytes.
    dim = [[Segment("".join(s.text for s in line), view_state.theme.dim)] for line in earlier]
    free = max(0, room - len(now))
    return [*dim[len(dim) - min(free, len(dim)) :], *now]


def note_lines(view_state: ViewState, key: str, width: int) -> list[Line]:
    text = page_text(view_state, key)
    return [[Segment(" " + s, view_state.theme.dim)] for s in wrapped(text, width - 2)]


def comparison(view_state: ViewState, name: str, width: int, room: int) -> list[Line]:
    """The largest and the smallest gradient on the walk so far, and what they mean."""
    layer, cursor = view_state.layer, view_state.cursor
    reached = [t for t in walk(layer) if undone(layer, cursor.t, cursor.part, t, name)]
    if not reached:
        return []
    each = sizes(layer, name)
    high, low = (choose(reached, key=lambda t: float(each[t])) for choose in (max, min))
    values = {
        "name": view_state.symbol(name),
        "a": visible(view_state.trace.tokens[high]),
        "x": number(float(each[high])),
        "b": visible(view_state.trace.tokens[low]),
        "y": number(float(each[low])),
    }
    text = page_text(view_state, "means_one" if high == low else "means", **values)
    whole = wrapped(f"{text} {page_text(view_state, 'slope')}", width - 2)
    lines = whole if len(whole) <= room else wrapped(text, width - 2)[:room]
    return [[Segment(" " + s, view_state.theme.dim)] for s in lines]


def from_above(view_state: ViewState, width: int, room: int) -> list[Line]:
    """The gradient that reaches this token's h from above, with the head's arithmetic."""
    arrives = walk_start(view_state, width)
    if view_state.trace.head.writes:
        return arrives
    if room > 3 and is_top(view_state) and receives_gradient(view_state):
        return head_back(view_state, width) + arrives[1:]
    return arrives


#: The most classes whose terms are written one by one.
MOST_CLASSES = 12


def head_back(view_state: ViewState, width: int) -> list[Line]:
    """The first step backwards: from the loss through the head's weights to the final state."""
    head, layer, cursor = view_state.trace.head, view_state.layer, view_state.cursor
    directions = [view_state.trace.layers[n] for n in levels(view_state.trace)[-1]]
    H = layer.values["h"].shape[1]
    K, row = len(head.b), H * directions.index(layer) + cursor.unit
    alone = head.kind == "sigmoid" and not head.is_binary
    if (
        head.is_number
        or alone
        or K > MOST_CLASSES
        or head.below
        or len(head.W) != (H * len(directions))
    ):
        return walk_start(view_state, width)[:1]
    lines: list[Line] = [[Segment(" " + view_state.loss(), view_state.theme.ink)]]
    values: dict[str, Array | float] = {}
    for k in range(K):
        label = k if K > 1 else 1
        p, y = float(head.output[label]), float(head.labels[label] == head.target)
        arithmetic = numbers("p - y", {"p": p, "y": y}, 0)
        mark = f"[{visible(head.labels[k])}]" if K > 1 else ""
        line = [Segment(f" ∂L/∂s{mark} = p − y = "), *(Segment(s) for s, _ in arithmetic.spans)]
        lines.append([*line, Segment(f" = {arithmetic.result}", view_state.theme.now)])
        values |= {f"s{k}": p - y, f"w{k}": float(head.W[row, k])}
    formula = " + ".join(f"s{k} * w{k}" for k in range(K))
    if not np.isclose(_value(formula, values), layer.grads["h_out"][cursor.t, cursor.unit], 1e-3):
        return walk_start(view_state, width)[:1]
    arithmetic = numbers(formula, values, 0)
    block = equation_lines(view_state, "d_h_out", "d_s @ W.T", arithmetic, width, True)
    return lines + block


def _value(formula: str, values: dict[str, Array | float]) -> float:
    from rnnviz.equations import evaluate

    return float(evaluate(formula, values))
