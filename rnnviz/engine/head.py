"""The dense layers on the states: forward, and their gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.spec import HeadSpec
from rnnviz.equations.functions import ACTIVATIONS


@dataclass(frozen=True, eq=False)
class HeadPass:
    """What the head read and computed; with ``(T, B, ·)`` for ``(B, ·)`` where it reads steps."""

    features: Array  # (B, F): the states it reads, after dropout
    features_mask: Array | None  # dropout mask of the features
    below: tuple[Array, ...]  # (B, units): the outputs of the layers below the output layer
    logits: Array  # (B, K)


def head_pass(
    head: HeadSpec, params: Mapping[str, Array], features: Array, mask: Array | None
) -> HeadPass:
    """Apply the dense layers to features (..., F); ``mask`` is of their dropout."""
    x = features = features if mask is None else features * mask
    below = []
    for name, dense in head.below:
        x = ACTIVATIONS[dense.activation](_affine(params, name, x))
        below.append(x)
    logits = x if head.kind == "state" else _affine(params, "head", x)
    return HeadPass(features, mask, tuple(below), logits)


def head_gradients(
    head: HeadSpec, params: Mapping[str, Array], done: HeadPass, d_logits: Array, need_x: bool
) -> tuple[Values, Array]:
    """Gradients of the head's arrays, and of the features; without ``need_x`` those are zero."""
    grads: Values = {}
    inputs, d = [done.features, *done.below], d_logits
    if head.kind != "state":
        grads |= _affine_gradients(params, "head", inputs[-1], d)
        if not head.below and not need_x:
            return grads, np.zeros_like(done.features)
        d = d @ params["head.W"].T
    for k in reversed(range(len(head.below))):
        name, dense = head.below[k]
        d = d * ACTIVATIONS[dense.activation].slope(done.below[k])
        grads |= _affine_gradients(params, name, inputs[k], d)
        if k == 0 and not need_x:
            return grads, np.zeros_like(done.features)
        d = d @ params[f"{name}.W"].T
    return grads, d if done.features_mask is None else d * done.features_mask


def _affine(params: Mapping[str, Array], name: str, x: Array) -> Array:
    """x·W + b, or x·W where the layer has no b."""
    y = x @ params[f"{name}.W"]
    return y + params[f"{name}.b"] if f"{name}.b" in params else y


def _affine_gradients(params: Mapping[str, Array], name: str, x: Array, d: Array) -> Values:
    """The gradients of W and b, summed over all rows."""
    rows = d.reshape(-1, d.shape[-1])
    grads: Values = {f"{name}.W": x.reshape(-1, x.shape[-1]).T @ rows}
    if f"{name}.b" in params:
        grads[f"{name}.b"] = rows.sum(0)
    return grads
