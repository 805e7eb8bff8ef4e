"""The forward pass of compiled scans."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import NotPointwiseError
from rnnviz.engine.compiled import passes
from rnnviz.engine.compiled.batch_vocabulary import BatchVocabulary, multiply_words
from rnnviz.engine.compiled.blocks import Blocks, is_nested, make_blocks
from rnnviz.engine.compiled.gate_order import GateOrder, source_of
from rnnviz.engine.compiled.kernels import available, loops
from rnnviz.engine.compiled.loop_arguments import LayerWeights, LoopInput
from rnnviz.engine.compiled.memory import flat, zeros
from rnnviz.engine.compiled.passes import CompiledPass
from rnnviz.engine.compiled.source import NotCompiledError
from rnnviz.engine.embedding import Lookup


@dataclass(frozen=True, eq=False)
class CompiledScan:
    """The outputs of a scan, and what its backward pass reads."""

    cell: Cell
    x: Array | Lookup
    last: Values  # the last states, (B, H) by name
    recurrent_mask: Array | None
    input_mask: Array | None
    order: GateOrder
    initial: Array  # (states, B, H): before the first token
    vocabulary: BatchVocabulary | None  # if x are products looked up by word
    main_pass: CompiledPass  # all sequences, each without its shared padding
    padding_pass: CompiledPass | None  # the longest padding in front, computed once for all
    lead: Array | None  # (B): steps of padding of each sequence

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, H)."""
        T, B, _ = self.x.shape
        return T, B, self.order.H

    def stack(self, name: str) -> Array:
        """The outputs "h", (T, B, H); KeyError for other names: they are not saved by name."""
        if name != "h":
            raise KeyError(f"{name}: compiled scans only return h")
        if self.padding_pass is None:
            initial = self.main_pass.blocks.by_slot(self.initial[:1], self.order.H_padded)
            return passes.outputs(self.main_pass, initial)
        idle = np.zeros((self.shape[0], self.order.H_padded), self.initial.dtype)
        after = self.padding_pass.arguments.layout.state_rows[0, 1:]
        idle[: len(after)] = self.padding_pass.states[0][after]
        return passes.outputs(self.main_pass, idle)


def supports(cell: Cell, mask: Array | None) -> bool:
    """Whether numba is installed, and the loops can run the cell with this mask (T, B)."""
    if not available():
        return False
    try:
        source_of(cell)
    except (NotPointwiseError, NotCompiledError):
        return False
    return mask is None or is_nested(mask)


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
    """Read ``x`` (T, B, D) with the cell; see :func:`rnnviz.engine.packed_scan.scan`.

    The first call for a cell and a precision compiles for some seconds; the code is cached on disk.
    ValueError if ``x`` does not fit W; IndexError for ids outside the table.
    """
    if x.shape[2] != len(p["W"]):
        raise ValueError(f"x has {x.shape[2]} numbers a token, W {len(p['W'])} rows")
    has_dropout = recurrent_mask is not None or input_mask is not None
    if has_dropout or (lead is not None and not lead.any()):
        lead = None
    T, B, _ = x.shape
    order = GateOrder(cell, p["U"].shape[0], p["W"].dtype)
    weights, kernels = order.weights(p), loops()
    blocks = make_blocks(T, B, reverse, mask, lead, keep)
    vocabulary = None
    if isinstance(x, Lookup) and input_mask is None:
        vocabulary = multiply_words(x, weights, blocks.entry_count)
    weights, inputs = _loop_input(x, weights, vocabulary)
    first = zeros((weights.state_count, B, order.H), weights.W.dtype)
    if initial is not None:
        for to, s in zip(first, cell.states, strict=True):
            to[...] = initial[s]
    start, padding_pass, keep_values = first, None, keep and bool(order.source.cell.saved)
    if lead is not None:
        padding_pass = _read_padding(kernels, weights, inputs, reverse, first, lead, keep_values)
        start = _states_after_padding(padding_pass, lead, first)
    inputs = _with_masks(inputs, weights, order, blocks, input_mask, recurrent_mask)
    main_pass = passes.forward(kernels, blocks, weights, inputs, start, keep_values=keep_values)
    last = dict(zip(cell.states, main_pass.last, strict=True))
    return CompiledScan(
        cell, x, last, recurrent_mask, input_mask, order, first, vocabulary, main_pass,
        padding_pass, lead,
    )  # fmt: skip


