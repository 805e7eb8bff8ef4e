"""What the events of a recording refer to by number: arrays, traces and lessons.

Each is a record of the schema ``rnnviz.recording/1`` before the first event that refers to it. The
same array is written once: all traces of a model share its weights.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import NOTATIONS
from rnnviz.events.recording import SCHEMA
from rnnviz.lessons.lesson import Lesson
from rnnviz.messages import _
from rnnviz.trace import Trace, frozen
from rnnviz.trace.file import from_parts, to_parts
from rnnviz.trace.notation import in_notation
from rnnviz.tui.replay import values
from rnnviz.tui.replay.values import misfit

#: Bytes of all arrays of a recording, unpacked.
LARGEST = 200_000_000
#: Bytes of an array from which on it is packed, and of the packed bytes in one line.
PACKED_FROM, PART = 4096, 4_000_000
#: The types of arrays that are written; all others have to be converted.
DTYPES = ("float32", "float64", "int32", "int64", "bool", "uint8", "int16", "uint16")


class ContentWriter:
    """Gives numbers to what is written, and keeps the records until :meth:`taken`."""

    def __init__(self) -> None:
        self._records: list[dict[str, Any]] = []
        self._arrays: dict[bytes, int] = {}  # by digest
        self._objects: dict[int, tuple[int, object]] = {}  # by identity; kept alive
        self._count = 0

    def taken(self) -> list[dict[str, Any]]:
        """The records that have not been taken yet."""
        records, self._records = self._records, []
        return records

    def array(self, value: Array) -> int:
        """The number of an array; UnrecordableError for one that is not of numbers or flags."""
        if value.dtype.name not in DTYPES:
            raise values.UnrecordableError(value.dtype.name)
        data = np.ascontiguousarray(value).tobytes()
        head = f"{value.dtype.name} {value.shape}".encode()
        digest = hashlib.sha256(head + data).digest()
        if digest not in self._arrays:
            self._arrays[digest] = self._next()
            self._records += _array_records(self._arrays[digest], value, data)
        return self._arrays[digest]

    def trace(self, value: Trace) -> int:
        """The number of a trace as it was computed."""
        return self._object(value, self._trace)

    def lesson(self, value: Lesson) -> int:
        """The number of a lesson."""
        return self._object(value, self._lesson)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _object(self, value: Any, write: Callable[[Any, int], dict[str, Any]]) -> int:
        known = self._objects.get(id(value))
        if known is None:
            number = self._next()
            self._records.append(write(value, number))
            known = self._objects[id(value)] = (number, value)
        return known[0]

    def _trace(self, value: Trace, number: int) -> dict[str, Any]:
        meta, arrays = to_parts(value)
        numbers = {path: self.array(array) for path, array in arrays.items()}
        return _record("trace", number) | {"trace": meta, "arrays": numbers}

    def _lesson(self, value: Lesson, number: int) -> dict[str, Any]:
        return _record("lesson", number) | {"lesson": values._encode_fields(value, self)}


def _record(kind: str, number: int) -> dict[str, Any]:
    return {"schema": SCHEMA, "content": kind, "number": number}


def _array_records(number: int, value: Array, data: bytes) -> Iterator[dict[str, Any]]:
    packed = len(data) >= PACKED_FROM
    content = zlib.compress(data, 1) if packed else data
    for at in range(0, max(1, len(content)), PART):
        part = base64.b64encode(content[at : at + PART]).decode()
        yield _record("array", number) | {
            "dtype": value.dtype.name, "shape": list(value.shape), "packed": packed,
            "more": at + PART < len(content), "data": part,
        }  # fmt: skip


class ContentReader:
    """Reads the records, and finds what they hold by number."""

    def __init__(self) -> None:
        self._arrays: dict[int, Array] = {}
        self._traces: dict[int, Trace] = {}
        self._lessons: dict[int, Lesson] = {}
        self._written: dict[tuple[int, str], Trace] = {}  # traces by number and notation
        self._parts: list[bytes] = []  # of the array that goes on in the next record
        self._left = LARGEST

    def read(self, record: Mapping[str, Any]) -> None:
        """Read a record; an exception of any kind if it is damaged."""
        kind, number = record.get("content"), record.get("number")
        if type(number) is not int or number in {*self._arrays, *self._traces, *self._lessons}:
            raise misfit("number", number)
        if kind == "array":
            self._read_array(record, number)
        elif kind == "trace":
            arrays = {path: self.array(n) for path, n in dict(record["arrays"]).items()}
            self._traces[number] = from_parts(dict(record["trace"]), arrays)
        elif kind == "lesson":
            lesson: Lesson = values.decode_fields(record["lesson"], Lesson, self)
            if not lesson.steps:
                raise misfit("steps", ())
            self._lessons[number] = lesson
        else:
            raise misfit("content", kind)

    def _read_array(self, record: Mapping[str, Any], number: int) -> None:
        shape, dtype = record["shape"], record["dtype"]
        sizes = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**40 for n in shape)
        if dtype not in DTYPES or not sizes or len(shape) > 8:
            raise misfit("array", (dtype, shape))
        size = math.prod(shape) * np.dtype(dtype).itemsize
        try:
            data = base64.b64decode(record["data"], validate=True)
        except (binascii.Error, TypeError) as error:
            raise misfit("data", record["data"]) from error
        self._parts.append(data)
        if record.get("more") is True:
            return
        data, self._parts = b"".join(self._parts), []
        self._left -= max(size, len(data))
        if self._left < 0:
            raise ValueError(_("the arrays are larger than {limit:,} bytes").format(limit=LARGEST))
        if record.get("packed") is True:
            data = zlib.decompressobj().decompress(data, size + 1)
        if len(data) != size:
            raise ValueError(
                _("an array of {shape} takes {size:,} bytes, not {found:,}").format(
                    shape=shape, size=size, found=len(data)
                )
            )
        array = np.frombuffer(data, dtype).reshape(shape)
        self._arrays[number] = frozen(array)

    def array(self, number: int) -> Array:
        """An array, read-only; ValueError for one that there is not."""
        return _found(self._arrays, number, "array")

    def trace(self, number: int, notation: str) -> Trace:
        """A trace in a notation; ValueError for one that there is not."""
        if notation not in NOTATIONS:
            raise misfit("notation", notation)
        if (number, notation) not in self._written:
            source: Trace = _found(self._traces, number, "trace")
            self._written[number, notation] = in_notation(source, notation)
        return self._written[number, notation]

    def lesson(self, number: int) -> Lesson:
        """A lesson; ValueError for one that there is not."""
        found: Lesson = _found(self._lessons, number, "lesson")
        return found

    @property
    def traces(self) -> tuple[Trace, ...]:
        """All traces, as they were computed."""
        return tuple(self._traces.values())


def _found(known: Mapping[int, Any], number: object, what: str) -> Any:
    if number not in known:
        raise misfit(what, number)
    return known[number]  # type: ignore[index]
