"""The heat maps: one quantity of all units over time, a row per token."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.trace import LayerTrace
from rnnviz.tui.panels.difference_cells import highlighted_cells
from rnnviz.tui.panels.heat_grid import NUMBER
from rnnviz.tui.render.marks import CHOSEN, UNIT_COLUMN
from rnnviz.tui.render.segments import Line, fit, heading, heat, length, short, window
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.token_text import token_text
from rnnviz.tui.view.view_state import ViewState, scale
from rnnviz.tui.view.widget import CellPicked, View


def rows(view_state: ViewState, height: int) -> tuple[int, range]:
    """The line of the first row, and the tokens shown; without a line for ▼ if space is tight."""
    T = len(view_state.trace.tokens)
    top = 2 if height - 2 >= min(T, 6) else 1
    return top, view_state.visible_tokens(max(0, height - top))


def units(view_state: ViewState, width: int) -> tuple[int, int, int]:
    """Columns per unit, the first unit shown, and the number of units shown."""
    H = view_state.layer.units
    wide = max(1, min(6, (width - NUMBER) // H))
    count = min(H, max(1, (width - NUMBER) // wide))
    return wide, window(H, view_state.cursor.unit, count), count


def unit_mark(unit: int, column: int, width: int) -> tuple[str, int]:
    """▼ over ``column`` with the number of the unit beside it, and where that text begins."""
    number = str(unit)
    if column + 1 + len(number) <= width:
        return f"{UNIT_COLUMN}{number}", column
    return f"{number}{UNIT_COLUMN}", column - len(number)


@lru_cache(maxsize=2048)
def _row(
    layer: LayerTrace,
    name: str,
    t: int,
    shown: range,
    theme: ViewTheme,
    wide: int,
    unit: int,
    here: bool,
) -> Line:
    """The chosen unit's number and the cells of one token."""
    gate, end = scale(layer, name)
    row = layer.values[name][t]
    unit_value = Segment(
        f"{CHOSEN if here else ' '}{short(row[unit])}", theme.now if here else theme.dim
    )
    cells = heat(row[shown.start : shown.stop], end, gate, theme, wide, unit - shown.start)
    return [unit_value, *cells]


@lru_cache(maxsize=2048)
def _beside(
    layer: LayerTrace, name: str, t: int, shown: range, moved: tuple[bool, ...], theme: ViewTheme,
    wide: int, unit: int, here: bool,
) -> Line:  # fmt: skip
    """The row with cells that equal those of the second sentence dim."""
    gate, end = scale(layer, name)
    values = layer.values[name][t, shown.start : shown.stop]
    unit_value = _row(layer, name, t, shown, theme, wide, unit, here)[0]
    return [
        unit_value,
        *highlighted_cells(values, moved, end, gate, theme, wide, unit - shown.start),
    ]


@lru_cache(maxsize=64)
def _dots(theme: ViewTheme, wide: int, count: int, hidden: bool) -> Line:
    """The row of an unread token; a dot in every fourth column saves bytes."""
    mark = fit("·", max(4, wide)) * count
    asked = (" ?" if hidden else "").ljust(NUMBER)
    return [Segment(asked, theme.dim), Segment(mark[: wide * count], theme.rule)]


