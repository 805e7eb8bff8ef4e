"""The type every floor uses for arrays, and the letters that name their axes.

Axes, used in every shape comment and docstring:

``T`` steps (tokens) · ``B`` batch · ``D`` input width · ``H`` units · ``G`` gates ·
``E`` embedding · ``V`` vocabulary · ``K`` outputs · ``S`` all states side by side.

We are at step t: ``x`` is the input of token t, ``h`` and ``c`` are the states *after* token t,
``h_prev`` and ``c_prev`` the states after the token read before it. A gradient ``d_h`` is of one
objective with respect to the value of that name. Row vectors: ``x @ W``, as in Keras.
"""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: An array of any floating or integer type; CuPy arrays pass as well (same protocols).
    Array = NDArray[Any]
else:
    # numpy.typing takes a sixth of numpy's own import time, and start-up is what a user waits for.
    Array = np.ndarray

#: Arrays by recorded name.
Values = dict[str, Array]


#: Bytes at whose multiples the processor's widest loads begin.
ALIGNMENT = 64


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """An empty array that begins at a multiple of ALIGNMENT.

    NumPy's own begin at multiples of 16, where every wide load touches two lines of the cache:
    elementwise arithmetic on data in the cache then takes twice as long.
    """
    dtype = np.dtype(dtype)
    size = dtype.itemsize
    for n in shape:
        size *= n
    room = np.empty(size + ALIGNMENT, np.uint8)
    address: int = room.__array_interface__["data"][0]
    start = -address % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def blocks(a: Array, n: int) -> list[Array]:
    """The n equal column blocks of the last axis, as views (``np.split`` costs ten times this)."""
    width = a.shape[-1] // n if n else 0
    return [a[..., k * width : (k + 1) * width] for k in range(n)]


def contiguous(a: Array) -> Array:
    """The array in C order, itself if it is so; ``np.ascontiguousarray`` knows host arrays only."""
    return a if a.flags.c_contiguous else a.copy()


def over_rows(a: Array) -> Array:
    """The sum over the first axis of (N, M), as a product with ones.

    On the host a third of the time of ``a.sum(0)``; on a card, where few columns leave a reduction
    little to divide, a fiftieth.
    """
    return np.ones_like(a, shape=len(a)) @ a


#: The largest number of a net or a trace: what is computed from two of them is one of float64.
MOST = 1e30


def in_range(array: Any) -> bool:
    """Whether all numbers are finite and none is larger than MOST."""
    return bool(np.abs(array).max(initial=0) <= MOST)


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_array(file: IO[bytes], name: str) -> Array:
    """An array of numbers, flags or text from the ``.npy`` in a file, read-only.

    ValueError, with ``name`` in it, unless its header tells as many bytes as there are.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"{name}: an array of version {version} is not known here")
    shape, columns_first, dtype = _HEADERS[version](file)
    if dtype.kind not in "biufU":
        raise ValueError(f"{name}: expected numbers, not {str(dtype)[:40]}")
    data = file.read()
    whole = all(type(n) is int and n >= 0 for n in shape)
    if not whole or not 0 < math.prod(shape) * dtype.itemsize == len(data):
        raise ValueError(f"{name}: its header does not fit its {len(data):,} bytes")
    order: Any = "F" if columns_first else "C"
    return np.frombuffer(data, dtype).reshape(shape, order=order)
