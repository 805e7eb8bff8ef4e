"""What the pickle of a checkpoint can become, apart from plain Python data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

#: Storage classes of PyTorch: the name of the dtype and its NumPy type. bfloat16 has none: its 16
#: bits are the upper half of a float32. Types not listed are quantized or unknown.
STORAGE_TYPES: Final = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
}
#: NumPy's name for the bytes of a dtype of PyTorch.
RAW_TYPES: Final = {
    **{name: name for name in STORAGE_TYPES.values()},
    "bfloat16": "uint16", "qint8": "int8", "quint8": "uint8", "qint32": "int32",
    "uint16": "uint16", "uint32": "uint32", "uint64": "uint64",
    "float8_e4m3fn": "uint8", "float8_e5m2": "uint8",
}  # fmt: skip


def item_size(dtype: str) -> int:
    """Bytes of a number."""
    return np.dtype(RAW_TYPES[dtype]).itemsize


@dataclass(frozen=True, slots=True)
class PickledName:
    """A class or function that the pickle names; it is never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class UnknownObject:
    """An object of a class that is not known here: its name, and its state as plain data."""

    of: str
    state: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StorageRecord:
    """The place of numbers in the file: ``count`` numbers of ``dtype`` under ``key``.

    ``start`` is where a view of another storage begins, in numbers. ``packed``: a file of PyTorch's
    own inside the pickle, which holds the storage (what ``pickle.dump`` makes of a tensor); dtype
    and count are not known before it is read. ``raw``: the numbers themselves (an array of NumPy).
    """

    key: str
    dtype: str
    count: int
    start: int = 0
    packed: bytes | None = None
    raw: bytes | None = None


@dataclass(eq=False, slots=True)
class TensorRecord:
    """A tensor: numbers of a storage from ``offset``, with a size and a stride for each axis.

    ``dtype`` is "" where it is that of a packed storage.
    """

    storage: StorageRecord
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
