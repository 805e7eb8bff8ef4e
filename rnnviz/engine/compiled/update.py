"""An optimizer's step as compiled code, on all cores."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.gate_order import padded
from rnnviz.engine.compiled.kernels import optimizer_kernels
from rnnviz.engine.compiled.memory import pack_fields
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.optimizers import Optimizer, step_arrays

#: Parts of a table that threads take one after the other.
PARTS = 16


class _Part(NamedTuple):
    """Some rows of a parameter, as the kernel takes them."""

    fields: Array
    gradient_rows: Array  # of each row of the parameter; -1: it has no gradient
    first: int
    end: int


def step(
    optimizer: Optimizer,
    params: Mapping[str, Array],
    grads: Mapping[str, Array],
    embedding: WordRows | None,
) -> None:
    """See :meth:`rnnviz.engine.backend.Backend.step`.

    By the formulas of the optimizer; parameters that are not whole SIMD vectors are left to its
    own step.
    """
    numbers = optimizer.begin()
    parts: list[_Part] = []
    rest: dict[str, Array] = {}
    for key, g in grads.items():
        p = params[key]
        arrays = (p, *optimizer.slots(key, p))
        if _is_whole(p.size, arrays) and g.dtype == p.dtype and g.flags.c_contiguous:
            parts.append(_Part(pack_fields([p.size, g, *arrays]), _ONE_ROW, 0, 1))
        else:
            rest[key] = g
    if embedding is not None:
        table = params["embedding"]
        V, E = table.shape
        arrays = (table, *(a[:V] for a in optimizer.slots("embedding", table)))
        if _is_whole(E, arrays):
            rows = np.ascontiguousarray(embedding.rows, table.dtype)
            gradient_rows = np.full(V, -1)
            gradient_rows[embedding.words] = np.arange(len(rows))
            fields, bounds = (
                pack_fields([E, rows, *arrays]),
                [k * V // PARTS for k in range(PARTS + 1)],
            )
            parts += [
                _Part(fields, gradient_rows, first, end)
                for first, end in itertools.pairwise(bounds)
            ]
        else:
            optimizer.step_rows("embedding", table, embedding)
    if parts:
        _run(optimizer, numbers, parts, next(iter(params.values())))
    step_arrays(optimizer, params, rest)


_ONE_ROW = np.zeros(1, np.int64)


def _is_whole(size: int, arrays: tuple[Array, ...]) -> bool:
    """Whether rows of this size are whole SIMD vectors, and the arrays can be read as flat ones."""
    same = arrays[0].dtype
    return size == padded(size, same) and all(
        a.flags.c_contiguous and a.dtype == same for a in arrays
    )


def _run(
    optimizer: Optimizer, numbers: Mapping[str, float], parts: list[_Part], param: Array
) -> None:
    values, like = np.array([*numbers.values()]), np.empty(0, param.dtype)
    kernel = optimizer_kernels(optimizer.formulas, optimizer.names, tuple(numbers)).step_rows

    def step_part(k: int) -> None:
        part = parts[k]
        kernel(like, part.fields, values, part.gradient_rows, part.first, part.end)

    threads.for_each(step_part, len(parts))
