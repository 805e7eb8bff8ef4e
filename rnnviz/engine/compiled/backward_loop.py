"""Backpropagation through time for one block of sequences: source text, see ``forward_loop.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnviz.arrays import Array
from rnnviz.engine.compiled.loop_arguments import (
    BlockLayout,
    IntArray,
    LayerWeights,
    LoopArguments,
    LoopGradients,
    LoopInput,
    Workspace,
)
from rnnviz.engine.compiled.products import padded_rows, product
from rnnviz.engine.compiled.row_copies import (
    add_vectors,
    clear_vectors,
    copy_masked,
    copy_vectors,
)

if TYPE_CHECKING:
    from rnnviz.engine.compiled.argument_unpacking import unpack_loop_arguments
    from rnnviz.engine.compiled.simd import call, item, set_item

    def backward_row(*args: Any) -> None:
        """The cell's backward lines for one sequence at one step."""


def clear_gradients(
    weights: LayerWeights, inputs: LoopInput, gradients: LoopGradients, block: int
) -> None:
    """Set a block's gradients of the weights to zero."""
    row_width = weights.row_width
    if not inputs.x_is_product:
        n = weights.D_padded * weights.xw_width
        clear_vectors(gradients.d_W, block * n, n)
    n = weights.H_padded * weights.hu_width
    clear_vectors(gradients.d_U, block * n, n)
    clear_vectors(gradients.d_b, block * row_width, row_width)
    n = weights.vector_count * weights.H_padded
    clear_vectors(gradients.d_vectors, block * n, n)
    if gradients.words:
        n = gradients.words * weights.xw_width
        clear_vectors(gradients.d_x, block * n, n)


def clear_idle_inputs(
    layout: BlockLayout, weights: LayerWeights, gradients: LoopGradients, block: int, s: int, R: int
) -> None:
    """Set the gradients of the tokens that are not read at step s to zero."""
    start = item(layout.token_order, s) * layout.batch
    for r in range(R, item(layout.sequence_count, block)):
        token = start + item(layout.sequences, item(layout.first_slot, block) + r)
        clear_vectors(gradients.d_x, token * weights.D_padded, weights.D_padded)


def add_output_gradients(
    layout: BlockLayout, weights: LayerWeights, gradients: LoopGradients, block: int, s: int
) -> None:
    """Add the gradients of step s's outputs to those of its states."""
    first, H_padded = item(layout.first_slot, block), weights.H_padded
    R = (
        item(layout.sequence_count, block)
        if layout.hold_state
        else item(layout.active_count, block * layout.steps + s)
    )
    for i in range(gradients.output_count):
        token = item(layout.token_order, s)
        start = i * gradients.state_stride + token * gradients.token_stride
        d_state = (i * layout.slots + first) * H_padded
        for r in range(R):
            row = start + item(layout.sequences, first + r) * gradients.sequence_stride
            add_vectors(
                gradients.d_outputs, row, gradients.d_states, d_state + r * H_padded, H_padded
            )


def backward_rows(
    arguments: LoopArguments,
    block: int,
    R: int,
    values: int,
    ahead: int,
    before: int,
    after: int,
    d_state: int,
    d_gates: int,
) -> None:
    """The cell's backward lines for R sequences of a block at one step.

    ``values``, ``before`` and ``after`` are the first rows of saved values and states, ``ahead`` is
    that of the values of the step that follows, ``d_state`` and ``d_gates`` are the first numbers
    of the gradients.
    """
    weights, saved, gradients = arguments.weights, arguments.saved, arguments.gradients
    H_padded, row_width = weights.H_padded, weights.row_width
    for r in range(R):
        backward_row(
            saved.values, (values + r) * row_width, (ahead + r) * row_width,
            saved.states, saved.state_size, (before + r) * H_padded, (after + r) * H_padded,
            gradients.d_states, arguments.layout.slots * H_padded, d_state + r * H_padded,
            arguments.workspace.gates, d_gates + r * row_width,
            weights.cell_vectors, gradients.d_vectors, block, H_padded,
        )  # fmt: skip


