"""The phone's page in a real browser, with and without scripts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import chromium
import pytest
from chromium import Chromium

from rnnviz.classroom.server import PhoneServer, bound
from rnnviz.classroom.tokens import TokenIssuer
from rnnviz.classroom.votes import VoteBox
from rnnviz.events import BallotEvent, CloseVoteEvent

pytestmark = pytest.mark.skipif(chromium.installed() is None, reason="no Chromium here")

WORDS = ("this", "movie", "was", "not", "good")
TEXTS = {
    "en": {"said": "Where will it be?", "options": ["rises", "falls"], "curve": "p(positive)"},
    "tr": {"said": "Nereye gidecek?", "options": ["yükselir", "düşer"], "curve": "p(olumlu)"},
}
NUMBER = BallotEvent("n", 1, "number", TEXTS, WORDS, 1, (0.44, 0.54, 0.39), 0.0, 1.0, True, "l")
CHOICE = BallotEvent("c", 1, "choice", TEXTS, WORDS, lesson="l")


class Running:
    """A server in a thread."""

    def __init__(self) -> None:
        self.box, self.loop = VoteBox(), asyncio.new_event_loop()
        listening = bound("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

        async def start() -> PhoneServer:
            server = PhoneServer(self.box, TokenIssuer(b"key", 9))
            await server.start(listening)
            return server

        self.server = asyncio.run_coroutine_threadsafe(start(), self.loop).result()

    def do(self, change: Callable[[], object]) -> None:
        async def changed() -> None:
            change()
            self.server.changed()

        asyncio.run_coroutine_threadsafe(changed(), self.loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def running() -> Iterator[Running]:
    found = Running()
    yield found
    found.close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Chromium]:
    with Chromium(tmp_path) as found:
        found.call("Emulation.setDeviceMetricsOverride", width=390, height=844,
                   deviceScaleFactor=1, mobile=True)  # fmt: skip
        yield found


def load(page: Chromium, url: str) -> None:
    page.call("Page.navigate", url=url)
    page.wait_for("Page.loadEventFired")


def until(page: Chromium, expression: str, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not page.value(expression):
        assert time.monotonic() < end, page.value("document.body.innerText")
        time.sleep(0.05)


def test_a_phone_follows_the_screen_and_answers(running: Running, page: Chromium) -> None:
    load(page, f"{running.url}/?lang=en")
    assert "You are in" in page.value("document.body.innerText")
    running.do(lambda: running.box.open(NUMBER, 0.0))
    until(page, "!!document.getElementById('slider')")
    assert page.value("document.documentElement.scrollWidth") == 390
    before = page.value("document.getElementById('mark').getAttribute('cy')")
    page.value("""(() => {
        const curve = document.getElementById("curve"), box = curve.getBoundingClientRect();
        curve.dispatchEvent(new PointerEvent("pointerdown", {
            clientX: box.right - 30, clientY: box.top + 0.7 * box.height, bubbles: true }));
    })()""")
    assert page.value("document.getElementById('mark').getAttribute('cy')") != before
    level = page.value("document.getElementById('slider').value")
    assert page.value("document.getElementById('level').textContent") == level.lstrip("0")
    page.value("document.querySelector('button.send').click()")
    until(page, "document.body.innerText.includes('Your answer: " + level.lstrip("0") + "')")
    assert running.box.tally(NUMBER).answered == 1
    running.do(lambda: running.box.close(CloseVoteEvent("n", 1, 0.18, 0.1)))
    until(page, "document.body.innerText.includes('The vote is closed')")
    running.do(lambda: running.box.reveal("n"))
    until(page, "document.body.innerText.includes('The net: .18')")
    assert page.complaints == []  # nothing that the policy forbids
    assert all(request.startswith(running.url) for request in page.requests)


def test_it_works_without_scripts(running: Running, page: Chromium) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    running.box.open(CHOICE, 0.0)
    load(page, f"{running.url}/?lang=tr")
    height, x, y = page.call("Runtime.evaluate", expression="""(() => {
        const box = document.querySelectorAll(".options button")[1].getBoundingClientRect();
        return [box.height, box.left + 20, box.top + 20];
    })()""", returnByValue=True)["result"]["value"]  # fmt: skip
    assert height >= 60  # large enough for a thumb
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    page.wait_for("Page.loadEventFired")
    assert "Yanıtın: “düşer”" in page.value("document.body.innerText")
    assert running.box.tally(CHOICE).answered == 1
