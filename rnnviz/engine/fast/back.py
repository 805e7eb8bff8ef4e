"""The quick way back: gradients through time, and their sums over steps and batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array, Values, aligned
from rnnviz.cells import Cell
from rnnviz.engine.fast.chunks import Chunk, FastScan, Lookup, Room, columns, constants
from rnnviz.engine.fast.weights import Drops, Weights, recurrence_back
from rnnviz.engine.program import program
from rnnviz.engine.words import WordRows, summed_rows

#: Gradients far smaller than this become zero when they cross from chunk to chunk. They vanish on
#: their way back, and arithmetic on numbers below 1e-38 takes a hundred times as long; next to the
#: 1e-7 that optimizers add to a gradient's size, nobody could see them.
NOTHING = {
    np.dtype(np.float32): np.array(1e-15, np.float32),
    np.dtype(np.float64): np.array(1e-240),
}


class FastUnscan:
    """The gradients that walking back gave."""

    def __init__(
        self, done: FastScan, params: Values, initial: Values, x: Array | None,
        words: WordRows | None,
    ) -> None:  # fmt: skip
        self.params = params  # of the trained arrays
        self.initial = initial  # of the states before the first step, (B, H)
        self._done, self._x, self._words = done, x, words

    @property
    def x(self) -> Array:
        """Of the layer's input, (T, B, D)."""
        if self._x is None or isinstance(self._done.x, Lookup):
            raise KeyError("x: not asked for, or looked up (then see rows())")
        return self._x

    def rows(self) -> tuple[Array, Array]:
        """Of a looked-up input: ids (P) and the gradients (P, D) of the table rows they took."""
        x = self._done.x
        if self._words is not None:
            return self._words
        if self._x is None or not isinstance(x, Lookup):
            raise KeyError("rows: not asked for, or not looked up (then see x)")
        return np.concatenate([columns(x.ids, c.part).ravel() for c in self._done.chunks]), self._x


def unscan(
    cell: Cell,
    p: Values,
    done: FastScan,
    d_h: Array | None = None,
    d_last: Mapping[str, Array] | None = None,
    *,
    need_x: bool = True,
) -> FastUnscan:
    """Walk back; see :func:`rnnviz.engine.recurrent.unscan`. ``need_x``: also to the input."""
    way = _Way(cell, p, done, d_last, need_x)
    for chunk in reversed(done.chunks):
        made = way.coefficients(chunk)
        way.walk(chunk, made, _asked(d_h, chunk, way.carry))
        way.sum_up(chunk, made)
    initial = {s: a.T for s, a in zip(way.plan.states, way.carry, strict=True)}
    words = way.words()
    return FastUnscan(done, way.params(p["b"].shape), initial, way.d_x(), words)


class _Made(NamedTuple):
    """What is worked out for a chunk before and while walking through it."""

    K: Array  # (L, G·H, C): coefficients of the gates, then their gradients
    C: Array  # (made, L, H, C): the other coefficients
    D: Array  # (bases, L, H, C): gradients of h and of what else has several sources
    T: Array  # to write to


