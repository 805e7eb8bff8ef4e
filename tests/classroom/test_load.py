"""Three hundred phones, three questions and two hostile clients, on the real command.

Not run by default (``-m load``): it takes a minute, and measures time. The phones have addresses
of their own on loopback, as those of a hall have. The hostile clients run on one core, the server,
the screen and the phones on the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from phone_hall import fields
from pseudo import Terminal

pytestmark = pytest.mark.load

PHONES, SECONDS = 300, 8.0
QUESTIONS = ("not.guess", "not.good", "not.seen")
ON, LEFT, RIGHT = b"\x1b[6~", b"\x1b[D", b"\x1b[C"


class Phone:
    """A browser: one connection for pages and answers, another one for the stream of events."""

    def __init__(self, n: int, port: int) -> None:
        self.address, self.port = f"127.1.{n // 250}.{n % 250 + 1}", port
        self.chance = random.Random(n)
        self.cookie, self.seconds = "", list[float]()
        self.answers: dict[str, float] = {}
        self.version = ""
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """The status and the text of an answer."""
        if self._ends is None:
            self._ends = await asyncio.open_connection(
                "127.0.0.1", self.port, local_addr=(self.address, 0)
            )
        reader, writer = self._ends
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n"
        if body:
            head += "Content-Type: application/x-www-form-urlencoded\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        top = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(re.search(r"(?i)content-length: (\d+)", top)[1])  # type: ignore[index]
        text = (await reader.readexactly(length)).decode()
        if found := re.search(r"Set-Cookie: ([^;]+)", top):
            self.cookie = found[1]
        return int(top.split()[1]), text

    async def live(self) -> None:
        """Load the page, follow the events, and answer each question once, some of them twice."""
        await self.request("GET", "/")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(self.address, 0)
        )
        head = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n\r\n"
        writer.write(head.encode())
        try:
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    await asyncio.sleep(0.4 * self.chance.random())
                    await self.look()
        finally:
            writer.close()
            if self._ends is not None:
                self._ends[1].close()

    async def look(self) -> None:
        """What the page shows now; answer it if it asks."""
        _, text = await self.request("GET", "/")
        form = fields(text)
        question = form.get("question", "")
        if "<form" not in text or question in self.answers:
            return
        await asyncio.sleep(SECONDS * self.chance.random())
        values = [0.01 * self.chance.randrange(101)] if 'type="range"' in text else [
            self.chance.randrange(1, 4)
        ]  # fmt: skip
        for _ in range(1 + (self.chance.random() < 0.2)):
            value = self.chance.choice(values)
            body = f"token={form['token']}&question={question}&vote=1&answer={value:g}"
            began = time.monotonic()
            status, _ = await self.request("POST", "/", body)
            self.seconds.append(time.monotonic() - began)
            assert status == 303
            self.answers[question] = float(f"{value:g}")


def peak(pid: int) -> float:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def server_of(pid: int) -> int:
    """The process of the server: the child that was spawned for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat, words = path.read_text("utf-8"), path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == pid and b"spawn_main" in words:
            found.append(int(path.parent.name))
    return found[0]


def key_seconds(terminal: Terminal, key: bytes) -> float:
    """From a key to the first bytes that it draws."""
    terminal.read(0.05, 0.3)
    began, before = time.monotonic(), len(terminal.log)
    os.write(terminal.fd, key)
    while len(terminal.log) == before and time.monotonic() < began + 5:
        terminal.read(0, 0.002)
    return time.monotonic() - began


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="addresses 127.x, /proc")
async def test_three_hundred_phones_three_questions_and_two_hostile_clients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "class.jsonl"
    terminal = Terminal(
        "-m", "rnnviz", "class", "not", "--host", "127.0.0.1", "--results", str(results),
        XDG_STATE_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path),
    )  # fmt: skip
    began = time.monotonic()
    while b"enter goes on" not in terminal.log:
        terminal.read(0.1, 0.5)
    opened = time.monotonic() - began
    port = int(re.search(rb"http://127.0.0.1:(\d+)/", terminal.log)[1])  # type: ignore[index]
    server = server_of(terminal.pid)
    os.write(terminal.fd, b"\r")

    async def press(key: bytes) -> float:
        return await asyncio.to_thread(key_seconds, terminal, key)

    phones = [Phone(n, port) for n in range(PHONES)]
    lives = [asyncio.create_task(phone.live()) for phone in phones]
    await asyncio.sleep(3)
    total = 3 * (SECONDS + 6)
    here = str(Path(__file__).with_name("hostile_client.py"))
    hostile = [
        subprocess.Popen([sys.executable, here, str(port), kind, str(total)],
                         stdout=subprocess.PIPE, text=True)
        for kind in ("answers", "bodies")
    ]  # fmt: skip
    await asyncio.sleep(1)
    keys: list[float] = []
    for n in range(len(QUESTIONS)):
        await press(ON)  # the next step, which asks
        end = time.monotonic() + SECONDS + 2
        while time.monotonic() < end:
            keys += [await press(LEFT), await press(RIGHT)]
        await press(ON)  # closes the vote
        await asyncio.sleep(1)
        ended = [life for life in lives if life.done()]
        assert ended == [], ended[0].exception()
        print(
            "\n".join(terminal.picture()),
            len(keys),
            sum(bool(p.cookie) for p in phones),
            [len(p.seconds) for p in phones][:20],
        )
        assert len(results.read_bytes().splitlines()) >= PHONES * (n + 1)
        await press(ON)  # reveals
        if n == 0:
            await asyncio.to_thread(terminal.read, 0.3, 1)
            picture = "\n".join(terminal.picture())
    rates = [(await asyncio.to_thread(process.communicate))[0].split() for process in hostile]
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    memory = peak(server)
    code = await asyncio.to_thread(terminal.leave)
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    seconds = sorted(each for phone in phones for each in phone.seconds)
    p95, key95 = (statistics.quantiles(each, n=20)[-1] for each in (seconds, keys))
    with capsys.disabled():
        print(
            f"\nopened {opened:.1f} s; {len(seconds)} honest answers: median "
            f"{1000 * statistics.median(seconds):.0f} ms, p95 {1000 * p95:.0f} ms, max "
            f"{1000 * seconds[-1]:.0f} ms; {len(keys)} keys: median "
            f"{1000 * statistics.median(keys):.0f} ms, p95 {1000 * key95:.0f} ms, max "
            f"{1000 * max(keys):.0f} ms; server {memory:.0f} MB; hostile: "
            + "; ".join(
                f"{int(r[0]) / float(r[2]):.0f} requests/s, {int(r[1]) / float(r[2]):.0f} "
                "connections/s" for r in rates
            )
        )  # fmt: skip
        print(picture)
    assert code == 0
    # Every token counts once a question, and honest answers are what they were.
    counted: dict[str, dict[str, float]] = {}
    for record in records:
        answers = counted.setdefault(record["question"], {})
        assert record["voter"] not in answers
        answers[record["voter"]] = record["answer"]
    hostile_voters = {rate[3] for rate in rates}
    for question in QUESTIONS:
        honest = {phone.cookie.partition("=")[2][:18]: phone.answers[question] for phone in phones}
        assert len(honest) == PHONES
        extra = counted[question].keys() - honest.keys()
        assert extra <= hostile_voters
        assert {v: a for v, a in counted[question].items() if v in honest} == pytest.approx(honest)
    assert p95 <= 0.2 and memory <= 150 and statistics.median(keys) <= 0.05
