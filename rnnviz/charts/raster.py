"""Rasterizing curves: straight lines between points, dash patterns, Braille."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array
from rnnviz.charts.layout import Curve, cells

#: Dash patterns of the first, second … line: numbers of dots on, off, on, off …
DASHES = ((1,), (6, 4), (1, 3), (7, 3, 1, 3), (3, 7))

#: The bit of each dot in a Braille character (4, 2), by row and column (Unicode block at U+2800).
BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)


def rasterize(curve: Curve, width: int, height: int) -> tuple[Array, Array]:
    """The columns and rows of a curve's dots, each (n); row 0 is at the top.

    The points themselves are always drawn, so that a gap between dashes never hides a peak. A curve
    with more points than columns is not dashed.
    """
    curve = curve.outline(width)
    x, y = cells(curve.x, width), cells(1 - curve.y, height)
    start = np.flatnonzero(curve.joined)
    far = np.maximum(abs(x[start + 1] - x[start]), abs(y[start + 1] - y[start]))
    start, far = start[far > 0], far[far > 0]
    length = np.append(0, np.cumsum(far))
    along = np.arange(length[-1])
    share = (along - np.repeat(length[:-1], far)) / np.repeat(far, far)
    between = [
        np.repeat(v[start], far) + np.rint(np.repeat(v[start + 1] - v[start], far) * share)
        for v in (x, y)
    ]
    if not curve.dense:
        shown = is_drawn(along, curve.style_index)
        between = [v[shown] for v in between]
    x, y = (np.append(v, b).astype(int) for v, b in zip((x, y), between, strict=True))
    return x, y


def is_drawn(along: Array, style_index: int) -> Array:
    """Whether the dots at distances ``along`` line number ``style_index`` are drawn, (n)."""
    pattern = DASHES[style_index % len(DASHES)]
    shown = np.repeat(np.arange(len(pattern)) % 2 == 0, pattern)
    return shown[along % len(shown)]


def braille(x: Array, y: Array, columns: int, rows: int) -> Array:
    """The bits of the Braille characters with these dots, (rows, columns) uint8."""
    bits = np.zeros((rows, columns), dtype=np.uint8)
    np.bitwise_or.at(bits, (y // 4, x // 2), BRAILLE[y % 4, x % 2])
    return bits
