"""Words that are used many times: multiplied once forwards, and summed up backwards."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array, aligned
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.job import Net, Sum
from rnnviz.engine.compiled.kernels import summing
from rnnviz.engine.compiled.memory import addresses, zeros
from rnnviz.engine.compiled.net import whole
from rnnviz.engine.embedding import Lookup, WordRows

#: Parts of a sum that threads take one after the other, and rows that are worked on together.
PARTS, ROOM = 16, 64


class BatchVocabulary(NamedTuple):
    """The words of a batch."""

    words: Array  # (n), ascending
    table: Array  # (n, wide): their rows
    products: Array  # (n, G·H): their rows times W
    at: Array  # (T, B): where each token's product begins


def vocabulary(x: Lookup, net: Net, tokens: int) -> BatchVocabulary | None:
    """The words of a batch of so many ``tokens``; None if most occur once or twice."""
    used = np.bincount(x.ids.ravel(), minlength=len(x.table))
    words = np.flatnonzero(used)
    if 2 * len(words) > tokens:
        return None
    number = np.zeros(len(x.table), np.int64)
    number[words] = np.arange(len(words)) * net.width
    table = zeros((len(words), net.wide), net.W.dtype)
    table[:, : net.D] = x.table[words]
    products = aligned((len(words), net.width), net.W.dtype)

    def multiply(k: int) -> None:
        part = slice(k * len(words) // PARTS, (k + 1) * len(words) // PARTS)
        np.matmul(table[part, : net.D], net.W, out=products[part])

    threads.each(multiply, PARTS)
    return BatchVocabulary(words, table, products, number[x.ids])


def summed_rows(ids: Array, d: Array, vocabulary: int) -> WordRows:
    """Each word that occurs, and the sum of the gradients (P, E) of its uses (P).

    What :func:`rnnviz.engine.embedding.summed_rows` gives, on all cores.
    """
    words, order, starts, bounds = _sorted(ids, vocabulary)
    E, wide = d.shape[1], whole(d.shape[1], d.dtype)
    if E == wide:
        d = np.ascontiguousarray(d)
    else:
        d, given = zeros((len(d), wide), d.dtype), d
        d[:, :E] = given
    rows, none = aligned((len(words), wide), d.dtype), d[:0]
    job = Sum(1, wide, d, order, starts, bounds, rows, 0, none, none, none, 0, none, none)
    _run("add_up", job)
    return WordRows(words, rows[:, :E])


def summed_products(
    numbers: Array, d: Array, vocabulary: BatchVocabulary, net: Net
) -> tuple[WordRows, Array]:
    """The gradients of the words' rows, and of W (wide, G·H), from those of their products.

    ``d`` (P, G·H) are of the uses of the words with these ``numbers``.
    """
    found, order, starts, bounds = _sorted(numbers, len(vocabulary.words))
    wide, dtype = vocabulary.table.shape[1], d.dtype
    table = vocabulary.table if len(found) == len(vocabulary.words) else vocabulary.table[found]
    rows, W = aligned((len(found), wide), dtype), zeros((PARTS, wide, net.width), dtype)
    sums, products = (zeros((PARTS, ROOM, n), dtype) for n in (net.width, wide))
    uses = (d, order, starts, bounds)
    job = Sum(1, net.width, *uses, rows, wide, table, net.WT, W, ROOM, sums, products)
    _run("add_up_products", job)
    return WordRows(vocabulary.words[found], rows[:, : net.D]), W.sum(0)


def _sorted(ids: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """The words that occur; their uses in order, where each begins, and the words of each part."""
    counts = np.bincount(ids, minlength=size)
    words = np.flatnonzero(counts)
    small = ids.astype(np.uint16) if size <= 1 << 16 else ids  # sorted by counting
    order = np.argsort(small, kind="stable").astype(np.int64, copy=False)
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(counts[words], out=starts[1:])
    ends = np.linspace(0, len(ids), PARTS + 1)
    bounds = np.searchsorted(starts, ends)
    bounds[-1] = len(words)
    return words, order, starts, bounds


def _run(kernel: str, job: Sum) -> None:
    """All parts."""
    compiled, words, like = getattr(summing(), kernel), addresses(job), job.d[:0, 0]
    threads.each(lambda k: compiled(like, words, k), PARTS)
