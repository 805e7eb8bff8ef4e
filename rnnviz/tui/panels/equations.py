"""Where does this number come from? The equation of the chosen unit, in symbols and in numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.toy_net import toy_net_of
from rnnviz.arrays import Array
from rnnviz.cursor import part_of
from rnnviz.display import visible
from rnnviz.equations import (
    Arithmetic,
    Span,
    TokenNumber,
    is_weight,
    number,
    numbers,
    symbol,
    symbols,
)
from rnnviz.equations import Line as Formula
from rnnviz.trace import LayerTrace, SeriesTrace
from rnnviz.tui.render.segments import Line, flowed, heading, length, spans, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class Equations(View):
    """The lines of the part, forward or backward."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        what = moment.word("part", moment.part)
        title = moment.text("panel.backward" if moment.backward else "panel.equation")
        note = f"{what} · {moment.text('panel.unit', n=moment.cursor.unit)}"
        question = moment.text("question.backward" if moment.backward else "question.equation")
        head = heading(title, question, width, moment.look, note)
        make = backward if moment.backward else forward
        body = make(moment, width, False)
        if sum(len(block) for block in body) > height - 1:
            # Symbols and numbers on one line where both do not fit one above the other.
            body = make(moment, width, True)
        if not moment.backward:
            body = earlier(moment, width, height - 1 - sum(len(b) + 1 for b in body)) + body
        # An empty line between the equations where there is room for all of them.
        room = height - 1 - sum(len(block) for block in body)
        lines = [head]
        for k, block in enumerate(body):
            if k and room >= len(body) - 1:
                lines.append([])
            lines += block
        return lines


def earlier(moment: ViewState, width: int, room: int) -> list[list[Line]]:
    """Where there is room, what was computed at this token before: one dim line each."""
    if moment.part == "read":
        return []
    done = [li for li in moment.layer.lines if part_of(moment.layer, li.name) < moment.cursor.part]
    found: list[Line] = []
    for line in done:
        for piece in equation(moment, line, width, True):
            found.append([Segment(segment.text, moment.look.dim) for segment in piece])
    return [found] if found and len(found) + 1 <= room else []


def forward(moment: ViewState, width: int, tight: bool) -> list[list[Line]]:
    """The equations of the present part, one block each."""
    if moment.part == "read":
        return reading(moment, width)
    if moment.part == "predict":
        return predicting(moment, width, tight)
    return [
        beside(moment, line.name, equation(moment, line, width, tight), width)
        for line in moment.lines
    ]


def beside(moment: ViewState, name: str, block: list[Line], width: int) -> list[Line]:
    """An equation with what the other sentence has in its place."""
    other = second_sentence.beside(moment, name)
    if not other:
        return block
    said = Segment(f"  {other}", moment.look.source)
    if length(block[-1]) + cell_len(said.text) < width:
        return [*block[:-1], [*block[-1], said]]
    return [*block, [said]]


def backward(moment: ViewState, width: int, tight: bool) -> list[list[Line]]:
    """The equations that undo the present part."""
    if moment.part == "predict":
        return [[[Segment(" " + moment.loss(), moment.look.ink)]], walk_start(moment, width)]
    return [equation(moment, line, width, tight) for line in moment.back] or [
        [[Segment(" " + moment.text("view.no_back"), moment.look.dim)]]
    ]


def walk_start(moment: ViewState, width: int) -> list[Line]:
    """What arrives at this token's h from above: from the head, from a layer, or nothing."""
    h = symbol("h", moment.cursor.t + 1)
    if not handed(moment):
        return _dim(moment, moment.text("view.starts_later"), width)
    where = symbol("d_h_out", moment.cursor.t + 1)
    value = float(moment.layer.grads["h_out"][moment.cursor.t, moment.cursor.unit])
    shown = Segment("?" if moment.hidden else number(value, 3, True), moment.look.now)
    said = moment.text("view.starts", h=h) if is_top(moment) else moment.text("view.starts_above")
    return [[Segment(f" {where} = ", moment.look.ink), shown], *_dim(moment, said, width)]


def handed(moment: ViewState) -> bool:
    """Does a gradient come to this token's h from above? The head reads the last state only."""
    t, layer = moment.cursor.t, moment.layer
    if is_top(moment):
        return t == layer.order[-1]
    return moment.hidden or bool(layer.grads["h_out"][t].any())


