"""What one half of a batch is, what is computed from it, and how two become one again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch
from rnnviz.engine import losses
from rnnviz.engine.model import Model, WordRows, table_of
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec


@dataclass(frozen=True, eq=False)
class Part:
    """What a half came to."""

    logits: Array  # (B of the half, K)
    grads: Values  # of every array but the embedding
    words: WordRows | None  # of the embedding


def half(a: Array, k: int) -> Array:
    """Every second sequence of an array (..., B, ...) whose second axis, or only one, is B."""
    return np.ascontiguousarray(a[k::2] if a.ndim == 1 else a[:, k::2])


def part(model: Model, batch: Batch, seed: tuple[int, int] | None) -> Part:
    """Logits and gradients of a half; its weights are shares of the whole batch.

    ``seed`` draws the dropout; None draws none.
    """
    inputs, y, share = batch
    rng = None if seed is None else np.random.default_rng(seed)
    done = model.forward(inputs, rng, quick=True)
    d = losses.d_logits(model.spec.head.kind, done.logits, y) * share[:, None]
    grads, words = model.gradients_by_word(done, d)
    return Part(done.logits, grads, words)


def joined(model: Model, first: Part, second: Part) -> tuple[Array, Values]:
    """Logits (B, K) and gradients of the whole batch; the first half's arrays are used up."""
    grads = first.grads
    for name, g in grads.items():
        g += second.grads[name]
    if first.words is not None and second.words is not None:
        grads["embedding"] = table_of(
            [first.words, second.words], model.params["embedding"].shape
        )
    return dealt_back(first.logits, second.logits), grads


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
