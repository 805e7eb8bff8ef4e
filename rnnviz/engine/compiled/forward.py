"""The forward pass of compiled scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import NotPointwiseError
from rnnviz.engine.compiled import passes
from rnnviz.engine.compiled.batch_vocabulary import (
    BatchVocabulary,
    find_words,
    multiply_words,
)
from rnnviz.engine.compiled.blocks import Blocks, is_nested, make_blocks
from rnnviz.engine.compiled.gate_order import GateOrder, source_of
from rnnviz.engine.compiled.kernels import available
from rnnviz.engine.compiled.loop_arguments import LayerWeights, LoopInput
from rnnviz.engine.compiled.memory import flat, zeros
from rnnviz.engine.compiled.passes import CompiledPass
from rnnviz.engine.compiled.source import NotCompiledError
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import Lookup

#: Padding is shared where it is at least this part of a batch, 1 / SHARED_PARTS: it takes a pass of
#: its own. In texts without padding the word 0 may begin a few sequences.
SHARED_PARTS = 16


@dataclass(frozen=True, eq=False)
class CompiledScan:
    """The outputs of a scan, and what its backward pass reads."""

    cell: Cell
    x: Array | Lookup
    order: GateOrder
    initial: Array  # (states, B, H): before the first token
    vocabulary: BatchVocabulary | None  # if x are products looked up by word
    main_pass: CompiledPass  # all sequences, each without its shared padding
    padding_pass: CompiledPass | None  # the longest padding in front, computed once for all
    lead: Array | None  # (B): steps of padding of each sequence

    @cached_property
    def last(self) -> Values:
        """The last states, (B, H) by name."""
        return dict(zip(self.cell.states, self.main_pass.last, strict=True))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, H)."""
        T, B, _ = self.x.shape
        return T, B, self.order.H

    def stack(self, name: str) -> Array:
        """The outputs "h", (T, B, H); KeyError for other names: they are not saved by name."""
        if name != "h":
            raise KeyError(f"{name}: compiled scans only return h")
        return outputs([self])

    @property
    def idle(self) -> Array:
        """The outputs of sequences that have not begun, as ``collect_outputs`` reads them."""
        if self.padding_pass is None:
            return self.main_pass.blocks.by_slot(self.initial[:1], self.order.H_padded)
        idle = np.zeros((self.shape[0], self.order.H_padded), self.initial.dtype)
        after = self.padding_pass.arguments.layout.state_rows[0, 1:]
        idle[: len(after)] = self.padding_pass.states[0][after]
        return idle


def outputs(scans: Sequence[CompiledScan]) -> Array:
    """The outputs of a layer's n directions side by side, (T, B, n·H)."""
    return passes.outputs([s.main_pass for s in scans], [s.idle for s in scans])


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
    directions: Sequence[DirectionInput],
    x: Array | Lookup,
    mask: Array | None = None,
    *,
    keep: bool = True,
) -> tuple[CompiledScan, ...]:
    """Read ``x`` (T, B, D) with the cell in every direction, all of them at once.

    Each as :func:`rnnviz.engine.packed_scan.scan` does. The first call for a cell and a precision
    compiles for some seconds; the code is cached on disk.
    ValueError if ``x`` does not fit W; IndexError for ids outside the table.
    """
    readings = [_Reading(cell, direction, x, mask, keep) for direction in directions]
    vocabulary = None
    if isinstance(x, Lookup) and all(d.input_mask is None for d in directions):
        vocabulary = find_words(x, readings[0].weights, readings[0].blocks.entry_count)
    if vocabulary is None:
        inputs = _loop_input(x, readings[0].weights)
        for reading in readings:
            reading.inputs = inputs
    else:
        products = multiply_words(vocabulary, [r.weights for r in readings])
        for reading, product in zip(readings, products, strict=True):
            reading.read_products(vocabulary, product)
    padding = [reading.padding_pass() for reading in readings]
    passes.forward([p for p in padding if p is not None])
    scans = tuple(r.scan(x, vocabulary, p) for r, p in zip(readings, padding, strict=True))
    passes.forward([s.main_pass for s in scans])
    return scans


