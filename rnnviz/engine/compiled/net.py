"""A layer's arrays as the compiled loops want them: gates in order, rows in whole vectors."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from rnnviz.arrays import ALIGNMENT, Array, Values, aligned, blocks
from rnnviz.cells import Cell
from rnnviz.engine.compiled.job import Net
from rnnviz.engine.compiled.memory import zeros
from rnnviz.engine.compiled.source import Plan, plan


def plan_of(cell: Cell) -> Plan:
    """The cell's plan, made once."""
    return _plan(cast(Any, cell))


@cache
def _plan(cell: Any) -> Plan:
    return plan(cell)


def whole(n: int, dtype: np.dtype[Any]) -> int:
    """n rounded up to whole vectors, the longest there are."""
    step = ALIGNMENT // dtype.itemsize
    return -(-n // step) * step


class Order:
    """Which column of W, U and b is which gate's."""

    def __init__(self, cell: Cell, H: int, dtype: np.dtype[Any]) -> None:
        self.cell, self.plan, self.units, self.H = cell, plan_of(cell), H, whole(H, dtype)
        self.inputs = [cell.gates.index(g) for g in self.plan.inputs]
        self.recurrent = [cell.gates.index(g) for g in self.plan.recurrent]
        self.G, self.apart = len(self.inputs), self.plan.apart
        self.blocks = self.G + self.apart  # of a row of gates

    def sorted(self, a: Array, order: list[int]) -> Array:
        """Columns (n, G·units) as (n, G·H)."""
        parts = blocks(a, self.G)
        found = aligned((len(a), self.G, self.H), a.dtype)
        found[:, :, self.units :] = 0
        for to, k in enumerate(order):
            found[:, to, : self.units] = parts[k]
        return found.reshape(len(a), -1)

    def back(self, a: Array, order: list[int]) -> Array:
        """Columns (n, G·H) as the cell has them, (n, G·units)."""
        parts = blocks(a, self.G)
        found = np.empty((len(a), self.G, self.units), a.dtype)
        for part, k in zip(parts, order, strict=True):
            found[:, k] = part[:, : self.units]
        return found.reshape(len(a), -1)

    def net(self, p: Values) -> Net:
        """The weights for the loops."""
        W, U = self.sorted(p["W"], self.inputs), self.sorted(p["U"], self.recurrent)
        wide = whole(len(W), W.dtype)
        WT = zeros((W.shape[1], wide), W.dtype)
        WT[:, : len(W)] = W.T
        UT = zeros((U.shape[1], self.H), U.dtype)
        UT[:, : len(U)] = U.T
        own = zeros((len(self.plan.own), self.H), W.dtype)
        for to, name in zip(own, self.plan.own, strict=True):
            to[: self.units] = p[name]
        N, states = self.blocks * self.H, len(self.plan.cell.states)
        sizes = (self.units, self.H, len(W), wide, W.shape[1], self.apart * self.H, N, states)
        return Net(0, 1, *sizes, W, U, WT, UT, self._bias(p["b"]), own)

    def _bias(self, b: Array) -> Array:
        """What a row of gates begins with."""
        both = b if b.ndim == 2 else np.stack([b, np.zeros_like(b)])
        found = zeros((self.blocks * self.H,), b.dtype)
        found[: self.G * self.H] = self.sorted(both[:1], self.inputs)[0]
        found[self.apart * self.H :] += self.sorted(both[1:], self.recurrent)[0]
        return found

    def unbias(self, d: Array, rows: int) -> Array:
        """The bias's gradient, from that of a row of gates; of one row or of two."""
        own = self.back(d[None, : self.G * self.H], self.inputs)
        if rows == 1:
            return own[0]
        recurrent = self.back(d[None, self.apart * self.H :], self.recurrent)
        return np.concatenate([own, recurrent])
