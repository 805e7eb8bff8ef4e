"""Runs of the compiled loops over all blocks of a batch, forward and backward.

Several passes run at once, such as the two directions of a layer: the blocks of all of them are
divided among the threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array, aligned
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.blocks import Blocks
from rnnviz.engine.compiled.kernels import loops
from rnnviz.engine.compiled.loop_arguments import (
    LayerWeights,
    LoopArguments,
    LoopGradients,
    LoopInput,
    SavedValues,
    Workspace,
)
from rnnviz.engine.compiled.memory import pack_fields

#: Rows of gates that are computed together. They have to fit the cache beside the weights.
WORKSPACE_ROWS = 64


@dataclass(frozen=True, eq=False)
class CompiledPass:
    """A forward pass over the blocks of a batch, with the arguments of its loops."""

    blocks: Blocks
    arguments: LoopArguments
    fields: Array  # of the arguments, as the loops take them

    @property
    def states(self) -> Array:
        """All states, (states, rows, H_padded)."""
        return self.arguments.saved.states

    @property
    def last(self) -> Array:
        """The last states, (states, B, H)."""
        return self.blocks.by_sequence(
            self.arguments.saved.boundary_states, self.arguments.weights.H
        )


class Upstream(NamedTuple):
    """What a backward pass starts from, and where it writes the gradients of the input."""

    #: Of the first ``output_count`` states at every step, as ``flat`` returns them.
    d_outputs: tuple[Array, tuple[int, int, int]] | None
    output_count: int
    d_last: Array  # (states, B, H): of the last states
    input_gradients: InputGradients | None


class InputGradients(NamedTuple):
    """The arrays for the gradients of the input."""

    by_entry: bool  # in the order the tokens are read; otherwise by token
    d_x: Array  # (entries, D_padded), (T, B, D_padded), or (blocks, words, xw_width)
    d_x_offsets: Array  # (entries): where the input of each entry begins in x
    words: int = 0  # of which d_x has the sums; 0 where it has rows of single tokens


class PassGradients(NamedTuple):
    """The gradients of a backward pass, without those of the input."""

    W: Array  # (D_padded, xw_width)
    U: Array  # (H_padded, hu_width)
    b: Array  # (row_width)
    vectors: Array  # (vectors, H_padded)
    initial: Array  # (states, B, H)


def prepare(
    blocks: Blocks,
    weights: LayerWeights,
    inputs: LoopInput,
    initial: Array,
    *,
    keep_values: bool,
) -> CompiledPass:
    """A pass over all tokens from the states ``initial`` (states, B, H) on, for :func:`forward`.

    ``keep_values``: keep the values of every step that the backward pass reads.
    """
    dtype = weights.W.dtype
    workspace = _workspace(blocks, weights, inputs)
    block_count = len(blocks.layout.first_slot)
    value_rows = blocks.gate_row_count if keep_values else block_count * WORKSPACE_ROWS
    saved = SavedValues(
        int(keep_values),
        aligned((value_rows, weights.row_width), dtype),
        aligned((weights.state_count, blocks.state_row_count, weights.H_padded), dtype),
        blocks.state_row_count * weights.H_padded,
        blocks.by_slot(initial, weights.H_padded),
    )
    none = np.empty(0, dtype)
    gradients = LoopGradients(
        0, none, 0, 0, 0, none, none, none, none, none, 0, 0, 0, none, none
    )  # fmt: skip
    arguments = LoopArguments(blocks.layout, weights, inputs, saved, workspace, gradients)
    parts = (weights, inputs, saved, workspace, gradients)
    fields = pack_fields(field for part in parts for field in part)
    fields = np.concatenate([blocks.fields, fields])
    return CompiledPass(blocks, arguments, fields)


def forward(passes: Sequence[CompiledPass]) -> None:
    """Read all tokens."""
    _run("forward", [(p, p.fields) for p in passes])


def backward(passes: Sequence[CompiledPass], upstream: Sequence[Upstream]) -> list[PassGradients]:
    """Backpropagate through passes."""
    every = [_loop_gradients(p, given) for p, given in zip(passes, upstream, strict=True)]
    _run("backward", [
        (p, np.concatenate([p.fields[: -len(g)], pack_fields(g)]))
        for p, g in zip(passes, every, strict=True)
    ])  # fmt: skip
    return [_sums(p, g) for p, g in zip(passes, every, strict=True)]


def _loop_gradients(forward_pass: CompiledPass, upstream: Upstream) -> LoopGradients:
    """The arguments of a backward pass."""
    weights, blocks = forward_pass.arguments.weights, forward_pass.blocks
    n, dtype = len(blocks.layout.first_slot), weights.W.dtype
    array, strides = upstream.d_outputs or (np.empty(0, dtype), (0, 0, 0))
    into = upstream.input_gradients
    into = into or InputGradients(False, np.empty(0, dtype), np.empty(0, np.int64))
    d_W_rows = 0 if forward_pass.arguments.inputs.x_is_product else weights.D_padded
    return LoopGradients(
        upstream.output_count,
        array,
        *strides,
        d_states=blocks.by_slot(upstream.d_last, weights.H_padded),
        d_W=aligned((n, d_W_rows, weights.xw_width), dtype),
        d_U=aligned((n, weights.H_padded, weights.hu_width), dtype),
        d_b=aligned((n, weights.row_width), dtype),
        d_vectors=aligned((n, *weights.cell_vectors.shape), dtype),
        need_x=int(upstream.input_gradients is not None),
        by_entry=int(into.by_entry),
        words=into.words,
        d_x=into.d_x,
        d_x_offsets=into.d_x_offsets,
    )


def _sums(forward_pass: CompiledPass, gradients: LoopGradients) -> PassGradients:
    """Summed in the order of the blocks, so that the result does not depend on the threads."""
    W, U, b, vectors = (
        a.sum(0) for a in (gradients.d_W, gradients.d_U, gradients.d_b, gradients.d_vectors)
    )
    H = forward_pass.arguments.weights.H
    return PassGradients(W, U, b, vectors, forward_pass.blocks.by_sequence(gradients.d_states, H))


def outputs(passes: Sequence[CompiledPass], idle: Sequence[Array]) -> Array:
    """h after every step, side by side, (T, B, n·H); ``idle`` as ``collect_outputs`` reads it."""
    layout, weights = passes[0].arguments.layout, passes[0].arguments.weights
    width = len(passes) * weights.H
    out = aligned((layout.steps, layout.batch, width), weights.W.dtype)
    _run("collect_outputs", [
        (p, np.concatenate([p.fields, pack_fields([idle, out, n * weights.H, width])]))
        for n, (p, idle) in enumerate(zip(passes, map(np.ascontiguousarray, idle), strict=True))
    ])  # fmt: skip
    return out


def _run(name: str, runs: Sequence[tuple[CompiledPass, Array]]) -> None:
    """Run a kernel on all blocks of passes, each with its fields."""
    calls = [
        (one.arguments.weights.W[:0, 0], fields, k)
        for one, fields in runs
        for k in range(len(one.blocks.layout.first_slot))
    ]
    kernel = getattr(loops(), name)
    threads.for_each(lambda n: kernel(*calls[n]), len(calls))


def _workspace(blocks: Blocks, weights: LayerWeights, inputs: LoopInput) -> Workspace:
    n, rows = len(blocks.layout.first_slot), WORKSPACE_ROWS
    widths = (
        inputs.x_groups * weights.D_padded, inputs.h_groups * weights.H_padded,
        weights.row_width, max(weights.H_padded, weights.D_padded),
    )  # fmt: skip
    x, h, gates, products = (aligned((n, rows, width), weights.W.dtype) for width in widths)
    return Workspace(rows, x, h, gates, products, np.empty((n, rows), np.int64))
