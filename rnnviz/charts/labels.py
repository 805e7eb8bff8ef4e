"""Labels of marks in a chart rendered as text."""

from __future__ import annotations

from rnnviz.charts.canvas import BrailleCanvas, width_of
from rnnviz.charts.layout import ChartLayout
from rnnviz.charts.text_frame import TextPlotArea


def label_marks(canvas: BrailleCanvas, box: TextPlotArea, layout: ChartLayout) -> bool:
    """Label each mark where nothing else is drawn; return whether there was room for all."""
    labelled = True
    level_rows = {box.row(share) for share, _ in layout.levels}
    for x, y, label in layout.spots:
        text, row, column = f" {label} ", box.row(y), box.column(x)
        width = width_of(text)
        places = [(row, column + 1), (row, column - width)]
        middle = column - width // 2
        shifts = sorted(range(-(width // 2), width // 2 + 1), key=abs)
        places += [(row + k, middle + shift) for k in (-1, 1, 2, -2) for shift in shifts]
        labelled &= _put_free(canvas, box, places, text, "spot")
    for share, label in layout.levels:
        text, row = f" {label} ", box.row(share)
        rows = [row, *(r for r in (row - 1, row + 1) if r not in level_rows)]
        last = box.left + box.columns - width_of(text)
        places = [(r, c) for r in rows for c in range(last - 1, box.left, -1)]
        labelled &= _put_free(canvas, box, places, text, "level")
    return labelled


def _put_free(
    canvas: BrailleCanvas, box: TextPlotArea, places: list[tuple[int, int]], text: str, role: str
) -> bool:
    width = width_of(text)
    for row, column in places:
        inside = box.top <= row < box.top + box.rows
        inside = inside and box.left <= column <= box.left + box.columns - width
        if inside and canvas.free(row, column, width):
            canvas.put(row, column, text, (role, None))
            return True
    return False
