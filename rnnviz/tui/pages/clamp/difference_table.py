"""The table of effects of clamps: a line per token, a cell per unit, as many values as fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.clamp_effects import clamp_effect, largest_effect
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.trace import Trace
from rnnviz.tui.pages.clamp.overview import P, output_text, page_text, range_of
from rnnviz.tui.panels.heat_grid import NUMBER, cell_width
from rnnviz.tui.render.segments import Line, fit, heat, short, window
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState, scale

#: Most columns of a word.
WORD = 12
#: Most lines of a row.
TALLEST = 3
#: Columns of a cell from which its number is in it.
NUMBERED = 4


@dataclass(frozen=True)
class TableColumns:
    """Columns of the parts of the table."""

    word: int
    wide: int
    first: int
    count: int
    drawn: int  # quantities side by side

    @property
    def heat(self) -> int:
        """The column of the first unit."""
        return 1 + self.word + 1 + 2 * P + NUMBER + 1


def plan(view_state: ViewState, width: int) -> TableColumns:
    """Divide the columns of the table."""
    H, wide = view_state.layer.units, cell_width(view_state.layer.units)
    longest = max(cell_len(visible(word)) for word in view_state.trace.tokens)
    word = min(WORD, max(4, longest))
    room = width - (1 + word + 1 + 2 * P + NUMBER + 1)
    count = min(H, max(1, room // wide))
    drawn = 1 + max(0, room - count * wide) // (count * wide + 2)
    first = window(H, view_state.cursor.unit, count)
    return TableColumns(word, wide, first, count, min(drawn, len(view_state.quantities)))


def rows(view_state: ViewState, room: int) -> range:
    """The tokens that are shown."""
    return view_state.visible_tokens(room)


def table(view_state: ViewState, free: Trace, name: str, width: int, height: int) -> list[Line]:
    """For each token both predictions and the difference of every unit.

    Further quantities are beside the chosen one, and below if there is room for all tokens.
    """
    at, names = plan(view_state, width), view_state.quantities
    start = names.index(name)
    names = (*names[start:], *names[:start])
    lines: list[Line] = []
    tokens, tall = rows(view_state, height - 1), row_height(view_state, at, height)
    for first in range(0, len(names), at.drawn):
        if first and len(lines) + 1 + tall * len(tokens) > height:
            break
        drawn = names[first : first + at.drawn]
        lines.append(_titles(view_state, free, at, drawn, first == 0))
        for t in tokens:
            row, cells = _row(view_state, free, at, drawn, t, first == 0)
            lines += [[*row, *cells], *[[Segment(" " * at.heat), *cells]] * (tall - 1)]
    return lines + [[]] * (height - len(lines))


def row_height(view_state: ViewState, at: TableColumns, height: int) -> int:
    """Lines of a row: more than one if all tokens and quantities have room for it."""
    T, groups = len(view_state.trace.tokens), -(-len(view_state.quantities) // at.drawn)
    if at.wide >= NUMBERED:  # cells with numbers in them
        return 1
    return max(1, min(TALLEST, (height // groups - 1) // T))


def _titles(
    view_state: ViewState, free: Trace, at: TableColumns, drawn: tuple[str, ...], top: bool
) -> Line:
    theme = view_state.theme
    headings = (
        page_text(view_state, "free"),
        page_text(view_state, "held") if view_state.trace.clamps else "",
    )
    line = [
        Segment(" " * (at.word + 2)),
        *(Segment(fit(word if top else "", P), theme.dim) for word in headings),
        Segment(fit(view_state.symbol(drawn[0]), NUMBER + 1), theme.dim),
    ]
    own = (view_state.cursor.unit - at.first) * at.wide + (at.wide - 1) // 2
    unit = str(view_state.cursor.unit)
    fits = own + 1 + len(unit) <= at.count * at.wide
    arrow = " " * own + f"▼{unit}" if fits else " " * (own - len(unit)) + f"{unit}▼"
    if top:
        line.append(Segment(fit(arrow, at.count * at.wide), theme.now))
    else:
        scaled = fit(range_of(view_state, free, drawn[0]), at.count * at.wide)
        line.append(Segment(scaled, theme.dim))
    for each in drawn[1:]:
        title = fit(
            f"{view_state.symbol(each)} {range_of(view_state, free, each)}", at.count * at.wide
        )
        line.append(Segment("  " + title, theme.dim))
    return line


def _row(
    view_state: ViewState, free: Trace, at: TableColumns, drawn: tuple[str, ...], t: int, top: bool
) -> tuple[Line, Line]:
    """The word and the numbers of a token, and the cells of its units."""
    theme, here = view_state.theme, t == view_state.cursor.t
    word = fit(visible(view_state.trace.tokens[t]), at.word)
    mark = second_sentence.mark(view_state, t)
    style = theme.chosen if here else theme.above if mark else theme.ink
    line = [Segment((mark or ("▸" if here else " ")) + word, style)]
    line.append(Segment(" ", theme.ink))
    line += _predictions(view_state, free, t) if top else [Segment(" " * 2 * P, theme.ink)]
    name = drawn[0]
    if view_state.known(t, name):
        values = _values(view_state, free, name)
        line.append(Segment(fit(short(float(values[t, view_state.cursor.unit])), NUMBER + 1),
                            theme.now if here else theme.dim))  # fmt: skip
    else:
        line.append(
            Segment(fit("?" if view_state.part_hidden and here else "", NUMBER + 1), theme.now)
        )
    cells: Line = []
    for n, each in enumerate(drawn):
        if n:
            cells.append(Segment("  ", theme.ink))
        cells += _cells(view_state, free, at, each, t)
    return line, cells


def _values(view_state: ViewState, free: Trace, name: str) -> Array:
    """The differences, or the values themselves without clamps."""
    if view_state.trace.clamps:
        return clamp_effect(view_state.trace, free, view_state.cursor.layer, name)
    return view_state.layer.values[name]


def _cells(view_state: ViewState, free: Trace, at: TableColumns, name: str, t: int) -> Line:
    theme = view_state.theme
    if not view_state.known(t, name):
        # Fewer dots beside other quantities: turning the page sends all of them.
        dots = fit("·", max(4 if at.drawn == 1 else 16, at.wide)) * at.count
        return [Segment(dots[: at.wide * at.count], theme.rule)]
    top = None
    if view_state.trace.clamps:
        top = largest_effect(view_state.trace, free, view_state.cursor.layer, name)
    row = _values(view_state, free, name)
    gate, end = (False, top) if top else scale(view_state.layer, name)
    shape = (at.first, at.count, view_state.cursor.unit)
    return _with_unit(_ArrayKey(row, t), *shape, end, gate, theme, at.wide)


class _ArrayKey(NamedTuple):
    """A row of a read-only array as a cache key, by identity."""

    values: Array
    t: int

    def __hash__(self) -> int:
        return hash((id(self.values), self.t))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ArrayKey) and self.values is other.values and self.t == other.t


@lru_cache(maxsize=2048)
def _drawn(
    row: _ArrayKey, first: int, count: int, end: float, gate: bool, theme: ViewTheme, wide: int
) -> Line:
    """The cells of one token and quantity, without the cursor."""
    return heat(row.values[row.t, first : first + count], end, gate, theme, wide, None)


@lru_cache(maxsize=1024)
def _with_unit(
    row: _ArrayKey,
    first: int,
    count: int,
    unit: int,
    end: float,
    gate: bool,
    theme: ViewTheme,
    wide: int,
) -> Line:
    """The cells with the chosen unit marked."""
    chosen = heat(row.values[row.t, unit : unit + 1], end, gate, theme, wide, 0)
    line = _drawn(row, first, count, end, gate, theme, wide)
    return _marked(line, unit - first, wide, chosen)


def _marked(line: Line, place: int, wide: int, chosen: Line) -> Line:
    """The line with the cell at ``place`` replaced; every character is one column wide."""
    out: Line = []
    start, column = place * wide, 0
    for segment in line:
        text, end = segment.text, column + len(segment.text)
        before, after = text[: max(0, start - column)], text[max(0, start + wide - column) :]
        out += [Segment(before, segment.style)] if before else []
        out += chosen if column <= start < end else []
        out += [Segment(after, segment.style)] if after else []
        column = end
    return out


def _predictions(view_state: ViewState, free: Trace, t: int) -> Line:
    """The predictions with and without clamps after token t."""
    theme, cursor, k = view_state.theme, view_state.cursor, view_state.shown_class()
    if not view_state.prediction_known(t):
        text = "?" if view_state.part_hidden and t == cursor.t else "·"
        return [Segment(fit(text, 2 * P), theme.rule)]
    before = output_text(view_state, float(free.head.readout[t, k]))
    if not view_state.trace.clamps:
        return [Segment(fit(before, 2 * P), theme.ink)]
    after = output_text(view_state, float(view_state.trace.head.readout[t, k]))
    style = theme.now if t == cursor.t else theme.ink
    return [Segment(fit(before, P), theme.dim), Segment(fit(after, P), style)]
