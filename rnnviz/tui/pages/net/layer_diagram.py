"""The layers and directions of a net as lanes over the words, from the top layer down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import layer_stack
from rnnviz.arrays import Array
from rnnviz.equations import number
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.pages.net.layer_counts import count_line, summary
from rnnviz.tui.render.segments import Line, fit, levels, window
from rnnviz.tui.render.segments import cells as painted
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.off_screen import off_left_right
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.token_text import token_text
from rnnviz.tui.view.view_state import ViewState, scale

GUTTER = 13
LEAST = 2  # lines of a lane: its arrows and the size of h
LEAST_LANE = 3  # the same, with a row of cells
TALLEST = 8  # lines of a row of cells
NARROWEST, WIDEST = 6, 36  # columns of a word
#: Levels per shade: fewer shades save bytes when all lanes are redrawn.
SHADES = 4
ARROW = {"forward": "→", "backward": "←"}


#: Most columns of units if all lanes are redrawn at once.
TURNED = 1500


@dataclass(frozen=True)
class DiagramState(PageState):
    """Whether the whole net is shown at once, and what the head would read from ``h[:, -1]``."""

    page: ClassVar[str] = "net"
    whole: bool = False
    trap: bool = False


@dataclass(frozen=True)
class WordColumns:
    """Columns of the visible words."""

    first: int
    count: int
    width: int  # columns of a word, without the gap after it

    @property
    def tokens(self) -> range:
        """The visible tokens."""
        return range(self.first, self.first + self.count)

    @property
    def each(self) -> int:
        """Columns from one word to the next."""
        return self.width + 1


@dataclass(frozen=True)
class UnitCells:
    """Layout of the units of one word."""

    rows: int
    each: int  # units per row
    wide: int  # columns of a unit
    tall: int = 1  # lines of a row

    @property
    def height(self) -> int:
        """The lines of all rows."""
        return self.rows * self.tall


def word_columns(view_state: ViewState, width: int) -> WordColumns:
    """Columns of equal width for all words, or for those around the chosen one."""
    room, T = width - GUTTER, len(view_state.trace.tokens)
    wide = max(NARROWEST, min(WIDEST, room // T - 1))
    count = min(T, room // (wide + 1))
    sight = view_state.visible_tokens(count)
    return WordColumns(sight.start, len(sight), wide)


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.net.{key}", **values)


def is_known(view_state: ViewState, state: DiagramState, n: int, t: int) -> bool:
    """Whether lane n has read token t; a lane is finished before the next one starts."""
    if (state.whole or state.trap) and not view_state.hidden:
        return True
    at = view_state.cursor.layer
    return n < at or (n == at and view_state.known(t, "h"))


def lanes(
    view_state: ViewState, state: DiagramState, columns: WordColumns, width: int, room: int
) -> list[Line]:
    """The lanes from the top layer down; if not all fit, those around the chosen one."""
    trace = view_state.trace
    levels = layer_stack.levels(trace)
    N = len(trace.layers)
    notes = [_notes(view_state, level, width) for level in range(len(levels))]
    while any(notes) and room < (LEAST_LANE if len(notes[0]) > 1 else LEAST) * N + sum(
        map(len, notes)
    ):
        notes = [note[:-1] for note in notes]  # the call of a layer goes last
    said = sum(map(len, notes))
    count = min(N, max(1, (room - said) // LEAST))
    spare = room - said - LEAST * count
    rows = spare // count
    if (state.whole or state.trap) and columns.count < len(trace.tokens):
        # All lanes are full, and all are sent when the words are scrolled.
        rows = min(rows, max(1, TURNED // (count * columns.count * columns.width)))
    cells = _size(trace, columns, rows)
    numbers = spare - cells.height * count
    first = window(N, view_state.cursor.layer, count)
    lines: list[Line] = []
    for n in reversed(range(first, first + count)):
        lines += _lane(view_state, state, n, columns, cells)
        if numbers > 0 and n == view_state.cursor.layer:
            lines.append(_numbers(view_state, state, columns))
            if numbers > 1 and second_sentence.difference(view_state) is not None:
                lines.append(_others(view_state, state, columns))
        level = layer_stack.level_of_layer(trace, n)
        if n == levels[level][0]:
            lines += notes[level]
    return [*[[]] * min(1, room - len(lines)), *lines]


def least_height(trace: Trace, with_cells: bool) -> int:
    """Lines of all lanes with the Keras calls below them; ``with_cells``: and a row of cells, and
    what each layer reads."""
    lane, notes = (LEAST_LANE, 2) if with_cells else (LEAST, 1)
    return lane * len(trace.layers) + notes * len(layer_stack.levels(trace))


def _notes(view_state: ViewState, level: int, width: int) -> list[Line]:
    """Below the lanes of a layer: its Keras call with the parameters, and what it reads."""
    net = summary(view_state)
    joint = [Segment(" " + fit(_joint(view_state, level), width - 1), view_state.theme.dim)]
    if net is None:
        return [joint]
    return [count_line(view_state, net.at("recurrent")[level], width), joint]


def _size(trace: Trace, columns: WordColumns, rows: int) -> UnitCells:
    """Cells as wide as all units allow, or one column each for some of the units."""
    most = max(layer.units for layer in trace.layers)
    for wide in (3, 2):
        each = columns.width // wide
        if each >= 4 and -(-most // each) <= rows:
            lines = -(-most // each)
            return UnitCells(lines, each, wide, max(1, min(TALLEST, (rows - 1) // lines)))
    return UnitCells(min(max(rows, 0), -(-most // columns.width)), columns.width, 1)


def _numbers(view_state: ViewState, state: DiagramState, columns: WordColumns) -> Line:
    """h of the chosen unit under each word of the chosen lane."""
    theme, n, unit = view_state.theme, view_state.cursor.layer, view_state.cursor.unit
    text = page_text(view_state, "unit", unit=unit)
    line: Line = [Segment(fit(text, GUTTER - 1, ">") + " ", theme.now)]
    h = view_state.layer.values["h"]
    for t in columns.tokens:
        there = is_known(view_state, state, n, t)
        text = number(float(h[t, unit]), 2, True, columns.width) if there else "·"
        style = theme.now if t == view_state.cursor.t else theme.ink if there else theme.rule
        line += [Segment(fit(text, columns.width, "^"), style), Segment(" ")]
    return line


def _others(view_state: ViewState, state: DiagramState, columns: WordColumns) -> Line:
    """h of the chosen unit for the second sentence, at the aligned words."""
    theme, n, unit = view_state.theme, view_state.cursor.layer, view_state.cursor.unit
    text = f"{second_sentence.MARK} {view_state.text('beside.other')}"
    line: Line = [Segment(fit(text, GUTTER - 1, ">") + " ", theme.source)]
    for t in columns.tokens:
        at = (
            second_sentence.aligned_token(view_state, t)
            if is_known(view_state, state, n, t)
            else None
        )
        text_b = (
            ""
            if at is None
            else number(float(_state(at[0].b, n)[at[1], unit]), 2, True, columns.width)
        )
        line += [Segment(fit(text_b, columns.width, "^"), theme.source), Segment(" ")]
    return line


def _state(trace: Trace, n: int) -> Array:
    return trace.layers[n].values["h"]


def _joint(view_state: ViewState, level: int) -> str:
    """A description of what a layer reads at each word."""
    trace, levels = view_state.trace, layer_stack.levels(view_state.trace)
    D = trace.layers[levels[level][0]].values["x"].shape[1]
    if level == 0:
        hand, series = view_state.query.hand or trace.hand, trace.series
        numbers = hand is not None or trace.reads == "vectors"
        key = "numbers" if numbers else "words" if series is None else "readings"
        return page_text(view_state, key, D=D)
    below = [trace.layers[n].units for n in levels[level - 1]]
    key = "joined" if len(below) > 1 else "stacked"
    return page_text(
        view_state, key, n=level + 1, below=level, parts=" + ".join(map(str, below)), D=D
    )


def _lane(
    view_state: ViewState, state: DiagramState, n: int, columns: WordColumns, cells: UnitCells
) -> list[Line]:
    """One direction: arrows from state to state, ‖h‖, and the units below each word."""
    trace, theme = view_state.trace, view_state.theme
    layer, chosen = trace.layers[n], n == view_state.cursor.layer
    arrow = ARROW[layer.direction]
    name = page_text(view_state, "lane", n=layer_stack.level_of_layer(trace, n) + 1, arrow=arrow)
    label = ("▸" if chosen else " ") + fit(name, GUTTER - 2) + " "
    style = theme.now if chosen else theme.ink
    lines = [[Segment(label, style), *_arrows(view_state, state, n, columns)]]
    read = [is_known(view_state, state, n, t) for t in columns.tokens]
    lines.append([Segment(fit(page_text(view_state, "size_h"), GUTTER - 1, ">") + " ", theme.dim)])
    size = layer_stack.state_norms(layer)
    for t, there in zip(columns.tokens, read, strict=True):
        here = chosen and t == view_state.cursor.t
        text = number(float(size[t]), 2, room=columns.width) if there else "·"
        norm_style = theme.now if here and there else theme.ink if there else theme.rule
        lines[-1] += [Segment(fit(text, columns.width, "^"), norm_style), Segment(" ")]
    unit = view_state.cursor.unit if view_state.cursor.unit < layer.units else 0
    first = window(layer.units, unit, min(layer.units, cells.rows * cells.each))
    some = cells.rows * cells.each < layer.units
    for row in range(cells.rows):
        start = first + row * cells.each
        stop = min(start + cells.each, layer.units)
        shown = range(start, max(start, stop))
        units = _units(view_state, n, columns, read, shown, cells.wide, some)
        lines += [units, *[[Segment(" " * GUTTER), *units[1:]]] * (cells.tall - 1)]
    return lines


def _units(
    view_state: ViewState,
    n: int,
    columns: WordColumns,
    read: list[bool],
    units: range,
    wide: int,
    some: bool,
) -> Line:
    """Units of h below every visible word; ``some``: other units have no row."""
    theme, layer = view_state.theme, view_state.trace.layers[n]
    text = page_text(view_state, "units", first=units.start, last=units.stop - 1) if units else ""
    text += f"/{layer.units}" if units and some else ""
    line: Line = [Segment(fit(text, GUTTER - 1, ">") + " ", theme.dim)]
    unit = view_state.cursor.unit if n == view_state.cursor.layer else -1
    chosen = unit - units.start if unit in units else None
    for t, there in zip(columns.tokens, read, strict=True):
        cells = _cells(layer, t, units, theme, chosen, wide) if there and units else ()
        line += [*cells, Segment(" " * (columns.each - wide * len(units) * bool(cells)))]
    return line


@lru_cache(maxsize=8192)
def _cells(
    layer: LayerTrace, t: int, units: range, theme: ViewTheme, chosen: int | None, wide: int
) -> tuple[Segment, ...]:
    row = _levels(layer)[t][units.start : units.stop]
    return tuple(painted(row, False, theme, wide, chosen))


@lru_cache(maxsize=64)
def _levels(layer: LayerTrace) -> list[list[int]]:
    all_levels: list[list[int]] = levels(layer.values["h"], scale(layer, "h")[1])
    return [[_shade(at) for at in row] for row in all_levels]


def _shade(at: int) -> int:
    """A level rounded to the nearest shade."""
    size = (abs(at) + SHADES // 2) // SHADES * SHADES
    return size if at > 0 else -size


def _arrows(view_state: ViewState, state: DiagramState, n: int, columns: WordColumns) -> Line:
    """The states as marks in the order of reading: ●──▶●──▶■."""
    trace = view_state.trace
    layer = trace.layers[n]
    top = n in layer_stack.levels(trace)[-1]
    half = columns.width // 2
    forward = layer.direction == "forward"
    line: Line = []
    for t in columns.tokens:
        before, after = (t - 1, t + 1) if forward else (t + 1, t - 1)
        there = is_known(view_state, state, n, t)
        left, right = (before, after) if forward else (after, before)
        tip = there and 0 <= before < len(trace.tokens)
        legs = (
            _leg(left, trace, half, tip and forward, True),
            _leg(right, trace, columns.each - half - 1, tip and not forward, False),
        )
        line += [
            Segment(legs[0], _leg_style(view_state, state, n, t, left)),
            _mark(view_state, state, n, t, there, top),
            Segment(legs[1], _leg_style(view_state, state, n, t, right)),
        ]
    return _merged(line)


def _leg(other: int, trace: Trace, columns: int, tip: bool, left: bool) -> str:
    """The line between two marks, with its tip at the later one."""
    if not 0 <= other < len(trace.tokens):
        return " " * columns
    if not tip:
        return "─" * columns
    return "─" * (columns - 1) + "▶" if left else "◀" + "─" * (columns - 1)


def _leg_style(view_state: ViewState, state: DiagramState, n: int, t: int, other: int) -> Style:
    """The style of a line: highlighted once both states are computed."""
    there = 0 <= other < len(view_state.trace.tokens)
    gone = there and is_known(view_state, state, n, t) and is_known(view_state, state, n, other)
    return view_state.theme.source if gone else view_state.theme.rule


def _mark(
    view_state: ViewState, state: DiagramState, n: int, t: int, there: bool, top: bool
) -> Segment:
    """The mark of a state: ●, ■ for the final one, ⊗ for the wrong one at ``h[:, -1]``."""
    trace, theme = view_state.trace, view_state.theme
    layer = trace.layers[n]
    wrong = state.trap and top and t == len(trace.tokens) - 1 != layer_stack.last_token(layer)
    if wrong:
        return Segment("⊗", theme.wrong)
    if t == layer_stack.last_token(layer):
        return Segment("■", theme.now if there else theme.rule)
    here = n == view_state.cursor.layer and t == view_state.cursor.t
    if not there:
        return Segment("·", theme.now if here else theme.rule)
    return Segment("●", theme.now if here else theme.source)


def _merged(line: Line) -> Line:
    """Merge adjacent segments of one style."""
    out: Line = []
    for piece in line:
        if out and out[-1].style is piece.style:
            out[-1] = Segment(out[-1].text + piece.text, piece.style)
        else:
            out.append(piece)
    return out


def word_line(view_state: ViewState, columns: WordColumns) -> Line:
    """The words at the bottom."""
    theme, trace, t = view_state.theme, view_state.trace, view_state.cursor.t
    before, after = columns.first, len(trace.tokens) - columns.first - columns.count
    left = off_left_right(before, after)
    line: Line = [Segment(fit(left, GUTTER - 1, ">") + " ", theme.dim)]
    for k in columns.tokens:
        mark = second_sentence.mark(view_state, k)
        text = mark + token_text(view_state, k, columns.width)
        plain = theme.above if mark else theme.bold
        style = theme.chosen if k == t else theme.unknown if trace.unknown[k] else plain
        line += [Segment(fit(text, columns.width, "^"), style), Segment(" ")]
    return line
