"""The server of the phones' page: what it shows, what it takes, and what it refuses."""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phone_hall import Hall, fields, reading_bodies, running

from rnnviz.classroom import server
from rnnviz.classroom.connection import MOST_BYTES
from rnnviz.classroom.limits import (
    MOST_ADDRESSES,
    PAUSE,
    PER_DEVICE,
    STRIKES,
    AddressLimits,
    LimitedSources,
)
from rnnviz.classroom.phone_page import PhoneView, page
from rnnviz.classroom.server import BLOCK, COOKIE, LARGEST_BODY, PhoneServer
from rnnviz.classroom.votes import VoteBox
from rnnviz.events import BallotEvent, CloseVoteEvent
from rnnviz.web.files import StaticFolder

TEXTS = {
    "en": {"said": "What will the curve do?", "options": ["it rises", "it stays", "it falls"],
           "curve": "p(positive)"},
    "tr": {"said": "Eğri ne yapacak?", "options": ["yükselir", "aynı kalır", "düşer"],
           "curve": "p(olumlu)"},
}  # fmt: skip
WORDS = ("this", "movie", "was", "not", "good")
CHOICE = BallotEvent("not.good", texts=TEXTS, words=WORDS, why=True, lesson="not")
NUMBER = BallotEvent("not.guess", 1, "number", TEXTS, WORDS, 1, (0.55, 0.5, 0.39), 0, 1,
                     lesson="not")  # fmt: skip


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with running() as found:
        yield found


def ask(hall: Hall, ballot: BallotEvent) -> None:
    hall.box.open(ballot, hall.server.clock())
    hall.server.changed()


def close(hall: Hall, right: float | None = None) -> None:
    assert hall.box.ballot is not None
    hall.box.close(CloseVoteEvent(hall.box.ballot.question, hall.box.ballot.vote, right, 0.1))
    hall.server.changed()


async def test_a_phone_asks_answers_changes_its_mind_and_sees_what_is_right(hall: Hall) -> None:
    async with hall.phone() as phone:
        text = await (await phone.get("/")).text()
        assert "You are in" in text and "<form" not in text
        ask(hall, CHOICE)
        text = await (await phone.get("/", headers={"Accept-Language": "tr-TR,en"})).text()
        assert "Eğri ne yapacak?" in text and "aynı kalır" in text
        form = fields(text)
        text = await (await phone.post("/?lang=en", data=form | {"answer": "1"})).text()
        assert "Your answer: “it rises”" in text and 'name="why"' in text
        text = await (await phone.post("/?lang=en", data=form | {"answer": "3"})).text()
        text = await (await phone.post("/?lang=en", data=form | {"why": "it is negated"})).text()
        assert "“it falls”" in text and 'value="it is negated"' in text
        assert hall.box.tally(CHOICE).answered == 1
        close(hall, right=3)
        text = await (await phone.get("/?lang=en")).text()
        assert "The vote is closed" in text and "The net" not in text and "<form" not in text
        hall.box.reveal("not.good")
        text = await (await phone.get("/?lang=en")).text()
        assert "The net: “it falls”" in text
        # Too late.
        answer = await phone.post("/", data=form | {"answer": "1"}, allow_redirects=False)
        assert answer.status == 303
        assert hall.box.answer_of(form["token"][:18]).value == 3  # type: ignore[union-attr]


