"""The matrix products of a recurrent layer around its cell, and their gradients.

The input projection ``x·W + b`` does not depend on time, so it is one product for all steps. The
recurrent projection ``h_prev·U`` is one product a step.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import Cell


def split_bias(p: Values) -> tuple[Array | None, Array | None]:
    """The biases of the input projection and of the recurrent one, each where there is one."""
    b = p.get("b")
    return (b, None) if b is None or b.ndim == 1 else (b[0], b[1])


def input_projection(x: Array, p: Values, dropout_mask: Array | None) -> Array:
    """x·W + b of all steps, (T·B, G·H).

    ``dropout_mask``: (1, B, D) for all gates, or (G, B, D): one for each gate.
    """
    W, b = p["W"], split_bias(p)[0]
    if dropout_mask is None or len(dropout_mask) == 1:
        masked = x if dropout_mask is None else x * dropout_mask[0]
        xw = masked.reshape(-1, x.shape[-1]) @ W
    else:
        parts = zip(dropout_mask, blocks(W, len(dropout_mask)), strict=True)
        xw = np.concatenate([(x * m).reshape(-1, x.shape[-1]) @ w for m, w in parts], -1)
    return xw if b is None else xw + b


def input_projection_grad(
    d_xw: Array, W: Array, dropout_mask: Array | None, shape: tuple[int, ...]
) -> Array:
    """The gradient of x (T, B, D), of ``shape``, from that of the input projection (T·B, G·H)."""
    if dropout_mask is None or len(dropout_mask) == 1:
        d_x = (d_xw @ W.T).reshape(shape)
        return d_x if dropout_mask is None else d_x * dropout_mask[0]
    G = len(dropout_mask)
    parts = zip(dropout_mask, blocks(d_xw, G), blocks(W, G), strict=True)
    first, *rest = ((d @ w.T).reshape(shape) * m for m, d, w in parts)
    return sum(rest, start=first)


def recurrent_kernel(cell: Cell, p: Values) -> Array:
    """The columns of U that multiply h_prev, (H, ·); a cell may use the last ones by itself."""
    return p["U"][:, : p["W"].shape[1] // len(cell.gates) * len(cell.recurrent)]


def with_dropout_masks(cell: Cell, p: Values, dropout_mask: Array | None) -> Values:
    """The trained arrays and, as ``keep_GATE``, the dropout masks the cell applies by itself.

    Those of the gates whose columns of U are not part of the recurrent projection.
    """
    if dropout_mask is None:
        return dict(p)
    masks = tuple(zip(cell.gates, dropout_mask, strict=True))[len(cell.recurrent) :]
    return {**p, **{f"keep_{gate}": mask for gate, mask in masks}}


def recurrent_projection(cell: Cell, h: Array, U: Array, dropout_mask: Array | None) -> Array:
    """h_prev·U (B, G·H); under recurrent dropout (G, B, H) each gate has its own mask of h_prev."""
    if dropout_mask is None or not U.shape[-1]:
        return h @ U
    parts = zip(dropout_mask, blocks(U, len(cell.recurrent)), strict=False)
    return np.concatenate([(h * m) @ u for m, u in parts], -1)


def recurrent_projection_grad(
    cell: Cell, d_hu: Array, U: Array, dropout_mask: Array | None
) -> Array:
    """The gradient of h_prev (B, H) from that of the recurrent projection (B, G·H)."""
    if dropout_mask is None:
        return d_hu @ U.T
    R = len(cell.recurrent)
    parts = zip(dropout_mask, blocks(d_hu, R), blocks(U, R), strict=False)
    return sum(((d @ u.T) * m for m, d, u in parts), start=np.zeros_like(dropout_mask[0]))


def weight_gradients(
    cell: Cell, x: Array, prev: Values, v: Values, d: Values, input_mask: Array | None,
    recurrent_mask: Array | None,
) -> Values:  # fmt: skip
    """Gradients of the trained arrays, summed over steps and batch.

    ``x`` is (T, B, D). ``prev``, ``v`` and ``d`` (states before, values and gradients by name) are
    rows of all steps, (T·B, ·). ``input_mask`` (1 or G, B, D) and ``recurrent_mask`` (G, B, H) are
    dropout masks. Each gradient is one product for all steps.
    """
    D = x.shape[-1]
    masked = x * input_mask[0] if input_mask is not None and len(input_mask) == 1 else x
    grads = cell.param_grads(masked.reshape(-1, D), prev, v, d)
    if input_mask is not None and len(input_mask) > 1:
        pairs = zip(input_mask, blocks(d["xw"], len(input_mask)), strict=True)
        grads["W"] = np.concatenate(
            [(x * m).reshape(-1, D).T @ d_gate for m, d_gate in pairs], axis=-1
        )
    if recurrent_mask is not None:
        # Each gate has its own masked h_prev, so each block of U is a product of its own.
        h = prev["h"].reshape(-1, *recurrent_mask.shape[1:])  # (T, B, H)
        d_hu, R = d["hu"], len(cell.recurrent)
        own = grads["U"][:, : d_hu.shape[-1]]
        parts = zip(recurrent_mask, blocks(d_hu, R), blocks(own, R), strict=False)
        for m, d_gate, block in parts:
            block[:] = (h * m).reshape(-1, h.shape[-1]).T @ d_gate
    return grads
