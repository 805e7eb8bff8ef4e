"""The chosen unit's equations of one part, in symbols and in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import next_tokens
from rnnviz.analysis.layer_stack import reads_one_state
from rnnviz.analysis.toy_net import toy_net_of
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import (
    FUNCTIONS,
    Arithmetic,
    Span,
    SymbolTable,
    TokenNumber,
    is_weight,
    number,
    numbers,
    symbol,
    symbol_table,
    symbols,
)
from rnnviz.equations import Line as Formula
from rnnviz.trace import LayerTrace, SeriesTrace
from rnnviz.tui.render.segments import Line, fit, flowed, length, spans, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState

#: The likeliest next tokens that are listed, of a net that writes.
NEXT_TOKENS = 6


def forward(view_state: ViewState, width: int, tight: bool) -> list[list[Line]]:
    """The equations of the current part, one block each."""
    if view_state.part == "read":
        return reading(view_state, width)
    if view_state.part == "predict":
        return predicting(view_state, width, tight)
    return [
        beside(view_state, line.name, equation(view_state, line, width, tight), width)
        for line in view_state.lines
    ]


def beside(view_state: ViewState, name: str, block: list[Line], width: int) -> list[Line]:
    """An equation with the value in the second sentence."""
    other = second_sentence.value_text(view_state, name)
    if not other:
        return block
    text = Segment(f"  {other}", view_state.theme.source)
    if length(block[-1]) + cell_len(text.text) < width:
        return [*block[:-1], [*block[-1], text]]
    return [*block, [text]]


def backward(view_state: ViewState, width: int, tight: bool) -> list[list[Line]]:
    """The backward equations of the current part, one block each."""
    if view_state.part == "predict":
        return [
            [[Segment(" " + view_state.loss(), view_state.theme.ink)]],
            walk_start(view_state, width),
        ]
    return [equation(view_state, line, width, tight) for line in view_state.back] or [
        [[Segment(" " + view_state.text("view.no_back"), view_state.theme.dim)]]
    ]


def walk_start(view_state: ViewState, width: int) -> list[Line]:
    """The gradient of this token's h from the head or the layer above, if any."""
    h = view_state.symbol("h", view_state.cursor.t + 1)
    if view_state.trace.head.writes and is_top(view_state):
        return step_loss(view_state, width)
    if not receives_gradient(view_state):
        return _dim(view_state, view_state.text("view.starts_later"), width)
    where = view_state.symbol("d_h_out", view_state.cursor.t + 1)
    value = float(view_state.layer.grads["h_out"][view_state.cursor.t, view_state.cursor.unit])
    shown = Segment("?" if view_state.hidden else number(value, 3, True), view_state.theme.now)
    text = (
        view_state.text("view.starts", h=h)
        if is_top(view_state)
        else view_state.text("view.starts_above")
    )
    return [[Segment(f" {where} = ", view_state.theme.ink), shown], *_dim(view_state, text, width)]


def step_loss(view_state: ViewState, width: int) -> list[Line]:
    """Of a net that writes: h's gradient from the loss of its own step and from later ones.

    ∂L/∂h = ∂L/∂h_out + ∂L/∂h_next, where the first is W · (p − y).
    """
    theme, layer, cursor = view_state.theme, view_state.layer, view_state.cursor
    trace, t, step = view_state.trace, cursor.t, view_state.step
    own = f" {view_state.symbol('d_h_out', step)} = "
    if view_state.hidden:
        return [[Segment(own, theme.ink), Segment("?", theme.now)]]
    name = visible(trace.head.labels[next_tokens.next_ids(trace)[t]])
    p, loss = view_state.output(t), float(next_tokens.surprises(trace)[t] * np.log(2))
    shown = next_tokens.with_its_logarithm(p, loss)
    text = view_state.text("next.loss", next=name, p=shown, loss=number(loss))
    lines: list[Line] = [[Segment(f" {line}", theme.ink)] for line in wrapped(text, width - 2)]
    off = numbers("p - y", {"p": p, "y": 1.0}, 0)
    lines.append([
        Segment(f" ∂L/∂s[{name}] = p − y = ", theme.ink),
        *spans(off.spans, name_style(view_state, "")),
        Segment(f" = {off.result}", theme.now),
    ])  # fmt: skip
    value = number(float(layer.grads["h_out"][t, cursor.unit]), 3, True)
    said = view_state.text("next.own", W=symbol("W", None, head_table(view_state)))
    line: Line = [Segment(own, theme.ink), Segment(value, theme.now)]
    if length(line) + cell_len(said) + 3 <= width:
        line.append(Segment(f"  {said}", theme.dim))
    lines.append(line)
    total = arithmetic(layer, "d_h_out + d_h_next", t, cursor.unit)
    if total is not None:
        told = view_state.text("next.added")
        line = [
            Segment(f" {view_state.symbol('d_h', step)} = ", theme.ink),
            *spans(total.spans, name_style(view_state, "")),
            Segment(f" = {total.result}", theme.now),
        ]
        if length(line) + cell_len(told) + 3 <= width:
            line.append(Segment(f"  {told}", theme.dim))
        lines.append(line)
    return lines


