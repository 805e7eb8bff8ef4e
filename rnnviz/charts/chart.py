"""The description of a chart: lines, reference levels and points of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rnnviz.arrays import Array

Values = Sequence[float] | Array


@dataclass(frozen=True, eq=False)
class ChartLine:
    """A series of points (x, y); rendering raises ValueError if x decreases or lengths differ.

    A value that is not finite (or beyond ±1e300) is a gap and counted in the legend.
    """

    name: str
    x: Values  # (N), not decreasing; points with a NaN in x are gaps too
    y: Values  # (N)
    style: Literal["line", "dots"] = "line"
    hue: int | None = None  # index of the colour; None: index of the line


@dataclass(frozen=True)
class Level:
    """A horizontal reference line, such as a published result."""

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
    """Lines and marks on common axes, which contain them and ``x_range``."""

    title: str
    lines: Sequence[ChartLine]
    x_label: str = ""
    y_label: str = ""
    marks: Sequence[Level | Spot] = ()
    x_range: tuple[float, float] | None = None  # for a chart that is updated while it grows
