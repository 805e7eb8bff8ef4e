"""One connection to the server, watched: who it is from, how much it sends, how long it is idle.

aiohttp limits the lines of a request and the size of its body. It does not limit how many
connections there are, nor how long a client may take for the head of a request; this does.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from rnnviz.classroom.limits import AddressLimits, LimitedSources

#: Bytes that a connection may send for one request, its head included.
MOST_BYTES = 16384
#: Seconds without a request, or for the head and the body of one.
MOST_IDLE = 20.0
#: Connections that are taken before the other ones are served.
AT_ONCE = 32
#: The option of a socket that is closed without waiting for anything: on, zero seconds.
_AT_ONCE = struct.pack("ii", 1, 0)


class WatchedConnection(asyncio.Protocol):
    """Passes everything on to the protocol of aiohttp, within the limits."""

    def __init__(
        self, inner: Any, address: str, limits: AddressLimits, known: WatchedConnections
    ) -> None:
        self.inner, self.address, self._limits, self._known = inner, address, limits, known
        self.since = time.monotonic()  # of the connection, or of the end of its last request
        self.answering = False  # a handler is at work
        self._bytes = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._known.add(transport, self)
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass data on, up to the most that a request may have."""
        if self._transport is None:
            return
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            self._limits.too_large(self.address)
            self.abort()
        elif self._limits.is_paused(self.address):
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
    """Takes the connections of a server, and knows all of them by their transport.

    asyncio makes a transport and a protocol before it can be asked whether a connection is wanted;
    under a flood that alone would fill a processor. Here a refused one costs two system calls.
    """

    def __init__(
        self, make_inner: Callable[[], Any], limits: AddressLimits, sources: LimitedSources
    ) -> None:
        self._make_inner, self._limits, self._sources = make_inner, limits, sources
        self._by_transport: dict[asyncio.BaseTransport, WatchedConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, listening: socket.socket) -> None:
        """Take connections from a listening socket, which does not block."""
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def close(self, listening: socket.socket) -> None:
        """Take no more of them, and end those that there are."""
        asyncio.get_running_loop().remove_reader(listening)
        listening.close()
        for connection in tuple(self._by_transport.values()):
            connection.abort()

    def _accept(self, listening: socket.socket) -> None:
        """Take what waits; at most so many that nobody else has to wait for long."""
        for _ in range(AT_ONCE):
            try:
                taken, peer = listening.accept()
            except OSError:  # none waits, or there are too many open files
                return
            address = self._sources.of(str(peer[0]))
            if not self._limits.connect(address):
                # Without a farewell, so that the system keeps nothing of it either.
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                taken.close()
                continue
            task = asyncio.create_task(self._begin(taken, address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _begin(self, taken: socket.socket, address: str) -> None:
        connection = WatchedConnection(self._make_inner(), address, self._limits, self)
        taken.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, taken)
        except OSError:  # it has ended meanwhile
            taken.close()
            self._limits.disconnect(address)

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
