"""How an app on a terminal ends when a signal asks it to: in order if it can, else all the same."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Protocol

from rnnviz import signals

#: Seconds an app may take to end in order.
GRACE = 5.0


class Ends(Protocol):
    """What such an app has."""

    loop: asyncio.AbstractEventLoop | None  # once it runs
    patient: tuple[int, ...]  # signals that it may take any time to answer

    def end_by(self, number: int) -> None:
        """Answer a signal; called in the loop."""

    def give_back(self) -> None:
        """The terminal as it was; called from another thread, while the loop may be stuck."""


@contextmanager
def ended_by_signals(app: Ends) -> Iterator[None]:
    """While it runs, signals end the app; one that is stuck ends with its process."""
    # Its put() may be interrupted by a signal that calls it again.
    came: SimpleQueue[int] = SimpleQueue()
    last, over = 0, False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if app.loop is None:  # nothing is on the screen yet
            signals.raise_for(number)
        assert app.loop is not None
        last = number
        if number not in app.patient:
            came.put(number)
        if not app.loop.is_closed():
            app.loop.call_soon_threadsafe(app.end_by, number)

    def watch() -> None:
        number = came.get()
        time.sleep(GRACE)
        if not over:
            app.give_back()
            os._exit(128 + number)

    threading.Thread(target=watch, daemon=True, name="rnnviz-ending").start()
    with signals.taken(note):
        try:
            yield
        finally:
            over = True
            if last:
                signals.answered(last)
