"""Gradients of shared weights as running sums over tokens, and one entry written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis import next_tokens
from rnnviz.analysis.shared_weights import (
    Growth,
    Use,
    column,
    growth,
    read_by,
    undone,
    undone_at,
    walk,
)
from rnnviz.display import visible
from rnnviz.equations import number, numbers, symbol
from rnnviz.tui.panels.equations import head_table
from rnnviz.tui.render.segments import Line, fit, flowed, length
from rnnviz.tui.view.view_state import ViewState

#: Draw a mark for each addition up to this number.
TICKS = 20
#: Most lines of the ledger, all of which are redrawn with every addition.
LEDGER = 8
#: Columns of a norm: 1.23e−10.
NORM = 9


def is_added(view_state: ViewState, use: Use) -> bool:
    """Whether the backward pass has added the term of the chosen token."""
    cursor = view_state.cursor
    return undone(view_state.layer, cursor.t, cursor.part, cursor.t, use.made)


def additions(view_state: ViewState, use: Use) -> int:
    """The number of terms in the running sum."""
    return walk(view_state.layer).index(view_state.cursor.t) + is_added(view_state, use)


def so_far(view_state: ViewState, use: Use, grown: Growth) -> float:
    """The norm of the running sum at the cursor."""
    count = additions(view_state, use)
    return float(grown.total[walk(view_state.layer)[count - 1]]) if count else 0.0


def table(
    view_state: ViewState, weights: Sequence[Use], width: int, chosen: str = ""
) -> list[Line]:
    """One line per weight: the norms of this step's term and of the running sum."""
    name, term_width, bar = _columns(view_state, weights, width)
    return [
        _row(view_state, use, name, term_width, bar, use.weight[2:] == chosen) for use in weights
    ]


