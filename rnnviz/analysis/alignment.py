"""Which token of one text stands for which token of another: the smallest edit between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz.arrays import Array
from rnnviz.errors import UsageError

#: Places of the two texts; None where one of them has no token.
Pair = tuple[int | None, int | None]

#: Two texts are compared in a table of so many places, 32 MB.
LARGEST = 4_000_000


def aligned(a: Sequence[str], b: Sequence[str]) -> tuple[Pair, ...]:
    """The pairs of an alignment with the fewest insertions, deletions and substitutions.

    Of several the one with the most equal pairs, and of those the one that keeps the tokens
    together longest: equal beginnings are paired one to one, and what is missing is missing late.
    V. Levenshtein's distance; UsageError where the texts are too long for it.
    """
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    start: list[Pair] = [(n, n) for n in range(same)]
    rest = _walk(a[same:], b[same:])
    return (*start, *((_later(i, same), _later(j, same)) for i, j in rest))


def edits(pairs: Sequence[Pair], a: Sequence[str], b: Sequence[str]) -> int:
    """How many of the pairs are not two equal tokens."""
    return sum(i is None or j is None or a[i] != b[j] for i, j in pairs)


def _later(place: int | None, by: int) -> int | None:
    return None if place is None else place + by


def _walk(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    """From the front along the cheapest rests; a pair comes before leaving a token out."""
    edit, steps = _edit(a, b), _costs(a, b)
    i = j = 0
    pairs: list[Pair] = []
    while i < len(a) or j < len(b):
        rest = steps[i, j]
        both = i < len(a) and j < len(b)
        if both and rest == steps[i + 1, j + 1] + (-1 if a[i] == b[j] else edit):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < len(a) and rest == steps[i + 1, j] + edit:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _edit(a: Sequence[str], b: Sequence[str]) -> int:
    """What an edit costs; an equal pair costs −1, and all of them together less than one edit."""
    return min(len(a), len(b)) + 1


def _costs(a: Sequence[str], b: Sequence[str]) -> Array:
    """(len(a) + 1, len(b) + 1): what aligning a[i:] with b[j:] costs at least."""
    if (len(a) + 1) * (len(b) + 1) > LARGEST:
        raise UsageError(
            f"Texts of {len(a):,} and {len(b):,} different words are too long to be aligned. "
            "Shorten them and try again."
        )
    edit = _edit(a, b)
    inserted = edit * np.arange(len(b) + 1)
    costs = np.empty((len(a) + 1, len(b) + 1), np.int64)
    costs[-1] = inserted[::-1]
    words = np.array(b, object)
    for i in range(len(a) - 1, -1, -1):
        costs[i] = costs[i + 1] + edit
        paired = costs[i + 1, 1:] + np.where(words == a[i], -1, edit)
        costs[i, :-1] = np.minimum(costs[i, :-1], paired)
        # Inserting b[j:k] and going on from there, for every k at once.
        costs[i] = np.minimum.accumulate((costs[i] + inserted)[::-1])[::-1] - inserted
    return costs
