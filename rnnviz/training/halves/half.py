"""What one half of a batch is, what is computed from it, and how two become one again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch
from rnnviz.engine import losses
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec


@dataclass(frozen=True, eq=False)
class Part:
    """What a half, or a whole batch, came to."""

    logits: Array  # (B, K)
    grads: Values  # of every array but the embedding
    words: WordRows | None  # of the embedding

    def every(self) -> Values:
        """All gradients, to be measured or scaled in place: of the embedding only rows in use."""
        return self.grads if self.words is None else {**self.grads, "embedding": self.words.rows}


def half(a: Array, k: int) -> Array:
    """A view of every second sequence of an array whose second axis, or only one, is B."""
    return a[k::2] if a.ndim == 1 else a[:, k::2]


def part(model: Model, batch: Batch, rng: np.random.Generator | None) -> Part:
    """Logits and gradients of a half; its weights are shares of the whole batch."""
    inputs, y, share = (np.ascontiguousarray(a) for a in batch)
    done = model.forward(inputs, rng, quick=True)
    d = losses.d_logits(model.spec.head.kind, done.logits, y) * share[:, None]
    grads, words = model.gradients_by_word(done, d)
    return Part(done.logits, grads, words)


def joined(first: Part, second: Part) -> Part:
    """The whole batch; the first half's arrays are used up."""
    grads = first.grads
    for name, g in grads.items():
        g += second.grads[name]
    both = (first.words, second.words)
    words = None if both[0] is None or both[1] is None else _added(both[0], both[1])
    return Part(dealt_back(first.logits, second.logits), grads, words)


def _added(first: WordRows, second: WordRows) -> WordRows:
    last = max((int(w[-1]) for w in (first.words, second.words) if len(w)), default=-1)
    at = np.zeros(last + 1, np.int64)  # by word: whether it occurs, then its row
    at[first.words] = at[second.words] = 1
    words = np.flatnonzero(at)
    at[words] = np.arange(len(words))
    rows = np.zeros((len(words), first.rows.shape[1]), first.rows.dtype)
    rows[at[first.words]] = first.rows
    rows[at[second.words]] += second.rows
    return WordRows(words, rows)


def dealt_back(first: Array, second: Array) -> Array:
    """The rows (B, K) of both halves in the order of the batch."""
    rows = np.empty((len(first) + len(second), *first.shape[1:]), first.dtype)
    rows[0::2], rows[1::2] = first, second
    return rows


def drops(spec: ModelSpec) -> bool:
    """Whether anything is drawn while training."""
    source = spec.source
    return bool(
        spec.head.dropout
        or (isinstance(source, EmbeddingSpec) and source.dropout)
        or any(layer.dropout or layer.recurrent_dropout for layer in spec.layers)
    )
