"""A layer's arrays as the compiled loops want them: gates in order, rows in whole vectors."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from rnnviz.arrays import ALIGNMENT, Array, Values, aligned, blocks
from rnnviz.cells import Cell
from rnnviz.engine.compiled.job import Net
from rnnviz.engine.compiled.memory import zeros
from rnnviz.engine.compiled.source import LoopSource, loop_source


def source_of(cell: Cell) -> LoopSource:
    """The cell's loops as text, written once."""
    return _source(cast(Any, cell))


@cache
def _source(cell: Any) -> LoopSource:
    return loop_source(cell)


def whole(n: int, dtype: np.dtype[Any]) -> int:
    """n rounded up to whole vectors, the longest there are."""
    step = ALIGNMENT // dtype.itemsize
    return -(-n // step) * step


class GateOrder:
    """Which column of W, U and b is which gate's."""

    def __init__(self, cell: Cell, H: int, dtype: np.dtype[Any]) -> None:
        self.cell, self.loops = cell, source_of(cell)
        self.units, self.H = H, whole(H, dtype)
        self.inputs = [cell.gates.index(g) for g in self.loops.inputs]
        self.recurrent = [cell.gates.index(g) for g in self.loops.recurrent]
        self.blocks = self.loops.blocks  # of a row of gates
        self.apart = self.blocks - len(self.recurrent)  # blocks before the sums with h_prev·U

    def sorted(self, a: Array, order: list[int]) -> Array:
        """Columns (n, ·units) in the order of gates in a row, (n, len(order)·H)."""
        parts = blocks(a, a.shape[1] // self.units)
        rows = aligned((len(a), len(order), self.H), a.dtype)
        rows[:, :, self.units :] = 0
        for to, k in enumerate(order):
            rows[:, to, : self.units] = parts[k]
        return rows.reshape(len(a), len(order) * self.H)

    def unsorted(self, a: Array, order: list[int]) -> Array:
        """Columns (n, len(order)·H) as the cell has them, (n, len(order)·units)."""
        columns = np.empty((len(a), len(order), self.units), a.dtype)
        for part, k in zip(blocks(a, len(order)), order, strict=True):
            columns[:, k] = part[:, : self.units]
        return columns.reshape(len(a), len(order) * self.units)

    def net(self, p: Values) -> Net:
        """The weights for the loops."""
        W, U = self.sorted(p["W"], self.inputs), self.sorted(p["U"], self.recurrent)
        wide = whole(len(W), W.dtype)
        WT = zeros((W.shape[1], wide), W.dtype)
        WT[:, : len(W)] = W.T
        UT = zeros((U.shape[1], self.H), U.dtype)
        UT[:, : len(U)] = U.T
        vectors = zeros((len(self.loops.vectors), self.H), W.dtype)
        for to, name in zip(vectors, self.loops.vectors, strict=True):
            to[: self.units] = p[name]
        widths = (W.shape[1], U.shape[1], self.apart * self.H, self.blocks * self.H)
        sizes = (self.units, self.H, len(W), wide, *widths, len(self.loops.cell.states))
        return Net(0, 1, *sizes, W, U, WT, UT, self._bias(p["b"]), vectors)

    def _bias(self, b: Array) -> Array:
        """What a row of gates begins with."""
        both = b if b.ndim == 2 else np.stack([b, np.zeros_like(b)])
        row = zeros((self.blocks * self.H,), b.dtype)
        row[: len(self.inputs) * self.H] = self.sorted(both[:1], self.inputs)[0]
        row[self.apart * self.H :] += self.sorted(both[1:], self.recurrent)[0]
        return row

    def bias_gradient(self, d: Array, rows: int) -> Array:
        """The bias's gradient, from that of a row of gates; of one row or of two."""
        own = self.unsorted(d[None, : len(self.inputs) * self.H], self.inputs)
        if rows == 1:
            return own[0]
        recurrent = self.unsorted(d[None, self.apart * self.H :], self.recurrent)
        return np.concatenate([own, recurrent])
