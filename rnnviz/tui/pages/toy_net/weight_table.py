"""The weights by gate, each below the number that it multiplies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.toy_net import DIGITS, short_literal
from rnnviz.equations import MINUS, number, symbol
from rnnviz.toy_net import WeightEntry
from rnnviz.toy_net.number_text import number_literal
from rnnviz.tui.pages.toy_net.entries import Entries, ToyNetView, gates, of_gate, of_head, of_start
from rnnviz.tui.render.segments import Line, fit

#: Least columns of a number: "+0.123456".
LEAST = 9
#: Up to this number of columns, h is written with all digits.
SHORT = 4
#: The gate of the head's row; rows of initial states have None.
HEAD = "y"


@dataclass(frozen=True)
class TableRow:
    """A line of the table."""

    label: str
    cells: Entries
    gate: str | None = None
    unit: int | None = None  # None: not of one unit


def table(net_view: ToyNetView, units: range, words: bool, width: int) -> list[Line]:
    """Two lines with the multiplied numbers, and a row for each gate and unit.

    ``words``: rows are labelled with words as well as symbols. If not all columns fit, those
    around the chosen entry are shown, and the first line says how many are left and right.
    """
    rows = _rows(net_view, units, words)
    gap = " " * words  # without words every column counts
    texts = [[_cell(net_view, cell, gap) for cell in row.cells] for row in rows]
    names, now = _multiplied(net_view, max(map(len, texts)), gap)
    wide = [
        max(cell_len(line[k]) for line in (names, now, *texts) if k < len(line))
        for k in range(len(names))
    ]
    label = max(cell_len(row.label) for row in rows) + 1
    numbered = 2 if len(units) > 1 else 0
    visible_columns = _window(wide, _chosen_column(net_view, rows), width - label - numbered)
    left = f"◂{visible_columns.start}" if visible_columns.start else ""
    right = f"{len(wide) - visible_columns.stop}▸" if visible_columns.stop < len(wide) else ""
    title = Segment(
        fit(f" {net_view.page_text('now')}", label + numbered), net_view.view_state.theme.dim
    )
    theme = net_view.view_state.theme
    first = [
        Segment(fit(_of_units(net_view, units, words), label + numbered - len(left)), theme.dim),
        Segment(left, theme.now),
    ]
    lines = [
        [*first, *_line(names, wide, visible_columns, theme.dim), Segment(right, theme.now)],
        _now(net_view, title, now, wide, visible_columns),
    ]
    for row, cells in zip(rows, texts, strict=True):
        line = _label(net_view, row, label, numbered)
        for k in visible_columns:
            if k < len(cells):
                style = _style(net_view, row.cells[k], row)
                line.append(Segment(fit(cells[k], wide[k], ">"), style))
        lines.append(line)
    return lines


def _chosen_column(net_view: ToyNetView, rows: Sequence[TableRow]) -> int:
    """The column of the chosen entry."""
    if net_view.chosen.name == "x":
        return net_view.chosen.column
    return next((r.cells.index(net_view.chosen) for r in rows if net_view.chosen in r.cells), 0)


def _window(wide: Sequence[int], column: int, room: int) -> range:
    """The page of columns that contains one; a mark of two columns is beside it."""
    if sum(wide) <= room:
        return range(len(wide))
    first = used = 0
    for k, columns in enumerate(wide):
        if used + columns > room - 2 and k > first:
            if column < k:
                return range(first, k)
            first, used = k, 0
        used += columns
    return range(first, len(wide))


def _now(
    net_view: ToyNetView,
    title: Segment,
    now: Sequence[str],
    wide: Sequence[int],
    visible_columns: range,
) -> Line:
    """The multiplied numbers; those of x can be chosen too."""
    theme, t = net_view.view_state.theme, net_view.view_state.cursor.t
    line = [title]
    for k in visible_columns:
        chosen = net_view.chosen == WeightEntry("x", t, k)
        line.append(Segment(fit(now[k], wide[k], ">"), theme.now if chosen else theme.source))
    return line


def height(net_view: ToyNetView, units: range) -> int:
    """Lines of the table."""
    return 2 + len(gates(net_view.net)) * len(units) + 1 + len(net_view.net.initial)


def _of_units(net_view: ToyNetView, units: range, words: bool) -> str:
    """The unit of the rows; "" if all units have rows."""
    H = net_view.net.units
    if len(units) == H:
        return ""
    return (
        f" {net_view.page_text('unit_of', n=units.start, N=H)}" if words else f" {units.start}/{H}"
    )


def _line(texts: Sequence[str], wide: Sequence[int], visible_columns: range, style: Style) -> Line:
    return [Segment(fit(texts[k], wide[k], ">"), style) for k in visible_columns]


def _rows(net_view: ToyNetView, units: range, words: bool) -> list[TableRow]:
    net, t = net_view.net, net_view.view_state.cursor.t
    rows = []
    for name, names in gates(net).items():
        word = net_view.view_state.word("name", name) if name else net_view.page_text("sum")
        label = " ".join([name or "h", *([word] if words else [])])
        for unit in units:
            first = label if unit == units.start else ""
            rows.append(TableRow(first, of_gate(net, names, unit), name, unit))
    read = symbol("h", t + 1)
    head_label = net_view.page_text("output" if net.form.head == "linear" else "head", h=read)
    short = f"y({read})" if net.form.head == "linear" else f"p({read})"
    rows.append(TableRow(head_label if words else short, of_head(net), HEAD))
    for state, _ in net.initial:
        start = symbol(f"{state}_prev", 1)
        label = f"{net_view.page_text('start')} {start}" if words else start
        rows.append(TableRow(label, of_start(net, state)))
    return rows


def _multiplied(net_view: ToyNetView, columns: int, gap: str) -> tuple[list[str], list[str]]:
    """The column headings: names, and their numbers at this token."""
    view_state, H, D = net_view.view_state, net_view.net.units, net_view.net.inputs
    t = view_state.cursor.t
    h, x = symbol("h_prev", t + 1), symbol("x", t + 1)
    names = [*_each(x, D), *_each(h, H)]
    before = view_state.layer.state_before(t, "h")
    now = [_read(net_view, t, k) for k in range(D)]
    now += [number(float(v), DIGITS if H + D <= SHORT else 3) for v in before]
    biases = ["b", "b_r"][: columns - H - D]
    # Aligned with the digits: a cell has room for a star after its number.
    names, now = [*names, *biases], [*now, *("1" for _ in biases)]
    return [f"{gap} {name} " for name in names], [f"{gap}{value} " for value in now]


def _each(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}[{k}]" for k in range(count)]


def _read(net_view: ToyNetView, t: int, k: int) -> str:
    """An input of the net, marked if it is chosen."""
    entry = WeightEntry("x", t, k)
    clamped = net_view.view_state.layer.clamped_value("x", t, k)
    mark = "▸" if entry == net_view.chosen else " "
    return mark + (
        number_literal(net_view.value(entry)).replace("-", MINUS)
        if clamped is None
        else number(clamped)
    )


def _label(net_view: ToyNetView, row: TableRow, label: int, numbered: int) -> Line:
    theme, view_state = net_view.view_state.theme, net_view.view_state
    current = view_state.part == "predict" if row.gate == HEAD else row.gate in net_view.computed
    line = [Segment(fit(f" {row.label}", label), theme.now if current else theme.dim)]
    if numbered:
        is_chosen = row.unit == view_state.cursor.unit
        text = "" if row.unit is None else str(row.unit)
        line.append(Segment(fit(text, numbered, ">"), theme.bold if is_chosen else theme.dim))
    return line


def _cell(net_view: ToyNetView, cell: WeightEntry | None, gap: str) -> str:
    if cell is None:
        return ""
    mark = "▸" if cell == net_view.chosen else " "
    star = " " if net_view.original_value(cell) is None else "*"
    return f"{gap}{mark}{short_literal(net_view.net.value(cell))}{star}"


def _style(net_view: ToyNetView, cell: WeightEntry | None, row: TableRow) -> Style:
    theme = net_view.view_state.theme
    if cell is None:
        return theme.ink
    if cell == net_view.chosen:
        return theme.now
    value = net_view.net.value(cell)
    other = row.unit not in (None, net_view.view_state.cursor.unit)
    if value == 0 or other:
        return theme.dim
    return theme.above if value > 0 else theme.below


def values(net_view: ToyNetView, width: int) -> list[Line]:
    """The values of every unit at this token, a row per unit."""
    view_state, layer, t, theme = (
        net_view.view_state,
        net_view.view_state.layer,
        net_view.view_state.cursor.t,
        net_view.view_state.theme,
    )
    names = [n for n in layer.recorded if n != "x" and not n.startswith("a_")]
    texts = {
        name: [
            number(float(v), DIGITS, signed=True)
            if view_state.known(t, name)
            else _unknown(net_view)
            for v in layer.values[name][t]
        ]
        for name in names
    }
    wide = {name: max(LEAST, *(len(text) for text in texts[name])) + 2 for name in names}
    label = max(cell_len(net_view.page_text("states", n=n)) for n in range(net_view.net.units)) + 2
    # If not all fit, keep the last ones, among them the unit's output.
    while sum(wide[name] for name in names) + label > width and len(names) > 1:
        names = names[1:]
    heads = (Segment(fit(symbol(n, t + 1), wide[n], ">"), theme.dim) for n in names)
    lines: list[Line] = [[Segment(" " * label), *heads]]
    for unit in range(net_view.net.units):
        is_chosen = unit == view_state.cursor.unit
        row_label = fit(f" {net_view.page_text('states', n=unit)}", label)
        line = [Segment(row_label, theme.bold if is_chosen else theme.dim)]
        line += [
            Segment(fit(texts[n][unit], wide[n], ">"), theme.now if is_chosen else theme.ink)
            for n in names
        ]
        lines.append(line)
    return lines


def _unknown(net_view: ToyNetView) -> str:
    return "?" if net_view.view_state.part_hidden else "·"
