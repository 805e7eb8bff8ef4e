"""Matrix products in the compiled loops: source text, see ``forward_loop.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnviz.engine.compiled.loop_arguments import FloatArray

if TYPE_CHECKING:
    from rnnviz.engine.compiled.simd import call


def padded_rows(rows: int) -> int:
    """The number of rows up to whole tiles of products."""
    return (rows + 1) // 2 * 2


def product(
    multiply: int,
    C: FloatArray,
    c: int,
    C_row: int,
    A: FloatArray,
    a: int,
    A_row: int,
    A_column: int,
    B: FloatArray,
    b: int,
    B_row: int,
    rows: int,
    columns: int,
    K: int,
) -> None:
    """C (rows, columns) += A (rows, K) · B (K, columns), by the function at that address."""
    call(multiply, C, c, C_row, C, c, C_row, A, a, A_row, A_column, B, b, B_row, rows, columns, K)
