"""The nets that are there at first: short numbers, chosen so that the gates have something to do.

The first unit of each tells a story. SimpleRNN forgets: of a 1 less than half is left a step
later. LSTM remembers the first 1 while zeros go by, does not write a second one, and −1 erases it.
GRU writes at a 1 and keeps at a 0. The other units are variants of the first, and each also
listens to the unit before it. What is read beside the first input counts half as much.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from rnnviz.hand import (
    GATES,
    MOST,
    STATES,
    Form,
    Hand,
    Rows,
    cell_of,
    is_hand,
    model_of,
    shapes,
    zeros,
)  # fmt: skip
from rnnviz.hand.typed import spoken

__all__ = ["example", "for_model", "friendly", "is_hand", "model_of"]

#: By cell and gate, for each unit: W, U (from itself), b; after the fourth they come again.
_GATES: dict[str, dict[str, tuple[tuple[float, ...], ...]]] = {
    "rnn": {"": ((1, 0.5, 0), (1, 0.9, 0), (1, -0.5, 0), (1, 1.5, 0))},
    "lstm": {
        "f": ((8, 0, 4), (0, 0, 4), (0, 0, 0), (0, 0, 4)),
        "i": ((6, -10, -3), (6, 0, -3), (6, 0, -3), (6, 0, -3)),
        "g": ((2, 0, 0), (1, 0, 0), (2, 0, 0), (2, 0, 0)),
        "o": ((0, 0, 2), (0, 0, 2), (0, 0, 2), (4, 0, -2)),
    },
    "gru": {
        "r": ((-4, 0, 2), (0, 0, 2), (0, 0, 2), (0, 0, -2)),
        "g": ((2, 1, 0), (1, 0.5, 0), (2, 1, 0), (1, 1, 0)),
        "z": ((-6, 0, 4), (0, 0, 0), (6, 0, -2), (0, 0, -4)),
    },
}
_GATES["gru-2014"] = _GATES["gru"]
#: How strongly the candidate of a unit listens to the unit before it, and a gate to each input
#: after the first.
_NEIGHBOUR, _FURTHER = 0.5, 0.5
#: The weight of the first unit in the prediction, of each other, and the bias.
_HEAD = (8.0, 1.0, -3.0)


@cache
def friendly(cell: str, units: int = 1, inputs: int = 1) -> Hand:
    """The net of a cell as it is before anyone changes it; 1 to MOST units and inputs."""
    for name, count in (("units", units), ("inputs", inputs)):
        if not 1 <= count <= MOST:
            raise ValueError(f"{name}: expected 1 to {MOST}, found {count}")
    first, other, bias = _HEAD
    found: dict[str, Rows] = {
        "W_y": ((first,), *((other,),) * (units - 1)),
        "b_y": ((bias,),),
    }
    for gate in GATES[cell]:
        found |= _of_gate(cell, gate, units, inputs)
    weights = tuple(
        (name, found.get(name, zeros(*shape))) for name, shape in shapes(cell, units, inputs)
    )
    return Hand(
        cell, units, weights, tuple((s, zeros(1, units)) for s in STATES[cell]), inputs, Form()
    )


def _of_gate(cell: str, gate: str, units: int, inputs: int) -> dict[str, Rows]:
    """W, U and b of one gate from its columns."""
    table = _GATES[cell][gate]
    W, U, b = (tuple(float(table[j % len(table)][k]) for j in range(units)) for k in range(3))
    candidate = gate in ("", "g")

    def recurrent(k: int, j: int) -> float:
        if k == j:
            return U[j]
        return _NEIGHBOUR if candidate and k == j - 1 else 0.0

    end = f"_{gate}" if gate else ""
    further = tuple(_FURTHER * w for w in W)
    return {
        f"W{end}": (W, *(further,) * (inputs - 1)),
        f"U{end}": tuple(tuple(recurrent(k, j) for j in range(units)) for k in range(units)),
        f"b{end}": (b,),
    }


def example(inputs: int) -> str:
    """The text to step through when none is given: each input reads it a step after the last."""
    first = (1.0, 0.0, 0.0, 1.0, 0.0)
    T = len(first)
    return spoken(tuple(tuple(first[(t - k) % T] for k in range(inputs)) for t in range(T)))


def for_model(hand: Hand | None, model: str) -> Hand:
    """The net that is meant: the one given, unless the model's name asks for another cell.

    One of another cell reads as many inputs, and has the same head and conventions.
    """
    cell = cell_of(model)
    if hand is None:
        return friendly(cell or "lstm")
    if cell in (None, hand.cell):
        return hand
    other = friendly(str(cell), hand.units, hand.inputs)
    return replace(other, form=replace(hand.form, title="", source="")).having(
        {name: hand.array(name) for name in ("W_y", "b_y")}
    )