def is_top(moment: ViewState) -> bool:
    """Does the head read this layer?"""
    layers = moment.trace.layers
    beside = len(layers) - (2 if layers[-1].direction == "backward" else 1)
    return moment.cursor.layer >= beside


def _dim(moment: ViewState, said: str, width: int) -> list[Line]:
    return [[Segment(" " + line, moment.look.dim)] for line in wrapped(said, width - 2)]


def name_style(moment: ViewState, made: str) -> Callable[[str | None], Style]:
    """The colour of a name: made now, read from, trained, or an operator."""
    look = moment.look

    def style(name: str | None) -> Style:
        if name is None:
            return look.ink
        if name == made:
            return look.now
        return look.dim if is_weight(name) else look.source

    return style


def equation(moment: ViewState, line: Formula, width: int, tight: bool) -> list[Line]:
    """``f₄ = σ(a_f₄)`` and, below, the same with numbers and its result."""
    unit = moment.cursor.unit
    stuck = moment.layer.held(line.name.removeprefix("d_"), moment.cursor.t, unit)
    if stuck is not None and not line.name.startswith("d_"):
        return [_stuck(moment, line.name, stuck)]
    done = None if moment.hidden else worked(moment.layer, line.formula, moment.cursor.t, unit)
    found = written(moment, line.name, line.formula, done, width, tight)
    if stuck is not None:
        found[-1].append(Segment("  " + moment.text("page.clamp.stops"), moment.look.dim))
    return found


@lru_cache(maxsize=1024)
def worked(layer: LayerTrace, formula: str, t: int, unit: int) -> Arithmetic | None:
    """A formula with the numbers of one unit at token t: the same until something else is chosen.

    None where there is no such component: of the gradient of an input narrower than the layer.
    """
    try:
        return numbers(formula, _values(layer, t), unit)
    except IndexError:
        return None


@lru_cache(maxsize=16)
def _values(layer: LayerTrace, t: int) -> dict[str, Array]:
    return layer.at(t)


def in_symbols(formula: str, step: TokenNumber) -> tuple[Span, ...]:
    """The formula in the field's notation, as spans."""
    return _symbols(formula, int(step), step.before)


@lru_cache(maxsize=1024)
def _symbols(formula: str, t: int, before: int) -> tuple[Span, ...]:
    return tuple(symbols(formula, TokenNumber(t, before)))


def _stuck(moment: ViewState, name: str, value: float) -> Line:
    """A held value: nothing was computed."""
    said = moment.text("page.clamp.held_at", value=number(value))
    return [
        Segment(f" {symbol(name, moment.step)}", moment.look.now),
        Segment("  " + said, moment.look.now),
    ]


def written(
    moment: ViewState, name: str, formula: str, done: Arithmetic | None, width: int, tight: bool
) -> list[Line]:
    """An equation in symbols and, if it is not to be guessed, in numbers."""
    look = moment.look
    style = name_style(moment, name)
    left = f" {symbol(name, moment.step)}"
    equals = Segment(" = ", look.ink)
    said = [Segment(left, look.now), equals, *spans(in_symbols(formula, moment.step), style)]
    filled = [equals, *spans(done.spans, style)] if done else []
    filled += [equals, Segment(done.result if done else "?", look.now)]
    indent = len(left) + 3
    if tight and length(said) + length(filled) < width:
        return [[*said, *filled]]
    below = [Segment(" " * len(left)), *filled]
    return flowed(said, width - 1, indent) + flowed(below, width - 1, indent)


