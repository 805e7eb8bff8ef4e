"""A server of a class on loopback, and phones that ask it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from rnnviz.classroom.server import PhoneServer, bound
from rnnviz.classroom.tokens import TokenIssuer
from rnnviz.classroom.votes import VoteBox


def reading_bodies() -> aiohttp.TraceConfig:
    """Of a session: read each answer to its end, so that no connection is left to the collector."""

    async def read(
        _session: object, _context: object, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if params.response.content_type != "text/event-stream":
            await params.response.read()

    config = aiohttp.TraceConfig()
    config.on_request_end.append(read)
    return config


@dataclass
class Hall:
    """A server and the box of its votes."""

    server: PhoneServer
    port: int

    @property
    def box(self) -> VoteBox:
        return self.server.box

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def phone(self, address: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
        """A phone with an address of its own and with cookies."""
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(
            self.url, connector=connector, cookie_jar=jar, trace_configs=[reading_bodies()]
        ) as session:
            yield session


@asynccontextmanager
async def running(per_address: int = 4, **options: Any) -> AsyncIterator[Hall]:
    listening = bound("127.0.0.1", 0)
    server = PhoneServer(VoteBox(), TokenIssuer(b"key", per_address), **options)
    await server.start(listening)
    try:
        yield Hall(server, listening.getsockname()[1])
    finally:
        await server.close()


def fields(text: str) -> dict[str, str]:
    """The hidden fields of the first form of a page."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text.split("</form>")[0]))
