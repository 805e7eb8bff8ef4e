"""Marks and colours of the cells in shared charts, and the axis of words below a chart."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, fit
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState

#: Marks by cell: filled, hollow, and both in ASCII.
MARKS = {"rnn": "●○Rr", "lstm": "■□Ll", "gru": "▲△Gg"}
OTHER = "◆◇Xx"
CELLS = tuple(MARKS)


def kin(cell: str) -> str:
    """The family of a cell: lstm-slide → lstm."""
    return cell.partition("-")[0]


def place(cell: str) -> int:
    """The rank of a cell in :data:`CELLS`; others come last."""
    return CELLS.index(kin(cell)) if kin(cell) in CELLS else len(CELLS)


def mark(cell: str, theme: ViewTheme, hollow: bool = False) -> str:
    """The mark of a cell's points; ``hollow`` for untrained weights."""
    return MARKS.get(kin(cell), OTHER)[hollow + 2 * theme.ascii]


def hue(cell: str, theme: ViewTheme, light: bool = False) -> Style:
    """The colour of a cell: orange, blue or ink; ``light``: not bold."""
    style = {"rnn": theme.above, "lstm": theme.below}.get(kin(cell), theme.bold)
    return style + Style(bold=False) if light else style


def axis(
    view_state: ViewState, first: int, columns: Sequence[int], gutter: int, now: Style
) -> Line:
    """The words below their columns; only the chosen word where columns are too close."""
    theme, t, tokens = view_state.theme, view_state.cursor.t, view_state.trace.tokens
    apart = columns[1] - columns[0] if len(columns) > 1 else gutter
    line = [Segment(" " * gutter, theme.ink)]
    if apart < 4:
        at = columns[t - first]
        return [*line, Segment(" " * at), Segment(f"▲ {visible(tokens[t])}", theme.now)]
    for k in range(first, first + len(columns)):
        word = fit(visible(tokens[k]), apart - 1, "^")
        text = word.strip()
        lead, behind = word.split(text, 1) if text else (word, "")
        line += [Segment(lead), Segment(text, now if k == t else theme.dim), Segment(behind + " ")]
    return line
