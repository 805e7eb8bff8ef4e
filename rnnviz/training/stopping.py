"""Ending a training early without losing it: on ctrl+c, other signals, or a time limit."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rnnviz import signals


@contextmanager
def stop_signal() -> Iterator[Callable[[], int]]:
    """A function that returns the number of the first ending signal received; 0 before it.

    A second SIGINT raises KeyboardInterrupt. Ignored signals stay ignored. Outside the main thread
    no signal is received. The previous handlers are restored at the end.
    """
    received = 0
    before = signal.getsignal(signal.SIGINT)

    def receive(number: int, frame: FrameType | None) -> None:
        nonlocal received
        if received and number == signal.SIGINT:
            if not callable(before):
                raise KeyboardInterrupt
            before(number, frame)
        received = received or number

    with signals.taken(receive):
        try:
            yield lambda: received
        finally:
            if received:
                signals.answered(received)


class TimeBudget:
    """A time limit in seconds from now; None for no limit."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def used_up(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and time.monotonic() >= self._end
