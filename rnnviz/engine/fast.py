"""The loops over time that training runs: the results of ``recurrent.py``, several times as fast.

Same meaning, same signature as :func:`rnnviz.engine.recurrent.scan` and ``unscan``; the tests hold
them equal. What makes them fast:

* the loops that ``program.py`` writes from the cell's lines: in place, few calls a step;
* time in chunks small enough for the cache; everything that does not depend on the state is one
  call a chunk;
* only what differs is computed. Unmasked padding in front is the *same* input for every sequence,
  so their states are equal until the first word: one sequence stands for all that have not begun,
  and a sequence that begins takes over its state. Walking back, the gradients of sequences that
  end (in time: begin) are added into that one; exact, since the gradient is linear. Under a mask
  a padded step does nothing, so sequences that are only padding in a chunk are left out of it.

Both want the sequences in order, longest first; any order is right, that one is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import Cell
from rnnviz.engine.program import NotFastError, Program, program

#: Bytes of one chunk's gates: a few arrays of this size have to fit the cache.
CHUNK_BYTES = 650_000
CHUNK_STEPS = 20

#: Gradients smaller than this are taken for zero when they cross from chunk to chunk. They vanish
#: on their way back, and arithmetic on numbers below 1e-38 takes a hundred times as long; next to
#: the 1e-7 that optimizers add to a gradient's size, nobody could see them.
NOTHING = {np.dtype(np.float32): 1e-25, np.dtype(np.float64): 1e-250}


@dataclass(frozen=True, eq=False)
class Lookup:
    """Rows of a table by id: what an embedding hands over without making it."""

    table: Array  # (V, D)
    ids: Array  # (T, B)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, D)."""
        return (*self.ids.shape, self.table.shape[1])

    @property
    def dtype(self) -> np.dtype:
        """That of the table."""
        return self.table.dtype


@dataclass(eq=False)
class _Chunk:
    """A stretch of reading: ``R`` sequences that differ, and one for all others if ``shared``."""

    tokens: Array  # (L) in the order they are read
    R: int
    shared: bool
    counts: list[int] | None  # sequences that read at each step, where a mask leaves some out
    x: Array  # (L, C, D), C = R + shared
    A: Array  # (L, G·H, C): the gates
    h1: Array  # (L + 1, H + 1, C): h, and ones below it
    S: list[Array]  # (L + 1, H, C): the states, before and after each step
    V: list[Array]
    idle: Array  # (H, B − R): h of the sequences that are left out


