"""Marks and colours of the cells in shared charts, and the axis of words below a chart."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, cut, fit
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.off_screen import off_signs
from rnnviz.tui.view.token_text import token_text
from rnnviz.tui.view.view_state import ViewState

#: Marks by cell: filled, hollow, and both in ASCII.
MARKS = {"rnn": "●○Rr", "lstm": "■□Ll", "gru": "▲△Gg"}
OTHER = "★☆Xx"
CELLS = tuple(MARKS)

#: Columns from word to word from which every word has its own place below a chart, if need be cut.
APART = 8


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
    """The words below their columns; where these are close, as many words as fit.

    The chosen word is marked and always there. Tokens left and right of the chart are counted at
    its ends.
    """
    theme, t, tokens = view_state.theme, view_state.cursor.t, view_state.trace.tokens
    apart = columns[1] - columns[0] if len(columns) > 1 else gutter
    after = len(tokens) - first - len(columns)
    left, right = off_signs(first, after)
    line = [Segment(fit(left, gutter - 1, ">") + " ", theme.dim)]
    shown = range(first, first + len(columns))
    longest = max(cell_len(token_text(view_state, k, APART)) for k in shown)
    if apart < APART and longest >= apart:
        return [*line, *_spread_words(view_state, first, columns, now, right)]
    for k in shown:
        text = token_text(view_state, k, apart - 1)
        text = f"▸{text}" if k == t and cell_len(text) < apart - 1 else text
        word = fit(text, apart - 1, "^")
        text = word.strip()
        lead, behind = word.split(text, 1) if text else (word, "")
        line += [Segment(lead), Segment(text, now if k == t else theme.dim), Segment(behind + " ")]
    return [*line, Segment(right, theme.dim)] if right else line


def _spread_words(
    view_state: ViewState, first: int, columns: Sequence[int], now: Style, right: str
) -> Line:
    """Words centred below their columns, without those that would touch others; ``right`` is at
    the end."""
    theme, t = view_state.theme, view_state.cursor.t
    stop, end = first + len(columns), columns[-1] + 1
    placed: list[tuple[int, str, Style]] = []
    for k in [t, *(k for k in range(first, stop) if k != t)]:
        text = ("▸" if k == t else "") + cut(visible(view_state.trace.tokens[k]), end - 1)
        wide = cell_len(text)
        # Words at the ends start or end there.
        start = max(0, min(columns[k - first] - wide // 2, end - wide))
        room = end - (cell_len(right) + 1 if right and k != t else 0)
        apart = all(start > at + cell_len(word) or at > start + wide for at, word, _ in placed)
        if apart and start + wide <= room:
            placed.append((start, text, now if k == t else theme.dim))
    start = end - cell_len(right)
    if right and all(at + cell_len(word) < start for at, word, _ in placed):
        placed.append((start, right, theme.dim))
    line: Line = []
    x = 0
    for start, text, style in sorted(placed):
        line += [Segment(" " * (start - x)), Segment(text, style)]
        x = start + cell_len(text)
    return line
