"""Examples in batches: texts padded in front or behind, with length buckets, and series windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.vocabulary import PADDING_ID, UNKNOWN_ID

#: Inputs (T, B) ids or (T, B, D) measurements, targets (B), weights (B) in the loss.
Batch = tuple[Array, Array, Array]


class Examples(Protocol):
    """What an epoch is made of: N examples that come in batches."""

    def __len__(self) -> int:
        """N."""

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Batches of at most ``size``: in order, or shuffled with ``rng``.

        The generator is used before the first batch only, so that batches can be skipped.
        """


@dataclass(frozen=True, eq=False)
class Texts:
    """N texts as ids, and what each should come to: a class number, or a soft label in 0…1.

    ``length`` is a fixed number of steps; without it each batch is as long as its longest text.
    Of longer texts "front" keeps the end and "end" the beginning, as Keras's ``pad_sequences``
    and ``TextVectorization`` do. ``bucketed`` puts texts of like length into a batch. ``at_most``
    bounds every batch: without a fixed length its size decides how much padding there is, and a
    net without a mask reads that.
    """

    ids: Sequence[Sequence[int]]
    y: Array  # (N) float32
    weight: Array | None = None  # (N) float32: how much each counts in the loss; None: 1
    padding: Literal["front", "end"] = "end"
    length: int | None = None
    bucketed: bool = True
    at_most: int | None = None

    def __len__(self) -> int:
        """N."""
        return len(self.ids)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Batches of ids (T, B), targets (B), weights (B)."""
        weight = self.weights()
        for group in self.groups(size, rng):
            rows = [self.ids[int(n)] for n in group]
            yield padded(rows, self.length, self.padding), self.y[group], weight[group]

    def groups(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Array]:
        """Which texts make up each batch."""
        N, size = len(self), min(size, self.at_most or size)
        if rng is not None and self.bucketed:
            groups = _bucketed(self.ids, size, rng)
        else:
            order = np.arange(N) if rng is None else rng.permutation(N)
            groups = [order[at : at + size] for at in range(0, N, size)]
        for group in groups:
            # Longest first: what is still (or already) only padding is then at the end.
            yield group[np.argsort([-len(self.ids[int(n)]) for n in group], kind="stable")]

    def weights(self) -> Array:
        """How much each text counts, (N)."""
        return np.ones(len(self), np.float32) if self.weight is None else self.weight


def padded(
    rows: Sequence[Sequence[int]],
    length: int | None = None,
    padding: Literal["front", "end"] = "end",
) -> Array:
    """Sequences as one (T, B) array of ids, padded with 0 to ``length`` or to the longest."""
    T = steps(rows, length)
    batch = np.zeros((T, len(rows)), np.int64)
    for column, row in enumerate(rows):
        if padding == "front":
            kept = row[-T:]
            batch[T - len(kept) :, column] = kept
        else:
            kept = row[:T]
            batch[: len(kept), column] = kept
    return batch


def steps(rows: Sequence[Sequence[int]], length: int | None = None) -> int:
    """T of a batch of these sequences: ``length``, or that of the longest, at least 1."""
    return length if length is not None else max(1, *map(len, rows)) if rows else 1


#: How many batches are sorted by length together: short enough to stay random, long enough that
#: a batch is hardly padded.
BUCKET = 50


def _bucketed(ids: Sequence[Sequence[int]], size: int, rng: np.random.Generator) -> list[Array]:
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    order = rng.permutation(len(ids))
    groups: list[Array] = []
    for at in range(0, len(order), size * BUCKET):
        chunk = order[at : at + size * BUCKET]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        groups += [chunk[n : n + size] for n in range(0, len(chunk), size)]
    return [groups[n] for n in rng.permutation(len(groups))]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a series and the value to foresee for each.

    The window of row r are rows r − lookback, r − lookback + step, … before r; its target is
    column ``target`` at r + delay. ``rows`` are fixed, or drawn from the stretches ``draw_from``
    ((first, end) each) for every epoch: ``draws`` of them, with replacement, as the lecture's
    generator does.
    """

    data: Array  # (rows, D) float32, normalised
    lookback: int
    step: int
    delay: int
    target: int
    rows: Array | None = None  # (N)
    draw_from: tuple[tuple[int, int], ...] = ()
    draws: int = 0
    reverse: bool = False  # hand the windows over from the latest row to the earliest

    def __len__(self) -> int:
        """N."""
        return self.draws if self.rows is None else len(self.rows)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Batches of measurements (T, B, D), targets (B), weights (B)."""
        rows, back = self.order(rng), self.back
        for at in range(0, len(rows), size):
            chosen = rows[at : at + size]
            y = self.data[chosen + self.delay, self.target]
            yield self.data[back[:, None] + chosen], y, np.ones(len(chosen), np.float32)

    def order(self, rng: np.random.Generator | None = None) -> Array:
        """The rows of an epoch, in the order of its batches, (N)."""
        if self.rows is None:
            if rng is None:
                raise ValueError("rows that are drawn need a generator")
            return _drawn(self.draw_from, len(self), rng)
        return self.rows if rng is None else rng.permutation(self.rows)

    @property
    def back(self) -> Array:
        """Where the steps of a window are, seen from its row, (T)."""
        back = np.arange(-self.lookback, 0, self.step)
        return back[::-1] if self.reverse else back


def _drawn(stretches: Sequence[tuple[int, int]], count: int, rng: np.random.Generator) -> Array:
    """Rows of the stretches, each as likely as any other."""
    first, end = np.array(stretches).T
    behind = np.cumsum(end - first)  # rows up to the end of each stretch
    drawn = rng.integers(0, behind[-1], count)
    which = np.searchsorted(behind, drawn, side="right")
    return np.asarray(drawn - behind[which] + end[which])


def with_unknowns(
    ids: Array, rate: float, rng: np.random.Generator,
    there: Callable[[Array], Array] = lambda a: a,
) -> Array:  # fmt: skip
    """The ids with a share of the words (never the padding) turned into the unknown word.

    ``there`` brings what is drawn to where the ids are.
    """
    hidden = there(rng.random(ids.shape) < rate) & (ids != PADDING_ID)
    return np.where(hidden, ids.dtype.type(UNKNOWN_ID), ids)
