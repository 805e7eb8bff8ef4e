"""Examples of text in batches: padding and length buckets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.text import PADDING_ID, UNKNOWN_ID


@dataclass(frozen=True, eq=False)
class Examples:
    """N texts as ids, and what each should come to: a class number, or a soft label in 0…1."""

    ids: Sequence[Sequence[int]]
    y: Array  # (N) float32
    weight: Array | None = None  # (N) float32: how much each counts in the loss; None: 1

    def __len__(self) -> int:
        """N."""
        return len(self.ids)


def padded(rows: Sequence[Sequence[int]]) -> Array:
    """Sequences as one (T, B) array of ids, padded at the end with 0 to the longest."""
    batch = np.zeros((max(map(len, rows)), len(rows)), np.int64)
    for column, row in enumerate(rows):
        batch[: len(row), column] = row
    return batch


#: How many batches are sorted by length together: short enough to stay random, long enough that
#: a batch is hardly padded.
BUCKET = 50


def batches(
    examples: Examples, size: int, rng: np.random.Generator | None = None
) -> Iterator[tuple[Array, Array, Array]]:
    """Batches of ids (T, B), targets (B), weights (B); in shuffled length buckets with ``rng``."""
    N = len(examples)
    if rng is None:
        groups = [np.arange(at, min(at + size, N)) for at in range(0, N, size)]
    else:
        groups = _bucketed(examples, size, rng)
    weight = np.ones(N, np.float32) if examples.weight is None else examples.weight
    for group in groups:
        rows = [examples.ids[int(n)] for n in group]
        yield padded(rows), examples.y[group], weight[group]


def _bucketed(examples: Examples, size: int, rng: np.random.Generator) -> list[Array]:
    lengths = np.fromiter(map(len, examples.ids), np.int64, len(examples))
    order = rng.permutation(len(examples))
    groups: list[Array] = []
    for at in range(0, len(order), size * BUCKET):
        chunk = order[at : at + size * BUCKET]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        groups += [chunk[n : n + size] for n in range(0, len(chunk), size)]
    return [groups[n] for n in rng.permutation(len(groups))]


def with_unknowns(ids: Array, rate: float, rng: np.random.Generator) -> Array:
    """The ids with a share of the words (never the padding) turned into the unknown word."""
    hidden = (rng.random(ids.shape) < rate) & (ids != PADDING_ID)
    return np.where(hidden, UNKNOWN_ID, ids)
