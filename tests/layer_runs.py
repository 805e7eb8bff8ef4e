"""A recurrent operation of a file run through the engine's scan, as ONNX states its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.scan import scan
from rnnviz.interop.contents import RecurrentOperation


def run_layer(
    operation: RecurrentOperation,
    x: Array,
    lengths: Sequence[int] | None = None,
    initial: Mapping[str, Array] | None = None,
) -> tuple[Array, dict[str, Array]]:
    """The outputs (T, N, B, H) of a layer on ``x`` (T, B, D), and its last states (N, B, H).

    After a sequence's end (``lengths``) outputs are zero. ``initial``: states (N, B, H) by name;
    without them those of the layer.
    """
    T, B, _ = x.shape
    cell = cell_of(operation.spec)
    mask = None if lengths is None else np.arange(T)[:, None] < np.asarray(lengths)[None, :]
    outputs, last = [], []
    for n, direction in enumerate(operation.spec.directions):
        p: Values = {k: a.astype(np.float64) for k, a in operation.params[direction].items()}
        states = None
        if operation.spec.trained_initial:
            states = {s: np.repeat(p[f"{s}0"][None], B, 0) for s in cell.states}
        if initial is not None:
            states = {s: initial[s][n].astype(np.float64) for s in cell.states}
        done = scan(
            cell, p, x.astype(np.float64), mask, reverse=direction == "backward", initial=states
        )
        h = done.stack("h")
        outputs.append(h if mask is None else h * mask[:, :, None])
        last.append(done.last)
    states = {s: np.stack([v[s] for v in last]) for s in cell.states}
    return np.stack(outputs, 1), states


def side_by_side(outputs: Array) -> Array:
    """The outputs (T, N, B, H) of all directions as one vector a step, (T, B, N·H)."""
    T, N, B, H = outputs.shape
    return outputs.transpose(0, 2, 1, 3).reshape(T, B, N * H)
