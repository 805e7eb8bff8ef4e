"""The layout of safetensors files, checked before anything is allocated.

The file is 8 bytes with the length of the header, the header in JSON, and the numbers. Source:
https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.files import parse_json
from rnnviz.messages import N_

_MAX_HEADER: Final = 10_000_000
#: The file's dtype: the usual name and NumPy's type, None where NumPy has none.
_TYPES: Final = {
    "F64": ("float64", "<f8"), "F32": ("float32", "<f4"), "F16": ("float16", "<f2"),
    "BF16": ("bfloat16", "<u2"), "I64": ("int64", "<i8"), "I32": ("int32", "<i4"),
    "I16": ("int16", "<i2"), "I8": ("int8", "i1"), "U64": ("uint64", "<u8"),
    "U32": ("uint32", "<u4"), "U16": ("uint16", "<u2"), "U8": ("uint8", "u1"),
    "BOOL": ("bool", "?"),
}  # fmt: skip
#: The most tensors in a file.
MAX_TENSORS: Final = 20_000


@dataclass(frozen=True)
class SafetensorsEntry:
    """Where the numbers of a tensor are; ``begin`` and ``end`` count from the file's first byte."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def usual_dtype(self) -> str:
        """The dtype as NumPy, or else the file, calls it."""
        return _TYPES[self.dtype][0] if self.dtype in _TYPES else self.dtype

    def read(self, file: BinaryIO) -> Array | None:
        """The numbers, bfloat16 as the 16 bits of each; None if NumPy has no such type."""
        if self.dtype not in _TYPES:
            return None
        file.seek(self.begin)
        data = file.read(self.end - self.begin)
        return np.frombuffer(data, _TYPES[self.dtype][1]).reshape(self.shape)


def tensors(file: BinaryIO) -> tuple[list[SafetensorsEntry], Any]:
    """The tensors in the order of their numbers, and the metadata; ValueError if damaged."""
    header, start, size = _header(file)
    said = header.pop("__metadata__", {})
    if len(header) > MAX_TENSORS:
        raise ValueError(
            N_("it has {count:,} tensors; {most:,} are the most").format(
                count=len(header), most=MAX_TENSORS
            )
        )
    found = []
    for name, value in header.items():
        dtype, shape, begin, end = _entry(name, value, size - start)
        found.append(SafetensorsEntry(name, dtype, shape, start + begin, start + end))
    if sum(each.end - each.begin for each in found) > size - start:
        raise ValueError(N_("its tensors overlap"))
    return sorted(found, key=lambda each: each.begin), said


def _header(file: BinaryIO) -> tuple[dict[str, Any], int, int]:
    """The header, the byte at which the numbers begin, and the bytes of the file."""
    size = file.seek(0, 2)
    file.seek(0)
    first = file.read(8)
    length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
    if not 0 < length <= min(_MAX_HEADER, size - 8):
        raise ValueError(N_("the length of its header is wrong"))
    header = parse_json(file.read(length).decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError(N_("its header is no JSON object"))
    return header, 8 + length, size


def _entry(name: str, value: Any, size: int) -> tuple[str, tuple[int, ...], int, int]:
    """Dtype, shape, first byte and end of a tensor, checked against ``size`` bytes of numbers."""
    record = value if isinstance(value, dict) else {}
    dtype, shape, offsets = (record.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        raise ValueError(N_("{name} has no shape or no place").format(name=name[:80]))
    whole = [n for n in (*shape, *offsets) if type(n) is int and 0 <= n < 1 << 48]
    if len(whole) != len(shape) + 2 or len(shape) > 16 or not isinstance(dtype, str):
        raise ValueError(N_("{name} has no valid shape, place or type").format(name=name[:80]))
    begin, end = offsets
    if not begin <= end <= size:
        raise ValueError(N_("{name} lies outside the file").format(name=name[:80]))
    if dtype in _TYPES:
        if math.prod(shape) * np.dtype(_TYPES[dtype][1]).itemsize != end - begin:
            raise ValueError(
                N_("{name} has {count:,} bytes, which its shape does not fit").format(
                    name=name[:80], count=end - begin
                )
            )
    return dtype[:20], tuple(shape), begin, end
