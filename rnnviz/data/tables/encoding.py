"""Detecting the encoding of a table."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from rnnviz.data.tables.source import TableSource
from rnnviz.messages import _

#: Bytes at the beginning of a table from which its layout is detected.
HEAD_BYTES: Final = 1 << 18
_BLOCK: Final = 1 << 20
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes that are not UTF-8, as surrogateescape decodes them; other characters beyond ASCII.
_INVALID_UTF8: Final = re.compile("[\udc80-\udcff]")
_NON_ASCII: Final = re.compile("[^\x00-\x7f\udc80-\udcff]")
#: Bytes without a meaning in Windows-1252.
_NOT_WINDOWS: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def find_encoding(source: TableSource, content: bytes, complete: bool) -> str:
    """The encoding of a text; ValueError if it is not text.

    ``complete``: ``content`` is the whole file, and a character cut off at its end is an error.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if b"\0" in content[:HEAD_BYTES]:
        raise ValueError(
            _(
                "{source}: this is not text (or UTF-16 without a byte order mark). Save it as UTF-8"
            ).format(source=source)
        )
    try:
        for _text in _decode_blocks(content, "strict", complete):
            pass
    except UnicodeDecodeError:
        return _single_byte_encoding(source, content, complete)
    return "utf-8"


def _decode_blocks(content: bytes, errors: str, complete: bool) -> Iterator[str]:
    """Decode UTF-8 block by block."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    for at in range(0, len(content), _BLOCK):
        last = at + _BLOCK >= len(content)
        yield decoder.decode(content[at : at + _BLOCK], complete and last)


def _single_byte_encoding(source: TableSource, content: bytes, complete: bool) -> str:
    """Windows-1252 or Latin-1; ValueError for a text that is mostly valid UTF-8."""
    valid = invalid = 0
    line, first_invalid = 1, None
    for text in _decode_blocks(content, "surrogateescape", complete):
        match = _INVALID_UTF8.search(text)
        if match and first_invalid is None:
            first_invalid = line + text.count("\n", 0, match.start())
        line += text.count("\n")
        invalid += len(_INVALID_UTF8.findall(text))
        valid += len(_NON_ASCII.findall(text))
    if valid >= invalid:
        raise ValueError(
            _("{source}, line {line}: bytes that are not valid UTF-8").format(
                source=source, line=first_invalid
            )
        )
    return "latin-1" if _NOT_WINDOWS.search(content) else "cp1252"
