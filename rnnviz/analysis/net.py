"""Which layer reads in which direction, where each one's last state stands, and what takes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import LayerTrace, Trace

#: "last": the state each direction ends in. "end": the state at the last token, ``h[:, -1]``.
Place = Literal["last", "end"]


@lru_cache(maxsize=16)
def levels(trace: Trace) -> tuple[tuple[int, ...], ...]:
    """The layers from bottom to top: of each the places of its directions in ``trace.layers``."""
    found: list[list[int]] = []
    for n, layer in enumerate(trace.layers):
        # Every layer reads forward; a backward pass belongs to the one before it.
        if layer.direction == "forward" or not found:
            found.append([])
        found[-1].append(n)
    return tuple(tuple(level) for level in found)


def level_of(trace: Trace, n: int) -> int:
    """The level, from 0, of a place in ``trace.layers``."""
    return next(k for k, level in enumerate(levels(trace)) if n in level)


def last(layer: LayerTrace) -> int:
    """The token this direction reads last; its state is what the layer ends in."""
    return layer.order[-1]


@dataclass(frozen=True)
class Taken:
    """A state that the head is given."""

    layer: int  # place in ``trace.layers``
    t: int  # at which token it stands
    read: int  # how many tokens it has read


@dataclass(frozen=True, eq=False)
class HeadInput:
    """What the head says to the states it is given."""

    taken: tuple[Taken, ...]
    features: Array  # (F) the states side by side
    logits: Array  # (K')
    output: Array  # (K) probabilities, or the numbers of a linear head


def taken(trace: Trace, place: Place) -> tuple[Taken, ...]:
    """The states of the top layer that stand at this place."""
    found = []
    for n in levels(trace)[-1]:
        layer = trace.layers[n]
        t = last(layer) if place == "last" else len(trace.tokens) - 1
        found.append(Taken(n, t, layer.order.index(t) + 1))
    return tuple(found)


def trapped(trace: Trace) -> bool:
    """Does ``h[:, -1]`` take another state than the last one of some direction?"""
    return taken(trace, "last") != taken(trace, "end")


@lru_cache(maxsize=16)
def ask(trace: Trace, place: Place) -> HeadInput | None:
    """The head asked with the states at this place: s · W + b.

    None for a head with a layer of its own, whose weights a trace does not carry.
    """
    states = taken(trace, place)
    s = np.concatenate([trace.layers[at.layer].values["h"][at.t] for at in states])
    head = trace.head
    if head.W.shape[0] != len(s):
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 it is infinite
        logits = s @ head.W + head.b
        return HeadInput(states, s, logits, _output(head.kind, logits))


def _output(kind: str, logits: Array) -> Array:
    if kind == "linear":
        return logits
    if kind == "sigmoid":
        # One logit, two classes: the second one's is this, the first one's is 0.
        logits = np.concatenate([np.zeros_like(logits), logits])
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


@lru_cache(maxsize=64)
def norms(layer: LayerTrace) -> Array:
    """‖h‖ after each token: (T) float64."""
    return np.asarray(np.linalg.norm(layer.values["h"].astype(np.float64), axis=1))
