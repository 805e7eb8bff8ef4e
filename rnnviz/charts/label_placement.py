"""Placing labels in an SVG chart where they cover least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.layout import ChartLayout, Curve
from rnnviz.charts.svg_elements import SIZE, PlotArea

Place = tuple[float, float]  # the start of a label's baseline, in pixels


class OccupiedPoints:
    """Points (N, 2) on everything drawn in a plot area, placed labels included."""

    def __init__(self, layout: ChartLayout, frame: PlotArea) -> None:
        self.frame = frame
        across = np.linspace(0, 1, 100)
        shares = [_along(curve) for curve in layout.curves]
        shares += [np.stack([across, np.full(100, y)], -1) for y, _ in layout.levels]
        shares += [np.array([[x, y]]) for x, y, _ in layout.spots]
        points = np.concatenate([*shares, np.empty((0, 2))])
        self.drawn = np.stack([frame.x(points[:, 0]), frame.y(points[:, 1])], -1)

    def emptiest(self, places: Sequence[Place], length: float) -> Place | None:
        """Take the place inside the plot area that covers least; None if none is inside."""
        inside = [place for place in places if self._inside(*place, length)]
        if not inside:
            return None
        x, y = min(inside, key=lambda place: self._covered(place[0], place[1], length))
        taken = np.meshgrid(np.arange(x, x + length, 4), np.arange(y - SIZE, y + 4, 4))
        self.drawn = np.concatenate([self.drawn, np.stack(taken, -1).reshape(-1, 2)])
        return x, y

    def _inside(self, x: float, y: float, length: float) -> bool:
        frame = self.frame
        wide = frame.left <= x and x + length <= frame.right
        return wide and frame.top - 8 <= y - SIZE and y + 4 <= frame.foot

    def _covered(self, x: float, y: float, length: float) -> int:
        columns, rows = self.drawn[:, 0], self.drawn[:, 1]
        hit = (columns > x - 4) & (columns < x + length + 4)
        return int(np.count_nonzero(hit & (rows > y - SIZE) & (rows < y + 5)))


def _along(curve: Curve) -> Array:
    """Points (n, 2) on a curve, including some between its data points."""
    points = np.stack([curve.x, curve.y], -1)
    if curve.style == "dots" or curve.dense:
        return points
    start, end = points[:-1][curve.joined], points[1:][curve.joined]
    between = start[:, None] + (end - start)[:, None] * np.linspace(0, 1, 25)[:, None]
    return np.concatenate([points, between.reshape(-1, 2)])
