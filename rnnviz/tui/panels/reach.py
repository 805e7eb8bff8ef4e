"""The reach panel: the norm of ∂(final state)/∂(state at t) of every token."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.render.marks import CHOSEN, THIS_BAR
from rnnviz.tui.render.segments import (
    Line,
    cut,
    fit,
    heading,
    length,
    log_range,
    log_share,
    log_spark,
    window,
    wrapped,
)
from rnnviz.tui.view.view_state import Reach, ViewState
from rnnviz.tui.view.widget import View

NAME = 11
#: Columns of the numbers right of the bars.
BESIDE = 19
#: Columns of a token in a row of bars: most, and least with its word below.
MOST, LABELLED = 12, 4


class Reaches(View):
    """A line for each token of one cell, or a row of bars for each compared cell; log scale."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, layer = view_state.theme, view_state.layer
        own = Reach(layer.title, layer.reach)
        reaches = [own, *(r for m, r in view_state.reaches.items() if m != view_state.trace.model)]
        last, t = layer.order[-1] + 1, view_state.cursor.t + 1
        note = f"‖∂{view_state.symbol('s', last)}/∂{view_state.symbol('s', t)}‖"
        title, question = view_state.text("panel.reach"), view_state.text("question.reach")
        if view_state.hidden:
            text = cut(" " + view_state.text("view.hidden_later"), width)
            return [heading(title, question, width, theme, note), [Segment(text, theme.dim)]]
        low, high = log_range(np.concatenate([r.values for r in reaches]))
        scale = view_state.text("view.reach_scale", low=power(low), high=power(high))
        if cell_len(title) + cell_len(note) + cell_len(scale) + 6 <= width:
            note += f" {scale}"
        lines = [heading(title, question, width, theme, note)]
        if height < 1 + len(reaches):
            # One line for all cells if there is no room for one each.
            each = width // len(reaches) - 1
            row = [piece for r in reaches for piece in spark(view_state, r, each, low, high, False)]
            return [*lines, row]
        if len(reaches) == 1 and height > len(own.values):
            lines += token_bars(view_state, own, width, low, high)
        else:
            lines += [spark(view_state, r, width, low, high, True) for r in reaches]
            if height > len(lines):
                lines.append(word_axis(view_state, width))
        if len(reaches) == 1 and view_state.others and not view_state.keyless:
            key = "view.reach_busy" if view_state.comparing else "view.reach_ask"
            texts = wrapped(view_state.text(key), width - 2)
            if len(lines) + len(texts) <= height:
                lines += [[Segment(" " + text, theme.dim)] for text in texts]
        return lines


def token_bars(view_state: ViewState, reach: Reach, width: int, low: int, high: int) -> list[Line]:
    """A line for each token: the word, a bar and the number."""
    theme, tokens = view_state.theme, view_state.trace.tokens
    words = [visible(token) for token in tokens]
    name = min(max(cell_len(word) for word in words), max(4, width // 4))
    lines: list[Line] = []
    for t, (word, value) in enumerate(zip(words, reach.values, strict=True)):
        here = t == view_state.cursor.t
        room = width - name - 12
        bar = "█" * round(room * log_share(float(value), low, high))
        style = theme.now if here else theme.source
        mark = CHOSEN if here else " "
        lines.append([
            Segment(f"{mark}{fit(word, name)} ", theme.now if here else theme.ink),
            Segment(fit(bar, room + 1), style),
            Segment(number(float(value)), theme.now if here else theme.dim),
        ])  # fmt: skip
    return lines


def _grid(view_state: ViewState, width: int, name: int, beside: int) -> tuple[int, int, int]:
    """Columns of a token in a row of bars, the first token shown, and the number of tokens."""
    T = len(view_state.trace.tokens)
    room = max(1, width - name - beside)
    each = min(MOST, room // T)
    each = each if each >= LABELLED else 2 if T * 2 <= room else 1
    count = min(T, max(1, room // each))
    return each, window(T, view_state.cursor.t, count), count


def spark(
    view_state: ViewState, reach: Reach, width: int, low: int, high: int, roomy: bool
) -> Line:
    """The reach of one cell: name, a block per token, the numbers here and at the first token."""
    theme, t = view_state.theme, view_state.cursor.t
    own = reach.title == view_state.layer.title
    name = NAME if roomy else len(reach.title) + 2
    each, first, room = _grid(view_state, width, name, BESIDE if roomy else 8)
    if not roomy:
        each, room = 1, max(1, width - name - 8)
        first = window(len(reach.values), t, room)
    line = [Segment(fit(f" {reach.title}", name), theme.bold if own else theme.dim)]
    gap = " " if each >= LABELLED else ""
    for at, block in enumerate(log_spark(reach.values[first : first + room], low, high), first):
        text = block * (each - len(gap)) + gap
        line.append(Segment(text, theme.now if at == t else theme.source))
    line.append(Segment(f" {number(float(reach.values[t]))}", theme.now))
    first_value = f"  t=1 {number(float(reach.values[0]))}"
    if roomy and t and length(line) + len(first_value) <= width:
        line.append(Segment(first_value, theme.dim))
    return [*line, Segment(" ", theme.dim)]


def word_axis(view_state: ViewState, width: int) -> Line:
    """The words below the bars; only the chosen one where bars are too narrow."""
    theme, t = view_state.theme, view_state.cursor.t
    each, first, count = _grid(view_state, width, NAME, BESIDE)
    words = [visible(token) for token in view_state.trace.tokens]
    if each < LABELLED:
        at = NAME + (t - first) * each
        text = f"{THIS_BAR} {words[t]}"
        if at + cell_len(text) <= width:
            return [Segment(" " * at), Segment(text, theme.now)]
        text = cut(f"{words[t]} {THIS_BAR}", at + 1)
        return [Segment(" " * (at + 1 - cell_len(text))), Segment(text, theme.now)]
    line = [Segment(" " * NAME)]
    for k in range(first, first + count):
        # The mark of the chosen word where it does not cost a letter.
        word = f"{CHOSEN}{words[k]}" if k == t and cell_len(words[k]) < each - 1 else words[k]
        line.append(Segment(fit(word, each - 1) + " ", theme.now if k == t else theme.dim))
    return line


def power(exponent: int) -> str:
    """A power of ten with superscript digits, such as 10⁻³."""
    digits = str(abs(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return "10" + ("⁻" if exponent < 0 else "") + digits
