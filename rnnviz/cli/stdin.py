"""Text from standard input: its encoding, and how much of it is read."""

from __future__ import annotations

import codecs
import os
import stat
import sys

from rnnviz.errors import UsageError
from rnnviz.messages import N_, _, translated

#: Bytes; a trace takes at most 10,000 words, and an endless pipe must not fill the memory.
LIMIT = 1 << 20

#: What a text may begin with to say how it is encoded. The first two bytes of UTF-32 are UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def is_piped() -> bool:
    """Whether stdin is a pipe, a socket or a file; not a terminal or /dev/null."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def read() -> str:
    """All of standard input; UsageError if it is closed, longer than LIMIT or not text."""
    try:
        content = sys.stdin.buffer.read(LIMIT + 1)
    except (OSError, ValueError, AttributeError) as error:
        # Python has no sys.stdin at all where the shell has closed it (<&-).
        reason = getattr(error, "strerror", None) or N_("it is closed")
        raise UsageError(
            _(
                "Standard input cannot be read: {reason}.\n"
                'Give the text as an argument: rnnviz step "this movie was not good"'
            ).format(reason=translated(reason))
        ) from error
    if len(content) > LIMIT:
        raise UsageError(
            _(
                "Standard input is longer than {limit:,} bytes. Pipe in less of it:\n"
                "head -c 50000 FILE | rnnviz step"
            ).format(limit=LIMIT)
        )
    return decode(content)


def decode(content: bytes) -> str:
    """Bytes as text: UTF-8, or UTF-16 or UTF-32 with a byte order mark; else UsageError."""
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8")
    )
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        at = len(mark) + error.start
        remedy = (
            _("It begins with the mark of that encoding, so it is damaged or cut off.")
            if mark
            else _convert("WINDOWS-1252") + " " + _("(Turkish: WINDOWS-1254)")
        )
        raise UsageError(
            _(
                "Standard input is not {encoding} text: byte 0x{byte:02x} at {at:,}.\n{remedy}"
            ).format(encoding=encoding.upper(), byte=content[at], at=at, remedy=remedy)
        ) from error
    if "\0" in text:
        raise UsageError(
            _("Standard input has NUL bytes: it is no text, or UTF-16 without a byte order mark.\n")
            + _convert("UTF-16LE")
        )
    return text


def _convert(encoding: str) -> str:
    return _("Convert it first: iconv -f {encoding} -t UTF-8 FILE | rnnviz step").format(
        encoding=encoding
    )
