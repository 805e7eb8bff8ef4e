"""The map of a gradient: for each token its norm and the gradient of every unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.segment import Segment

from rnnviz.analysis.shared_weights import sizes, undone, walk
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import LayerTrace
from rnnviz.tui.pages import shared_gradients
from rnnviz.tui.panels.reach import power
from rnnviz.tui.render.segments import (
    Line,
    beside,
    fit,
    heat,
    length,
    log_range,
    page,
    window,
)  # fmt: skip
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.off_screen import off_rows
from rnnviz.tui.view.view_state import ViewState

VALUE = 9  # columns of the chosen unit's number
_CELLS = 5  # segments before the cells: word, gap, norm, bar, number


@dataclass(frozen=True)
class MapColumns:
    """Column widths of the map."""

    word: int
    bar: int
    wide: int  # columns of one unit
    first: int  # the first unit shown
    count: int  # units shown

    @property
    def heat(self) -> int:
        """The column of the first unit."""
        return self.word + shared_gradients.NORM + self.bar + 2 + VALUE


def draw_map(
    view_state: ViewState, name: str, width: int, height: int, tall: int = 1
) -> list[Line]:
    """Draw a row for each token: the norm of its gradient, and the gradient of every unit.

    ``tall`` is the number of lines of a row; the second line repeats the cells.
    """
    theme, cursor = view_state.theme, view_state.cursor
    each, top, (low, high) = sizes(view_state.layer, name), *scales(view_state.layer, name)
    at = map_columns(view_state, width)
    arrow = at.heat + (cursor.unit - at.first) * at.wide + (at.wide - 1) // 2
    norm = f"‖{view_state.symbol(f'd_{name}')}‖"
    scale = f"{power(low)}…{power(high)}" if at.bar >= 12 else ""
    shown = map_rows(view_state, height, tall)
    away = off_rows(view_state, shown, at.word - 1)
    headings = fit(away, at.word) + fit(norm, shared_gradients.NORM) + fit(scale, at.bar + 1)
    headings += f"{view_state.symbol(f'd_{name}')}[{cursor.unit}]"
    left = [Segment(fit(headings, arrow), theme.dim), Segment(f"▼{cursor.unit}", theme.now)]
    right = [Segment(f"±{number(top)}", theme.dim)]
    lines = [beside(left, right if length(left) + 12 < width else [], width, theme.ink)]
    for t in shown:
        here = t == cursor.t
        mark = second_sentence.mark(view_state, t)
        word = ("▸" + mark if here else mark or " ") + visible(view_state.trace.tokens[t])
        style = theme.chosen if here else theme.above if mark else theme.ink
        style = theme.unknown if view_state.trace.unknown[t] and not here else style
        line = [Segment(fit(word, at.word - 1), style), Segment(" ", theme.ink)]
        if undone(view_state.layer, cursor.t, cursor.part, t, name):
            size = float(each[t])
            share = (np.log10(size) - low) / (high - low) if size > 0 else 0
            bar = shared_gradients.blocks(max(float(share), 1e-9) if size > 0 else 0, at.bar)
            values = view_state.layer.grads[name][t, at.first : at.first + at.count]
            style = theme.now if here else theme.dim
            line += [
                Segment(fit(number(size), shared_gradients.NORM), style),
                Segment(fit(bar, at.bar + 1), theme.now if here else theme.source),
                Segment(
                    fit(number(float(values[cursor.unit - at.first]), 3, True), VALUE + 1),
                    style,
                ),
                *heat(values, top, False, theme, at.wide, cursor.unit - at.first),
            ]
        else:
            line.append(Segment(fit("·", shared_gradients.NORM), theme.rule))
            line += [Segment(" " * (at.bar + 1)), Segment(" " * (VALUE + 1))]
            mark = fit("·", max(4, at.wide)) * at.count
            line.append(Segment(mark[: at.wide * at.count], theme.rule))
        lines.append(line)
        lines += [[Segment(" " * at.heat), *line[_CELLS:]]] * (tall - 1)
    return lines


def map_columns(view_state: ViewState, width: int) -> MapColumns:
    """Columns of words, norm, bar, and of as many units as fit."""
    word = 9 if width < 70 else 12 if width < 100 else 16
    bar = 4 if width < 70 else 12 if width < 100 else 16
    H = view_state.layer.units
    room = width - word - shared_gradients.NORM - bar - 2 - VALUE
    wide = max(1, min(3, room // H))
    count = min(H, room // wide)
    return MapColumns(word, bar, wide, window(H, view_state.cursor.unit, count), count)


def map_rows(view_state: ViewState, height: int, tall: int = 1) -> list[int]:
    """The tokens that have a row, in order.

    If they do not all fit, the token at which the walk starts keeps a row of its own.
    """
    T, room = len(view_state.trace.tokens), max(1, (height - 1) // tall)
    if room >= T:
        return list(range(T))
    t, begin = view_state.cursor.t, walk(view_state.layer)[0]
    if room < 2:
        first = page(T, t, room)
        return list(range(first, first + room))
    first = page(T, t, room)
    if first <= begin < first + room:
        return list(range(first, first + room))
    if begin == 0:
        first = 1 + page(T - 1, t - 1, room - 1)
        return [0, *range(first, first + room - 1)]
    first = page(T - 1, t, room - 1)
    return [*range(first, first + room - 1), begin]


def scales(layer: LayerTrace, name: str) -> tuple[float, tuple[int, int]]:
    """The end of the colour scale, and the powers of ten of the bars."""
    top = float(np.abs(layer.grads[name]).max())
    return top or 1.0, log_range(sizes(layer, name))
