"""Ways to end a training early without losing it: ctrl+c, SIGTERM, a limit of time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """A function that says whether SIGINT or SIGTERM has come since.

    A second SIGINT raises KeyboardInterrupt at once. A signal that is ignored stays ignored, and
    only the main thread can look for them. The handlers before are put back.
    """
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    signals = [signal.SIGINT, signal.SIGTERM]
    if threading.current_thread() is not threading.main_thread():
        signals = []
    before = {s: signal.getsignal(s) for s in signals}
    taken = {s: h for s, h in before.items() if h not in (signal.SIG_IGN, None)}
    try:
        for s in taken:
            signal.signal(s, note)
        yield lambda: asked
    finally:
        for s, handler in taken.items():
            signal.signal(s, handler)


class Budget:
    """A span of time, in seconds; None never ends."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def over(self) -> bool:
        """Whether it is used up."""
        return self._end is not None and time.monotonic() >= self._end
