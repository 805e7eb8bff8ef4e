"""What a net makes of its padding: one text read with the padding on either side, masked or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.query import Query

Side = Literal["front", "end"]


class Way(NamedTuple):
    """Where the padding stands, and whether the net skips it."""

    side: Side
    masked: bool


WAYS = tuple(Way(side, masked) for side in ("front", "end") for masked in (False, True))

#: Paddings that can be chosen; the trained number is offered as well where there is one.
CHOICES = (0, 20, 100)
#: Of a net without a trained length.
DEFAULT = 20


@dataclass(frozen=True)
class PaddingQuestion:
    """The text of a query with so many paddings, in all four ways; None: as many as in training."""

    query: Query
    pads: int | None = None


@dataclass(frozen=True, eq=False)
class PaddedReading:
    """One reading of the padded text: T steps, paddings included."""

    ids: tuple[int, ...]  # (T)
    directions: tuple[str, ...]  # of the lanes
    h: tuple[Array, ...]  # (T, H) for each layer and direction, in the order of a trace
    readout: Array  # (T, K) the head asked after each step; (0, K) where a layer reads backwards
    output: Array  # (K) what is said in the end

    def last(self, lane: int) -> Array:
        """The state after the step that was read last: (H)."""
        return self.h[lane][-1 if self.directions[lane] == "forward" else 0]


@dataclass(frozen=True, eq=False)
class PaddingAnswer:
    """The four ways with the same weights, and what they are compared with."""

    words: tuple[str, ...]  # (N)
    pads: int
    choices: tuple[int, ...]  # numbers of paddings that can be asked for
    usual: Way  # how the net was trained
    trained: int | None  # with how many paddings for such a text; None: with any number
    ways: Mapping[Way, PaddedReading]
    bare: PaddedReading  # the words without padding
    alone: PaddedReading | None  # unmasked padding without a word; None where there is no padding

    def as_trained(self, way: Way) -> bool:
        """Is this how the net read such a text in training?"""
        return way == self.usual and self.trained in (None, self.pads)


def choices(words: int, length: int | None) -> tuple[int, ...]:
    """Numbers of paddings for a text of so many words; ``length`` is what the net was trained on.

    A text is never made longer than that.
    """
    if length is None:
        return CHOICES
    room = max(0, length - words)
    return (*(n for n in CHOICES if n < room), room)


@lru_cache(maxsize=64)
def norms(padded: PaddedReading, lane: int) -> Array:
    """‖h‖ after each step: (T) float64."""
    return np.asarray(np.linalg.norm(padded.h[lane].astype(np.float64), axis=1))


@lru_cache(maxsize=64)
def moves(padded: PaddedReading, lane: int) -> Array:
    """‖h − h₋‖: how far each step moved the state, the first one from zero; (T) float64."""
    h = padded.h[lane].astype(np.float64)
    if padded.directions[lane] == "backward":
        h = h[::-1]
    found = np.linalg.norm(np.diff(h, axis=0, prepend=np.zeros((1, h.shape[1]))), axis=1)
    return np.asarray(found[::-1] if padded.directions[lane] == "backward" else found)


def apart(one: PaddedReading, other: PaddedReading, lane: int) -> float:
    """‖h − h′‖ of the two last states."""
    gap = one.last(lane).astype(np.float64) - other.last(lane).astype(np.float64)
    return float(np.linalg.norm(gap))


def landmarks(pads: int, room: int) -> tuple[int, ...]:
    """Paddings at which to look, counted from 1, at most ``room``: all, or 1, 2, 5 ... the last."""
    if pads <= room:
        return tuple(range(1, pads + 1))
    found = [m * 10**e for e in range(7) for m in (1, 2, 5) if m * 10**e < pads]
    if pads:
        found.append(pads)
    if len(found) > room:
        at = np.linspace(0, len(found) - 1, max(room, 1)).round().astype(int)
        found = [found[k] for k in at] if room > 1 else found[-1:]
    return tuple(found)
