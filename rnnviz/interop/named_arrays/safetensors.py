"""The reader of safetensors files, with the header checked before anything is allocated.

The file is 8 bytes with the length of the header, the header in JSON, and the numbers. Names are
those of whatever wrote it. Source: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from rnnviz.files import invalid_file_on_error, open_regular, parse_json
from rnnviz.interop.contents import FileTensor, IgnoredEntry, ImportOptions, ModelContents
from rnnviz.interop.named_arrays.modules import widened
from rnnviz.interop.named_arrays.net import MAX_TENSORS, named_net
from rnnviz.messages import N_, _

MAX_FILE: Final = 2_000_000_000
_MAX_HEADER: Final = 10_000_000
#: The file's dtype: the usual name and NumPy's type, None where NumPy has none.
_TYPES: Final = {
    "F64": ("float64", "<f8"), "F32": ("float32", "<f4"), "F16": ("float16", "<f2"),
    "BF16": ("bfloat16", "<u2"), "I64": ("int64", "<i8"), "I32": ("int32", "<i4"),
    "I16": ("int16", "<i2"), "I8": ("int8", "i1"), "U64": ("uint64", "<u8"),
    "U32": ("uint32", "<u4"), "U16": ("uint16", "<u2"), "U8": ("uint8", "u1"),
    "BOOL": ("bool", "?"),
}  # fmt: skip


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in a safetensors file.

    Raises InvalidFileError for a file that is damaged or cannot be read, UsageError for an option
    with an unknown value.
    """
    with (
        invalid_file_on_error(path, _("safetensors file")),
        open_regular(path, MAX_FILE) as file,
    ):
        header, start, size = _header(file)
        said = header.pop("__metadata__", {})
        if len(header) > MAX_TENSORS:
            raise ValueError(
                N_("it has {count:,} tensors; {most:,} are the most").format(
                    count=len(header), most=MAX_TENSORS
                )
            )
        entries = {name: _entry(name, value, size - start) for name, value in header.items()}
        if sum(end - begin for _, _, begin, end in entries.values()) > size - start:
            raise ValueError(N_("its tensors overlap"))
        tensors = [
            _tensor(file, start, name, *entry)
            for name, entry in sorted(entries.items(), key=lambda item: item[1][2])
        ]
        net = named_net(tensors, options, in_order=False)
    return ModelContents(
        path, N_("safetensors file"), "safetensors",
        tensors=net.tensors, operations=net.operations, conversions=net.conversions,
        assumptions=net.assumptions, refusal=net.refusal, ignored=_metadata(said),
    )  # fmt: skip


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


def _tensor(
    file: BinaryIO, start: int, name: str, dtype: str, shape: tuple[int, ...], begin: int, end: int
) -> FileTensor:
    if dtype not in _TYPES:
        return FileTensor(name, shape, dtype)
    usual, kind = _TYPES[dtype]
    file.seek(start + begin)
    array = np.frombuffer(file.read(end - begin), kind).reshape(shape)
    return FileTensor(name, shape, usual, widened(array) if usual == "bfloat16" else array)


def _metadata(said: Any) -> tuple[IgnoredEntry, ...]:
    """The file's metadata, texts by name, which say nothing about the net."""
    entries = list(said.items())[:20] if isinstance(said, dict) else []
    return tuple(
        IgnoredEntry(
            f"__metadata__.{key}"[:80], N_("a text, {text!r}").format(text=str(value)[:60])
        )
        for key, value in entries
    )
