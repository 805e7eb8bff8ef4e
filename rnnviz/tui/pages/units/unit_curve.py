"""The values of one unit along the text as a curve, with the characters below."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.pages.units.unit_text import largest, shown_tokens, unit_values
from rnnviz.tui.render.braille_plot import Canvas, runs
from rnnviz.tui.render.segments import Line, fit, window
from rnnviz.tui.view.view_state import ViewState

#: Columns of the numbers at the left; the least and most rows of the curve.
GUTTER = 8
ROWS = (3, 9)


def curve_height(room: int) -> int:
    """Lines of :func:`unit_curve` in ``room``, an odd number of rows and two more; 0: no curve."""
    rows = min(room - 2, ROWS[1])
    rows -= rows % 2 == 0
    return rows + 2 if rows >= ROWS[0] else 0


def unit_curve(view_state: ViewState, width: int, height: int) -> list[Line]:
    """An empty line, the curve around the cursor, and the characters; as far as it is known."""
    theme, at, tokens = view_state.theme, view_state.cursor.t, shown_tokens(view_state)
    rows, room, top = height - 2, max(1, width - GUTTER - 1), largest(view_state)
    first = window(len(tokens), at, room)
    values = unit_values(view_state)[first : first + room]
    canvas: Canvas[str] = Canvas(room, rows, "ink")
    for column in range(min(room, len(tokens) - first)):
        canvas.put(rows // 2, column, "─", "rule")
    if len(values):
        across = (np.arange(len(values)) + 0.5) / room
        shares = (0.5 + rows // 2 + values / top * (rows // 2)) / rows
        canvas.line(across, shares, "source", glyph="*" if theme.ascii else "")
    labels = {0: number(top, 2, True), rows // 2: "0", rows - 1: number(-top, 2, True)}
    found: list[Line] = [[]]
    for row, cells in enumerate(canvas.cells):
        line = [Segment(fit(labels.get(row, ""), GUTTER - 2, ">") + " ┤", theme.dim)]
        found.append([*line, *(Segment(text, getattr(theme, name)) for text, name in runs(cells))])
    signs = [_sign(token) for token in tokens[first : first + room]]
    parts = (
        ("".join(signs[: at - first]), theme.dim),
        ("".join(signs[at - first : at - first + 1]), theme.chosen),
        ("".join(signs[at - first + 1 :]), theme.dim),
    )
    below = [Segment(" " * GUTTER, theme.ink)]
    return [*found, below + [Segment(said, style) for said, style in parts if said]]


def _sign(token: str) -> str:
    """A token in one column."""
    said = visible(token)[:1]
    return said if cell_len(said) == 1 else "·"
