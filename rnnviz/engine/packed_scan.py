"""The scan for training in NumPy: packed sequences, storing only what the backward pass reads.

The same results as :mod:`rnnviz.engine.scan`, with the same forward and backward of the cell. A
step computes only the sequences that read something there, as ``pack_padded_sequence`` of PyTorch
does:

* under a mask only the tokens of each sequence are computed, longest sequence first, so those
  that have ended are the last rows of a step;
* the padding in front of unmasked sequences is the same input for all, so their states are equal
  until the first token: row 0 stands for all that have not begun, and a sequence that begins copies
  its state. In the backward pass its gradient is added to that of row 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.cells.weights import state_widths
from rnnviz.engine.embedding import Lookup
from rnnviz.engine.projections import (
    input_projection,
    input_projection_grad,
    recurrent_kernel,
    recurrent_projection,
    recurrent_projection_grad,
    split_bias,
    weight_gradients,
    with_dropout_masks,
)

#: Every FLUSH_EVERY steps of the backward pass, gradients far smaller than this are set to zero:
#: arithmetic on numbers below 1e-38 takes a hundred times as long, and next to the 1e-7 that
#: optimizers add to a gradient's size they make no difference.
NEGLIGIBLE = {
    np.dtype(np.float32): np.array(1e-15, np.float32),
    np.dtype(np.float64): np.array(1e-240),
}
FLUSH_EVERY = 16


class Packing:
    """Which sequences are computed at which step; P rows in all, step after step.

    ``mask`` (T, B): where a sequence reads. ``lead`` (B), without a mask: how many steps, in
    reading order, each sequence has in common with that of the largest lead.
    """

    def __init__(
        self, T: int, B: int, reverse: bool, mask: Array | None, lead: Array | None
    ) -> None:
        self.shape = T, B
        read = np.ones((T, B), bool) if mask is None else mask[::-1] if reverse else mask
        if mask is not None:
            lengths = read.sum(0)
            self.order = np.argsort(-lengths, kind="stable")  # the sequence of each column
            #: Tokens read up to each time, (T, B) in the columns' order.
            count = read[:, self.order].cumsum(0)
            alive = np.arange(lengths.max(initial=0))[:, None] < lengths[self.order]
            at = np.argsort(~read[:, self.order], axis=0, kind="stable")[: len(alive)]
        else:
            begins = np.zeros(B, int) if lead is None else lead
            self.order = np.argsort(begins, kind="stable")
            if begins.any():
                self.order = np.roll(self.order, 1)  # the largest lead first
            steps = np.arange(T)[:, None]
            alive = steps >= begins[self.order]
            alive[:, 0] = True
            count = np.broadcast_to(steps + 1, (T, B))
            at = np.broadcast_to(steps, (T, B))
        self.counts: list[int] = alive.sum(1).tolist()  # rows of each step
        self.starts = np.concatenate([[0], np.cumsum(self.counts, dtype=int)])
        column = np.broadcast_to(np.arange(B), alive.shape)[alive]
        token = at[alive]
        self.column = column  # (P)
        self.sequence = self.order[column]  # (P)
        self.position = (T - 1 - token if reverse else token) * B + self.sequence  # (P) in (T, B)
        #: For each step and column the index of its states in ``PackedScan.states``, (B + P) rows:
        #: below B those are the initial states, where it has read nothing yet.
        first = self.starts[np.maximum(count, 1) - 1]
        own = np.arange(B) if mask is not None else np.where(alive, np.arange(B), 0)
        rows = np.where(count == 0, np.arange(B), B + first + own)
        self.last = np.empty(B, int)
        self.last[self.order] = rows[-1] if T else np.arange(B)
        self.row = np.empty((T, B), int)
        self.row[:, self.order] = rows[::-1] if reverse else rows

    @property
    def total(self) -> int:
        """P."""
        return int(self.starts[-1])

    @property
    def before(self) -> Array:
        """(P): the index of the states before each row, as in ``row``."""
        counts = np.array(self.counts, int)
        step = np.repeat(np.arange(len(counts)), counts)
        earlier = np.maximum(step - 1, 0)
        rows = counts[earlier]
        column = np.where(self.column < rows, self.column, 0)
        return np.where(step == 0, self.column, self.shape[1] + self.starts[earlier] + column)

    @cached_property
    def whole(self) -> bool:
        """Whether every sequence is computed at every step."""
        return self.total == self.shape[0] * self.shape[1]

    def rows_of(self, d_h: Array) -> Array:
        """Gradients of the outputs (T, B, H), summed by row: (B + P, H), initial states first."""
        T, B = self.shape
        d_rows = np.zeros((B + self.total, d_h.shape[-1]), d_h.dtype)
        if self.whole:
            d_rows[self.row.ravel()] = d_h.reshape(T * B, -1)
            return d_rows
        order = np.argsort(self.row, axis=None, kind="stable")
        rows = self.row.ravel()[order]
        begin = np.flatnonzero(np.diff(rows, prepend=-1))
        d_rows[rows[begin]] = np.add.reduceat(d_h.reshape(T * B, -1)[order], begin)
        return d_rows


@dataclass(frozen=True, eq=False)
class PackedScan:
    """Every output of a pass, and the values its backward pass needs."""

    x: Array | Lookup  # (T, B, D)
    rows: Array  # (P, D): the inputs of the computed rows
    packing: Packing
    steps: list[Values]  # what the backward pass reads of each step, (rows of the step, H) by name
    states: Values  # by name, (B + P, H): the initial ones by column, then those after each row
    last: Values  # by name, (B, H)
    input_mask: Array | None  # (1 or G, P, D) dropout of x
    recurrent_mask: Array | None  # (G, B, H) dropout of h_prev, by column

    def stack(self, name: str) -> Array:
        """A state after each step, (T, B, H)."""
        return self.states[name][self.packing.row]


def _input_rows(x: Array | Lookup, packing: Packing) -> Array:
    if isinstance(x, Lookup):
        return x.table[x.ids.ravel()[packing.position]]
    if packing.whole and np.array_equal(packing.position, np.arange(packing.total)):
        return x.reshape(-1, x.shape[-1])
    return x.reshape(-1, x.shape[-1])[packing.position]


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
) -> PackedScan:
    """Read ``x`` (T, B, D) with the cell; see :func:`rnnviz.engine.scan.scan`.

    ``lead`` (B): see :class:`Packing`; ignored under dropout, which differs for each sequence.
    Without ``keep`` nothing is stored for a backward pass.
    """
    T, B, _ = x.shape
    if recurrent_mask is not None or input_mask is not None:
        lead = None
    packing = Packing(T, B, reverse, mask, lead)
    rows = _input_rows(x, packing)
    b_recurrent = split_bias(p)[1]
    drop = None if input_mask is None else input_mask[:, packing.sequence]
    xw = input_projection(rows, p, drop)
    states = {
        s: np.zeros((B + packing.total, n), rows.dtype) for s, n in state_widths(cell, p).items()
    }
    for s, array in states.items():
        if initial is not None:
            array[:B] = initial[s][packing.order]
    dropped = None if recurrent_mask is None else recurrent_mask[:, packing.order]
    saved = backward_reads(cell).values - set(cell.states) if keep else ()
    U, params, steps = recurrent_kernel(cell, p), with_dropout_masks(cell, p, dropped), []
    state = {s: array[:B] for s, array in states.items()}
    for begin, n in zip(packing.starts.tolist(), packing.counts, strict=False):
        state = {s: _continued(a, n) for s, a in state.items()}
        masks = None
        if dropped is not None:
            masks = dropped[:, :n]
            params = with_dropout_masks(cell, p, masks)
        hu = recurrent_projection(cell, state["h"], U, masks)
        v = {"xw": xw[begin : begin + n], "hu": hu if b_recurrent is None else hu + b_recurrent}
        cell.forward(params, v, state)
        state = {s: v[s] for s in cell.states}
        for s, array in states.items():
            array[B + begin : B + begin + n] = v[s]
        if keep:
            steps.append({name: v[name] for name in saved})
    last = {s: a[packing.last] for s, a in states.items()}
    return PackedScan(x, rows, packing, steps, states, last, drop, dropped)


def _continued(a: Array, n: int) -> Array:
    """The states before n rows: the first n, or with copies of row 0 for sequences that begin."""
    if n <= len(a):
        return a[:n]
    return np.concatenate([a, np.broadcast_to(a[:1], (n - len(a), a.shape[1]))])


def scan_backward(
    cell: Cell,
    p: Values,
    forward: PackedScan,
    d_h: Array | None = None,
    d_last: Mapping[str, Array] | None = None,
    *,
    need_x: bool = True,
) -> PackedScanGradients:
    """See :func:`rnnviz.engine.scan.scan_backward`; without ``need_x`` none of the input."""
    packing, widths, dtype = forward.packing, state_widths(cell, p), forward.rows.dtype
    B = packing.shape[1]
    out = np.zeros((B + packing.total, widths["h"]), dtype) if d_h is None else packing.rows_of(d_h)
    given = {s: a for s, a in (d_last or {}).items() if s != "h"}
    later = {s: np.zeros((len(out), widths[s]), dtype) for s in given}
    for s, a in (d_last or {}).items():
        np.add.at(out if s == "h" else later[s], packing.last, a)
    U, drop = recurrent_kernel(cell, p), forward.recurrent_mask
    params = with_dropout_masks(cell, p, drop)
    names = backward_reads(cell).gradients
    d_rows: Values = {}
    carry = {s: np.zeros((0, n), dtype) for s, n in widths.items()}
    for k in reversed(range(len(packing.counts))):
        begin, n = B + int(packing.starts[k]), packing.counts[k]
        rows = slice(begin, begin + n)
        carry = {s: _returned(a, n) for s, a in carry.items()}
        prev = _before(forward.states, packing, k)
        v = {**forward.steps[k], **{s: a[rows] for s, a in forward.states.items()}}
        d = {"h": carry["h"] + out[rows]}
        for s in cell.states[1:]:
            d[f"{s}_next"] = carry[s] + later[s][rows] if s in later else carry[s]
        masks = None
        if drop is not None:
            masks = drop[:, :n]
            params = with_dropout_masks(cell, p, masks)
        cell.backward(params, v, prev, d)
        through = recurrent_projection_grad(cell, d["hu"], U, masks)
        carry = {s: d[f"{s}_prev"] for s in cell.states[1:]}
        carry["h"] = d["h_prev"] + through if "h_prev" in d else through
        if k % FLUSH_EVERY == 0:
            carry = {s: a + NEGLIGIBLE[dtype] - NEGLIGIBLE[dtype] for s, a in carry.items()}
        for name in names:
            if name not in d_rows:
                d_rows[name] = np.empty((packing.total, d[name].shape[1]), dtype)
            d_rows[name][begin - B : begin - B + n] = d[name]
    initial = {}
    for s, a in carry.items():
        upstream = out if s == "h" else later.get(s)
        columns = np.zeros((B, widths[s]), dtype) if upstream is None else upstream[:B].copy()
        columns[: len(a)] += a
        initial[s] = np.empty_like(columns)
        initial[s][packing.order] = columns
    return PackedScanGradients(cell, p, forward, d_rows, initial, need_x)


def _before(states: Values, packing: Packing, k: int) -> Values:
    """The states before step k."""
    B, n = packing.shape[1], packing.counts[k]
    begin, end = (0, B) if k == 0 else (B + packing.starts[k - 1], B + packing.starts[k])
    return {s: _continued(a[begin:end], n) for s, a in states.items()}


def _returned(a: Array, n: int) -> Array:
    """The gradients of n rows from the states after them: zero where a sequence has ended."""
    if n == len(a):
        return a
    if n > len(a):
        return np.concatenate([a, np.zeros((n - len(a), a.shape[1]), a.dtype)])
    summed = a[:n].copy()
    summed[0] += a[n:].sum(0)
    return summed


class PackedScanGradients:
    """The gradients of a :class:`PackedScan`."""

    def __init__(
        self, cell: Cell, p: Values, forward: PackedScan, d: Values, initial: Values, need_x: bool
    ) -> None:
        self.initial = initial  # of the states before the first step, (B, H)
        self._forward = forward
        packing, drop = forward.packing, forward.recurrent_mask
        if not packing.total:  # every sequence is padding
            self.params = {name: np.zeros_like(a) for name, a in p.items()}
            self._rows: Array | None = np.zeros_like(forward.rows)
            return
        prev = {s: a[packing.before] for s, a in forward.states.items()}
        v = {
            name: np.concatenate([step[name] for step in forward.steps])
            for name in backward_reads(cell).sums if name not in cell.states
        }  # fmt: skip
        B = forward.x.shape[1]
        v |= {s: a[B:] for s, a in forward.states.items()}  # after each row
        masks = None if drop is None else drop[:, packing.column]
        #: Of the trained arrays.
        self.params = weight_gradients(cell, forward.rows, prev, v, d, forward.input_mask, masks)
        shape = (packing.total, forward.rows.shape[1])
        self._rows = (
            input_projection_grad(d["xw"], p["W"], forward.input_mask, shape) if need_x else None
        )

    @property
    def x(self) -> Array:
        """Of the layer's input, (T, B, D)."""
        if self._rows is None:
            raise KeyError("x: computed with need_x only")
        T, B, D = self._forward.x.shape
        d_x = np.zeros((T * B, D), self._rows.dtype)
        d_x[self._forward.packing.position] = self._rows
        return d_x.reshape(T, B, D)

    def rows(self) -> tuple[Array, Array]:
        """Of a looked-up input: ids (P) and the gradients (P, D) of their table rows."""
        x = self._forward.x
        if self._rows is None or not isinstance(x, Lookup):
            raise KeyError("rows: with need_x and a looked-up input only (else see x)")
        return x.ids.ravel()[self._forward.packing.position], self._rows


