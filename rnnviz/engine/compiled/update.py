"""An optimizer's step as compiled code, on all cores."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
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
    like = np.empty(0, next((p.dtype for p in params.values()), np.float32))
    parts: list[_Part] = []
    rest: dict[str, Array] = {}
    for key, g in grads.items():
        arrays = (params[key], *optimizer.slots(key, params[key]))
        if _are_whole(g.size, (g, *arrays), like):
            parts.append(_Part(pack_fields([g.size, g, *arrays]), _ONE_ROW, 0, 1))
        else:
            rest[key] = g
    if embedding is not None:
        V, E = params["embedding"].shape
        slots = optimizer.slots("embedding", params["embedding"])
        arrays = (params["embedding"], *(a[:V] for a in slots))
        words, rows = embedding.words, np.ascontiguousarray(embedding.rows, like.dtype)
        if _are_whole(E, arrays, like):
            parts += _table_parts(pack_fields([E, rows, *arrays]), V, words)
        else:
            optimizer.step_rows("embedding", params["embedding"], embedding)
    if parts:
        _run(optimizer, numbers, parts, like)
    step_arrays(optimizer, params, rest)


_ONE_ROW = np.zeros(1, np.int64)


def _are_whole(size: int, arrays: tuple[Array, ...], like: Array) -> bool:
    """Whether rows of this size are whole SIMD vectors, and the arrays can be read as flat ones."""
    return size == padded(size, like.dtype) and all(
        a.flags.c_contiguous and a.dtype == like.dtype for a in arrays
    )


def _table_parts(fields: Array, V: int, words: Array) -> list[_Part]:
    """The parts of a table of V rows, of which these ``words`` have gradients."""
    gradient_rows = np.full(V, -1)
    gradient_rows[words] = np.arange(len(words))
    ends = [k * V // PARTS for k in range(PARTS + 1)]
    return [_Part(fields, gradient_rows, first, end) for first, end in pairwise(ends)]


def _run(
    optimizer: Optimizer, numbers: Mapping[str, float], parts: list[_Part], like: Array
) -> None:
    values = np.array([*numbers.values()])
    kernel = optimizer_kernels(optimizer.formulas, optimizer.names, tuple(numbers)).step_rows

    def step_part(k: int) -> None:
        part = parts[k]
        kernel(like, part.fields, values, part.gradient_rows, part.first, part.end)

    threads.for_each(step_part, len(parts))
