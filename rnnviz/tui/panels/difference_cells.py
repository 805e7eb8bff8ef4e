"""Heat map cells that differ from those of a second sentence: in colour; equal ones as "="."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.segment import Segment
from rich.style import Style

from rnnviz.arrays import Array
from rnnviz.tui.render.marks import UNIT_CELL
from rnnviz.tui.render.segments import Line, heat
from rnnviz.tui.render.theme import ViewTheme

_LINE = Style(underline=True)


def highlighted_cells(
    values: Array,
    moved: Sequence[bool],
    top: float,
    gate: bool,
    theme: ViewTheme,
    wide: int,
    chosen: int,
) -> Line:
    """A row of cells as by :func:`rnnviz.tui.render.segments.heat`, with equal ones dim.

    Without a palette of colours, cells that differ are underlined.
    """
    line: Line = []
    for apart, group in groupby(range(len(values)), key=moved.__getitem__):
        places = list(group)
        first, own = places[0], chosen if chosen in places else None
        mark = None if own is None else own - first
        cells = heat(values[first : places[-1] + 1], top, gate, theme, wide, mark)
        if apart and theme.palette is not None:
            line += cells
        elif apart:
            line += [Segment(text, (style or Style()) + _LINE) for text, style, _ in cells]
        elif wide >= 4:
            line += [Segment(piece.text, theme.dim) for piece in cells]
        else:
            line += _same(len(places), mark, wide, theme)
    return line


def _same(count: int, mark: int | None, wide: int, theme: ViewTheme) -> Line:
    """``count`` equal cells; the chosen one stays marked."""
    if mark is None:
        return [Segment("=".ljust(wide) * count, theme.rule)]
    before, after = "=".ljust(wide) * mark, "=".ljust(wide) * (count - mark - 1)
    chosen = Segment(UNIT_CELL.ljust(wide), theme.bold)
    return [Segment(before, theme.rule), chosen, Segment(after, theme.rule)]
