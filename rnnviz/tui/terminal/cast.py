"""Casts: what a terminal is given, with the times, in the format asciicast v2 of asciinema.

A JSON object of the terminal, then a line for each event: ``[seconds, "o", data]`` for data,
``[seconds, "r", "80x24"]`` for another size. See https://docs.asciinema.org/manual/asciicast/v2/.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.drivers.headless_driver import HeadlessDriver

from rnnviz.files import LineFile

#: A cast that is not taken from a terminal begins with an empty screen without a cursor. Its last
#: picture stays; what follows in a terminal begins in its last row.
_BEGIN, _END = "\x1b[?25l\x1b[0m\x1b[2J\x1b[H", "\x1b[0m\x1b[{row};1H\x1b[?25h"
#: How the header begins.
START = b'{"version": 2, "width": '


class CastWriter:
    """Writes a cast; each event reaches the file at once.

    ``clock`` gives seconds. A full disk ends the cast and is kept in ``error``.
    """

    def __init__(
        self, path: Path, title: str = "rnnviz", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Create the file; UsageError if it cannot be a cast."""
        self.path, self.title, self.clock = path, title, clock
        self.error: OSError | None = None
        self._file = LineFile(path, START)
        self._size: tuple[int, int] | None = None  # None: nothing is written yet
        self._began = 0.0
        self._lock = threading.Lock()  # keys are read in another thread, and so are sizes

    def write(self, data: str, size: tuple[int, int]) -> None:
        """What the terminal is given; ``size``: columns and rows, used for the first data."""
        with self._lock:
            if self._size is None:
                self._begin(size)
            self._append("o", data)

    def resize(self, width: int, height: int) -> None:
        """The terminal has another size."""
        with self._lock:
            if self._size not in (None, (width, height)):
                self._size = (width, height)
                self._append("r", f"{width}x{height}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _begin(self, size: tuple[int, int]) -> None:
        self._size, self._began = size, self.clock()
        header = {
            "version": 2, "width": size[0], "height": size[1], "timestamp": int(time.time()),
            "title": self.title,
            "env": {name: os.environ.get(name, "") for name in ("TERM", "SHELL")},
        }  # fmt: skip
        self._line(header)

    def _append(self, kind: str, data: str) -> None:
        self._line([round(max(0.0, self.clock() - self._began), 6), kind, data])

    def _line(self, content: object) -> None:
        if self.error is not None:
            return
        line = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            self.error = error


class CastDriver(HeadlessDriver):
    """A driver without a terminal: what would be written goes to the cast of the app."""

    @property
    def is_headless(self) -> bool:
        """Whether nothing is written; here it is."""
        return False

    def start_application_mode(self) -> None:
        """Clear the screen."""
        self.write(_BEGIN)
        super().start_application_mode()

    def stop_application_mode(self) -> None:
        """Show the cursor again, below the picture."""
        super().stop_application_mode()
        self.write(_END.format(row=self._get_terminal_size()[1]))

    def write(self, data: str) -> None:
        """Write to the cast."""
        cast = getattr(self._app, "cast", None)
        if cast is not None:
            cast.write(data, self._get_terminal_size())

    def resize(self, width: int, height: int) -> None:
        """Take another size."""
        self._size = (width, height)
        cast = getattr(self._app, "cast", None)
        if cast is not None:
            cast.resize(width, height)
