"""Curves in Braille with marks at their points, drawn at every key: no app, no colours.

Each character belongs to something: the number of a curve or a style, which is the page's business.
The charts of :mod:`rnnviz.charts` are laid out once and printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.layout import Curve
from rnnviz.charts.raster import braille, stroke
from rnnviz.tui.render.segments import fit

Whose = TypeVar("Whose")
#: A character of :func:`plot`, and the curve it belongs to; −1 is the grid, None nothing.
Cell = tuple[str, int | None]
GRID = -1
#: Columns between two tokens of a short sentence.
WIDEST = 20


class Canvas(Generic[Whose]):
    """Rows of characters; what is drawn later lies above.

    ``covers``: a line hides the dots of another below it, else a character has the dots of both.
    """

    def __init__(self, width: int, rows: int, blank: Whose, covers: bool = True) -> None:
        self.width, self.rows, self.covers = width, rows, covers
        self.cells: list[list[tuple[str, Whose]]] = [[(" ", blank)] * width for _ in range(rows)]

    def put(self, row: int, column: int, char: str, whose: Whose) -> None:
        """One character; outside of the canvas it is dropped."""
        if 0 <= row < self.rows and 0 <= column < self.width:
            self.cells[row][column] = (char, whose)

    def line(
        self, across: Array, shares: Array, whose: Whose, dashes: int = 0, glyph: str = ""
    ) -> None:
        """Joined points, not through those that are NaN.

        ``across``: shares of the width, ``shares``: of the height from the bottom. ``dashes``:
        which pattern; 0 is a whole line. ``glyph`` stands for the Braille dots.
        """
        good = np.isfinite(shares)
        if not good.any():
            return
        piece = np.cumsum(~good)[good]
        curve = Curve("line", dashes, 0, "", "", across[good], shares[good], piece, False)
        if glyph:
            columns, rows = stroke(curve, self.width, self.rows)
            for row, column in {*zip(rows.tolist(), columns.tolist(), strict=True)}:
                self.put(row, column, glyph, whose)
            return
        bits = braille(*stroke(curve, 2 * self.width, 4 * self.rows), self.width, self.rows)
        for row, column in zip(*(k.tolist() for k in bits.nonzero()), strict=True):
            under = 0 if self.covers else _dots(self.cells[row][column][0])
            self.put(row, column, chr(BRAILLE + (int(bits[row, column]) | under)), whose)


#: The Braille character without dots.
BRAILLE = 0x2800


def _dots(char: str) -> int:
    return ord(char) - BRAILLE if BRAILLE < ord(char) < BRAILLE + 0x100 else 0


def runs(row: Sequence[tuple[str, Whose]]) -> list[tuple[str, Whose]]:
    """A row as texts that belong to one thing each."""
    return [("".join(c for c, _ in part), n) for n, part in groupby(row, lambda cell: cell[1])]


# -- curves over the tokens -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Trail:
    """One curve: a share of the height for each token; NaN is a gap."""

    shares: Array  # (N) 0 at the bottom, 1 at the top
    mark: str = ""  # one column; at every token where there is room
    dashes: int = 0  # which pattern; 0 is a whole line


def centres(count: int, width: int) -> list[int]:
    """The columns of ``count`` tokens spread over ``width``, at least one column each."""
    each = max(1, min(WIDEST, width // max(1, count)))
    return [k * each + each // 2 for k in range(count)]


def plot(
    trails: Sequence[Trail],
    columns: Sequence[int],
    width: int,
    rows: int,
    grid: Sequence[float] = (),
    plain: bool = False,
) -> list[list[Cell]]:
    """``rows`` × ``width`` cells; a later trail covers an earlier one. ``plain`` draws marks only.

    ``grid`` are the shares at which a line runs across.
    """
    canvas = Canvas[int | None](width, rows, None)
    for share in grid:
        for x in range(width):
            canvas.put(row_of(share, rows), x, "┄" if x % 4 == 0 else " ", GRID)
    across = (np.array(columns) + 0.5) / width
    for n, trail in enumerate(trails):
        if not plain:
            shares = np.clip(np.asarray(trail.shares, np.float64), 0, 1)
            canvas.line(across, shares, n, trail.dashes)
    apart = columns[1] - columns[0] if len(columns) > 1 else width
    for n, trail in enumerate(trails):
        for k, x in enumerate(columns):
            wanted = plain or apart >= 3 or k in (0, len(columns) - 1)
            if wanted and trail.mark and np.isfinite(trail.shares[k]):
                canvas.put(row_of(float(trail.shares[k]), rows), x, trail.mark, n)
    return canvas.cells


def row_of(share: float, rows: int) -> int:
    """The line a share is drawn on; line 0 is at the top."""
    return int(np.clip((1 - share) * rows, 0, rows - 1))


def level_bar(share: float, width: int) -> str:
    """A bar of exactly ``width`` columns; anything above zero shows at least half a column."""
    halves = round(max(0.0, min(1.0, share)) * 2 * width)
    if share > 0:
        halves = max(1, halves)
    return fit("█" * (halves // 2) + "▌" * (halves % 2), width)
