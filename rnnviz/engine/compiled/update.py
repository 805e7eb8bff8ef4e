"""An optimizer's step on a table of which a batch used only some rows, as compiled code."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.gate_order import padded
from rnnviz.engine.compiled.kernels import optimizer_kernels
from rnnviz.engine.compiled.memory import pack_fields
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.optimizers import Optimizer

#: Parts of a table that threads take one after the other.
PARTS = 16


def step_rows(optimizer: Optimizer, key: str, table: Array, found: WordRows) -> None:
    """The same as ``optimizer.step_rows``, by the same formulas.

    Tables whose rows are not whole SIMD vectors are left to ``optimizer.step_rows``.
    """
    V, E = table.shape
    arrays = (table, *(a[:V] for a in optimizer.slots(key, table)))
    rows = np.ascontiguousarray(found.rows, table.dtype)
    if E != padded(E, table.dtype) or not all(a.flags.c_contiguous for a in arrays):
        optimizer.step_rows(key, table, found)
        return
    numbers = optimizer.scalars()
    gradient_rows = np.full(V, -1)  # of each row of the table; -1: it has no gradient
    gradient_rows[found.words] = np.arange(len(rows))
    fields = pack_fields([E, rows, *arrays])
    values, like = np.array([*numbers.values()]), table[:0, 0]
    kernel = optimizer_kernels(optimizer.formulas, optimizer.names, tuple(numbers)).step_rows

    def step_part(k: int) -> None:
        kernel(like, fields, values, gradient_rows, k * V // PARTS, (k + 1) * V // PARTS)

    threads.for_each(step_part, PARTS)
