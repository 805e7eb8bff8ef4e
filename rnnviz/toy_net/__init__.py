"""A net small enough for a calculator: every weight a literal number, a few numbers a token.

Its input is its text: the x of each token, as typed. Nothing here computes a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

#: Rows of numbers: a matrix; a vector is one row.
Rows = tuple[tuple[float, ...], ...]
Named = tuple[tuple[str, Rows], ...]
#: The x of each token.
Sequence = tuple[tuple[float, ...], ...]

#: The gates of each cell in the order of its formulas; "" where there is a single block.
GATES = MappingProxyType(
    {
        "rnn": ("",),
        "lstm": ("f", "i", "g", "o"),
        "gru": ("r", "g", "z"),
        "gru-2014": ("r", "g", "z"),
    }
)
CELLS = tuple(GATES)
#: The states of each cell.
STATES = MappingProxyType({"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",), "gru-2014": ("h",)})
#: More units, or more inputs a token, than this are no longer calculated by hand.
MOST = 8
#: What the two classes of a sigmoid head are called, and what a linear one gives.
LABELS, OUTPUT = ("0", "1"), ("y",)
#: The text to step through when none is given.
EXAMPLE = "1 0 0 1 0"
#: No number by hand is larger: beyond it even float64 loses the digits behind the point.
LARGEST = 1_000_000

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
GATE_ACTIVATIONS = ("sigmoid", "hard_sigmoid")
#: What the z of a GRU is the share of: the old state (Keras, PyTorch) or the new one.
Z = ("keep", "renew")
HEADS = ("sigmoid", "linear")
#: ½(y − t)² and (y − t)²: what a linear head is told to make small.
LOSSES = ("half squared error", "squared error")
#: How matrices are written down. "keras": W is inputs × units, U units × units, a column for each
#: unit. "pytorch": the same, a row for each unit. "xh", "hx": W and U side by side in one matrix,
#: a row for each unit, over x then h or over h then x.
LAYOUTS = ("keras", "pytorch", "xh", "hx")


@dataclass(frozen=True)
class WeightEntry:
    """One number: a weight, a number of the state before the first token, or an x of a token.

    Of ``x`` the row is the token, from 0, and the column the input.
    """

    name: str
    row: int
    column: int


@dataclass(frozen=True)
class Form:
    """What a net by hand is beside its numbers.

    ``output_activation`` bends the c of an LSTM on its way out; "" is ``activation``, as in Keras.
    ``target`` is what the output should be: a number, of a sigmoid head 0 or 1; None without one.
    ``layout`` says how its matrices were written down, and are written again.
    """

    activation: str = "tanh"
    gate_activation: str = "sigmoid"
    output_activation: str = ""
    z: str = "keep"
    head: str = "sigmoid"
    loss: str = LOSSES[0]
    target: float | None = None
    layout: str = "keras"
    title: str = ""
    source: str = ""


@dataclass(frozen=True)
class Hand:
    """A net of ``units`` units that reads ``inputs`` numbers a token.

    ``weights``, by formula name: W_f (D, H), U_f (H, H), b_f (1, H) ... and of the prediction
    W_y (H, 1), b_y (1, 1). ``initial``: the states before the first token, h (1, H) ...
    """

    cell: str
    units: int
    weights: Named
    initial: Named
    inputs: int = 1
    form: Form = field(default_factory=Form)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that has numbers, in the order of the formulas."""
        return tuple(self._arrays)

    def array(self, name: str) -> Rows:
        """The numbers of a name; KeyError if there is none."""
        return self._arrays[name]

    @cached_property
    def _arrays(self) -> dict[str, Rows]:
        return dict((*self.weights, *self.initial))

    def entries(self, name: str) -> tuple[WeightEntry, ...]:
        """Every entry of a name, row by row."""
        rows = self.array(name)
        return tuple(WeightEntry(name, r, c) for r, row in enumerate(rows) for c in range(len(row)))

    def value(self, entry: WeightEntry) -> float:
        """The number of an entry."""
        return self.array(entry.name)[entry.row][entry.column]

    def changed(self, entry: WeightEntry, value: float) -> Hand:
        """The same net with another number in one place."""
        rows = self.array(entry.name)
        row = rows[entry.row]
        row = (*row[: entry.column], value, *row[entry.column + 1 :])
        return self.having({entry.name: (*rows[: entry.row], row, *rows[entry.row + 1 :])})

    def having(self, arrays: dict[str, Rows]) -> Hand:
        """The same net with other numbers of some names."""

        def put(named: Named) -> Named:
            return tuple((name, arrays.get(name, rows)) for name, rows in named)

        return replace(self, weights=put(self.weights), initial=put(self.initial))

    def written(self, entry: WeightEntry) -> str:
        """The name of an entry as it is typed: ``W_f``, ``b_f[2]``, ``U_f[0,1]``, ``x[3]``."""
        if entry.name == "x":
            return f"x[{entry.row}]" if self.inputs == 1 else f"x[{entry.row},{entry.column}]"
        rows = self.array(entry.name)
        if len(rows) == len(rows[0]) == 1:
            return entry.name
        if len(rows) == 1 or len(rows[0]) == 1:
            return f"{entry.name}[{max(entry.row, entry.column)}]"
        return f"{entry.name}[{entry.row},{entry.column}]"

    @property
    def labels(self) -> tuple[str, ...]:
        """What the head's outputs are called."""
        return LABELS if self.form.head == "sigmoid" else OUTPUT


def shapes(cell: str, units: int, inputs: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names of a net's weights, in the order of its formulas, and their rows and columns."""
    for gate in GATES[cell]:
        end = f"_{gate}" if gate else ""
        yield f"W{end}", (inputs, units)
        yield f"U{end}", (units, units)
        yield f"b{end}", (1, units)
        if cell == "gru":
            yield f"b_r{gate}", (1, units)
    yield "W_y", (units, 1)
    yield "b_y", (1, 1)


def zeros(rows: int, columns: int) -> Rows:
    """A matrix of zeros."""
    return ((0.0,) * columns,) * rows


def model_of(cell: str) -> str:
    """The name under which a net of this cell is shown and asked for."""
    return f"{cell} by hand"


def cell_of(model: str) -> str | None:
    """The cell in a model's name: rnn of "rnn by hand" and of "sentiment-rnn"; None without one."""
    words = f" {model.replace('-', ' ')} "
    found = [cell for cell in CELLS if f" {cell.replace('-', ' ')} " in words]
    return max(found, key=len, default=None)


def is_hand(model: str) -> bool:
    """Whether a model's name is that of a net by hand."""
    return model in {model_of(cell) for cell in CELLS}
