"""The nets that are there at first: short numbers, chosen so that the gates have something to do.

The first unit of each tells a story. SimpleRNN forgets: of a 1 less than half is left a step
later. LSTM remembers the first 1 while zeros go by, does not write a second one, and −1 erases it.
GRU writes at a 1 and keeps at a 0. The other units are variants of the first, and each also
listens to the unit before it.
"""

from __future__ import annotations

from functools import cache

from rnnviz.hand import MOST, Hand, Named, Rows, cell_of, model_of

#: By cell and gate, for each unit: W, U (from itself), b, and for the GRU its second bias.
_GATES: dict[str, dict[str, tuple[tuple[float, ...], ...]]] = {
    "rnn": {"": ((1, 0.5, 0), (1, 0.9, 0), (1, -0.5, 0), (1, 1.5, 0))},
    "lstm": {
        "_f": ((8, 0, 4), (0, 0, 4), (0, 0, 0), (0, 0, 4)),
        "_i": ((6, -10, -3), (6, 0, -3), (6, 0, -3), (6, 0, -3)),
        "_g": ((2, 0, 0), (1, 0, 0), (2, 0, 0), (2, 0, 0)),
        "_o": ((0, 0, 2), (0, 0, 2), (0, 0, 2), (4, 0, -2)),
    },
    "gru": {
        "_r": ((-4, 0, 2, 0), (0, 0, 2, 0), (0, 0, 2, 0), (0, 0, -2, 0)),
        "_g": ((2, 1, 0, 0), (1, 0.5, 0, 0), (2, 1, 0, 0), (1, 1, 0, 0)),
        "_z": ((-6, 0, 4, 0), (0, 0, 0, 0), (6, 0, -2, 0), (0, 0, -4, 0)),
    },
}
_STATES = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}
#: How strongly the candidate of a unit listens to the unit before it.
_NEIGHBOUR = 0.5
#: The weight of the first unit in the prediction, of each other, and the bias.
_HEAD = (8.0, 1.0, -3.0)


@cache
def friendly(cell: str, units: int = 1) -> Hand:
    """The net of a cell as it is before anyone changes it; 1 to MOST units."""
    if not 1 <= units <= MOST:
        raise ValueError(f"units: expected 1 to {MOST}, found {units}")
    weights: list[tuple[str, Rows]] = []
    for gate, table in _GATES[cell].items():
        weights += _of_gate(gate, table[:units], "_g" if cell != "rnn" else "")
    first, other, bias = _HEAD
    weights.append(("W_y", ((first,), *((other,),) * (units - 1))))
    weights.append(("b_y", ((bias,),)))
    zeros: Named = tuple((state, ((0.0,) * units,)) for state in _STATES[cell])
    return Hand(cell, units, tuple(weights), zeros)


def _of_gate(gate: str, table: tuple[tuple[float, ...], ...], candidate: str) -> Named:
    """W, U and the biases of one gate from its columns."""
    H = range(len(table))
    columns = tuple(tuple(float(row[k]) for row in table) for k in range(len(table[0])))

    def recurrent(k: int, j: int) -> float:
        if k == j:
            return columns[1][j]
        return _NEIGHBOUR if gate == candidate and k == j - 1 else 0.0

    found: Named = (
        (f"W{gate}", (columns[0],)),
        (f"U{gate}", tuple(tuple(recurrent(k, j) for j in H) for k in H)),
        (f"b{gate}", (columns[2],)),
    )
    return found if len(columns) == 3 else (*found, (f"b_r{gate[1:]}", (columns[3],)))


def for_model(hand: Hand | None, model: str) -> Hand:
    """The net that is meant: the one given, unless the model's name asks for another cell."""
    cell = cell_of(model)
    if hand is None:
        return friendly(cell or "lstm")
    return hand if cell in (None, hand.cell) else friendly(str(cell), hand.units)


def is_hand(model: str) -> bool:
    """Whether a model's name is that of a net by hand."""
    return model in {model_of(cell) for cell in _GATES}
