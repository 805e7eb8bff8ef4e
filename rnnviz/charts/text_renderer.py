"""Rendering a chart as text: Braille lines, markers, ticks, legend.

Charts are readable without colour: lines differ in their dashes and have a letter at their end,
dots differ in their marker.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rnnviz.charts.canvas import BrailleCanvas, width_of
from rnnviz.charts.chart import Chart
from rnnviz.charts.labels import label_marks
from rnnviz.charts.layout import ChartLayout, Curve, axes, cells, lay_out
from rnnviz.charts.legend import LEVEL, SPOT, glyph
from rnnviz.charts.raster import braille, rasterize
from rnnviz.charts.text_frame import TextPlotArea, draw_frame, draw_head, line_ends, plot_area
from rnnviz.display import visible

#: ASCII replacements of the characters that are drawn.
ASCII = str.maketrans("│┤└┬─╌◆−…", "||++--^-~")


class ColourSpan(NamedTuple):
    """Part of a row, in one colour."""

    text: str
    role: str  # "title", "axis", "note", "data", "level" or "spot"
    hue: int | None  # index of the colour, for "data"


Row = list[ColourSpan]


def text(chart: Chart, width: int, height: int, *, ascii_only: bool = False) -> list[Row]:
    """Render a chart as exactly ``height`` rows of ``width`` columns; at least 40 × 10 is useful.

    If there is not enough room, the legend is omitted first, then the title, then the plot.
    """
    x_axis, y_axis = axes(chart, max(2, width // 9), max(3, (height - 4) // 3))
    layout = lay_out(chart, x_axis, y_axis, 2 * max(width, 1))
    canvas, labelled = _draw(chart, layout, BrailleCanvas(width, height), ascii_only, marks=False)
    if not labelled:
        canvas, _ = _draw(chart, layout, BrailleCanvas(width, height), ascii_only, marks=True)
    return [[_span(part, *ink, ascii_only) for part, ink in row] for row in canvas.spans()]


def _draw(
    chart: Chart, layout: ChartLayout, canvas: BrailleCanvas, ascii_only: bool, marks: bool
) -> tuple[BrailleCanvas, bool]:
    """Draw on the canvas; return it and whether every mark has its label beside it."""
    top = draw_head(canvas, chart, layout, ascii_only, marks)
    box = plot_area(chart, layout, canvas, top)
    if box.rows < 2 or box.columns < 4:
        return canvas, False
    draw_frame(canvas, box, layout, visible(chart.x_label))
    for share, _ in layout.levels:
        canvas.put(box.row(share), box.left, LEVEL * box.columns, ("level", None))
    for curve in layout.in_order:
        draw = _dots if curve.style == "dots" else _line
        draw(canvas, box, curve, ascii_only)
    for x, y, _ in layout.spots:
        canvas.put(box.row(y), box.column(x), SPOT, ("spot", None))
    for row, column, letter, hue in line_ends(box, layout):
        canvas.put(row, column, letter, ("data", hue))
    return canvas, label_marks(canvas, box, layout)


def plain(rows: Iterable[Row]) -> str:
    """Join rows to text without colour or trailing blanks."""
    return "\n".join("".join(span.text for span in row).rstrip() for row in rows)


def _span(part: str, role: str, hue: int | None, ascii_only: bool) -> ColourSpan:
    if ascii_only:
        part = "".join(
            char if char.isascii() else "?" * width_of(char) for char in part.translate(ASCII)
        )
    return ColourSpan(part, role, hue)


def _dots(canvas: BrailleCanvas, box: TextPlotArea, curve: Curve, ascii_only: bool) -> None:
    columns, rows = cells(curve.x, box.columns), cells(1 - curve.y, box.rows)
    for row, column in sorted(set(zip(rows.tolist(), columns.tolist(), strict=True))):
        mark = glyph(curve, ascii_only)
        canvas.put(box.top + row, box.left + column, mark, ("data", curve.hue))


def _line(canvas: BrailleCanvas, box: TextPlotArea, curve: Curve, ascii_only: bool) -> None:
    across, down = (1, 1) if ascii_only else (2, 4)
    x, y = rasterize(curve, across * box.columns, down * box.rows)
    if ascii_only:
        for row, column in set(zip(y.tolist(), x.tolist(), strict=True)):
            canvas.put(box.top + row, box.left + column, glyph(curve, True), ("data", curve.hue))
        return
    bits = braille(x, y, box.columns, box.rows)
    for row, column in zip(*(k.tolist() for k in bits.nonzero()), strict=True):
        place = box.top + row, box.left + column
        old = ord(canvas.cells[place[0]][place[1]][0]) - 0x2800
        both = int(bits[row, column]) | (old if 0 < old < 256 else 0)
        canvas.put(*place, chr(0x2800 + both), ("data", curve.hue))
