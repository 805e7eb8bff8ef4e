"""Ending an app on a signal: regularly if it can, otherwise by ending the process."""

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

#: Seconds an app may take to end regularly.
GRACE = 5.0


class SignalledApp(Protocol):
    """An app that can be ended by signals."""

    loop: asyncio.AbstractEventLoop | None  # None until it runs
    unhurried_signals: tuple[int, ...]  # signals without a time limit

    def end_by_signal(self, number: int) -> None:
        """Handle a signal; called in the event loop."""

    def restore_terminal(self) -> None:
        """Restore the terminal; called from another thread while the event loop may be blocked."""


@contextmanager
def end_on_signals(app: SignalledApp) -> Iterator[None]:
    """While in this context, signals end the app; a blocked one ends with its process."""
    # SimpleQueue.put is reentrant: another signal may arrive while it runs.
    received: SimpleQueue[int] = SimpleQueue()
    last, finished = 0, False

    def receive(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if app.loop is None:  # the screen has not started
            signals.raise_for(number)
        assert app.loop is not None
        last = number
        if number not in app.unhurried_signals:
            received.put(number)
        if not app.loop.is_closed():
            app.loop.call_soon_threadsafe(app.end_by_signal, number)

    def end_process_after_grace() -> None:
        number = received.get()
        time.sleep(GRACE)
        if not finished:
            app.restore_terminal()
            os._exit(128 + number)

    threading.Thread(target=end_process_after_grace, daemon=True, name="rnnviz-termination").start()
    with signals.taken(receive):
        try:
            yield
        finally:
            finished = True
            if last:
                signals.answered(last)
