"""Words that occur often in a batch: one product with W for each, and gradients summed by word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array, aligned
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.gate_order import padded
from rnnviz.engine.compiled.kernels import address_of, loops
from rnnviz.engine.compiled.loop_arguments import LayerWeights, SumArguments
from rnnviz.engine.compiled.memory import pack_fields, zeros
from rnnviz.engine.embedding import Lookup, WordRows

#: Parts that threads take one after the other, and words of a part that are multiplied at once.
PARTS, CHUNK_ROWS = 8, 64


class BatchVocabulary(NamedTuple):
    """The words of a batch."""

    words: Array  # (n), ascending
    table: Array  # (n, D_padded): their embeddings
    indices: Array  # (T, B): of each token in ``words``


def find_words(x: Lookup, weights: LayerWeights, tokens: int) -> BatchVocabulary | None:
    """The words of a batch of so many ``tokens``; None if most of them occur once or twice."""
    counts = np.bincount(x.ids.ravel(), minlength=len(x.table))
    words = np.flatnonzero(counts)
    if 2 * len(words) > tokens:
        return None
    index = np.zeros(len(x.table), np.int64)
    index[words] = np.arange(len(words))
    table = aligned((len(words), weights.D_padded), weights.W.dtype)
    table[:, weights.D :] = 0
    table[:, : weights.D] = x.table[words]
    return BatchVocabulary(words, table, index[x.ids])


def multiply_words(vocabulary: BatchVocabulary, weights: Sequence[LayerWeights]) -> list[Array]:
    """The words' embeddings times each W, plus b, (n, xw_width)."""
    n = len(vocabulary.words)
    products = [aligned((n, w.xw_width), w.W.dtype) for w in weights]

    def multiply(k: int) -> None:
        which, k = divmod(k, PARTS)
        part, W = slice(k * n // PARTS, (k + 1) * n // PARTS), weights[which].W
        np.matmul(vocabulary.table[part, : len(W)], W, out=products[which][part])
        products[which][part] += weights[which].bias[: W.shape[1]]

    threads.for_each(multiply, PARTS * len(weights))
    return products


def summed_rows(ids: Array, d: Array, vocabulary: int) -> WordRows:
    """Each word that occurs, and the sum of the gradients (P, E) of its uses (P).

    The same as :func:`rnnviz.engine.embedding.summed_rows`, on all cores.
    """
    words, order, starts, part_bounds = _group_uses(ids, vocabulary)
    E, E_padded = d.shape[1], padded(d.shape[1], d.dtype)
    if E == E_padded:
        d = np.ascontiguousarray(d)
    else:
        d, unpadded = zeros((len(d), E_padded), d.dtype), d
        d[:, :E] = unpadded
    sums, none = aligned((len(words), E_padded), d.dtype), d[:0]
    arguments = SumArguments(
        1, address_of("multiply", d.dtype), E_padded, d, order, starts, part_bounds, sums,
        0, none, none, none, 0, none, none,
    )  # fmt: skip
    _run("sum_by_word", [arguments])
    return WordRows(words, sums[:, :E])


def gradients_of_sums(
    vocabulary: BatchVocabulary, sums: Array, weights: LayerWeights
) -> tuple[WordRows, Array]:
    """The gradients of the words' embeddings, and of W, (D_padded, xw_width).

    Given those of the words' products with W, each the sum over the tokens, (n, xw_width).
    """
    rows = sums @ weights.W_T[:, : weights.D]
    return WordRows(vocabulary.words, rows), vocabulary.table.T @ sums


class ProductGradients(NamedTuple):
    """The gradients of the products of words with a layer's W."""

    indices: Array  # (P): of the uses, in the vocabulary's words
    d: Array  # (P, xw_width)
    weights: LayerWeights


def product_gradients(
    vocabulary: BatchVocabulary, every: Sequence[ProductGradients]
) -> list[tuple[WordRows, Array]]:
    """From each, the gradients of the words' embeddings, and of W, (D_padded, xw_width)."""
    D_padded, dtype = vocabulary.table.shape[1], vocabulary.table.dtype
    arguments, all_words = [], []
    for indices, d, weights in every:
        width = weights.xw_width
        used, order, starts, part_bounds = _group_uses(indices, len(vocabulary.words))
        table = vocabulary.table if len(used) == len(vocabulary.words) else vocabulary.table[used]
        sums, products = (aligned((PARTS, CHUNK_ROWS, n), dtype) for n in (width, D_padded))
        arguments.append(SumArguments(
            1, address_of("multiply", dtype), width, d, order, starts, part_bounds,
            aligned((len(used), D_padded), dtype), D_padded, table, weights.W_T,
            aligned((PARTS, D_padded, width), dtype), CHUNK_ROWS, sums, products,
        ))  # fmt: skip
        all_words.append(vocabulary.words[used])
    _run("product_gradients", arguments)
    D = every[0].weights.D
    return [
        (WordRows(words, a.result[:, :D]), a.d_W.sum(0))
        for words, a in zip(all_words, arguments, strict=True)
    ]


def _group_uses(ids: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """The ids that occur; uses sorted by id; the start of each id's uses; the first id of parts."""
    counts = np.bincount(ids, minlength=size)
    words = np.flatnonzero(counts)
    small = ids.astype(np.uint16) if size <= 1 << 16 else ids  # NumPy radix-sorts uint16
    order = np.argsort(small, kind="stable").astype(np.int64, copy=False)
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(counts[words], out=starts[1:])
    ends = np.linspace(0, len(ids), PARTS + 1)
    part_bounds = np.searchsorted(starts, ends)
    part_bounds[-1] = len(words)
    return words, order, starts, part_bounds


def _run(name: str, every: Sequence[SumArguments]) -> None:
    """Run a kernel on all parts."""
    kernel, fields = getattr(loops(), name), [pack_fields(a) for a in every]
    like = every[0].d[:0, 0]
    threads.for_each(lambda k: kernel(like, fields[k // PARTS], k % PARTS), PARTS * len(every))
