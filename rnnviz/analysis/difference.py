"""Two traces of one model compared: aligned tokens, distances of states, shares of the logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from rnnviz.analysis.alignment import Pair, align
from rnnviz.analysis.layer_stack import levels
from rnnviz.arrays import Array
from rnnviz.equations import Arithmetic, numbers
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.trace import Trace, frozen

SCHEMA = "rnnviz.difference/1"

#: States further apart than this have diverged. Equal tokens give equal states only up to float32
#: rounding: matrix products sum in a different order for each batch length.
THRESHOLD = 1e-4


@dataclass(frozen=True, eq=False)
class TraceDifference:
    """Two traces of the same model, aligned token by token."""

    a: Trace
    b: Trace
    pairs: tuple[Pair, ...]
    #: Of all states after each pair; None where one is missing, 0 at an equal beginning.
    distances: tuple[float | None, ...]

    @cached_property
    def first_divergence(self) -> int | None:
        """The first pair whose states are further apart than THRESHOLD, or None."""
        far = (n for n, d in enumerate(self.distances) if d is not None and d > THRESHOLD)
        return next(far, None)

    @cached_property
    def row_of_token(self) -> tuple[int, ...]:
        """The pair of each token of ``a``."""
        return tuple(n for n, (i, _) in enumerate(self.pairs) if i is not None)

    @cached_property
    def last_read(self) -> tuple[Pair, ...]:
        """For each pair the token each text was read up to; None before its first one."""
        return last_read(self.pairs)

    @cached_property
    def first_edit(self) -> int | None:
        """The first pair of tokens that differ, or None."""
        return next((n for n in range(len(self.pairs)) if not self.is_equal(n)), None)

    @cached_property
    def final_distance(self) -> float:
        """Euclidean distance of all final states; each layer's after the token it read last."""
        ends = []
        for trace in (self.a, self.b):
            last = [la.values[s][la.order[-1]] for la in trace.layers for s in la.states]
            ends.append(np.concatenate(last).astype(np.float64))
        return float(np.linalg.norm(ends[0] - ends[1]))

    @cached_property
    def anchors(self) -> tuple[int, ...]:
        """The token of ``a`` at each pair; for tokens only in ``b``, the next one or the last."""
        return anchors(self.pairs, len(self.a.tokens))

    def is_equal(self, row: int) -> bool:
        """Whether the two tokens of a pair are equal."""
        i, j = self.pairs[row]
        return i is not None and j is not None and self.a.tokens[i] == self.b.tokens[j]

    def mark(self, row: int) -> str:
        """``=`` the same token, ``≠`` a different one, ``−`` only in ``a``, ``+`` only in ``b``."""
        i, j = self.pairs[row]
        if i is None:
            return "+"
        return "−" if j is None else "=" if self.is_equal(row) else "≠"

    def to_json(self) -> dict[str, Any]:
        """The document of schema ``rnnviz.difference/1``."""
        return {
            "schema": SCHEMA,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "pairs": [list(pair) for pair in self.pairs],
            "distance": list(self.distances),
            "parted": self.first_divergence,
            "threshold": THRESHOLD,
        }


