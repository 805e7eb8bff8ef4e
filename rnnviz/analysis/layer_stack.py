"""The layers of a net from bottom to top, and the states that its head reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from rnnviz.analysis.readout import label_outputs
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
    features: Array  # (F) the states, side by side or merged
    logits: Array  # (K')
    output: Array  # (K) probabilities, or numbers


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


def joined(trace: Trace, states: Sequence[Array]) -> Array:
    """What the head reads of the h of the top layer's directions: side by side, or merged."""
    merge = trace.layers[-1].merge
    if len(states) == 1 or merge == "concat":
        return np.concatenate(states)
    forward, backward = states
    if merge == "mul":
        return np.asarray(forward * backward)
    return np.asarray((forward + backward) / (2 if merge == "ave" else 1))


@lru_cache(maxsize=16)
def reads_one_state(trace: Trace) -> bool:
    """Whether the output layer is on the h of one direction, which is the last of the layers."""
    one = len(levels(trace)[-1]) == 1 and trace.head.below == 0
    return one and trace.layers[-1].values["h"].shape[1] == len(trace.head.W)


@lru_cache(maxsize=16)
def head_input(trace: Trace, place: Place) -> HeadInput | None:
    """Apply the head to the states at a place: s · W + b.

    None for a head with a hidden layer, whose weights are not part of a trace.
    """
    states = head_states(trace, place)
    s = joined(trace, [trace.layers[at.layer].values["h"][at.t] for at in states])
    head = trace.head
    if head.below or head.W.shape[0] != len(s):
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # overflow gives infinity
        logits = s @ head.W + head.b
        return HeadInput(states, s, logits, label_outputs(head, logits))


@lru_cache(maxsize=64)
def state_norms(layer: LayerTrace) -> Array:
    """‖h‖ after each token: (T,) float64."""
    return np.asarray(np.linalg.norm(layer.values["h"].astype(np.float64), axis=1))
