"""The operators that only move elements, on constants and on element numbers alike.

https://onnx.ai/onnx/operators/. Older versions of an operator have as attributes what newer ones
have as inputs; both are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array

#: An operator: its first arrays and its attributes, to its outputs.
Movement = Callable[[Sequence[Array | None], Mapping[str, Any]], list[Array]]


class ShapeMismatchError(ValueError):
    """Inputs whose shapes do not fit the operator."""


def _integers(arrays: Sequence[Array | None], k: int, attribute: Any = None) -> list[int] | None:
    """Input k, or else the attribute, as a list; None where there is neither."""
    array = arrays[k] if k < len(arrays) else None
    if array is None:
        return None if attribute is None else [int(n) for n in attribute]
    if array.size > 1000:
        raise ShapeMismatchError("far too many axes")
    return [int(n) for n in array.ravel()]


def _axis(axis: Any, ndim: int) -> int:
    axis = int(axis)
    if not -ndim <= axis < max(ndim, 1):
        raise ShapeMismatchError(f"no axis {axis} among {ndim}")
    return axis % max(ndim, 1)


def _data(arrays: Sequence[Array | None], k: int = 0) -> Array:
    array = arrays[k] if k < len(arrays) else None
    if array is None:
        raise ShapeMismatchError("an input is missing")
    return array


def _transpose(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    return [_data(arrays).transpose(attributes.get("perm"))]


def _reshape(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    shape = _integers(arrays, 1, attributes.get("shape"))
    if shape is None:
        raise ShapeMismatchError("an unknown shape")
    if not attributes.get("allowzero"):
        shape = [data.shape[k] if n == 0 else n for k, n in enumerate(shape)]
    return [data.reshape(shape)]


def _squeeze(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    axes = _integers(arrays, 1, attributes.get("axes"))
    return [data.squeeze(None if axes is None else tuple(axes))]


def _unsqueeze(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    axes = _integers(arrays, 1, attributes.get("axes")) or []
    return [np.expand_dims(_data(arrays), tuple(axes))]


def _flatten(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    axis = int(attributes.get("axis", 1))
    axis += data.ndim if axis < 0 else 0
    return [data.reshape(math.prod(data.shape[:axis]), math.prod(data.shape[axis:]))]


def _slice(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    starts = _integers(arrays, 1, attributes.get("starts")) or []
    ends = _integers(arrays, 2, attributes.get("ends")) or []
    axes = _integers(arrays, 3, attributes.get("axes")) or list(range(len(starts)))
    steps = _integers(arrays, 4) or [1] * len(starts)
    index: list[slice] = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # An end before the first element, for a negative step, is "up to the first" in NumPy: None.
        n = data.shape[_axis(axis, data.ndim)]
        stop = None if step < 0 and end < -n else end
        index[_axis(axis, data.ndim)] = slice(start, stop, step)
    return [data[tuple(index)]]


def _gather(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data, indices = _data(arrays), _data(arrays, 1)
    axis = _axis(attributes.get("axis", 0), data.ndim)
    require_size(data.size // max(data.shape[axis], 1) * indices.size)
    return [np.take(data, indices.astype(np.int64), axis)]


def _concat(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    parts = [_data(arrays, k) for k in range(len(arrays))]
    require_size(sum(part.size for part in parts))
    return [np.concatenate(parts, _axis(attributes.get("axis", 1), parts[0].ndim))]


def _split(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    axis = _axis(attributes.get("axis", 0), data.ndim)
    sizes = _integers(arrays, 1, attributes.get("split"))
    if sizes is None:
        count, n = int(attributes["outputs"]), data.shape[axis]
        part = -(-n // max(count, 1))
        sizes = [min(part, n - k * part) for k in range(count)]
    if min(sizes, default=0) < 0 or sum(sizes) != data.shape[axis]:
        raise ShapeMismatchError(f"parts of {sizes} of {data.shape[axis]}")
    return list(np.split(data, np.cumsum(sizes)[:-1], axis))


def _expand(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    shape = np.broadcast_shapes(data.shape, tuple(_integers(arrays, 1) or ()))
    require_size(math.prod(shape))
    return [np.broadcast_to(data, shape)]


def _tile(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    data = _data(arrays)
    repeats = _integers(arrays, 1) or []
    require_size(data.size * math.prod(abs(n) for n in repeats))
    return [np.tile(data, repeats)]


def _reverse(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """ReverseSequence: the first ``length`` steps of each sequence from the last to the first."""
    data, lengths = _data(arrays), _data(arrays, 1)
    batch, time = int(attributes.get("batch_axis", 1)), int(attributes.get("time_axis", 0))
    moved = np.moveaxis(data, (time, batch), (0, 1)).copy()  # (T, B, …)
    if lengths.shape != moved.shape[1:2]:
        raise ShapeMismatchError("lengths of another batch")
    for b, length in enumerate(lengths.tolist()):
        moved[: int(length), b] = moved[: int(length), b][::-1]
    return [np.moveaxis(moved, (0, 1), (time, batch))]


def _same(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    return [_data(arrays)]


def require_size(size: int) -> None:
    """ShapeMismatchError for more elements than a rearrangement may have."""
    if size > _MOST:
        raise ShapeMismatchError(f"{size:,} elements")


_MOST = 16_000_000

#: By operator. Only the first input is moved (all of Concat); the others are axes and indices.
MOVEMENTS: Mapping[str, Movement] = {
    "Transpose": _transpose, "Reshape": _reshape, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Flatten": _flatten, "Slice": _slice, "Gather": _gather, "Concat": _concat, "Split": _split,
    "Expand": _expand, "Tile": _tile, "ReverseSequence": _reverse, "Identity": _same,
}  # fmt: skip
