"""A layer's arrays as the quick loops want them, and the products they call at every step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from rnnviz.arrays import Array, Values, aligned, blocks
from rnnviz.cells import Cell
from rnnviz.engine.program import Program

#: What the loops call at every step: what is multiplied, and where the product goes.
Product = Callable[[Array, Array], object]


class Weights:
    """W, U and b with the gates in the program's order; halved where it wants them so.

    The matrices of the products are views of transposed arrays: on the left of a product of a few
    dozen rows BLAS reads those in half the time.
    """

    def __init__(self, plan: Program, p: Values, cell: Cell) -> None:
        H, G = p["U"].shape[0], len(plan.gates)
        self.G, self.H, self.joint = G, H, G - len(plan.apart)
        self.order = [cell.gates.index(g) for g in plan.gates]
        self.W, self.U = self._sorted(p["W"]), self._sorted(p["U"])
        b = self._sorted(p["b"])
        n = self.joint * H
        half = np.repeat([0.5 if g in plan.halved else 1.0 for g in plan.gates], H)
        scale = half[:n].astype(b.dtype)
        both = b[:n] if b.ndim == 1 else b[0, :n] + b[1, :n]
        #: (H + 1 + D, n·H): what (h_prev, 1, x) is multiplied with, for gates with one sum.
        self.sums = np.concatenate([self.U[:, :n], [both], self.W[:, :n]]) * scale
        #: For each other gate what (h_prev, 1) and what (1, x) is multiplied with.
        self.apart: list[tuple[Array, Array]] = []
        for k in range(self.joint, G):
            U, W = self.U[:, self.at(k)], self.W[:, self.at(k)]
            bias = b[:, self.at(k)]
            self.apart.append((np.concatenate([U, bias[1:]]), np.concatenate([bias[:1], W])))

    def at(self, k: int) -> slice:
        """The columns of gate k."""
        return slice(k * self.H, (k + 1) * self.H)

    def read(self, hx: Array, A: Array, drop: Array | None) -> None:
        """The input's share of gates that have it apart: hx (L, H + 1 + D, C) into A (L, G·H, C).

        ``drop``: dropout of x by gate, (G, D, C).
        """
        for k, (_, W) in enumerate(self.apart, self.joint):
            x = hx[:, self.H :]
            if drop is not None:
                x = x.copy()
                x[:, 1:] *= drop[k]
            np.matmul(W.T, x, out=A[:, self.at(k)])

    def unread(self, K: Array, drop: Array | None) -> Array:
        """What the gates' gradients (L, G·H, C) give back to the input: (L, D, C).

        ``drop``: dropout of x, (1, D, C), or by gate, (G, D, C).
        """
        if drop is None or len(drop) == 1:
            found = np.matmul(self.W, K)
            return found if drop is None else found * drop[0]
        found = np.zeros((1, 1, 1), K.dtype)
        for k in range(self.G):
            found = found + np.matmul(self.W[:, self.at(k)], K[:, self.at(k)]) * drop[k]
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


class Drops:
    """Dropout masks as the loops want them: gates in the program's order, features first."""

    def __init__(self, weights: Weights, x: Array | None, h: Array | None) -> None:
        self.each = h is not None or (x is not None and len(x) > 1)  # one mask a gate
        order = weights.order if self.each else [0]
        self.x = None if x is None else _feature_major(x, order if len(x) > 1 else [0])
        self.h = None if h is None else _feature_major(h, order)  # (G, H, B)

    def x_of(self, C: int) -> Array | None:
        """Those of the input for C sequences: (1, D, C), or by gate, (G, D, C)."""
        return None if self.x is None else self.x[:, :, :C]

    def gates_of(self, C: int) -> Array | None:
        """Those of the input, where each gate has its own."""
        return self.x_of(C) if self.x is not None and len(self.x) > 1 else None


def _feature_major(mask: Array, order: list[int]) -> Array:
    return np.ascontiguousarray(mask[order].transpose(0, 2, 1))


def recurrence(
    weights: Weights, drops: Drops, D: int
) -> Callable[[int], tuple[Product, list[Product]]]:
    """For C columns: (h_prev, 1, x) → sums of the joint gates; (h_prev, 1) → of each other."""
    if not drops.each:
        # The method, not the function: that one asks first whose arrays they are.
        whole: Product = weights.sums.T.dot
        rest: list[Product] = [U.T.dot for U, _ in weights.apart]
        return lambda C: (whole, rest)
    n, H = weights.joint, weights.H
    sums = weights.sums.reshape(H + 1 + D, n, H).transpose(1, 2, 0)  # (n, H, H + 1 + D)

    def of(C: int) -> tuple[Product, list[Product]]:
        mask = aligned((weights.G, H + 1 + D, C), sums.dtype)
        mask[...] = 1
        if drops.h is not None:
            mask[:, :H] = drops.h[:, :, :C]
        x = drops.gates_of(C)  # one mask for all gates is in x already
        if x is not None:
            mask[:, H + 1 :] = x
        each: list[Product] = [
            partial(_masked, U.T, mask[k, : H + 1], aligned((H + 1, C), sums.dtype))
            for k, (U, _) in enumerate(weights.apart, n)
        ]
        room = aligned((n, H + 1 + D, C), sums.dtype)
        return partial(_masked_gates, sums, mask[:n], room), each

    return of


def _masked(U: Array, mask: Array, room: Array, h: Array, out: Array) -> None:
    np.multiply(mask, h, room)
    U.dot(room, out)


def _masked_gates(U: Array, mask: Array, room: Array, h: Array, out: Array) -> None:
    np.multiply(mask, h, room)
    np.matmul(U, room, out.reshape(len(U), -1, out.shape[1]))


def recurrence_back(weights: Weights, drops: Drops) -> Callable[[int], Product]:
    """For C columns: gradients of the recurrent products (G·H, C) → of h_prev (H, C)."""
    turned = np.ascontiguousarray(weights.U.T)  # (G·H, H)
    if drops.h is None:
        whole: Product = turned.T.dot
        return lambda C: whole
    masks, G, H = drops.h, weights.G, weights.H
    each = turned.reshape(G, H, H).transpose(0, 2, 1)

    def of(C: int) -> Product:
        mask, dropped = masks[:, :, :C], aligned((G, H, C), masks.dtype)

        def product(k: Array, out: Array) -> None:
            np.matmul(each, k.reshape(G, H, C), dropped)
            np.multiply(dropped, mask, dropped)
            dropped.sum(0, out=out)

        return product

    return of
