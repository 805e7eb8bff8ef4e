"""Nets small enough to calculate by hand: one to eight units whose weights are typed.

The input of a net is its text: the numbers x of each token, as typed. This package describes such
nets; it does not compute them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

#: A matrix as rows of numbers; a vector is a matrix of one row.
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
#: Largest number of units, and of inputs per token.
MOST = 8
#: Labels of a sigmoid head's two classes, and the name of a linear head's output.
LABELS, OUTPUT = ("0", "1"), ("y",)
#: The text to step through when none is given.
EXAMPLE = "1 0 0 1 0"
#: Largest absolute value of a typed number.
LARGEST = 1_000_000

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
GATE_ACTIVATIONS = ("sigmoid", "hard_sigmoid")
#: Whether a GRU's z is the share of the old state (Keras, PyTorch) or of the new one.
Z = ("keep", "renew")
HEADS = ("sigmoid", "linear")
#: The losses of a linear head: ½(y − t)² and (y − t)².
LOSSES = ("half squared error", "squared error")
#: Layouts of matrices in files and edits. "keras": W (inputs, units), U (units, units), one column
#: per unit. "pytorch": the transposes, one row per unit. "xh", "hx": W and U side by side in one
#: matrix with one row per unit, over [x; h] or [h; x].
LAYOUTS = ("keras", "pytorch", "xh", "hx")


@dataclass(frozen=True)
class WeightEntry:
    """The position of one number: in a weight, in an initial state, or in the text.

    For ``x``, the row is the token, from 0, and the column the input.
    """

    name: str
    row: int
    column: int


@dataclass(frozen=True)
class NetOptions:
    """The settings of a toy net beside its numbers.

    ``output_activation`` is applied to an LSTM's c before the output gate; "" means ``activation``,
    as in Keras. ``target`` is the desired output (0 or 1 for a sigmoid head), or None. ``layout``
    is how its matrices were written, and are written again.
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
class ToyNet:
    """A net of ``units`` units that reads ``inputs`` numbers per token.

    ``weights`` are W_f (D, H), U_f (H, H), b_f (1, H) … and those of the head, W_y (H, 1) and
    b_y (1, 1). ``initial`` are the states before the first token, h (1, H) …
    """

    cell: str
    units: int
    weights: Named
    initial: Named
    inputs: int = 1
    form: NetOptions = field(default_factory=NetOptions)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all weights and initial states, in the order of the formulas."""
        return tuple(self._arrays)

    def array(self, name: str) -> Rows:
        """The matrix of a name; KeyError if there is none."""
        return self._arrays[name]

    @cached_property
    def _arrays(self) -> dict[str, Rows]:
        return dict((*self.weights, *self.initial))

    def entries(self, name: str) -> tuple[WeightEntry, ...]:
        """All entries of a name, row by row."""
        rows = self.array(name)
        return tuple(WeightEntry(name, r, c) for r, row in enumerate(rows) for c in range(len(row)))

    def value(self, entry: WeightEntry) -> float:
        """The number of an entry."""
        return self.array(entry.name)[entry.row][entry.column]

    def changed(self, entry: WeightEntry, value: float) -> ToyNet:
        """A copy of the net with one number changed."""
        rows = self.array(entry.name)
        row = rows[entry.row]
        row = (*row[: entry.column], value, *row[entry.column + 1 :])
        return self.having({entry.name: (*rows[: entry.row], row, *rows[entry.row + 1 :])})

    def having(self, arrays: dict[str, Rows]) -> ToyNet:
        """A copy of the net with some matrices replaced."""

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
        """The labels of the head's outputs."""
        return LABELS if self.form.head == "sigmoid" else OUTPUT


def shapes(cell: str, units: int, inputs: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name and shape of each weight, in the order of the formulas."""
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
    """The model name of a toy net of this cell: "lstm by hand"."""
    return f"{cell} by hand"


def cell_of(model: str) -> str | None:
    """The cell in a model's name: "rnn" in "rnn by hand" and "sentiment-rnn"; None if none."""
    words = f" {model.replace('-', ' ')} "
    found = [cell for cell in CELLS if f" {cell.replace('-', ' ')} " in words]
    return max(found, key=len, default=None)


def is_toy_net(model: str) -> bool:
    """Whether a model's name is that of a toy net."""
    return model in {model_of(cell) for cell in CELLS}
