"""The bytes of a pickle and its stack, with limits: what the opcodes for plain values need."""

from __future__ import annotations

import codecs
import struct
from typing import Any, Final

from rnnviz.messages import N_

#: Most bytes of a pickle.
MAX_BYTES: Final = 50_000_000
_MAX_INTEGER: Final = 255  # bytes of an integer
_U2, _U4, _U8 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_I4, _F8 = struct.Struct("<i"), struct.Struct(">d")


class PickleError(ValueError):
    """The pickle is damaged, or exceeds the limits."""


class PickleStream:
    """Reads ``data`` from ``start`` on; values go to a stack. Methods are steps of opcodes."""

    def __init__(self, data: bytes | memoryview, start: int = 0) -> None:
        self._data = memoryview(data)
        self._at = start
        self._limit = min(len(data), start + MAX_BYTES)
        self._stack: list[Any] = []
        self._marks: list[int] = []

    # -- reading -------------------------------------------------------------------------------

    def _read(self, count: int) -> memoryview:
        start, self._at = self._at, self._at + count
        if self._at > self._limit:
            raise PickleError(N_("its pickle ends too early or is too long"))
        return self._data[start : self._at]

    def _number(self, form: struct.Struct) -> Any:
        return form.unpack(self._read(form.size))[0]

    def _u4(self) -> int:
        return int(_U4.unpack(self._read(4))[0])

    def _line(self) -> bytes:
        block = 256
        while True:
            end = min(self._at + block, self._limit)
            found = bytes(self._data[self._at : end]).find(b"\n")
            if found >= 0:
                line = bytes(self._read(found + 1))[:-1]
                return line.removesuffix(b"\r")
            if end == self._limit:
                raise PickleError(N_("its pickle ends in the middle of a line"))
            block *= 16

    # -- the stack -----------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _top(self) -> Any:
        if self._marks and self._marks[-1] >= len(self._stack):
            raise PickleError(N_("its pickle takes from an empty stack"))
        return self._stack[-1]

    def _pop(self) -> Any:
        self._top()
        return self._stack.pop()

    # -- constants and texts ---------------------------------------------------------------------

    def _none(self) -> None:
        self._stack.append(None)

    def _true(self) -> None:
        self._stack.append(True)

    def _false(self) -> None:
        self._stack.append(False)

    def _int1(self) -> None:
        self._stack.append(self._read(1)[0])

    def _int2(self) -> None:
        self._push(self._number(_U2))

    def _int4(self) -> None:
        self._push(self._number(_I4))

    def _int_text(self) -> None:
        line = self._line()
        if len(line) > _MAX_INTEGER:
            raise PickleError(N_("it has a number of too many digits"))
        try:
            value = int(line.removesuffix(b"L"))
        except ValueError as error:
            raise PickleError(N_("it has a number that is none")) from error
        self._push(bool(value) if line in (b"00", b"01") else value)

    def _long1(self) -> None:
        self._push(int.from_bytes(self._read(self._read(1)[0]), "little", signed=True))

    def _long4(self) -> None:
        size = self._u4()
        if size > _MAX_INTEGER:
            raise PickleError(N_("it has a number of too many digits"))
        self._push(int.from_bytes(self._read(size), "little", signed=True))

    def _float(self) -> None:
        self._push(self._number(_F8))

    def _float_text(self) -> None:
        line = self._line()
        try:
            self._push(float(line[:_MAX_INTEGER]))
        except ValueError as error:
            raise PickleError(N_("it has a number that is none")) from error

    def _text(self, size: int) -> None:
        self._push(str(self._read(size), "utf-8", "surrogatepass"))

    def _text1(self) -> None:
        self._text(self._read(1)[0])

    def _text4(self) -> None:
        self._text(self._u4())

    def _text8(self) -> None:
        self._text(self._number(_U8))

    def _text_line(self) -> None:
        self._push(self._line().decode("raw-unicode-escape"))

    def _old_text_line(self) -> None:
        line = self._line()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise PickleError(N_("it has a text without quotation marks"))
        try:
            unescaped = codecs.escape_decode(line[1:-1])[0]
        except ValueError as error:
            raise PickleError(N_("it has a text with a wrong escape")) from error
        self._push(bytes(unescaped).decode("latin1"))

    def _old_text1(self) -> None:
        self._push(str(self._read(self._read(1)[0]), "latin1"))

    def _old_text4(self) -> None:
        self._push(str(self._read(self._u4()), "latin1"))

    def _bytes1(self) -> None:
        self._push(bytes(self._read(self._read(1)[0])))

    def _bytes4(self) -> None:
        self._push(bytes(self._read(self._u4())))

    def _bytes8(self) -> None:
        self._push(bytes(self._read(self._number(_U8))))
