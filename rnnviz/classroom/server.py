"""The server of the phones' page, made of aiohttp.

What a phone sends is a form of at most two kilobytes, and of that a token, a question, a number and
a reason. None of it is a path, a command or markup: numbers are parsed, the token is checked, and
every text is escaped where it is written.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from importlib import resources
from typing import IO
from urllib.parse import urlsplit

from aiohttp import web

from rnnviz import i18n
from rnnviz.classroom.connection import WatchedConnections
from rnnviz.classroom.file_folder import FileFolder
from rnnviz.classroom.limits import AddressLimits, LimitedSources
from rnnviz.classroom.phone_page import PhoneView, page
from rnnviz.classroom.tokens import TokenIssuer
from rnnviz.classroom.votes import VoteBox
from rnnviz.files import open_regular
from rnnviz.lessons.predictions import read_number

#: Bytes of a body; seconds for it to arrive, and between two signs of life of a stream of events.
LARGEST_BODY, BODY_SECONDS, HEARTBEAT = 2048, 5.0, 15.0
#: Bytes of a file that are read and sent at once, and seconds for them: of 3 kB a second on.
BLOCK, BLOCK_SECONDS = 1 << 16, 20.0
COOKIE = "rnnviz-class"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": a form would then come from the origin "null", as one from elsewhere does.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "rnnviz",
}
_FILES: Mapping[str, str] = {"phone.js": "text/javascript", "phone.css": "text/css"}


class PhoneServer:
    """Serves one vote box; ``answered`` is called after every answer that counts."""

    def __init__(
        self, box: VoteBox, issuer: TokenIssuer, answered: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic, app: FileFolder | None = None,
        shared: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.box, self.issuer, self.answered, self.clock = box, issuer, answered, clock
        self.limits = AddressLimits(issuer.per_address)
        self.sources = LimitedSources(shared)
        self._cookie = COOKIE
        self.app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._guard])
        self.app.router.add_get("/", self._page)
        self.app.router.add_post("/", self._answer)
        self.app.router.add_get("/events", self._events)
        files = resources.files("rnnviz.classroom")
        self._files = {name: files.joinpath(name).read_bytes() for name in _FILES}
        for name in _FILES:
            self.app.router.add_get(f"/{name}", self._file)
        self._app_files, self._turn = app, asyncio.Lock()
        if app is not None:
            self.app.router.add_get("/app/{name:.*}", self._app_file)
        self.app.on_response_prepare.append(_with_headers)
        self._streams: dict[str, asyncio.Event] = {}  # by voter
        self._runner = web.AppRunner(
            self.app,
            access_log=None,
            keepalive_timeout=20,
            lingering_time=0.0,
            shutdown_timeout=1.0,
        )
        self._connections: WatchedConnections | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listening: tuple[socket.socket, ...] = ()

    async def start(self, *listening: socket.socket) -> None:
        """Serve on sockets that are bound."""
        await self._runner.setup()
        assert self._runner.server is not None
        self._connections = WatchedConnections(self._runner.server, self.limits, self.sources)
        for each in listening:
            self._connections.listen(each)
            # Browsers do not tell ports apart: two classes of one machine need two names.
            self._cookie = f"{COOKIE}-{each.getsockname()[1]}"
        self._listening = listening
        self._tasks.append(asyncio.create_task(self._connections.end_idle()))

    async def close(self) -> None:
        """End all connections."""
        streams = list(self._streams.values())
        self._streams.clear()
        for stream in streams:
            stream.set()
        for each in self._listening:
            if self._connections is not None:
                self._connections.close(each)
        for task in self._tasks:
            task.cancel()
        await self._runner.cleanup()

    def changed(self) -> None:
        """Tell every phone that there is something else to show."""
        for each in self._streams.values():
            each.set()

    @property
    def devices(self) -> int:
        """The phones that are connected now."""
        return len(self._streams)

    # -- what all requests go through -----------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        known = self._connections
        connection = None if known is None else known.of(request.transport)
        if connection is not None:
            connection.begin()
        try:
            if not self.limits.request(self._source(request)):
                return _refusal(429)
            if not _is_own_name(request.headers.get("Host", "")):
                return _refusal(421)
            if request.content_length is not None and request.content_length > LARGEST_BODY:
                return _refusal(413)
            if request.method not in ("GET", "HEAD", "POST"):
                return _refusal(405)
            try:
                return await handler(request)
            except web.HTTPException as error:
                return _refusal(error.status)
        finally:
            if connection is not None:
                connection.end()

    # -- pages ------------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """The page; a phone without a token gets one, as long as there are some."""
        token, issued = self._token(request), None
        if not token:
            issued = self.issuer.issue(self._source(request))
            token = issued or ""
        voter = self.issuer.voter(token) if token else None
        answer = None if voter is None else self.box.answer_of(voter)
        view = PhoneView(_language(request), token, answer, self._app_files is not None)
        response = web.Response(text=page(self.box, view), content_type="text/html")
        if issued is not None:
            response.set_cookie(self._cookie, issued, httponly=True, samesite="Lax", path="/")
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Take an answer, then show the page: also where it could not be counted."""
        if not _is_same_site(request) or request.content_type != (
            "application/x-www-form-urlencoded"
        ):
            return _refusal(403)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                form = await request.post()
        except (TimeoutError, ValueError):
            return _refusal(408)
        token = self._token(request) or str(form.get("token", ""))
        voter = self.issuer.voter(token)
        language = _language(request)
        if voter is None:  # perhaps of a class before this one: the page asks anew
            response = _see_page(language)
            response.force_close()
            return response
        vote, typed = str(form.get("vote", "")), form.get("answer")
        value = None if typed is None else read_number(str(typed)[:40], language)
        if (typed is not None and value is None) or vote not in ("1", "2"):
            return _refusal(400)
        question, why = str(form.get("question", "")), str(form.get("why", ""))
        outcome = self.box.answer(voter, question, int(vote), value, why, self.clock())
        if outcome == "invalid":
            return _refusal(400)
        if outcome in ("counted", "replaced"):
            self.answered()
        return _see_page(language)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the version of what there is to show, whenever it changes."""
        voter = self.issuer.voter(self._token(request))
        if voter is None:
            return _refusal(403)
        if voter in self._streams:  # an earlier page of the same phone
            self._streams.pop(voter).set()
        changed = self._streams[voter] = asyncio.Event()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            while self._streams.get(voter) is changed:
                changed.clear()
                async with asyncio.timeout(BODY_SECONDS):
                    await response.write(f"data: {self.box.version}\n\n".encode())
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT):
                        await changed.wait()
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            if self._streams.get(voter) is changed:
                del self._streams[voter]
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.path.strip("/")
        return web.Response(body=self._files[name], content_type=_FILES[name])

    async def _app_file(self, request: web.Request) -> web.StreamResponse:
        """A file of the app in the browser, in blocks, as fast as the phone takes them."""
        assert self._app_files is not None
        asked = {name.lower(): value for name, value in request.headers.items()}
        found = self._app_files.answer(request.raw_path.removeprefix("/app"), asked)
        response = web.StreamResponse(status=found.status, headers=found.headers)
        await response.prepare(request)
        if found.file is not None and request.method == "GET":
            try:
                with open_regular(found.file) as file:
                    while block := await self._next_block(file):
                        async with asyncio.timeout(BLOCK_SECONDS):
                            await response.write(block)
            except (ConnectionError, TimeoutError):
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def _next_block(self, file: IO[bytes]) -> bytes:
        """The next bytes of a file; one at a time, so that no answer waits for those of all."""
        async with self._turn:
            await asyncio.sleep(0)
            return file.read(BLOCK)

    def _source(self, request: web.Request) -> str:
        """What the address of a request counts as for the limits."""
        return self.sources.of(request.remote or "")

    def _token(self, request: web.Request) -> str:
        """The token of the cookie; "" without one that was issued here."""
        token = request.cookies.get(self._cookie, "")
        return token if token and self.issuer.voter(token) is not None else ""


def _refusal(status: int) -> web.Response:
    response = web.Response(status=status, text=f"{status}\n")
    response.force_close()
    return response


def _see_page(language: str) -> web.Response:
    """Leads to the page, which says what is asked now and what was answered."""
    return web.Response(
        status=303, headers={"Location": f"/?lang={language}"}, content_type="text/plain"
    )


async def _with_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = _HEADERS["Server"]


def _language(request: web.Request) -> str:
    """The language of the link, else the first one that the browser asks for and there is."""
    chosen = request.query.get("lang", "")
    if chosen in i18n.LANGUAGES:
        return chosen
    for each in request.headers.get("Accept-Language", "")[:200].split(","):
        name = each.split(";")[0].strip().lower().split("-")[0]
        if name in i18n.LANGUAGES:
            return name
    return i18n.LANGUAGES[0]


def _is_own_name(host: str) -> bool:
    """Whether a Host header names this machine: an address, or the name that it has itself.

    A page elsewhere whose name was made to lead here (DNS rebinding) has another one.
    """
    name = _host_name(host)
    if name is None:
        return False
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    own = socket.gethostname().lower()
    return name in {"localhost", own, own.partition(".")[0], own.partition(".")[0] + ".local"}


def _host_name(host: str) -> str | None:
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname
    return None


def _is_same_site(request: web.Request) -> bool:
    """Whether a form comes from a page of this server, as far as the browser says."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address; OSError if it cannot be. Port 0: any free one."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(512)
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    return found
