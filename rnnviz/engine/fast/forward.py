"""The quick way through time."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.fast.chunks import (
    Chunk,
    FastScan,
    Lookup,
    Room,
    columns,
    constants,
    steps_of,
    stretches,
)
from rnnviz.engine.fast.weights import Weights, recurrence
from rnnviz.engine.program import NotFastError, program


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
    recur, room = recurrence(weights, recurrent_mask), Room(plan, H)
    chunks: list[Chunk] = []
    for part in stretches(x.shape, steps_of(H * len(plan.gates), B), reverse, mask, lead):
        rows = columns(x, part)  # (L, C, D)
        if input_mask is not None and len(input_mask) == 1:
            rows = rows * input_mask[0, : rows.shape[1]]
        A = weights.read(rows, input_mask)
        L, C, R, dtype = len(part.tokens), rows.shape[1], part.R, A.dtype
        # Below the units of h a row of ones: the recurrent product then adds the bias as well.
        h1 = np.empty((L + 1, H + 1, C), dtype)
        h1[:, H] = 1
        S = [h1[:, :H], *(np.empty((L + 1, H, C), dtype) for _ in plan.states[1:])]
        for s, array in zip(plan.states, S, strict=True):
            array[0, :, :R] = current[s][:, :R]
            if part.shared:
                array[0, :, R] = current[s][:, -1]
        V = [np.empty((L, H, C), dtype) for _ in range(plan.kept)]
        HU = np.empty_like(A) if plan.hu_stays else room.hu(C, dtype)
        if C:
            spare, numbers = room.step(C, dtype), constants(dtype)
            plan.forward(L, H, A, HU, h1, S, V, spare, *numbers, recur(C), part.counts)
        idle = current["h"][:, R:].copy() if keep and mask is not None else current["h"][:, :0]
        for s, array in zip(plan.states, S, strict=True):
            current[s][:, :R] = array[-1, :, :R]
            if part.shared:
                current[s][:, R:] = array[-1, :, R:]
        if keep:
            chunks.append(Chunk(part, rows, A, HU, h1, S, V, idle))
    last = {s: a.T for s, a in current.items()}
    return FastScan(cell, x, chunks, last, recurrent_mask, input_mask)
