"""Interventions: a state held at one token, a word left out, and what becomes of the prediction.

Whether a unit or a word changes the prediction is not read off the size of a number: the net reads
the text again with the unit's state held, or without the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnviz.analysis.prediction_change import prediction_change
from rnnviz.arrays import Array
from rnnviz.query import Query
from rnnviz.trace import LayerTrace, Trace, frozen

#: A unit does a change alone if holding its state takes back at least this share of it.
MOST = 0.5
#: Longest text for which every word is left out once: T readings of T − 1 tokens.
LONGEST = 1000


@dataclass(frozen=True)
class HoldQuestion:
    """The outputs if one unit's state stays at one token as it was before, for every unit."""

    query: Query
    layer: int  # index in ``Trace.layers``
    t: int


@dataclass(frozen=True, eq=False)
class HeldStates:
    """The answer: row u is the net with the state of unit u held."""

    state: str  # "c", or "h" in a cell without c
    here: Array | None  # (H, K) the output after the token; None if a layer reads backward
    end: Array | None  # (H, K) the output at the end; None if the rest of the text is too long


@dataclass(frozen=True)
class LeaveOutQuestion:
    """The outputs at the end if one token is left out, for every token.

    Of a series no reading is left out; its measurements are replaced by their means.
    """

    query: Query


@dataclass(frozen=True, eq=False)
class OutputsWithout:
    """The answer: row t is the net without token t."""

    outputs: Array  # (T, K) at the end; NaN where a token cannot be left out
    averaged: bool = False  # the token was replaced by the means of a series

    @property
    def possible(self) -> Array:
        """Which tokens can be left out: (T) bool."""
        return np.isfinite(self.outputs[:, 0])


def memory(layer: LayerTrace) -> str:
    """The state that a unit keeps: c of an LSTM, otherwise h."""
    return "c" if "c" in layer.states else layer.states[0]


@dataclass(frozen=True)
class UnitEffect:
    """A unit whose state was held: the output then, and the share of the change it takes back."""

    unit: int
    value: float  # the output with the unit held
    share: float  # 1: the whole change is gone; below 0: the change is larger

    @property
    def alone(self) -> bool:
        """Whether this unit does most of the change by itself."""
        return self.share >= MOST


def unit_effect(held: Array, before: float, after: float, unit: int) -> UnitEffect:
    """The effect of one unit: ``held`` (H) is the output with each unit held."""
    value = float(held[unit])
    return UnitEffect(unit, value, (value - after) / (before - after))


def strongest_unit(held: Array, before: float, after: float) -> UnitEffect:
    """The unit that takes back most of the change from ``before`` to ``after`` when it is held."""
    shares = (held - after) / (before - after)
    return unit_effect(held, before, after, int(np.argmax(shares)))


def strongest_word(without: OutputsWithout, end: float, k: int) -> int | None:
    """The token whose absence changes output k at the end most; None if none can be left out."""
    if not without.possible.any():
        return None
    return int(np.nanargmax(np.abs(without.outputs[:, k] - end)))


@lru_cache(maxsize=64)
def changes(trace: Trace, k: int) -> Array:
    """Δp: output k after each token minus that before it, (T); NaN where there is none before."""
    found = [prediction_change(trace, t, k) for t in range(len(trace.tokens))]
    return frozen(np.array([np.nan if m.before is None else m.after - m.before for m in found]))
