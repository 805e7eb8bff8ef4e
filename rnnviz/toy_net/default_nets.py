"""The default toy nets: short numbers, chosen so that the gates have an effect.

The first unit demonstrates its cell. A SimpleRNN forgets: less than half of a 1 is left a step
later. An LSTM stores the first 1 while zeros follow, does not write a second one, and −1 erases
it. A GRU writes at a 1 and keeps at a 0. The other units are variants of the first with a
connection from the previous unit. Weights of further inputs are half of those of the first.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from rnnviz.messages import _
from rnnviz.toy_net import (
    GATES,
    MOST,
    STATES,
    NetOptions,
    Rows,
    ToyNet,
    cell_of,
    is_toy_net,
    model_of,
    shapes,
    zeros,
)  # fmt: skip
from rnnviz.toy_net.number_text import input_text

__all__ = ["default_net", "example", "for_model", "is_toy_net", "model_of"]

#: By cell and gate: (W, U from the unit itself, b) of each unit; they repeat after the fourth.
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
#: The weight of the previous unit in a candidate, and the factor of W for inputs after the first.
_NEIGHBOUR, _FURTHER = 0.5, 0.5
#: The head's weights of the first and of each other unit, and its bias.
_HEAD = (8.0, 1.0, -3.0)


@cache
def default_net(cell: str, units: int = 1, inputs: int = 1) -> ToyNet:
    """The default net of a cell; ValueError unless there are 1 to MOST units and inputs."""
    for name, count in (("units", units), ("inputs", inputs)):
        if not 1 <= count <= MOST:
            raise ValueError(
                _("{name}: expected 1 to {most}, found {count}").format(
                    name=name, most=MOST, count=count
                )
            )
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
    return ToyNet(
        cell,
        units,
        weights,
        tuple((s, zeros(1, units)) for s in STATES[cell]),
        inputs,
        NetOptions(),
    )


def _of_gate(cell: str, gate: str, units: int, inputs: int) -> dict[str, Rows]:
    """W (D, H), U (H, H) and b (1, H) of a gate, by name."""
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
    """The default text; each input has the previous one's numbers a step later."""
    first = (1.0, 0.0, 0.0, 1.0, 0.0)
    T = len(first)
    return input_text(tuple(tuple(first[(t - k) % T] for k in range(inputs)) for t in range(T)))


def for_model(net: ToyNet | None, model: str) -> ToyNet:
    """``net``, or a default net if it is None or the model's name contains another cell.

    A net of another cell has the same number of inputs, head and options.
    """
    cell = cell_of(model)
    if net is None:
        return default_net(cell or "lstm")
    if cell in (None, net.cell):
        return net
    other = default_net(str(cell), net.units, net.inputs)
    return replace(other, form=replace(net.form, title="", source="")).having(
        {name: net.array(name) for name in ("W_y", "b_y")}
    )
