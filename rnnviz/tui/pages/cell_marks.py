"""How the three cells are told apart where they stand together, and the words below curves."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, fit
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState

#: Filled, hollow, and both where there is only ASCII.
MARKS = {"rnn": "●○Rr", "lstm": "■□Ll", "gru": "▲△Gg"}
OTHER = "◆◇Xx"
CELLS = tuple(MARKS)


def kin(cell: str) -> str:
    """Which of the three a cell counts as: lstm-slide → lstm."""
    return cell.partition("-")[0]


def place(cell: str) -> int:
    """Where it stands among the three; others behind them."""
    return CELLS.index(kin(cell)) if kin(cell) in CELLS else len(CELLS)


def mark(cell: str, theme: ViewTheme, hollow: bool = False) -> str:
    """What stands at the points of its curve."""
    return MARKS.get(kin(cell), OTHER)[hollow + 2 * theme.ascii]


def hue(cell: str, theme: ViewTheme, light: bool = False) -> Style:
    """Orange, blue and ink; ``light`` is the same without the weight."""
    style = {"rnn": theme.above, "lstm": theme.below}.get(kin(cell), theme.bold)
    return style + Style(bold=False) if light else style


def axis(
    view_state: ViewState, first: int, columns: Sequence[int], gutter: int, now: Style
) -> Line:
    """The words under their columns; only the chosen one where they stand too close."""
    theme, t, tokens = view_state.theme, view_state.cursor.t, view_state.trace.tokens
    apart = columns[1] - columns[0] if len(columns) > 1 else gutter
    line = [Segment(" " * gutter, theme.ink)]
    if apart < 4:
        at = columns[t - first]
        return [*line, Segment(" " * at), Segment(f"▲ {visible(tokens[t])}", theme.now)]
    for k in range(first, first + len(columns)):
        word = fit(visible(tokens[k]), apart - 1, "^")
        said = word.strip()
        lead, behind = word.split(said, 1) if said else (word, "")
        line += [Segment(lead), Segment(said, now if k == t else theme.dim), Segment(behind + " ")]
    return line
