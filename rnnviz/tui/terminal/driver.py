"""Textual's driver for Linux and macOS, for terminals as they are.

It reads bytes that are no text, draws on terminals that say they have no size, comes back from
being stopped, ends when the terminal is gone, and gives the terminal back in an emergency.
"""

from __future__ import annotations

import os
import selectors
import signal
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TextIO, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from rnnviz.window import TerminalStream, size, within

#: Messages that may wait for the app before more keys are read.
_WAITING: Final = 256
#: Seconds after which a paste whose end never came is over.
_PASTE: Final = 1.0
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"

#: No paste, mouse, focus or key protocol; the main screen, its cursor, its wrapping.
_LEAVE: Final = (
    b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)


class TerminalDriver(LinuxDriver):
    """The driver; the app is one that has ``end_by(signal)``."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **{**options, "size": options.get("size") or size()})
        self._screen = TerminalStream(cast(TextIO, self._file))
        self._file = cast(Any, self._screen)
        self._drawing = False  # between the start and the end of application mode
        self._suspended = False
        # asyncio's handlers have a wakeup descriptor: a thread other than the main one may be given
        # the signal, which then leaves the event loop asleep. They also run between two callbacks,
        # while no lock is held that they need.
        self._loop.add_signal_handler(signal.SIGTSTP, self._suspend_process)
        self._loop.add_signal_handler(signal.SIGCONT, self._resume_process)

    # -- size -----------------------------------------------------------------------------------

    def _get_terminal_size(self) -> tuple[int, int]:
        return size()

    def process_message(self, message: Message) -> None:
        """Pass a message on; a size that cannot be drawn is another one."""
        if isinstance(message, Resize):
            drawn = within(*message.size)
            if drawn != message.size:
                message = Resize(Size(*drawn), Size(*drawn))
        super().process_message(message)

    # -- start and end --------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Draw on the terminal from now on."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._drawing = self._writer_thread is not None

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self._drawing = self._suspended = False
        super().stop_application_mode()

    def suspend_application_mode(self) -> None:
        """Give the terminal back for a while."""
        super().suspend_application_mode()
        self._suspended = True

    def resume_application_mode(self) -> None:
        """Draw on it again."""
        self._suspended = False
        super().resume_application_mode()

    # Once the app ends, both leave the terminal alone: it has been given back.

    def _suspend_process(self) -> None:
        if self._app.is_running:
            self._sigtstp_application()

    def _resume_process(self) -> None:
        if not self._app.is_running:
            return
        # Stopped by SIGSTOP there was no time to give the terminal back: the shell has set it up
        # for itself since, and has written on it.
        if self._auto_restart and self._drawing:
            self.suspend_application_mode()
        if self._auto_restart and self._suspended:
            self.resume_application_mode()
            self._app.refresh(layout=True)

    def give_back(self) -> None:
        """The terminal as it was, past everything that may be stuck; from any thread."""
        if not self._drawing:
            return
        with suppress(termios.error, OSError, ValueError):
            if self.attrs_before is not None:
                termios.tcflush(self.fileno, termios.TCOFLUSH)
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            with selectors.DefaultSelector() as selector:
                selector.register(self._screen.fileno(), selectors.EVENT_WRITE)
                if selector.select(0.5):
                    os.write(self._screen.fileno(), _LEAVE)

    # -- keys -----------------------------------------------------------------------------------

    def run_input_thread(self) -> None:
        """Read what is typed until the app ends; then, or when the terminal is gone, return.

        As Textual's own, but bytes that are no UTF-8 and sequences that make no sense are left
        out, no more is read than the app can keep up with, and a paste ends.
        """
        typed = _InputParser(self._debug)
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
                        self._hung_up()
                        return
                    messages = typed.after(data)
                else:
                    messages = typed.after_a_pause()
                for message in messages:
                    self.process_message(message)
                self._wait_for_app()

    def _hung_up(self) -> None:
        with suppress(RuntimeError):  # the app has ended
            self._loop.call_soon_threadsafe(cast(Any, self._app).end_by, signal.SIGHUP)

    def _wait_for_app(self) -> None:
        def waiting() -> int:
            with suppress(Exception):  # between two screens there is none
                screen, focused = self._app.screen, self._app.focused
                queues = {self._app, screen, *([focused] if focused else [])}
                return sum(pump.message_queue_size for pump in queues)
            return 0

        while waiting() > _WAITING and not self.exit_event.is_set():
            time.sleep(0.01)


class _InputParser:
    """Bytes from a terminal as messages."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self._decode = getincrementaldecoder("utf-8")("ignore").decode
        self._begin()

    def _begin(self) -> None:
        self._parser = XTermParser(self._debug)
        self._pasting, self._end = False, ""
        self._read = time.monotonic()

    def after(self, data: bytes) -> Iterable[Message]:
        """What these bytes say."""
        text = self._decode(data)
        self._read = time.monotonic()
        seen = self._end + text  # what begins or ends a paste may come in two pieces
        self._end = seen[1 - len(_PASTE_BEGINS) :]
        begins, ends = seen.rfind(_PASTE_BEGINS), seen.rfind(_PASTE_ENDS)
        if begins != ends:
            self._pasting = begins > ends
        return self._messages(text)

    def after_a_pause(self) -> Iterable[Message]:
        """What it means that nothing followed: the escape key, the end of a paste."""
        if self._pasting and time.monotonic() - self._read > _PASTE:
            self._pasting = False
            return self._messages(_PASTE_ENDS)
        return self._messages("")

    def _messages(self, text: str) -> Iterable[Message]:
        try:
            if text:
                yield from self._parser.feed(text)
            yield from self._parser.tick()
        except Exception:
            # A sequence with a number that is none, a place outside: it is left out.
            self._begin()
