"""A small plot of characters in the stepper's own styles: lines of dots, marks, ticks.

The charts of :mod:`rnnviz.charts` are laid out once and printed; this one is drawn at every key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.arrays import Array
from rnnviz.charts.axes import Axis
from rnnviz.charts.layout import Curve
from rnnviz.charts.raster import braille, stroke
from rnnviz.tui.draw import Line


@dataclass(frozen=True)
class Scale:
    """Which column and which row a point has."""

    count: int  # places along the x axis
    y: Axis
    width: int
    rows: int

    def column(self, at: int) -> int:
        """The column of a place."""
        return min(self.width - 1, int(self.across(at) * self.width))

    def row(self, value: float) -> int:
        """The row of a value, 0 at the top."""
        return int(np.clip((1 - float(self.y.share(value))) * self.rows, 0, self.rows - 1))

    def across(self, at: Array | float) -> Array:
        """The share of the width that lies left of a place."""
        return np.asarray(at) / max(1, self.count - 1)


class Plot:
    """Rows of characters, each with a style; what is drawn later lies above."""

    def __init__(self, scale: Scale, paper: Style) -> None:
        self.scale = scale
        blank = (" ", paper)
        self.cells = [[blank] * scale.width for _ in range(scale.rows)]

    def put(self, row: int, column: int, char: str, style: Style) -> None:
        """One character; outside of the plot it is dropped."""
        if 0 <= row < self.scale.rows and 0 <= column < self.scale.width:
            self.cells[row][column] = (char, style)

    def mark(self, at: int, value: float, char: str, style: Style) -> None:
        """A character at a point; none where the value is not known."""
        if np.isfinite(value):
            self.put(self.scale.row(value), self.scale.column(at), char, style)

    def line(self, at: Array, values: Array, style: Style, glyph: str = "") -> None:
        """Joined points, not through those that are NaN; ``glyph`` stands for the Braille dots."""
        scale, good = self.scale, np.isfinite(values)
        if not good.any():
            return
        piece = np.cumsum(~good)[good]
        x, y = scale.across(at[good]), scale.y.share(values[good])
        curve = Curve("line", 0, 0, "", "", x, y, piece, True)
        if glyph:
            columns, rows = stroke(curve, scale.width, scale.rows)
            for row, column in {*zip(rows.tolist(), columns.tolist(), strict=True)}:
                self.put(row, column, glyph, style)
            return
        bits = braille(*stroke(curve, 2 * scale.width, 4 * scale.rows), scale.width, scale.rows)
        for row, column in zip(*(k.tolist() for k in bits.nonzero()), strict=True):
            char = self.cells[row][column][0]
            under = ord(char) - 0x2800 if 0x2800 < ord(char) < 0x2900 else 0
            self.put(row, column, chr(0x2800 + (int(bits[row, column]) | under)), style)

    def lines(self) -> list[Line]:
        """The rows, neighbours of one style in one piece."""
        return [_joined(row) for row in self.cells]


def _joined(cells: Sequence[tuple[str, Style]]) -> Line:
    found: Line = []
    text, last = "", cells[0][1]
    for char, style in cells:
        if style is not last:
            found.append(Segment(text, last))
            text, last = "", style
        text += char
    return [*found, Segment(text, last)]


def ticks(scale: Scale, gutter: int) -> list[str]:
    """The left edge of every row: a number where a tick is, ``gutter`` columns wide."""
    told: dict[int, str] = {}
    for value, label in scale.y.ticks:
        told.setdefault(scale.row(value), label.replace("-", "−"))
    return [
        f"{told[row].rjust(gutter - 2)} ┤" if row in told else "│".rjust(gutter)
        for row in range(scale.rows)
    ]
