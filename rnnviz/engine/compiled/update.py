"""An optimizer's step on a table of which a batch used only some rows, in one walk through it."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.kernels import stepping
from rnnviz.engine.compiled.memory import addresses
from rnnviz.engine.compiled.net import whole
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.optimizers import Optimizer

#: Parts of a table that threads take one after the other.
PARTS = 16


def step_rows(optimizer: Optimizer, key: str, table: Array, found: WordRows) -> None:
    """What ``optimizer.step_rows`` does, and by the same formulas.

    A table that the loops cannot walk through is left to the optimizer itself.
    """
    V, E = table.shape
    arrays = (table, *(a[:V] for a in optimizer.gathered(key, table)))
    rows = np.ascontiguousarray(found.rows, table.dtype)
    if E != whole(E, table.dtype) or not all(a.flags.c_contiguous for a in arrays):
        optimizer.step_rows(key, table, found)
        return
    numbers = optimizer.read()
    gradient = np.full(V, -1)
    gradient[found.words] = np.arange(len(rows))
    words = addresses([E, rows, *arrays])
    given, like = np.array([*numbers.values()]), table[:0, 0]
    kernel = stepping(optimizer.formulas, optimizer.names, tuple(numbers)).step_rows

    def part(k: int) -> None:
        kernel(like, words, given, gradient, k * V // PARTS, (k + 1) * V // PARTS)

    threads.each(part, PARTS)
