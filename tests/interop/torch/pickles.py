"""Pickles written by hand, opcode by opcode, and checkpoints around them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

PROTOCOL, STOP, MARK = b"\x80\x02", b".", b"("
MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def text(value: str) -> bytes:
    """A text."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    """An integer, of any size."""
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(10, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def sequence(*items: bytes) -> bytes:
    """A tuple."""
    return MARK + b"".join(items) + b"t"


def name(module: str, attribute: str) -> bytes:
    """A class or function."""
    return f"c{module}\n{attribute}\n".encode()


def dictionary(entries: Mapping[str, bytes]) -> bytes:
    """A dict."""
    return b"}" + MARK + b"".join(text(k) + v for k, v in entries.items()) + b"u"


def ordered(entries: Mapping[str, bytes]) -> bytes:
    """An OrderedDict with ``_metadata``, as a state dict is."""
    filled = b"".join(text(k) + v for k, v in entries.items())
    state = dictionary({"_metadata": b"}"})
    return name("collections", "OrderedDict") + b")R" + MARK + filled + b"u" + state + b"b"


def storage(key: str, count: int, kind: str = "FloatStorage", module: str = "torch") -> bytes:
    """The persistent id of a storage."""
    return (
        sequence(text("storage"), name(module, kind), text(key), text("cpu"), integer(count)) + b"Q"
    )


def tensor(
    key: str, count: int, shape: tuple[int, ...], strides: tuple[int, ...] | None = None,
    offset: int = 0, kind: str = "FloatStorage",
) -> bytes:  # fmt: skip
    """A call of ``_rebuild_tensor_v2``."""
    if strides is None:
        strides = tuple(int(np.prod(shape[k + 1 :])) for k in range(len(shape)))
    arguments = sequence(
        storage(key, count, kind), integer(offset), sequence(*map(integer, shape)),
        sequence(*map(integer, strides)), b"\x89", name("collections", "OrderedDict") + b")R",
    )  # fmt: skip
    return name("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def state_dict(arrays: Mapping[str, Any], first: int = 0) -> tuple[bytes, dict[str, bytes]]:
    """The opcodes of a state dict and its storages by key."""
    entries, storages = {}, {}
    for k, (label, array) in enumerate(arrays.items()):
        key = str(first + k)
        entries[label] = tensor(key, array.size, array.shape)
        storages[key] = np.ascontiguousarray(array, np.float32).tobytes()
    return ordered(entries), storages


def write_zip(path: Path, body: bytes, storages: Mapping[str, bytes], **extra: bytes) -> Path:
    """A checkpoint as torch.save writes it today."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", PROTOCOL + body + STOP)
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        for member, data in extra.items():
            archive.writestr(f"archive/{member}", data)
    return path


def write_legacy(path: Path, body: bytes, storages: Mapping[str, bytes]) -> Path:
    """A checkpoint as torch.save wrote it before 1.6."""
    out = io.BytesIO()
    out.write(MAGIC)
    out.write(PROTOCOL + integer(1001) + STOP)
    out.write(PROTOCOL + dictionary({"little_endian": b"\x88"}) + STOP)
    out.write(PROTOCOL + body + STOP)
    out.write(PROTOCOL + b"](" + b"".join(text(key) for key in storages) + b"e" + STOP)
    for data in storages.values():
        out.write(struct.pack("<q", len(data) // 4) + data)
    path.write_bytes(out.getvalue())
    return path
