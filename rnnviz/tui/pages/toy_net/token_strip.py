"""A column for each token: the input, the values of the chosen unit, and the prediction."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.toy_net import DIGITS
from rnnviz.display import visible
from rnnviz.equations import number, symbol
from rnnviz.toy_net import WeightEntry
from rnnviz.trace import Trace
from rnnviz.tui.pages.toy_net.entries import ToyNetView
from rnnviz.tui.render.segments import Line, cut, fit, level, page
from rnnviz.tui.view.off_screen import off_left_right
from rnnviz.tui.view.view_state import scale

#: Least columns of a token, and most columns of its name.
LEAST, LONGEST = 11, 30
#: Columns of the sign of tokens left and right.
AWAY = 14


class TokenStrip:
    """Rows with a column for each token; those that fit around the current one."""

    def __init__(self, net_view: ToyNetView, width: int) -> None:
        self.net_view, self.view_state, self.theme = (
            net_view,
            net_view.view_state,
            net_view.view_state.theme,
        )
        self.names = [cut(visible(token), LONGEST) for token in self.view_state.trace.tokens]
        self.wide = max(LEAST, *(cell_len(name) + 4 for name in self.names), self._longest() + 2)
        head = self.view_state.trace.head
        self.output = "y" if head.is_number else f"p({head.labels[1]})"
        labels = (net_view.page_text("was"), self.output)
        self.gutter = max(8, *(cell_len(text) + 3 for text in labels))
        room = max(1, (width - self.gutter) // self.wide)
        if room < len(self.names):  # keep columns for the sign of the others
            room = max(1, (width - self.gutter - AWAY) // self.wide)
        first = max(0, page(len(self.names), self.view_state.cursor.t, room))
        self.columns = range(first, min(len(self.names), first + room))

    def _longest(self) -> int:
        """Columns of the longest number of the chosen unit or the prediction."""
        layer, unit = self.view_state.layer, self.view_state.cursor.unit
        arrays = [layer.values[name][:, unit] for name in self.view_state.quantities]
        arrays.append(self.view_state.trace.head.readout[:, -1])
        values = [float(v) for array in arrays for v in array.ravel()]
        return max(len(number(v, DIGITS, signed=True)) for v in values)

    def lines(self) -> list[Line]:
        """The x of each token, the prediction after it, and the prediction before the edits."""
        before = self.net_view.before
        rows = [self._read(), self._predicted(self.view_state.trace, self.output, False)]
        if before is not None and len(before.tokens) == len(self.names):
            rows.append(self._predicted(before, self.net_view.page_text("was"), True))
        return rows

    def values(self) -> list[Line]:
        """All quantities of the chosen unit, a row each."""
        return [self._value(name) for name in self.view_state.quantities]

    def _row(self, label: str, cells: list[Segment]) -> Line:
        line = [Segment(fit(f" {label}", self.gutter), self.theme.dim)]
        for cell in cells:
            line += [cell, Segment(" " * (self.wide - cell_len(cell.text)))]
        return line

    def _read(self) -> Line:
        t = self.view_state.cursor.t
        cells = []
        for k in self.columns:
            entries = [WeightEntry("x", k, j) for j in range(self.net_view.net.inputs)]
            mark = "▸" if self.net_view.chosen in entries else ""
            star = (
                "*"
                if any(self.net_view.original_value(entry) is not None for entry in entries)
                else ""
            )
            text = f"{mark}{self.names[k]}{star}"
            here = Segment(f"▐{text}▌", self.theme.chosen)
            cells.append(here if k == t else Segment(text, self._reached(k, self.theme.ink)))
        before, after = self.columns.start, len(self.names) - self.columns.stop
        away = off_left_right(before, after)
        return [*self._row(symbol("x"), cells), Segment(away, self.theme.dim)]

    def _reached(self, k: int, style: Style) -> Style:
        return style if k <= self.view_state.cursor.t else self.theme.dim

    def _predicted(self, trace: Trace, label: str, old: bool) -> Line:
        cells = []
        for k in self.columns:
            if self.view_state.known(k, "p"):
                text = number(float(trace.head.readout[k, -1]), DIGITS)
                cells.append(Segment(text, self.theme.dim if old else self.theme.bold))
            else:
                cells.append(self._unknown(k))
        return self._row(label, cells)

    def _unknown(self, k: int) -> Segment:
        hidden = self.view_state.part_hidden and k == self.view_state.cursor.t
        return Segment("?" if hidden else "·", self.theme.rule)

    def _value(self, name: str) -> Line:
        layer, unit = self.view_state.layer, self.view_state.cursor.unit
        gate, top = scale(layer, name)
        cells = []
        for k in self.columns:
            if not self.view_state.known(k, name):
                cells.append(self._unknown(k))
                continue
            value = float(layer.values[name][k, unit])
            style = self.theme.number_on(level(value, top), gate)
            text = number(value, DIGITS, signed=not gate)
            cells.append(Segment(fit(text, self.wide - 2, "^"), style))
        return self._row(name, cells)