def _columns(view_state: ViewState, weights: Sequence[Use], width: int) -> tuple[int, int, int]:
    """The columns of the name, of the term as a formula (0: no room), and of each bar."""
    name = max(cell_len(view_state.symbol(use.weight)) for use in weights) + 7
    term_width = max(length([Segment(_term(view_state, use))]) for use in weights) + 2
    adds, total = view_state.text("page.backward.adds"), view_state.text("page.backward.sum")
    room = width - name - len(adds) - len(total) - 2 * NORM - 6
    term_width = term_width if room - term_width >= 24 else 0
    bar = max(0, min(24 if width >= 100 else 12, (room - term_width) // 2))
    return name, term_width, bar


def _term(view_state: ViewState, use: Use) -> str:
    t = view_state.step
    d = view_state.symbol(f"d_{use.made}", t)
    return f"{view_state.symbol(use.read, t)} ⊗ {d}" if use.read else d


def _row(view_state: ViewState, use: Use, name: int, term_width: int, bar: int, bold: bool) -> Line:
    grown, here = growth(view_state.layer, use), is_added(view_state, use)
    sums = _RunningSum(grown, so_far(view_state, use, grown), here)
    label = fit(f" ∂L/∂{view_state.symbol(use.weight)}", name)
    term = fit(_term(view_state, use), term_width) if term_width else ""
    return _sum_row(view_state, sums, label, term, bar, bold)


@dataclass(frozen=True, eq=False)
class _RunningSum:
    """The norms of the terms of one weight, that of their sum so far, and whether this is in it."""

    growth: Growth
    total: float
    here: bool


def _sum_row(
    view_state: ViewState, sums: _RunningSum, label: str, term_text: str, bar: int, bold: bool
) -> Line:
    """A weight's name, this step's term with its norm, and the norm of the running sum."""
    theme, t = view_state.theme, view_state.cursor.t
    grown, total, here = sums.growth, sums.total, sums.here
    top = float(max(grown.total.max(), grown.term.max())) or 1.0
    term = float(grown.term[t])
    line = [Segment(label, theme.bold if bold else theme.ink)]
    if term_text:
        line.append(Segment(term_text, theme.source if here else theme.dim))
    line.append(Segment(view_state.text("page.backward.adds") + " ", theme.dim))
    line.append(
        Segment(fit(number(term) if here else "·", NORM), theme.now if here else theme.rule)
    )
    line.append(Segment(fit(blocks(term / top if here else 0, bar), bar), theme.source))
    line.append(Segment("  " + view_state.text("page.backward.sum") + " ", theme.dim))
    line.append(Segment(fit(number(total), NORM), theme.now))
    line.append(Segment(blocks(total / top, bar), theme.above))
    return line


def _head_weight(view_state: ViewState) -> str:
    """The symbol of the head's W."""
    return symbol("W", None, head_table(view_state))


def head_row(view_state: ViewState, weights: Sequence[Use], width: int) -> Line:
    """The head's W of a net that writes: each step adds h ⊗ (p − y) to its gradient."""
    grown = next_tokens.head_growth(view_state.trace)
    sums = _RunningSum(grown, float(grown.total[view_state.cursor.t]), True)
    name, term_width, bar = _columns(view_state, weights, width)
    label = fit(f" ∂L/∂{_head_weight(view_state)}", name)
    term = f"{view_state.symbol('h', view_state.step)} ⊗ (p − y)"
    term = fit(term, term_width) if term_width else ""
    return _sum_row(view_state, sums, label, term, bar, view_state.part == "predict")


def head_addition(view_state: ViewState, width: int) -> list[Line]:
    """``∂L/∂W[67,u] = Σ + h₃[67] × (p − y)[u]`` of the token that comes, with its numbers."""
    theme, trace, t = view_state.theme, view_state.trace, view_state.cursor.t
    unit, k = view_state.cursor.unit, next_tokens.next_ids(trace)[t]
    h = trace.layers[-1].values["h"][:, unit].astype(np.float64)
    d = next_tokens.logit_gradients(trace)[:, k]
    values = {"before": float((h * d)[t + 1 :].sum()), "read": float(h[t]), "d": float(d[t])}
    arithmetic = numbers("before + read * d", values, 0)
    label = visible(trace.head.labels[k])
    left = f" ∂L/∂{_head_weight(view_state)}[{unit},{label}]"
    read = f"{view_state.symbol('h', view_state.step)}[{unit}]"
    symbols = [
        Segment(left, theme.now), Segment(" = ", theme.ink),
        Segment(f"Σ + {read} × (p − y)[{label}]", theme.source), Segment(" = ", theme.ink),
    ]  # fmt: skip
    filled = [
        *(Segment(s, theme.source if n else theme.ink) for s, n in arithmetic.spans),
        Segment(" = ", theme.ink), Segment(arithmetic.result, theme.now),
    ]  # fmt: skip
    return flowed([*symbols, *filled], width - 1, 3)


def blocks(share: float, width: int) -> str:
    """A bar of full blocks, at least one for a share above 0."""
    count = round(max(0.0, min(1.0, share)) * width)
    return "█" * (max(1, count) if share > 0 and width else count)


def entry(view_state: ViewState, use: Use) -> int:
    """The index of the input whose weight into the chosen unit has the largest total gradient."""
    full = growth(view_state.layer, use).full[:, view_state.cursor.unit]
    return int(np.argmax(np.abs(full)))


def addition(
    view_state: ViewState, use: Use, k: int, width: int, tight: bool = False
) -> list[Line]:
    """``∂L/∂W_f[12,17] = Σ + x₃[12] × ∂L/∂a_f₃[17]``, in symbols and in numbers."""
    theme, layer, cursor = view_state.theme, view_state.layer, view_state.cursor
    t, unit = cursor.t, cursor.unit
    before, _ = column(layer, use, t, unit)
    entry_name = (
        layer.entry(use.weight, k, unit) if use.read else f"{layer.symbol(use.weight)}[{unit}]"
    )
    left = f" ∂L/∂{entry_name}"
    equals = Segment(" = ", theme.ink)
    if not is_added(view_state, use):
        line = [Segment(left, theme.now), equals, Segment(number(before[k], 3, True), theme.now)]
        waits = view_state.text("page.backward.waits", part=_part_word(view_state, use))
        return [[*line, Segment("   " + waits, theme.dim)]]
    d = float(layer.propagated_grad(use.made)[t, unit])
    values = {"before": float(before[k]), "d": d}
    formula = "before + d"
    symbols = [Segment("Σ", theme.source), Segment(" + ", theme.ink)]
    if use.read:
        values["read"] = float(read_by(layer, use)[t, k])
        formula = "before + read * d"
        read = f"{view_state.symbol(use.read, view_state.step)}[{k}]"
        symbols += [Segment(read, theme.source), Segment(" × ", theme.ink)]
    symbols.append(Segment(f"{layer.symbol(f'd_{use.made}', t + 1)}[{unit}]", theme.source))
    arithmetic = numbers(formula, values, unit)
    filled = [equals, *(Segment(s, theme.source if n else theme.ink) for s, n in arithmetic.spans)]
    filled += [equals, Segment(arithmetic.result, theme.now)]
    line = [Segment(left, theme.now), equals, *symbols]
    if length(line) + length(filled) < width:
        return [[*line, *filled]]
    indent = len(left) + 3
    if tight:
        return flowed([Segment(left, theme.now), *filled], width - 1, indent)
    below = [Segment(" " * len(left)), *filled]
    return flowed(line, width - 1, indent) + flowed(below, width - 1, indent)


def ledger(view_state: ViewState, use: Use, k: int, width: int, room: int) -> list[Line]:
    """The additions so far, one line per token, the newest last, as many as fit in ``room``.

    Empty if fewer than two fit, since the newest is shown above already.
    """
    theme, layer, unit = view_state.theme, view_state.layer, view_state.cursor.unit
    count = additions(view_state, use)
    steps, room = walk(layer)[:count], min(room, LEDGER)
    if room < min(2, count) or not count:
        return []
    read, d = read_by(layer, use)[:, k], layer.propagated_grad(use.made)[:, unit].astype(np.float64)
    before = np.concatenate([[0.0], np.cumsum(read[steps] * d[steps])])
    lines: list[Line] = [[]]
    for n in range(max(0, count - room), count):
        t = steps[n]
        values = {"before": float(before[n]), "read": float(read[t]), "d": float(d[t])}
        arithmetic = numbers("before + read * d", values, 0)
        style = theme.now if t == view_state.cursor.t else theme.dim
        word = fit(f" {n + 1} {visible(view_state.trace.tokens[t])}", min(20, width // 4))
        line = [Segment(word, style), *(Segment(s, theme.dim) for s, _ in arithmetic.spans)]
        lines.append([*line, Segment(" = ", theme.dim), Segment(arithmetic.result, style)])
    return lines


def _part_word(view_state: ViewState, use: Use) -> str:
    return view_state.word("part", view_state.layer.parts[undone_at(view_state.layer, use.made)])


def complete(view_state: ViewState, weights: Sequence[Use]) -> bool:
    """Whether the sums contain the terms of all tokens."""
    return all(additions(view_state, use) == len(view_state.trace.tokens) for use in weights)


def additions_texts(view_state: ViewState, weights: Sequence[Use]) -> tuple[str, ...]:
    """The number of additions so far, and what the complete sum is; the longest text first."""
    count, T = min(additions(view_state, use) for use in weights), len(view_state.trace.tokens)
    text = view_state.text("page.backward.additions", n=count, T=T)
    ticks = "▪" * count + "·" * (T - count) + " " if T <= TICKS else ""
    if not complete(view_state, weights):
        return ticks + text, text
    padded = any(state.any() for state in view_state.layer.initial.values())
    key = "page.backward.shown" if padded else "page.backward.complete"
    said = f"{text} · {view_state.text(key)}"
    return ticks + said, said, f"{text} · {view_state.text(f'{key}_short')}"
