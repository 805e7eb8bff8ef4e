"""The panel of one cell: for each token its prediction, units and reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.model_family import query_for
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Query
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.pages.cell_marks import hue, mark
from rnnviz.tui.render.braille_plot import level_bar
from rnnviz.tui.render.segments import Line, fit, heat, short, trimmed, window, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.off_screen import off_rows
from rnnviz.tui.view.view_state import ViewState, scale


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.lockstep.{key}", **values)


#: Columns of a prediction, of the chosen unit's number, of the reach.
SAID, UNIT, FAR = 5, 5, 7


#: Lines above the first word: title, cells, column headings.
TOP = 3


#: Most lines of the sentence at the foot.
FOOT = 2


#: Most rows if not all tokens fit: turning the page sends all of them.
TURNED = 28

#: Most lines over which the units of one token are spread.
SPREAD = 3

#: Fewest lines of the curves.
CURVES = 5


@dataclass(frozen=True)
class CellsLayout:
    """Columns and lines of the parts at one size."""

    words: int  # columns of the words
    each: int  # of one cell's panel
    bar: int
    heat: int
    far: int  # 0 where there is no room for the reach
    first: int  # the first token shown
    rows: int
    tall: int  # lines of a row
    across: int  # units in a line; 0: as many as fit in one line, around the chosen one
    chart: int  # lines of the curves, 0 without


def model_query(view_state: ViewState, model: str) -> Query | None:
    """The query that reads the text with a model; None for the model on the screen."""
    if model == view_state.query.model:
        return None
    return query_for(view_state.query, model, view_state.query.random)


def second_query(view_state: ViewState, model: str) -> Query | None:
    """The query that reads the second sentence with a model; None without one."""
    other = (
        second_sentence.sentence_query(view_state)
        if second_sentence.state(view_state).highlighted
        else None
    )
    if other is None:
        return None
    return other if model == view_state.query.model else query_for(other, model, other.random)


def model_trace(view_state: ViewState, model: str) -> Trace | None:
    """The trace of a model, or None if it is not there yet or has other tokens."""
    query = model_query(view_state, model)
    trace: Trace | None = view_state.trace if query is None else view_state.answers.get(query)
    same = trace is not None and len(trace.tokens) == len(view_state.trace.tokens)
    return trace if same else None


def layout(
    view_state: ViewState, traces: Sequence[Trace | None], width: int, height: int
) -> CellsLayout:
    """Divide the columns and lines among the panels; a trace is None until it is known."""
    panels, tokens = len(traces), view_state.trace.tokens
    longest = max(cell_len(visible(token)) for token in tokens)
    words = min(longest + 2, 10 if width < 100 else 14)
    each = (width - words) // panels
    inside = each - 1
    bar = 4 if inside < 44 else 8
    far = FAR if inside >= SAID + bar + UNIT + FAR + 8 else 0
    known = [view_state.trace, *(trace for trace in traces if trace is not None)]
    units = max(layer.units for trace in known for layer in trace.layers)
    room = inside - SAID - bar - UNIT
    rows = max(1, min(len(tokens), height - TOP))
    if rows < len(tokens):
        rows = min(rows, TURNED)  # leave room for the curves
    free = height - TOP
    far, tall, across = _spread(units, room, rows, free, far)
    room -= far
    heat_columns = min(room, max(1, room // units) * units) if units <= room else room
    # A short sentence leaves room for taller cells and the curves.
    if tall == 1 and units <= room and free - 2 * rows >= 8:
        tall = 2
    spare = free - tall * rows
    chart = spare - spare % 2 if spare >= CURVES else 0  # an odd number of rows has a middle
    sight = view_state.visible_tokens(rows)
    return CellsLayout(
        words, each, bar, heat_columns, far, sight.start, len(sight), tall, across, chart
    )


def _spread(units: int, room: int, rows: int, free: int, far: int) -> tuple[int, int, int]:
    """Columns of the reach, lines of a row and units in a line, so that all units are drawn.

    The curves come before all units, and all units before the reach. If they do not fit, one
    line with 0 units: :func:`_units` then draws those around the chosen one.
    """
    for reach in dict.fromkeys((far, 0)):
        for tall in range(1, SPREAD + 1):
            across = -(-units // tall)
            if across <= room - reach and (tall == 1 or free - tall * rows >= CURVES):
                return reach, tall, across
    return far, 1, 0


def followed_class(view_state: ViewState, trace: Trace) -> int:
    """The index of the followed class in the labels of ``trace``."""
    label = view_state.trace.head.labels[view_state.shown_class()]
    labels = trace.head.labels
    return labels.index(label) if label in labels else len(labels) - 1


def token_column(view_state: ViewState, grid: CellsLayout) -> list[Line]:
    """The words of the sentence; the chosen one is highlighted."""
    theme, t, lines = view_state.theme, view_state.cursor.t, []
    for k in range(grid.first, grid.first + grid.rows):
        word = fit(visible(view_state.trace.tokens[k]), grid.words - 1)
        mark = second_sentence.mark(view_state, k)
        if k == t:
            lines.append([Segment(f"{mark or '▸'}{word}", theme.chosen)])
        else:
            style = theme.unknown if view_state.trace.unknown[k] else theme.ink
            lines.append([Segment(f"{mark or ' '}{word}", theme.above if mark else style)])
        lines += [[Segment(" " * grid.words)]] * (grid.tall - 1)
    shown = range(grid.first, grid.first + grid.rows)
    away = Segment(fit(off_rows(view_state, shown, grid.words - 1), grid.words), theme.dim)
    return [[Segment(" " * grid.words)], [away], *lines]


def draw_panel(
    view_state: ViewState, model: str, trace: Trace | None, grid: CellsLayout
) -> list[Line]:
    """Draw one cell: title, column headings, and a row for each word."""
    theme, room = view_state.theme, grid.each - 1
    if trace is None:
        failed = view_state.failures.get(model_query(view_state, model) or Query("", ""))
        text = page_text(view_state, "computing") if failed is None else failed
        style = theme.dim if failed is None else theme.wrong
        paragraph = [[Segment(line, style)] for line in wrapped(visible(f"{model}: {text}"), room)]
        height = TOP - 1 + grid.tall * grid.rows
        paragraph = [*paragraph, *([[]] * height)][:height]
        return [trimmed(line, room, theme.ink) for line in paragraph]
    layer = trace.layers[min(view_state.cursor.layer, len(trace.layers) - 1)]
    own = model == view_state.query.model
    title = f"{mark(layer.cell, theme)} {layer.title}"
    lines = [
        [
            Segment(f"{'▸' if own else ' '}{title}", hue(layer.cell, theme)),
            Segment(_beside(view_state, model, trace), theme.source),
        ],
        _columns(view_state, trace, layer, grid),
    ]
    for k in range(grid.first, grid.first + grid.rows):
        lines += _row(view_state, trace, layer, grid, k)
    return [trimmed(line, room, theme.ink) for line in lines]


def _columns(view_state: ViewState, trace: Trace, layer: LayerTrace, grid: CellsLayout) -> Line:
    """Column headings: the class, the chosen unit and its place, the reach."""
    theme, unit = view_state.theme, min(view_state.cursor.unit, layer.units - 1)
    wide, first, _ = _units(layer, unit, grid.heat, grid.across)
    room = SAID + grid.bar
    k = followed_class(view_state, trace)
    label = visible(trace.head.labels[k])
    heading = f"p({label})" if not trace.head.is_number else label
    heading = heading if cell_len(heading) < room else label
    column = unit % grid.across if grid.across else unit - first
    arrow = column * wide + (wide - 1) // 2
    line = [
        Segment(fit(fit(heading, room - 1), room), theme.dim),
        Segment(fit(f"{layer.symbol('h')}{unit}", UNIT), theme.now),
        Segment(" " * arrow + "▼" + " " * (grid.heat - arrow - 1), theme.now),
    ]
    if grid.far:
        line.append(Segment(fit(page_text(view_state, "reach"), grid.far, ">"), theme.dim))
    return line


def _beside(view_state: ViewState, model: str, trace: Trace) -> str:
    """The cell's prediction for the second sentence, at the token aligned with the chosen one."""
    t, query = view_state.cursor.t, second_query(view_state, model)
    at = second_sentence.aligned_token(view_state, t) if view_state.known(t, "p") else None
    answer: Trace | None = None if query is None else view_state.answers.get(query)
    if at is None or answer is None or answer.tokens != at[0].b.tokens:
        return ""
    p = float(answer.head.readout[at[1], followed_class(view_state, trace)])
    return f"  {second_sentence.MARK} {number(p, 2)}"


