"""A screen's server and its clients on this machine: they find each other, and either may end."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rnnviz.errors import MissingError, UsageError
from rnnviz.events import ActionEvent, CursorEvent, Event, PageEvent, SessionEvent, sessions
from rnnviz.events.client import EventClient, connect
from rnnviz.events.server import MOST_CLIENTS, MOST_WAITING, EventServer

if not sessions.supported():
    pytest.skip("no Unix sockets here", allow_module_level=True)


class Screen:
    """What stands for a step screen: a lesson, and what was received."""

    def __init__(self, lesson: str = "") -> None:
        self.lesson = lesson
        self.received: list[Event] = []

    def snapshot(self, session: str) -> Sequence[Event]:
        return [SessionEvent(session, self.lesson), PageEvent("clamp")]


@asynccontextmanager
async def served(state: Path, screen: Screen) -> AsyncIterator[EventServer]:
    server = EventServer(screen.snapshot, screen.received.append, state)
    await server.start()
    try:
        yield server
    finally:
        server.close()


async def until(true: object, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_both_directions_and_an_end(tmp_path: Path) -> None:
    screen = Screen("not")
    async with served(tmp_path, screen) as server:
        client = await connect("not", state=tmp_path)
        assert client is not None
        assert client.session.lesson == "not"
        events = client.events()
        assert (await anext(events))[1] == PageEvent("clamp")
        server.send(CursorEvent(2, "read"))
        assert (await anext(events))[1] == CursorEvent(2, "read")
        client.send(ActionEvent("token_on"))
        await until(lambda: screen.received == [ActionEvent("token_on")])
        server.close()
        assert [event async for event in events] == []
        client.send(ActionEvent("token_on"))  # without effect
    assert sessions.found(tmp_path) == []


@pytest.mark.parametrize("name", ["state", "long" * 40])
async def test_a_screen_is_found_from_its_own_state_folder_alone(tmp_path: Path, name: str) -> None:
    async with served(tmp_path / name, Screen()):
        assert len(sessions.found(tmp_path / name)) == 1
        assert sessions.found(tmp_path / f"{name}-of-another") == []


async def test_a_client_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async with served(tmp_path, Screen()) as server:
        client = await connect(state=tmp_path)
        assert client is not None
        await until(lambda: server.is_watched)
        client.close()
        await until(lambda: not server.is_watched)
        again = await connect(state=tmp_path)
        assert again is not None
        again.close()


async def test_the_newest_screen_of_the_lesson_or_the_chosen_one(tmp_path: Path) -> None:
    async with (
        served(tmp_path, Screen("not")) as first,
        served(tmp_path, Screen("not")) as second,
        served(tmp_path, Screen("shapes")) as third,
    ):
        named = []
        for n, server in enumerate((first, second, third)):
            assert server.session is not None
            os.utime(server.session.path, (1000 + n, 1000 + n))
            named.append(server.session.session)
        assert await session_of(connect("not", state=tmp_path)) == named[1]
        assert await session_of(connect(state=tmp_path)) == named[2]
        assert await session_of(connect("not", named[0], tmp_path)) == named[0]
        assert await connect("padding", state=tmp_path) is None
        with pytest.raises(UsageError, match=f"no session 'x'.*{named[2]}"):
            await connect(session="x", state=tmp_path)
    assert await connect(state=tmp_path) is None


async def session_of(connecting: object) -> str:
    client = await connecting  # type: ignore[misc]
    assert isinstance(client, EventClient)
    client.close()
    return client.session.session


async def test_nobody_else_can_connect(tmp_path: Path) -> None:
    folder = sessions.folders(tmp_path)[0]
    folder.mkdir(mode=0o755)
    async with served(tmp_path, Screen()) as server:
        assert server.session is not None
        assert stat.S_IMODE(server.session.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "screens").symlink_to(elsewhere)
    async with served(tmp_path, Screen()) as server:
        assert server.session is not None
        assert server.session.path.parent == sessions.folders(tmp_path)[1]
    assert list(elsewhere.iterdir()) == []


async def test_a_path_too_long_for_a_socket_has_a_short_one(tmp_path: Path) -> None:
    state = tmp_path / ("long" * 30)
    async with served(state, Screen("not")):
        client = await connect("not", state=state)
        assert client is not None
        client.close()


async def test_the_socket_of_a_process_that_was_killed_is_removed(tmp_path: Path) -> None:
    listening, session = sessions.listen(tmp_path)
    listening.close()
    assert await connect(state=tmp_path) is None
    assert session.path.exists()  # it may just be being made
    os.utime(session.path, (1000, 1000))
    assert await connect(state=tmp_path) is None
    assert not session.path.exists()


async def test_the_socket_of_a_killed_process_of_the_same_number_is_used(tmp_path: Path) -> None:
    listening, session = sessions.listen(tmp_path)
    listening.close()
    async with served(tmp_path, Screen()) as server:
        assert server.session is not None
        assert server.session.session == session.session


async def test_a_screen_that_does_not_answer_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnviz.events.client.PATIENCE", 0.1)
    listening, session = sessions.listen(tmp_path)  # nobody accepts
    async with served(tmp_path, Screen()):
        os.utime(session.path, (4e9, 4e9))  # the newest
        client = await connect(state=tmp_path)
        assert client is not None
        client.close()
    listening.close()


async def test_a_slow_client_is_dropped_and_holds_up_nobody(tmp_path: Path) -> None:
    async with served(tmp_path, Screen()) as server:
        slow = await connect(state=tmp_path)
        assert slow is not None
        await until(lambda: server.is_watched)
        slow._reader._transport.pause_reading()  # type: ignore[attr-defined]
        state = PageEvent("x" * 10_000)
        sent = 0
        while server.is_watched and sent < 100 * MOST_WAITING:
            server.send(state)
            sent += 10_000
            await asyncio.sleep(0)
        assert not server.is_watched
        slow.close()


@pytest.mark.parametrize(
    "data",
    [
        b"no event\n", b"\x00\xff\n", b"{}\n", b"[" * 100_000 + b"\n", b"x" * 600_000,
        b'{"schema": "rnnviz.events/1", "timestamp": 0, "event": "cursor"}\n',
    ],
)  # fmt: skip
async def test_what_is_no_event_disconnects_who_sent_it(tmp_path: Path, data: bytes) -> None:
    screen = Screen()
    async with served(tmp_path, screen) as server:
        good = await connect(state=tmp_path)
        assert good is not None and server.session is not None
        reader, writer = await asyncio.open_unix_connection(str(server.session.path))
        writer.write(data)
        async with asyncio.timeout(5):
            try:
                while await reader.read(1000):
                    pass
            except ConnectionError:
                pass
        writer.transport.abort()
        good.send(ActionEvent("token_on"))
        await until(lambda: screen.received == [ActionEvent("token_on")])
        good.close()


async def test_a_flood_of_events_is_cut_off(tmp_path: Path) -> None:
    screen = Screen()
    async with served(tmp_path, screen) as server:
        client = await connect(state=tmp_path)
        assert client is not None
        for _ in range(3000):
            client.send(ActionEvent("token_on"))
        await until(lambda: not server.is_watched)
        assert len(screen.received) <= 300
        client.close()


async def test_clients_have_a_limit(tmp_path: Path) -> None:
    async with served(tmp_path, Screen()) as server:
        assert server.session is not None
        many = [await connect(state=tmp_path) for _ in range(MOST_CLIENTS)]
        await until(lambda: len(server._clients) == MOST_CLIENTS)
        assert None not in many
        assert await connect(state=tmp_path) is None
        for client in many:
            assert client is not None
            client.close()


async def test_an_unusable_folder_is_an_os_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setattr(sessions, "folders", lambda state: (file,))
    with pytest.raises(OSError):
        await EventServer(Screen().snapshot, print, tmp_path).start()
    assert await connect(state=tmp_path) is None


def test_without_unix_sockets_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(MissingError, match="rnnviz lesson NAME"):
        sessions.require_support()
