"""The row of changes beside |∂L/∂x|: Δp at each word, or the end without each word.

Of a net that writes it is the surprise at the next token in bits.

A gradient says how sensitive the loss is to a word, not what the word did. These numbers do.
"""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import next_tokens
from rnnviz.analysis.interventions import changes
from rnnviz.equations import MINUS, number
from rnnviz.tui.panels.belief import change_line
from rnnviz.tui.panels.conclusion import clauses, leaves_out, questions, unit_of_output, without
from rnnviz.tui.panels.word_columns import WordWindow, at_columns, line_label
from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.conclusion import fitted
from rnnviz.tui.view.view_state import ViewState


def change_row(view_state: ViewState, shown: WordWindow) -> Line:
    """Δp of each known word; the end without each word while that is chosen."""
    theme = view_state.theme
    if leaves_out(view_state):
        return _row(view_state, shown, view_state.text("conclusion.row"), *_ends(view_state))
    if view_state.trace.head.writes:
        found = _surprises(view_state, shown)
        return _row(view_state, shown, view_state.text("next.bits"), *found)
    k = view_state.shown_class()
    deltas = changes(view_state.trace, k)
    numbers = view_state.trace.head.is_number and view_state.trace.series is None
    if view_state.trace.series is not None:
        series = view_state.trace.series
        deltas = deltas * series.std[series.target]
    texts, styles = {}, {}
    for t, delta in enumerate(deltas):
        if view_state.prediction_known(t) and np.isfinite(delta):
            exact = numbers and bool(delta)
            text = number(float(delta), 2, signed=True) if exact else signed(float(delta))
            texts[t] = text
            styles[t] = theme.dim if text == "0" else theme.above if delta > 0 else theme.below
    name = "Δp" if not view_state.trace.head.is_number else "Δ"
    return _row(view_state, shown, name, texts, styles)


def _surprises(view_state: ViewState, shown: WordWindow) -> tuple[dict[int, str], dict[int, Style]]:
    """By token −log₂ p of the next one; bright where it is less likely than by chance."""
    theme, trace = view_state.theme, view_state.trace
    texts: dict[int, str] = {}
    styles: dict[int, Style] = {}
    chance = np.log2(len(trace.head.labels))
    every = next_tokens.surprises(trace)
    for t in (column.t for column in shown.columns):
        if view_state.prediction_known(t):
            bits = every[t]
            texts[t] = number(float(bits), 2)
            styles[t] = theme.now if bits > chance else theme.dim if bits < 1 else theme.ink
    return texts, styles


def _ends(view_state: ViewState) -> tuple[dict[int, str], dict[int, Style]]:
    """By token the output at the end without it, highest contrast where it changes most."""
    theme, found = view_state.theme, without(view_state)
    texts: dict[int, str] = {}
    styles: dict[int, Style] = {}
    if found is None or view_state.hidden:
        return texts, styles
    k = view_state.class_at_end()
    values, end = unit_of_output(view_state, found.outputs[:, k]), view_state.readout[-1, k]
    far = np.where(found.possible, np.abs(values - float(end)), -1)
    for t in np.flatnonzero(found.possible):
        texts[int(t)] = number(float(values[t]), 2)
        styles[int(t)] = theme.now if far[t] == far.max() else theme.ink
    return texts, styles


def _row(
    view_state: ViewState, shown: WordWindow, name: str, texts: dict[int, str],
    styles: dict[int, Style],
) -> Line:  # fmt: skip
    theme = view_state.theme
    pieces = [(0, line_label(name, theme.dim))]
    for column in shown.columns:
        text, style = texts.get(column.t, "·"), styles.get(column.t, theme.rule)
        if column.t not in texts:
            pieces.append((column.centre, Segment(text, style)))
        elif cell_len(text) < column.slot:
            pieces.append((column.x, Segment(text, style)))
    return at_columns(pieces)


def signed(value: float) -> str:
    """A change with its sign and two digits after the point; "0" if they are zero."""
    text = f"{value:+.2f}".replace("-", MINUS)
    return "0" if not float(f"{value:.2f}") else text


def conclusion_line(view_state: ViewState, room: int) -> Line:
    """The sentence of the panels in a heading; empty without the net, which answers it."""
    if view_state.hidden or not questions(view_state):
        return []
    found = fitted(clauses(view_state), room, 1)
    style = change_line(view_state, room)[0].style
    return [Segment(found[0], style)] if found else []
