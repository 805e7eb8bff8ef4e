"""Sums over all uses of a word: the text of a compiled module, as ``loops.py`` is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnviz.arrays import Array
from rnnviz.engine.compiled.job import Floats, Sum

if TYPE_CHECKING:
    from rnnviz.engine.compiled.loops import added, cleared, copied, product
    from rnnviz.engine.compiled.opening import opened_sum
    from rnnviz.engine.compiled.simd import at


def add_up_word(job: Sum, word: int, a: Floats, to: int) -> None:
    """The sum of a word's rows."""
    start, width = at(job.starts, word), job.width
    copied(job.d, at(job.order, start) * width, a, to, width)
    for use in range(start + 1, at(job.starts, word + 1)):
        added(job.d, at(job.order, use) * width, a, to, width)


def add_up(like: Array, words: Array, k: int) -> None:
    """The sums of part k."""
    job = opened_sum(like, words)
    for word in range(at(job.bounds, k), at(job.bounds, k + 1)):
        add_up_word(job, word, job.rows, word * job.width)


def add_up_products(like: Array, words: Array, k: int) -> None:
    """The gradients of the words' rows, and of W, from the sums of part k."""
    job = opened_sum(like, words)
    width, wide, word, end = job.width, job.wide, at(job.bounds, k), at(job.bounds, k + 1)
    sums, products = k * job.room * width, k * job.room * wide
    while word < end:
        n = min(job.room, end - word)
        for r in range(n):
            add_up_word(job, word + r, job.sums, sums + r * width)
        product(job.W, k * wide * width, width, job.table, word * wide, job.one, wide,
                job.sums, sums, width, wide, width, n)  # fmt: skip
        up = (n + 3) // 4 * 4
        cleared(job.products, products, up * wide)
        product(job.products, products, wide, job.sums, sums, width, job.one,
                job.WT, job.one - 1, wide, up, wide, width)  # fmt: skip
        copied(job.products, products, job.rows, word * wide, n * wide)
        word += n
