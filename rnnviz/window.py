"""The terminal: how large it is, whatever it says, and what is written once it is gone."""

from __future__ import annotations

import os
from typing import Any, Final, TextIO

#: What is taken where nothing is known, and the most that is drawn: columns and rows.
USUAL: Final = (80, 24)
MOST: Final = (1000, 500)


def size() -> tuple[int, int]:
    """Columns and rows: of COLUMNS and LINES, else of the terminal, else 80 and 24."""
    import shutil

    forget_nonsense()
    return within(*shutil.get_terminal_size(USUAL))


def within(columns: int, rows: int) -> tuple[int, int]:
    """A size that can be drawn: what is not positive is as usual, what is huge is cut."""
    return (
        min(columns, MOST[0]) if columns > 0 else USUAL[0],
        min(rows, MOST[1]) if rows > 0 else USUAL[1],
    )


def forget_nonsense() -> None:
    """Take COLUMNS and LINES out of the environment where no terminal has such a size."""
    for name, most in zip(("COLUMNS", "LINES"), MOST, strict=True):
        said = os.environ.get(name)
        if said is not None and not (
            said.isascii() and said.isdigit() and len(said) < 5 and 1 <= int(said) <= most
        ):
            del os.environ[name]


class TerminalStream:
    """A stream to a terminal: once that is gone (closed, hung up), what is written goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone = False

    def write(self, text: str) -> int:
        """The number of characters, as every stream says."""
        if not self.gone:
            try:
                self._stream.write(text)
            except OSError:
                self.gone = True
        return len(text)

    def flush(self) -> None:
        """What was written before the terminal was gone may be lost."""
        if not self.gone:
            try:
                self._stream.flush()
            except OSError:
                self.gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
