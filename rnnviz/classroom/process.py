"""The lecturer's side of the server: it starts the process, and starts it anew if it has died."""

from __future__ import annotations

import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from rnnviz import signals
from rnnviz.classroom.worker import END, ClassSettings, worker_main
from rnnviz.errors import RnnvizError
from rnnviz.events import BallotEvent, CloseVoteEvent, Event, line_of, parse_line
from rnnviz.messages import _, language

#: Seconds the process may take to listen; how often it is started anew.
PATIENCE, MOST_STARTS = 20.0, 5


class ClassProcess:
    """The process that serves the phones; leaving its ``with`` block ends it.

    Sending waits for nothing: a thread writes to the pipe, and another one reads from it and calls
    ``received``, which is to pass the event on to the screen. ``died`` counts the processes that
    have ended before their time.
    """

    def __init__(self, settings: ClassSettings) -> None:
        self.settings = settings
        self.received: Callable[[Event], None] = lambda event: None
        self.died = 0
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._open: BallotEvent | None = None  # asked again of a new process
        self._closing = threading.Event()
        self._began = time.monotonic()
        self._process: Any = None
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._write, self._read)
        ]
        self._pipe: Connection | None = None

    def start(self) -> ClassProcess:
        """Start the process; RnnvizError if it cannot listen."""
        port = self._start()
        self.settings = replace(self.settings, port=port)
        for thread in self._threads:
            thread.start()
        return self

    def __enter__(self) -> ClassProcess:
        return self if self._process is not None else self.start()

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._lines.put(None)
        self._process.join(3)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        for thread in self._threads:  # the pipe has ended
            thread.join(3)
        if self._pipe is not None:
            self._pipe.close()

    @property
    def pid(self) -> int | None:
        """The id of the process."""
        pid: int | None = self._process.pid
        return pid

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self.settings.port

    def _start(self) -> int:
        """Start the process and wait until it listens; the port, or RnnvizError."""
        # fork would copy the screen's threads and its terminal.
        context = multiprocessing.get_context("spawn")
        own, other = context.Pipe()
        with signals.deferred():  # a half-started process would write to the terminal
            resource_tracker.ensure_running()  # started below, it would unblock SIGINT
            with signals.sigint_blocked():  # ctrl+c is for this process
                process = context.Process(
                    target=worker_main, args=(other, self.settings, language()), daemon=True
                )
                process.start()
        other.close()  # kept open here, the pipe would not close when the process dies
        reply: object = ""
        with suppress(EOFError, OSError):
            if own.poll(PATIENCE):
                reply = own.recv()
        if not isinstance(reply, int):
            own.close()
            process.kill()
            process.join()
            host = self.settings.host
            where = f"{f'[{host}]' if ':' in host else host}:{self.settings.port}"
            raise RnnvizError(
                _("Cannot listen on {where}: {reason}. Choose another one: --host, --port").format(
                    where=where, reason=reply or _("the server did not start")
                )
            )
        self._process, self._pipe = process, own
        return reply

    def send(self, event: Event) -> None:
        """Send an event; at once, without waiting."""
        if isinstance(event, BallotEvent):
            self._open = event
        elif isinstance(event, CloseVoteEvent):
            self._open = None
        self._lines.put(line_of(event, time.monotonic() - self._began))

    def _write(self) -> None:
        line: bytes | None = b""
        while line is not None:
            line = self._lines.get()
            with suppress(OSError):  # it has died: see _read
                if self._pipe is not None:
                    self._pipe.send_bytes(line or END)

    def _read(self) -> None:
        while not self._closing.is_set():
            assert self._pipe is not None
            try:
                parsed = parse_line(self._pipe.recv_bytes())
            except (EOFError, OSError):
                if not self._closing.is_set() and not self._start_anew():
                    return
                continue
            except RnnvizError:
                continue
            if parsed is not None:
                self.received(parsed[1])

    def _start_anew(self) -> bool:
        """Start the process once more on the same port; ask what was asked. Whether it could."""
        self.died += 1
        if self.died > MOST_STARTS:
            return False
        try:
            self._start()
        except RnnvizError:
            return False
        if self._open is not None:
            self.send(self._open)
        return True
