"""Several curves over the tokens, in Braille, each with a mark at its points: no app, no colours.

Curves differ in their marks and in their dashes; what colour each has is the page's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.layout import Curve
from rnnviz.charts.raster import braille, stroke
from rnnviz.tui.draw import fit

#: A character, and the curve it belongs to; −1 is the grid, None nothing.
Cell = tuple[str, int | None]
GRID = -1
EMPTY: Cell = (" ", None)
#: Columns between two tokens of a short sentence.
WIDEST = 20


@dataclass(frozen=True, eq=False)
class Trail:
    """One curve: a share of the height for each token; NaN is a gap."""

    shares: Array  # (N) 0 at the bottom, 1 at the top
    mark: str = ""  # one column; at every token where there is room
    dashes: int = 0  # which pattern; 0 is a whole line


@dataclass(frozen=True)
class LogScale:
    """A logarithmic scale: its two ends, and the values that have a label."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def shares(self, values: Array) -> Array:
        """Where values are: 0 at the low end and below, 1 at the high end."""
        inside = np.clip(np.asarray(values, np.float64), self.low, self.high)
        return np.asarray(np.log(inside / self.low) / np.log(self.high / self.low))


def log_scale(values: Array, rows: int) -> LogScale:
    """A scale for positive values; DECADES at most, what is smaller lies on its lower edge."""
    positive = values[values > 0]
    top = float(positive.max()) if len(positive) else 1.0
    bottom = max(float(positive.min()) if len(positive) else 0.1, top * 10.0**-DECADES)
    fine = np.log10(top / bottom) <= FINE
    steps = [(m, k) for k in range(-330, 309) for m in ((1, 2, 5) if fine else (1,))]
    sizes = [float(f"{m}e{k}") for m, k in steps]
    # A value a hair beyond a tick (1.0000001) does not need the next one.
    last = next(n for n, size in enumerate(sizes) if size >= top * (1 - 1e-4))
    first = next(n for n in range(last - 1, -1, -1) if sizes[n] <= bottom * (1 + 1e-4))
    every = max(1, -(-2 * (last - first) // max(1, rows - 1)))
    ticks = [(sizes[n], _written(*steps[n], fine)) for n in range(last, first - 1, -every)]
    if len(positive) < len(values) or positive.min() < sizes[first]:
        ticks = [t for t in ticks if t[0] > sizes[first]]
        ticks.append((sizes[first], "≤" + _written(*steps[first], fine)))
    return LogScale(sizes[first], sizes[last], tuple(ticks))


#: Decades a scale shows at most, and up to which it has ticks at 1, 2 and 5 as well.
DECADES, FINE = 12, 2.2


def _written(m: int, k: int, fine: bool) -> str:
    if not fine or abs(k) > 3:
        power = "10" + ("⁻" if k < 0 else "") + str(abs(k)).translate(RAISED)
        return power if m == 1 else f"{m}·{power}"
    return f"{m * 10**k}" if k >= 0 else f"{m / 10**-k:.{-k}f}"


RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


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
    cells = [[EMPTY] * width for _ in range(rows)]
    for share in grid:
        cells[row_of(share, rows)] = [("┄" if x % 4 == 0 else " ", GRID) for x in range(width)]
    for n, trail in enumerate(trails):
        if not plain:
            _stroke(cells, n, trail, columns, width, rows)
    apart = columns[1] - columns[0] if len(columns) > 1 else width
    for n, trail in enumerate(trails):
        for k, x in enumerate(columns):
            wanted = plain or apart >= 3 or k in (0, len(columns) - 1)
            if wanted and trail.mark and np.isfinite(trail.shares[k]):
                cells[row_of(float(trail.shares[k]), rows)][x] = (trail.mark, n)
    return cells


def row_of(share: float, rows: int) -> int:
    """The line a share is drawn on; line 0 is at the top."""
    return int(np.clip((1 - share) * rows, 0, rows - 1))


def _stroke(
    cells: list[list[Cell]], n: int, trail: Trail, columns: Sequence[int], width: int, rows: int
) -> None:
    shares = np.asarray(trail.shares, np.float64)
    finite = np.isfinite(shares)
    across = (np.array(columns)[finite] + 0.5) / width
    piece = np.cumsum(~finite)[finite]
    curve = Curve(
        "line", trail.dashes, n, "", "", across, np.clip(shares[finite], 0, 1), piece, False
    )
    x, y = stroke(curve, 2 * width, 4 * rows)
    bits = braille(x, y, width, rows)
    for row, column in zip(*(k.tolist() for k in bits.nonzero()), strict=True):
        cells[row][column] = (chr(0x2800 + int(bits[row, column])), n)


def runs(row: Sequence[Cell]) -> list[tuple[str, int | None]]:
    """A row as texts of one curve each."""
    return [("".join(c for c, _ in part), n) for n, part in groupby(row, lambda cell: cell[1])]


def level_bar(share: float, width: int) -> str:
    """A bar of exactly ``width`` columns; anything above zero shows at least half a column."""
    halves = round(max(0.0, min(1.0, share)) * 2 * width)
    if share > 0:
        halves = max(1, halves)
    return fit("█" * (halves // 2) + "▌" * (halves % 2), width)
