"""A driver for Linux and macOS that is robust to unusual terminals and input.

It skips input that is not UTF-8, draws on terminals that report no size, redraws after a
suspension, exits when the terminal is closed, and can restore the terminal from any thread.
Textual offers no public hooks for this, so it uses private members of ``LinuxDriver``.
"""

from __future__ import annotations

import os
import selectors
import signal
import termios
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from rnnviz.tui.terminal.input_parser import InputParser
from rnnviz.window import TerminalStream, size, within

#: The most messages in the queues of the app before no more keys are read.
_MAX_QUEUED: Final = 256

#: Ends the paste, mouse, focus and key protocols; main screen, visible cursor, line wrapping.
_RESTORE: Final = (
    b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)


class TerminalDriver(LinuxDriver):
    """The driver of an app that has ``end_by_signal(number)``."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **{**options, "size": options.get("size") or size()})
        self._screen = TerminalStream(cast(TextIO, self._file))
        self._file = cast(Any, self._screen)
        self._written = 0  # characters passed on to the writer thread
        self._drawing = False  # between the start and the end of application mode
        self._suspended = False
        # Handlers of asyncio wake the event loop even if another thread receives the signal, and
        # run between two callbacks, when no lock is held that they need.
        self._loop.add_signal_handler(signal.SIGTSTP, self._suspend_process)
        self._loop.add_signal_handler(signal.SIGCONT, self._resume_process)

    # -- size -----------------------------------------------------------------------------------

    def _get_terminal_size(self) -> tuple[int, int]:
        return size()

    def process_message(self, message: Message) -> None:
        """Pass a message to the app; limit sizes to those that can be drawn."""
        if isinstance(message, Resize):
            clamped = within(*message.size)
            if clamped != message.size:
                message = Resize(Size(*clamped), Size(*clamped))
            if (tap := cast(Any, self._app).cast) is not None:
                tap.resize(*clamped)
        super().process_message(message)

    # -- output ---------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        """Write data in the writer thread."""
        self._written += len(data)
        if (tap := cast(Any, self._app).cast) is not None:
            tap.write(data, self._size or self._get_terminal_size())
        super().write(data)

    @property
    def pending(self) -> int:
        """Characters that were written and that the terminal has not taken yet."""
        return self._written - self._screen.flushed

    # -- start and end --------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Start to draw on the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._drawing = self._writer_thread is not None

    def stop_application_mode(self) -> None:
        """Restore the terminal."""
        self._drawing = self._suspended = False
        super().stop_application_mode()

    def suspend_application_mode(self) -> None:
        """Restore the terminal until :meth:`resume_application_mode`."""
        super().suspend_application_mode()
        self._suspended = True

    def resume_application_mode(self) -> None:
        """Draw on the terminal again."""
        self._suspended = False
        super().resume_application_mode()

    # Neither does anything once the app ends and the terminal has been restored.

    def _suspend_process(self) -> None:
        if self._app.is_running:
            self._sigtstp_application()

    def _resume_process(self) -> None:
        if not self._app.is_running:
            return
        # After SIGSTOP the terminal was not restored, but the shell has changed and used it.
        if self._auto_restart and self._drawing:
            self.suspend_application_mode()
        if self._auto_restart and self._suspended:
            self.resume_application_mode()
            self._app.refresh(layout=True)

    def restore_terminal(self) -> None:
        """Restore the terminal without the event loop or the writer thread; from any thread."""
        if not self._drawing:
            return
        with suppress(termios.error, OSError, ValueError):
            if self.attrs_before is not None:
                termios.tcflush(self.fileno, termios.TCOFLUSH)
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            with selectors.DefaultSelector() as selector:
                selector.register(self._screen.fileno(), selectors.EVENT_WRITE)
                if selector.select(0.5):
                    os.write(self._screen.fileno(), _RESTORE)

    # -- keys -----------------------------------------------------------------------------------

    def run_input_thread(self) -> None:
        """Read input until the app ends or the terminal is closed.

        Unlike Textual's method it skips bytes that are not UTF-8 and invalid sequences, reads no
        faster than the app handles, and ends a paste without an end sequence.
        """
        parser = InputParser(self._debug)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                messages: Iterable[Message]
                if selector.select(0.1):
                    try:
                        data = os.read(self.fileno, 4096)
                    except (BlockingIOError, InterruptedError):
                        continue
                    except OSError:
                        data = b""
                    if not data:
                        self._end_on_hangup()
                        return
                    messages = parser.feed(data)
                else:
                    messages = parser.tick()
                for message in messages:
                    self.process_message(message)
                self._wait_for_app()

    def _end_on_hangup(self) -> None:
        with suppress(RuntimeError):  # the app has ended
            self._loop.call_soon_threadsafe(cast(Any, self._app).end_by_signal, signal.SIGHUP)

    def _wait_for_app(self) -> None:
        def queued() -> int:
            with suppress(Exception):  # no screen while one replaces another
                screen, focused = self._app.screen, self._app.focused
                queues = {self._app, screen, *([focused] if focused else [])}
                return sum(pump.message_queue_size for pump in queues)
            return 0

        while queued() > _MAX_QUEUED and not self.exit_event.is_set():
            time.sleep(0.01)
