"""Arrays for the compiled loops: their addresses, and aligned or flat copies."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rnnviz.arrays import Array, aligned


def pack_fields(fields: Iterable[int | Array]) -> Array:
    """Sizes, and the addresses of arrays, as int64. The caller keeps the arrays alive."""
    return np.array([_field_value(field) for field in fields], np.int64)


def _field_value(field: int | Array) -> int:
    if isinstance(field, int):
        return field
    flags, buffer = field.flags, cast(Any, field)
    if not flags.c_contiguous or (field.dtype.kind == "i" and field.itemsize != 8):
        raise ValueError("the compiled loops need contiguous arrays of int64 or floats")
    if flags.writeable and field.size:  # four times as fast as __array_interface__
        return ctypes.addressof(ctypes.c_byte.from_buffer(buffer))
    address: int = field.__array_interface__["data"][0]
    return address


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An array of zeros, aligned for the widest loads."""
    array = aligned(shape, dtype)
    array[...] = 0
    return array


def flat(a: Array, width: int) -> tuple[Array, tuple[int, int, int]]:
    """An array (n, T, B, ·) as a flat one, and the strides of its axes n, T and B in numbers.

    A view if its rows have ``width`` contiguous numbers and no stride is negative; otherwise a
    copy, with rows padded to ``width``.
    """
    size = a.itemsize
    fits = a.shape[-1] == width and a.strides[-1] == size
    if not fits or any(s < 0 or s % size for s in a.strides):
        copy = zeros((*a.shape[:-1], width), a.dtype)
        copy[..., : a.shape[-1]] = a
        a = copy
    n, T, B = (s // size for s in a.strides[:-1])
    span = 1 + sum((m - 1) * s // size for m, s in zip(a.shape, a.strides, strict=True))
    return as_strided(a, (max(span, 0),), (size,)), (n, T, B)
