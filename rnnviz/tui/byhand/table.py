"""The weights by gate, each under the number that it multiplies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number, symbol
from rnnviz.findings.hand import written
from rnnviz.hand import Entry
from rnnviz.tui.byhand.entries import Cells, Shown, gates, of_gate, of_head, of_start
from rnnviz.tui.draw import Line, fit

#: The gate of the prediction's row; of the rows of the first states it is None.
HEAD = "y"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    label: str
    cells: Cells
    gate: str | None = None
    unit: int | None = None  # None: the same for all units


def table(shown: Shown, units: range, words: bool) -> list[Line]:
    """Two lines that say what is multiplied, and a row for each gate and unit; ``words``: named."""
    rows = _rows(shown, units, words)
    gap = " " * words  # without words every column counts
    texts = [[_cell(shown, cell, gap) for cell in row.cells] for row in rows]
    names, now = _multiplied(shown, max(map(len, texts)), gap)
    wide = [
        max(cell_len(line[k]) for line in (names, now, *texts) if k < len(line))
        for k in range(len(names))
    ]
    label = max(cell_len(row.label) for row in rows) + 1
    numbered = 2 if len(units) > 1 else 0
    title = Segment(fit(f" {shown.say('now')}", label + numbered), shown.moment.look.dim)
    lines = [
        _line(Segment(" " * (label + numbered)), names, wide, shown.moment.look.dim),
        _line(title, now, wide, shown.moment.look.source),
    ]
    for row, cells in zip(rows, texts, strict=True):
        line = _label(shown, row, label, numbered)
        for cell, text, columns in zip(row.cells, cells, wide, strict=False):
            line.append(Segment(fit(text, columns, ">"), _style(shown, cell, row)))
        lines.append(line)
    return lines


def height(shown: Shown, units: range) -> int:
    """How many lines the table takes."""
    return 2 + len(gates(shown.hand)) * len(units) + 1 + len(shown.hand.initial)


def _line(first: Segment, texts: Sequence[str], wide: Sequence[int], style: Style) -> Line:
    cells = zip(texts, wide, strict=True)
    return [first, *(Segment(fit(text, columns, ">"), style) for text, columns in cells)]


def _rows(shown: Shown, units: range, words: bool) -> list[Row]:
    hand, t = shown.hand, shown.moment.cursor.t
    rows = []
    for name, names in gates(hand).items():
        word = shown.moment.word("name", name) if name else shown.say("sum")
        label = " ".join([name or "h", *([word] if words else [])])
        for unit in units:
            first = label if unit == units.start else ""
            rows.append(Row(first, of_gate(hand, names, unit), name, unit))
    read = symbol("h", t + 1)
    rows.append(Row(shown.say("head", h=read) if words else f"p({read})", of_head(hand), HEAD))
    for state, _ in hand.initial:
        start = symbol(f"{state}_prev", 1)
        label = f"{shown.say('start')} {start}" if words else start
        rows.append(Row(label, of_start(hand, state)))
    return rows


def _multiplied(shown: Shown, columns: int, gap: str) -> tuple[list[str], list[str]]:
    """What stands over the columns: the names, and their numbers at this token."""
    moment, H = shown.moment, shown.hand.units
    h = symbol("h_prev", moment.cursor.t + 1)
    names = [
        symbol("x", moment.cursor.t + 1),
        *([h] if H == 1 else [f"{h}[{k}]" for k in range(H)]),
    ]
    before = moment.layer.state_before(moment.cursor.t, "h")
    held = moment.layer.held("x", moment.cursor.t, 0)
    x = visible(moment.trace.tokens[moment.cursor.t]) if held is None else number(held)
    now = [x, *(number(float(v)) for v in before)]
    biases = ["b", "b_r"][: columns - H - 1]
    # Right above the digits: behind a cell's number there is room for its star.
    names, now = [*names, *biases], [*now, *("1" for _ in biases)]
    return [f"{gap} {name} " for name in names], [f"{gap} {value} " for value in now]


def _label(shown: Shown, row: Row, label: int, numbered: int) -> Line:
    look, moment = shown.moment.look, shown.moment
    lit = moment.part == "predict" if row.gate == HEAD else row.gate in shown.computed
    line = [Segment(fit(f" {row.label}", label), look.now if lit else look.dim)]
    if numbered:
        mine = row.unit == moment.cursor.unit
        text = "" if row.unit is None else str(row.unit)
        line.append(Segment(fit(text, numbered, ">"), look.bold if mine else look.dim))
    return line


def _cell(shown: Shown, cell: Entry | None, gap: str) -> str:
    if cell is None:
        return ""
    mark = "▸" if cell == shown.chosen else " "
    star = " " if shown.was(cell) is None else "*"
    return f"{gap}{mark}{written(shown.hand.value(cell))}{star}"


def _style(shown: Shown, cell: Entry | None, row: Row) -> Style:
    look = shown.moment.look
    if cell is None:
        return look.ink
    if cell == shown.chosen:
        return look.now
    value = shown.hand.value(cell)
    other = row.unit not in (None, shown.moment.cursor.unit)
    if value == 0 or other:
        return look.dim
    return look.above if value > 0 else look.below


def states(shown: Shown) -> list[Line]:
    """Each unit's states before this token and after it."""
    moment, layer, t, look = (
        shown.moment,
        shown.moment.layer,
        shown.moment.cursor.t,
        shown.moment.look,
    )
    lines: list[Line] = []
    for unit in range(shown.hand.units):
        mine = unit == moment.cursor.unit
        line = [Segment(f" {shown.say('states', n=unit)}", look.bold if mine else look.dim)]
        for state in reversed(layer.states):
            before = number(float(layer.state_before(t, state)[unit]), signed=True)
            known = moment.known(t, state)
            after = number(float(layer.values[state][t, unit]), signed=True) if known else "·"
            line.append(Segment(f"  {symbol(state, t)} ", look.dim))
            line.append(Segment(f"{before} → ", look.source if mine else look.dim))
            line.append(Segment(fit(after, 6), look.now if mine and known else look.dim))
        lines.append(line)
    return lines
