"""A handout in headless Chromium: keys, paper, connections. Skipped where there is none."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium, installed

from rnnviz.cli import run

pytestmark = pytest.mark.skipif(
    installed() is None, reason="Chromium is not installed: on PATH, or RNNVIZ_CHROMIUM"
)

#: The size of a sheet of A4 without margins of 14 mm, in CSS pixels.
WIDTH, HEIGHT = 182 * 96 / 25.4, 269 * 96 / 25.4
#: 7.5 points in CSS pixels.
SMALLEST = 7.5 * 96 / 72


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as opened:
        opened.call("Emulation.setScrollbarsHidden", hidden=True)  # paper has none
        yield opened


@pytest.fixture(scope="module", params=["lesson", "gru", "series"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lesson in Turkish, a text with markup in it, and a series."""
    path = tmp_path_factory.mktemp("handout") / "page.html"
    of = {
        "lesson": ["not", "--lang", "tr"],
        "gru": ["-m", "sentiment-gru", '<script>alert(1)</script> "good" <b>&amp;'],
        "series": ["-m", "jena-gru", "--data", "sample"],
    }[request.param]
    assert run(["handout", *of, "-q", "-o", str(path)]) == 0
    return path


@pytest.fixture
def opened(browser: Chromium, page: Path) -> Chromium:
    browser.requests.clear()
    browser.complaints.clear()
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.open(page)
    return browser


def position(browser: Chromium) -> tuple[int, int]:
    at, count = browser.value("document.getElementById('frame-count').textContent").split(" / ")
    return int(at), int(count)


def test_arrow_keys_step_through_the_pictures(opened: Chromium) -> None:
    titles = set()
    at, count = position(opened)
    assert at == 1 and count > 20
    for _ in range(9):
        titles.add(opened.value("document.getElementById('frame-title').textContent"))
        opened.press("ArrowRight")
    assert position(opened) == (10, count)
    assert len(titles) > 4
    opened.press("ArrowLeft")
    assert position(opened) == (9, count)
    opened.press("ArrowRight", shift=True)
    assert position(opened)[0] > 9
    drawn = "document.querySelectorAll('#stage svg use').length"
    assert opened.value(drawn) > 5
    opened.value("document.querySelector('[data-go=last]').click()")
    assert position(opened) == (count, count)
    opened.press("ArrowRight")
    assert position(opened) == (count, count)


def test_keys_in_a_field_belong_to_the_field(opened: Chromium) -> None:
    opened.value("document.querySelector('input.blank').focus()")
    opened.press("ArrowRight")
    assert position(opened)[0] == 1


def test_it_asks_for_nothing_and_the_console_is_silent(opened: Chromium, page: Path) -> None:
    for _ in range(3):
        opened.press("ArrowRight")
    assert opened.requests == [page.as_uri()]
    assert opened.complaints == []


def test_nothing_is_cut_off_on_paper(opened: Chromium) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    opened.call(
        "Emulation.setDeviceMetricsOverride", width=int(WIDTH), height=int(HEIGHT),
        deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    boxes: Any = opened.value(
        "[...document.querySelectorAll('figure, table, th, li, h2, p')].map(e => {"
        "const b = e.getBoundingClientRect();"
        "return [e.tagName, b.right, b.height]})"
    )
    clipped: Any = opened.value(
        "[...document.querySelectorAll('th, td, p, li')].filter(e => "
        "getComputedStyle(e).overflowX === 'hidden' && e.scrollWidth > e.clientWidth)"
        ".map(e => e.textContent)"
    )
    opened.call("Emulation.clearDeviceMetricsOverride")
    assert len(boxes) > 30
    assert [box for box in boxes if box[1] > WIDTH + 1 or box[2] > HEIGHT] == []
    assert clipped == []


def test_letters_on_paper_are_large_enough(opened: Chromium) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    opened.call(
        "Emulation.setDeviceMetricsOverride", width=int(WIDTH), height=int(HEIGHT),
        deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    sizes: Any = opened.value(
        "[...document.querySelectorAll('td, dd, li, figcaption, p')]"
        ".filter(e => e.getClientRects().length)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    scale: Any = opened.value(
        "Math.min(...[...document.querySelectorAll('figure svg')].map(svg =>"
        "svg.getBoundingClientRect().width / svg.viewBox.baseVal.width *"
        "parseFloat(getComputedStyle(svg).fontSize)))"
    )
    opened.call("Emulation.clearDeviceMetricsOverride")
    assert min(sizes) >= SMALLEST
    assert scale >= SMALLEST


def test_the_answers_are_on_two_sheets_at_most(opened: Chromium) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    opened.call(
        "Emulation.setDeviceMetricsOverride", width=int(WIDTH), height=int(HEIGHT),
        deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    high: Any = opened.value("document.getElementById('answers').getBoundingClientRect().height")
    opened.call("Emulation.clearDeviceMetricsOverride")
    assert high <= 2 * HEIGHT


def test_the_paper_is_light_where_the_screen_is_dark(opened: Chromium) -> None:
    colours = []
    for media in ("screen", "print"):
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        opened.call("Emulation.setEmulatedMedia", media=media, features=dark)
        colours.append(opened.value("getComputedStyle(document.body).backgroundColor"))
    opened.call("Emulation.setEmulatedMedia", media="", features=[])
    assert colours == ["rgb(16, 20, 27)", "rgb(255, 255, 255)"]


def test_home_and_end_go_to_both_ends(opened: Chromium) -> None:
    opened.value("document.getElementById('stage').focus()")
    count = position(opened)[1]
    opened.press("End")
    assert position(opened) == (count, count)
    opened.press("Home")
    assert position(opened) == (1, count)


def test_the_paper_has_the_answers_and_no_player(opened: Chromium) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    seen = "[...document.querySelectorAll('{}')].filter(e => e.checkVisibility()).length"
    assert opened.value(seen.format("#answers p")) >= 1
    assert opened.value(seen.format(".player")) == 0
    printed = base64.b64decode(
        opened.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    )
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 20


def test_without_script_it_is_the_paper(opened: Chromium, page: Path) -> None:
    opened.call("Emulation.setScriptExecutionDisabled", value=True)
    opened.open(page)
    opened.call("Emulation.setScriptExecutionDisabled", value=False)
    assert opened.value("getComputedStyle(document.querySelector('.player')).display") == "none"
    assert opened.value("document.querySelectorAll('figure svg use').length") > 30


@pytest.mark.parametrize("command", ["handout", "report", "against"])
def test_a_phone_scrolls_no_page_sideways(browser: Chromium, tmp_path: Path, command: str) -> None:
    path, text = tmp_path / "page.html", "it was not good " + 40 * "abc"
    line = {
        "handout": ["handout", text, "-o", str(path)],
        "report": ["step", text, "--report", str(path)],
        "against": ["step", "--against", "it was good", text, "--report", str(path)],
    }[command]
    assert run([*line, "-q"]) == 0
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844,
                 deviceScaleFactor=1, mobile=True)  # fmt: skip
    browser.open(path)
    width = browser.value("document.documentElement.scrollWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert width == 390
