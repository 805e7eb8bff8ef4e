"""What changes between two readings: aligned tokens, how far the states are apart, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from rnnviz.analysis.alignment import Pair, aligned
from rnnviz.arrays import Array
from rnnviz.equations import Arithmetic, numbers
from rnnviz.errors import UsageError
from rnnviz.trace import Trace, frozen

SCHEMA = "rnnviz.difference/1"

#: States count as parted when they are further apart than this. Equal words give equal states
#: only up to the rounding of float32: a product of matrices adds in another order at each length.
PARTED = 1e-4


@dataclass(frozen=True, eq=False)
class Difference:
    """Two readings by the same model, side by side."""

    a: Trace
    b: Trace
    pairs: tuple[Pair, ...]
    distance: tuple[float | None, ...]  # of all states after each pair; None where one is missing

    @cached_property
    def parted(self) -> int | None:
        """The first pair with states further apart than PARTED; None if there is none."""
        far = (n for n, d in enumerate(self.distance) if d is not None and d > PARTED)
        return next(far, None)

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """For each token of ``a`` the pair it stands in."""
        return tuple(n for n, (i, _) in enumerate(self.pairs) if i is not None)

    @cached_property
    def read(self) -> tuple[Pair, ...]:
        """For each pair the token each text was read up to; None before its first one."""
        return read(self.pairs)

    @cached_property
    def changed(self) -> int | None:
        """The first pair that is not twice the same word; None if there is none."""
        return next((n for n in range(len(self.pairs)) if not self.equal(n)), None)

    @cached_property
    def apart(self) -> float:
        """How far apart all states are at the end, each layer's as it read its last token."""
        ends = []
        for trace in (self.a, self.b):
            last = [la.values[s][la.order[-1]] for la in trace.layers for s in la.states]
            ends.append(np.concatenate(last).astype(np.float64))
        return float(np.linalg.norm(ends[0] - ends[1]))

    @cached_property
    def anchors(self) -> tuple[int, ...]:
        """For each pair the token of a it comes with; what only b has, with the next or last."""
        return anchors(self.pairs, len(self.a.tokens))

    def equal(self, row: int) -> bool:
        """Whether the two tokens of a pair are the same word."""
        i, j = self.pairs[row]
        return i is not None and j is not None and self.a.tokens[i] == self.b.tokens[j]

    def mark(self, row: int) -> str:
        """``=`` the same token, ``≠`` another one, ``−`` only in a, ``+`` only in b."""
        i, j = self.pairs[row]
        if i is None:
            return "+"
        return "−" if j is None else "=" if self.equal(row) else "≠"

    def to_json(self) -> dict[str, Any]:
        """The document of schema ``rnnviz.difference/1``."""
        return {
            "schema": SCHEMA,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "pairs": [list(pair) for pair in self.pairs],
            "distance": list(self.distance),
            "parted": self.parted,
            "threshold": PARTED,
        }


def read(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """For each pair the token each text was read up to; None before its first one."""
    found: list[Pair] = []
    last: Pair = (None, None)
    for i, j in pairs:
        last = (last[0] if i is None else i, last[1] if j is None else j)
        found.append(last)
    return tuple(found)


def anchors(pairs: Sequence[Pair], tokens: int) -> tuple[int, ...]:
    """For each pair the token of a it comes with, of so many; what only b has, with the next."""
    before = [-1 if i is None else i for i, _ in read(pairs)]
    return tuple(
        i if i is not None else min(last + 1, tokens - 1)
        for (i, _), last in zip(pairs, before, strict=True)
    )


@lru_cache(maxsize=8)
def difference(a: Trace, b: Trace) -> Difference:
    """Align two readings; UsageError if they are not of the same net."""
    shapes = [[(layer.cell, layer.units, layer.direction) for layer in t.layers] for t in (a, b)]
    if shapes[0] != shapes[1] or a.head.labels != b.head.labels:
        raise UsageError(f"{a.model} and {b.model} are different nets: compare texts of one model.")
    pairs = aligned(a.tokens, b.tokens)
    return Difference(a, b, pairs, tuple(_distance(a, b, *pair) for pair in pairs))


def _distance(a: Trace, b: Trace, i: int | None, j: int | None) -> float | None:
    if i is None or j is None:
        return None
    return float(np.linalg.norm(_states(a, i) - _states(b, j)))


def _states(trace: Trace, t: int) -> Array:
    """Every state of every layer after token t, side by side, in float64."""
    found = [layer.values[s][t] for layer in trace.layers for s in layer.states]
    return np.concatenate(found).astype(np.float64)


@lru_cache(maxsize=64)
def changes(found: Difference, layer: int, name: str) -> Array:
    """(pairs, H): a value in ``a`` minus the same in ``b``; zeros where one token is missing."""
    one, other = (t.layers[layer].values[name] for t in (found.a, found.b))
    out = np.zeros((len(found.pairs), one.shape[1]))
    for n, (i, j) in enumerate(found.pairs):
        if i is not None and j is not None:
            out[n] = one[i].astype(np.float64) - other[j]
    return frozen(out)


@lru_cache(maxsize=64)
def largest_change(found: Difference, layer: int, name: str) -> float:
    """The largest |a − b| of a value over all pairs and units; 1 where nothing differs."""
    return float(np.abs(changes(found, layer, name)).max()) or 1.0


#: A share of the head's logit; ``read_a``, ``read_b`` are what it reads of both texts.
SHARE = "(read_a - read_b) * W"


@dataclass(frozen=True, eq=False)
class Shares:
    """What each number that the head reads adds to the difference of a logit."""

    a: Array  # (F): what the head reads of the one text
    b: Array  # (F): and of the other
    W: Array  # (F): the weights of the label's logit
    at_end: bool  # after the whole texts: a net that reads backwards is asked only there

    @cached_property
    def of(self) -> Array:
        """(F): (h_a − h_b) ⊙ W; their sum is the logit of a minus the logit of b."""
        return frozen((self.a - self.b) * self.W)

    def largest(self, count: int) -> list[int]:
        """The places of the largest shares, largest first."""
        return [int(n) for n in np.argsort(-np.abs(self.of), kind="stable")[:count]]

    def arithmetic(self, place: int) -> Arithmetic:
        """One share with its numbers."""
        return numbers(SHARE, {"read_a": self.a, "read_b": self.b, "W": self.W}, place)


@lru_cache(maxsize=256)
def shares(found: Difference, row: int, label: int) -> Shares | None:
    """What made the logit of a label differ after this pair: ``h·W + b`` told term by term.

    Each text as far as it was read there. None before both have begun, or where a further layer
    stands between the states and the head.
    """
    a, b = found.a, found.b
    i, j = found.read[row]
    ends = any(layer.direction == "backward" for layer in a.layers)
    if ends:
        i, j = len(a.tokens) - 1, len(b.tokens) - 1
    directions = 2 if a.layers[-1].direction == "backward" else 1
    reads = sum(layer.units for layer in a.layers[-directions:])
    if i is None or j is None or reads != len(a.head.W):
        return None
    column = min(label, a.head.W.shape[1] - 1)
    one, other = (_features(t, directions, n, ends) for t, n in ((a, i), (b, j)))
    return Shares(one, other, a.head.W[:, column].astype(np.float64), ends)


def _features(trace: Trace, directions: int, t: int, ends: bool) -> Array:
    """What the head reads, (F): the state after token t, or each direction's last one."""
    layers = trace.layers[-directions:]
    rows = [layer.values["h"][layer.order[-1] if ends else t] for layer in layers]
    return frozen(np.concatenate(rows).astype(np.float64))
