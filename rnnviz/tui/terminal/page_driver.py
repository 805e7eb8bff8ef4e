"""A driver that draws on a terminal in a web page and gets its keys from there.

The page has an xterm.js; the app runs in a worker beside it, without threads, so that everything
here happens in the event loop.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final, Protocol

from textual.driver import Driver
from textual.events import Resize
from textual.geometry import Size

from rnnviz.tui.terminal.input_parser import InputParser
from rnnviz.window import within

#: Alternate screen, hidden cursor, no wrapping, mouse, paste in brackets.
_START: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?2004h"
_STOP: Final = "\x1b[?2004l\x1b[?1006l\x1b[?1003l\x1b[?1000l\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[0m"
#: Seconds after which an escape without a sequence is the escape key; more than Textual waits.
_ESCAPE: Final = 0.15


class BrowserTab(Protocol):
    """What the page offers."""

    def write(self, data: str) -> None:
        """Show what a terminal is given."""

    def keys(self, keys: str) -> None:
        """Show buttons for these keys: a JSON list of labels and actions."""

    def download(self, name: str, data: bytes) -> None:
        """Hand a file to the browser."""


class PageDriver(Driver):
    """The driver of the app that is running; there is one at a time."""

    page: ClassVar[BrowserTab]
    columns_and_rows: ClassVar[tuple[int, int]] = (80, 24)
    running: ClassVar[PageDriver | None] = None

    def __init__(self, app: Any, **options: Any) -> None:
        # Without a size of its own, Textual asks the console, and each resize causes the next.
        super().__init__(app, **{**options, "size": self.columns_and_rows})
        self._parser = InputParser(self._debug)
        self._tick: asyncio.TimerHandle | None = None

    @property
    def is_web(self) -> bool:
        """It is."""
        return True

    def write(self, data: str) -> None:
        """Write to the page."""
        self.page.write(data)

    def start_application_mode(self) -> None:
        """Begin to draw."""
        PageDriver.running = self
        self.write(_START)
        self.resize(*self.columns_and_rows)

    def disable_input(self) -> None:
        """Take no more keys."""
        PageDriver.running = None
        if self._tick is not None:
            self._tick.cancel()

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self.disable_input()
        self.write(_STOP)

    def close(self) -> None:
        """The app has ended; the page opens others."""
        self._parser.close()

    def receive(self, data: str) -> None:
        """Keys, pastes and the mouse, as a terminal sends them."""
        self._process(data)
        if self._tick is not None:
            self._tick.cancel()
        self._tick = self._loop.call_later(_ESCAPE, self._process, "")

    def _process(self, data: str) -> None:
        parser = self._parser
        for message in parser.feed(data.encode("utf-8", "ignore")) if data else parser.tick():
            self.process_message(message)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal in the page has another size now."""
        self._size = within(columns, rows)
        size = Size(*self._size)
        self.process_message(Resize(size, size))
