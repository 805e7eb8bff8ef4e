"""Ways to end a training early without losing it: ctrl+c, other signals, a limit of time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rnnviz import signals


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], int]]:
    """A function that says which signal to end has come since; 0 when none has.

    A second SIGINT raises KeyboardInterrupt at once. A signal that is ignored stays ignored, and
    only the main thread can look for them. The handlers before are put back.
    """
    asked = 0
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            if not callable(before):
                raise KeyboardInterrupt
            before(number, frame)
        asked = asked or number

    with signals.taken(note):
        try:
            yield lambda: asked
        finally:
            if asked:
                signals.answered(asked)


class Budget:
    """A span of time, in seconds; None never ends."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def over(self) -> bool:
        """Whether it is used up."""
        return self._end is not None and time.monotonic() >= self._end