def receives_gradient(view_state: ViewState) -> bool:
    """Whether this token's h receives a gradient from the head or the layer above."""
    t, layer = view_state.cursor.t, view_state.layer
    if is_top(view_state) and not view_state.trace.head.writes:
        return t == layer.order[-1]
    return view_state.hidden or bool(layer.grads["h_out"][t].any())


def is_top(view_state: ViewState) -> bool:
    """Whether the head reads this layer."""
    layers = view_state.trace.layers
    beside = len(layers) - (2 if layers[-1].direction == "backward" else 1)
    return view_state.cursor.layer >= beside


def _dim(view_state: ViewState, text: str, width: int) -> list[Line]:
    return [[Segment(" " + line, view_state.theme.dim)] for line in wrapped(text, width - 2)]


def name_style(view_state: ViewState, made: str) -> Callable[[str | None], Style]:
    """Styles of the names in an equation for ``made``: the result, weights, and inputs."""
    theme = view_state.theme

    def style(name: str | None) -> Style:
        if name is None:
            return theme.ink
        if name == made:
            return theme.now
        return theme.dim if is_weight(name) else theme.source

    return style


def equation(view_state: ViewState, line: Formula, width: int, tight: bool) -> list[Line]:
    """``f₄ = σ(a_f₄)`` and, below it, the numbers and the result."""
    unit = view_state.cursor.unit
    stuck = view_state.layer.clamped_value(line.name.removeprefix("d_"), view_state.cursor.t, unit)
    if stuck is not None and not line.name.startswith("d_"):
        return [_stuck(view_state, line.name, stuck)]
    hidden = view_state.hidden if line.name.startswith("d_") else view_state.part_hidden
    done = None if hidden else arithmetic(view_state.layer, line.formula, view_state.cursor.t, unit)
    found = equation_lines(view_state, line.name, line.formula, done, width, tight)
    if stuck is not None:
        found[-1].append(Segment("  " + view_state.text("page.clamp.stops"), view_state.theme.dim))
    return found


@lru_cache(maxsize=1024)
def arithmetic(layer: LayerTrace, formula: str, t: int, unit: int) -> Arithmetic | None:
    """A formula with the numbers of one unit at token t.

    None if there is no such component: the gradient of an input narrower than the layer.
    """
    try:
        return numbers(formula, _values(layer, t), unit)
    except IndexError:
        return None


@lru_cache(maxsize=16)
def _values(layer: LayerTrace, t: int) -> dict[str, Array]:
    return layer.at(t)


def symbol_spans(formula: str, step: TokenNumber, table: SymbolTable) -> tuple[Span, ...]:
    """The formula in mathematical notation, as spans."""
    return _symbols(formula, int(step), step.before, table)


@lru_cache(maxsize=1024)
def _symbols(formula: str, t: int, before: int, table: SymbolTable) -> tuple[Span, ...]:
    return tuple(symbols(formula, TokenNumber(t, before), table))


def head_table(view_state: ViewState) -> SymbolTable:
    """The symbols of the head, which reads h: its weights have names of their own."""
    own = view_state.layer.table
    return replace(own, weights=symbol_table(own.notation, "head").weights)


def _stuck(view_state: ViewState, name: str, value: float) -> Line:
    """A clamped value, which is not computed."""
    text = view_state.text("page.clamp.held_at", value=number(value))
    return [
        Segment(f" {view_state.symbol(name, view_state.step)}", view_state.theme.now),
        Segment("  " + text, view_state.theme.now),
    ]