def backward(like: Array, fields: IntArray, block: int) -> None:
    """Backpropagate through a block, and sum up the gradients of its weights."""
    arguments = unpack_loop_arguments(like, fields)
    layout, weights, inputs = arguments.layout, arguments.weights, arguments.inputs
    saved, workspace, gradients = arguments.saved, arguments.workspace, arguments.gradients
    H_padded, row_width, T = weights.H_padded, weights.row_width, layout.steps
    d_state, rows, entry = item(layout.first_slot, block) * H_padded, weights.zero, weights.zero
    clear_gradients(weights, inputs, gradients, block)
    for s in range(T - 1, -1, -1):
        R = item(layout.active_count, block * T + s)
        if gradients.need_x and not gradients.by_entry:
            clear_idle_inputs(layout, weights, gradients, block, s, R)
        add_output_gradients(layout, weights, gradients, block, s)
        if R == 0:
            continue
        R_padded = padded_rows(R)
        if rows + R_padded > workspace.rows:
            call(
                weights.sum_weight_gradients, layout, weights, inputs, gradients, workspace,
                block, rows, entry,
            )  # fmt: skip
            entry, rows = entry + rows, weights.zero
        call(weights.load_input, layout, weights, inputs, workspace, block, s, R, rows)
        call(
            weights.load_state, layout, weights, inputs, saved.states, workspace,
            block, s, R, rows,
        )  # fmt: skip
        values = item(layout.gate_rows, block * T + s)
        before = item(layout.state_rows, block * (T + 1) + s)
        after = item(layout.state_rows, block * (T + 1) + s + 1)
        d_gates = (block * workspace.rows + rows) * row_width
        # The loop goes back through rows that the processor does not expect.
        ahead = item(layout.gate_rows, block * T + max(s - 1, 0))
        call(
            weights.backward_rows, arguments, block, R, values, ahead, before, after,
            d_state, d_gates,
        )  # fmt: skip
        clear_vectors(workspace.gates, d_gates + R * row_width, (R_padded - R) * row_width)
        gradient_through_U(layout, weights, inputs, gradients, workspace, block, R, d_gates)
        rows += R
    call(
        weights.sum_weight_gradients, layout, weights, inputs, gradients, workspace,
        block, rows, entry,
    )  # fmt: skip
    if gradients.words:
        start = block * gradients.words
        for word in range(start, start + gradients.words):
            add_vectors(
                gradients.d_x, word * weights.xw_width,
                gradients.d_b, block * row_width, weights.xw_width,
            )  # fmt: skip


def gradient_through_U(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    gradients: LoopGradients,
    workspace: Workspace,
    block: int,
    R: int,
    d_gates: int,
) -> None:
    """Add d_gates·Uᵀ to the gradient of h_prev, multiplied by h_prev's dropout masks."""
    H_padded, row_width = weights.H_padded, weights.row_width
    n, R_padded = weights.hu_width // inputs.h_groups, padded_rows(R)
    first = item(layout.first_slot, block)
    d_h = first * H_padded
    products = block * workspace.rows * max(H_padded, weights.D_padded)
    for g in range(inputs.h_groups):
        d_group = d_gates + weights.hu_start + g * n
        if not inputs.has_h_masks:
            product(weights.multiply, gradients.d_states, d_h, H_padded,
                    workspace.gates, d_group, row_width, weights.one,
                    weights.U_T, g * n * H_padded, H_padded, R_padded, H_padded, n)  # fmt: skip
            continue
        clear_vectors(workspace.products, products, R_padded * H_padded)
        product(weights.multiply, workspace.products, products, H_padded,
                workspace.gates, d_group, row_width, weights.one,
                weights.U_T, g * n * H_padded, H_padded, R_padded, H_padded, n)  # fmt: skip
        m = (g * layout.slots + first) * H_padded
        copy_masked(workspace.products, products, workspace.products, products,
                    inputs.h_masks, m, R * H_padded)  # fmt: skip
        add_vectors(workspace.products, products, gradients.d_states, d_h, R * H_padded)