class _Reading:
    """One direction, prepared to be read, but for its ``inputs``."""

    inputs: LoopInput

    def __init__(
        self, cell: Cell, direction: DirectionInput, x: Array | Lookup, mask: Array | None,
        keep: bool,
    ) -> None:  # fmt: skip
        p, lead = direction.p, direction.lead
        if x.shape[2] != len(p["W"]):
            raise ValueError(f"x has {x.shape[2]} numbers a token, W {len(p['W'])} rows")
        has_dropout = direction.recurrent_mask is not None or direction.input_mask is not None
        T, B, _ = x.shape
        is_short = lead is None or SHARED_PARTS * lead.sum() < T * B
        self.lead = None if has_dropout or is_short else lead
        self.cell, self.direction = cell, direction
        self.order = GateOrder(cell, p["U"].shape[0], p["W"].dtype)
        self.weights = self.order.weights(p)
        self.blocks = make_blocks(T, B, direction.reverse, mask, self.lead, keep)
        self.initial = zeros((self.weights.state_count, B, self.order.H), p["W"].dtype)
        if direction.initial is not None:
            for to, s in zip(self.initial, cell.states, strict=True):
                to[...] = direction.initial[s]
        self.keep_values = keep and bool(self.order.source.cell.saved)

    def read_products(self, vocabulary: BatchVocabulary, products: Array) -> None:
        """Read the products of the words with W, instead of the words' embeddings."""
        width, none = self.weights.xw_width, products[:0, 0]
        self.inputs = LoopInput(
            1, products, products.size, vocabulary.indices * width, 1, 1, 0, 0, none, none
        )  # fmt: skip
        self.weights = self.weights._replace(D_padded=width)

    def padding_pass(self) -> CompiledPass | None:
        """Of the longest padding at the beginning; that of other sequences is its first steps."""
        if self.lead is None:
            return None
        n, longest = int(self.lead.max()), int(self.lead.argmax())
        offsets = self.inputs.x_offsets
        offsets = (offsets[::-1] if self.direction.reverse else offsets)[:n, longest].copy()
        blocks = make_blocks(n, 1, False, None, None, True)
        return passes.prepare(
            blocks, self.weights, self.inputs._replace(x_offsets=offsets),
            self.initial[:, longest : longest + 1], keep_values=self.keep_values,
        )  # fmt: skip

    def scan(
        self, x: Array | Lookup, vocabulary: BatchVocabulary | None, padding: CompiledPass | None
    ) -> CompiledScan:
        """The scan, whose main pass has not run yet; the pass over the padding has."""
        start, given = self.initial, self.direction
        if padding is not None and self.lead is not None:
            start = _states_after_padding(padding, self.lead, start)
        inputs = _with_masks(
            self.inputs, self.weights, self.order, self.blocks, given.input_mask,
            given.recurrent_mask,
        )  # fmt: skip
        main_pass = passes.prepare(
            self.blocks, self.weights, inputs, start, keep_values=self.keep_values
        )
        return CompiledScan(
            self.cell, x, self.order, self.initial, vocabulary, main_pass, padding, self.lead
        )


def _loop_input(x: Array | Lookup, weights: LayerWeights) -> LoopInput:
    """The input as one flat array, and where the input of each token begins; without masks."""
    none = np.empty(0, weights.W.dtype)
    if isinstance(x, Lookup):
        if x.ids.size and not 0 <= x.ids.min() <= x.ids.max() < len(x.table):
            raise IndexError(f"ids outside a table of {len(x.table)} rows")
        numbers = np.ascontiguousarray(x.table, weights.W.dtype)
        offsets = x.ids.astype(np.int64) * weights.D
    else:
        numbers, (_, token, row) = flat(x.astype(weights.W.dtype, copy=False)[None], weights.D)
        offsets = _token_offsets(*x.shape[:2], token, row)
    return LoopInput(0, numbers, numbers.size, offsets, 1, 1, 0, 0, none, none)


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


def _states_after_padding(padding_pass: CompiledPass, lead: Array, initial: Array) -> Array:
    """The states of each sequence after its padding, (states, B, H)."""
    rows = padding_pass.arguments.layout.state_rows[0, lead]
    states = padding_pass.states[:, rows, : initial.shape[2]]
    return np.where((lead > 0)[:, None], states, initial)
