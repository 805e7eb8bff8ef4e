"""The layout of a chart, common to both renderers: positions as shares of the plot area."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.axes import Axis, axis, usable
from rnnviz.charts.chart import Chart, ChartLine, Level, Spot
from rnnviz.display import visible
from rnnviz.messages import _

X_MARGIN, Y_MARGIN = 0.03, 0.06
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def cells(shares: Array | float, size: int) -> Array:
    """The index of the one of ``size`` equal cells that contains each share from 0 to 1."""
    return np.clip((np.asarray(shares) * size).astype(int), 0, size - 1)


@dataclass(frozen=True, eq=False)
class Curve:
    """The points of a line, as shares of the plot area (y upwards)."""

    style: Literal["line", "dots"]
    style_index: (
        int  # index among the lines, or the dots, of the chart: selects the pattern or marker
    )
    hue: int
    name: str
    letter: str  # drawn at the end of the line if there are several lines, else ""
    x: Array  # (n)
    y: Array  # (n)
    piece: Array  # (n) piece number; only neighbours of the same piece are joined
    dense: bool  # more points than columns

    def outline(self, columns: int) -> Curve:
        """Only the first, lowest, highest and last point of each of ``columns`` columns.

        On a raster of that many columns the line looks the same (Jugel et al. 2014, "M4: a
        visualization-oriented time series data aggregation").
        """
        column = cells(self.x, columns)
        by_height = np.lexsort((self.y, column))
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        ends = np.append(starts[1:], len(column))[: len(starts)] - 1
        selected = np.unique(np.concatenate([starts, ends, by_height[starts], by_height[ends]]))
        return replace(self, x=self.x[selected], y=self.y[selected], piece=self.piece[selected])

    @property
    def joined(self) -> Array:
        """Whether each point is joined to the next, (n − 1)."""
        return self.piece[1:] == self.piece[:-1]


@dataclass(frozen=True, eq=False)
class ChartLayout:
    """A chart with its axes, and all positions as shares of the plot area."""

    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    levels: tuple[tuple[float, str], ...]  # share, label
    spots: tuple[tuple[float, float, str], ...]  # shares, label

    @property
    def in_order(self) -> list[Curve]:
        """The curves in drawing order: dots last, so that lines do not hide them."""
        return sorted(self.curves, key=lambda curve: curve.style == "dots")


def axes(chart: Chart, x_ticks: int, y_ticks: int) -> tuple[Axis, Axis]:
    """The x and y axes, which contain all lines and marks."""
    points = [_points(line) for line in chart.lines]
    marks = [m for m in chart.marks if _drawable(m)]
    selected = [(x[ok], y[ok]) for x, y, ok in points]
    xs = [x for x, _ in selected] + [np.array([m.x]) for m in marks if isinstance(m, Spot)]
    xs += [] if chart.x_range is None else [np.array(chart.x_range)]
    ys = [y for _, y in selected] + [np.array([m.y]) for m in marks]
    x, y = (np.concatenate([*values, np.empty(0)]).astype(float) for values in (xs, ys))
    integers = bool(np.all(x == np.round(x)))
    return axis(x, x_ticks, X_MARGIN, integers), axis(y, y_ticks, Y_MARGIN)


def lay_out(chart: Chart, x: Axis, y: Axis, columns: int) -> ChartLayout:
    """Lay out the chart on these axes for an image of about ``columns`` dots or pixels."""
    several = sum(line.style == "line" for line in chart.lines) > 1
    counts = {"line": 0, "dots": 0}
    curves = []
    for index, line in enumerate(chart.lines):
        style_index = counts[line.style]
        counts[line.style] += 1
        letter = LETTERS[style_index % len(LETTERS)] if several and line.style == "line" else ""
        curves.append(_curve(line, index, style_index, letter, x, y, columns))
    marks = [mark for mark in chart.marks if _drawable(mark)]
    levels = [(_share(y, m.y), visible(m.label)) for m in marks if isinstance(m, Level)]
    spots = [
        (_share(x, m.x), _share(y, m.y), visible(m.label)) for m in marks if isinstance(m, Spot)
    ]
    return ChartLayout(x, y, tuple(curves), tuple(levels), tuple(spots))


def _share(axis: Axis, value: float) -> float:
    return float(axis.share(value))


def _drawable(mark: Level | Spot) -> bool:
    return bool(usable(mark.y)) and (isinstance(mark, Level) or bool(usable(mark.x)))


def _points(line: ChartLine) -> tuple[Array, Array, Array]:
    x, y = np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"line {line.name!r}: x is {x.shape} and y is {y.shape}, not both (N,)")
    ok = usable(x) & usable(y)
    if np.any(np.diff(x[ok]) < 0):
        raise ValueError(f"line {line.name!r}: x falls")
    return x, y, ok


def _curve(
    line: ChartLine,
    index: int,
    style_index: int,
    letter: str,
    x_axis: Axis,
    y_axis: Axis,
    columns: int,
) -> Curve:
    x, y, ok = _points(line)
    piece = np.cumsum(~ok)[ok]
    x, y = x_axis.share(x[ok]), y_axis.share(y[ok])
    missing = int(np.count_nonzero(~ok))
    name = visible(line.name)
    if missing:
        name = _("{name} ({missing:,} not finite)").format(name=name, missing=missing)
    hue = index if line.hue is None else line.hue
    return Curve(line.style, style_index, hue, name, letter, x, y, piece, len(x) > columns)
