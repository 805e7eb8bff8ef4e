"""The matrix products of a recurrent layer around its steps: the launches of ``layer_products.cu``.

A row is a token of a sequence; there are R = T·B, and n directions. Columns of W and U are in
groups that have a dropout mask each: as many as masks, or one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.engine.cuda.shared_kernels import SharedKernels
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import Lookup
from rnnviz.engine.projections import split_bias

#: Rows, columns and threads of a tile; ``layer_products.cu`` has the same numbers.
TILE_ROWS, TILE_COLUMNS, TILE_THREADS = 64, 32, 128
#: Numbers that a block of weight_gradients writes: a tile, and the sum of each column.
TILE_NUMBERS = TILE_ROWS * TILE_COLUMNS + TILE_COLUMNS
#: Blocks of weight_gradients, about, and the fewest rows that one adds up.
BLOCKS, SHARE = 512, 128
#: A null pointer as an argument of a kernel.
NULL = np.uintp(0)


def or_null(a: Array | None) -> Any:
    """An array as an argument of a kernel; a null pointer for None."""
    return NULL if a is None else a


def pair(arrays: Sequence[Array | None]) -> tuple[Any, Any]:
    """The arrays of one or two directions as two arguments of a kernel."""
    given = [or_null(a if a is None else contiguous(a)) for a in arrays]
    return given[0], given[1] if len(given) > 1 else NULL


@dataclass(frozen=True, eq=False)
class LayerInput:
    """What a layer reads, rows (R, D) or rows of a table by their ids, and its dropout."""

    x: Array  # (T, B, D), or a table (V, D)
    ids: Array | None  # (T, B) int32
    shape: tuple[int, int, int]  # (T, B, D)
    masks: tuple[Array | None, ...]  # by direction, (groups, B, D)

    @classmethod
    def of(cls, x: Array | Lookup, passes: Sequence[DirectionInput]) -> LayerInput:
        """The input of a layer in all directions."""
        masks = tuple(a.input_mask for a in passes)
        if isinstance(x, Lookup):
            ids = contiguous(x.ids.astype(np.int32, copy=False))
            return cls(contiguous(x.table), ids, x.shape, masks)
        return cls(contiguous(x), None, (x.shape[0], x.shape[1], x.shape[2]), masks)

    @property
    def groups(self) -> int:
        """Groups of the columns of W."""
        return _groups(self.masks)

    def array(self) -> Array:
        """(T, B, D)."""
        return self.x if self.ids is None else self.x[self.ids]


def input_projection(
    kernels: SharedKernels, layer_input: LayerInput, params: Sequence[Values]
) -> Array:
    """x·W + b of all directions, (n, T, B, N); x·W where there is no b."""
    (T, B, D), N, n = layer_input.shape, params[0]["W"].shape[1], len(params)
    xw: Array = np.empty_like(layer_input.x, shape=(n, T, B, N))
    groups = layer_input.groups
    kernels.launch(
        "input_projection", (-(-T * B // TILE_ROWS), _column_tiles(N, groups), n),
        (layer_input.x, or_null(layer_input.ids), *pair(layer_input.masks),
         *pair([p["W"] for p in params]), *pair([split_bias(p)[0] for p in params]), xw,
         *map(np.int32, (T * B, B, D, N, groups))),
        TILE_THREADS,
    )  # fmt: skip
    return xw


def input_gradient(
    kernels: SharedKernels, layer_input: LayerInput, params: Sequence[Values], d_xw: Array,
    table: Array | None,
) -> Array:  # fmt: skip
    """The gradient of x, (T, B, D); with ids that of the table, added to ``table``."""
    (T, B, D), N, n = layer_input.shape, params[0]["W"].shape[1], len(params)
    if layer_input.ids is None:
        out: Array = np.empty_like(layer_input.x, shape=(T, B, D))
    else:
        out = np.zeros_like(layer_input.x) if table is None else table
    kernels.launch(
        "input_gradient", (-(-T * B // TILE_ROWS), -(-D // TILE_COLUMNS)),
        (d_xw, *pair([p["W"] for p in params]), *pair(layer_input.masks),
         or_null(layer_input.ids), out, *map(np.int32, (T * B, B, D, N, layer_input.groups, n))),
        TILE_THREADS,
    )  # fmt: skip
    return out


def weight_gradients(
    kernels: SharedKernels, layer_input: LayerInput, h_prev: Sequence[Array],
    h_masks: Sequence[Array | None], d_xw: Array, d_hu: Array, out: Sequence[Values],
) -> None:  # fmt: skip
    """Write the gradients of W, U and, where there is one, b of all directions to ``out``.

    ``h_prev`` (T, B, H) are the states before each token, ``d_xw`` (n, T, B, N) and ``d_hu``
    (n, T, B, M) the gradients of x·W + b and of h_prev·U.
    """
    (T, B, D), n = layer_input.shape, len(out)
    H, N, M = h_prev[0].shape[-1], d_xw.shape[-1], d_hu.shape[-1]
    h_groups = M // H if h_masks[0] is not None else 1
    tiles = -(-D // TILE_ROWS) * _column_tiles(N, layer_input.groups)
    tiles += -(-H // TILE_ROWS) * _column_tiles(M, h_groups)
    splits = max(1, min(BLOCKS // (tiles * n), T * B // SHARE))
    partial = np.empty_like(d_xw, shape=(n, tiles, splits, TILE_NUMBERS))
    bias_rows = out[0]["b"].ndim if "b" in out[0] else 0
    kernels.launch(
        "weight_gradients", (tiles, splits, n),
        (layer_input.x, or_null(layer_input.ids), *pair(layer_input.masks), *pair(h_prev),
         *pair(h_masks), d_xw, d_hu, *_targets(out, "W"), *_targets(out, "U"), *_targets(out, "b"),
         partial, kernels.counters(n * tiles),
         *map(np.int32, (T * B, B, D, H, N, M, layer_input.groups, h_groups, bias_rows))),
        TILE_THREADS,
    )  # fmt: skip


def _targets(out: Sequence[Values], name: str) -> tuple[Any, Any]:
    arrays = [p.get(name) for p in out]
    # A copy would be written to, and lost.
    assert all(a is None or a.flags.c_contiguous for a in arrays)
    return pair(arrays)


def _groups(masks: Sequence[Array | None]) -> int:
    first = masks[0]
    return 1 if first is None else len(first)


def _column_tiles(columns: int, groups: int) -> int:
    return groups * -(-(columns // groups) // TILE_COLUMNS) if columns else 0
