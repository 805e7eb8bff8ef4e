"""A server of static files for this machine, or for a class when it is told so.

It reads and never writes. What a client may take is bounded: the bytes of a request's head, the
seconds for it and for an answer, and the number of connections.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Final

from rnnviz.files import open_regular
from rnnviz.web.files import FileAnswer, StaticFolder, allowed_host, refused

LOOPBACK: Final = "127.0.0.1"
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
#: The most connections at a time; further ones wait for a place, and then in the system's queue.
MAX_CONNECTIONS: Final = 256
#: The most bytes of a request's head.
MAX_HEAD: Final = 16_384
#: Seconds for the next request on a connection, for its head, and without progress of an answer.
IDLE_SECONDS: Final = 5.0
HEAD_SECONDS: Final = 10.0
STALL_SECONDS: Final = 15.0
#: Seconds after which a folder is looked through again when something is asked for.
LOOK_SECONDS: Final = 1.0
#: Bytes a second below which an answer is given up, after STALL_SECONDS.
SLOWEST: Final = 4_000
_BLOCK: Final = 1 << 18


class FileServer(ThreadingHTTPServer):
    """Serves a folder on an address; ``port`` 0 is any free one.

    ``names`` are the host names and addresses under which it may be asked, apart from those of
    loopback.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self, folder: Path, address: str = LOOPBACK, port: int = 0, names: Iterable[str] = ()
    ) -> None:
        self.folder = StaticFolder(folder)
        self._looked, self._looking = time.monotonic(), threading.Lock()
        self.names = frozenset(name.lower() for name in (*LOOPBACK_NAMES, *names))
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), _Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def answer(self, target: str, headers: Mapping[str, str]) -> FileAnswer:
        """The answer of the folder; what was written into it a moment ago is served, too."""
        if time.monotonic() - self._looked > LOOK_SECONDS and self._looking.acquire(blocking=False):
            try:
                self.folder.look_through()
                self._looked = time.monotonic()
            finally:
                self._looking.release()
        return self.folder.answer(target, headers)

    def server_bind(self) -> None:
        """Bind; unlike the base class without a look-up of this machine's name, which may wait."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, as soon as there is a place."""
        if not self._places.acquire(timeout=STALL_SECONDS):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no further thread can be started
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer the requests of a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or an error of its connection: nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: FileServer

    def setup(self) -> None:
        """Read the heads of requests within limits."""
        super().setup()
        self.rfile.close()
        self._head = _HeadReader(self.connection)
        self.rfile = self._head  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        """Answer one request; anything wrong with it ends the connection."""
        self._head.begin()
        try:
            super().handle_one_request()
        except (OSError, _TooSlow):
            self.close_connection = True

    def do_GET(self) -> None:
        """Send a file."""
        self._answer(content=True)

    def do_HEAD(self) -> None:
        """Send the headers of a file."""
        self._answer(content=False)

    def _answer(self, *, content: bool) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # what follows is not read
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not allowed_host(hosts[0].strip(), self.server.names):
            self._send(refused(HTTPStatus.MISDIRECTED_REQUEST), content=False)
            return
        asked = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.answer(self.path, asked), content=content)

    def _send(self, answer: FileAnswer, *, content: bool) -> None:
        self.connection.settimeout(STALL_SECONDS)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if content and answer.file is not None:
            self._send_file(answer.file, int(answer.headers["Content-Length"]))

    def _send_file(self, path: Path, size: int) -> None:
        began, sent = time.monotonic(), 0
        with open_regular(path) as file:
            while sent < size:
                count = self.connection.sendfile(file, sent, min(_BLOCK, size - sent))
                sent += count
                seconds = time.monotonic() - began
                if not count or (seconds > STALL_SECONDS and sent / seconds < SLOWEST):
                    self.close_connection = True
                    return

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request that is no HTTP, or a method, without a page that repeats it."""
        self.close_connection = True
        self._send(refused(code), content=False)

    def version_string(self) -> str:
        """The Server header, without the version of Python."""
        return "rnnviz"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: who asked for what is nobody's business."""


class _TooSlow(Exception):
    """The head of a request took too long or was too long."""


class _HeadReader(io.RawIOBase):
    """The lines of the heads of requests, MAX_HEAD bytes and HEAD_SECONDS each."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._buffer = connection, b""
        self.begin()

    def begin(self) -> None:
        """The next request begins: it may come within IDLE_SECONDS."""
        self._left, self._deadline = MAX_HEAD, 0.0

    def readline(self, limit: int | None = -1, /) -> bytes:
        """The next line with its end; b"" if the client has closed the connection."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > self._left:
                raise _TooSlow
            self._connection.settimeout(self._seconds())
            data = self._connection.recv(4096)
            if not data:
                return b""
            if not self._deadline:
                self._deadline = time.monotonic() + HEAD_SECONDS
            self._buffer += data
        line, end, self._buffer = self._buffer.partition(b"\n")
        self._left -= len(line) + 1
        if self._left < 0:
            raise _TooSlow
        return line + end

    def _seconds(self) -> float:
        if not self._deadline:
            return IDLE_SECONDS
        if (left := self._deadline - time.monotonic()) <= 0:
            raise _TooSlow
        return left
