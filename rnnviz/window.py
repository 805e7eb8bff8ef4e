"""The size of the terminal, and writing to a terminal that may be closed."""

from __future__ import annotations

import os
import sys
from typing import Any, Final, TextIO

#: The size used if none is known, and the largest one that is drawn: columns and rows.
DEFAULT_SIZE: Final = (80, 24)
MAX_SIZE: Final = (1000, 500)


def in_browser() -> bool:
    """Whether this Python is WebAssembly in a web page, whose terminal the page draws."""
    return sys.platform == "emscripten"


def size() -> tuple[int, int]:
    """Columns and rows: from COLUMNS and LINES, else from the terminal, else 80 and 24."""
    import shutil

    forget_nonsense()
    return within(*shutil.get_terminal_size(DEFAULT_SIZE))


def within(columns: int, rows: int) -> tuple[int, int]:
    """Limit a size to MAX_SIZE; the default replaces a number that is not positive."""
    return (
        min(columns, MAX_SIZE[0]) if columns > 0 else DEFAULT_SIZE[0],
        min(rows, MAX_SIZE[1]) if rows > 0 else DEFAULT_SIZE[1],
    )


def forget_nonsense() -> None:
    """Delete COLUMNS and LINES from the environment if their values are not plausible sizes."""
    for name, most in zip(("COLUMNS", "LINES"), MAX_SIZE, strict=True):
        value = os.environ.get(name)
        if value is not None and not (
            value.isascii() and value.isdigit() and len(value) < 5 and 1 <= int(value) <= most
        ):
            del os.environ[name]


class TerminalStream:
    """A text stream to a terminal; output is discarded once the terminal is closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._unflushed = 0
        self.gone = False
        self.flushed = 0  # characters that the terminal has taken, or that were discarded

    def write(self, text: str) -> int:
        """Write the text and return its number of characters."""
        if not self.gone:
            try:
                self._stream.write(text)
            except OSError:
                self.gone = True
        self._unflushed += len(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream; does nothing once the terminal is closed."""
        if not self.gone:
            try:
                self._stream.flush()
            except OSError:
                self.gone = True
        self.flushed += self._unflushed
        self._unflushed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
