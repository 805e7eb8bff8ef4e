"""The process of the server: it listens, and sends the lecturer's process what was answered.

What comes through the pipe are lines of ``rnnviz.events``: a question, its end, what is right. It
ends with the pipe.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from rnnviz.classroom.file_folder import FileFolder
from rnnviz.classroom.votes import VoteBox
from rnnviz.errors import system_reason
from rnnviz.events import (
    BallotEvent,
    CloseVoteEvent,
    Event,
    RevealEvent,
    TallyEvent,
    line_of,
    parse_line,
)
from rnnviz.lessons.results import ResultsFile
from rnnviz.messages import set_language

#: What the process is sent last.
END = b""
#: Least seconds between two events that say how many have answered.
MIN_INTERVAL = 0.25


@dataclass(frozen=True)
class ClassSettings:
    """What the process is started with; ``key`` makes the tokens, and is kept over a new start.

    ``port`` 0: any free one. ``results``: the file that answers are appended to. ``app``: the files
    of the app in the browser. ``shared``: addresses of IPv6 whose network all phones have.
    """

    host: str
    port: int
    per_address: int
    key: bytes
    sitting: str
    results: Path | None = None
    app: FileFolder | None = None
    shared: tuple[str, ...] = ()


def worker_main(pipe: Connection, settings: ClassSettings, lang: str) -> None:
    """Serve until the pipe closes; the first thing sent is the port, or why there is none."""
    set_language(lang)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the terminal belongs to the screen
        os.dup2(null, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(_serve(pipe, settings))
    except OSError as error:
        with suppress(OSError):
            pipe.send(system_reason(error))


async def _serve(pipe: Connection, settings: ClassSettings) -> None:
    from rnnviz.classroom.server import PhoneServer, bound
    from rnnviz.classroom.tokens import TokenIssuer

    listening = bound(settings.host, settings.port)
    results = None if settings.results is None else ResultsFile(settings.results)
    class_ = ClassWorker(pipe, results, settings.sitting)
    issuer = TokenIssuer(settings.key, settings.per_address)
    server = class_.server = PhoneServer(
        class_.box, issuer, class_.has_changed, app=settings.app, shared=settings.shared
    )
    await server.start(listening)
    pipe.send(listening.getsockname()[1])
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()
    threading.Thread(
        target=_receive, args=(pipe, asyncio.get_running_loop(), lines), daemon=True
    ).start()
    counting = asyncio.create_task(class_.count())
    try:
        while (line := await lines.get()) is not None:
            parsed = parse_line(line)
            if parsed is not None:
                await class_.receive(parsed[1])
    finally:
        counting.cancel()
        await server.close()


def _receive(
    pipe: Connection, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None]
) -> None:
    """Wait for lines in a thread; None once the pipe is closed."""
    line: bytes | None = b""
    while line is not None:
        try:
            line = pipe.recv_bytes() or None
        except (EOFError, OSError):
            line = None
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(lines.put_nowait, line)


class ClassWorker:
    """The votes of one class in the process of the server."""

    def __init__(self, pipe: Connection, results: ResultsFile | None, sitting: str) -> None:
        from rnnviz.classroom.server import PhoneServer

        # A phone that waits for another version sees this one also after a new start.
        self.box = VoteBox(secrets.randbits(32))
        self.server: PhoneServer | None = None
        self._pipe, self._results, self._sitting = pipe, results, sitting
        self._began = time.monotonic()
        self._changed = asyncio.Event()

    async def receive(self, event: Event) -> None:
        """Do what the lecturer's screen says."""
        match event:
            case BallotEvent():
                self.box.open(event, time.monotonic())
            case CloseVoteEvent():
                await self._close(event)
            case RevealEvent(question=question):
                self.box.reveal(question)
            case _:
                return
        assert self.server is not None
        self.server.changed()
        self._changed.set()

    async def _close(self, event: CloseVoteEvent) -> None:
        """Write the answers to the disk, and only then say what they are."""
        tally = self.box.close(event)
        if tally is None or not event.counts:
            return
        failed = ""
        if self._results is not None:
            records = self.box.records(self._sitting)
            try:
                await asyncio.to_thread(self._results.append_all, records)
            except OSError as error:
                failed = system_reason(error)
        self._send(replace(tally, devices=self._devices, failed=failed))

    @property
    def _devices(self) -> int:
        return 0 if self.server is None else self.server.devices

    def has_changed(self) -> None:
        """An answer came."""
        self._changed.set()

    async def count(self) -> None:
        """Send how many have answered and how many phones there are, until cancelled."""
        sent: TallyEvent | None = None
        while True:
            with suppress(TimeoutError):  # phones come and go without an answer
                async with asyncio.timeout(1):
                    await self._changed.wait()
            self._changed.clear()
            ballot = self.box.ballot
            if ballot is None or not self.box.is_open:
                tally = TallyEvent("", is_open=False, devices=self._devices)
            else:
                tally = replace(self.box.tally(ballot), devices=self._devices)
            if tally != sent:
                self._send(tally)
                sent = tally
            await asyncio.sleep(MIN_INTERVAL)

    def _send(self, event: Event) -> None:
        with suppress(OSError):  # the lecturer's process has ended: see _receive
            self._pipe.send_bytes(line_of(event, time.monotonic() - self._began))
