"""Scales of plots and their ticks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.axes import Axis
from rnnviz.tui.render.braille_plot import row_of


@dataclass(frozen=True)
class Scale:
    """Maps points to columns and rows."""

    count: int  # positions along the x axis
    y: Axis
    width: int
    rows: int

    def column(self, at: int) -> int:
        """The column of an x position."""
        return min(self.width - 1, int(self.across(at) * self.width))

    def row(self, value: float) -> int:
        """The row of a value, 0 at the top."""
        return row_of(float(self.y.share(value)), self.rows)

    def across(self, at: Array | float) -> Array:
        """The share of the width to the left of an x position."""
        return np.asarray(at) / max(1, self.count - 1)


def ticks(scale: Scale, gutter: int) -> list[str]:
    """The left edge of every row, ``gutter`` columns wide, with a label at each tick."""
    labels: dict[int, str] = {}
    for value, label in scale.y.ticks:
        labels.setdefault(scale.row(value), label.replace("-", "−"))
    return [
        f"{labels[row].rjust(gutter - 2)} ┤" if row in labels else "│".rjust(gutter)
        for row in range(scale.rows)
    ]


@dataclass(frozen=True)
class LogScale:
    """A logarithmic scale: its ends, and the values with labels."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def shares(self, values: Array) -> Array:
        """Shares of the scale: 0 at the low end and below, 1 at the high end and above."""
        inside = np.clip(np.asarray(values, np.float64), self.low, self.high)
        return np.asarray(np.log(inside / self.low) / np.log(self.high / self.low))


def log_scale(values: Array, rows: int) -> LogScale:
    """A scale of at most DECADES decades; smaller values are clipped to its low end."""
    positive = values[values > 0]
    top = float(positive.max()) if len(positive) else 1.0
    bottom = max(float(positive.min()) if len(positive) else 0.1, top * 10.0**-DECADES)
    fine = np.log10(top / bottom) <= FINE
    steps = [(m, k) for k in range(-330, 309) for m in ((1, 2, 5) if fine else (1,))]
    sizes = [float(f"{m}e{k}") for m, k in steps]
    # A value barely beyond a tick (1.0000001) does not need the next one.
    last = next(n for n, size in enumerate(sizes) if size >= top * (1 - 1e-4))
    first = next(n for n in range(last - 1, -1, -1) if sizes[n] <= bottom * (1 + 1e-4))
    every = max(1, -(-2 * (last - first) // max(1, rows - 1)))
    ticks = [(sizes[n], _label(*steps[n], fine)) for n in range(last, first - 1, -every)]
    if len(positive) < len(values) or positive.min() < sizes[first]:
        ticks = [t for t in ticks if t[0] > sizes[first]]
        ticks.append((sizes[first], "≤" + _label(*steps[first], fine)))
    return LogScale(sizes[first], sizes[last], tuple(ticks))


#: The most decades of a scale; the most decades with ticks at 1, 2 and 5.
DECADES, FINE = 12, 2.2


def _label(m: int, k: int, fine: bool) -> str:
    if not fine or abs(k) > 3:
        power = "10" + ("⁻" if k < 0 else "") + str(abs(k)).translate(RAISED)
        return power if m == 1 else f"{m}·{power}"
    return f"{m * 10**k}" if k >= 0 else f"{m / 10**-k:.{-k}f}"


RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