class _Way:
    def __init__(
        self, cell: Cell, p: Values, done: FastScan, d_last: Mapping[str, Array] | None,
        need_x: bool,
    ) -> None:  # fmt: skip
        self.plan, (T, B, self.H) = program(cell), done.shape
        self.done, self.need_x, self.dtype = done, need_x, done.last["h"].dtype
        self.weights, self.D = Weights(self.plan, p, cell), done.x.shape[2]
        given = d_last or {}
        self.carry = [
            given[s].T.copy() if s in given else np.zeros((self.H, B), self.dtype)
            for s in self.plan.states
        ]
        self.drops = Drops(self.weights, done.input_mask, done.recurrent_mask)
        self.unrecur = recurrence_back(self.weights, self.drops)
        self.room = Room(self.plan, self.H)
        G = len(self.plan.gates)
        # One row a unit of a gate; the biases stand beside U.
        self.W = np.zeros((G * self.H, self.D), self.dtype)
        self.U = np.zeros((G * self.H, self.H + 1), self.dtype)
        self.b = np.zeros(G * self.H, self.dtype)
        self.looked = isinstance(done.x, Lookup)
        used = sum(c.x.shape[0] * c.x.shape[1] for c in done.chunks)
        # Where the gates have no more numbers than the input, they are summed up by word, and W
        # is multiplied with words instead of with all their uses.
        width = G * self.H
        plain = isinstance(done.x, Lookup) and done.input_mask is None and need_x
        self.by_word = plain and width <= self.D
        shape = (used, width if self.by_word else self.D) if self.looked else (T, self.D, B)
        # Every row of a lookup is written; elsewhere idle sequences keep their zeros.
        self._d_x = (np.empty if self.looked else np.zeros)(shape, self.dtype) if need_x else None
        self._end = used

    def coefficients(self, chunk: Chunk) -> _Made:
        """All that depends on forward values alone."""
        L, GH, C = chunk.A.shape
        room, plan = self.room, self.plan
        made = _Made(
            room.chunk("K", len(plan.gates), L, C, self.dtype).reshape(L, GH, C),
            room.chunk("C", plan.made, L, C, self.dtype),
            room.chunk("D", plan.bases, L, C, self.dtype),
            room.chunk("T", plan.temporaries, L, C, self.dtype),
        )
        plan.coefficients(
            self.H, chunk.A, chunk.S, chunk.V, made.K, made.C, made.T, *constants(self.dtype)
        )
        return made

    def walk(self, chunk: Chunk, made: _Made, asked: Array | None) -> None:
        """Step by step, from the states after the chunk to those before it."""
        (L, _, C), R, shared = chunk.A.shape, chunk.part.R, chunk.part.shared
        N = [aligned((self.H, C), self.dtype) for _ in self.carry]
        for mine, everyone in zip(N, self.carry, strict=True):
            mine[:, :R] = everyone[:, :R]
            if shared:
                everyone[:, R:].sum(1, out=mine[:, R])
        if not C:
            return
        self.plan.backward(
            L, self.H, chunk.A, chunk.S, chunk.V, made.K, made.C, made.D, N,
            self.room.step(C, self.dtype), asked, self.unrecur(C), chunk.part.counts,
        )  # fmt: skip
        for mine, everyone in zip(N, self.carry, strict=True):
            everyone[:, :R] = mine[:, :R]
            if shared:
                everyone[:, R:] = 0
                everyone[:, -1] = mine[:, R]
            # What is far smaller than this is lost in the sum, and zero after it.
            np.add(everyone, NOTHING[self.dtype], out=everyone)
            np.subtract(everyone, NOTHING[self.dtype], out=everyone)

    def sum_up(self, chunk: Chunk, made: _Made) -> None:
        """The chunk's share of every weight's gradient, and the gradient of its inputs."""
        self._sum_recurrent(made.K, chunk.hx[:-1, : self.H + 1])
        if self.plan.spread is not None:
            self.plan.spread(self.H, chunk.A, chunk.S, chunk.V, *made)
        self._sum_input(made.K, chunk.x)
        if self._d_x is not None:
            self._give_input(made.K, chunk, self._d_x)

    def _sum_recurrent(self, K: Array, h1: Array) -> None:
        """U and the recurrent bias, from K (L, G·H, C) and h_prev, ones below (L, H + 1, C)."""
        # Turned first: a product that sums over adjacent numbers of both takes twice as long.
        h1 = np.ascontiguousarray(h1.transpose(0, 2, 1))
        if self.drops.h is None:
            self.U += _over_time(np.matmul(K, h1))
            return
        masks = self.drops.h[:, :, : h1.shape[1]].transpose(0, 2, 1)
        seen = np.ones_like(h1)
        for k, mask in enumerate(masks):
            np.multiply(h1[:, :, :-1], mask, seen[:, :, :-1])
            at = self.weights.at(k)
            self.U[at] += _over_time(np.matmul(K[:, at], seen))

    def _sum_input(self, K: Array, x: Array) -> None:
        """W and the biases of gates apart, from K (L, G·H, C) and x (L, C, D)."""
        for k in range(self.weights.joint, self.weights.G):
            self.b[self.weights.at(k)] += K[:, self.weights.at(k)].sum((0, 2))
        if self.by_word:
            return
        x, drop = np.ascontiguousarray(x), self.drops.gates_of(x.shape[1])
        if drop is None:
            self.W += _over_time(np.matmul(K, x))
            return
        for k, mask in enumerate(drop.transpose(0, 2, 1)):
            at = self.weights.at(k)
            self.W[at] += _over_time(np.matmul(K[:, at], x * mask))

    def _give_input(self, K: Array, chunk: Chunk, d_x: Array) -> None:
        part = K if self.by_word else self.weights.unread(K, self.drops.x_of(K.shape[2]))
        if self.looked:
            L, C, _ = chunk.x.shape
            rows = d_x[self._end - L * C : self._end].reshape(L, C, d_x.shape[1])
            self._end -= L * C
            np.copyto(rows, part.transpose(0, 2, 1))
            return
        R, where = chunk.part.R, chunk.part.stretch
        d_x[where, :, :R] = part[:, :, :R]
        if chunk.part.shared:
            d_x[where, :, -1] = part[:, :, R]

    def words(self) -> WordRows | None:
        """The gradients of the words' rows, and of W, where the gates are summed up by word."""
        x = self.done.x
        if not self.by_word or not isinstance(x, Lookup) or self._d_x is None:
            return None
        ids = [columns(x.ids, c.part).ravel() for c in self.done.chunks]
        found = summed_rows(np.concatenate(ids), self._d_x, len(x.table))
        self.W += found.rows.T @ x.table[found.words]
        return WordRows(found.words, found.rows @ self.weights.W.T)

    def d_x(self) -> Array | None:
        """Gradients of the input: rows (P, D), or (T, B, D)."""
        return self._d_x if self._d_x is None or self.looked else self._d_x.transpose(0, 2, 1)

    def params(self, bias: tuple[int, ...]) -> Values:
        """W, U and b as the cell has them."""
        back, shared = self.weights.back, self.weights.joint * self.H
        recurrent = self.U[:, -1]
        # Where both products meet in one sum, both biases have the same gradient.
        both = [np.concatenate([recurrent[:shared], self.b[shared:]]), recurrent]
        return {
            "W": back(self.W.T),
            "U": back(self.U[:, :-1].T),
            "b": np.stack([back(b) for b in both]) if len(bias) == 2 else back(recurrent),
        }


def _over_time(products: Array) -> Array:
    """The sum over the first axis; as a product with ones it takes a third of the time."""
    L, *shape = products.shape
    return np.dot(np.ones(L, products.dtype), products.reshape(L, -1)).reshape(shape)


def _asked(d_h: Array | None, chunk: Chunk, carry: list[Array]) -> Array | None:
    """The gradients of a chunk's outputs, (L, H, C); those of idle sequences go to ``carry``."""
    if d_h is None:
        return None
    R, B = chunk.part.R, carry[0].shape[1]
    found = d_h[chunk.part.stretch].transpose(0, 2, 1)  # (L, H, B)
    if R == B:
        return found
    rest = found[:, :, R:]
    if chunk.part.shared:
        return np.concatenate([found[:, :, :R], rest.sum(2, keepdims=True)], axis=2)
    carry[0][:, R:] += rest.sum(0)
    return found[:, :, :R]
