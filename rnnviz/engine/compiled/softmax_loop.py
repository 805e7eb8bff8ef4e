"""A dense layer with softmax, its loss and its gradients: source text, see ``forward_loop.py``.

Some rows at a time go from the features to the logits, to the gradients of the logits and to those
of the weights and features, so that all of them stay in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnviz.arrays import Array
from rnnviz.engine.compiled.loop_arguments import FloatArray, IntArray, SoftmaxArguments
from rnnviz.engine.compiled.products import padded_rows, product
from rnnviz.engine.compiled.row_copies import add_vectors, clear_vectors, copy_vectors

if TYPE_CHECKING:
    from rnnviz.engine.compiled.argument_unpacking import unpack_softmax_arguments
    from rnnviz.engine.compiled.simd import (
        add,
        call,
        fill,
        first,
        indicator,
        item,
        lanes,
        load,
        maximum,
        mul,
        set_item,
        store,
        sub,
        without_tiny,
    )
    from rnnviz.engine.compiled.vector_functions import exp, largest, total

    def softmax_loss(z: Any, m: Any, s: Any) -> Any:
        """The loss of the rows of a vector; see ``losses.FORMULAS``."""

    def softmax_slope(z: Any, y: Any, m: Any, s: Any) -> Any:
        """The gradient at the logits of a vector."""


def is_largest(logits: FloatArray, start: int, K: int, k: int) -> bool:
    """Whether the k-th of K logits is the largest one, and the first of equal ones."""
    number = item(logits, start + k)
    for j in range(k):
        if not item(logits, start + j) < number:
            return False
    for j in range(k + 1, K):
        if not item(logits, start + j) <= number:
            return False
    return True


def softmax_row(
    arguments: SoftmaxArguments, start: int, right: int, share: float, numbers: int
) -> None:
    """Replace the logits of a row, from ``start`` on, by their gradients.

    ``numbers`` is the row's place in ``row_numbers``.
    """
    logits, n = arguments.logits, arguments.K_padded
    of_row, rows = arguments.row_numbers, arguments.chunk_rows
    largest_logits, sums = load(logits, start), fill(logits, 0.0)
    for j in range(lanes(logits), n, lanes(logits)):
        largest_logits = maximum(largest_logits, load(logits, start + j))
    m = largest(largest_logits)
    for j in range(0, n, lanes(logits)):
        sums = add(sums, exp(sub(load(logits, start + j), m)))
    s, factor = total(sums), fill(logits, share)
    set_item(of_row, numbers, item(logits, start + right))
    set_item(of_row, numbers + rows, first(m))
    set_item(of_row, numbers + 2 * rows, first(s))
    set_item(of_row, numbers + 3 * rows, first(factor))
    for j in range(0, n, lanes(logits)):
        z, y = load(logits, start + j), indicator(logits, right - j)
        store(logits, start + j, without_tiny(mul(softmax_slope(z, y, m, s), factor)))


def add_losses(arguments: SoftmaxArguments, part: int, rows: int) -> None:
    """Add the losses of some rows to that of the part, each times its share.

    Up to a whole vector, behind the rows is the first one with a share of zero.
    """
    n, of_row = arguments.chunk_rows, arguments.row_numbers
    start, at = part * 4 * n, part * arguments.K_padded
    for r in range(rows, (rows + lanes(of_row) - 1) // lanes(of_row) * lanes(of_row)):
        for k in range(4):
            set_item(of_row, start + k * n + r, item(of_row, start + k * n))
        set_item(of_row, start + 3 * n + r, first(fill(of_row, 0.0)))
    for r in range(0, rows, lanes(of_row)):
        i = start + r
        losses = softmax_loss(load(of_row, i), load(of_row, i + n), load(of_row, i + 2 * n))
        weighted = mul(losses, load(of_row, i + 3 * n))
        store(arguments.loss, at, add(load(arguments.loss, at), weighted))


def softmax_head(like: Array, fields: IntArray, part: int) -> None:
    """The loss and the gradients of a part's rows.

    ``fields`` are those of a SoftmaxArguments, ``like`` an array of its precision.
    """
    arguments = unpack_softmax_arguments(like, fields)
    F_padded, K_padded, multiply = arguments.F_padded, arguments.K_padded, arguments.multiply
    zero, one, chunk = arguments.zero, arguments.one, arguments.chunk_rows
    inputs, logits, products = arguments.inputs, arguments.logits, arguments.products
    x, z, d_W = part * chunk * F_padded, part * chunk * K_padded, part * F_padded * K_padded
    row, end = item(arguments.part_bounds, part), item(arguments.part_bounds, part + 1)
    clear_vectors(arguments.d_W, d_W, F_padded * K_padded)
    clear_vectors(arguments.d_b, part * K_padded, K_padded)
    clear_vectors(arguments.loss, part * K_padded, K_padded)
    right = zero
    while row < end:
        n = min(chunk, end - row)
        n_padded = padded_rows(n)
        for r in range(n):
            offset = item(arguments.offsets, row + r)
            copy_vectors(arguments.features, offset, inputs, x + r * F_padded, F_padded)
        clear_vectors(inputs, x + n * F_padded, (n_padded - n) * F_padded)
        call(multiply, arguments.bias, zero, zero, logits, z, K_padded, inputs, x, F_padded, one,
             arguments.W, zero, K_padded, n_padded, K_padded, arguments.F)  # fmt: skip
        for r in range(n):
            start, k = z + r * K_padded, item(arguments.classes, row + r)
            right += is_largest(logits, start, arguments.K, k)
            share = item(arguments.shares, row + r)
            softmax_row(arguments, start, k, share, part * 4 * chunk + r)
            add_vectors(logits, start, arguments.d_b, part * K_padded, K_padded)
        clear_vectors(logits, z + n * K_padded, (n_padded - n) * K_padded)
        add_losses(arguments, part, n)
        product(multiply, arguments.d_W, d_W, K_padded, inputs, x, one, F_padded,
                logits, z, K_padded, F_padded, K_padded, n)  # fmt: skip
        call(multiply, arguments.no_bias, zero, zero, products, x, F_padded,
             logits, z, K_padded, one, arguments.W_T, zero, F_padded,
             n_padded, F_padded, arguments.K)  # fmt: skip
        for r in range(n):
            to = item(arguments.d_offsets, row + r)
            copy_vectors(products, x + r * F_padded, arguments.d_features, to, F_padded)
        row += n
    set_item(arguments.right, part, right)
