"""Tiles of a matrix product, whose sums stay in vector registers, as LLVM instructions.

Written as instructions, because reading the same as Python takes numba more than a second.
"""

from __future__ import annotations

from typing import Any

from rnnviz.engine.compiled.simd import (
    CodeGenerator,
    Vector,
    call_llvm,
    intrinsic,
    ir,
    llvm_type,
    splat,
    types,
)


def _tile(
    typing: Any, rows: Any, vectors: Any, S: Any, s: Any, S_row: Any, C: Any, c: Any, C_row: Any,
    A: Any, a: Any, A_row: Any, A_column: Any, B: Any, b: Any, B_row: Any, K: Any,
) -> tuple[Any, CodeGenerator]:  # fmt: skip
    """C = S + A·B in a tile of C, of so many rows and vectors, which are literals."""
    vector = Vector(C.dtype)
    R, V = range(rows.literal_value), range(vectors.literal_value)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        S, s, S_row, C, c, C_row, A, a, A_row, A_column, B, b, B_row, K = args[2:]
        kind = llvm_type(vector)

        def address(array: Any, start: Any, *more: Any) -> Any:
            for n, step in more:
                start = builder.add(start, builder.mul(ir.Constant(start.type, n), step))
            return builder.gep(array, [start])

        def at(array: Any, start: Any, r: int, row: Any, v: int) -> Any:
            lanes = ir.Constant(start.type, vector.lanes)
            number = address(array, start, (r, row), (v, lanes))
            return builder.bitcast(number, kind.as_pointer())

        def load(*place: Any) -> Any:
            loaded = builder.load(at(*place))
            loaded.align = C_bytes
            return loaded

        C_bytes = vector.dtype.bitwidth // 8
        first = [load(S, s, r, S_row, v) for r in R for v in V]
        before, zero = builder.basic_block, ir.Constant(K.type, 0)
        head, body, end = map(builder.append_basic_block, ("tile.head", "tile.body", "tile.end"))
        builder.branch(head)
        builder.position_at_end(head)
        k, sums = builder.phi(K.type), [builder.phi(kind) for _ in first]
        builder.cbranch(builder.icmp_signed("<", k, K), body, end)
        builder.position_at_end(body)
        a_k = builder.add(a, builder.mul(k, A_column))
        b_k = builder.add(b, builder.mul(k, B_row))
        row_of_B = [load(B, b_k, 0, zero, v) for v in V]
        numbers = (builder.load(address(A, a_k, (r, A_row))) for r in R)
        spread = [splat(builder, kind, number) for number in numbers]
        factors = [(x, y) for x in spread for y in row_of_B]
        later = [
            call_llvm(builder, "fma", x, y, total)
            for (x, y), total in zip(factors, sums, strict=True)
        ]
        next_k = builder.add(k, ir.Constant(K.type, 1))
        builder.branch(head)
        for phi, start, following in zip((k, *sums), (zero, *first), (next_k, *later), strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(following, body)
        builder.position_at_end(end)
        for n, total in enumerate(sums):
            r, v = divmod(n, len(V))
            builder.store(total, at(C, c, r, C_row, v)).align = C_bytes
        return context.get_dummy_value()

    parameters = (rows, vectors, S, s, S_row, C, c, C_row, A, a, A_row, A_column, B, b, B_row, K)
    return types.void(*parameters), code


multiply_tile = intrinsic(prefer_literal=True)(_tile)