def equation_lines(
    view_state: ViewState, name: str, formula: str, done: Arithmetic | None, width: int,
    tight: bool, table: SymbolTable | None = None,
) -> list[Line]:  # fmt: skip
    """An equation in symbols and, unless the answer is hidden, in numbers."""
    theme, table = view_state.theme, table or view_state.layer.table
    style = name_style(view_state, name)
    left = f" {symbol(name, view_state.step, table)}"
    equals = Segment(" = ", theme.ink)
    line_in_symbols = [
        Segment(left, theme.now),
        equals,
        *spans(symbol_spans(formula, view_state.step, table), style),
    ]
    filled = [equals, *spans(done.spans, style)] if done else []
    filled += [equals, Segment(done.result if done else "?", theme.now)]
    indent = cell_len(left) + 3
    if tight and length(line_in_symbols) + length(filled) < width:
        return [[*line_in_symbols, *filled]]
    below = [Segment(" " * cell_len(left)), *filled]
    return flowed(line_in_symbols, width - 1, indent) + flowed(below, width - 1, indent)


def reading(view_state: ViewState, width: int) -> list[list[Line]]:
    """The inputs of the step: the word's vector and the previous states."""
    theme, layer, t = view_state.theme, view_state.layer, view_state.cursor.t
    token = visible(view_state.trace.tokens[t])
    x = layer.values["x"][t]
    values = {"x": view_state.symbol("x", t + 1), "token": token, "D": len(x)}
    if view_state.cursor.layer and not np.array_equal(
        layer.values["x"], view_state.trace.layers[0].values["x"]
    ):
        below = view_state.trace.layers[view_state.cursor.layer - 1].name
        text = view_state.text("view.read_series", layer=below, **values)
    else:
        key = "view.read_unknown" if view_state.trace.unknown[t] else "view.read"
        key = "view.read_vectors" if view_state.trace.reads == "vectors" else key
        key = key if view_state.trace.series is None else "page.series.read"
        key = "page.hand.read" if toy_net_of(view_state.trace) else key
        text = view_state.text(key, **values)
    blocks: list[list[Line]] = [[[Segment(" " + s, theme.ink)] for s in wrapped(text, width - 2)]]
    stuck = sum(layer.clamped_value("x", t, k) is not None for k in range(len(x)))
    if stuck:
        text = view_state.text("page.clamp.x_held", n=stuck, **values)
        blocks[0] = [[Segment(" " + s, theme.ink)] for s in wrapped(text, width - 2)]
    shown = [number(float(v), 2, True) for v in x[: max(1, width // 6)]]
    while len(shown) > 1 and len(" ".join(shown)) > width - 12:
        del shown[-1]
    first = " ".join(shown)
    dots = " …" if len(x) > len(shown) else ""
    blocks[0].append(
        [
            Segment(f" {view_state.symbol('x', t + 1)} = ", theme.now),
            Segment(first + dots, theme.source),
        ]
    )
    states: list[Line] = []
    for s in layer.states:
        value = float(layer.state_before(t, s)[view_state.cursor.unit])
        line = [
            Segment(f" {view_state.symbol(s + '_prev', view_state.step)} = ", theme.now),
            Segment(number(value, 3, True), theme.source),
        ]
        if s == layer.states[0]:
            line.append(Segment("   " + view_state.text("view.before"), theme.dim))
        states += beside(view_state, s + "_prev", [line], width)
    return [*blocks, states]


def predicting(view_state: ViewState, width: int, tight: bool) -> list[list[Line]]:
    """The prediction after this token: the head's equations and the classes."""
    theme, t, head = view_state.theme, view_state.cursor.t, view_state.trace.head
    last = view_state.trace.layers[-1]
    k = view_state.shown_class()
    column = min(k, head.logits.shape[1] - 1)
    values: dict[str, Array | float] = {"s": float(head.logits[t, column])}
    blocks = []
    table = head_table(view_state)

    def ask(name: str, formula: str) -> list[Line]:
        done = None if view_state.part_hidden else numbers(formula, values, column)
        return equation_lines(view_state, name, formula, done, width, tight, table)

    if head.kind == "state":
        blocks.append([[Segment(f" {line}", theme.ink)] for line in _state_text(view_state, width)])
    elif reads_one_state(view_state.trace) and last.direction == "forward":
        values |= {"h": last.values["h"][t], "W": head.W, "b": head.b}
        blocks.append(ask("s", "h @ W + b"))
    else:
        value = "?" if view_state.part_hidden else number(float(values["s"]), 3, True)
        text = view_state.text("view.head_other", value=value)
        blocks.append([[Segment(" " + line, theme.ink)] for line in wrapped(text, width - 2)])
    if head.kind in FUNCTIONS:
        values["s"] = np.full(column + 1, values["s"])
        blocks.append(ask("y" if head.is_number else "p", f"{head.kind}(s)"))
    blocks.append([_verdict(view_state, label) for label in _by_size(view_state)])
    return blocks


def _state_text(view_state: ViewState, width: int) -> list[str]:
    """That the output is the hidden state itself."""
    text = view_state.text("view.state_is_output", h=view_state.symbol("h", view_state.step))
    return wrapped(text, width - 2)


def _by_size(view_state: ViewState) -> list[int]:
    """The four likeliest labels, or the shown number and the three largest ones.

    While the answer is hidden the first four.
    """
    head = view_state.trace.head
    readout = head.readout[view_state.cursor.t]
    if head.writes:
        return _likeliest_next(view_state, readout)
    if view_state.part_hidden:
        return list(range(min(4, len(readout))))
    order = np.argsort(-np.abs(readout), kind="stable").tolist()
    if head.is_number:
        shown = view_state.shown_class()
        order = [shown, *(k for k in order if k != shown)]
    return order[:4]


def _likeliest_next(view_state: ViewState, readout: Array) -> list[int]:
    """The likeliest next tokens, with the one that comes."""
    if view_state.part_hidden:
        return []
    order: list[int] = np.argsort(-readout, kind="stable").tolist()
    t, k = view_state.cursor.t, view_state.shown_class()
    first = order[:NEXT_TOKENS]
    return [k, *first[:-1]] if next_tokens.comes(view_state.trace, t) and k not in first else first


def _in_its_unit(view_state: ViewState, series: SeriesTrace, value: float) -> Line:
    """The forecast in the unit of its column: times the standard deviation, plus the mean."""
    known = {"s": value, "d": series.std[series.target], "m": series.mean[series.target]}
    done = numbers("s * d + m", known, 0, 2)
    dim = view_state.theme.dim
    return [
        Segment(done.result.removeprefix("+"), view_state.theme.now),
        Segment(" = ", dim),
        *spans(done.spans, lambda name: dim),
    ]


def _verdict(view_state: ViewState, k: int) -> Line:
    theme, head, t = view_state.theme, view_state.trace.head, view_state.cursor.t
    value = float(head.readout[t, k])
    name = Segment(f" {visible(head.labels[k])} ", theme.bold)
    if view_state.part_hidden:
        return [name, Segment("?", theme.now)]
    other = _in_the_other(view_state, k)
    if head.writes:
        came = next_tokens.comes(view_state.trace, t) and k == view_state.shown_class()
        style = theme.now if came else theme.source
        name = Segment(f"{'▸' if came else ' '}{fit(visible(head.labels[k]), 3)} ", style)
        share = Segment("█" * round(20 * value), style)
        said = f" {view_state.text('next.comes')}" if came else ""
        return [name, Segment(f"{number(value)} ", theme.now), share, Segment(said, theme.dim)]
    if view_state.trace.series is not None:
        return [name, *_in_its_unit(view_state, view_state.trace.series, value)]
    if head.is_number:
        return [name, Segment(number(value), theme.now), *other]
    # The colour of the class, as in the sentence panel: the second of two is above 0.5.
    above = k == 1 if head.other_class(k) is not None else value >= 0.5
    blocks = Segment("█" * round(20 * value), theme.above if above else theme.below)
    return [name, Segment(number(value) + " ", theme.now), blocks, *other]


def _in_the_other(view_state: ViewState, k: int) -> Line:
    """The prediction for the second sentence after the aligned token."""
    at = second_sentence.aligned_token(view_state, view_state.cursor.t)
    if at is None:
        return []
    value = float(at[0].b.head.readout[at[1], k])
    return [Segment(f"  {second_sentence.MARK} {number(value)}", view_state.theme.source)]
