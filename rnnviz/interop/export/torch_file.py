"""A state dict as a file of ``torch.save``: a zip archive of a pickle and the tensors' bytes.

The pickle is written opcode by opcode, with those that ``torch.load(weights_only=True)`` takes: an
OrderedDict of calls of ``_rebuild_tensor_v2`` on storages that are members of the archive.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import numpy as np

from rnnviz.arrays import Array

#: The folder of all members, the date of each, and where data begins, as PyTorch aligns it.
_ROOT, _DATE, _ALIGNMENT = "archive", (1980, 1, 1, 0, 0, 0), 64
#: Opcodes of pickle protocol 2, and the GLOBALs that they name.
_PROTO, _STOP, _MARK, _TUPLE, _EMPTY_TUPLE = b"\x80\x02", b".", b"(", b"t", b")"
_REDUCE, _PERSISTENT, _FALSE, _SET_ITEMS = b"R", b"Q", b"\x89", b"u"
_ORDERED_DICT = b"ccollections\nOrderedDict\n"
_REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
_FLOAT_STORAGE = b"ctorch\nFloatStorage\n"


def torch_file(tensors: Mapping[str, Array]) -> bytes:
    """The file; its tensors are float32."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, out, "data.pkl", _pickle(tensors))
        _add(archive, out, "byteorder", b"little")
        for key, array in enumerate(tensors.values()):
            _add(archive, out, f"data/{key}", array.astype("<f4", order="C").tobytes())
        _add(archive, out, "version", b"3\n")
    return out.getvalue()


def _add(archive: zipfile.ZipFile, out: io.BytesIO, name: str, data: bytes) -> None:
    """A member whose data begins at a multiple of the alignment, by an extra field of padding."""
    info = zipfile.ZipInfo(f"{_ROOT}/{name}", _DATE)
    header = out.tell() + 30 + len(info.filename) + 4  # and the head of the extra field
    padding = -header % _ALIGNMENT
    info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    archive.writestr(info, data)


def _pickle(tensors: Mapping[str, Array]) -> bytes:
    parts = [_PROTO, _ORDERED_DICT, _EMPTY_TUPLE, _REDUCE, _MARK]
    for key, (name, array) in enumerate(tensors.items()):
        parts += [_text(name), _tensor(key, array)]
    return b"".join([*parts, _SET_ITEMS, _STOP])


def _tensor(key: int, array: Array) -> bytes:
    """``_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())``."""
    strides = np.cumprod((1, *array.shape[:0:-1]))[::-1]  # in numbers, C order
    storage = _tuple(
        _text("storage"), _FLOAT_STORAGE, _text(str(key)), _text("cpu"), _whole(array.size)
    )
    return b"".join([
        _REBUILD,
        _tuple(
            storage + _PERSISTENT, _whole(0), _tuple(*map(_whole, array.shape)),
            _tuple(*map(_whole, strides)), _FALSE, _ORDERED_DICT + _EMPTY_TUPLE + _REDUCE,
        ),
        _REDUCE,
    ])  # fmt: skip


def _tuple(*items: bytes) -> bytes:
    return b"".join([_MARK, *items, _TUPLE])


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _whole(number: int) -> bytes:
    return b"J" + struct.pack("<i", int(number))