def last_read(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """For each pair the token each text was read up to; None before its first one."""
    last: Pair = (None, None)
    result: list[Pair] = []
    for i, j in pairs:
        last = (last[0] if i is None else i, last[1] if j is None else j)
        result.append(last)
    return tuple(result)


def anchors(pairs: Sequence[Pair], tokens: int) -> tuple[int, ...]:
    """The token of ``a`` at each pair, of ``tokens``; for tokens only in ``b``, the next one."""
    before = [-1 if i is None else i for i, _ in last_read(pairs)]
    return tuple(
        i if i is not None else min(last + 1, tokens - 1)
        for (i, _), last in zip(pairs, before, strict=True)
    )


@lru_cache(maxsize=8)
def compare(a: Trace, b: Trace) -> TraceDifference:
    """Align two traces and measure their distances.

    Raises UsageError if they are not of the same net.
    """
    shapes = [[(layer.cell, layer.units, layer.direction) for layer in t.layers] for t in (a, b)]
    if shapes[0] != shapes[1] or a.head.labels != b.head.labels:
        raise UsageError(
            _("{model_a} and {model_b} are different nets: compare texts of one model.").format(
                model_a=a.model, model_b=b.model
            )
        )
    pairs = align(a.tokens, b.tokens)
    distances = [_distance(a, b, *pair) for pair in pairs]
    for n in range(_equal_beginning(a, b, pairs)):
        if (distance := distances[n]) is not None and distance <= THRESHOLD:
            distances[n] = 0.0
    return TraceDifference(a, b, pairs, tuple(distances))


def _equal_beginning(a: Trace, b: Trace, pairs: Sequence[Pair]) -> int:
    """The number of first pairs whose states are equal but for rounding: of equal tokens, read
    forward. None where a layer reads backward, since it has read what comes after them.
    """
    if any(layer.direction == "backward" for layer in a.layers):
        return 0
    equal = (i is not None and j is not None and a.tokens[i] == b.tokens[j] for i, j in pairs)
    return next((n for n, same in enumerate(equal) if not same), len(pairs))


def _distance(a: Trace, b: Trace, i: int | None, j: int | None) -> float | None:
    if i is None or j is None:
        return None
    return float(np.linalg.norm(_states(a, i) - _states(b, j)))


def _states(trace: Trace, t: int) -> Array:
    """The states of all layers after token t, concatenated: (S,) float64."""
    states = [layer.values[s][t] for layer in trace.layers for s in layer.states]
    return np.concatenate(states).astype(np.float64)


@lru_cache(maxsize=64)
def value_changes(diff: TraceDifference, layer: int, name: str) -> Array:
    """A recorded array of ``a`` minus that of ``b``: (pairs, H).

    0 where a token is missing, and at an equal beginning.
    """
    one, other = (t.layers[layer].values[name] for t in (diff.a, diff.b))
    out = np.zeros((len(diff.pairs), one.shape[1]))
    for n, (i, j) in enumerate(diff.pairs):
        if i is not None and j is not None and diff.distances[n] != 0:
            out[n] = one[i].astype(np.float64) - other[j]
    return frozen(out)


@lru_cache(maxsize=64)
def largest_change(diff: TraceDifference, layer: int, name: str) -> float:
    """The largest |a − b| of a recorded array over all pairs and units; 1 if all are equal."""
    return float(np.abs(value_changes(diff, layer, name)).max()) or 1.0


#: Contribution to the difference of a logit; ``read_a`` and ``read_b`` are the head's inputs.
CONTRIBUTION = "(read_a - read_b) * W"


@dataclass(frozen=True, eq=False)
class LogitContributions:
    """What each feature that the head reads adds to the difference of a logit."""

    a: Array  # (F) the head's input for the first text
    b: Array  # (F) the head's input for the second text
    W: Array  # (F) the weights of the label's logit
    whole_text: bool  # computed at the end: nets with backward layers have no logit before

    @cached_property
    def values(self) -> Array:
        """(h_a − h_b) ⊙ W, (F); the sum is the logit of ``a`` minus the logit of ``b``."""
        return frozen((self.a - self.b) * self.W)

    def largest(self, count: int) -> list[int]:
        """Indices of the contributions with the largest magnitude, largest first."""
        return [int(n) for n in np.argsort(-np.abs(self.values), kind="stable")[:count]]

    def arithmetic(self, feature: int) -> Arithmetic:
        """The formula of one contribution with its numbers."""
        return numbers(CONTRIBUTION, {"read_a": self.a, "read_b": self.b, "W": self.W}, feature)


@lru_cache(maxsize=256)
def logit_contributions(diff: TraceDifference, row: int, label: int) -> LogitContributions | None:
    """The difference of a label's logit after a pair, term by term of ``h·W + b``.

    Each text is taken up to its last token at that pair. None before both texts have a token, or
    if a dense layer lies between the states and the head.
    """
    a, b = diff.a, diff.b
    i, j = diff.last_read[row]
    ends = any(layer.direction == "backward" for layer in a.layers)
    if ends:
        i, j = len(a.tokens) - 1, len(b.tokens) - 1
    directions = len(levels(a)[-1])
    reads = sum(layer.values["h"].shape[1] for layer in a.layers[-directions:])
    if i is None or j is None or a.head.below or reads != len(a.head.W):
        return None
    column = min(label, a.head.W.shape[1] - 1)
    one, other = (_features(t, directions, n, ends) for t, n in ((a, i), (b, j)))
    if diff.distances[row] == 0:
        other = one
    return LogitContributions(one, other, a.head.W[:, column].astype(np.float64), ends)


def _features(trace: Trace, directions: int, t: int, ends: bool) -> Array:
    """The head's input, (F): the state after token t, or each direction's final state."""
    layers, final = trace.layers[-directions:], ends and trace.head.reads == "last"
    rows = [layer.values["h"][layer.order[-1] if final else t] for layer in layers]
    return frozen(np.concatenate(rows).astype(np.float64))
