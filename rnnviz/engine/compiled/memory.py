"""Arrays as the compiled loops know them: by where they begin."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rnnviz.arrays import Array, aligned


def addresses(fields: Iterable[int | Array]) -> Array:
    """Sizes as they are, and where arrays begin, as int64. Whoever asks keeps the arrays."""
    return np.array([_word(field) for field in fields], np.int64)


def _word(field: int | Array) -> int:
    if isinstance(field, int):
        return field
    flags, buffer = field.flags, cast(Any, field)
    if not flags.c_contiguous or (field.dtype.kind == "i" and field.itemsize != 8):
        raise ValueError("the compiled loops walk through contiguous arrays, of int64 or floats")
    if flags.writeable and field.size:  # a quarter of the time of asking the array
        return ctypes.addressof(ctypes.c_byte.from_buffer(buffer))
    found: int = field.__array_interface__["data"][0]
    return found


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An array of zeros that begins where the widest loads do."""
    found = aligned(shape, dtype)
    found[...] = 0
    return found


def flat(a: Array, width: int) -> tuple[Array, tuple[int, int, int]]:
    """An array (n, T, B, ·) as a flat one with the steps between numbers of its axes.

    Without a copy where its rows are as wide as ``width``, contiguous, and in ascending order.
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
