"""The other side: find the screen of a lesson on this machine, follow it, and steer it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from rnnviz.events import sessions
from rnnviz.events.kinds import Event, SessionEvent
from rnnviz.events.records import LONGEST_LINE, EventError, line_of, parse_line

#: Seconds in which a screen has to answer; one that was stopped with ctrl+z does not.
PATIENCE = 1.0


class EventClient:
    """A connection to one screen."""

    def __init__(
        self, session: SessionEvent, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.session = session
        self._reader, self._writer = reader, writer
        self._began = time.monotonic()

    async def events(self) -> AsyncIterator[tuple[float, Event]]:
        """The events of the screen with their timestamps, until it ends.

        Raises EventError for a line that is not an event, and OSError for a broken connection.
        """
        while line := await _line(self._reader):
            parsed = parse_line(line)
            if parsed is not None:
                yield parsed

    def send(self, event: Event) -> None:
        """Send an event; without effect once the screen has ended."""
        if not self._writer.transport.is_closing():
            self._writer.write(line_of(event, time.monotonic() - self._began))

    def close(self) -> None:
        """Disconnect."""
        self._writer.transport.abort()


async def connect(
    lesson: str | None = None, session: str | None = None, state: Path | None = None
) -> EventClient | None:
    """Connect to the newest screen of a lesson, or of whatever is on; None if there is none.

    ``session`` chooses one by its name instead. Raises UsageError if others are on, but not that
    one.
    """
    known = []
    for each in sessions.found(state):
        client = await _connect(each)
        if client is None:
            continue
        name = client.session.session
        if name == session or (session is None and lesson in (None, client.session.lesson)):
            return client
        known.append(name)
        client.close()
    if session is not None and known:
        raise sessions.no_such_session(session, known)
    return None


async def _connect(each: sessions.SessionSocket) -> EventClient | None:
    """A connection to this socket, greeted; None if no screen answers there."""
    try:
        opened = asyncio.open_unix_connection(str(each.path), limit=LONGEST_LINE)
        reader, writer = await asyncio.wait_for(opened, PATIENCE)
    except ConnectionRefusedError:
        sessions.remove_if_stale(each)
        return None
    except OSError:
        return None
    try:
        parsed = parse_line(await asyncio.wait_for(_line(reader), PATIENCE))
    except (EventError, OSError):
        parsed = None
    if parsed is None or not isinstance(parsed[1], SessionEvent):
        writer.transport.abort()
        return None
    return EventClient(parsed[1], reader, writer)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError as error:  # longer than the limit
        raise EventError(str(error)) from error
