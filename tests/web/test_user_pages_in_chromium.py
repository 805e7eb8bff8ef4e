"""Reports and handouts in the folder of the app, in headless Chromium: the app opens in them.

Needs what ``test_chromium.py`` needs; else skipped.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from browser_app import LINES, LOADING, AppInBrowser, runtime_folder
from chromium import Chromium, installed

import rnnviz
from rnnviz.cli import run
from rnnviz.files import assets
from rnnviz.trace.file import save_trace
from rnnviz.web.server import LOOK_SECONDS, FileServer
from rnnviz.web.site import build_site

pytestmark = pytest.mark.skipif(
    installed() is None or runtime_folder() is None,
    reason="needs Chromium, and RNNVIZ_WEB_RUNTIME: a folder with Pyodide and xterm.js",
)

#: What the terminal in the frame of a page shows.
IN_FRAME = LINES.replace("globalThis", "document.querySelector('iframe')?.contentWindow?")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("web") / "site", runtime_folder())


@pytest.fixture(scope="module")
def opened(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppInBrowser]:
    with FileServer(site) as server, Chromium(tmp_path_factory.mktemp("profile")) as chromium:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield AppInBrowser(chromium, f"http://127.0.0.1:{server.port}/")
        server.shutdown()
        thread.join()


@pytest.fixture
def tab(opened: AppInBrowser) -> Iterator[AppInBrowser]:
    """No request to another host, no error in the console."""
    opened.chromium.requests.clear()
    opened.chromium.complaints.clear()
    yield opened
    asked = opened.chromium.requests
    assert [
        url for url in asked if not url.startswith((opened.address, "data:", "blob:", "about:"))
    ] == []
    assert opened.chromium.complaints == []


@pytest.mark.parametrize("kind", ["report", "lesson", "own lesson", "unknown model"])
def test_the_app_opens_in_a_page_of_its_folder(
    tab: AppInBrowser, site: Path, tmp_path: Path, kind: str
) -> None:
    page = site / "reports" / f"ğ 'ü\" & {kind}.html"
    page.parent.mkdir(exist_ok=True)
    own, saved = tmp_path / "own.toml", tmp_path / "saved.trace"
    shutil.copy(assets() / "lessons" / "not.toml", own)
    save_trace(replace(rnnviz.step("bad"), model="mine"), saved)
    args, expected = {
        "report": (["step", "bu film <b>iyi", "--lang", "tr", "--unit", "3", "--report", str(page)],
                   ("sözcük 1/3", "▐bu▌")),
        "lesson": (["handout", "not", "--lang", "tr", "-o", str(page)], ("Küçük bir sözcük",)),
        "own lesson": (["handout", str(own), "-o", str(page)], ("One small word", "PgDn")),
        "unknown model": (["step", "--open", str(saved), "--report", str(page)], ("mine", "▐bad▌")),
    }[kind]  # fmt: skip
    assert run([*args, "-q"]) == 0
    time.sleep(LOOK_SECONDS)
    tab.resize(1100, 700)
    url = f"{tab.address}reports/{quote(page.name)}"
    tab.chromium.call("Page.navigate", url=url)
    tab.wait("document.querySelector('.app-player:not([hidden]) button') !== null")
    before = len(tab.chromium.requests)
    assert not any("app.html" in each for each in tab.chromium.requests)
    if "handout" in args:
        assert tab.chromium.value("document.getElementById('frame-count').textContent !== ''")
    tab.chromium.value("document.querySelector('.app-player button').click()")
    shown = partial(tab.chromium.value, IN_FRAME)
    end = time.monotonic() + LOADING
    while not all(text in shown() for text in expected):
        assert time.monotonic() < end, shown()
        time.sleep(0.1)
    assert len(tab.chromium.requests) > before
    assert tab.chromium.value("document.activeElement.tagName") == "IFRAME"
    if kind == "report":
        title = tab.chromium.value("document.querySelector('iframe').title")
        assert title == "rnnviz: bu film <b>iyi"
        tab.chromium.call("Input.dispatchKeyEvent", type="rawKeyDown", key="ArrowRight",
                          code="ArrowRight", windowsVirtualKeyCode=39)  # fmt: skip
        tab.until(lambda: "sözcük 2/3" in shown(), "the key")
    tab.chromium.value("document.querySelector('.app-player button').click()")
    assert tab.chromium.value("document.querySelector('iframe')") is None


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "//other.example/\x9b31m\x1b]52;c;AA\x07.trace",
            "%C2%9B31m%1B%5D52%3Bc%3BAA%07.trace: 404",
        ),
        ("index.html", "not a file of this site"),
        ("large.trace", "large.trace: more than 1000 bytes"),
    ],
)
def test_an_address_that_names_no_file_of_the_folder(
    tab: AppInBrowser, site: Path, file: str, said: str
) -> None:
    (site / "large.trace").write_bytes(bytes(1001))
    manifest = (site / "site.json").read_text(encoding="utf-8")
    packed = (site / "site.json.gz").read_bytes()
    (site / "site.json.gz").unlink()
    (site / "site.json").write_text(json.dumps(json.loads(manifest) | {"largest": 1000}))
    time.sleep(LOOK_SECONDS)
    try:
        tab.chromium.call("Page.navigate", url="about:blank")
        tab.open("step --open page.trace", fragment="file=" + quote(file, safe=""))
        tab.shows(said, "page.trace")
    finally:
        (site / "site.json").write_text(manifest, encoding="utf-8")
        (site / "site.json.gz").write_bytes(packed)
        time.sleep(LOOK_SECONDS)
    tab.chromium.complaints[:] = [each for each in tab.chromium.complaints if "404" not in each]
