"""Alignment of two token sequences by minimum edit distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz.arrays import Array
from rnnviz.errors import UsageError
from rnnviz.messages import _

#: Token indices in the two texts; None where one of them has no token.
Pair = tuple[int | None, int | None]

#: Most cells of the cost table (32 MB of int64).
MAX_CELLS = 4_000_000


def align(a: Sequence[str], b: Sequence[str]) -> tuple[Pair, ...]:
    """Align two texts with the fewest insertions, deletions and substitutions (Levenshtein).

    Among optimal alignments, take the one with the most equal pairs, and among those the one that
    postpones insertions and deletions; a common prefix is paired one to one.

    Raises UsageError if the cost table would have more than MAX_CELLS cells.
    """
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    start: list[Pair] = [(n, n) for n in range(same)]
    rest = _cheapest_path(a[same:], b[same:])
    return (*start, *((_shifted(i, same), _shifted(j, same)) for i, j in rest))


def edit_count(pairs: Sequence[Pair], a: Sequence[str], b: Sequence[str]) -> int:
    """The number of pairs that are not two equal tokens."""
    return sum(i is None or j is None or a[i] != b[j] for i, j in pairs)


def _shifted(index: int | None, by: int) -> int | None:
    return None if index is None else index + by


def _cheapest_path(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    """Walk from the start along the cheapest remainders; prefer a pair to a gap."""
    edit, steps = _edit_cost(a, b), _costs(a, b)
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


def _edit_cost(a: Sequence[str], b: Sequence[str]) -> int:
    """The cost of an edit. An equal pair costs −1; all pairs together weigh less than one edit."""
    return min(len(a), len(b)) + 1


def _costs(a: Sequence[str], b: Sequence[str]) -> Array:
    """The least cost of aligning a[i:] with b[j:], (len(a) + 1, len(b) + 1)."""
    if (len(a) + 1) * (len(b) + 1) > MAX_CELLS:
        raise UsageError(
            _(
                "Texts of {words_a:,} and {words_b:,} different words are too long to be aligned. "
                "Shorten them and try again."
            ).format(words_a=len(a), words_b=len(b))
        )
    edit = _edit_cost(a, b)
    inserted = edit * np.arange(len(b) + 1)
    costs = np.empty((len(a) + 1, len(b) + 1), np.int64)
    costs[-1] = inserted[::-1]
    words = np.array(b, object)
    for i in range(len(a) - 1, -1, -1):
        costs[i] = costs[i + 1] + edit
        paired = costs[i + 1, 1:] + np.where(words == a[i], -1, edit)
        costs[i, :-1] = np.minimum(costs[i, :-1], paired)
        # Insert b[j:k] and continue from there, for every k at once.
        costs[i] = np.minimum.accumulate((costs[i] + inserted)[::-1])[::-1] - inserted
    return costs
