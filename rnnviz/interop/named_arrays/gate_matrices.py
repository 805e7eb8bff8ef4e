"""Recurrent layers written by hand, with a matrix for each gate.

A gate has one matrix for x and h joined (``Wf``), or one for each (``Wf`` and ``Uf``, ``W_xf`` and
``W_hf``). Which of x and h comes first in a joined one, and what z of a GRU is the
share of, is not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.spec import RecurrentSpec
from rnnviz.errors import UsageError
from rnnviz.interop.contents import (
    Assumption,
    FileTensor,
    GateRange,
    ImportOptions,
    Part,
    RecurrentOperation,
    TensorRole,
)
from rnnviz.interop.named_arrays.gate_names import (
    GRU_LETTERS,
    LSTM_LETTERS,
    GateName,
    gate_names,
)
from rnnviz.interop.named_arrays.modules import (
    FoundModule,
    added,
    float32,
    shape_text,
    state_activation,
    unreadable,
)
from rnnviz.messages import N_, _

_ORDERS: Final = {"lstm": ("i", "f", "g", "o"), "gru": ("z", "r", "g"), "rnn": ("",)}
_PEEPHOLE: Final = re.compile(r"(?:.*[._/])?(?:[WwVv]_?c_?[ifo]|[pP]_?c?_?[ifo])")
_PARTS: Final[Mapping[str, Part]] = {
    "w": "kernel", "x": "kernel", "h": "recurrent kernel",
    "b": "bias", "bx": "input bias", "bh": "recurrent bias",
}  # fmt: skip


@dataclass(eq=False)
class GateMatrices:
    """The arrays of one layer: by gate, then by w (x and h joined), x, h, b, bx, bh."""

    cell: str
    gates: dict[str, dict[str, FileTensor]]
    updates: str = ""  # the letter of z in the file
    rows_first: bool = True
    joined: bool = False
    assumptions: list[Assumption] = field(default_factory=list)


def gate_modules(
    tensors: Mapping[str, FileTensor], used: set[str], options: ImportOptions
) -> tuple[list[FoundModule], set[str], bool | None]:
    """The layers with a matrix for each gate, the names of their arrays, and their orientation.

    The orientation is whether outputs are along rows (W·x); None where there is no such layer.
    """
    if options.update not in (None, "keeps", "renews"):
        raise UsageError(
            _("--update {update}: one of keeps, renews.").format(update=options.update)
        )
    if options.concat not in (None, "hx", "xh"):
        raise UsageError(_("--concat {concat}: one of hx, xh.").format(concat=options.concat))
    stacks: dict[str, dict[str, GateName]] = {}
    for name, found in gate_names([name for name in tensors if name not in used]).items():
        stacks.setdefault(found.stack, {})[name] = found
    position = {name: k for k, name in enumerate(tensors)}
    peepholes = [n for n in tensors if n not in used and _PEEPHOLE.fullmatch(n)]
    modules, taken, rows_first = [], set(), None
    for stack, names in stacks.items():
        layer = _layer(names, tensors)
        if layer is None:
            continue
        mine = {t.name: t for arrays in layer.gates.values() for t in arrays.values()}
        peephole = next((name for name in peepholes if name not in mine), None)
        first = min(position[name] for name in mine)
        title = f"{layer.cell}{stack}" if stack.isdecimal() else stack or layer.cell
        modules.append(_module(title, first, layer, peephole, options))
        taken |= set(mine)
        rows_first = layer.rows_first
    return modules, taken, rows_first


def _layer(names: Mapping[str, GateName], tensors: Mapping[str, FileTensor]) -> GateMatrices | None:
    """The cell by the letters of its matrices; None where they are those of no cell."""
    matrices = {found.gate for found in names.values() if not found.bias}
    for cell, letters in (("lstm", LSTM_LETTERS), ("gru", GRU_LETTERS), ("rnn", {"h": ""})):
        gates = {letters[letter] for letter in matrices if letter in letters}
        if gates == set(_ORDERS[cell]):
            break
    else:
        return None
    found = GateMatrices(cell, {gate: {} for gate in _ORDERS[cell]})
    for name, part in names.items():
        if part.gate in letters:
            key = f"b{part.source}" if part.bias else part.source or "w"
            gate = letters[part.gate]
            if key in found.gates[gate]:
                return None
            found.gates[gate][key] = tensors[name]
            if gate == "z" and not part.bias:
                found.updates = part.gate
    if cell == "rnn" and not {"x", "h"} <= found.gates[""].keys():
        return None
    return found


def _module(
    name: str, position: int, layer: GateMatrices, peephole: str | None, options: ImportOptions
) -> FoundModule:
    try:
        if peephole is not None:
            raise ValueError(
                N_("{peephole} seems to be a peephole, whose use the file does not say").format(
                    peephole=peephole
                )
            )
        params = _params(layer, options)
        operation = _operation(name, layer, params, options)
        if broken := unreadable(name, operation.params):
            raise ValueError(broken)
    except ValueError as error:
        every = [t for arrays in layer.gates.values() for t in arrays.values()]
        other = {tensor.name: TensorRole(name, "other") for tensor in every}
        return FoundModule(
            name, position, "other", other, what=layer.cell.upper(), reason=str(error)
        )
    units = operation.spec.units
    order = " ".join(gate for gate in _ORDERS[layer.cell] if gate)
    said = N_("{name}: gate matrices put side by side, in the order {order}") if order else ""
    if layer.rows_first:
        said = (
            N_("{name}: gate matrices put side by side, in the order {order}; transposed")
            if order
            else N_("{name}: weights transposed")
        )
    said = said.format(name=name, order=order)
    return FoundModule(
        name, position, "recurrent", _roles(name, layer, units), (operation,),
        operation.width, units, conversions=(said,) if said else (),
        assumptions=tuple(_titled(assumption, name) for assumption in layer.assumptions),
    )  # fmt: skip


def _titled(assumption: Assumption, name: str) -> Assumption:
    return Assumption(
        assumption.what.format(name=name),
        assumption.value,
        assumption.option,
        assumption.reason,
    )


def _roles(name: str, layer: GateMatrices, units: int) -> dict[str, TensorRole]:
    roles = {}
    for gate, arrays in layer.gates.items():
        for key, tensor in arrays.items():
            axes = [axis for axis, n in enumerate(tensor.shape) if n == units]
            first = layer.rows_first or key[0] == "b"
            axis = (axes[0] if first else axes[-1]) if axes else None
            roles[tensor.name] = TensorRole(
                name, _PARTS[key], "forward", axis,
                () if axis is None else (GateRange(gate, 0, units),),
                N_("one matrix for each gate") if gate else "",
            )  # fmt: skip
    return roles


def _params(layer: GateMatrices, options: ImportOptions) -> Values:
    """W (D, G·H), U (H, G·H), b of the layer; ValueError where shapes do not fit."""
    parts: dict[str, list[Array]] = {"W": [], "U": [], "b": [], "r": []}
    for gate in _ORDERS[layer.cell]:
        arrays = layer.gates[gate]
        for tensor in arrays.values():
            if tensor.array is None or tensor.array.dtype.kind not in "fiu":
                raise ValueError(
                    N_("{name} has numbers of the type {dtype}").format(
                        name=tensor.name, dtype=tensor.dtype
                    )
                )
        W, U = _both(layer, arrays, options)
        parts["W"].append(W)
        parts["U"].append(U)
        units = U.shape[0]
        biases = {key: _bias(arrays[key], units) for key in ("b", "bx", "bh") if key in arrays}
        if biases:
            recurrent = biases.pop("bh", np.zeros(units, np.float32))
            parts["b"].append(reduce(added, biases.values(), np.zeros(units, np.float32)))
            parts["r"].append(recurrent)
    count = len(_ORDERS[layer.cell])
    for key in ("W", "U"):
        if len({array.shape for array in parts[key]}) != 1:
            raise ValueError(N_("its gates have matrices of different shapes"))
    if len(parts["b"]) not in (0, count):
        raise ValueError(N_("not every gate has a bias"))
    params = {key: np.concatenate(parts[key], axis=-1) for key in ("W", "U")}
    if parts["b"]:
        params["b"] = np.stack([np.concatenate(parts["b"]), np.concatenate(parts["r"])])
    return params


def _both(
    layer: GateMatrices, arrays: Mapping[str, FileTensor], options: ImportOptions
) -> tuple[Array, Array]:
    """W (D, H) and U (H, H) of one gate."""
    joined = arrays.get("w") if "h" not in arrays and "x" not in arrays else None
    inputs, recurrent = arrays.get("x") or arrays.get("w"), arrays.get("h")
    if joined is not None:
        return _cut(layer, joined, options)
    if inputs is None or recurrent is None:
        raise ValueError(N_("a gate lacks the matrix of x or of h"))
    W, U = float32(_numbers(inputs)), float32(_numbers(recurrent))
    if U.ndim != 2 or W.ndim != 2 or U.shape[0] != U.shape[1] or U.shape[0] not in W.shape:
        raise ValueError(
            N_("{inputs} has the shape {inputs_shape}, {recurrent} {recurrent_shape}").format(
                inputs=inputs.name,
                inputs_shape=shape_text(inputs),
                recurrent=recurrent.name,
                recurrent_shape=shape_text(recurrent),
            )
        )
    units = U.shape[0]
    layer.rows_first = W.shape[0] == units
    if W.shape == (units, units):
        shapes = {arrays[key].shape for key in ("b", "bx", "bh") if key in arrays}
        if shapes not in ({(units, 1)}, {(1, units)}):
            raise ValueError(
                N_(
                    "{inputs} is square: whether its rows or its columns are outputs is not in "
                    "the file"
                ).format(inputs=inputs.name)
            )
        layer.rows_first = shapes == {(units, 1)}
    return (float32(W.T), float32(U.T)) if layer.rows_first else (W, U)


def _cut(layer: GateMatrices, tensor: FileTensor, options: ImportOptions) -> tuple[Array, Array]:
    matrix = float32(_numbers(tensor))
    if matrix.ndim != 2 or matrix.shape[0] == matrix.shape[1] or not matrix.size:
        raise ValueError(
            N_("{name} has the shape {shape}").format(name=tensor.name, shape=shape_text(tensor))
        )
    layer.rows_first = matrix.shape[0] < matrix.shape[1]
    layer.joined = True
    matrix = matrix.T if layer.rows_first else matrix
    width = matrix.shape[0] - matrix.shape[1]
    if (options.concat or "hx") == "xh":
        return float32(matrix[:width]), float32(matrix[width:])
    return float32(matrix[-width:]), float32(matrix[:-width])


def _numbers(tensor: FileTensor) -> Array:
    assert tensor.array is not None
    return tensor.array


def _bias(tensor: FileTensor, units: int) -> Array:
    bias = float32(_numbers(tensor)).reshape(-1)
    if bias.size != units:
        raise ValueError(
            N_("{name} has the shape {shape}, not ({units})").format(
                name=tensor.name, shape=shape_text(tensor), units=units
            )
        )
    return bias


def _operation(
    name: str, layer: GateMatrices, params: Values, options: ImportOptions
) -> RecurrentOperation:
    assume = layer.assumptions
    if layer.joined and options.concat is None:
        assume.append(
            Assumption(
                N_("the order of x and h in the matrices of {name}"), "h, x", "--concat",
                N_("names and shapes do not say it"),
            )
        )  # fmt: skip
    cell, keeps = layer.cell, True
    if cell == "gru":
        cell, keeps = _gru(layer, params, options)
    if cell == "rnn" and options.activation is None:
        assume.append(
            Assumption(
                N_("the activation of {name}"),
                "tanh",
                "--activation",
                N_("arrays alone do not say it"),
            )
        )
    if "b" in params and cell != "gru":
        params["b"] = added(*params["b"])
    spec = RecurrentSpec(
        cell, params["U"].shape[0], keeps=keeps, bias="b" in params,
        activation=state_activation(options) if cell == "rnn" else "tanh",
    )  # fmt: skip
    return RecurrentOperation(
        name, (), spec=spec, width=params["W"].shape[0], params={"forward": params}
    )


def _gru(layer: GateMatrices, params: Values, options: ImportOptions) -> tuple[str, bool]:
    """The cell of a GRU, and whether its z keeps the old state."""
    two_biases = any(key in ("bx", "bh") for arrays in layer.gates.values() for key in arrays)
    after = options.reset_after
    if layer.joined:
        after = False  # the candidate reads r ⊙ h and x joined
    elif after is None:
        after = two_biases
        place = N_("after the recurrent product") if after else N_("before the recurrent product")
        reason = N_("the candidate has two biases") if after else N_("arrays alone do not say it")
        layer.assumptions.append(
            Assumption(N_("the reset gate of {name}"), place, "--reset-after", reason)
        )
    renews = (
        layer.updates in ("u", "update") if options.update is None else (options.update == "renews")
    )
    if options.update is None:
        layer.assumptions.append(
            Assumption(
                N_("the update gate of {name}"), N_("the share of the new state") if renews
                else N_("the share of the old state, which it keeps"), "--update",
                N_("arrays alone do not say it"),
            )
        )  # fmt: skip
    return ("gru" if after else "gru-2014"), not renews
