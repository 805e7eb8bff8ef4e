"""One gate or state of the current token: every unit's value in digits, as large as fit."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment

from rnnviz.equations import number
from rnnviz.tui.panels.presenter.headline import shown_name
from rnnviz.tui.render.large_text import LARGE, MEDIUM, Face, large_text, large_width
from rnnviz.tui.render.segments import Line, fit, heading, level, window
from rnnviz.tui.view.view_state import ViewState, scale
from rnnviz.tui.view.widget import CellPicked, View


@dataclass(frozen=True)
class _UnitGrid:
    """Cells of equal size, row by row; ``first`` is the first unit shown."""

    first: int
    columns: int
    rows: int
    width: int
    height: int
    face: Face | None  # None: plain digits

    @property
    def count(self) -> int:
        """How many units have a cell."""
        return self.columns * self.rows


def _grid(view_state: ViewState, texts: list[str], width: int, height: int) -> _UnitGrid:
    """The largest digits with which every unit has a cell; otherwise a window of units."""
    H = len(texts)
    for face in (LARGE, MEDIUM, None):
        least = max(large_width(text, face) if face else len(text) for text in texts) + 2
        tall = (face.lines if face else 1) + 1  # a line for the number of the unit
        columns = max(1, min(H, width // least))
        columns -= columns % 4 if columns >= 8 else 0  # rows of 8, 12, 16: easy to count
        rows = -(-H // columns)
        if rows * tall <= height:
            more = 1 if face and rows * (tall + 1) <= height else 0
            return _UnitGrid(0, columns, rows, width // columns, tall + more, face)
    rows = max(1, height // 2)
    first = window(H, view_state.cursor.unit, columns * rows) // columns * columns
    return _UnitGrid(first, columns, rows, width // columns, 2, None)


class LargeUnits(View):
    """The values on the colours of their sizes; the current unit is marked."""

    wheel = "part"

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, layer, t = view_state.theme, view_state.layer, view_state.cursor.t
        name = shown_name(view_state)
        before = view_state.part == "read"
        values = layer.state_before(t, name) if before else layer.values[name][t]
        gate, end = scale(layer, name)
        known = before or view_state.known(t, name)
        texts = [number(float(v), 2, not gate, 5) if known else "?" for v in values]
        grid = _grid(view_state, texts, width, height - 1)
        if grid.face is None and known:  # plain digits leave room for more of them
            texts = [number(float(v), 2, not gate, grid.width - 2) for v in values]
        words = view_state.word("name", name)
        written = view_state.symbol(name)
        title = written if words == name else f"{written} {words}"
        note = f"{'0…1' if gate else f'±{end:.3g}'}"
        if grid.count < layer.units:
            last = min(layer.units, grid.first + grid.count) - 1
            note += " " + view_state.text("panel.units", first=grid.first, last=last, H=layer.units)
        question = view_state.text("question.heatmap")
        lines = [heading(title, question, width, theme, note)]
        for row in range(grid.rows):
            cells: list[Line] = [[] for _ in range(grid.height)]
            for n in range(grid.first + row * grid.columns, grid.first + (row + 1) * grid.columns):
                if n < layer.units:
                    at = level(float(values[n]), end) if known else 0
                    self._cell(view_state, cells, grid, n, texts[n], at, gate)
            lines += cells
        return lines

    def _cell(
        self, view_state: ViewState, lines: list[Line], grid: _UnitGrid, n: int, text: str, at: int,
        gate: bool,
    ) -> None:  # fmt: skip
        """Add the cell of a unit: its number, and its value in the middle of the lines below."""
        theme, here = view_state.theme, n == view_state.cursor.unit
        wide, style = grid.width - 1, theme.number_on(at, gate)
        drawn = large_text(text, grid.face, theme.ascii) if grid.face else [text]
        label = fit(f"{'◆' if here else ' '}{n}", wide)
        lines[0] += [Segment(label, theme.chosen if here else theme.dim), Segment(" ", theme.ink)]
        for line, piece in zip(lines[1:], drawn, strict=False):
            line += [Segment(fit(piece, wide, "^"), style), Segment(" ", theme.ink)]

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        width, height = self.size
        layer, t = view_state.layer, view_state.cursor.t
        name = shown_name(view_state)
        gate, _ = scale(layer, name)
        texts = [number(float(v), 2, not gate, 5) for v in layer.values[name][t]]
        grid = _grid(view_state, texts, width, height - 1)
        n = grid.first + (y - 1) // grid.height * grid.columns + x // grid.width
        inside = y >= 1 and x < grid.columns * grid.width and n < layer.units
        return CellPicked(unit=n) if inside else None
