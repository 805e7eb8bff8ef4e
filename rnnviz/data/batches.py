"""Batches of examples: texts, padded and optionally bucketed by length, and windows of a series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.vocabulary import PADDING_ID, UNKNOWN_ID
from rnnviz.messages import _

#: Inputs (T, B) ids or (T, B, D) measurements; targets (B), of heads with several numbers (B, K),
#: of those that read every step (T, B) or (T, B, K); loss weights (B).
Batch = tuple[Array, Array, Array]


class Examples(Protocol):
    """The N examples of an epoch, in batches."""

    def __len__(self) -> int:
        """N."""

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield batches of at most ``size`` examples, in order or shuffled with ``rng``.

        ``rng`` is used only before the first batch, so that batches can be skipped.
        """


@dataclass(frozen=True, eq=False)
class Texts:
    """N texts as ids with their targets.

    ``length`` is a fixed number of steps; without it each batch is as long as its longest text.
    Longer texts lose their beginning when ``padding`` is "front" and their end when it is "end",
    as in Keras's ``pad_sequences`` and ``TextVectorization``. ``bucketed`` groups texts of similar
    length in a batch. ``max_batch`` bounds the size of every batch: without a fixed length, larger
    batches contain more padding, which a net without a mask reads.
    """

    ids: Sequence[Sequence[int]]
    y: Array  # (N) float32: a class number, or a soft label in 0…1
    weight: Array | None = None  # (N) float32 loss weights; None: 1
    padding: Literal["front", "end"] = "end"
    length: int | None = None
    bucketed: bool = True
    max_batch: int | None = None

    def __len__(self) -> int:
        """N."""
        return len(self.ids)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield ids (T, B), targets (B), weights (B)."""
        weight = self.weights()
        for group in self.groups(size, rng):
            rows = [self.ids[int(n)] for n in group]
            yield pad_sequences(rows, self.length, self.padding), self.y[group], weight[group]

    def groups(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Array]:
        """Yield the indices (B) of the texts in each batch, longest text first."""
        N, size = len(self), min(size, self.max_batch or size)
        if rng is not None and self.bucketed:
            groups = _bucketed(self.ids, size, rng)
        else:
            order = np.arange(N) if rng is None else rng.permutation(N)
            groups = [order[at : at + size] for at in range(0, N, size)]
        for group in groups:
            # Longest first, so that sequences that are only padding at a step are the last ones.
            yield group[np.argsort([-len(self.ids[int(n)]) for n in group], kind="stable")]

    def weights(self) -> Array:
        """Loss weights, (N)."""
        return np.ones(len(self), np.float32) if self.weight is None else self.weight


def pad_sequences(
    rows: Sequence[Sequence[int]],
    length: int | None = None,
    padding: Literal["front", "end"] = "end",
) -> Array:
    """Sequences of ids as a (T, B) array, padded with 0 to ``length`` or to the longest."""
    T = padded_length(rows, length)
    batch = np.zeros((T, len(rows)), np.int64)
    for column, row in enumerate(rows):
        if padding == "front":
            row = row[-T:]
            batch[T - len(row) :, column] = row
        else:
            row = row[:T]
            batch[: len(row), column] = row
    return batch


def padded_length(rows: Sequence[Sequence[int]], length: int | None = None) -> int:
    """T of a batch of these sequences: ``length``, or that of the longest; at least 1."""
    return length if length is not None else max(1, *map(len, rows)) if rows else 1


#: Batches sorted by length together: few enough to keep batches random, enough for little padding.
BUCKET = 50


def _bucketed(ids: Sequence[Sequence[int]], size: int, rng: np.random.Generator) -> list[Array]:
    """Indices of the texts of each batch, texts of similar length together, in random order."""
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
    """Windows of a series, each with the value to forecast.

    The window of row r consists of rows r − lookback, r − lookback + step, … before r; its target
    is column ``target`` of row r + delay. The rows are ``rows``, or ``draws`` rows drawn in every
    epoch from the ranges ``draw_from`` with replacement, as the lecture's generator does.
    """

    data: Array  # (rows, D) float32, normalized
    lookback: int
    step: int
    delay: int
    target: int
    rows: Array | None = None  # (N)
    draw_from: tuple[tuple[int, int], ...] = ()  # (first, end) of each range
    draws: int = 0
    reverse: bool = False  # windows run from the latest row to the earliest

    def __len__(self) -> int:
        """N."""
        return self.draws if self.rows is None else len(self.rows)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield measurements (T, B, D), targets (B), weights (B)."""
        rows, offsets = self.order(rng), self.offsets
        for at in range(0, len(rows), size):
            batch = rows[at : at + size]
            y = self.data[batch + self.delay, self.target]
            yield self.data[offsets[:, None] + batch], y, np.ones(len(batch), np.float32)

    def order(self, rng: np.random.Generator | None = None) -> Array:
        """The rows of an epoch, in the order of its batches, (N)."""
        if self.rows is None:
            if rng is None:
                raise ValueError(_("drawing rows needs a random generator"))
            return _draw_rows(self.draw_from, len(self), rng)
        return self.rows if rng is None else rng.permutation(self.rows)

    @property
    def offsets(self) -> Array:
        """The rows of a window relative to its row r, (T)."""
        offsets = np.arange(-self.lookback, 0, self.step)
        return offsets[::-1] if self.reverse else offsets


def _draw_rows(ranges: Sequence[tuple[int, int]], count: int, rng: np.random.Generator) -> Array:
    """``count`` rows drawn uniformly from all ranges together, (count)."""
    first, end = np.array(ranges).T
    cumulative = np.cumsum(end - first)  # rows up to the end of each range
    drawn = rng.integers(0, cumulative[-1], count)
    index = np.searchsorted(cumulative, drawn, side="right")
    return np.asarray(drawn - cumulative[index] + end[index])


def drop_tokens(ids: Array, rate: float, rng: np.random.Generator) -> Array:
    """Token dropout: replace each word, not the padding, by the unknown word with p = ``rate``."""
    return replace_tokens(ids, dropped_tokens(ids.shape, rate, rng))


def dropped_tokens(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> Array:
    """Which tokens are dropped, drawn with p = ``rate``."""
    return rng.random(shape) < rate


def replace_tokens(ids: Array, dropped: Array) -> Array:
    """Replace dropped words, not the padding, by the unknown word; on any device."""
    return np.where(dropped & (ids != PADDING_ID), ids.dtype.type(UNKNOWN_ID), ids)
