"""The compiled way through time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import NotPointwiseError
from rnnviz.engine.compiled import passes
from rnnviz.engine.compiled.blocks import Blocks, dealt, nested
from rnnviz.engine.compiled.job import Net, Seen
from rnnviz.engine.compiled.kernels import available, kernels
from rnnviz.engine.compiled.memory import flat, zeros
from rnnviz.engine.compiled.net import GateOrder, source_of
from rnnviz.engine.compiled.passes import Pass
from rnnviz.engine.compiled.source import NotCompiledError
from rnnviz.engine.compiled.vocabulary import BatchVocabulary, vocabulary
from rnnviz.engine.embedding import Lookup


@dataclass(frozen=True, eq=False)
class CompiledScan:
    """What a pass kept: enough to walk back, and every output."""

    cell: Cell
    x: Array | Lookup
    last: Values  # (B, H) by state
    recurrent_mask: Array | None
    input_mask: Array | None
    order: GateOrder
    start: Array  # (states, B, H): before the first token
    words: BatchVocabulary | None  # where their products were looked up
    main: Pass  # all sequences, each from where it differs from the others
    shared: Pass | None  # the padding they have in common
    lead: Array | None  # (B): steps of it

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, H)."""
        T, B, _ = self.x.shape
        return T, B, self.order.units

    def stack(self, name: str) -> Array:
        """The outputs, (T, B, H); only "h" is to be had."""
        if name != "h":
            raise KeyError(f"{name}: the compiled pass keeps no values by name")
        if self.shared is None:
            return passes.outputs(self.main, self.main.blocks.of(self.start[:1], self.order.H))
        idle = np.zeros((self.shape[0], self.order.H), self.start.dtype)
        after = self.shared.job.places.states[0, 1:]
        idle[: len(after)] = self.shared.states[0][after]
        return passes.outputs(self.main, idle)


def able(cell: Cell, mask: Array | None) -> bool:
    """Whether there is a compiler, and its loops can run the cell under this mask."""
    if not available():
        return False
    try:
        source_of(cell)
    except (NotPointwiseError, NotCompiledError):
        return False
    return mask is None or nested(mask)


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
) -> CompiledScan:
    """Read ``x`` (T, B, D) with the cell; see :func:`rnnviz.engine.packed.scan`.

    The first call for a cell and a precision compiles, for some seconds, once for all processes.
    """
    if x.shape[2] != len(p["W"]):
        raise ValueError(f"x has {x.shape[2]} numbers a token, W {len(p['W'])} rows")
    dropped = recurrent_mask is not None or input_mask is not None
    if dropped or (lead is not None and not lead.any()):
        lead = None
    T, B, _ = x.shape
    order = GateOrder(cell, p["U"].shape[0], p["W"].dtype)
    net, code = order.net(p), kernels(cell)
    blocks = dealt(T, B, reverse, mask, lead, keep)
    words = None
    if isinstance(x, Lookup) and input_mask is None:
        words = vocabulary(x, net, blocks.entries)
    net, seen = _seen(x, net, words)
    start = zeros((net.states, B, order.units), net.W.dtype)
    if initial is not None:
        for to, s in zip(start, cell.states, strict=True):
            to[...] = initial[s]
    begin, shared, every = start, None, keep and bool(order.loops.cell.saved)
    if lead is not None:
        shared = _shared(code, net, seen, reverse, start, lead, every)
        begin = _after(shared, lead, start)
    seen = _through_masks(seen, net, order, blocks, input_mask, recurrent_mask)
    main = passes.forward(code, blocks, net, seen, begin, every=every)
    last = dict(zip(cell.states, main.last, strict=True))
    return CompiledScan(
        cell, x, last, recurrent_mask, input_mask, order, start, words, main, shared, lead
    )  # fmt: skip


def _seen(x: Array | Lookup, net: Net, words: BatchVocabulary | None) -> tuple[Net, Seen]:
    """The input in one flat array, and where that of each token begins; masks come later."""
    none = np.empty(0, net.W.dtype)
    if words is not None:
        seen = Seen(1, words.products, words.products.size, words.at, 1, 1, 0, 0, none, none)
        return net._replace(wide=net.width), seen
    if isinstance(x, Lookup):
        if x.ids.size and not 0 <= x.ids.min() <= x.ids.max() < len(x.table):
            raise IndexError(f"ids of a table of {len(x.table)} rows are less than that")
        source = np.ascontiguousarray(x.table, net.W.dtype)
        at = x.ids.astype(np.int64) * net.D
    else:
        source, (_, token, row) = flat(x.astype(net.W.dtype, copy=False)[None], net.D)
        at = _begins(*x.shape[:2], token, row)
    return net, Seen(0, source, source.size, at, 1, 1, 0, 0, none, none)


@lru_cache(maxsize=16)
def _begins(T: int, B: int, token: int, row: int) -> Array:
    """Where each token's input begins, (T, B), if tokens and sequences are so far apart."""
    return np.arange(T)[:, None] * token + np.arange(B) * row


def _through_masks(
    seen: Seen,
    net: Net,
    order: GateOrder,
    blocks: Blocks,
    x_mask: Array | None,
    h_mask: Array | None,
) -> Seen:
    """The same with dropout masks, by place and in the order of the gates."""
    if x_mask is not None:
        by_gate = x_mask if len(x_mask) == 1 else x_mask[order.inputs]
        found = blocks.of(by_gate.astype(net.W.dtype, copy=False), net.wide)
        seen = seen._replace(x_groups=len(found), x_masked=1, x_masks=found)
    if h_mask is not None and order.recurrent:
        by_gate = h_mask[order.recurrent].astype(net.W.dtype, copy=False)
        found = blocks.of(by_gate, net.H)
        seen = seen._replace(h_groups=len(found), h_masked=1, h_masks=found)
    return seen


def _shared(
    code: Any, net: Net, seen: Seen, reverse: bool, start: Array, lead: Array, every: bool
) -> Pass:
    """The padding that sequences begin with, read once."""
    n, longest = int(lead.max()), int(lead.argmax())
    at = seen.x_at[::-1] if reverse else seen.x_at
    seen = seen._replace(x_at=at[:n, longest].copy())
    blocks = dealt(n, 1, False, None, None, True)
    return passes.forward(code, blocks, net, seen, start[:, longest : longest + 1], every=every)


def _after(shared: Pass, lead: Array, start: Array) -> Array:
    """Where each sequence goes on from, (states, B, units)."""
    rows = shared.job.places.states[0, lead]
    return np.where((lead > 0)[:, None], shared.states[:, rows, : start.shape[2]], start)
