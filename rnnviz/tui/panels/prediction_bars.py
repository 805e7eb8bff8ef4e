"""Predictions as bars in eighths of a line, with the scale at the left and a dotted line at 0.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import HeadTrace
from rnnviz.tui.render.segments import Line, block_column, cut, fit
from rnnviz.tui.render.theme import BARS, ViewTheme

#: The glyphs of 0 to 8 eighths in ASCII, in the order of the ink in them.
ASCII_BARS = " _,-~=+*#"


@dataclass(frozen=True)
class PredictionBar:
    """The bar of one prediction: its columns in the picture, and its share of the height."""

    x: int
    width: int
    share: float  # 0 at the bottom, 1 at the top
    style: Style


@dataclass(frozen=True)
class PredictionMark:
    """What was predicted: a sign and, over blank cells, a line of ``width`` columns left of it."""

    x: int  # of the sign
    width: int
    share: float
    text: str
    style: Style


@dataclass(frozen=True)
class PredictionScale:
    """The range of the bars, and the labels of its ends."""

    low: float
    high: float
    top: str
    bottom: str
    middle: str = ""  # "0.5" where the scale goes from 0 to 1

    def share(self, value: float) -> float:
        """The share of the height, 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def probability_scale(head: HeadTrace, label: int) -> PredictionScale:
    """From 0 to 1; with two labels the bottom is the other label."""
    rival = head.other_class(label)
    other = "" if rival is None else visible(head.labels[rival])
    return PredictionScale(0, 1, f"{cut(visible(head.labels[label]), 8)} 1",
                           f"{cut(other, 8)} 0".strip(), "0.5")  # fmt: skip


def number_scale(values: Array) -> PredictionScale:
    """Round numbers around the values: it seldom changes while one steps through a series.

    From 0 where all values are the same. The labels of the ends differ.
    """
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = min(low, 0.0), max(high, 0.0)
    size = max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-12)
    step = 10.0 ** np.floor(np.log10(size))
    step *= next(m for m in (0.5, 1, 2, 5) if m * step >= size / 4)
    low, high = float(np.floor(low / step) * step), float(np.ceil(high / step) * step)
    high = high if high > low else low + step
    ends = ((number(high, digits), number(low, digits)) for digits in range(2, 9))
    top, bottom = next((pair for pair in ends if pair[0] != pair[1]), (number(high, 2), ""))
    return PredictionScale(low, high, top, bottom)


def eighths(share: float, rows: int) -> int:
    """The height of a bar, 1 to 8 · ``rows``; in the order of the shares.

    Shares that differ by 1 / (8 · rows − 1) or more have different heights, 0 is a sliver.
    """
    return 1 + round(min(1.0, max(0.0, share)) * (8 * rows - 1))


def side_by_side(width: int) -> tuple[int, int]:
    """The widths of two bars in ``width`` columns, with a gap if there is room for one."""
    narrow = max(1, width // 3)
    return width - narrow - int(width >= 5), narrow


def picture(
    bars: Sequence[PredictionBar],
    scale: PredictionScale,
    width: int,
    rows: int,
    theme: ViewTheme,
    marks: Sequence[PredictionMark] = (),
) -> list[Line]:
    """The bars and the marks of what was predicted, ``rows`` lines of ``width`` columns."""
    blank = (" ", theme.rule)
    cells = [[blank] * width for _ in range(rows)]
    if scale.middle and rows % 2:
        for x in range(1, width, 2):
            cells[rows // 2][x] = ("·", theme.rule)
    glyphs = ASCII_BARS if theme.ascii else BARS
    for bar in bars:
        for row, glyph in enumerate(block_column(eighths(bar.share, rows), rows, glyphs)):
            if glyph != " ":
                end = min(width, bar.x + bar.width)
                cells[row][bar.x : end] = [(glyph, bar.style)] * (end - bar.x)
    for mark in marks:
        row = rows - 1 - (eighths(mark.share, rows) - 1) // 8
        for x in range(max(0, mark.x - mark.width), min(width, mark.x)):
            if cells[row][x][0] in " ·":
                cells[row][x] = ("─", mark.style)
        for x, char in enumerate(mark.text, mark.x):
            if x < width:
                cells[row][x] = (char, mark.style)
    return [
        [Segment("".join(c for c, _ in run), style) for style, run in _runs(row)] for row in cells
    ]


def _runs(row: Sequence[tuple[str, Style]]) -> list[tuple[Style, list[tuple[str, Style]]]]:
    return [(style, list(run)) for style, run in groupby(row, lambda cell: cell[1])]


def with_axis(lines: list[Line], scale: PredictionScale, gutter: int, theme: ViewTheme) -> None:
    """Put the scale at the left of the picture, ``gutter`` columns with its line."""
    names = [""] * len(lines)
    names[0], names[-1] = scale.top, scale.bottom
    if len(lines) % 2 and len(lines) > 2:
        names[len(lines) // 2] = scale.middle
    for name, line in zip(names, lines, strict=True):
        mark = Segment("┤" if name else "│", theme.rule)
        line[:0] = [Segment(fit(name, gutter - 2, ">") + " ", theme.dim), mark]
