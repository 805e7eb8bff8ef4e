"""What a unit responds to: its places in a corpus, the same pattern elsewhere, stuck gates.

Thresholding the states and matching them over a corpus is the method of Strobelt, Gehrmann,
Pfister and Rush, "LSTMVis", 2018; a gate's share of tokens near its ends that of Karpathy, Johnson
and Fei-Fei, "Visualizing and understanding recurrent networks", 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import frozen

#: A gate is saturated to the right above this, and to the left below one minus it.
OPEN = 0.9
#: Of the units that are on, at least this share is on at a matching place too.
SHARED = 0.5


@dataclass(frozen=True)
class UnitResponses:
    """What does one layer of a model say about a corpus?"""

    model: str
    layer: int = 0  # of the trace: each direction counts
    random: int | None = None


@dataclass(frozen=True, eq=False)
class Heard:
    """A layer's hidden states over a corpus; N places, H units."""

    source: str
    texts: tuple[tuple[str, ...], ...]  # the tokens of each text
    text: Array  # (N) which text a place is in
    token: Array  # (N) which of its tokens
    h: Array  # (N, H) the state after it
    right: Mapping[str, Array]  # by gate, (H): the share of places with the gate above OPEN
    left: Mapping[str, Array]  # by gate, (H): the share with the gate below 1 − OPEN

    @cached_property
    def top(self) -> float:
        """The largest |h| there is: the end of the colour scale."""
        return max(1.0, float(np.abs(self.h).max()))

    def context(self, place: int) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        """The tokens before a place, its own, those after it."""
        tokens, t = self.texts[int(self.text[place])], int(self.token[place])
        return tokens[:t], tokens[t], tokens[t + 1 :]


@dataclass(frozen=True)
class Match:
    """A place with a like pattern: units on at both, and on at either."""

    place: int
    both: int
    either: int

    @property
    def overlap(self) -> float:
        """Jaccard's index."""
        return self.both / self.either


@lru_cache(maxsize=256)
def extremes(heard: Heard, unit: int, count: int, highest: bool) -> tuple[int, ...]:
    """The places where a unit is highest, or lowest; of each text only its first such place."""
    order = np.argsort(-heard.h[:, unit] if highest else heard.h[:, unit], kind="stable")
    return _of_different_texts(heard, order, count)


def on(state: Array, threshold: float) -> tuple[int, ...]:
    """The units above the threshold."""
    return tuple(int(n) for n in np.flatnonzero(state > threshold))


@lru_cache(maxsize=256)
def matches(
    heard: Heard, state: tuple[float, ...], threshold: float, count: int
) -> tuple[Match, ...]:
    """The places where at least SHARED of the units that are on here are on as well.

    By overlap, of equal ones the nearer state first; of each text only its best place.
    """
    here = np.array(state) > threshold
    if not here.any():
        return ()
    there = _on_everywhere(heard, threshold)
    both, either = (there & here).sum(1), (there | here).sum(1)
    places = np.flatnonzero(both >= SHARED * here.sum())
    gaps = heard.h[places].astype(np.float64) - np.array(state, heard.h.dtype)
    far = np.linalg.norm(gaps, axis=1)
    order = places[np.lexsort((far, -both[places] / either[places]))]
    found = _of_different_texts(heard, order, count)
    return tuple(Match(n, int(both[n]), int(either[n])) for n in found)


@lru_cache(maxsize=4)
def _on_everywhere(heard: Heard, threshold: float) -> Array:
    return frozen(heard.h > threshold)


def _of_different_texts(heard: Heard, order: Array, count: int) -> tuple[int, ...]:
    found: dict[int, int] = {}
    for place in order:
        if len(found) == count:
            break
        found.setdefault(int(heard.text[place]), int(place))
    return tuple(found.values())


def saturated(heard: Heard, gate: str, side: str, count: int) -> tuple[tuple[int, float], ...]:
    """The units whose gate is saturated most often, with the share of places; ``right``, ``left``.

    Units that never are stay out.
    """
    shares = (heard.right if side == "right" else heard.left)[gate]
    order = np.argsort(-shares, kind="stable")[:count]
    return tuple((int(n), float(shares[n])) for n in order if shares[n] > 0)
