"""What a chart is made of, whoever draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rnnviz.arrays import Array

Values = Sequence[float] | Array


@dataclass(frozen=True, eq=False)
class ChartLine:
    """One series of points (x, y); ValueError when x falls or the two differ in length.

    A value that is not finite (or beyond ±1e300) is a gap, and is counted in the legend.
    """

    name: str
    x: Values  # (N), never falling; points with a NaN in x are gaps too
    y: Values  # (N)
    style: Literal["line", "dots"] = "line"
    hue: int | None = None  # which colour; None: its place in the chart


@dataclass(frozen=True)
class Level:
    """A horizontal reference line, such as a published number."""

    y: float
    label: str


@dataclass(frozen=True)
class Spot:
    """A point of interest, such as the best epoch."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines in one frame; the ranges hold every line and every mark, and all of ``x_range``."""

    title: str
    lines: Sequence[ChartLine]
    x_label: str = ""
    y_label: str = ""
    marks: Sequence[Level | Spot] = ()
    x_range: tuple[float, float] | None = None  # of a chart that fills up while it is looked at
