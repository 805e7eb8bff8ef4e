"""The legend of a chart rendered as text."""

from __future__ import annotations

import numpy as np

from rnnviz.charts.canvas import Ink, cut, width_of
from rnnviz.charts.layout import ChartLayout, Curve
from rnnviz.charts.raster import braille, is_drawn

MARKERS, ASCII_MARKERS = "●○■□▲△", "oxqdvn"
ASCII_LINES = "*#%@&="
LEVEL, SPOT = "╌", "◆"
GAP = 3

Piece = tuple[str, Ink]


def glyph(curve: Curve, ascii_only: bool) -> str:
    """The marker of dots, or the character of which a line consists in ASCII."""
    if curve.style == "dots":
        known = ASCII_MARKERS if ascii_only else MARKERS
    else:
        known = ASCII_LINES
    return known[curve.style_index % len(known)]


def legend(
    y_label: str, layout: ChartLayout, width: int, ascii_only: bool, marks: bool
) -> list[list[Piece]]:
    """The entries in rows of at most ``width`` columns, the label of the y axis first.

    ``marks``: include reference lines and points of interest.
    """
    entries: list[list[Piece]] = [[(cut(y_label, width), ("note", None))]] if y_label else []
    for curve in layout.curves:
        ink: Ink = ("data", curve.hue)
        key = f"{curve.letter} " if curve.letter else ""
        entries.append([(key + _sample(curve, ascii_only) + " ", ink), (curve.name, _NOTE)])
    if not marks:
        return _wrapped(entries, width)
    for label in dict.fromkeys(label for _, label in layout.levels):
        entries.append([(LEVEL * 3 + " ", ("level", None)), (label, _NOTE)])
    for label in dict.fromkeys(label for _, _, label in layout.spots):
        entries.append([(SPOT + " ", ("spot", None)), (label, _NOTE)])
    return _wrapped(entries, width)


_NOTE: Ink = ("note", None)


def _sample(curve: Curve, ascii_only: bool) -> str:
    if curve.style == "dots":
        return glyph(curve, ascii_only)
    if ascii_only:
        return glyph(curve, ascii_only) * 3
    columns = 6 if curve.letter else 3
    along = np.arange(2 * columns)
    shown = along[is_drawn(along, 0 if curve.dense else curve.style_index)]
    bits = braille(shown, np.ones_like(shown), columns, 1)[0]
    return "".join(chr(0x2800 + int(b)) if b else " " for b in bits)


def _wrapped(entries: list[list[Piece]], width: int) -> list[list[Piece]]:
    rows: list[list[Piece]] = []
    used = 0
    for entry in entries:
        taken = sum(width_of(text) for text, _ in entry)
        if rows and used + GAP + taken <= width:
            rows[-1] += [(" " * GAP, _NOTE), *entry]
            used += GAP + taken
        else:
            sample = entry[:-1]
            room = width - sum(width_of(text) for text, _ in sample)
            rows.append([*sample, (cut(entry[-1][0], room), _NOTE)])
            used = min(taken, width)
    return rows