def _units(layer: LayerTrace, unit: int, room: int, across: int) -> tuple[int, int, int]:
    """Columns per unit, the first unit drawn, and the number of units drawn.

    ``across`` is the number of units in a line, or 0 if only those around ``unit`` are drawn.
    """
    wide = min(6, max(1, room // (across or layer.units)))
    count = layer.units if across else min(layer.units, max(1, room // wide))
    return wide, window(layer.units, unit, count), count


def units_note(view_state: ViewState, traces: Sequence[Trace | None], grid: CellsLayout) -> str:
    """The units that are drawn, if these are not all: "units 20–27 of 32"; for each size of net."""
    notes = []
    for trace in traces:
        if trace is None:
            continue
        layer = trace.layers[min(view_state.cursor.layer, len(trace.layers) - 1)]
        unit = min(view_state.cursor.unit, layer.units - 1)
        _, first, count = _units(layer, unit, grid.heat, grid.across)
        if count < layer.units:
            last, H = first + count - 1, layer.units
            notes.append(view_state.text("panel.units", first=first, last=last, H=H))
    return ", ".join(dict.fromkeys(notes))


def _row(
    view_state: ViewState, trace: Trace, layer: LayerTrace, grid: CellsLayout, k: int
) -> list[Line]:
    """The lines of one word: prediction, chosen unit, all units, reach."""
    theme, now = view_state.theme, k == view_state.cursor.t
    hidden = view_state.part_hidden and now
    if hidden or not view_state.known(k, "h"):
        mark = fit(" ?" if hidden else " ·", SAID + grid.bar + UNIT)
        dots = ("·   " * grid.heat)[: grid.heat]
        return [[Segment(mark, theme.dim), Segment(dots, theme.rule)], *([[]] * (grid.tall - 1))]
    unit = min(view_state.cursor.unit, layer.units - 1)
    shape = (grid.bar, grid.heat, grid.far, grid.across)
    label, predicted = followed_class(view_state, trace), view_state.known(k, "p")
    row = _computed(trace, layer, k, unit, label, shape, now, predicted, view_state.hidden, theme)
    return [*row, *([_below(row[-1])] * (grid.tall - len(row)))]


@lru_cache(maxsize=2048)
def _computed(
    trace: Trace,
    layer: LayerTrace,
    k: int,
    unit: int,
    label: int,
    shape: tuple[int, int, int, int],
    now: bool,
    predicted: bool,
    hidden: bool,
    theme: ViewTheme,
) -> list[Line]:
    """The lines of a row; cached, because a step changes only two rows."""
    bar, room, far, across = shape
    p, linear = float(trace.head.readout[k, label]), trace.head.is_number
    style = theme.ink if linear else theme.above if p >= 0.5 else theme.below
    blocks = level_bar(p, bar - 1) if predicted and not linear else ""
    wide, first, count = _units(layer, unit, room, across)
    gate, end = scale(layer, "h")
    values = layer.values["h"][k]
    across = across or count
    said = Segment(fit(number(p, 2, room=SAID) if predicted else "·", SAID), style)
    own = Segment(fit(short(float(values[unit])), UNIT), theme.now if now else theme.dim)
    reach = "?" if hidden else number(float(layer.reach[k]), 2, room=FAR - 1)
    lines: list[Line] = []
    for left in range(first, first + count, across):
        right = min(left + across, first + count)
        chosen = unit - left if left <= unit < right else None
        line = [
            said if not lines else Segment(" " * SAID, theme.ink),
            Segment(fit(blocks, bar), style),
            own if not lines else Segment(" " * UNIT, theme.ink),
            *heat(values[left:right], end, gate, theme, wide, chosen),
            Segment(" " * (room - (right - left) * wide), theme.ink),
        ]
        if far and not lines:
            line.append(Segment(fit(reach, far, ">"), theme.now if now else theme.dim))
        lines.append(line)
    return lines


def _below(row: Line) -> Line:
    """The row again without its numbers."""
    digits = frozenset("0123456789·?")
    return [
        Segment(" " * cell_len(piece.text) if digits & {*piece.text} else piece.text, piece.style)
        for piece in row
    ]
