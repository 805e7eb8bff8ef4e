"""A run of the compiled loops over all blocks of a batch, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

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
from rnnviz.engine.compiled.memory import pack_fields, zeros

#: Rows of gates that are computed together. They have to fit the cache beside the weights.
WORKSPACE_ROWS = 64


@dataclass(frozen=True, eq=False)
class CompiledPass:
    """A forward pass over the blocks of a batch, with the arguments of its loops."""

    blocks: Blocks
    kernels: Any
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


class InputGradients(NamedTuple):
    """The arrays for the gradients of the input."""

    by_entry: bool  # in the order the tokens are read; otherwise by token
    d_x: Array  # (entries, D_padded) or (T, B, D_padded)
    d_x_offsets: Array  # (entries): where the input of each entry begins in x


class PassGradients(NamedTuple):
    """The gradients of a backward pass, without those of the input."""

    W: Array  # (D_padded, xw_width)
    U: Array  # (H_padded, hu_width)
    b: Array  # (row_width)
    vectors: Array  # (vectors, H_padded)
    initial: Array  # (states, B, H)


def forward(
    kernels: Any,
    blocks: Blocks,
    weights: LayerWeights,
    inputs: LoopInput,
    initial: Array,
    *,
    keep_values: bool,
) -> CompiledPass:
    """Read all tokens from the states ``initial`` (states, B, H) on.

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
        0, none, 0, 0, 0, none, none, none, none, none, 0, 0, none, none
    )  # fmt: skip
    arguments = LoopArguments(blocks.layout, weights, inputs, saved, workspace, gradients)
    parts = (weights, inputs, saved, workspace, gradients)
    fields = pack_fields(field for part in parts for field in part)
    fields = np.concatenate([blocks.fields, fields])
    _run(kernels.forward, weights, fields, blocks)
    return CompiledPass(blocks, kernels, arguments, fields)


def backward(
    forward_pass: CompiledPass,
    d_outputs: tuple[Array, tuple[int, int, int]] | None,
    output_count: int,
    d_last: Array,
    input_gradients: InputGradients | None,
) -> PassGradients:
    """Backpropagate.

    ``d_outputs`` are the gradients of the first ``output_count`` states at every step, as ``flat``
    returns them, ``d_last`` (states, B, H) those of the last states. Those of the input are written
    to ``input_gradients``.
    """
    weights, blocks = forward_pass.arguments.weights, forward_pass.blocks
    n, dtype = len(blocks.layout.first_slot), weights.W.dtype
    array, strides = d_outputs or (np.empty(0, dtype), (0, 0, 0))
    into = input_gradients or InputGradients(False, np.empty(0, dtype), np.empty(0, np.int64))
    d_W_rows = 0 if forward_pass.arguments.inputs.x_is_product else weights.D_padded
    gradients = LoopGradients(
        output_count,
        array,
        *strides,
        d_states=blocks.by_slot(d_last, weights.H_padded),
        d_W=zeros((n, d_W_rows, weights.xw_width), dtype),
        d_U=zeros((n, weights.H_padded, weights.hu_width), dtype),
        d_b=zeros((n, weights.row_width), dtype),
        d_vectors=zeros((n, *weights.cell_vectors.shape), dtype),
        need_x=int(input_gradients is not None),
        by_entry=int(into.by_entry),
        d_x=into.d_x,
        d_x_offsets=into.d_x_offsets,
    )
    fields = np.concatenate([forward_pass.fields[: -len(gradients)], pack_fields(gradients)])
    _run(forward_pass.kernels.backward, weights, fields, blocks)
    # Summed in the order of the blocks, so that the result does not depend on the threads.
    W, U, b, vectors = (
        a.sum(0) for a in (gradients.d_W, gradients.d_U, gradients.d_b, gradients.d_vectors)
    )
    return PassGradients(W, U, b, vectors, blocks.by_sequence(gradients.d_states, weights.H))


def outputs(forward_pass: CompiledPass, idle: Array) -> Array:
    """h after every step, (T, B, H); ``idle`` as ``collect_outputs`` reads it."""
    layout, weights = forward_pass.arguments.layout, forward_pass.arguments.weights
    out = aligned((layout.steps, layout.batch, weights.H), weights.W.dtype)
    idle = np.ascontiguousarray(idle)
    fields = np.concatenate([forward_pass.fields, pack_fields([idle, out])])
    _run(loops().collect_outputs, weights, fields, forward_pass.blocks)
    return out


def _run(kernel: Any, weights: LayerWeights, fields: Array, blocks: Blocks) -> None:
    """Run a kernel on all blocks."""
    like = weights.W[:0, 0]
    threads.for_each(lambda k: kernel(like, fields, k), len(blocks.layout.first_slot))


def _workspace(blocks: Blocks, weights: LayerWeights, inputs: LoopInput) -> Workspace:
    n, rows = len(blocks.layout.first_slot), WORKSPACE_ROWS
    widths = (
        inputs.x_groups * weights.D_padded, inputs.h_groups * weights.H_padded,
        weights.row_width, max(weights.H_padded, weights.D_padded),
    )  # fmt: skip
    # Zeros: products also read rows that are only padding, and denormal numbers would be slow.
    x, h, gates, products = (zeros((n, rows, width), weights.W.dtype) for width in widths)
    return Workspace(rows, x, h, gates, products, np.empty((n, rows), np.int64))
