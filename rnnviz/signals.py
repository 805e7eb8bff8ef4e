"""Signals that ask a process to end: the command line ends quietly, with 128 and their number.

Only the command line takes them: a program that imports rnnviz keeps its own handlers.
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

#: Those whose default is to end the process, and that a handler can take.
ENDING: Final = tuple(
    getattr(signal, name)
    for name in (
        "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGALRM", "SIGUSR1", "SIGUSR2",
        "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGPOLL",
    )
    if hasattr(signal, name)
)  # fmt: skip

#: Seconds in which a further signal asks for nothing new: a key that is held down, an impatient
#: finger, a shell that sends one signal to several processes.
_PAUSE: Final = 1.0

#: When the first signal came, and its number; what it asked for is under way.
_came: float | None = None
_number: int = signal.SIGINT
#: The signal for which an exception was raised last.
_raised: int | None = None


def end_at_once() -> None:
    """Nothing is open yet: a signal ends the process then and there."""
    _take(_end_now)


def end_in_order() -> None:
    """The first signal is raised as an exception, so that files and the terminal are left right.

    SIGINT is KeyboardInterrupt, every other one SystemExit. What follows within a second is
    ignored; whatever comes later ends the process then and there.
    """
    sys.unraisablehook = _unraisable
    _take(_raise_once)


def leave() -> None:
    """The command is over: ctrl+c has nothing left to interrupt."""
    if signal.getsignal(signal.SIGINT) == _raise_once:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def answered(number: int) -> None:
    """A signal came and was taken care of; what follows within a second is ignored."""
    global _came, _number
    _came, _number = time.monotonic(), number


def raise_for(number: int) -> NoReturn:
    """Raise what ends the command in order: KeyboardInterrupt for SIGINT, else SystemExit."""
    global _raised
    answered(number)
    _raised = number
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def raised() -> int | None:
    """The signal for which an exception was raised, if there was one.

    Whoever is about to start something long asks: the exception may have been lost, since C code
    clears every exception where it only asks whether an attribute exists.
    """
    return _raised


def exit_code() -> int:
    """128 and the number of the last signal that was taken care of; 130 before there was one."""
    return 128 + _number


@contextmanager
def taken(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Give the signals that end a process to ``handler``, and then back.

    A signal that is ignored stays ignored, and of those other than SIGINT and SIGTERM one that a
    program has its own use for stays with it. Only the main thread can take them.
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
    """A signal that comes in here is answered at the end."""
    came: list[int] = []
    with taken(lambda number, frame: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Processes started in here never get SIGINT, which a terminal sends to all of them.

    They inherit the mask; in this process the signal waits until the mask is lifted.
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
    """End without another word of Python's; "Interrupted." for ctrl+c."""
    try:
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(2, b"\x1b[?25h")  # a progress bar hides the cursor
        if number == signal.SIGINT and _came is None:
            os.write(2, b"rnnviz: Interrupted.\n")
    except (OSError, ValueError):
        pass  # nobody is there any more
    os._exit(128 + number)


def _raise_once(number: int, frame: FrameType | None) -> None:
    if _came is None:
        raise_for(number)
    if time.monotonic() - _came > _PAUSE:
        _end_now(number, frame)


#: What is there before a program has chosen, and what was chosen here.
_OURS = (signal.SIG_DFL, signal.default_int_handler, _end_now, _raise_once)


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal again whose exception came where Python can only print and forget it."""
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
