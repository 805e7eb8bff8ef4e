"""Copies and sums of rows in the compiled loops: source text, see ``forward_loop.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnviz.engine.compiled.loop_arguments import (
    BlockLayout,
    FloatArray,
    LayerWeights,
    LoopInput,
    Workspace,
)

if TYPE_CHECKING:
    from rnnviz.engine.compiled.simd import add, fill, item, lanes, load, mul, set_item, store


def copy_vectors(a: FloatArray, i: int, b: FloatArray, j: int, n: int) -> None:
    """Copy n numbers from a to b, a multiple of the vector length."""
    for k in range(0, n, lanes(a)):
        store(b, j + k, load(a, i + k))


def copy_numbers(a: FloatArray, i: int, b: FloatArray, j: int, n: int) -> None:
    """Copy n numbers from a to b."""
    whole = n // lanes(a) * lanes(a)
    copy_vectors(a, i, b, j, whole)
    for k in range(whole, n):
        set_item(b, j + k, item(a, i + k))


def copy_masked(
    a: FloatArray, i: int, b: FloatArray, j: int, mask: FloatArray, m: int, n: int
) -> None:
    """Copy n numbers from a to b, multiplied by a mask."""
    whole = n // lanes(a) * lanes(a)
    for k in range(0, whole, lanes(a)):
        store(b, j + k, mul(load(a, i + k), load(mask, m + k)))
    for k in range(whole, n):
        set_item(b, j + k, item(a, i + k) * item(mask, m + k))


def clear_vectors(a: FloatArray, i: int, n: int) -> None:
    """Set n numbers to zero, a multiple of the vector length."""
    for k in range(0, n, lanes(a)):
        store(a, i + k, fill(a, 0.0))


def add_vectors(a: FloatArray, i: int, b: FloatArray, j: int, n: int) -> None:
    """Add n numbers of a to b, a multiple of the vector length."""
    for k in range(0, n, lanes(a)):
        store(b, j + k, add(load(b, j + k), load(a, i + k)))


def load_input(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    workspace: Workspace,
    block: int,
    s: int,
    R: int,
    row: int,
) -> None:
    """Copy x of R sequences at step s to the workspace, once for each mask, from ``row`` on."""
    first, start = item(layout.first_slot, block), item(layout.token_order, s) * layout.batch
    for r in range(R):
        token = start + item(layout.sequences, first + r)
        set_item(workspace.token_indices, block * workspace.rows + row + r, token)
        if inputs.x_is_product:
            continue
        x = item(inputs.x_offsets, token)
        # Whole vectors include the next token's first numbers; at the end of x there are none.
        n = weights.D_padded if x + weights.D_padded <= inputs.x_size else weights.D
        for g in range(inputs.x_groups):
            to = ((block * inputs.x_groups + g) * workspace.rows + row + r) * weights.D_padded
            if inputs.has_x_masks:
                m = (g * layout.slots + first + r) * weights.D_padded
                copy_masked(inputs.x, x, workspace.x_rows, to, inputs.x_masks, m, n)
            else:
                copy_numbers(inputs.x, x, workspace.x_rows, to, n)


def load_state(
    layout: BlockLayout,
    weights: LayerWeights,
    inputs: LoopInput,
    states: FloatArray,
    workspace: Workspace,
    block: int,
    s: int,
    R: int,
    row: int,
) -> None:
    """Copy h_prev of R sequences at step s to the workspace, once for each mask."""
    first, H_padded = item(layout.first_slot, block), weights.H_padded
    h = item(layout.state_rows, block * (layout.steps + 1) + s) * H_padded
    for g in range(inputs.h_groups):
        to = ((block * inputs.h_groups + g) * workspace.rows + row) * H_padded
        if inputs.has_h_masks:
            m = (g * layout.slots + first) * H_padded
            copy_masked(states, h, workspace.h_rows, to, inputs.h_masks, m, R * H_padded)
        else:
            copy_vectors(states, h, workspace.h_rows, to, R * H_padded)
