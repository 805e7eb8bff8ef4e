"""What a unit responds to: extreme states in a corpus, matching patterns, saturated gates.

Thresholding states and matching them over a corpus follows Strobelt, Gehrmann, Pfister and Rush,
"LSTMVis", 2018. Shares of saturated gates follow Karpathy, Johnson and Fei-Fei, "Visualizing and
understanding recurrent networks", 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import frozen

#: A gate is right-saturated above this value, and left-saturated below one minus it.
SATURATED = 0.9
#: The least share of the active units that is active at a matching place too.
MIN_OVERLAP = 0.5


@dataclass(frozen=True)
class UnitQuestion:
    """The states of one layer of a model over a corpus."""

    model: str
    layer: int = 0  # index in ``Trace.layers``: each direction counts
    random: int | None = None


@dataclass(frozen=True, eq=False)
class CorpusStates:
    """A layer's hidden states over a corpus: N places (tokens of all texts), H units."""

    source: str
    texts: tuple[tuple[str, ...], ...]  # the tokens of each text
    text: Array  # (N) index of the text of a place
    token: Array  # (N) index of the token in its text
    h: Array  # (N, H) the state after the token
    right_saturated: Mapping[
        str, Array
    ]  # by gate, (H): the share of places with the gate above OPEN
    left_saturated: Mapping[str, Array]  # by gate, (H): the share with the gate below 1 − OPEN

    @cached_property
    def largest(self) -> float:
        """The largest |h|, at least 1: the end of the colour scale."""
        return max(1.0, float(np.abs(self.h).max()))

    def context(self, place: int) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        """The tokens before a place, its own token, and the tokens after it."""
        tokens, t = self.texts[int(self.text[place])], int(self.token[place])
        return tokens[:t], tokens[t], tokens[t + 1 :]


@dataclass(frozen=True)
class PatternMatch:
    """A place with a similar pattern of active units."""

    place: int
    both: int  # units active at both places
    either: int  # units active at one of the places or both

    @property
    def overlap(self) -> float:
        """The Jaccard index of the two sets of active units."""
        return self.both / self.either


@lru_cache(maxsize=256)
def extremes(corpus: CorpusStates, unit: int, count: int, highest: bool) -> tuple[int, ...]:
    """The ``count`` places where a unit is highest, or lowest; at most one per text."""
    order = np.argsort(-corpus.h[:, unit] if highest else corpus.h[:, unit], kind="stable")
    return _first_per_text(corpus, order, count)


def active_units(state: Array, threshold: float) -> tuple[int, ...]:
    """The units of a state (H) above the threshold."""
    return tuple(int(n) for n in np.flatnonzero(state > threshold))


@lru_cache(maxsize=256)
def matches(
    corpus: CorpusStates, state: tuple[float, ...], threshold: float, count: int
) -> tuple[PatternMatch, ...]:
    """The places where at least MIN_OVERLAP of the active units of ``state`` are active too.

    Sorted by overlap, then by the Euclidean distance of the states; at most one place per text.
    """
    here = np.array(state) > threshold
    if not here.any():
        return ()
    there = _active_everywhere(corpus, threshold)
    both, either = (there & here).sum(1), (there | here).sum(1)
    places = np.flatnonzero(both >= MIN_OVERLAP * here.sum())
    gaps = corpus.h[places].astype(np.float64) - np.array(state, corpus.h.dtype)
    far = np.linalg.norm(gaps, axis=1)
    order = places[np.lexsort((far, -both[places] / either[places]))]
    best = _first_per_text(corpus, order, count)
    return tuple(PatternMatch(n, int(both[n]), int(either[n])) for n in best)


@lru_cache(maxsize=4)
def _active_everywhere(corpus: CorpusStates, threshold: float) -> Array:
    return frozen(corpus.h > threshold)


def _first_per_text(corpus: CorpusStates, order: Array, count: int) -> tuple[int, ...]:
    by_text: dict[int, int] = {}
    for place in order:
        if len(by_text) == count:
            break
        by_text.setdefault(int(corpus.text[place]), int(place))
    return tuple(by_text.values())


def most_saturated(
    corpus: CorpusStates, gate: str, side: str, count: int
) -> tuple[tuple[int, float], ...]:
    """The units whose gate is saturated most often, each with its share of places.

    ``side`` is "right" (above ``SATURATED``) or "left". Units that never are saturated are left
    out.
    """
    shares = (corpus.right_saturated if side == "right" else corpus.left_saturated)[gate]
    order = np.argsort(-shares, kind="stable")[:count]
    return tuple((int(n), float(shares[n])) for n in order if shares[n] > 0)
