"""The curves of the reach on a logarithmic scale, with the cursor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.reach import (
    keep_gate_product,
)
from rnnviz.arrays import Array
from rnnviz.trace import LayerTrace, frozen
from rnnviz.tui.pages.cell_marks import axis, hue, mark
from rnnviz.tui.render.braille_plot import (
    GRID,
    Cell,
    TokenCurve,
    centres,
    plot,
    row_of,
    runs,
)
from rnnviz.tui.render.scales import log_scale
from rnnviz.tui.render.segments import Line, fit, page
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState

GUTTER = 7


PRODUCT = "×*"


CURSOR = -2


@dataclass(frozen=True, eq=False)
class ReachCurve:
    """The reach of a layer, or the product of its keep gate, over the sentence."""

    layer: LayerTrace
    kind: str  # "trained", "untrained" or "gates"
    values: Array  # (T)

    def mark(self, theme: ViewTheme) -> str:
        """The mark of its points."""
        if self.kind == "gates":
            return PRODUCT[theme.ascii]
        return mark(self.layer.cell, theme, self.kind == "untrained")


@lru_cache(maxsize=64)
def reach_curve(layer: LayerTrace, kind: str) -> ReachCurve:
    """A curve of a layer; cached, so that its picture can be cached too."""
    values = frozen(keep_gate_product(layer).mean(1)) if kind == "gates" else layer.reach
    return ReachCurve(layer, kind, values)


@lru_cache(maxsize=16)
def _picture(
    curves: tuple[ReachCurve, ...], first: int, count: int, width: int, rows: int, theme: ViewTheme
) -> tuple[list[list[Cell]], list[str]]:
    """The curves without the cursor, and the labels of their lines."""
    scale = log_scale(np.concatenate([c.values for c in curves]), rows)
    trails = []
    for c in curves:
        shares = scale.shares(c.values[first : first + count])
        dashes = {"trained": 0, "untrained": 1, "gates": 2}[c.kind]
        trails.append(TokenCurve(shares, c.mark(theme), dashes))
    places = [float(share) for share in scale.shares(np.array([v for v, _ in scale.ticks]))]
    labels = [""] * rows
    for share, (_, label) in zip(places, scale.ticks, strict=True):
        labels[row_of(share, rows)] = label
    return plot(trails, centres(count, width), width, rows, places, theme.ascii), labels


def _with_cursor(row: list[Cell], at: int, drawn: bool) -> list[tuple[str, int | None]]:
    """The row with the line of the chosen token; marks on the line are highlighted."""
    char, n = row[at]
    if n is None or n == GRID:
        if not drawn:
            return runs(row)
        char = "│"
    return runs([*row[:at], (char, CURSOR), *row[at + 1 :]])


def _style(theme: ViewTheme, curves: tuple[ReachCurve, ...], n: int | None) -> Style:
    if n is None:
        return theme.ink
    if n == CURSOR:
        return theme.now
    if n == GRID:
        return theme.rule
    return hue(curves[n].layer.cell, theme, curves[n].kind != "trained")


def chart(
    view_state: ViewState, curves: tuple[ReachCurve, ...], width: int, rows: int
) -> list[Line]:
    theme, T, t = view_state.theme, len(view_state.trace.tokens), view_state.cursor.t
    room, rows = max(2, width - GUTTER), rows - 1
    count = min(T, room)
    first = page(T, t, count)
    columns = centres(count, room)
    picture, labels = _picture(curves, first, count, room, rows, theme)
    at, lines = columns[t - first], []
    for y, (row, label) in enumerate(zip(picture, labels, strict=True)):
        line = [Segment(fit(label, GUTTER - 1, ">"), theme.dim), Segment("│", theme.rule)]
        for text, n in _with_cursor(row, at, y % 2 == 0):
            line.append(Segment(text, _style(theme, curves, n)))
        lines.append(line)
    return [*lines, axis(view_state, first, columns, GUTTER, theme.chosen)]
