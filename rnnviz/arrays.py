"""The array type, array helpers, and the letters that name axes.

Axes in comments and docstrings on shapes:

``T`` steps (tokens) · ``B`` batch · ``D`` input width · ``H`` units · ``G`` gates ·
``E`` embedding · ``V`` vocabulary · ``K`` outputs · ``S`` all states concatenated.

At step t, ``x`` is the input of token t, ``h`` and ``c`` are the states *after* token t, and
``h_prev`` and ``c_prev`` the states after the token read before it. A gradient ``d_h`` is that of
the objective with respect to ``h``. Vectors are rows: ``x @ W``, as in Keras.
"""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from rnnviz.messages import _

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: An array of any floating or integer type; CuPy arrays are accepted as well (same protocols).
    Array = NDArray[Any]
else:
    # Importing numpy.typing takes a sixth of NumPy's own import time.
    Array = np.ndarray

#: Arrays by recorded name.
Values = dict[str, Array]


#: Alignment in bytes of the processor's widest loads.
ALIGNMENT = 64


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """An uninitialized array whose data begins at a multiple of ALIGNMENT bytes.

    NumPy aligns to 16 bytes, where each wide load touches two cache lines: elementwise arithmetic
    on cached data then takes twice as long.
    """
    dtype = np.dtype(dtype)
    size = dtype.itemsize
    for n in shape:
        size *= n
    buffer = np.empty(size + ALIGNMENT, np.uint8)
    address: int = buffer.__array_interface__["data"][0]
    start = -address % ALIGNMENT
    return buffer[start : start + size].view(dtype).reshape(shape)


def blocks(a: Array, n: int) -> list[Array]:
    """Split the last axis, n·M, into n views of M (ten times as fast as ``np.split``)."""
    width = a.shape[-1] // n if n else 0
    return [a[..., k * width : (k + 1) * width] for k in range(n)]


def contiguous(a: Array) -> Array:
    """The array in C order, without a copy if it already is; works for CuPy arrays too."""
    return a if a.flags.c_contiguous else a.copy()


def over_rows(a: Array) -> Array:
    """The sum (M) over the first axis of (N, M), computed as a product with ones.

    It takes a third of the time of ``a.sum(0)`` on the CPU and a fiftieth on a GPU, where few
    columns leave a reduction little to parallelize.
    """
    return np.ones_like(a, shape=len(a)) @ a


#: Largest absolute value in a net or a trace: the product of two of them is finite in float64.
MAX_VALUE = 1e30


def in_range(array: Any) -> bool:
    """Whether all numbers are finite and at most MAX_VALUE in absolute value."""
    return bool(np.abs(array).max(initial=0) <= MAX_VALUE)


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_array(file: IO[bytes], name: str) -> Array:
    """Read a ``.npy`` file of numbers, flags or text; the array is read-only.

    Raises ValueError, with ``name`` in it, if the data does not have the size in the header.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(
            _("{name}: arrays of version {version} are not supported").format(
                name=name, version=version
            )
        )
    shape, columns_first, dtype = _HEADERS[version](file)
    if dtype.kind not in "biufU":
        raise ValueError(
            _("{name}: expected numbers, not {found}").format(name=name, found=str(dtype)[:40])
        )
    data = file.read()
    valid = all(type(n) is int and n >= 0 for n in shape)
    if not valid or not 0 < math.prod(shape) * dtype.itemsize == len(data):
        raise ValueError(
            _("{name}: its header does not fit its {size:,} bytes").format(
                name=name, size=len(data)
            )
        )
    order: Any = "F" if columns_first else "C"
    return np.frombuffer(data, dtype).reshape(shape, order=order)
