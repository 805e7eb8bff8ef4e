"""Words that occur often in a batch: one product with W for each, and gradients summed by word."""

from __future__ import annotations

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
PARTS, CHUNK_ROWS = 16, 64


class BatchVocabulary(NamedTuple):
    """The words of a batch, and their products with W."""

    words: Array  # (n), ascending
    table: Array  # (n, D_padded): their embeddings
    products: Array  # (n, xw_width): their embeddings times W
    offsets: Array  # (T, B): where the product of each token begins in products


def multiply_words(x: Lookup, weights: LayerWeights, tokens: int) -> BatchVocabulary | None:
    """The words of a batch of so many ``tokens``; None if most of them occur once or twice."""
    counts = np.bincount(x.ids.ravel(), minlength=len(x.table))
    words = np.flatnonzero(counts)
    if 2 * len(words) > tokens:
        return None
    offsets = np.zeros(len(x.table), np.int64)
    offsets[words] = np.arange(len(words)) * weights.xw_width
    table = zeros((len(words), weights.D_padded), weights.W.dtype)
    table[:, : weights.D] = x.table[words]
    products = aligned((len(words), weights.xw_width), weights.W.dtype)

    def multiply(k: int) -> None:
        part = slice(k * len(words) // PARTS, (k + 1) * len(words) // PARTS)
        np.matmul(table[part, : weights.D], weights.W, out=products[part])

    threads.for_each(multiply, PARTS)
    return BatchVocabulary(words, table, products, offsets[x.ids])


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
    _run("sum_by_word", arguments)
    return WordRows(words, sums[:, :E])


def product_gradients(
    indices: Array, d: Array, vocabulary: BatchVocabulary, weights: LayerWeights
) -> tuple[WordRows, Array]:
    """The gradients of the words' embeddings, and of W, (D_padded, xw_width).

    ``d`` (P, xw_width) are the gradients of products: of the vocabulary's words ``indices`` (P).
    """
    used, order, starts, part_bounds = _group_uses(indices, len(vocabulary.words))
    D_padded, dtype, width = vocabulary.table.shape[1], d.dtype, weights.xw_width
    table = vocabulary.table if len(used) == len(vocabulary.words) else vocabulary.table[used]
    rows, d_W = aligned((len(used), D_padded), dtype), zeros((PARTS, D_padded, width), dtype)
    sums, products = (zeros((PARTS, CHUNK_ROWS, n), dtype) for n in (width, D_padded))
    arguments = SumArguments(
        1, address_of("multiply", dtype), width, d, order, starts, part_bounds, rows,
        D_padded, table, weights.W_T, d_W, CHUNK_ROWS, sums, products,
    )  # fmt: skip
    _run("product_gradients", arguments)
    return WordRows(vocabulary.words[used], rows[:, : weights.D]), d_W.sum(0)


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


def _run(name: str, arguments: SumArguments) -> None:
    """Run a kernel on all parts."""
    kernel, fields = getattr(loops(), name), pack_fields(arguments)
    like = arguments.d[:0, 0]
    threads.for_each(lambda k: kernel(like, fields, k), PARTS)
