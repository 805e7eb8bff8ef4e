"""Signals that end the process: the command line exits quietly with 128 plus their number.

Only the command line installs handlers; a program that imports rnnviz keeps its own.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

#: Signals that end the process by default and for which a handler can be installed.
ENDING: Final = tuple(
    getattr(signal, name)
    for name in (
        "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGALRM", "SIGUSR1", "SIGUSR2",
        "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGPOLL",
    )
    if hasattr(signal, name)
)  # fmt: skip

#: Seconds after a signal in which further ones are ignored: a key may repeat, and a shell may
#: send a signal to several processes.
_PAUSE: Final = 1.0

#: The time and number of the signal that is being handled.
_came: float | None = None
_number: int = signal.SIGINT
#: The signal for which an exception was last raised.
_raised: int | None = None


def end_at_once() -> None:
    """Let signals end the process immediately, while no file is open yet."""
    _take(_end_now)


def end_in_order() -> None:
    """Raise an exception for the first signal, so that files and the terminal are cleaned up.

    SIGINT raises KeyboardInterrupt, every other signal SystemExit. Signals within the next second
    are ignored; a later one ends the process immediately.
    """
    sys.unraisablehook = _unraisable
    _take(_raise_once)


def leave() -> None:
    """Ignore ctrl+c once the command has ended."""
    if signal.getsignal(signal.SIGINT) == _raise_once:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def answered(number: int) -> None:
    """Record that a signal was handled; further ones within a second are ignored."""
    global _came, _number
    _came, _number = time.monotonic(), number


def raise_for(number: int) -> NoReturn:
    """Raise KeyboardInterrupt for SIGINT, else SystemExit."""
    global _raised
    answered(number)
    _raised = number
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def raised() -> int | None:
    """The signal for which an exception was raised, or None.

    Check it before starting a long operation: the exception may have been lost, because C code that
    tests whether an attribute exists clears every exception.
    """
    return _raised


def exit_code() -> int:
    """128 plus the number of the last handled signal; 130 if there was none."""
    return 128 + _number


@contextmanager
def taken(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle ending signals with ``handler`` inside the context.

    Ignored signals stay ignored, and signals other than SIGINT and SIGTERM for which the program
    has a handler of its own keep it. Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    before = {
        number: own
        for number, own in before.items()
        if own in _OURS
        or (number in (signal.SIGINT, signal.SIGTERM) and own not in (signal.SIG_IGN, None))
    }
    try:
        for number in before:
            signal.signal(number, handler)
        if _raised is not None:
            handler(_raised, None)
        yield
    finally:
        for number, own in before.items():
            signal.signal(number, own)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer signals to the end of the context."""
    came: list[int] = []
    with taken(lambda number, frame: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Block SIGINT for child processes started in the context: terminals send it to all of them.

    Children inherit the mask; in this process the signal is pending until the context ends.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _take(handler: Callable[[int, FrameType | None], Any]) -> None:
    for number in ENDING:
        if signal.getsignal(number) in _OURS:
            signal.signal(number, handler)


def _end_now(number: int, frame: FrameType | None) -> None:
    """End the process without a traceback; print "Interrupted." for ctrl+c."""
    try:
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(2, b"\x1b[?25h")  # a progress bar hides the cursor
        if number == signal.SIGINT and _came is None:
            os.write(2, b"rnnviz: Interrupted.\n")
    except (OSError, ValueError):
        pass  # stderr is closed
    os._exit(128 + number)


def _raise_once(number: int, frame: FrameType | None) -> None:
    if _came is None:
        raise_for(number)
    if time.monotonic() - _came > _PAUSE:
        _end_now(number, frame)


#: Handlers that may be replaced: Python's defaults and those of this module.
_OURS = (signal.SIG_DFL, signal.default_int_handler, _end_now, _raise_once)


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal again whose exception was raised where Python can only print it."""
    global _came
    number = signal.SIGINT if issubclass(lost.exc_type, KeyboardInterrupt) else 0
    if isinstance(lost.exc_value, SystemExit) and isinstance(lost.exc_value.code, int):
        number = lost.exc_value.code - 128
    if number not in ENDING or _came is None:
        sys.__unraisablehook__(lost)
        return
    _came = None
    again = threading.Timer(0.01, _thread.interrupt_main, (number,))
    again.daemon = True
    again.start()
