"""The side of a screen: it sends its events to whoever is connected, and takes events from them.

Everything runs in the event loop of the screen and waits for nobody: a client that reads too
slowly, sends too much or sends what is not an event is disconnected.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rnnviz.events import sessions
from rnnviz.events.kinds import Event
from rnnviz.events.records import LONGEST_LINE, EventError, line_of, parse_line
from rnnviz.messages import _

#: Clients at a time, bytes that may wait for one of them, and events a second from one of them.
MOST_CLIENTS, MOST_WAITING, MOST_EVENTS = 16, 1 << 20, 100


class EventServer:
    """Listens on the socket of one screen.

    ``snapshot`` gives the events that lead an empty screen to what is on now, for a session of
    this name; ``receive`` gets each event that a client sends.
    """

    def __init__(
        self,
        snapshot: Callable[[str], Sequence[Event]],
        receive: Callable[[Event], None],
        state: Path | None = None,
    ) -> None:
        self.snapshot, self.receive, self.state = snapshot, receive, state
        self.session: sessions.SessionSocket | None = None
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._began = time.monotonic()

    @property
    def is_watched(self) -> bool:
        """Whether a client is connected."""
        return bool(self._clients)

    async def start(self) -> None:
        """Listen; OSError if no folder takes a socket."""
        listening, self.session = sessions.listen(self.state)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listening, limit=LONGEST_LINE
        )

    def close(self) -> None:
        """Disconnect all clients and remove the socket."""
        for writer in tuple(self._clients):
            writer.transport.abort()
        if self._server is not None:
            self._server.close()
        if self.session is not None:
            with suppress(OSError):
                self.session.path.unlink()
        self._server = self.session = None

    def send(self, event: Event) -> None:
        """Send an event to every client."""
        if self._clients:
            line = line_of(event, time.monotonic() - self._began)
            for writer in tuple(self._clients):
                self._write(writer, line)

    def _write(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        transport = writer.transport
        if transport.get_write_buffer_size() + len(line) > MOST_WAITING:
            transport.abort()
        elif not transport.is_closing():
            writer.write(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MOST_CLIENTS or self.session is None:
            writer.transport.abort()
            return
        try:
            timestamp = time.monotonic() - self._began
            for event in self.snapshot(self.session.session):
                self._write(writer, line_of(event, timestamp))
            self._clients.add(writer)
            await self._read(reader)
        except (EventError, OSError, ValueError, asyncio.IncompleteReadError):
            pass  # disconnected below
        finally:
            self._clients.discard(writer)
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Receive events until the client ends; EventError or ValueError for what is none."""
        second, count = 0, 0
        while line := await reader.readline():
            count = count + 1 if int(time.monotonic()) == second else 1
            second = int(time.monotonic())
            if count > MOST_EVENTS:
                raise EventError(_("This client sends too many events."))
            parsed = parse_line(line)
            if parsed is not None:
                self.receive(parsed[1])
