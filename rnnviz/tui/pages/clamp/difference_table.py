"""The differences that clamps make: a line a token, a cell a unit, as many quantities as fit."""

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
from rnnviz.tui.pages.clamp.overview import P, range_of, said_of, say
from rnnviz.tui.panels.arrangement import NUMBER, cell_width
from rnnviz.tui.render.segments import Line, fit, heat, short, window
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState, scale

#: The most columns a word gets.
WORD = 12


@dataclass(frozen=True)
class TableColumns:
    """Which columns the parts of the table get."""

    word: int
    wide: int
    first: int
    count: int
    drawn: int  # quantities side by side

    @property
    def heat(self) -> int:
        """The column of the first unit."""
        return 1 + self.word + 1 + 2 * P + NUMBER + 1


def plan(moment: ViewState, width: int) -> TableColumns:
    """The columns at this width."""
    H, wide = moment.layer.units, cell_width(moment.layer.units)
    longest = max(cell_len(visible(word)) for word in moment.trace.tokens)
    word = min(WORD, max(4, longest))
    room = width - (1 + word + 1 + 2 * P + NUMBER + 1)
    count = min(H, max(1, room // wide))
    drawn = 1 + max(0, room - count * wide) // (count * wide + 2)
    first = window(H, moment.cursor.unit, count)
    return TableColumns(word, wide, first, count, min(drawn, len(moment.quantities)))


def rows(moment: ViewState, room: int) -> range:
    """The tokens that have a line."""
    return moment.in_sight(room)


def table(moment: ViewState, free: Trace, name: str, width: int, height: int) -> list[Line]:
    """A line a token: both predictions after it, and the difference of every unit.

    Further quantities stand beside the chosen one, and below where there is room for every token.
    """
    at, names = plan(moment, width), moment.quantities
    start = names.index(name)
    names = (*names[start:], *names[:start])
    lines: list[Line] = []
    for first in range(0, len(names), at.drawn):
        shown = rows(moment, height - 1)
        if first and len(lines) + 1 + len(shown) > height:
            break
        drawn = names[first : first + at.drawn]
        lines.append(_titles(moment, free, at, drawn, first == 0))
        lines += [_row(moment, free, at, drawn, t, first == 0) for t in shown]
    return lines + [[]] * (height - len(lines))


def _titles(
    moment: ViewState, free: Trace, at: TableColumns, drawn: tuple[str, ...], top: bool
) -> Line:
    look = moment.look
    said = (say(moment, "free"), say(moment, "held") if moment.trace.clamps else "")
    line = [
        Segment(" " * (at.word + 2)),
        *(Segment(fit(word if top else "", P), look.dim) for word in said),
        Segment(fit(drawn[0], NUMBER + 1), look.dim),
    ]
    own = (moment.cursor.unit - at.first) * at.wide + (at.wide - 1) // 2
    unit = str(moment.cursor.unit)
    fits = own + 1 + len(unit) <= at.count * at.wide
    arrow = " " * own + f"▼{unit}" if fits else " " * (own - len(unit)) + f"{unit}▼"
    if top:
        line.append(Segment(fit(arrow, at.count * at.wide), look.now))
    else:
        scaled = fit(range_of(moment, free, drawn[0]), at.count * at.wide)
        line.append(Segment(scaled, look.dim))
    for each in drawn[1:]:
        title = fit(f"{each} {range_of(moment, free, each)}", at.count * at.wide)
        line.append(Segment("  " + title, look.dim))
    return line


def _row(
    moment: ViewState, free: Trace, at: TableColumns, drawn: tuple[str, ...], t: int, top: bool
) -> Line:
    look, here = moment.look, t == moment.cursor.t
    word = fit(visible(moment.trace.tokens[t]), at.word)
    mark = second_sentence.mark(moment, t)
    style = look.chosen if here else look.above if mark else look.ink
    line = [Segment((mark or ("▸" if here else " ")) + word, style)]
    line.append(Segment(" ", look.ink))
    line += _believed(moment, free, t) if top else [Segment(" " * 2 * P, look.ink)]
    name = drawn[0]
    if moment.known(t, name):
        values = _values(moment, free, name)
        line.append(Segment(fit(short(float(values[t, moment.cursor.unit])), NUMBER + 1),
                            look.now if here else look.dim))  # fmt: skip
    else:
        line.append(Segment(fit("?" if moment.hidden and here else "", NUMBER + 1), look.now))
    for n, each in enumerate(drawn):
        if n:
            line.append(Segment("  ", look.ink))
        line += _cells(moment, free, at, each, t)
    return line


def _values(moment: ViewState, free: Trace, name: str) -> Array:
    """The differences; the values themselves while nothing is held."""
    if moment.trace.clamps:
        return clamp_effect(moment.trace, free, moment.cursor.layer, name)
    return moment.layer.values[name]


def _cells(moment: ViewState, free: Trace, at: TableColumns, name: str, t: int) -> Line:
    look = moment.look
    if not moment.known(t, name):
        # Beside others they stand further apart: all of them at once are a page that turns.
        dots = fit("·", max(4 if at.drawn == 1 else 16, at.wide)) * at.count
        return [Segment(dots[: at.wide * at.count], look.rule)]
    top = None
    if moment.trace.clamps:
        top = largest_effect(moment.trace, free, moment.cursor.layer, name)
    row = _values(moment, free, name)
    gate, end = (False, top) if top else scale(moment.layer, name)
    shape = (at.first, at.count, moment.cursor.unit)
    return _with_unit(_ArrayKey(row, t), *shape, end, gate, look, at.wide)


class _ArrayKey(NamedTuple):
    """A row of an array that is never written to: as good a key as the row's numbers."""

    values: Array
    t: int

    def __hash__(self) -> int:
        return hash((id(self.values), self.t))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ArrayKey) and self.values is other.values and self.t == other.t


@lru_cache(maxsize=2048)
def _drawn(
    row: _ArrayKey, first: int, count: int, end: float, gate: bool, look: ViewTheme, wide: int
) -> Line:
    """The cells of one token and quantity: no step along tokens or units changes them."""
    return heat(row.values[row.t, first : first + count], end, gate, look, wide, None)


@lru_cache(maxsize=1024)
def _with_unit(
    row: _ArrayKey,
    first: int,
    count: int,
    unit: int,
    end: float,
    gate: bool,
    look: ViewTheme,
    wide: int,
) -> Line:
    """The same with the chosen unit marked: no step along tokens changes it."""
    chosen = heat(row.values[row.t, unit : unit + 1], end, gate, look, wide, 0)
    line = _drawn(row, first, count, end, gate, look, wide)
    return _marked(line, unit - first, wide, chosen)


def _marked(line: Line, place: int, wide: int, chosen: Line) -> Line:
    """The line with another cell at a place; every character is one column wide."""
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


def _believed(moment: ViewState, free: Trace, t: int) -> Line:
    """What both would say if the text ended here."""
    look, cursor, k = moment.look, moment.cursor, moment.shown_class()
    if not moment.told(t):
        said = "?" if moment.hidden and t == cursor.t else "·"
        return [Segment(fit(said, 2 * P), look.rule)]
    before = said_of(moment, float(free.head.readout[t, k]))
    if not moment.trace.clamps:
        return [Segment(fit(before, 2 * P), look.ink)]
    after = said_of(moment, float(moment.trace.head.readout[t, k]))
    style = look.now if t == cursor.t else look.ink
    return [Segment(fit(before, P), look.dim), Segment(fit(after, P), style)]
