"""The directions of a recurrent layer: what each of them reads, and how outputs are merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values, blocks
from rnnviz.engine.spec import RecurrentSpec


@dataclass(frozen=True, eq=False)
class DirectionInput:
    """One direction of a layer: its trained arrays, and how it reads its input."""

    p: Values
    reverse: bool = False
    initial: Values | None = None  # states before the first token, (B, H); None: zeros
    input_mask: Array | None = None  # dropout of x, (1 or G, B, D)
    recurrent_mask: Array | None = None  # dropout of h_prev, (G, B, H)
    lead: Array | None = None  # steps that each sequence shares with the last one, (B)


class SharedPadding:
    """How many steps of padding, unmasked and equal for all, each sequence of a batch begins with.

    ``ids`` (T, B); None where nothing is shared.
    """

    def __init__(self, ids: Array | None) -> None:
        self._steps: dict[bool, Array] = {}
        if ids is not None and ids.shape[1] > 1:
            real = ids != 0
            empty = ~real.any(0)
            self._steps[False] = np.where(empty, len(ids), real.argmax(0))
            self._steps[True] = np.where(empty, len(ids), real[::-1].argmax(0))

    def steps(self, *, reverse: bool) -> Array | None:
        """(B), in reading order."""
        return self._steps.get(reverse)

    def pass_layer(self, layer: RecurrentSpec) -> None:
        """Above a layer only its outputs over the padding it read first are equal for all."""
        if layer.bidirectional:
            self._steps = {}
        self._steps.pop(not layer.reverse, None)


def direction_gradients(
    d_h: Array | None, d_last: Array | None, split: int, n: int
) -> tuple[Array | None, Values | None]:
    """The upstream gradients of direction n, given those of all directions side by side.

    At every step (T, B, H), or of the last states, (B, H) by name.
    """
    if d_last is not None:
        return None, {"h": blocks(d_last, split)[n]}
    assert d_h is not None
    return blocks(d_h, split)[n], None


def merged(layer: RecurrentSpec, outputs: Array) -> Array:
    """The layer's output (..., H) from those of its directions side by side, (..., n·H)."""
    if layer.joined == len(layer.directions):
        return outputs
    forward, backward = blocks(outputs, 2)
    if layer.merge == "mul":
        return forward * backward
    both = forward + backward
    return both / 2 if layer.merge == "ave" else both


def merge_gradients(layer: RecurrentSpec, d: Array, outputs: Callable[[], Array]) -> Array:
    """The gradients of the directions' outputs side by side, given that of the layer's output.

    ``outputs`` gives the argument of :func:`merged`.
    """
    if layer.joined == len(layer.directions):
        return d
    if layer.merge == "mul":
        forward, backward = blocks(outputs(), 2)
        return np.concatenate([d * backward, d * forward], axis=-1)
    d = d / 2 if layer.merge == "ave" else d
    return np.concatenate([d, d], axis=-1)


def end_gradients(d_features: Array, T: int) -> Array:
    """The gradients at every step, (T, B, F), of a head that reads the outputs at the last token.

    ``d_features`` (B, F): those of what it reads.
    """
    d_h = np.zeros_like(d_features, shape=(T, *d_features.shape))
    d_h[-1] = d_features
    return d_h


def concat_directions(outputs: list[Array]) -> Array:
    """The outputs of all directions side by side, (T, B, ·), in the memory order of the first."""
    if len(outputs) == 1:
        return outputs[0]
    if outputs[0].flags.c_contiguous:
        return np.concatenate(outputs, axis=-1)
    return np.concatenate([o.transpose(0, 2, 1) for o in outputs], axis=1).transpose(0, 2, 1)