def reading(moment: ViewState, width: int) -> list[list[Line]]:
    """What is there before anything is computed: the word's numbers and the state so far."""
    look, layer, t = moment.look, moment.layer, moment.cursor.t
    token = visible(moment.trace.tokens[t])
    x = layer.values["x"][t]
    values = {"x": symbol("x", t + 1), "token": token, "D": len(x)}
    if moment.cursor.layer and not np.array_equal(
        layer.values["x"], moment.trace.layers[0].values["x"]
    ):
        below = moment.trace.layers[moment.cursor.layer - 1].name
        said = moment.text("view.read_series", layer=below, **values)
    else:
        key = "view.read_unknown" if moment.trace.unknown[t] else "view.read"
        key = key if moment.trace.series is None else "page.series.read"
        key = "page.hand.read" if toy_net_of(moment.trace) else key
        said = moment.text(key, **values)
    blocks: list[list[Line]] = [[[Segment(" " + s, look.ink)] for s in wrapped(said, width - 2)]]
    stuck = sum(layer.held("x", t, k) is not None for k in range(len(x)))
    if stuck:
        said = moment.text("page.clamp.x_held", n=stuck, **values)
        blocks[0] = [[Segment(" " + s, look.ink)] for s in wrapped(said, width - 2)]
    first = " ".join(number(float(v), 2, True) for v in x[: max(1, (width - 12) // 6)])
    dots = " …" if len(x) > (width - 12) // 6 else ""
    blocks[0].append(
        [Segment(f" {symbol('x', t + 1)} = ", look.now), Segment(first + dots, look.source)]
    )
    states: list[Line] = []
    for s in layer.states:
        value = float(layer.state_before(t, s)[moment.cursor.unit])
        line = [
            Segment(f" {symbol(s + '_prev', moment.step)} = ", look.now),
            Segment(number(value, 3, True), look.source),
        ]
        if s == layer.states[0]:
            line.append(Segment("   " + moment.text("view.before"), look.dim))
        states += beside(moment, s + "_prev", [line], width)
    return [*blocks, states]


def predicting(moment: ViewState, width: int, tight: bool) -> list[list[Line]]:
    """The head asked after this token."""
    look, t, head = moment.look, moment.cursor.t, moment.trace.head
    last = moment.trace.layers[-1]
    k = moment.shown_class()
    column = min(k, head.logits.shape[1] - 1)
    values: dict[str, Array | float] = {"s": float(head.logits[t, column])}
    blocks = []

    def ask(name: str, formula: str) -> list[Line]:
        done = None if moment.hidden else numbers(formula, values, column)
        return written(moment, name, formula, done, width, tight)

    one_direction = len(head.W) == last.units and last.direction == "forward"
    if one_direction:
        values |= {"h": last.values["h"][t], "W": head.W, "b": head.b}
        blocks.append(ask("s", "h @ W + b"))
    else:
        value = "?" if moment.hidden else number(float(values["s"]), 3, True)
        said = moment.text("view.head_other", value=value)
        blocks.append([[Segment(" " + line, look.ink)] for line in wrapped(said, width - 2)])
    if head.kind == "sigmoid":
        values["s"] = np.full(column + 1, values["s"])
        blocks.append(ask("p", "sigmoid(s)"))
    blocks.append([_verdict(moment, label) for label in _by_size(moment)])
    return blocks


def _by_size(moment: ViewState) -> list[int]:
    """The largest four classes; of hidden ones the first four."""
    readout = moment.trace.head.readout[moment.cursor.t]
    order = np.arange(len(readout)) if moment.hidden else np.argsort(-readout, kind="stable")
    return [int(k) for k in order[:4]]


def _in_its_unit(moment: ViewState, series: SeriesTrace, value: float) -> Line:
    """The forecast as it is measured: deviations times one deviation, plus the mean."""
    known = {"s": value, "d": series.std[series.target], "m": series.mean[series.target]}
    done = numbers("s * d + m", known, 0, 2)
    dim = moment.look.dim
    return [
        Segment(done.result.removeprefix("+"), moment.look.now),
        Segment(" = ", dim),
        *spans(done.spans, lambda name: dim),
    ]


def _verdict(moment: ViewState, k: int) -> Line:
    look, head, t = moment.look, moment.trace.head, moment.cursor.t
    value = float(head.readout[t, k])
    name = Segment(f" {visible(head.labels[k])} ", look.bold)
    if moment.hidden:
        return [name, Segment("?", look.now)]
    other = _in_the_other(moment, k)
    if moment.trace.series is not None:
        return [name, *_in_its_unit(moment, moment.trace.series, value)]
    if head.kind == "linear":
        return [name, Segment(number(value), look.now), *other]
    # The colour says which class, as in the sentence: the second of two lies above a half.
    above = k == 1 if len(head.labels) == 2 else value >= 0.5
    blocks = Segment("█" * round(20 * value), look.above if above else look.below)
    return [name, Segment(number(value) + " ", look.now), blocks, *other]


def _in_the_other(moment: ViewState, k: int) -> Line:
    """What the head says of the other sentence up to the token aligned with this one."""
    at = second_sentence.place(moment, moment.cursor.t)
    if at is None:
        return []
    value = float(at[0].b.head.readout[at[1], k])
    return [Segment(f"  {second_sentence.OTHER} {number(value)}", moment.look.source)]