async def test_it_works_without_cookies_and_without_scripts(hall: Hall) -> None:
    ask(hall, NUMBER)
    async with hall.phone() as phone:
        text = await (await phone.get("/")).text()
    async with hall.phone() as other:  # the same page, without the cookie
        answer = await other.post("/", data=fields(text) | {"answer": "0.3"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/?lang=en")
    assert hall.box.tally(NUMBER).answered == 1
    waiting = page(VoteBox(), PhoneView("en", "t"))
    assert '<noscript><meta http-equiv="refresh"' in waiting
    # What somebody sets or types is not taken away.
    assert '<noscript><meta http-equiv="refresh" content="90">' in text
    box = VoteBox()
    box.open(CHOICE, 0)
    box.answer("ada", "not.good", 1, 1, "", 0)
    assert 'content="4"' in page(box, PhoneView("en", "t"))
    assert 'content="90"' in page(box, PhoneView("en", "t", box.answer_of("ada")))


async def test_a_phone_of_a_class_before_this_one_is_asked_anew(hall: Hall) -> None:
    ask(hall, CHOICE)
    stale = {"token": "0" * 50, "question": "not.good", "vote": "1", "answer": "1"}
    async with hall.phone() as phone:
        text = await (await phone.post("/?lang=tr", data=stale)).text()
        assert "Eğri ne yapacak?" in text and "Yanıtın" not in text
        text = await (await phone.post("/", data=fields(text) | {"answer": "1"})).text()
        assert "Your answer" in text
    assert hall.box.tally(CHOICE).answered == 1


async def test_two_classes_of_one_machine_do_not_take_each_others_phones() -> None:
    jar = aiohttp.CookieJar(unsafe=True)  # knows hosts, not ports, as browsers do
    async with running() as one, running() as other:
        async with aiohttp.ClientSession(cookie_jar=jar, trace_configs=[reading_bodies()]) as phone:
            for _ in range(3):
                for hall in (one, other):
                    await (await phone.get(f"{hall.url}/")).text()
        assert (one.server.issuer.issued, other.server.issuer.issued) == (1, 1)


async def test_an_address_of_ipv6_counts_as_its_network() -> None:
    sources = LimitedSources()
    assert sources.of("2001:db8::1") == sources.of("2001:db8::ffff:1") == "2001:db8::/64"
    assert sources.of("2001:db8:0:1::1") != sources.of("2001:db8::1")
    assert sources.of("fe80::1%eth0") == "fe80::/64"
    # A socket for both has addresses of IPv4 as addresses of IPv6, all of one network.
    assert sources.of("::ffff:10.0.0.1") == sources.of("10.0.0.1") == "10.0.0.1"
    assert sources.of("::ffff:10.0.0.2") == "10.0.0.2"
    hall = LimitedSources(["2001:db8::5", "192.0.2.5"])
    assert hall.of("2001:db8::1") != hall.of("2001:db8::2")
    assert hall.of("2001:db8:0:1::1") == hall.of("2001:db8:0:1::2")
    assert hall.of("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize("shared, issued", [((), 4), (("::1",), 5)])
async def test_phones_of_ipv6_are_limited_by_their_network(
    shared: tuple[str, ...], issued: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = iter(f"::{n}" for n in range(2, 99))
    monkeypatch.setattr(
        PhoneServer, "_source", lambda self, request: self.sources.of(next(addresses))
    )
    async with running(shared=shared) as hall:
        for _ in range(5):
            async with hall.phone() as phone:
                await (await phone.get("/")).text()
        assert hall.server.issuer.issued == issued


async def test_a_phone_is_told_of_a_change_at_once(hall: Hall) -> None:
    async with hall.phone() as phone:
        await (await phone.get("/")).text()
        async with phone.get("/events") as stream:
            assert await stream.content.readuntil(b"\n\n") == b"data: 0\n\n"
            assert hall.server.devices == 1
            ask(hall, CHOICE)
            async with asyncio.timeout(5):
                assert await stream.content.readuntil(b"\n\n") == b"data: 1\n\n"


async def test_only_tokens_of_this_server_vote_and_an_address_has_few(hall: Hall) -> None:
    ask(hall, CHOICE)
    seen = []
    for _ in range(6):
        async with hall.phone() as phone:
            text = await (await phone.get("/")).text()
            seen.append("<form" in text)
    assert seen == [True] * 4 + [False] * 2 and "No place is left" in text
    async with hall.phone("127.0.0.2") as phone:
        form = fields(await (await phone.get("/")).text())
        forged = {**form, "answer": "1", "token": "0" * 50}
    async with hall.phone("127.0.0.2") as phone:
        cookie = {"Cookie": f"{COOKIE}-{hall.port}={'0' * 50}"}
        assert (await phone.get("/events", headers=cookie)).status == 403
        for headers in ({}, cookie):
            answer = await phone.post("/", data=forged, headers=headers, allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (303, "/?lang=en")
    assert hall.box.tally(CHOICE).answered == 0


@pytest.mark.parametrize(
    "change, status",
    [
        ({"answer": "4"}, 400), ({"answer": "nan"}, 400), ({"answer": "1e99"}, 400),
        ({"answer": "<b>"}, 400), ({"vote": "3"}, 400), ({"vote": "1' or 1"}, 400),
        ({"answer": "1", "question": "../../etc/passwd"}, 303), ({"answer": "1", "vote": "2"}, 303),
        ({"answer": "1", "why": "x" * 3000}, 413),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_refused(
    hall: Hall, change: dict[str, str], status: int
) -> None:
    ask(hall, CHOICE)
    async with hall.phone() as phone:
        form = fields(await (await phone.get("/")).text())
        answer = await phone.post("/", data=form | change, allow_redirects=False)
        assert answer.status == status
    assert hall.box.tally(CHOICE).answered == 0


async def test_a_page_elsewhere_cannot_vote_and_cannot_read(hall: Hall) -> None:
    ask(hall, CHOICE)
    async with hall.phone() as phone:
        page_ = await phone.get("/")
        form = fields(await page_.text()) | {"answer": "1"}
        for headers in (
            {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"},
        ):  # fmt: skip
            assert (await phone.post("/", data=form, headers=headers)).status == 403
        assert (await phone.get("/", headers={"Host": "evil.example"})).status == 421
        assert (await phone.get("/", headers={"Host": f"evil.example:{hall.port}"})).status == 421
        assert (await phone.post("/", json=form)).status == 403
        for bad in ("OPTIONS", "PUT", "DELETE", "TRACE"):
            assert (await phone.request(bad, "/")).status == 405
    assert "Access-Control-Allow-Origin" not in page_.headers
    cookie = page_.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie
    policy = page_.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert hall.box.tally(CHOICE).answered == 0


@pytest.mark.parametrize(
    "path", ["/..%2f..%2fetc/passwd", "/../phone_page.py", "/phone_page.py", "//etc/passwd",
             "/app/../../etc/passwd", "/%00", "/static/"],
)  # fmt: skip
async def test_there_are_no_other_files(hall: Hall, path: str) -> None:
    status, _ = await raw(hall, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert status in (400, 404)


async def test_the_app_in_the_browser_is_on_the_same_server(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<p>the app</p>", "utf-8")
    (tmp_path / "site" / "large.wasm").write_bytes(bytes(1_000_000))
    (tmp_path / "secret").write_text("secret", "utf-8")
    (tmp_path / "site" / "link").symlink_to(tmp_path / "secret")
    async with running(app=StaticFolder(tmp_path / "site")) as hall, hall.phone() as phone:
        assert '<a href="/app/">' in await (await phone.get("/")).text()
        answer = await phone.get("/app/")
        assert await answer.text() == "<p>the app</p>"
        assert "wasm-unsafe-eval" in answer.headers["Content-Security-Policy"]
        assert len(await (await phone.get("/app/large.wasm")).read()) == 1_000_000
        for path in ("/app/../secret", "/app/..%2fsecret", "/app/link", "/app//etc/passwd", "/app"):
            status, data = await raw(
                hall,
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode(),
            )
            assert status in (400, 404) and b"secret" not in data


async def test_an_answer_does_not_wait_for_the_files_of_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large.wasm").write_bytes(bytes(4 * BLOCK))
    turns, blocks = 0, Counter[int]()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            blocks[turns] += 1
            return super().read(size)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with running(per_address=9, app=StaticFolder(tmp_path)) as hall, hall.phone() as phone:
        monkeypatch.setattr(server, "open_regular", lambda path: Watched(bytes(4 * BLOCK)))
        counting = asyncio.create_task(count())
        answers = await asyncio.gather(*(phone.get("/app/large.wasm") for _ in range(20)))
        assert {len(await each.read()) for each in answers} == {4 * BLOCK}
        while blocks.total() < 20 * 5:  # the end of each file
            await asyncio.sleep(0)
        counting.cancel()
    # Between two blocks the server looks whether there is something else to do.
    assert max(blocks.values()) == 1


# -- what a hostile client sends ----------------------------------------------------------------


async def raw(hall: Hall, data: bytes, seconds: float = 5) -> tuple[int, bytes]:
    """The status and the whole answer to bytes as they are; 0 where the connection just ends."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", hall.port)
    except ConnectionError:
        return 0, b""
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            answer = await reader.read()
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    found = re.match(rb"HTTP/1.1 (\d{3})", answer)
    return (int(found[1]) if found else 0), answer


async def test_large_bodies_and_heads_are_cut_off(hall: Hall) -> None:
    head = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded"
    length = f"{head}\r\nContent-Length: 1000000\r\n\r\n".encode()
    assert (await raw(hall, length + b"a" * 1_000_000))[0] in (0, 413)
    chunked = f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"".join(b"400\r\n" + b"a" * 0x400 + b"\r\n" for _ in range(1000))
    assert (await raw(hall, chunked + chunks))[0] in (0, 413)
    assert (await raw(hall, f"{head}\r\nX: {'a' * 100_000}\r\n\r\n".encode()))[0] in (0, 400)
    many = "".join(f"X{n}: 1\r\n" for n in range(5000))
    assert (await raw(hall, f"{head}\r\n{many}\r\n".encode()))[0] in (0, 400)
    assert (await raw(hall, b"\x00\xff" * 50))[0] in (0, 400)
    # The server is there for everybody else.
    async with hall.phone("127.0.0.3") as phone:
        assert (await phone.get("/")).status == 200


async def test_a_slow_client_is_disconnected(hall: Hall) -> None:
    known = hall.server._connections
    assert known is not None
    task = asyncio.create_task(known.end_idle(0.2))
    _, writer = await asyncio.open_connection("127.0.0.1", hall.port)
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionError):
            while True:
                writer.write(b"G")  # a letter at a time
                await writer.drain()
                await asyncio.sleep(0.05)
    task.cancel()
    assert hall.server.limits.connections == 0


async def test_one_address_has_few_connections_and_few_requests() -> None:
    async with running(per_address=1) as hall:
        opening = (asyncio.open_connection("127.0.0.1", hall.port) for _ in range(12))
        ends = await asyncio.gather(*opening, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert hall.server.limits.connections == PER_DEVICE
        for end in ends:
            if not isinstance(end, BaseException):
                end[1].close()
        await asyncio.sleep(0.1)
        request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        statuses = [(await raw(hall, request))[0] for _ in range(60)]
        assert statuses[:20] == [200] * 20 and 429 in statuses and statuses[-1] == 0
        async with hall.phone("127.0.0.2") as phone:  # not its neighbour
            assert (await phone.get("/")).status == 200


def test_an_address_is_let_in_again_after_a_while_and_the_table_stays_small() -> None:
    now = [0.0]
    limits = AddressLimits(1, lambda: now[0])
    assert [limits.request("a") for _ in range(21)] == [True] * 20 + [False]
    for _ in range(STRIKES):
        limits.request("a")
    assert limits.is_paused("a") and not limits.connect("a")
    now[0] += PAUSE + 1
    assert limits.connect("a") and limits.request("a")
    for n in range(3 * MOST_ADDRESSES):
        limits.request(f"b{n}")
        assert len(limits._states) <= MOST_ADDRESSES


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    return parser.tags


HOSTILE = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[2J", "\u202eevil",
     "</main></body>", "{token}", "%s", "'; drop table"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE, HOSTILE)
def test_no_text_becomes_markup(said: str, why: str) -> None:
    def shown(said: str, why: str) -> str:
        texts = {"en": {"said": said, "options": [said, said], "curve": said}}
        box = VoteBox()
        ballot = replace(CHOICE, question=said, texts=texts, words=(said,), why=True)
        box.open(ballot, 0)
        box.answer("ada", said, 1, 1, why, 0)
        number = VoteBox()
        number.open(replace(ballot, ask="number", low=0.0, high=1.0, curve=(0.5,)), 0)
        closed = VoteBox()
        closed.open(ballot, 0)
        closed.close(CloseVoteEvent(said, right=1))
        closed.reveal(said)
        views = [
            (box, PhoneView("en", "t", box.answer_of("ada"))), (number, PhoneView("en", "t")),
            (closed, PhoneView("en", "t", box.answer_of("ada"))),
        ]  # fmt: skip
        return "".join(page(each, view) for each, view in views)

    text = shown(said, why)
    assert tags(text) == tags(shown("a", "b"))
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("ballot", [CHOICE, NUMBER, replace(CHOICE, ask="word", first=2)])
def test_buttons_slider_and_words(ballot: BallotEvent) -> None:
    box = VoteBox()
    box.open(ballot, 0)
    text = page(box, PhoneView("tr", "t"))
    counted: Callable[[str], int] = text.count
    if ballot.ask == "number":
        assert 'type="range" name="answer" min="0" max="1" step="0.01" value="0.39"' in text
        assert ">not</text>" in text and ">good<" not in text  # up to the word that is asked about
    else:
        names = WORDS[1:] if ballot.ask == "word" else TEXTS["tr"]["options"]
        assert counted('<button name="answer"') == len(names)
        assert all(f">{name}</button>" in text for name in names)


def test_limits_are_those_of_the_documents() -> None:
    assert LARGEST_BODY == 2048 and MOST_BYTES <= 16384
