"""Title, legend, axes and ticks of a chart rendered as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rnnviz.charts.canvas import BrailleCanvas, cut, width_of
from rnnviz.charts.chart import Chart
from rnnviz.charts.layout import ChartLayout, cells
from rnnviz.charts.legend import legend
from rnnviz.display import visible


@dataclass(frozen=True)
class TextPlotArea:
    """The rectangle of the plot on the canvas, in cells."""

    top: int
    left: int
    rows: int
    columns: int

    def row(self, share: float) -> int:
        """The row of a share of the y axis."""
        return self.top + int(cells(1 - share, self.rows))

    def column(self, share: float) -> int:
        """The column of a share of the x axis."""
        return self.left + int(cells(share, self.columns))


def draw_head(
    canvas: BrailleCanvas, chart: Chart, layout: ChartLayout, ascii_only: bool, marks: bool
) -> int:
    """Write title and legend; return the number of rows that they take."""
    top = 0
    if chart.title and canvas.height >= 6:
        canvas.put(0, 0, cut(chart.title, canvas.width), ("title", None))
        top = 1
    if canvas.height < 8:
        return top
    rows = legend(chart.y_label, layout, canvas.width, ascii_only, marks)
    max_rows = max(1, canvas.height // 3)
    for row in rows[:max_rows]:
        column = 0
        for part, ink in row:
            column = canvas.put(top, column, part, ink)
        top += 1
    if len(rows) > max_rows:
        canvas.put(top - 1, canvas.width - 2, " …", ("note", None))
    return top


def plot_area(chart: Chart, layout: ChartLayout, canvas: BrailleCanvas, top: int) -> TextPlotArea:
    """The plot area below ``top`` rows, with room for tick labels and for letters at its right."""
    x_label = width_of(visible(chart.x_label))
    gutter = max([width_of(label) for _, label in layout.y.ticks], default=0)
    gutter = max(gutter, x_label) if x_label <= 8 else gutter
    rows = canvas.height - top - (2 if x_label <= 8 else 3)
    box = TextPlotArea(top, gutter + 2, rows, canvas.width - gutter - 2)
    if rows < 2 or box.columns < 4:
        return box
    beyond = max(
        (column + 1 - canvas.width for _, column, _, _ in line_ends(box, layout)), default=0
    )
    return TextPlotArea(box.top, box.left, box.rows, box.columns - max(beyond, 0))


def draw_frame(canvas: BrailleCanvas, box: TextPlotArea, layout: ChartLayout, x_label: str) -> None:
    """Draw the axes, their ticks and the label of the x axis."""
    ink = ("axis", None)
    foot = box.top + box.rows
    for row in range(box.top, foot):
        canvas.put(row, box.left - 1, "│", ink)
    canvas.put(foot, box.left - 1, "└" + "─" * box.columns, ink)
    taken = set()
    for value, label in layout.y.ticks:
        row = box.row(float(layout.y.share(value)))
        if row not in taken:
            label = label.replace("-", "−")
            canvas.put(row, box.left - 2 - width_of(label), f"{label} ┤", ink)
            taken.add(row)
    end = box.left - 1
    for value, label in layout.x.ticks:
        column = box.column(float(layout.x.share(value)))
        label = label.replace("-", "−")
        start = min(column - width_of(label) // 2, canvas.width - width_of(label))
        if start > end:
            canvas.put(foot, column, "┬", ink)
            canvas.put(foot + 1, start, label, ink)
            end = start + width_of(label)
    if width_of(x_label) <= 8:
        canvas.put(foot + 1, 0, x_label, ("note", None))
    else:
        label = cut(x_label, box.columns)
        canvas.put(foot + 2, box.left + (box.columns - width_of(label)) // 2, label, ("note", None))


def line_ends(box: TextPlotArea, layout: ChartLayout) -> Iterator[tuple[int, int, str, int]]:
    """Yield (row, column, letter, hue) of the letter at the end of each line that has one."""
    taken: set[tuple[int, int]] = set()
    for curve in layout.curves:
        if not curve.letter or not len(curve.x):
            continue
        row, column = box.row(curve.y[-1]), box.column(curve.x[-1]) + 1
        while (row, column) in taken:
            column += 1
        taken.add((row, column))
        yield row, column, curve.letter, curve.hue
