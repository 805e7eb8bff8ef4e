"""The arrays of a recurrent layer of Keras in this engine's layout, and what each column is.

LSTM has the gates i, f, c, o side by side, GRU z, r, h; c and h are called g here. Keras 1 has an
array for each gate. Layers for cuDNN have a kernel whose gates are stored transposed, and one bias
for each product; in LSTM the two are added.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.interop.contents import FileTensor, GateRange, Part, TensorRole
from rnnviz.messages import N_

Kind = Literal["lstm", "gru", "rnn"]
Direction = Literal["", "forward", "backward"]

#: The cell's letters and Keras's, in the order of the columns.
GATES: Final[dict[Kind, tuple[str, ...]]] = {
    "lstm": ("i", "f", "g", "o"), "gru": ("z", "r", "g"), "rnn": ("",),
}  # fmt: skip
_KERAS: Final[dict[Kind, str]] = {"lstm": "i f c o", "gru": "z r h", "rnn": ""}
#: The order of the arrays of Keras 1.
_KERAS_1: Final[dict[Kind, str]] = {"lstm": "icfo", "gru": "zrh", "rnn": ""}
#: ``lstm_1_W_i``, with or without ``:0``.
_PER_GATE: Final = re.compile(r"_([WUb])_([icfozrh])(?:_\d+)?(?::0)?$")
_PARTS: Final[dict[str, Part]] = {"W": "kernel", "U": "recurrent kernel", "b": "bias"}


@dataclass(frozen=True, eq=False)
class CellArrays:
    """W (D, G·H), U (H, G·H), b of a cell; ``conversion`` says how they were made, "" as stored.

    ``cell`` is the engine's name. ``cudnn``: stored for cuDNN, whose gates are always sigmoid.
    ``roles`` are those of the file's tensors, by name.
    """

    cell: str
    units: int
    width: int
    params: Values
    conversion: str
    cudnn: bool
    roles: dict[str, TensorRole]


def kind_of(tensors: Sequence[FileTensor]) -> Kind | None:
    """The kind of cell that the shapes of kernel and recurrent kernel are those of."""
    if len(tensors) in (9, 12) and per_gate(tensors):
        return "lstm" if len(tensors) == 12 else "gru"
    if len(tensors) not in (2, 3) or any(len(t.shape) != 2 for t in tensors[:2]):
        return None
    (_, columns), (units, recurrent) = tensors[0].shape, tensors[1].shape
    kinds: dict[int, Kind] = {4: "lstm", 3: "gru", 1: "rnn"}
    return kinds.get(recurrent // units) if units and columns == recurrent else None


def per_gate(tensors: Sequence[FileTensor]) -> bool:
    """Whether these are the arrays of a layer of Keras 1, one for each gate."""
    return bool(tensors) and all(_PER_GATE.search(t.name) for t in tensors)


def read_cell(
    tensors: Sequence[FileTensor], kind: Kind, layer: str, direction: Direction = "",
    reset_after: bool | None = None,
) -> CellArrays:  # fmt: skip
    """The arrays of a cell from those of its layer, in the order of the file.

    ``reset_after`` decides for a GRU without bias; the shape of a bias says it. Raises ValueError
    for arrays that do not fit each other.
    """
    arrays = {t.name: t.array for t in tensors}
    if not tensors or any(a is None for a in arrays.values()):
        raise ValueError(N_("its arrays are not in the file"))
    if len(tensors) == 3 * len(GATES[kind]) > 3:
        return _joined(tensors, kind, layer, direction)
    if len(tensors) not in (2, 3):
        raise ValueError(
            N_("it has {count} arrays; a {cell} has 2 or 3").format(
                count=len(tensors), cell=kind.upper()
            )
        )
    W, U = _float(tensors[0]), _float(tensors[1])
    b = _float(tensors[2]) if len(tensors) == 3 else None
    G = len(GATES[kind])
    if W.ndim != 2 or U.ndim != 2 or U.shape[1] != G * len(U) or W.shape[1] != U.shape[1]:
        raise ValueError(
            N_("shapes {shape} and {recurrent_shape} are no {cell}").format(
                shape=tensors[0].shape, recurrent_shape=tensors[1].shape, cell=kind.upper()
            )
        )
    H = len(U)
    cudnn = b is not None and kind != "rnn" and b.shape == (2 * G * H,)
    valid = [(G * H,), (2, G * H)] if kind == "gru" else [(G * H,)]
    if b is not None and not cudnn and b.shape not in valid:
        raise ValueError(
            N_("a bias of the shape {shape} does not fit {units} units").format(
                shape=b.shape, units=H
            )
        )
    cell: str = kind
    if kind == "gru":
        after = cudnn or (b.ndim == 2 if b is not None else bool(reset_after))
        cell = "gru" if after else "gru-2014"
    conversion = ""
    if cudnn and b is not None:
        W = np.concatenate([k.T.reshape(k.shape, order="F") for k in np.split(W, G, 1)], 1)
        U = np.concatenate([k.T for k in np.split(U, G, 1)], 1)
        b = b.reshape(2, G * H) if kind == "gru" else b[: G * H] + b[G * H :]
        of_bias = (
            N_("its two biases became two rows")
            if kind == "gru"
            else N_("its two biases were added")
        )
        conversion = N_("the gates of its kernels, stored for cuDNN, were transposed")
        conversion = f"{conversion}; {of_bias}"
    params = {"W": W, "U": U} if b is None else {"W": W, "U": U, "b": b}
    roles = _roles(tensors, kind, layer, direction, H, cudnn)
    return CellArrays(cell, H, len(W), params, conversion, cudnn, roles)


def _joined(
    tensors: Sequence[FileTensor], kind: Kind, layer: str, direction: Direction
) -> CellArrays:
    """The arrays of Keras 1: W, U, b for each gate."""
    letters = _KERAS_1[kind]
    found: dict[str, FileTensor] = {}
    for k, tensor in enumerate(tensors):
        match = _PER_GATE.search(tensor.name)
        part, gate = match.groups() if match else ("WUb"[k % 3], letters[k // 3])
        found[part + ("g" if gate in "ch" else gate)] = tensor
    gates = GATES[kind]
    names = [part + gate for part in "WUb" for gate in gates]
    if set(found) != set(names):
        raise ValueError(N_("the arrays of some of its gates are missing"))
    H = found["U" + gates[0]].shape[0] if found["U" + gates[0]].shape else 0
    D = found["W" + gates[0]].shape[0] if found["W" + gates[0]].shape else 0
    expected = {"W": (D, H), "U": (H, H), "b": (H,)}
    roles = {}
    for name in names:
        tensor = found[name]
        if tensor.shape != expected[name[0]]:
            raise ValueError(
                N_("{name} does not fit {units} units").format(
                    name=tensor.name.rpartition("/")[2][:40], units=H
                )
            )
        roles[tensor.name] = TensorRole(
            layer, _PARTS[name[0]], direction, len(tensor.shape) - 1,
            (GateRange(name[1], 0, H),), N_("Keras 1: an array for each gate"),
        )  # fmt: skip
    params = {p: np.concatenate([_float(found[p + g]) for g in gates], -1) for p in "WUb"}
    conversion = N_("the arrays of its gates were joined in the order {order}").format(
        order=_KERAS[kind]
    )
    cell = "gru-2014" if kind == "gru" else kind
    return CellArrays(cell, H, D, params, conversion, False, roles)


def _roles(
    tensors: Sequence[FileTensor], kind: Kind, layer: str, direction: Direction, H: int, cudnn: bool
) -> dict[str, TensorRole]:
    gates = tuple(GateRange(gate, k * H, (k + 1) * H) for k, gate in enumerate(GATES[kind]))
    order = N_("Keras order {order}") if kind != "rnn" else ""
    if cudnn:
        order = N_("CuDNN order {order}")
    order = order.format(order=_KERAS[kind])
    parts: tuple[Part, Part] = ("kernel", "recurrent kernel")
    stored = (
        N_("{what}, each gate transposed and read by columns"),
        N_("{what}, each gate transposed"),
    )
    roles = {
        t.name: TensorRole(
            layer, part, direction, 1, gates, way.format(what=order) if cudnn else order
        )
        for t, part, way in zip(tensors[:2], parts, stored, strict=True)
    }
    if len(tensors) == 3:
        bias = tensors[2]
        G = len(gates)
        if cudnn:
            gates += tuple(GateRange(g.gate, g.start + G * H, g.stop + G * H) for g in gates)
            order = N_("{what}, input bias, then recurrent bias").format(what=order)
        elif len(bias.shape) == 2:
            order = N_("{what}; row 0 input bias, row 1 recurrent bias").format(what=order)
        roles[bias.name] = TensorRole(layer, "bias", direction, len(bias.shape) - 1, gates, order)
    return roles


def _float(tensor: FileTensor) -> Array:
    """The values in float32, in which the frameworks compute."""
    assert tensor.array is not None
    return np.ascontiguousarray(tensor.array, np.float32)
