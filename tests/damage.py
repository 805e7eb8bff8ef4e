"""Ways to damage a file: cut it, turn its bits, and put what does not belong there in its place.

Every function yields (what was done, the new content); the same for the same file every time.
"""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

#: What a field of JSON may hold that is none of its values.
VALUES: dict[str, Any] = {
    "null": None, "true": True, "minus": -1, "zero": 0, "huge": 10**30, "float": 1e308,
    "nan": float("nan"), "infinite": float("inf"), "empty": "", "text": "\x1b[2J%s{}",
    "long": "y" * 20_000, "list": [], "object": {}, "mixed": [1, "a", None, {}],
    "nested": json.loads("[" * 300 + "]" * 300), "digits": 10**4000,
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something can be replaced: every field, and the first two entries of every list."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = list(enumerate(value))[:2]
    for key, each in items:
        yield (*path, key)
        yield from places(each, (*path, key))


def edits(document: Any, every: int = 1, first: int = 0) -> Iterator[tuple[str, Any]]:
    """The document with one place of it removed, or filled with one of VALUES.

    Of all these the ``first`` and each ``every``-th after it.
    """
    kinds = ["gone", *VALUES]
    for n, (path, kind) in enumerate((p, k) for p in places(document) for k in kinds):
        if n % every != first:
            continue
        changed = copy.deepcopy(document)
        inside = changed
        for key in path[:-1]:
            inside = inside[key]
        if kind == "gone":
            del inside[path[-1]]
        else:
            inside[path[-1]] = VALUES[kind]
        yield f"{'.'.join(map(str, path))} {kind}", changed


def of_text(text: str) -> Iterator[tuple[str, bytes]]:
    """A text file that is none any more."""
    data = text.encode()
    yield "empty", b""
    yield "NUL", b"\0" * 100
    yield "UTF-16", text.encode("utf-16")
    yield "Latin-1", b"\xe9\xff" + data
    yield "BOM", b"\xef\xbb\xbf" + data
    yield "deep", b"[" * 5_000 + b"]" * 5_000
    yield "deep object", b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    yield "twice", data + data
    yield "a number", b"1" * 5_000
    yield "a word", b"hello"
    yield "not closed", b'{"a": "' + b"x" * 10_000
    yield "surrogate", b'{"a": "\\ud800"}'
    for share in range(1, 10):
        yield f"cut at {share}0 %", data[: len(data) * share // 10]


def of_bytes(data: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    """Cut at ``count`` places, and with one bit turned at ``count`` places."""
    rng = np.random.default_rng(7)
    for at in sorted({0, 1, len(data) - 1, *rng.integers(0, len(data), count).tolist()}):
        yield f"cut at {at}", data[:at]
    for at in rng.integers(0, len(data), count).tolist():
        turned = bytearray(data)
        turned[at] ^= 1 << int(rng.integers(8))
        yield f"bit at {at}", bytes(turned)
    yield "more behind", data + b"more"
    yield "twice", data + data


def npz(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def loaded(data: bytes) -> Any:
    """The array in a file of numpy's."""
    return np.load(io.BytesIO(data), allow_pickle=False)


def dumped(array: Any) -> bytes:
    """An array as numpy writes it to a file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def arrays(array: Any) -> Iterator[tuple[str, Any]]:
    """Other arrays in the place of one: other types, other shapes, other numbers."""
    yield "NaN", np.full_like(array, np.nan, dtype=np.float32)
    yield "infinite", np.full_like(array, np.inf, dtype=np.float64)
    yield "huge", np.full_like(array, 1e300, dtype=np.float64)
    yield "huge float32", np.full_like(array, -3e38, dtype=np.float32)
    yield "small", np.full_like(array, 1e-320, dtype=np.float64)
    yield "zero", np.zeros_like(array)
    yield "whole numbers", np.ones_like(array, dtype=np.int64)
    yield "text", np.full(array.shape, "a")
    yield "a row more", np.concatenate([array, array]) if array.ndim else array[None]
    yield "flat", array.ravel()
    yield "one axis more", array[None]
    yield "transposed", array.T
    yield "other order", np.asfortranarray(array)
    yield "big end first", array.astype(array.dtype.newbyteorder(">"))
    yield "empty", array.ravel()[:0]


def npy(header: str, data: bytes = b"") -> bytes:
    """An array file with any header."""
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


#: Headers of arrays that say what is not so, or what is nothing.
HEADERS = [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 3, }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': '<f16', 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': '<U0', 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }",
    "{'descr': '<f4', 'shape': (2, 3), }", "{}", "-" * 9_000, "(" * 9_000, "'", "\\", "1e9999",
    "__import__('os').system('true')", "x" * 60_000, "",
]  # fmt: skip


def safetensors(head: Any, data: bytes) -> bytes:
    """A file of weights with any header."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data
