"""The loop over time for one block of sequences: source text of every cell's compiled module.

These functions are not called from Python: ``source.py`` copies their text, and that of
``row_copies.py`` and ``backward_loop.py``, into modules, together with the cell's ``forward_row``
and ``backward_row`` and the matrix product, and numba compiles those.

The arguments are described in ``loop_arguments.py``. Everywhere ``block`` is the index of the
block, ``s`` a step in the order of reading, and ``R`` the number of sequences that read at it.
Products take two rows at a time or more, so rows are counted in twos: ``padded_rows(R)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnviz.arrays import Array
from rnnviz.engine.compiled.loop_arguments import (
    BlockLayout,
    FloatArray,
    IntArray,
    LayerWeights,
    LoopArguments,
    LoopInput,
    SavedValues,
    Workspace,
)
from rnnviz.engine.compiled.products import padded_rows, product
from rnnviz.engine.compiled.row_copies import clear_vectors, copy_numbers, copy_vectors

if TYPE_CHECKING:
    from rnnviz.engine.compiled.argument_unpacking import unpack_loop_arguments
    from rnnviz.engine.compiled.simd import call, item, pointer

    def forward_row(*args: Any) -> None:
        """The cell's forward lines for one sequence at one step."""


def clear_workspace(
    layout: BlockLayout, weights: LayerWeights, inputs: LoopInput, workspace: Workspace, block: int
) -> None:
    """Set a block's part to zero.

    Products also read rows that are only padding, and denormal numbers in them would be slow.
    """
    rows, H_padded, D_padded = workspace.rows, weights.H_padded, weights.D_padded
    if not inputs.x_is_product:
        n = inputs.x_groups * rows * D_padded
        clear_vectors(workspace.x_rows, block * n, n)
    n = inputs.h_groups * rows * H_padded
    clear_vectors(workspace.h_rows, block * n, n)
    clear_vectors(workspace.gates, block * rows * weights.row_width, rows * weights.row_width)
    if inputs.has_h_masks or not inputs.x_is_product:
        n = rows * max(H_padded, D_padded)
        clear_vectors(workspace.products, block * n, n)


def update_active_states(
    layout: BlockLayout,
    weights: LayerWeights,
    saved: SavedValues,
    block: int,
    s: int,
    before: int,
    now: int,
) -> None:
    """Load the states of sequences that begin at step s, or store those of sequences that end."""
    H_padded = weights.H_padded
    for i in range(weights.state_count):
        state_row = item(layout.state_rows, block * (layout.steps + 1) + s)
        active = i * saved.state_size + state_row * H_padded
        boundary = (i * layout.slots + item(layout.first_slot, block)) * H_padded
        if now > before:
            copy_vectors(
                saved.boundary_states, boundary + before * H_padded,
                saved.states, active + before * H_padded, (now - before) * H_padded,
            )  # fmt: skip
        elif before > now:
            copy_vectors(
                saved.states, active + now * H_padded,
                saved.boundary_states, boundary + now * H_padded, (before - now) * H_padded,
            )  # fmt: skip


def add_input_products(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    workspace: Workspace,
    block: int,
    s: int,
    gates: int,
) -> int:
    """Set rows of gates from ``gates`` on to b + x·W, for as many steps as the workspace holds.

    Returns the step after those.
    """
    T, row_width, xw_width = layout.steps, weights.row_width, weights.xw_width
    start, rows = s, weights.zero
    while s < T:
        R = item(layout.active_count, block * T + s)
        if rows + padded_rows(R) > workspace.rows:
            break
        call(weights.load_input, layout, weights, inputs, workspace, block, s, R, rows)
        rows += padded_rows(R)
        s += 1
    n = xw_width // inputs.x_groups
    if inputs.x_is_product:
        row = weights.zero
        for loaded in range(start, s):
            R = item(layout.active_count, block * T + loaded)
            for r in range(row, row + R):
                token = item(workspace.token_indices, block * workspace.rows + r)
                x = item(inputs.x_offsets, token)
                copy_vectors(inputs.x, x, workspace.gates, gates + r * row_width, xw_width)
            row += padded_rows(R)
    else:
        for g in range(inputs.x_groups):
            x = (block * inputs.x_groups + g) * workspace.rows * weights.D_padded
            call(weights.multiply, weights.bias, g * n, weights.zero,
                 workspace.gates, gates + g * n, row_width,
                 workspace.x_rows, x, weights.D_padded, weights.one,
                 weights.W, g * n, xw_width, rows, n, weights.D)  # fmt: skip
    for r in range(rows):
        copy_vectors(
            weights.bias, xw_width,
            workspace.gates, gates + r * row_width + xw_width, row_width - xw_width,
        )  # fmt: skip
    return s


