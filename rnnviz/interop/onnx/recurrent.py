"""LSTM, GRU and RNN nodes: their weights in this engine's layout.

https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html, onnx__RNN.html. W (N, G·H, D) and
R (N, G·H, H) have the gates along rows, in the order i, o, f, c (LSTM) or z, r, h (GRU), B
(N, 2·G·H) the biases of both products one after the other, P (N, 3·H) the peepholes i, o, f; N is
the number of directions. Here the gates stand along columns, i, f, g, o or z, r, g.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast, get_args

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.spec import Activation, RecurrentSpec
from rnnviz.interop.contents import GateRange
from rnnviz.messages import N_

Direction = Literal["forward", "backward"]

#: The operators, with the gates in ONNX's order and the place of each of the cell's gates in it.
GATES: Final = {"LSTM": "iofg", "GRU": "zrg", "RNN": ("",)}
_CELL_GATES: Final = {"LSTM": "ifgo", "GRU": "zrg", "RNN": ("",)}
ORDERS: Final = {"LSTM": N_("ONNX order i o f c"), "GRU": N_("ONNX order z r h"), "RNN": ""}
STATES: Final = {"LSTM": ("h", "c"), "GRU": ("h",), "RNN": ("h",)}

_DEFAULTS: Final = {
    "LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)
}  # fmt: skip
#: Activation functions that take an alpha (and a beta), with their defaults.
_PARAMETERS: Final[Mapping[str, tuple[float | None, float | None]]] = {
    "affine": (1.0, 0.0), "leakyrelu": (0.01, None), "thresholdedrelu": (1.0, None),
    "scaledtanh": (1.0, 1.0), "hardsigmoid": (0.2, 0.5), "elu": (1.0, None),
}  # fmt: skip
#: Functions by ONNX's name in lower case and their parameters, where they are known here.
_KNOWN: Final[Mapping[tuple[str, float | None, float | None], str]] = {
    ("tanh", None, None): "tanh", ("sigmoid", None, None): "sigmoid", ("relu", None, None): "relu",
    ("softsign", None, None): "softsign", ("softplus", None, None): "softplus",
    ("affine", 1.0, 0.0): "identity", ("leakyrelu", 0.01, None): "leaky_relu",
    ("elu", 1.0, None): "elu", ("hardsigmoid", 0.2, 0.5): "hard_sigmoid",
    ("hardsigmoid", round(1 / 6, 5), 0.5): "hard_sigmoid_sixth",
    ("scaledtanh", 1.0, 1.0): "tanh",
}  # fmt: skip


class UnsupportedNodeError(ValueError):
    """What a node asks for that no cell here computes."""


@dataclass(frozen=True, eq=False)
class NodeWeights:
    """The constant inputs of a recurrent node, each (N, ·), None where it is absent."""

    W: Array
    R: Array
    B: Array | None = None
    P: Array | None = None
    #: The states before the first step that are constants and not zero: by name, (N, H).
    initial: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ConvertedNode:
    """A recurrent node as a layer of this engine, and what was done to get it."""

    spec: RecurrentSpec
    width: int
    params: dict[str, Values]
    conversion: str


def directions_of(attributes: Mapping[str, Any]) -> tuple[Direction, ...]:
    """The directions of a node in ONNX's order. UnsupportedNodeError for an unknown word."""
    word = str(attributes.get("direction", "forward")).lower()
    if word == "bidirectional":
        return ("forward", "backward")
    if word in ("forward", "reverse"):
        return ("forward",) if word == "forward" else ("backward",)
    raise UnsupportedNodeError(N_("the direction {word!r} is none of ONNX's").format(word=word))


def convert(op_type: str, attributes: Mapping[str, Any], weights: NodeWeights) -> ConvertedNode:
    """The layer that a node is; UnsupportedNodeError with the reason where there is none."""
    W, R = weights.W, weights.R
    N, G = len(directions_of(attributes)), len(GATES[op_type])
    if W.ndim != 3 or R.ndim != 3:
        raise UnsupportedNodeError(N_("its weights W and R do not have three axes"))
    H, D = R.shape[2], W.shape[2]
    if not H or not D or W.shape != (N, G * H, D) or R.shape != (N, G * H, H):
        raise UnsupportedNodeError(
            N_(
                "its weights have the shapes {w_shape} and {r_shape}; for {n} direction(s) "
                "and {units} units they should be {w_wanted} and {r_wanted}"
            ).format(
                w_shape=W.shape,
                r_shape=R.shape,
                n=N,
                units=H,
                w_wanted=(N, G * H, D),
                r_wanted=(N, G * H, H),
            )
        )
    if attributes.get("hidden_size", H) != H:
        raise UnsupportedNodeError(
            N_("its hidden_size is {hidden_size}, but its weights have {units} units").format(
                hidden_size=attributes["hidden_size"], units=H
            )
        )
    if attributes.get("input_forget"):
        raise UnsupportedNodeError(
            N_("input_forget couples its input and forget gates: no such cell")
        )
    for name, array, size in (("B", weights.B, 2 * G * H), ("P", weights.P, 3 * H)):
        if array is not None and array.shape != (N, size):
            raise UnsupportedNodeError(
                N_("its {name} has the shape {shape}, not {wanted}").format(
                    name=name, shape=array.shape, wanted=(N, size)
                )
            )
    spec = _spec(op_type, attributes, weights, H)
    params = {
        direction: _arrays(op_type, spec, weights, n) for n, direction in enumerate(spec.directions)
    }
    return ConvertedNode(spec, D, params, _conversion(op_type, spec, weights))


