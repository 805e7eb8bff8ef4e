"""The arrays of a recurrent layer as the conventions of other frameworks want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.engine.spec import ModelSpec, RecurrentSpec
from rnnviz.interop.export.limits import KERAS, Target
from rnnviz.messages import N_

#: Keras 3's hard sigmoid, min(max(a/6 + 0.5, 0), 1), of 1.2·a is that of Keras 2 of a.
HARD_SIGMOID_SCALE: Final = 1.2


def layer_arrays(spec: ModelSpec, params: Values, k: int, direction: str) -> Values:
    """One direction of layer k, float32, with z as the share that a GRU keeps.

    σ(−a) = 1 − σ(a), and so for the hard sigmoids: where z renews, its weights are negated.
    """
    prefix = f"layers.{k}.{direction}."
    own = {
        name.removeprefix(prefix): np.ascontiguousarray(array, np.float32)
        for name, array in params.items()
        if name.startswith(prefix)
    }
    layer = spec.layers[k]
    gates = CELLS[layer.cell].gates
    if layer.keeps or "z" not in gates:
        return own
    at = gates.index("z") * layer.units
    for name in ("W", "U", "b"):
        if name in own:
            own[name] = own[name].copy()
            own[name][..., at : at + layer.units] *= -1
    return own


def scaled_gates(layer: RecurrentSpec, arrays: Values, factor: float) -> Values:
    """The arrays with the pre-activations of all gates but the candidate times ``factor``."""
    gates = CELLS[layer.cell].gates
    scale = np.concatenate([
        np.full(layer.units, 1 if gate in ("", "g") else factor, np.float32) for gate in gates
    ])  # fmt: skip
    return {name: a * scale if name in ("W", "U", "b") else a for name, a in arrays.items()}


def in_order(layer: RecurrentSpec, array: Array, order: Sequence[str]) -> Array:
    """(…, G·H) with the gates in another order, named by their letters here."""
    gates = CELLS[layer.cell].gates
    parts = np.split(array, len(gates), -1)
    return np.concatenate([parts[gates.index(gate)] for gate in order], -1)


def conversion_notes(spec: ModelSpec, target: Target | None) -> tuple[str, ...]:
    """What is computed anew on the way to a framework, for people; () for a target of None."""
    found = []
    for k, layer in enumerate(spec.layers):
        if target is not None and not layer.keeps and "z" in CELLS[layer.cell].gates:
            found.append(
                N_(
                    "layer {number}: the weights of z are negated, since the z of a GRU keeps there"
                ).format(number=k + 1)
            )
        if target == KERAS and layer.recurrent_activation == "hard_sigmoid":
            found.append(
                N_(
                    "layer {number}: the weights of the gates are multiplied by "
                    "{scale}, since the hard sigmoid is a/6 + 0.5 in Keras 3, and "
                    "0.2a + 0.5 here"
                ).format(number=k + 1, scale=HARD_SIGMOID_SCALE)
            )
    return tuple(found)
