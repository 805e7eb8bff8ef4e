"""Curves in Braille with marks at their points, redrawn at every key.

Each character has an owner: the number of a curve, or a style. Charts that are laid out once are in
:mod:`rnnviz.charts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

import numpy as np

from rnnviz.arrays import Array
from rnnviz.tui.render.segments import fit

Owner = TypeVar("Owner")
#: A character of :func:`plot` and the index of its curve; −1: the grid, None: nothing.
Cell = tuple[str, int | None]
GRID = -1
#: The most columns between two tokens.
MAX_STEP = 20


class Canvas(Generic[Owner]):
    """Rows of characters; later drawing covers earlier drawing.

    ``covers``: a line replaces the dots of other lines; otherwise characters have the dots of all.
    """

    def __init__(self, width: int, rows: int, blank: Owner, covers: bool = True) -> None:
        self.width, self.rows, self.covers = width, rows, covers
        self.cells: list[list[tuple[str, Owner]]] = [[(" ", blank)] * width for _ in range(rows)]

    def put(self, row: int, column: int, char: str, owner: Owner) -> None:
        """Draw one character; ignored outside the canvas."""
        if 0 <= row < self.rows and 0 <= column < self.width:
            self.cells[row][column] = (char, owner)

    def line(
        self, across: Array, shares: Array, owner: Owner, dashes: int = 0, glyph: str = ""
    ) -> None:
        """Draw a line through points, with gaps where they are NaN.

        ``across``: shares of the width; ``shares``: of the height from the bottom; ``dashes``: the
        pattern, 0 for a solid line; ``glyph``: drawn instead of Braille dots.
        """
        from rnnviz.charts.layout import Curve
        from rnnviz.charts.raster import braille, rasterize

        good = np.isfinite(shares)
        if not good.any():
            return
        piece = np.cumsum(~good)[good]
        curve = Curve("line", dashes, 0, "", "", across[good], shares[good], piece, False)
        if glyph:
            columns, rows = rasterize(curve, self.width, self.rows)
            for row, column in {*zip(rows.tolist(), columns.tolist(), strict=True)}:
                self.put(row, column, glyph, owner)
            return
        bits = braille(*rasterize(curve, 2 * self.width, 4 * self.rows), self.width, self.rows)
        for row, column in zip(*(k.tolist() for k in bits.nonzero()), strict=True):
            under = 0 if self.covers else _dots(self.cells[row][column][0])
            self.put(row, column, chr(BRAILLE + (int(bits[row, column]) | under)), owner)


#: The Braille character without dots.
BRAILLE = 0x2800


def _dots(char: str) -> int:
    return ord(char) - BRAILLE if BRAILLE < ord(char) < BRAILLE + 0x100 else 0


def runs(row: Sequence[tuple[str, Owner]]) -> list[tuple[str, Owner]]:
    """A row as runs of text with one owner each."""
    return [("".join(c for c, _ in part), n) for n, part in groupby(row, lambda cell: cell[1])]


# -- curves over the tokens -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TokenCurve:
    """One curve: a share of the height for each token; NaN for a gap."""

    shares: Array  # (N) 0 at the bottom, 1 at the top
    mark: str = ""  # one column; at every token if there is room
    dashes: int = 0  # the pattern; 0: a solid line


def centres(count: int, width: int) -> list[int]:
    """The middle columns of ``count`` tokens spread over ``width``.

    They are equally far apart, to a column where there are fewer than four columns a token.
    """
    each = max(1, min(MAX_STEP, width // max(1, count)))
    if each < 4 and count > 1 and width > count:
        return [int((k + 0.5) * width / count) for k in range(count)]
    return [k * each + each // 2 for k in range(count)]


def plot(
    curves: Sequence[TokenCurve],
    columns: Sequence[int],
    width: int,
    rows: int,
    grid: Sequence[float] = (),
    plain: bool = False,
) -> list[list[Cell]]:
    """``rows`` × ``width`` cells; later curves cover earlier ones. ``plain``: marks only.

    ``grid``: the shares of horizontal grid lines.
    """
    canvas = Canvas[int | None](width, rows, None)
    for share in grid:
        for x in range(width):
            canvas.put(row_of(share, rows), x, "┄" if x % 4 == 0 else " ", GRID)
    across = (np.array(columns) + 0.5) / width
    for n, curve in enumerate(curves):
        if not plain:
            shares = np.clip(np.asarray(curve.shares, np.float64), 0, 1)
            canvas.line(across, shares, n, curve.dashes)
    apart = min(np.diff(columns), default=width)
    for n, curve in enumerate(curves):
        for k, x in enumerate(columns):
            wanted = plain or apart >= 3 or k in (0, len(columns) - 1)
            if wanted and curve.mark and np.isfinite(curve.shares[k]):
                canvas.put(row_of(float(curve.shares[k]), rows), x, curve.mark, n)
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
