"""The server in its own process: votes go to the disk, and a killed one starts anew."""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from phone_hall import fields, reading_bodies

from rnnviz.classroom.process import ClassProcess
from rnnviz.classroom.server import PhoneServer
from rnnviz.classroom.tokens import TokenIssuer
from rnnviz.classroom.worker import ClassSettings, ClassWorker
from rnnviz.errors import RnnvizError
from rnnviz.events import BallotEvent, CloseVoteEvent, Event, TallyEvent, parse_line
from rnnviz.lessons.results import ResultsFile, read_results

TEXTS = {"en": {"said": "?", "options": ["rises", "falls"]}}


def settings(results: Path | None = None, port: int = 0) -> ClassSettings:
    return ClassSettings("127.0.0.1", port, 4, secrets.token_bytes(32), "now", results)


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


async def vote(port: int, answer: int, cookies: dict[str, str] | None = None) -> dict[str, str]:
    """Answer as a phone; its cookie."""
    jar = aiohttp.CookieJar(unsafe=True)
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(
        url, cookie_jar=jar, cookies=cookies, trace_configs=[reading_bodies()]
    ) as phone:
        form = fields(await (await phone.get("/")).text())
        assert (await phone.post("/", data=form | {"answer": str(answer)})).status == 200
        return {each.key: each.value for each in jar}


async def version_of(port: int) -> str:
    """What a phone compares with what the stream of events tells."""
    url = f"http://127.0.0.1:{port}/"
    async with aiohttp.ClientSession(trace_configs=[reading_bodies()]) as phone:
        return (await (await phone.get(url)).text()).partition('data-version="')[2].split('"')[0]


def test_a_vote_is_on_the_disk_before_it_is_shown_and_outlives_a_killed_server(
    tmp_path: Path,
) -> None:
    path, seen = tmp_path / "class.jsonl", list[Event]()

    def tallies(question: str) -> list[TallyEvent]:
        return [e for e in seen if isinstance(e, TallyEvent) and e.question == question]

    with ClassProcess(settings(path)) as process:
        process.received = seen.append
        process.send(BallotEvent("one", texts=TEXTS, lesson="l"))
        until(lambda: tallies("one"))
        cookie = asyncio.run(vote(process.port, 2))
        until(lambda: any(each.answered == 1 for each in tallies("one")))
        assert all(each.counts == () for each in tallies("one"))  # how many, not what
        process.send(CloseVoteEvent("one", right=2))
        until(lambda: not tallies("one")[-1].is_open)
        assert tallies("one")[-1].counts == (0, 1)
        [record] = read_results(path).records
        assert (record.question, record.answer, record.correct) == ("one", 2, True)
        # It is killed in the middle of the next vote: the question is asked again on the same
        # port, phones keep their tokens, and what was closed is not lost.
        process.send(BallotEvent("two", texts=TEXTS, lesson="l"))
        until(lambda: tallies("two"))
        asyncio.run(vote(process.port, 1, cookie))
        until(lambda: tallies("two")[-1].answered == 1)
        version = asyncio.run(version_of(process.port))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: process.died == 1 and tallies("two") and tallies("two")[-1].answered == 0)
        # A phone that shows its answer, which is lost, is told that there is something else.
        assert asyncio.run(version_of(process.port)) != version
        assert asyncio.run(vote(process.port, 2, cookie)) == cookie  # no other token
        process.send(CloseVoteEvent("two", right=1))
        until(lambda: not tallies("two")[-1].is_open)
    found = [(each.question, each.answer, each.correct) for each in read_results(path).records]
    assert found == [("one", 2, True), ("two", 2, False)]
    assert len({each.voter for each in read_results(path).records}) == 1


async def test_a_full_disk_is_told_with_what_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    own, other = multiprocessing.Pipe()
    worker = ClassWorker(other, ResultsFile(tmp_path / "class.jsonl"), "now")
    worker.server = PhoneServer(worker.box, TokenIssuer(b"key", 4))
    await worker.receive(BallotEvent("one", texts=TEXTS, lesson="l"))
    worker.box.answer("ada", "one", 1, 2, "", 1.0)
    monkeypatch.setattr("rnnviz.lessons.results.os.write", full)
    await worker.receive(CloseVoteEvent("one", right=2))
    parsed = parse_line(own.recv_bytes())
    monkeypatch.undo()
    assert parsed is not None and isinstance(parsed[1], TallyEvent)
    assert parsed[1].counts == (0, 1) and parsed[1].failed == "No space left on device"


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RnnvizError, match=f"Cannot listen on 127.0.0.1:{port}"):
            ClassProcess(settings(port=port)).__enter__()
