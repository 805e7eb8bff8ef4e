"""A net that reads backwards too, asked before the series ends: all beginnings as one batch."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine import packed
from rnnviz.engine.model import Model, directions

#: Beginnings run at once: enough to fill a matrix product, few enough for the memory.
TOGETHER = 64


def logits_of_beginnings(model: Model, x: Array) -> Array:
    """What the head would say if the series (T, 1, D) had ended after each step: (T, K)."""
    T = len(x)
    ends = [range(min(first + TOGETHER, T), first, -1) for first in range(0, T, TOGETHER)]
    return np.concatenate([_asked(model, x, lengths)[::-1] for lengths in ends])


def _asked(model: Model, x: Array, lengths: range) -> Array:
    """The logits (B, K) after the first so many steps each, longest first."""
    T = lengths[0]
    mask = np.arange(T)[:, None] < np.array(lengths)  # (T, B)
    seen = np.repeat(x[:T], len(lengths), axis=1)
    last: list[Array] = []
    for k, layer in enumerate(model.spec.layers):
        passes = [
            packed.scan(
                model.cell(k), model.layer_params(k, direction), seen, mask,
                reverse=direction == "backward", keep=False,
            )
            for direction in directions(layer)
        ]  # fmt: skip
        last = [done.last["h"] for done in passes]
        if k + 1 < len(model.spec.layers):
            seen = np.concatenate([done.stack("h") for done in passes], axis=-1)
    return model.head(np.concatenate(last, axis=-1))
