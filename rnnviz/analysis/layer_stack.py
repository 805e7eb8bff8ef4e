"""The layers of a net from bottom to top, and the states that its head reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import LayerTrace, Trace

#: "last": each direction's final state. "end": the state at the last token, ``h[:, -1]``. "steps":
#: the state at each token, of which the last one is shown.
Place = Literal["last", "end", "steps"]


@lru_cache(maxsize=16)
def levels(trace: Trace) -> tuple[tuple[int, ...], ...]:
    """The layers from bottom to top, each as the indices of its directions in ``trace.layers``."""
    stack: list[list[int]] = []
    for n, layer in enumerate(trace.layers):
        # The second direction of a layer has the name of the first, and ".backward".
        if not stack or layer.name != f"{trace.layers[n - 1].name}.backward":
            stack.append([])
        stack[-1].append(n)
    return tuple(tuple(level) for level in stack)


def level_of_layer(trace: Trace, n: int) -> int:
    """The level, counted from 0, of an index in ``trace.layers``."""
    return next(k for k, level in enumerate(levels(trace)) if n in level)


def last_token(layer: LayerTrace) -> int:
    """The token that this direction reads last, after which its state is final."""
    return layer.order[-1]


@dataclass(frozen=True)
class HeadState:
    """A state that the head reads."""

    layer: int  # index in ``trace.layers``
    t: int  # the token of the state
    tokens_read: int  # tokens that the state depends on


@dataclass(frozen=True, eq=False)
class HeadInput:
    """The head's output for the states that it reads."""

    states: tuple[HeadState, ...]
    features: Array  # (F) the states, concatenated
    logits: Array  # (K')
    output: Array  # (K) probabilities, or the outputs of a linear head


def head_states(trace: Trace, place: Place) -> tuple[HeadState, ...]:
    """The states of the top layer at a place, one for each direction."""
    states = []
    for n in levels(trace)[-1]:
        layer = trace.layers[n]
        t = last_token(layer) if place == "last" else len(trace.tokens) - 1
        states.append(HeadState(n, t, layer.order.index(t) + 1))
    return tuple(states)


def differs_at_end(trace: Trace) -> bool:
    """Whether ``h[:, -1]`` is not the final state of some direction."""
    return head_states(trace, "last") != head_states(trace, "end")


@lru_cache(maxsize=16)
def head_input(trace: Trace, place: Place) -> HeadInput | None:
    """Apply the head to the states at a place: s · W + b.

    None for a head with a hidden layer, whose weights are not part of a trace.
    """
    states = head_states(trace, place)
    s = np.concatenate([trace.layers[at.layer].values["h"][at.t] for at in states])
    head = trace.head
    if head.W.shape[0] != len(s):
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # overflow gives infinity
        logits = s @ head.W + head.b
        return HeadInput(states, s, logits, _output(head.kind, logits))


def _output(kind: str, logits: Array) -> Array:
    if kind == "linear":
        return logits
    if kind == "sigmoid":
        # One logit for two classes: it belongs to the second, the first has 0.
        logits = np.concatenate([np.zeros_like(logits), logits])
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


@lru_cache(maxsize=64)
def state_norms(layer: LayerTrace) -> Array:
    """‖h‖ after each token: (T,) float64."""
    return np.asarray(np.linalg.norm(layer.values["h"].astype(np.float64), axis=1))