class BackwardReads(NamedTuple):
    """The names that a cell's backward pass reads."""

    values: frozenset[str]  # of a step's values
    sums: frozenset[str]  # of all steps' values, for the gradients of the trained arrays
    gradients: frozenset[str]  # of all steps' gradients, for the same and for the input


class _ReadLog(dict[str, Array]):
    """Values by name that log which of them are read."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Array:
        self.names.add(name)
        return super().__getitem__(name)


def backward_reads(cell: Cell) -> BackwardReads:
    """What the cell's backward pass reads, logged while running it once with one unit."""
    hashable: Any = cell  # a module is hashable, which the protocol cannot express
    return _backward_reads(hashable)


@cache
def _backward_reads(cell: Any) -> BackwardReads:
    p = {name: np.zeros(shape) for name, shape in cell.shapes(1, 1).items()}
    prev = {s: np.zeros((1, n)) for s, n in state_widths(cell, p).items()}
    v: Values = {
        "xw": np.zeros((1, len(cell.gates))), "hu": np.zeros((1, len(cell.recurrent))),
    }  # fmt: skip
    cell.forward(p, v, prev)
    step = _ReadLog(v)
    d: Values = {"h": prev["h"], **{f"{s}_next": prev[s] for s in cell.states[1:]}}
    cell.backward(p, step, prev, d)
    rows, gradients = _ReadLog(v), _ReadLog(d)
    cell.param_grads(np.zeros((1, 1)), prev, rows, gradients)
    return BackwardReads(
        frozenset(step.names | rows.names), frozenset(rows.names),
        frozenset(gradients.names | {"xw"}),
    )  # fmt: skip
