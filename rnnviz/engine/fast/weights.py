"""A layer's arrays as the quick loops want them, and the products they call at every step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import Cell
from rnnviz.engine.program import Program


class Weights:
    """W, U and b with the gates in the program's order; halved where it wants them so."""

    def __init__(self, plan: Program, p: Values, cell: Cell) -> None:
        H, G = p["U"].shape[0], len(plan.gates)
        self.G, self.H = G, H
        self.order = [cell.gates.index(g) for g in plan.gates]
        self.half = np.ones(G, p["U"].dtype)
        self.half[[plan.gates.index(g) for g in plan.halved]] = 0.5
        self.true = {k: self._sorted(p[k]) for k in ("W", "U")}
        scale = np.repeat(self.half, H)
        self.W, U = self.true["W"] * scale, self.true["U"] * scale
        b = self._sorted(p["b"])
        self.apart = np.repeat([g in plan.apart for g in plan.gates], H)
        recurrent = b if b.ndim == 1 else b[1] + np.where(self.apart, 0, b[0])
        self.UT = np.ascontiguousarray(np.concatenate([U, [recurrent]]) * 1, U.dtype).T.copy()
        self.UT[:, -1] *= scale
        self.bias = np.zeros(G * H, U.dtype) if b.ndim == 1 else np.where(self.apart, b[0], 0)

    def read(self, rows: Array, drop: Array | None) -> Array:
        """The input's share of the gates, bias included: (L, C, D) → (L, G·H, C)."""
        if drop is None or len(drop) == 1:
            A = np.matmul(self.W.T, rows.transpose(0, 2, 1))
        else:
            L, C, _ = rows.shape
            A = np.empty((L, self.G * self.H, C), rows.dtype)
            for k, g in enumerate(self.order):
                at = slice(k * self.H, (k + 1) * self.H)
                A[:, at] = np.matmul(self.W[:, at].T, (rows * drop[g, :C]).transpose(0, 2, 1))
        for k in np.flatnonzero(self.apart[:: self.H]).tolist():
            at = slice(k * self.H, (k + 1) * self.H)
            A[:, at] += _wide(self.bias[at], A.shape[2])
        return A

    def unread(self, K: Array, drop: Array | None) -> Array:
        """What the gates' gradients (L, G·H, C) give back to the input: (L, C, D)."""
        W, back = self.true["W"], K.transpose(0, 2, 1)
        if drop is None or len(drop) == 1:
            found = np.matmul(back, W.T)
            return found if drop is None else found * drop[0, : K.shape[2]]
        found = np.zeros((1, 1, 1), K.dtype)
        for k, g in enumerate(self.order):
            at = slice(k * self.H, (k + 1) * self.H)
            found = found + np.matmul(back[:, :, at], W[:, at].T) * drop[g, : K.shape[2]]
        return found

    def _sorted(self, a: Array) -> Array:
        parts = blocks(a, self.G)
        return np.concatenate([parts[k] for k in self.order], axis=-1)

    def back(self, a: Array) -> Array:
        """Columns in the cell's own order again."""
        parts: list[Array] = [a] * self.G
        for part, k in zip(blocks(a, self.G), self.order, strict=True):
            parts[k] = part
        return np.concatenate(parts, axis=-1)


def _wide(column: Array, C: int) -> Array:
    """A column for each of C sequences; made in full, since adding it then takes a fifth."""
    return np.repeat(column[:, None], C, axis=1)


#: What the loops call at every step: what is multiplied, and where the product goes.
Product = Callable[[Array, Array], object]


def recurrence(weights: Weights, drop: Array | None) -> Callable[[int], Product]:
    """For C columns: h, ones below (H + 1, C) → the gates' recurrent products (G·H, C)."""
    UT = weights.UT
    if drop is None:
        return lambda C: partial(np.dot, UT)
    G, H = weights.G, weights.H
    masks = np.ascontiguousarray(drop[weights.order].transpose(0, 2, 1))  # (G, H, B)
    U, bias = np.ascontiguousarray(UT[:, :H]).reshape(G, H, H), UT[:, H].copy()

    def of(C: int) -> Product:
        m, dropped = masks[:, :, :C], np.empty((G, H, C), masks.dtype)
        wide = _wide(bias, C)

        def product(h1: Array, out: Array) -> None:
            np.multiply(m, h1[:H], dropped)
            np.matmul(U, dropped, out.reshape(G, H, C))
            np.add(out, wide, out)

        return product

    return of


def recurrence_back(weights: Weights, drop: Array | None) -> Callable[[int], Product]:
    """For C columns: gradients of the recurrent products (G·H, C) → of h_prev (H, C)."""
    U = weights.true["U"]
    if drop is None:
        whole = np.ascontiguousarray(U)
        return lambda C: partial(np.dot, whole)
    G, H = weights.G, weights.H
    masks = np.ascontiguousarray(drop[weights.order].transpose(0, 2, 1))
    each = np.ascontiguousarray(U.reshape(H, G, H).transpose(1, 0, 2))  # (G, H, H)

    def of(C: int) -> Product:
        m, dropped = masks[:, :, :C], np.empty((G, H, C), masks.dtype)

        def product(k: Array, out: Array) -> None:
            np.matmul(each, k.reshape(G, H, C), dropped)
            np.multiply(dropped, m, dropped)
            dropped.sum(0, out=out)

        return product

    return of
