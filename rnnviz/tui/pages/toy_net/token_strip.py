"""The tokens from left to right: what is read, what the chosen unit holds, what is predicted."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.toy_net import DIGITS
from rnnviz.display import visible
from rnnviz.equations import number, symbol
from rnnviz.hand import WeightEntry
from rnnviz.trace import Trace
from rnnviz.tui.pages.toy_net.entries import ToyNetView
from rnnviz.tui.render.segments import Line, cut, fit, level, page
from rnnviz.tui.view.view_state import scale

#: Columns of one token at least and of its name at most.
LEAST, LONGEST = 11, 30


class Strip:
    """Rows with a column for each token; those that fit around the present one."""

    def __init__(self, shown: ToyNetView, width: int) -> None:
        self.shown, self.moment, self.look = shown, shown.moment, shown.moment.look
        self.names = [cut(visible(token), LONGEST) for token in self.moment.trace.tokens]
        self.wide = max(LEAST, *(cell_len(name) + 4 for name in self.names), self._longest() + 2)
        head = self.moment.trace.head
        self.output = "y" if head.kind == "linear" else f"p({head.labels[1]})"
        said = (shown.say("was"), self.output)
        self.gutter = max(8, *(cell_len(text) + 3 for text in said))
        room = max(1, (width - self.gutter) // self.wide)
        first = max(0, page(len(self.names), self.moment.cursor.t, room))
        self.columns = range(first, min(len(self.names), first + room))

    def _longest(self) -> int:
        """Columns of the longest number of the chosen unit, or of the prediction."""
        layer, unit = self.moment.layer, self.moment.cursor.unit
        arrays = [layer.values[name][:, unit] for name in self.moment.quantities]
        arrays.append(self.moment.trace.head.readout[:, -1])
        extremes = [float(v) for array in arrays for v in (array.min(), array.max())]
        return max(len(number(v, DIGITS, signed=True)) for v in extremes)

    def lines(self) -> list[Line]:
        """The x of each token, the prediction after it, and what it was before."""
        before = self.shown.before
        found = [self._read(), self._predicted(self.moment.trace, self.output, False)]
        if before is not None and len(before.tokens) == len(self.names):
            found.append(self._predicted(before, self.shown.say("was"), True))
        return found

    def values(self) -> list[Line]:
        """Everything the chosen unit computed, a row a name."""
        return [self._value(name) for name in self.moment.quantities]

    def _row(self, label: str, cells: list[Segment]) -> Line:
        line = [Segment(fit(f" {label}", self.gutter), self.look.dim)]
        for cell in cells:
            line += [cell, Segment(" " * (self.wide - cell_len(cell.text)))]
        return line

    def _read(self) -> Line:
        t = self.moment.cursor.t
        cells = []
        for k in self.columns:
            entries = [WeightEntry("x", k, j) for j in range(self.shown.hand.inputs)]
            mark = "▸" if self.shown.chosen in entries else ""
            star = "*" if any(self.shown.was(entry) is not None for entry in entries) else ""
            text = f"{mark}{self.names[k]}{star}"
            here = Segment(f"▐{text}▌", self.look.chosen)
            cells.append(here if k == t else Segment(text, self._reached(k, self.look.ink)))
        return self._row(symbol("x"), cells)

    def _reached(self, k: int, style: Style) -> Style:
        return style if k <= self.moment.cursor.t else self.look.dim

    def _predicted(self, trace: Trace, label: str, old: bool) -> Line:
        cells = []
        for k in self.columns:
            if self.moment.known(k, "p"):
                text = number(float(trace.head.readout[k, -1]), DIGITS)
                cells.append(Segment(text, self.look.dim if old else self.look.bold))
            else:
                cells.append(self._unknown(k))
        return self._row(label, cells)

    def _unknown(self, k: int) -> Segment:
        hidden = self.moment.hidden and k == self.moment.cursor.t
        return Segment("?" if hidden else "·", self.look.rule)

    def _value(self, name: str) -> Line:
        layer, unit = self.moment.layer, self.moment.cursor.unit
        gate, top = scale(layer, name)
        cells = []
        for k in self.columns:
            if not self.moment.known(k, name):
                cells.append(self._unknown(k))
                continue
            value = float(layer.values[name][k, unit])
            style = self.look.number_on(level(value, top), gate)
            said = number(value, DIGITS, signed=not gate)
            cells.append(Segment(fit(said, self.wide - 2, "^"), style))
        return self._row(name, cells)