class HeatmapWords(View):
    """The words at the left of a band of heat maps."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, t = view_state.theme, view_state.cursor.t
        top, shown = rows(view_state, height)
        lines: list[Line] = [[Segment("─" * width, theme.rule)], *([[]] * (top - 1))]
        for k in shown:
            word, mark = (
                fit(token_text(view_state, k, width - 1), width - 1),
                second_sentence.mark(view_state, k),
            )
            if k == t:
                lines.append([Segment(f"{mark or CHOSEN}{word}", theme.chosen)])
            else:
                style = theme.unknown if view_state.trace.unknown[k] else theme.ink
                lines.append([Segment(f"{mark or ' '}{word}", theme.above if mark else style)])
        return lines

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        top, shown = rows(view_state, self.size.height)
        return CellPicked(t=shown[y - top]) if 0 <= y - top < len(shown) else None


def _moved(view_state: ViewState, name: str) -> tuple[str, ...]:
    """Notes on the highlighted cells, the longest first: threshold and count at the token."""
    t = view_state.cursor.t
    text = view_state.text(
        "beside.moved", least=f"{second_sentence.threshold(view_state, name):.2g}"
    )
    moved = (
        second_sentence.changed_units(view_state, name, t) if view_state.known(t, name) else None
    )
    if moved is None:
        return (text,)
    return f"{text} {int(moved.sum())}/{len(moved)}", text


class Heatmap(View):
    """The heat map of one quantity; ``slot`` is its index in the cell's quantities."""

    def __init__(self, view_state: ViewState, slot: int) -> None:
        super().__init__(view_state, id=f"heat-{slot}")
        self.slot = slot

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if self.slot >= len(view_state.quantities):
            return []
        theme, layer, unit = view_state.theme, view_state.layer, view_state.cursor.unit
        name = view_state.quantities[self.slot]
        wide, first, count = units(view_state, width)
        top, shown = rows(view_state, height)
        # A glyph stands at the left of its cell; a number leaves its first column to the sign.
        arrow = NUMBER + (unit - first) * wide + (1 if wide >= 4 else 0)
        if top == 2:
            lines = [self._title(view_state, name, first, count, width)]
            mark, start = unit_mark(unit, arrow, width)
            lines.append([Segment(" " * start), Segment(mark, theme.now)])
        else:
            lines = [self._marked_title(view_state, name, first, count, width, arrow)]
        sight = range(first, first + count)
        for t in shown:
            here = t == view_state.cursor.t
            if view_state.known(t, name):
                moved = second_sentence.changed_units(view_state, name, t)
                if moved is not None:
                    flags = tuple(moved[first : first + count].tolist())
                    lines.append(_beside(layer, name, t, sight, flags, theme, wide, unit, here))
                    continue
                lines.append(_row(layer, name, t, sight, theme, wide, unit, here))
            else:
                lines.append(_dots(theme, wide, count, view_state.part_hidden and here))
        return lines

    def _title(self, view_state: ViewState, name: str, first: int, count: int, width: int) -> Line:
        for title, note in self._titles(view_state, name, first, count, width):
            if cell_len(title) + cell_len(note) + 3 + bool(note) <= width:
                break
        line = heading(title, "", width, view_state.theme, note)
        line[1] = self._as_computed(view_state, name, line[1])
        return line

    def _marked_title(
        self, view_state: ViewState, name: str, first: int, count: int, width: int, arrow: int
    ) -> Line:
        """The title in a line with the mark of the chosen unit, which it leaves free.

        It stands at the left of the mark or at its right, and without its note if need be.
        """
        theme, titles = view_state.theme, self._titles(view_state, name, first, count, width)
        mark, start = unit_mark(view_state.cursor.unit, arrow, width)
        end = start + len(mark)
        for title, note in titles:
            line = heading(title, "", 2 * width, theme, note)[:-1]
            line[1] = self._as_computed(view_state, name, line[1])
            wide = length(line)
            # At the right the space behind the title may fall outside.
            if wide <= start or end + wide - 1 <= width:
                break
        marked = Segment(mark, theme.now)
        if wide <= start:
            rules = [Segment("─" * n, theme.rule) for n in (start - wide, width - end)]
            return [*line, rules[0], marked, rules[1]]
        rules = [Segment("─" * max(0, n), theme.rule) for n in (start, width - end - wide)]
        return [rules[0], marked, *line, rules[1]]

    def _as_computed(self, view_state: ViewState, name: str, title: Segment) -> Segment:
        """The title in the colour of what the current part computes, if it does."""
        made = any(line.name == name for line in view_state.lines)
        return Segment(title.text, view_state.theme.now) if made else title

    def _titles(
        self, view_state: ViewState, name: str, first: int, count: int, width: int
    ) -> list[tuple[str, str]]:
        """Titles with notes, the longest first: symbol and word, scale, units, differences."""
        gate, end = scale(view_state.layer, name)
        note = "0…1" if gate else f"±{end:.3g}"
        words = view_state.word("name", name)
        written = view_state.symbol(name)
        title = written if words == name else f"{written} {words}"
        notes = [note]
        if count < view_state.layer.units:
            H = view_state.layer.units
            units = view_state.text("panel.units", first=first, last=first + count - 1, H=H)
            short_units = f"{first}–{first + count - 1}/{H}"
            notes = [f"{note} {units}", units, f"{note} {short_units}", short_units]
        if second_sentence.difference(view_state) is not None:
            texts = [f"{notes[0]} {text}" for text in _moved(view_state, name)]
            room = width - cell_len(title) - 5
            notes = [*(text for text in texts if cell_len(text) <= room), *notes]
        return [*((title, note) for note in notes), (title, ""), (written, note), (written, "")]

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        top, shown = rows(view_state, self.size.height)
        wide, first, count = units(view_state, self.size.width)
        unit = (x - NUMBER) // wide + first
        return CellPicked(
            t=shown[y - top] if 0 <= y - top < len(shown) else None,
            unit=unit if x >= NUMBER and unit < first + count else None,
        )
