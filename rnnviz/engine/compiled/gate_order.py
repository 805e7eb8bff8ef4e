"""A layer's weights in the layout of the compiled loops: gates reordered, rows padded."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from rnnviz.arrays import ALIGNMENT, Array, Values, aligned, blocks
from rnnviz.cells import Cell
from rnnviz.engine.compiled.kernels import loop_functions
from rnnviz.engine.compiled.loop_arguments import LayerWeights
from rnnviz.engine.compiled.memory import zeros
from rnnviz.engine.compiled.source import CellSource, cell_source


def source_of(cell: Cell) -> CellSource:
    """The source of the cell's loops; cached."""
    return _source(cast(Any, cell))


@cache
def _source(cell: Any) -> CellSource:
    return cell_source(cell)


def padded(n: int, dtype: np.dtype[Any]) -> int:
    """n rounded up to whole SIMD vectors, the longest there are."""
    step = ALIGNMENT // dtype.itemsize
    return -(-n // step) * step


class GateOrder:
    """The order of the gates' columns in the loops, and conversions to and from the cell's order.

    ``inputs`` and ``recurrent`` are the indices of the gates in the order of x·W and of h_prev·U.
    """

    def __init__(self, cell: Cell, H: int, dtype: np.dtype[Any]) -> None:
        self.cell, self.source = cell, source_of(cell)
        self.H, self.H_padded = H, padded(H, dtype)
        self.inputs = [cell.gates.index(g) for g in self.source.inputs]
        self.recurrent = [cell.gates.index(g) for g in self.source.recurrent]
        self.blocks = self.source.blocks  # of a row of gates
        self.hu_block = self.blocks - len(self.recurrent)  # the first block of h_prev·U

    def to_loop_order(self, a: Array, order: list[int]) -> Array:
        """Columns (n, gates·H) in the order of the loops, (n, len(order)·H_padded)."""
        parts = blocks(a, a.shape[1] // self.H)
        rows = aligned((len(a), len(order), self.H_padded), a.dtype)
        if self.H < self.H_padded:
            rows[:, :, self.H :] = 0
        for to, k in enumerate(order):
            rows[:, to, : self.H] = parts[k]
        return rows.reshape(len(a), len(order) * self.H_padded)

    def to_cell_order(self, a: Array, order: list[int]) -> Array:
        """Columns (n, len(order)·H_padded) in the order of the cell, (n, len(order)·H)."""
        if self.H == self.H_padded and order == sorted(order):
            return a
        columns = np.empty((len(a), len(order), self.H), a.dtype)
        for part, k in zip(blocks(a, len(order)), order, strict=True):
            columns[:, k] = part[:, : self.H]
        return columns.reshape(len(a), len(order) * self.H)

    def weights(self, p: Values) -> LayerWeights:
        """The weights as the loops read them."""
        W = self.to_loop_order(p["W"], self.inputs)
        U = self.to_loop_order(p["U"], self.recurrent)
        D_padded = padded(len(W), W.dtype)
        vectors = zeros((len(self.source.vectors), self.H_padded), W.dtype)
        for to, name in zip(vectors, self.source.vectors, strict=True):
            to[: self.H] = p[name]
        return LayerWeights(
            zero=0,
            one=1,
            H=self.H,
            H_padded=self.H_padded,
            D=len(W),
            D_padded=D_padded,
            xw_width=W.shape[1],
            hu_width=U.shape[1],
            hu_start=self.hu_block * self.H_padded,
            row_width=self.blocks * self.H_padded,
            state_count=len(self.source.cell.states),
            **loop_functions(self.cell, W.dtype)._asdict(),
            vector_count=len(vectors),
            W=W,
            U=U,
            W_T=transposed(W, D_padded),
            U_T=transposed(U, self.H_padded),
            bias=self._bias(p.get("b"), W.dtype),
            cell_vectors=vectors,
        )

    def _bias(self, b: Array | None, dtype: np.dtype[Any]) -> Array:
        """The bias of a row of gates, (row_width); zero without one."""
        row = zeros((self.blocks * self.H_padded,), dtype)
        if b is None:
            return row
        inputs = self.to_loop_order(b.reshape(-1, b.shape[-1])[:1], self.inputs)[0]
        row[: len(inputs)] = inputs
        if b.ndim == 2:
            row[self.hu_block * self.H_padded :] += self.to_loop_order(b[1:], self.recurrent)[0]
        return row

    def bias_gradient(self, d: Array, rows: int) -> Array:
        """The gradient of the bias, of one row or two, from that of a row of gates."""
        width = len(self.inputs) * self.H_padded
        of_input = self.to_cell_order(d[None, :width], self.inputs)
        if rows == 1:
            return of_input[0]
        of_state = self.to_cell_order(d[None, self.hu_block * self.H_padded :], self.recurrent)
        return np.concatenate([of_input, of_state])


def transposed(a: Array, width: int) -> Array:
    """aᵀ, with rows padded to ``width`` with zeros."""
    rows = aligned((a.shape[1], width), a.dtype)
    rows[:, len(a) :] = 0
    rows[:, : len(a)] = a.T
    return rows
