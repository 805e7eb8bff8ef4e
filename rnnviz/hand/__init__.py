"""A net small enough for a calculator: every weight a literal number, one number a token.

Its input is its text: the x of each token, as typed. Nothing here computes a network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

#: Rows of numbers: a matrix; a vector is one row.
Rows = tuple[tuple[float, ...], ...]
Named = tuple[tuple[str, Rows], ...]

CELLS = ("rnn", "lstm", "gru")
#: More units than this are no longer calculated by hand.
MOST = 4
#: What the two classes of the prediction are called.
LABELS = ("0", "1")
#: The text to step through when none is given.
EXAMPLE = "1 0 0 1 0"


@dataclass(frozen=True)
class Entry:
    """One number: a weight, a number of the state before the first token, or the x of a token.

    Of ``x`` the row is the token, from 0.
    """

    name: str
    row: int
    column: int


@dataclass(frozen=True)
class Hand:
    """A net of ``units`` units that reads one number a token.

    ``weights``, by formula name: W_f (1, H), U_f (H, H), b_f (1, H) ... and of the prediction
    W_y (H, 1), b_y (1, 1). ``initial``: the states before the first token, h (1, H) ...
    """

    cell: str
    units: int
    weights: Named
    initial: Named

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

    def entries(self, name: str) -> tuple[Entry, ...]:
        """Every entry of a name, row by row."""
        rows = self.array(name)
        return tuple(Entry(name, r, c) for r, row in enumerate(rows) for c in range(len(row)))

    def value(self, entry: Entry) -> float:
        """The number of an entry."""
        return self.array(entry.name)[entry.row][entry.column]

    def changed(self, entry: Entry, value: float) -> Hand:
        """The same net with another number in one place."""
        return replace(
            self,
            weights=_changed(self.weights, entry, value),
            initial=_changed(self.initial, entry, value),
        )

    def written(self, entry: Entry) -> str:
        """The name of an entry as it is typed: ``W_f``, ``b_f[2]``, ``U_f[0,1]``, ``x[3]``."""
        if entry.name == "x":
            return f"x[{entry.row}]"
        rows = self.array(entry.name)
        if len(rows) == len(rows[0]) == 1:
            return entry.name
        if len(rows) == 1 or len(rows[0]) == 1:
            return f"{entry.name}[{max(entry.row, entry.column)}]"
        return f"{entry.name}[{entry.row},{entry.column}]"


def _changed(arrays: Named, entry: Entry, value: float) -> Named:
    return tuple(
        (name, _placed(rows, entry, value) if name == entry.name else rows) for name, rows in arrays
    )


def _placed(rows: Rows, entry: Entry, value: float) -> Rows:
    row = rows[entry.row]
    row = (*row[: entry.column], value, *row[entry.column + 1 :])
    return (*rows[: entry.row], row, *rows[entry.row + 1 :])


def model_of(cell: str) -> str:
    """The name under which a net of this cell is shown and asked for."""
    return f"{cell} by hand"


def cell_of(model: str) -> str | None:
    """The cell in a model's name: rnn of "rnn by hand" and of "sentiment-rnn"; None without one."""
    words = model.replace("-", " ").split()
    return next((word for word in words if word in CELLS), None)