@dataclass(frozen=True, eq=False)
class FastScan:
    """What a pass kept: enough to walk back, and every output."""

    cell: Cell
    x: Array | Lookup
    chunks: list[_Chunk]
    last: Values  # (B, H) by state
    recurrent_mask: Array | None
    input_mask: Array | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, H)."""
        T, B, _ = self.x.shape
        return T, B, self.last["h"].shape[1]

    def stack(self, name: str) -> Array:
        """The outputs, (T, B, H); only "h" is to be had."""
        if name != "h":
            raise KeyError(f"{name}: the fast pass keeps no values by name")
        T, B, H = self.shape
        out = np.empty((T, H, B), self.last["h"].dtype)
        for chunk in self.chunks:
            h, R = chunk.S[0][1:], chunk.R
            out[chunk.tokens, :, :R] = h[:, :, :R]
            if R < B:
                out[chunk.tokens, :, R:] = h[:, :, R:] if chunk.shared else chunk.idle
        return out.transpose(0, 2, 1)


def able(cell: Cell, mask: Array | None) -> bool:
    """Whether this module can run the cell under this mask."""
    try:
        program(cell)
    except NotFastError:
        return False
    # Padding at one end only, longest sequences first: then the readers of a step stand in front.
    return mask is None or bool((mask[:, 1:] <= mask[:, :-1]).all())


def scan(
    cell: Cell,
    p: Values,
    x: Array | Lookup,
    mask: Array | None = None,
    *,
    reverse: bool = False,
    initial: Values | None = None,
    recurrent_mask: Array | None = None,
    input_mask: Array | None = None,
    lead: Array | None = None,
    keep: bool = True,
) -> FastScan:
    """Read ``x`` (T, B, D) with the cell; see :func:`rnnviz.engine.recurrent.scan`.

    ``lead`` (B): how many steps, in reading order, each sequence has in common with the last one
    from the start on (unmasked padding); dropout, which differs for each, rules that out. Without
    ``keep`` there is no way back, and no outputs.
    """
    if recurrent_mask is not None or input_mask is not None:
        lead = None
    plan, (T, B, _), H = program(cell), x.shape, p["U"].shape[0]
    weights = _Weights(plan, p, cell)
    current = {
        s: np.zeros((H, B), x.dtype) if initial is None else initial[s].T.copy()
        for s in plan.states
    }
    recur = _recurrence(weights, recurrent_mask)
    order = np.arange(T)[::-1] if reverse else np.arange(T)
    chunks: list[_Chunk] = []
    room = _Room(plan, H)
    for tokens, R, shared, counts in _stretches(order, B, H * len(plan.gates), mask, lead):
        rows = _columns(x, tokens, R, shared)  # (L, C, D)
        C = rows.shape[1]
        if not C:  # nobody reads in this stretch
            chunks.append(_idle(plan, tokens, rows, current, H))
            continue
        if input_mask is not None and len(input_mask) == 1:
            rows = rows * input_mask[0, :C]
        A = weights.read(rows, input_mask)
        # Below the units of h a row of ones: the recurrent product then adds the bias as well.
        h1 = np.empty((len(tokens) + 1, H + 1, C), A.dtype)
        h1[:, H] = 1
        S = [h1[:, :H], *(np.empty((len(h1), H, C), A.dtype) for _ in plan.states[1:])]
        for s, array in zip(plan.states, S, strict=True):
            array[0, :, :R] = current[s][:, :R]
            if shared:
                array[0, :, R] = current[s][:, -1]
        V = [np.empty((len(tokens), H, C), A.dtype) for _ in range(plan.kept)]
        plan.forward(
            len(tokens), H, A, room.hu(C, A.dtype), S, V, room.step(C, A.dtype), recur(h1), counts
        )
        idle = current["h"][:, R:].copy() if keep and mask is not None else current["h"][:, :0]
        for s, array in zip(plan.states, S, strict=True):
            current[s][:, :R] = array[-1, :, :R]
            if shared:
                current[s][:, R:] = array[-1, :, R:]
        if keep:
            chunks.append(_Chunk(tokens, R, shared, counts, rows, A, h1, S, V, idle))
    last = {s: a.T for s, a in current.items()}
    return FastScan(cell, x, chunks, last, recurrent_mask, input_mask)


def _stretches(
    order: Array, B: int, width: int, mask: Array | None, lead: Array | None
) -> Iterator[tuple[Array, int, bool, list[int] | None]]:
    """Chunks of reading: tokens, sequences to compute, whether one more stands for the others."""
    L = int(np.clip(CHUNK_BYTES // (4 * width * B), 1, CHUNK_STEPS))
    for at in range(0, len(order), L):
        tokens = order[at : at + L]
        if mask is not None:
            reads = mask[tokens].sum(1)  # (L); they stand in front, see able()
            R = int(reads.max())
            yield tokens, R, False, None if (reads == R).all() else reads.tolist()
        elif lead is not None:
            begun = np.flatnonzero(lead < at + len(tokens))
            R = int(begun[-1]) + 1 if len(begun) else 0
            # The last sequence is in its padding; if it is not, all are computed.
            yield tokens, R, R < B, None
        else:
            yield tokens, B, False, None


def _columns(x: Array | Lookup, tokens: Array, R: int, shared: bool) -> Array:
    """The inputs of some tokens for the sequences that are computed, (L, C, D)."""
    L, step = len(tokens), 1 if len(tokens) < 2 or tokens[1] > tokens[0] else -1
    first = int(tokens[0])
    end = first + step * L
    stretch = slice(first, None if end < 0 else end, step)
    which = x.ids[stretch] if isinstance(x, Lookup) else x[stretch]
    B = which.shape[1]
    if shared:
        which = np.concatenate([which[:, :R], which[:, -1:]], axis=1)
    elif R < B:
        which = which[:, :R]
    return x.table.take(which, 0) if isinstance(x, Lookup) else which


def _idle(plan: Program, tokens: Array, rows: Array, current: Values, H: int) -> _Chunk:
    nothing = np.empty((len(tokens) + 1, H + 1, 0), current["h"].dtype)
    S = [nothing[:, :H] for _ in plan.states]
    A = np.empty((len(tokens), len(plan.gates) * H, 0), current["h"].dtype)
    return _Chunk(tokens, 0, False, None, rows, A, nothing, S, [], current["h"].copy())


class _Weights:
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
            A[:, k * self.H : (k + 1) * self.H] += self.bias[k * self.H : (k + 1) * self.H, None]
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


class _Room:
    """Arrays the loops write to and nobody reads later, by number of columns."""

    def __init__(self, plan: Program, H: int) -> None:
        self.plan, self.H = plan, H
        self._made: dict[tuple[str, int, int], Array] = {}

    def _get(self, key: tuple[str, int, int], shape: tuple[int, ...], dtype: np.dtype) -> Array:
        if key not in self._made:
            self._made[key] = np.empty(shape, dtype)
        return self._made[key]

    def hu(self, C: int, dtype: np.dtype) -> Array:
        """(G·H, C)."""
        return self._get(("hu", C, 0), (len(self.plan.gates) * self.H, C), dtype)

    def step(self, C: int, dtype: np.dtype) -> Array:
        """Temporaries of a step, (·, H, C)."""
        return self._get(("step", C, 0), (self.plan.temporaries, self.H, C), dtype)

    def chunk(self, what: str, n: int, L: int, C: int, dtype: np.dtype) -> Array:
        """n arrays of a chunk, (n, L, H, C)."""
        return self._get((what, C, L), (n, L, self.H, C), dtype)


#: What the loops call for the product at a step, with the place where it goes.
Product = Callable[[int, Array], object]


def _recurrence(weights: _Weights, drop: Array | None) -> Callable[[Array], Product]:
    """For a chunk's h (L + 1, H + 1, C): step → the gates' recurrent products (G·H, C)."""
    UT = weights.UT
    if drop is None:
        return lambda h1: lambda t, out: np.dot(UT, h1[t], out)
    G, H = weights.G, weights.H
    masks = np.ascontiguousarray(drop[weights.order].transpose(0, 2, 1))  # (G, H, B)
    U, bias = np.ascontiguousarray(UT[:, :H]).reshape(G, H, H), UT[:, H:].copy()

    def of(h1: Array) -> Product:
        C = h1.shape[2]
        m, dropped = masks[:, :, :C], np.empty((G, H, C), masks.dtype)

        def product(t: int, out: Array) -> None:
            np.multiply(m, h1[t, :H], dropped)
            np.matmul(U, dropped, out.reshape(G, H, C))
            np.add(out, bias, out)

        return product

    return of


def _recurrence_back(
    weights: _Weights, drop: Array | None
) -> Callable[[int], Callable[[Array, Array], object]]:
    """For C columns: gradients of the recurrent products (G·H, C) → of h_prev (H, C)."""
    U = weights.true["U"]
    if drop is None:
        whole = np.ascontiguousarray(U)
        return lambda C: partial(np.dot, whole)
    G, H = weights.G, weights.H
    masks = np.ascontiguousarray(drop[weights.order].transpose(0, 2, 1))
    each = np.ascontiguousarray(U.reshape(H, G, H).transpose(1, 0, 2))  # (G, H, H)

    def of(C: int) -> Callable[[Array, Array], object]:
        m, dropped = masks[:, :, :C], np.empty((G, H, C), masks.dtype)

        def product(k: Array, out: Array) -> None:
            np.matmul(each, k.reshape(G, H, C), dropped)
            np.multiply(dropped, m, dropped)
            dropped.sum(0, out=out)

        return product

    return of


class FastUnscan:
    """The gradients that walking back gave."""

    def __init__(self, done: FastScan, params: Values, initial: Values, x: Array) -> None:
        self.params = params  # of the trained arrays
        self.initial = initial  # of the states before the first step, (B, H)
        self._done, self._x = done, x

    @property
    def x(self) -> Array:
        """Of the layer's input, (T, B, D); of a looked-up one only where all sequences are read."""
        if isinstance(self._done.x, Lookup):
            raise KeyError("the gradient of a lookup is that of its rows: see rows()")
        return self._x

    def rows(self) -> tuple[Array, Array]:
        """Of a looked-up input: ids (P) and the gradients (P, D) of the table rows they took."""
        x = self._done.x
        assert isinstance(x, Lookup)
        taken = [_columns(x.ids, c.tokens, c.R, c.shared).ravel() for c in self._done.chunks]
        return np.concatenate(taken), self._x


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
    plan, (T, B, H) = program(cell), done.shape
    weights, dtype = _Weights(plan, p, cell), done.last["h"].dtype
    D, GH = done.x.shape[2], len(plan.gates) * H
    carry = [
        np.zeros((H, B), dtype) if not d_last or s not in d_last else d_last[s].T.copy()
        for s in plan.states
    ]
    unrecur = _recurrence_back(weights, done.recurrent_mask)
    room = _Room(plan, H)
    sums = _Sums(GH, D, H, done, weights, dtype)
    looked = isinstance(done.x, Lookup)
    P = sum(c.x.shape[0] * c.x.shape[1] for c in done.chunks)
    d_x = np.empty((P, D) if looked else (0,), dtype)
    if need_x and not looked:
        d_x = np.zeros((T, D, B), dtype)
    end = P
    for chunk in reversed(done.chunks):
        R, C, L = chunk.R, chunk.x.shape[1], len(chunk.tokens)
        asked = _asked(d_h, chunk, carry)
        if not C:
            continue
        N = [np.empty((H, C), dtype) for _ in carry]
        for mine, all_ in zip(N, carry, strict=True):
            mine[:, :R] = all_[:, :R]
            if chunk.shared:
                all_[:, R:].sum(1, out=mine[:, R])
        K = room.chunk("K", len(plan.gates), L, C, dtype).reshape(L, GH, C)
        made, bases = (
            room.chunk("C", plan.made, L, C, dtype),
            room.chunk("D", plan.bases, L, C, dtype),
        )
        spare = room.chunk("T", plan.temporaries, L, C, dtype)
        plan.coefficients(H, chunk.A, chunk.S, chunk.V, K, made, spare)
        plan.backward(
            L, H, chunk.A, chunk.S, chunk.V, K, made, bases, N, room.step(C, dtype), asked,
            unrecur(C), chunk.counts,
        )  # fmt: skip
        for mine, all_ in zip(N, carry, strict=True):
            all_[:, :R] = mine[:, :R]
            if chunk.shared:
                all_[:, R:] = 0
                all_[:, -1] = mine[:, R]
            all_[np.abs(all_) < NOTHING[dtype]] = 0
        sums.recurrent(K, chunk.h1[:-1])
        if plan.spread is not None:
            plan.spread(H, chunk.A, chunk.S, chunk.V, K, made, bases, spare)
        sums.input(K, chunk.x)
        if not need_x:
            continue
        if looked:
            rows = d_x[end - L * C : end].reshape(L, C, D)
            if done.input_mask is None:
                np.matmul(K.transpose(0, 2, 1), weights.true["W"].T, out=rows)
            else:
                rows[...] = weights.unread(K, done.input_mask)
            end -= L * C
            continue
        if done.input_mask is None:
            part = np.matmul(weights.true["W"], K)  # (L, D, C)
        else:
            part = weights.unread(K, done.input_mask).transpose(0, 2, 1)
        d_x[chunk.tokens, :, :R] = part[:, :, :R]
        if chunk.shared:
            d_x[chunk.tokens, :, -1] = part[:, :, R]
    params = sums.result(weights, p["b"].shape)
    initial = {s: a.T for s, a in zip(plan.states, carry, strict=True)}
    return FastUnscan(
        done, params, initial, d_x if looked or not need_x else d_x.transpose(0, 2, 1)
    )


