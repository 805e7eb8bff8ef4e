"""Sums over all uses of a word: source text of a compiled module, see ``forward_loop.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnviz.arrays import Array
from rnnviz.engine.compiled.loop_arguments import FloatArray, SumArguments
from rnnviz.engine.compiled.products import padded_rows, product
from rnnviz.engine.compiled.row_copies import add_vectors, clear_vectors, copy_vectors

if TYPE_CHECKING:
    from rnnviz.engine.compiled.argument_unpacking import unpack_sum_arguments
    from rnnviz.engine.compiled.simd import item


def sum_word(arguments: SumArguments, word: int, result: FloatArray, offset: int) -> None:
    """Write the sum of a word's rows to ``result``."""
    start, width = item(arguments.starts, word), arguments.width
    copy_vectors(arguments.d, item(arguments.order, start) * width, result, offset, width)
    for use in range(start + 1, item(arguments.starts, word + 1)):
        add_vectors(arguments.d, item(arguments.order, use) * width, result, offset, width)


def sum_by_word(like: Array, fields: Array, part: int) -> None:
    """The sum of each word's rows, for the words of a part."""
    arguments = unpack_sum_arguments(like, fields)
    for word in range(item(arguments.part_bounds, part), item(arguments.part_bounds, part + 1)):
        sum_word(arguments, word, arguments.result, word * arguments.width)


def product_gradients(like: Array, fields: Array, part: int) -> None:
    """The gradients of embeddings and of W, from those of their products, for a part's words."""
    arguments = unpack_sum_arguments(like, fields)
    width, D_padded = arguments.width, arguments.D_padded
    word, end = item(arguments.part_bounds, part), item(arguments.part_bounds, part + 1)
    sums = part * arguments.chunk_rows * width
    products = part * arguments.chunk_rows * D_padded
    clear_vectors(arguments.d_W, part * D_padded * width, D_padded * width)
    while word < end:
        n = min(arguments.chunk_rows, end - word)
        for r in range(n):
            sum_word(arguments, word + r, arguments.chunk_sums, sums + r * width)
        product(arguments.multiply, arguments.d_W, part * D_padded * width, width,
                arguments.table, word * D_padded, arguments.one, D_padded,
                arguments.chunk_sums, sums, width, D_padded, width, n)  # fmt: skip
        n_padded = padded_rows(n)
        clear_vectors(arguments.chunk_products, products, n_padded * D_padded)
        product(arguments.multiply, arguments.chunk_products, products, D_padded,
                arguments.chunk_sums, sums, width, arguments.one,
                arguments.W_T, arguments.one - 1, D_padded, n_padded, D_padded, width)  # fmt: skip
        copy_vectors(
            arguments.chunk_products, products, arguments.result, word * D_padded, n * D_padded
        )
        word += n
