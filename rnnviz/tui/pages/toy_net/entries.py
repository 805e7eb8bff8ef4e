"""The entries of a toy net that can be chosen, and their values before the edits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnnviz.analysis import toy_net
from rnnviz.cursor import Cursor
from rnnviz.toy_net import Sequence, ToyNet, WeightEntry
from rnnviz.toy_net.number_text import inputs
from rnnviz.trace import Trace
from rnnviz.tui.view.view_state import ViewState

Entries = tuple[WeightEntry | None, ...]


@dataclass(frozen=True)
class ToyNetView:
    """What the parts of the page draw: the view state, the net, the chosen entry, the old trace."""

    view_state: ViewState
    net: ToyNet
    chosen: WeightEntry
    before: Trace | None  # before the edits; None without edits

    def page_text(self, key: str, **values: object) -> str:
        """A text of the page."""
        return self.view_state.text(f"page.hand.{key}", **values)

    def value(self, entry: WeightEntry) -> float:
        """The number of an entry."""
        if entry.name == "x":
            return _inputs(self.view_state.trace, self.net.inputs)[entry.row][entry.column]
        return self.net.value(entry)

    def original_value(self, entry: WeightEntry) -> float | None:
        """The value before the edits, or None if it is unchanged."""
        return self._old_values.get(entry)

    @property
    def changes(self) -> int:
        """The number of weights and initial states that were edited."""
        return sum(entry.name != "x" for entry in self._old_values)

    @cached_property
    def _old_values(self) -> dict[WeightEntry, float]:
        """The old value of every edited entry."""
        first = None if self.before is None else toy_net.toy_net_of(self.before)
        if self.before is None or first is None:
            return {}
        both = (_inputs(self.before, first.inputs), _inputs(self.view_state.trace, self.net.inputs))
        old = {
            WeightEntry("x", t, k): one
            for t, (before, now) in enumerate(zip(*both, strict=False))
            for k, (one, other) in enumerate(zip(before, now, strict=False))
            if one != other
        }
        for name in set(first.names) & set(self.net.names):
            one, other = first.array(name), self.net.array(name)
            same_shape = len(one) == len(other) and len(one[0]) == len(other[0])
            if one != other and same_shape:
                old |= {
                    entry: first.value(entry)
                    for entry in first.entries(name)
                    if first.value(entry) != self.net.value(entry)
                }
        return old

    @cached_property
    def computed(self) -> frozenset[str]:
        """The gates whose weights are used in the current part."""
        names = (line.name for line in self.view_state.lines)
        return frozenset(toy_net.gate_of_weight(name) for name in names if name.startswith("a"))

    @property
    def span(self) -> str:
        """The name of the chosen entry in this token's arithmetic; "" if it is not used there."""
        entry, layer = self.chosen, self.view_state.layer
        if entry.name in layer.states:
            first = layer.before(self.view_state.cursor.t) is None
            return toy_net.element_name(f"{entry.name}_prev", entry.column) if first else ""
        if entry.name == "x":
            return toy_net.element_name("x", entry.column)
        return toy_net.element_name(
            entry.name, entry.row if entry.name[0] in "WU" else entry.column
        )


def _inputs(trace: Trace, width: int) -> Sequence:
    """The inputs as typed, whether clamped or not."""
    return inputs(" ".join(trace.tokens), width)


def gates(net: ToyNet) -> dict[str, list[str]]:
    """The names of the weights of each gate: {"f": ["W_f", "U_f", "b_f"], ...}."""
    names: dict[str, list[str]] = {}
    for name, _ in net.weights:
        names.setdefault(toy_net.gate_of_weight(name), []).append(name)
    names.pop("y")
    return names


def of_gate(net: ToyNet, names: list[str], unit: int) -> Entries:
    """The weights of a unit of a gate: those of each x, each h, and the biases."""
    cells: list[WeightEntry] = []
    for name in names:
        rows = range(len(net.array(name)))
        cells += [WeightEntry(name, k, unit) for k in rows]
    return tuple(cells)


def of_head(net: ToyNet) -> Entries:
    """The head's weights, each in the column of its h."""
    return (*[None] * net.inputs, *net.entries("W_y"), *net.entries("b_y"))


def of_start(net: ToyNet, state: str) -> Entries:
    """An initial state, each number in the column of its unit."""
    return (*[None] * net.inputs, *net.entries(state))


def choices(net: ToyNet, cursor: Cursor) -> list[WeightEntry]:
    """The entries that can be chosen at the cursor, in reading order."""
    rows = [of_gate(net, names, cursor.unit) for names in gates(net).values()]
    rows += [of_head(net), *(of_start(net, state) for state, _ in net.initial)]
    x = [WeightEntry("x", cursor.t, k) for k in range(net.inputs)]
    return [*x, *(cell for row in rows for cell in row if cell is not None)]


def kind(entry: WeightEntry) -> str:
    """The key of the text that describes an entry."""
    if entry.name in ("h", "c"):
        return "of_start"
    if entry.name.endswith("_y"):
        return "of_head" if entry.name == "W_y" else "of_head_bias"
    if entry.name.startswith("b_r") and len(entry.name) > len("b_r"):
        return "of_br"
    return f"of_{entry.name[0]}"
