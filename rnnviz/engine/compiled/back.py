"""The compiled way back: gradients through time, and their sums over steps and batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnviz.arrays import Array, Values, aligned
from rnnviz.cells import Cell
from rnnviz.engine.compiled import passes
from rnnviz.engine.compiled.forward import CompiledScan
from rnnviz.engine.compiled.memory import flat, zeros
from rnnviz.engine.compiled.passes import Inputs, Returned
from rnnviz.engine.compiled.vocabulary import summed_products, summed_rows
from rnnviz.engine.embedding import Lookup, WordRows


@dataclass(frozen=True, eq=False)
class CompiledScanGradients:
    """The gradients that walking back gave."""

    done: CompiledScan
    bias_rows: int
    found: Returned
    inputs: Inputs | None

    @property
    def initial(self) -> Values:
        """Of the states before the first step, (B, H)."""
        return dict(zip(self.done.cell.states, self.found.initial, strict=True))

    @cached_property
    def params(self) -> Values:
        """Of the trained arrays."""
        net, order, found = self.done.main.job.net, self.done.order, self.found
        W = found.W if self._by_product is None else self._by_product[1]
        return {
            "W": order.unsorted(W[: net.D], order.inputs),
            "U": order.unsorted(found.U[: net.units], order.recurrent),
            "b": order.bias_gradient(found.b, self.bias_rows),
        } | {name: d[: net.units] for name, d in zip(order.loops.vectors, found.own, strict=True)}

    @property
    def x(self) -> Array:
        """Of the layer's input, (T, B, D)."""
        if self.inputs is None or isinstance(self.done.x, Lookup):
            raise KeyError("x: not asked for, or looked up (then see rows())")
        return self.inputs.x[:, :, : self.done.main.job.net.D]

    def rows(self) -> WordRows:
        """Of a looked-up input: ids, and the gradients of these rows of the table."""
        if self.inputs is None or not isinstance(self.done.x, Lookup):
            raise KeyError("rows: not asked for, or not looked up (then see x)")
        if self._by_product is not None:
            return self._by_product[0]
        net = self.done.main.job.net
        found = summed_rows(self.inputs.x_from // net.D, self.inputs.x, len(self.done.x.table))
        return WordRows(found.words, found.rows[:, : net.D])

    @cached_property
    def _by_product(self) -> tuple[WordRows, Array] | None:
        """The gradients of the words' rows and of W, where the words' products were looked up."""
        words, net = self.done.words, self.done.main.job.net
        if words is None or self.inputs is None:
            return None
        return summed_products(self.inputs.x_from // net.width, self.inputs.x, words, net)


def scan_backward(
    cell: Cell,
    p: Values,
    done: CompiledScan,
    d_h: Array | None = None,
    d_last: Mapping[str, Array] | None = None,
    *,
    need_x: bool = True,
) -> CompiledScanGradients:
    """Walk back; see :func:`rnnviz.engine.scan.scan_backward`. ``need_x``: also to the input."""
    net, (_, B, H) = done.main.job.net, done.shape
    carry = np.zeros((net.states, B, H), net.W.dtype)
    for to, s in zip(carry, cell.states, strict=True):
        to[...] = (d_last or {}).get(s, 0)
    out = None if d_h is None else flat(d_h.astype(net.W.dtype, copy=False)[None], net.H)
    # Where products were looked up, W's gradient comes from theirs.
    inputs = _inputs(done) if need_x or done.words is not None else None
    found = passes.backward(done.main, out, 0 if out is None else 1, carry, inputs)
    if done.shared is not None and done.lead is not None:
        arriving = flat(_arriving(done, done.lead, found.initial, d_h), net.H)
        before = np.zeros((net.states, 1, H), net.W.dtype)
        into = _padding(done, inputs)
        padding = passes.backward(done.shared, arriving, net.states, before, into)
        if inputs is not None and into is not None and not inputs.by_entry:
            steps = done.main.job.places.tokens[: len(into.x)]
            inputs.x[steps, done.lead.argmax()] = into.x[:, 0]
        found = _together(found, padding, done.lead)
    return CompiledScanGradients(done, p["b"].ndim, found, inputs)


def _inputs(done: CompiledScan) -> Inputs:
    """Room for the gradients of all inputs, those of the shared padding last."""
    net, places, dtype = done.main.job.net, done.main.job.places, done.main.job.net.W.dtype
    if isinstance(done.x, Lookup):
        n = done.main.blocks.entries + (0 if done.shared is None else done.shared.blocks.entries)
        return Inputs(True, aligned((n, net.wide), dtype), np.empty(n, np.int64))
    # Idle sequences keep their zeros.
    make = aligned if done.main.blocks.entries == places.steps * places.batch else zeros
    x = make((places.steps, places.batch, net.wide), dtype)
    return Inputs(False, x, np.empty(0, np.int64))


def _padding(done: CompiledScan, inputs: Inputs | None) -> Inputs | None:
    """Where those of the shared padding go."""
    if inputs is None or done.shared is None:
        return None
    if inputs.by_entry:
        n = done.main.blocks.entries
        return Inputs(True, inputs.x[n:], inputs.x_from[n:])
    shape = (done.shared.job.places.steps, 1, inputs.x.shape[2])
    return Inputs(False, aligned(shape, inputs.x.dtype), np.empty(0, np.int64))


def _together(found: Returned, padding: Returned, lead: Array) -> Returned:
    """The gradients of all; of the states before the padding they are at the sequence read."""
    initial = found.initial
    initial[:, lead > 0] = 0
    initial[:, lead.argmax()] += padding.initial[:, 0]
    W, U, b, own = (a + b for a, b in zip(found[:4], padding[:4], strict=True))
    return Returned(W, U, b, own, initial)


def _arriving(done: CompiledScan, lead: Array, initial: Array, d_h: Array | None) -> Array:
    """What reaches the shared padding at each of its steps, (states, steps, 1, H)."""
    states, _, H = initial.shape
    steps = int(lead.max())
    found = zeros((states, steps, 1, done.order.H), initial.dtype)
    late = np.flatnonzero(lead)
    by_step = found[:, :, 0, :H].transpose(1, 0, 2)
    np.add.at(by_step, lead[late] - 1, initial[:, late].transpose(1, 0, 2))
    if d_h is not None:
        tokens = done.main.job.places.tokens
        for s in range(steps):
            found[0, s, 0, :H] += d_h[tokens[s], lead > s].sum(0)
    return found