def sum_weight_gradients(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    gradients: LoopGradients,
    workspace: Workspace,
    block: int,
    rows: int,
    entry: int,
) -> None:
    """Add what some rows contribute to the weights' gradients, and compute those of their inputs.

    ``entry`` is the number of the block's tokens in the rows before these.
    """
    H_padded, D_padded = weights.H_padded, weights.D_padded
    row_width, xw_width = weights.row_width, weights.xw_width
    d_gates = block * workspace.rows * row_width
    of_input = xw_width if gradients.words else weights.zero
    for r in range(rows):
        add_vectors(
            workspace.gates, d_gates + r * row_width + of_input,
            gradients.d_b, block * row_width + of_input, row_width - of_input,
        )  # fmt: skip
    hu_width = weights.hu_width
    n = hu_width // inputs.h_groups
    for g in range(inputs.h_groups):
        h = (block * inputs.h_groups + g) * workspace.rows * H_padded
        product(weights.multiply, gradients.d_U, block * H_padded * hu_width + g * n, hu_width,
                workspace.h_rows, h, weights.one, H_padded,
                workspace.gates, d_gates + weights.hu_start + g * n, row_width,
                H_padded, n, rows)  # fmt: skip
    if not inputs.x_is_product:
        n = xw_width // inputs.x_groups
        for g in range(inputs.x_groups):
            x = (block * inputs.x_groups + g) * workspace.rows * D_padded
            product(weights.multiply, gradients.d_W, block * D_padded * xw_width + g * n, xw_width,
                    workspace.x_rows, x, weights.one, D_padded,
                    workspace.gates, d_gates + g * n, row_width, D_padded, n, rows)  # fmt: skip
            if gradients.need_x:
                call(
                    weights.input_gradient, layout, weights, inputs, gradients, workspace,
                    block, g, rows, entry,
                )  # fmt: skip
    elif gradients.words:
        start = block * gradients.words * xw_width
        for r in range(rows):
            token = item(workspace.token_indices, block * workspace.rows + r)
            to = start + item(inputs.x_offsets, token)
            add_vectors(workspace.gates, d_gates + r * row_width, gradients.d_x, to, xw_width)
    elif gradients.need_x:
        for r in range(rows):
            to = item(layout.first_entry, block) + entry + r
            copy_vectors(
                workspace.gates, d_gates + r * row_width, gradients.d_x, to * D_padded, xw_width
            )
            token = item(workspace.token_indices, block * workspace.rows + r)
            set_item(gradients.d_x_offsets, to, item(inputs.x_offsets, token))


def input_gradient(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    gradients: LoopGradients,
    workspace: Workspace,
    block: int,
    g: int,
    rows: int,
    entry: int,
) -> None:
    """The gradients of some rows' inputs, through the gates of mask g."""
    D_padded, row_width = weights.D_padded, weights.row_width
    n, rows_padded = weights.xw_width // inputs.x_groups, padded_rows(rows)
    products = block * workspace.rows * max(weights.H_padded, D_padded)
    clear_vectors(workspace.products, products, rows_padded * D_padded)
    product(weights.multiply, workspace.products, products, D_padded,
            workspace.gates, block * workspace.rows * row_width + g * n, row_width, weights.one,
            weights.W_T, g * n * D_padded, D_padded, rows_padded, D_padded, n)  # fmt: skip
    for r in range(rows):
        token = item(workspace.token_indices, block * workspace.rows + r)
        to, row = token, products + r * D_padded
        if gradients.by_entry:
            to = item(layout.first_entry, block) + entry + r
            set_item(gradients.d_x_offsets, to, item(inputs.x_offsets, token))
        if inputs.has_x_masks:
            slot = item(layout.slot_of_sequence, token % layout.batch)
            m = (g * layout.slots + slot) * D_padded
            copy_masked(
                workspace.products, row, workspace.products, row, inputs.x_masks, m, D_padded
            )
        if g == 0:
            copy_vectors(workspace.products, row, gradients.d_x, to * D_padded, D_padded)
        else:
            add_vectors(workspace.products, row, gradients.d_x, to * D_padded, D_padded)