def _spec(
    op_type: str, attributes: Mapping[str, Any], weights: NodeWeights, H: int
) -> RecurrentSpec:
    directions = directions_of(attributes)
    after = bool(attributes.get("linear_before_reset"))
    cell = {"LSTM": "lstm", "RNN": "rnn", "GRU": "gru" if after else "gru-2014"}[op_type]
    if op_type == "LSTM" and weights.P is not None and weights.P.any():
        cell = "lstm-peephole"
    names = _activations(op_type, attributes, len(directions))
    gate = names[0] if op_type != "RNN" else "sigmoid"
    state = names[0] if op_type == "RNN" else names[1]
    for name in names:
        if name not in get_args(Activation):
            raise UnsupportedNodeError(
                N_("the activation {name} is not known here").format(name=name)
            )
    clip = float(attributes.get("clip") or 0)
    return RecurrentSpec(
        cell=cell,
        units=H,
        bidirectional=len(directions) == 2,
        activation=cast(Activation, state),
        recurrent_activation=cast(Activation, gate),
        output_activation=None if op_type != "LSTM" or names[2] == state
        else cast(Activation, names[2]),
        reverse=directions == ("backward",),
        bias=weights.B is not None,
        clip=clip if clip > 0 else None,
        trained_initial=bool(weights.initial),
    )  # fmt: skip


def _activations(op_type: str, attributes: Mapping[str, Any], directions: int) -> tuple[str, ...]:
    """The names here of a direction's activation functions, in ONNX's order f, g, h."""
    usual = _DEFAULTS[op_type]
    names = [str(name) for name in attributes.get("activations") or usual * directions]
    if len(names) != len(usual) * directions:
        raise UnsupportedNodeError(
            N_("{count} activations instead of {wanted}").format(
                count=len(names), wanted=len(usual) * directions
            )
        )
    alphas, betas = (list(attributes.get(f"activation_{k}") or ()) for k in ("alpha", "beta"))
    taking = sum(name.lower() in _PARAMETERS for name in names)
    # Values are for those functions that take one; some exporters write one for each function.
    each = len(alphas) == len(names) and len(alphas) > taking
    found = []
    for name in names:
        usual_alpha, usual_beta = _PARAMETERS.get(name.lower(), (None, None))
        alpha = alphas.pop(0) if alphas and (each or usual_alpha is not None) else usual_alpha
        beta = betas.pop(0) if betas and (each or usual_beta is not None) else usual_beta
        has_alpha, has_beta = usual_alpha is not None, usual_beta is not None
        found.append(_function(name, alpha if has_alpha else None, beta if has_beta else None))
    halves = {tuple(found[n : n + len(usual)]) for n in range(0, len(found), len(usual))}
    if len(halves) > 1:
        raise UnsupportedNodeError(N_("its two directions have different activations"))
    return halves.pop()


def _function(name: str, alpha: float | None, beta: float | None) -> str:
    """A function's name here, or one with its parameters, which is not known here."""
    a, b = (None if n is None else round(n, 5) for n in (alpha, beta))
    known = _KNOWN.get((name.lower(), a, b))
    if known is not None:
        return known
    numbers = [f"{n:g}" for n in (alpha, beta) if n is not None]
    return f"{name}({', '.join(numbers)})" if numbers else name


def _arrays(op_type: str, spec: RecurrentSpec, weights: NodeWeights, n: int) -> Values:
    """The arrays of direction n, as the cell's ``shapes``."""
    order = [GATES[op_type].index(gate) for gate in _CELL_GATES[op_type]]
    p: Values = {
        "W": _columns(weights.W[n], order),
        "U": _columns(weights.R[n], order),
    }
    if weights.B is not None:
        both = _rows(weights.B[n].reshape(2, -1), order)
        p["b"] = both if spec.cell == "gru" else both.sum(0)
    if spec.cell == "lstm-peephole" and weights.P is not None:
        H = spec.units
        i, o, f = (_float(weights.P[n])[k * H : (k + 1) * H] for k in range(3))
        p |= {"p_i": i, "p_f": f, "p_o": o}
    if spec.trained_initial:
        zero = np.zeros(spec.units, p["W"].dtype)
        for state in STATES[op_type]:
            p[f"{state}0"] = _float(weights.initial[state][n]) if state in weights.initial else zero
    return p


def _float(array: Array) -> Array:
    """As float32, or float64 where it is stored so."""
    return np.ascontiguousarray(array, np.float64 if array.dtype == np.float64 else np.float32)


def _columns(matrix: Array, order: list[int]) -> Array:
    """(G·H, M) with gates along rows to (M, G·H), gates in the given order."""
    return _rows(matrix.T, order)


def _rows(matrix: Array, order: list[int]) -> Array:
    """(M, G·H) with the gates of its columns in the given order."""
    M, width = matrix.shape
    gates = matrix.reshape(M, len(order), width // len(order))[:, order]
    return _float(gates.reshape(M, width))


def _conversion(op_type: str, spec: RecurrentSpec, weights: NodeWeights) -> str:
    said = {
        "LSTM": N_("W and R transposed, gates i o f c → i f g o"),
        "GRU": N_("W and R transposed, gates z r h as they are"),
        "RNN": N_("W and R transposed"),
    }[op_type]
    if weights.B is not None:
        bias = (
            N_("{what}, B split into the rows Wb and Rb of the bias")
            if spec.cell == "gru"
            else N_("{what}, b = Wb + Rb")
        )
        said = bias.format(what=said)
    return said


def gate_ranges(op_type: str, part: str, units: int) -> tuple[GateRange, ...]:
    """The gates of W and R ("kernel", "recurrent kernel") along rows, of B ("bias") and of P."""
    gates = ("i", "o", "f") if part == "peepholes" else tuple(GATES[op_type])
    if part == "bias":
        gates *= 2
    return tuple(GateRange(gate, k * units, (k + 1) * units) for k, gate in enumerate(gates))