def _asked(d_h: Array | None, chunk: _Chunk, carry: list[Array]) -> Array | None:
    """The gradients of a chunk's outputs, (L, H, C); those of idle sequences go to ``carry``."""
    if d_h is None:
        return None
    B = carry[0].shape[1]
    found = d_h[chunk.tokens].transpose(0, 2, 1)  # (L, H, B)
    if chunk.R == B:
        return found
    rest = found[:, :, chunk.R :]
    if chunk.shared:
        return np.concatenate([found[:, :, : chunk.R], rest.sum(2, keepdims=True)], axis=2)
    carry[0][:, chunk.R :] += rest.sum(0)
    return found[:, :, : chunk.R]


class _Sums:
    """Gradients of the trained arrays, chunk by chunk."""

    def __init__(
        self, GH: int, D: int, H: int, done: FastScan, weights: _Weights, dtype: np.dtype
    ) -> None:
        self.W, self.U = np.zeros((D, GH), dtype), np.zeros((H, GH), dtype)
        self.b, self.b_recurrent = np.zeros(GH, dtype), np.zeros(GH, dtype)
        drop, seen = done.recurrent_mask, done.input_mask
        self.masks = None if drop is None else drop[weights.order].transpose(0, 2, 1)
        self.seen = None if seen is None or len(seen) == 1 else seen[weights.order]
        self.G = weights.G
        self.apart = weights.apart[::H].astype(bool)

    def result(self, weights: _Weights, shape: tuple[int, ...]) -> Values:
        """W, U and b as the cell has them."""
        # Where both products meet in one sum, both biases have the same gradient.
        b = np.where(weights.apart, self.b, self.b_recurrent)
        both = [weights.back(b), weights.back(self.b_recurrent)]
        bias = np.stack(both) if len(shape) == 2 else both[1]
        return {"W": weights.back(self.W), "U": weights.back(self.U), "b": bias}

    def recurrent(self, K: Array, h1: Array) -> None:
        """U and the recurrent bias, from K (L, G·H, C) and h_prev, ones below (L, H + 1, C)."""
        if self.masks is None:  # the ones below h make the bias's row
            both = np.matmul(K, h1.transpose(0, 2, 1)).sum(0).T
            self.U += both[:-1]
            self.b_recurrent += both[-1]
            return
        self.b_recurrent += K.sum(2).sum(0)
        h, C = h1[:, :-1], h1.shape[2]
        H = h.shape[1]
        for g in range(self.G):
            part = K[:, g * H : (g + 1) * H]
            seen = h * self.masks[g, :, :C]
            self.U[:, g * H : (g + 1) * H] += np.matmul(seen, part.transpose(0, 2, 1)).sum(0)

    def input(self, K: Array, x: Array) -> None:
        """W and the bias, from K (L, G·H, C) and x (L, C, D)."""
        H = K.shape[1] // self.G
        for g in np.flatnonzero(self.apart).tolist():
            at = slice(g * H, (g + 1) * H)
            self.b[at] += K[:, at].sum((0, 2))
        if self.seen is None:
            self.W += np.matmul(K, x).sum(0).T
            return
        for g in range(self.G):
            at = slice(g * H, (g + 1) * H)
            self.W[:, at] += np.matmul(K[:, at], x * self.seen[g, : x.shape[1]]).sum(0).T
