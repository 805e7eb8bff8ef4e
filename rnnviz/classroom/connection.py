"""One connection to the server, watched: who it is from, how much it sends, how long it is idle.

aiohttp limits the lines of a request and the size of its body. It does not limit how many
connections there are, nor how long a client may take for the head of a request; this does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from rnnviz.classroom.limits import AddressLimits

#: Bytes that a connection may send for one request, its head included.
MOST_BYTES = 16384
#: Seconds without a request, or for the head and the body of one.
MOST_IDLE = 20.0


class WatchedConnection(asyncio.Protocol):
    """Passes everything on to the protocol of aiohttp, within the limits."""

    def __init__(self, inner: Any, limits: AddressLimits, known: WatchedConnections) -> None:
        self.inner, self._limits, self._known = inner, limits, known
        self.address = ""
        self.since = time.monotonic()  # of the connection, or of the end of its last request
        self.answering = False  # a handler is at work
        self._bytes = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or end it at once."""
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._limits.connect(self.address):
            transport.abort()
            return
        self._transport = transport
        self._known.add(transport, self)
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass data on, up to the most that a request may have."""
        if self._transport is None:
            return
        self._bytes += len(data)
        if self._bytes > MOST_BYTES or self._limits.is_paused(self.address):
            self._limits.refused += 1
            self.abort()
        elif not self._transport.is_closing():
            self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client sends nothing more."""
        return self.inner.eof_received() if self._transport is not None else None

    def pause_writing(self) -> None:
        """The client reads too slowly: the handler waits."""
        if self._transport is not None:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has read on."""
        if self._transport is not None:
            self.inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        if self._transport is None:
            return
        self._known.remove(self._transport)
        self._limits.disconnect(self.address)
        self._transport = None
        self.inner.connection_lost(error)

    def begin(self) -> None:
        """A request has been read."""
        self.answering = True

    def end(self) -> None:
        """It has been answered; the next one may come."""
        self.answering, self._bytes, self.since = False, 0, time.monotonic()

    def abort(self) -> None:
        """End the connection without another word."""
        if self._transport is not None:
            self._transport.abort()


class WatchedConnections:
    """All connections of a server, by transport."""

    def __init__(self, make_inner: Callable[[], Any], limits: AddressLimits) -> None:
        self._make_inner, self._limits = make_inner, limits
        self._by_transport: dict[asyncio.BaseTransport, WatchedConnection] = {}

    def __call__(self) -> WatchedConnection:
        """The protocol of a new connection."""
        return WatchedConnection(self._make_inner(), self._limits, self)

    def add(self, transport: asyncio.BaseTransport, connection: WatchedConnection) -> None:
        """A connection was taken."""
        self._by_transport[transport] = connection

    def remove(self, transport: asyncio.BaseTransport) -> None:
        """A connection has ended."""
        self._by_transport.pop(transport, None)

    def of(self, transport: asyncio.BaseTransport | None) -> WatchedConnection | None:
        """The connection of a transport."""
        return None if transport is None else self._by_transport.get(transport)

    async def end_idle(self, most_idle: float = MOST_IDLE) -> None:
        """End connections that have been without a request for too long, until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, most_idle / 4))
            limit = time.monotonic() - most_idle
            for connection in tuple(self._by_transport.values()):
                if not connection.answering and connection.since < limit:
                    connection.abort()