def _loop_input(
    x: Array | Lookup, weights: LayerWeights, vocabulary: BatchVocabulary | None
) -> tuple[LayerWeights, LoopInput]:
    """The input as one flat array, and where the input of each token begins; without masks."""
    none = np.empty(0, weights.W.dtype)
    if vocabulary is not None:
        products = vocabulary.products
        inputs = LoopInput(
            1, products, products.size, vocabulary.offsets, 1, 1, 0, 0, none, none
        )  # fmt: skip
        return weights._replace(D_padded=weights.xw_width), inputs
    if isinstance(x, Lookup):
        if x.ids.size and not 0 <= x.ids.min() <= x.ids.max() < len(x.table):
            raise IndexError(f"ids outside a table of {len(x.table)} rows")
        numbers = np.ascontiguousarray(x.table, weights.W.dtype)
        offsets = x.ids.astype(np.int64) * weights.D
    else:
        numbers, (_, token, row) = flat(x.astype(weights.W.dtype, copy=False)[None], weights.D)
        offsets = _token_offsets(*x.shape[:2], token, row)
    return weights, LoopInput(0, numbers, numbers.size, offsets, 1, 1, 0, 0, none, none)


@lru_cache(maxsize=16)
def _token_offsets(T: int, B: int, token: int, row: int) -> Array:
    """The offset of each token, (T, B), by the strides of the axes T and B."""
    return np.arange(T)[:, None] * token + np.arange(B) * row


def _with_masks(
    inputs: LoopInput,
    weights: LayerWeights,
    order: GateOrder,
    blocks: Blocks,
    x_mask: Array | None,
    h_mask: Array | None,
) -> LoopInput:
    """The input with dropout masks, by slot and in the loops' order of the gates."""
    if x_mask is not None:
        by_gate = x_mask if len(x_mask) == 1 else x_mask[order.inputs]
        masks = blocks.by_slot(by_gate.astype(weights.W.dtype, copy=False), weights.D_padded)
        inputs = inputs._replace(x_groups=len(masks), has_x_masks=1, x_masks=masks)
    if h_mask is not None and order.recurrent:
        by_gate = h_mask[order.recurrent].astype(weights.W.dtype, copy=False)
        masks = blocks.by_slot(by_gate, weights.H_padded)
        inputs = inputs._replace(h_groups=len(masks), has_h_masks=1, h_masks=masks)
    return inputs


def _read_padding(
    kernels: Any,
    weights: LayerWeights,
    inputs: LoopInput,
    reverse: bool,
    initial: Array,
    lead: Array,
    keep_values: bool,
) -> CompiledPass:
    """Read the longest padding at the beginning; that of other sequences is its first steps."""
    n, longest = int(lead.max()), int(lead.argmax())
    offsets = inputs.x_offsets[::-1] if reverse else inputs.x_offsets
    inputs = inputs._replace(x_offsets=offsets[:n, longest].copy())
    blocks = make_blocks(n, 1, False, None, None, True)
    start = initial[:, longest : longest + 1]
    return passes.forward(kernels, blocks, weights, inputs, start, keep_values=keep_values)


def _states_after_padding(padding_pass: CompiledPass, lead: Array, initial: Array) -> Array:
    """The states of each sequence after its padding, (states, B, H)."""
    rows = padding_pass.arguments.layout.state_rows[0, lead]
    states = padding_pass.states[:, rows, : initial.shape[2]]
    return np.where((lead > 0)[:, None], states, initial)
