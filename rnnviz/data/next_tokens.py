"""Examples of nets that write: at every step the target is the next token of the same text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Batch, Texts, pad_sequences
from rnnviz.data.vocabulary import PADDING_ID


@dataclass(frozen=True, eq=False)
class TextWindows:
    """Windows of one long text, T tokens each, one after the other.

    ``stateful``: the windows of a batch continue those of the batch before it, one part of the text
    in each column, so that states can be carried on. Otherwise each window stands for itself, and
    with a random generator their order and where the first one begins are drawn. ``max_batch``
    bounds the size of every batch.
    """

    ids: Array  # (N)
    steps: int  # T
    stateful: bool = False
    max_batch: int | None = None

    def __len__(self) -> int:
        """The number of windows."""
        return max(0, len(self.ids) - 1) // self.steps

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield ids (T, B), the ids after them (T, B), weights (B).

        With ``stateful`` each of ⌈len / size⌉ batches has ``size`` columns; their parts of the text
        overlap where the windows do not come out even.
        """
        offsets = np.arange(self.steps)[:, None]
        for begins in self._begins(min(size, self.max_batch or size), rng):
            at = offsets + begins
            yield self.ids[at], self.ids[at + 1], np.ones(len(begins), np.float32)

    def _begins(self, size: int, rng: np.random.Generator | None) -> Iterator[Array]:
        """The indices where the windows of each batch begin."""
        count, T = len(self), self.steps
        if self.stateful:
            first = np.arange(size) * count // size
            for k in range(-(-count // size)):
                yield (first + k) * T
            return
        order, shift = np.arange(count), 0
        if rng is not None:
            order = rng.permutation(count)
            shift = int(rng.integers(len(self.ids) - count * T))
        for at in range(0, count, size):
            yield order[at : at + size] * T + shift


@dataclass(frozen=True, eq=False)
class WholeTexts:
    """Short texts, each from its first token to its last, padded behind with 0.

    Where the next token is padding, there is padding as input too, so that a net with a mask reads
    exactly the tokens that have a next one.
    """

    ids: Sequence[Sequence[int]]

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.ids)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield ids (T, B), the ids after them (T, B), weights (B)."""
        texts = Texts(self.ids, np.zeros(len(self.ids), np.float32), bucketed=False)
        for group in texts.groups(size, rng):
            whole = pad_sequences([self.ids[int(n)] for n in group])
            following = whole[1:]
            inputs = np.where(following == PADDING_ID, PADDING_ID, whole[:-1])
            yield inputs, following, np.ones(len(group), np.float32)