def add_recurrent_product(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    states: FloatArray,
    workspace: Workspace,
    block: int,
    s: int,
    R: int,
    gates: int,
) -> None:
    """Add h_prev·U to the gates of R sequences, from a copy of h_prev for each mask.

    The copy also serves where R is odd: the rows of ``states`` behind the last
    sequence are uninitialised, and denormal numbers in them would slow the product down.
    """
    H_padded, n = weights.H_padded, weights.hu_width // inputs.h_groups
    R_padded = padded_rows(R)
    call(weights.load_state, layout, weights, inputs, states, workspace, block, s, R, weights.zero)
    for g in range(inputs.h_groups):
        h = (block * inputs.h_groups + g) * workspace.rows * H_padded
        to = gates + weights.hu_start + g * n
        product(weights.multiply, workspace.gates, to, weights.row_width,
                workspace.h_rows, h, H_padded, weights.one,
                weights.U, g * n, weights.hu_width, R_padded, n, weights.H)  # fmt: skip


def forward_rows(
    arguments: LoopArguments, R: int, gates: int, values: int, before: int, after: int
) -> None:
    """The cell's forward lines for R sequences at one step.

    ``gates`` and ``values`` are the first numbers of the gates and saved values, ``before`` and
    ``after`` the first rows of states.
    """
    weights, saved, row_width = arguments.weights, arguments.saved, arguments.weights.row_width
    H_padded = weights.H_padded
    for r in range(R):
        forward_row(
            arguments.workspace.gates, gates + r * row_width, saved.values, values + r * row_width,
            saved.states, saved.state_size, (before + r) * H_padded, (after + r) * H_padded,
            weights.cell_vectors, H_padded,
        )  # fmt: skip


def forward(like: Array, fields: IntArray, block: int) -> None:
    """Read all tokens of a block.

    ``fields`` are those of a LoopArguments, ``like`` an array of its precision.
    """
    arguments = unpack_loop_arguments(like, fields)
    layout, weights, inputs = arguments.layout, arguments.weights, arguments.inputs
    saved, workspace = arguments.saved, arguments.workspace
    states, row_width, H_padded, T = saved.states, weights.row_width, weights.H_padded, layout.steps
    n, before, s = weights.hu_width, weights.zero, weights.zero
    clear_workspace(layout, weights, inputs, workspace, block)
    while s < T:
        gates = block * workspace.rows * row_width
        end = add_input_products(layout, weights, inputs, workspace, block, s, gates)
        while s < end:
            R = item(layout.active_count, block * T + s)
            R_padded = padded_rows(R)
            update_active_states(layout, weights, saved, block, s, before, R)
            before = R
            h_prev = item(layout.state_rows, block * (T + 1) + s)
            h = item(layout.state_rows, block * (T + 1) + s + 1)
            if R == R_padded and inputs.h_groups == 1 and inputs.has_h_masks == 0:
                product(weights.multiply, workspace.gates, gates + weights.hu_start, row_width,
                        states, h_prev * H_padded, H_padded, weights.one,
                        weights.U, weights.zero, n, R_padded, n, weights.H)  # fmt: skip
            else:
                add_recurrent_product(
                    layout, weights, inputs, states, workspace, block, s, R, gates
                )
            values = (
                item(layout.gate_rows, block * T + s)
                if saved.keep_values
                else block * workspace.rows
            ) * row_width
            call(weights.forward_rows, arguments, R, gates, values, h_prev, h)
            gates += R_padded * row_width
            s += 1
    update_active_states(layout, weights, saved, block, T, before, weights.zero)


def collect_outputs(like: Array, fields: IntArray, block: int) -> None:
    """Write h after every step to H columns of an array.

    The last four of ``fields`` are the addresses of the outputs of sequences that have not begun,
    (T, H_padded) the same for all, or (slots, H_padded) those before the first step, and of that
    array, (T, B, width); the first of the columns; and the width.
    """
    arguments, n = unpack_loop_arguments(like, fields), len(fields) - 4
    idle, outputs = pointer(like, fields[n]), pointer(like, fields[n + 1])
    column, width = fields[n + 2], fields[n + 3]
    layout, saved, T = arguments.layout, arguments.saved, arguments.layout.steps
    H, H_padded = arguments.weights.H, arguments.weights.H_padded
    first = item(layout.first_slot, block)
    for s in range(T):
        after = item(layout.state_rows, block * (T + 1) + s + 1)
        for r in range(item(layout.sequence_count, block)):
            sequence = item(layout.sequences, first + r)
            to = (item(layout.token_order, s) * layout.batch + sequence) * width + column
            if r < item(layout.active_count, block * T + s):
                copy_numbers(saved.states, (after + r) * H_padded, outputs, to, H)
            elif layout.hold_state == 0:
                copy_numbers(idle, s * H_padded, outputs, to, H)
            elif s == 0:
                copy_numbers(idle, (first + r) * H_padded, outputs, to, H)
            else:
                token = item(layout.token_order, s - 1) * layout.batch + sequence
                earlier = token * width + column
                copy_numbers(outputs, earlier, outputs, to, H)
