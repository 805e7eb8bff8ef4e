"""The wire format of protocol buffers: a message as its fields.

https://protobuf.dev/programming-guides/encoding/. The ``onnx`` package parses a file of 5 MB of
empty nodes to 420 MB of objects, with no way to limit it; here every field counts, and tensors are
views of the file's bytes. Only what is asked for is parsed.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.messages import N_

#: The most fields of a file that are parsed, all messages together: about a second. A net of a
#: thousand nodes has some ten thousand.
MAX_FIELDS = 500_000
#: Deepest nesting of graphs in graphs (branches of If, bodies of Loop).
MAX_DEPTH = 20

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Bytes that are no message, or one beyond the limits."""


class FieldBudget:
    """How many fields may still be parsed."""

    def __init__(self, fields: int = MAX_FIELDS) -> None:
        self._left = fields

    def take(self, count: int) -> None:
        """Count fields; WireError where it is too many."""
        self._left -= count
        if self._left < 0:
            raise WireError(N_("it has more than {most:,} fields").format(most=MAX_FIELDS))


def parse_fields(data: memoryview, budget: FieldBudget) -> dict[int, list[Any]]:
    """The fields of a message by number, each a list of its values in the file's order.

    A value is an int (unsigned, of a varint) or a view of its bytes (strings, messages, packed
    numbers, and the four or eight bytes of a float). Raises WireError.
    """
    found: dict[int, list[Any]] = {}
    at, end, count = 0, len(data), 0
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = _varint(data, at - 1)
        kind, number = tag & 7, tag >> 3
        value: Any
        if kind == _BYTES:
            size, at = _varint(data, at)
            value = data[at : at + size]
            at += size
        elif kind == _VARINT:
            value, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
            value = data[at : at + size]
            at += size
        else:
            raise WireError(N_("a field of the unknown kind {kind}").format(kind=kind))
        if at > end or not number:
            raise WireError(
                N_("it ends within a field") if number else N_("a field without a number")
            )
        found.setdefault(number, []).append(value)
        count += 1
        if not count & 1023:
            budget.take(1024)
    budget.take(count & 1023)
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """An unsigned number of up to ten bytes, and where the next field begins."""
    value = shift = 0
    for k in range(at, min(at + 10, len(data))):
        byte = data[k]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, k + 1
        shift += 7
    raise WireError(N_("it ends within a number"))


# -- values of fields --------------------------------------------------------------------------


def text(values: list[Any] | None) -> str:
    """The last value of a string field; "" where it is absent. WireError for a number."""
    return _decoded(values[-1]) if values else ""


def texts(values: list[Any] | None) -> tuple[str, ...]:
    """All values of a repeated string field."""
    return tuple(_decoded(value) for value in values or ())


def _decoded(value: Any) -> str:
    return str(as_bytes(value), "utf-8", "replace")


def as_bytes(value: Any) -> memoryview:
    """A value that has to be bytes; WireError where it is a number."""
    if not isinstance(value, memoryview):
        raise WireError(N_("a number where a text or a message should be"))
    return value


def signed(value: Any) -> int:
    """An int64 of a varint, in two's complement."""
    if not isinstance(value, int):
        raise WireError(N_("bytes where a number should be"))
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def single(value: Any) -> float:
    """A float of four bytes."""
    if not isinstance(value, memoryview) or len(value) != 4:
        raise WireError(N_("no float where one should be"))
    number: float = struct.unpack("<f", value)[0]
    return number


def integers(values: list[Any] | None) -> Array:
    """A repeated int64 field, packed or not, as int64 (N)."""
    parts: list[Array] = []
    plain: list[int] = []
    for value in values or ():
        if isinstance(value, int):
            plain.append(signed(value))
        else:
            parts.append(_unpacked(value))
    return np.concatenate([*parts, np.array(plain, np.int64)])


def fixed(values: list[Any] | None, dtype: str) -> Array:
    """A repeated field of floats or doubles, packed or not."""
    data = b"".join(as_bytes(value) for value in values or ())
    if len(data) % np.dtype(dtype).itemsize:
        raise WireError(N_("numbers that end within one"))
    return np.frombuffer(data, dtype)


def _unpacked(data: memoryview) -> Array:
    """The varints of a packed field as int64, without a loop over them."""
    raw = np.frombuffer(data, np.uint8)
    last = raw < 128
    if not len(raw):
        return np.zeros(0, np.int64)
    if not last[-1]:
        raise WireError(N_("it ends within a number"))
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() > 9:
        raise WireError(N_("a number of more than ten bytes"))
    place = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    shifted = (raw & 127).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.add.reduceat(shifted, starts).view(np.int64)
