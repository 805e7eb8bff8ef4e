"""The quick way through time."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, aligned
from rnnviz.cells import Cell
from rnnviz.engine.fast.chunks import (
    Chunk,
    FastScan,
    Lookup,
    Room,
    columns,
    constants,
    cuts,
    spare_rows,
    stretches,
)
from rnnviz.engine.fast.weights import Drops, Weights, recurrence
from rnnviz.engine.inplace import NotFastError
from rnnviz.engine.program import program


def able(cell: Cell, mask: Array | None) -> bool:
    """Whether the quick loops can run the cell under this mask."""
    try:
        program(cell)
    except NotFastError:
        return False
    # Padding at one end only, longest sequences first: then the readers of a step stand in front.
    return mask is None or bool((mask[:, 1:] <= mask[:, :-1]).all())


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
) -> FastScan:
    """Read ``x`` (T, B, D) with the cell; see :func:`rnnviz.engine.recurrent.scan`.

    ``lead`` (B): how many steps, in reading order, each sequence has in common with the last one
    from the start on (unmasked padding); dropout, which differs for each, rules that out. Without
    ``keep`` there is no way back, and no outputs.
    """
    if recurrent_mask is not None or input_mask is not None:
        lead = None
    plan, (_, B, _), H = program(cell), x.shape, p["U"].shape[0]
    weights = Weights(plan, p, cell)
    current = {
        s: np.zeros((H, B), x.dtype) if initial is None else initial[s].T.copy()
        for s in plan.states
    }
    (_, _, D), room = x.shape, Room(plan, H)
    drops = Drops(weights, input_mask, recurrent_mask)
    products = recurrence(weights, drops, D)
    chunks: list[Chunk] = []
    ends = cuts(x.shape[0], B, H * len(plan.gates), lead)
    for part in stretches(x.shape, ends, reverse, mask, lead):
        rows = columns(x, part)  # (L, C, D)
        if input_mask is not None and len(input_mask) == 1:
            rows = rows * input_mask[0, : rows.shape[1]]
        L, C, R, dtype = len(part.tokens), rows.shape[1], part.R, weights.sums.dtype
        # What a step reads, below each other: h, a one that the bias is multiplied with, and x.
        height = H + 1 + D
        hx = aligned((L + 1, height + spare_rows(height, C), C), dtype)[:, :height]
        hx[:, H] = 1
        hx[:-1, H + 1 :] = rows.transpose(0, 2, 1)
        S = [hx[:, :H], *(aligned((L + 1, H, C), dtype) for _ in plan.states[1:])]
        for s, array in zip(plan.states, S, strict=True):
            array[0, :, :R] = current[s][:, :R]
            if part.shared:
                array[0, :, R] = current[s][:, -1]
        A = aligned((L, weights.G * H, C), dtype)
        V = [aligned((L, H, C), dtype) for _ in range(plan.kept)]
        if C:
            weights.read(hx[:-1], A, drops.gates_of(C))
            spare, numbers = room.step(C, dtype), constants(dtype)
            plan.forward(L, H, A, hx, S, V, spare, *numbers, *products(C), part.counts)
        idle = current["h"][:, R:].copy() if keep and mask is not None else current["h"][:, :0]
        for s, array in zip(plan.states, S, strict=True):
            current[s][:, :R] = array[-1, :, :R]
            if part.shared:
                current[s][:, R:] = array[-1, :, R:]
        if keep:
            chunks.append(Chunk(part, rows, A, hx, S, V, idle))
    last = {s: a.T for s, a in current.items()}
    return FastScan(cell, x, chunks, last, recurrent_mask, input_mask)
