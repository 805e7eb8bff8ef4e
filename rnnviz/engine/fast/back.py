"""The quick way back: gradients through time, and their sums over steps and batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.fast.chunks import Chunk, FastScan, Lookup, Room, columns, constants
from rnnviz.engine.fast.weights import Weights, recurrence_back
from rnnviz.engine.program import program

#: Gradients smaller than this are taken for zero when they cross from chunk to chunk. They vanish
#: on their way back, and arithmetic on numbers below 1e-38 takes a hundred times as long; next to
#: the 1e-7 that optimizers add to a gradient's size, nobody could see them.
NOTHING = {np.dtype(np.float32): 1e-25, np.dtype(np.float64): 1e-250}


class FastUnscan:
    """The gradients that walking back gave."""

    def __init__(self, done: FastScan, params: Values, initial: Values, x: Array | None) -> None:
        self.params = params  # of the trained arrays
        self.initial = initial  # of the states before the first step, (B, H)
        self._done, self._x = done, x

    @property
    def x(self) -> Array:
        """Of the layer's input, (T, B, D)."""
        if self._x is None or isinstance(self._done.x, Lookup):
            raise KeyError("x: not asked for, or looked up (then see rows())")
        return self._x

    def rows(self) -> tuple[Array, Array]:
        """Of a looked-up input: ids (P) and the gradients (P, D) of the table rows they took."""
        x = self._done.x
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
    return FastUnscan(done, way.params(p["b"].shape), initial, way.d_x())


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
        self.unrecur = recurrence_back(self.weights, done.recurrent_mask)
        self.room = Room(self.plan, self.H)
        GH = len(self.plan.gates) * self.H
        self.W, self.U = np.zeros((self.D, GH), self.dtype), np.zeros((self.H, GH), self.dtype)
        self.b, self.b_recurrent = np.zeros(GH, self.dtype), np.zeros(GH, self.dtype)
        drop, seen = done.recurrent_mask, done.input_mask
        order = self.weights.order
        self.h_masks = None if drop is None else drop[order].transpose(0, 2, 1)
        self.x_masks = None if seen is None or len(seen) == 1 else seen[order]
        self.looked = isinstance(done.x, Lookup)
        used = sum(c.x.shape[0] * c.x.shape[1] for c in done.chunks)
        shape = (used, self.D) if self.looked else (T, self.D, B)
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
            self.H, chunk.A, chunk.HU, chunk.S, chunk.V, made.K, made.C, made.T,
            *constants(self.dtype),
        )  # fmt: skip
        return made

    def walk(self, chunk: Chunk, made: _Made, asked: Array | None) -> None:
        """Step by step, from the states after the chunk to those before it."""
        (L, _, C), R, shared = chunk.A.shape, chunk.part.R, chunk.part.shared
        N = [np.empty((self.H, C), self.dtype) for _ in self.carry]
        for mine, everyone in zip(N, self.carry, strict=True):
            mine[:, :R] = everyone[:, :R]
            if shared:
                everyone[:, R:].sum(1, out=mine[:, R])
        if not C:
            return
        self.plan.backward(
            L, self.H, chunk.A, chunk.HU, chunk.S, chunk.V, made.K, made.C, made.D, N,
            self.room.step(C, self.dtype), asked, self.unrecur(C), chunk.part.counts,
        )  # fmt: skip
        for mine, everyone in zip(N, self.carry, strict=True):
            everyone[:, :R] = mine[:, :R]
            if shared:
                everyone[:, R:] = 0
                everyone[:, -1] = mine[:, R]
            everyone[np.abs(everyone) < NOTHING[self.dtype]] = 0

    def sum_up(self, chunk: Chunk, made: _Made) -> None:
        """The chunk's share of every weight's gradient, and the gradient of its inputs."""
        self._sum_recurrent(made.K, chunk.h1[:-1])
        if self.plan.spread is not None:
            self.plan.spread(self.H, chunk.A, chunk.HU, chunk.S, chunk.V, *made)
        self._sum_input(made.K, chunk.x)
        if self._d_x is not None:
            self._give_input(made.K, chunk, self._d_x)

    def _sum_recurrent(self, K: Array, h1: Array) -> None:
        """U and the recurrent bias, from K (L, G·H, C) and h_prev, ones below (L, H + 1, C)."""
        if self.h_masks is None:  # the ones below h make the bias's row
            both = np.matmul(K, h1.transpose(0, 2, 1)).sum(0).T
            self.U += both[:-1]
            self.b_recurrent += both[-1]
            return
        self.b_recurrent += K.sum(2).sum(0)
        for mask, at in zip(self.h_masks, self._gates(), strict=True):
            seen = h1[:, :-1] * mask[:, : h1.shape[2]]
            self.U[:, at] += np.matmul(K[:, at], seen.transpose(0, 2, 1)).sum(0).T

    def _sum_input(self, K: Array, x: Array) -> None:
        """W and the input's bias, from K (L, G·H, C) and x (L, C, D)."""
        for g, at in enumerate(self._gates()):
            if self.weights.apart[g * self.H]:
                self.b[at] += K[:, at].sum((0, 2))
            if self.x_masks is not None:
                seen = x * self.x_masks[g, : x.shape[1]]
                self.W[:, at] += np.matmul(K[:, at], seen).sum(0).T
        if self.x_masks is None:
            self.W += np.matmul(K, x).sum(0).T

    def _gates(self) -> list[slice]:
        return [slice(g * self.H, (g + 1) * self.H) for g in range(len(self.plan.gates))]

    def _give_input(self, K: Array, chunk: Chunk, d_x: Array) -> None:
        W, seen = self.weights.true["W"], self.done.input_mask
        if self.looked:
            L, C, _ = chunk.x.shape
            rows = d_x[self._end - L * C : self._end].reshape(L, C, self.D)
            self._end -= L * C
            if seen is None:
                np.matmul(K.transpose(0, 2, 1), W.T, out=rows)
            else:
                rows[...] = self.weights.unread(K, seen)
            return
        R, where = chunk.part.R, chunk.part.stretch
        part = np.matmul(W, K) if seen is None else self.weights.unread(K, seen).transpose(0, 2, 1)
        d_x[where, :, :R] = part[:, :, :R]
        if chunk.part.shared:
            d_x[where, :, -1] = part[:, :, R]

    def d_x(self) -> Array | None:
        """Gradients of the input: rows (P, D), or (T, B, D)."""
        return self._d_x if self._d_x is None or self.looked else self._d_x.transpose(0, 2, 1)

    def params(self, bias: tuple[int, ...]) -> Values:
        """W, U and b as the cell has them."""
        back, apart = self.weights.back, self.weights.apart
        # Where both products meet in one sum, both biases have the same gradient.
        both = [back(np.where(apart, self.b, self.b_recurrent)), back(self.b_recurrent)]
        return {
            "W": back(self.W),
            "U": back(self.U),
            "b": np.stack(both) if len(bias) == 2 else both[1],
        }


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
