"""What runs in a web page, here on a page that only remembers what it was given."""

from __future__ import annotations

import asyncio
import io
import marshal
import os
import re
import subprocess
import sys
import weakref
import zipfile
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from rnnviz import browser, window
from rnnviz.cli import browser_limits
from rnnviz.cli import run as run_command
from rnnviz.errors import UsageError
from rnnviz.files import delivery
from rnnviz.tui.app import themed_app
from rnnviz.tui.terminal.page_driver import PageDriver

CODES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class RememberingPage:
    """A page without a browser."""

    def __init__(self) -> None:
        self.written = ""
        self.downloads: dict[str, bytes] = {}
        self.buttons: list[str] = []

    def write(self, data: str) -> None:
        self.written += data

    def keys(self, keys: str) -> None:
        self.buttons.append(keys)

    def download(self, name: str, data: bytes) -> None:
        self.downloads[name] = data

    @property
    def text(self) -> str:
        return CODES.sub("", self.written)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RememberingPage]:
    page = RememberingPage()
    streams = sys.stdin, sys.stdout, sys.stderr
    environment = dict(os.environ)
    folder = Path.cwd()
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (browser_limits, themed_app):
        monkeypatch.setattr(module, "in_browser", lambda: True)
    monkeypatch.setattr("rnnviz.cli.in_browser", lambda: True)
    monkeypatch.setattr(delivery, "deliver", None)
    yield page
    sys.stdin, sys.stdout, sys.stderr = streams
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


async def run(page: RememberingPage, line: str, columns: int = 80, rows: int = 24) -> int:
    """Start in the test itself: pytest replaces the streams between its fixtures and it."""
    browser.start(page)
    return await asyncio.wait_for(browser.run(line, columns, rows), 30)


async def shown(page: RememberingPage, text: str) -> None:
    for _ in range(500):
        if text in page.text:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(page.text[-2000:])


async def test_a_screen_opens_takes_keys_downloads_and_ends(page: RememberingPage) -> None:
    running = asyncio.ensure_future(run(page, "rnnviz step 'not good'", 100, 30))
    await shown(page, "token 1 of 2")
    browser.receive("\x1b[C")
    await shown(page, "fell by")
    browser.receive("s")
    await shown(page, "rnnviz-1.svg")
    assert page.downloads["rnnviz-1.svg"].startswith(b"<svg")
    browser.resize(40, 10)
    await shown(page, "60")
    browser.receive("q")
    assert await running == 0
    assert PageDriver.running is None
    assert page.written.endswith("\x1b[?1049l\x1b[0m")


FIRST_SCREEN = """
import asyncio, os, sys
from rnnviz import browser, cli
from rnnviz.cli import browser_limits
from rnnviz.tui.app import themed_app

for module in (cli, browser_limits, themed_app):
    module.in_browser = lambda: True

class Page:
    def write(self, data):
        if "token 1 of" in data:
            print(*sys.modules, file=sys.__stdout__, flush=True)
            os._exit(0)

    def keys(self, keys):
        pass

browser.start(Page())
asyncio.run(browser.run("step 'not good'", 100, 30))
"""


def test_the_first_screen_imports_only_what_it_needs(tmp_path: Path) -> None:
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_SCREEN], capture_output=True, text=True, env=environment
    )
    loaded = done.stdout.split()
    assert "rnnviz.tui.panels.heatmap" in loaded, done.stderr
    unneeded = {
        "rnnviz.analysis.shared_weights", "rnnviz.charts", "rnnviz.data.turkish",
        "rnnviz.engine.optimizers", "rnnviz.lessons.claims", "rnnviz.progress",
        "rnnviz.toy_net.default_nets", "rnnviz.tui.app.choice_list", "rnnviz.tui.panels.travel",
        "rnnviz.tui.step.go_to",
    }  # fmt: skip
    assert not unneeded.intersection(loaded)


async def test_a_language_and_a_page_can_be_named(page: RememberingPage) -> None:
    running = asyncio.ensure_future(
        run(page, "step --view reach --lang tr -m sentiment-lstm-tr 'hiç güzel değil'", 120, 36)
    )
    await shown(page, "hiç")
    await shown(page, "yardım")
    browser.receive("qq")
    assert await running == 0


async def test_commands_that_print_print_to_the_page(page: RememberingPage) -> None:
    assert await run(page, "rnnviz explain z") == 0
    assert "update gate" in page.text and "\r\n" in page.written
    assert await run(page, "rnnviz step --plain 'not good'") == 0
    assert "Tokens: not good." in page.text


async def test_wrong_lines_are_errors_of_one_line(page: RememberingPage) -> None:
    assert await run(page, "step 'not good") == 2
    assert "quotation mark" in page.text
    assert await run(page, "stap") == 2
    assert "Did you mean" in page.text
    assert await run(page, "x" * 200_000) == 2
    assert "200,000" in page.text


@pytest.mark.parametrize("name", [name for name in browser_limits.REFUSED if name != "class"])
async def test_what_needs_a_machine_is_refused_with_a_sentence(
    page: RememberingPage, name: str
) -> None:
    assert await run(page, name) == 2
    assert f"rnnviz {name} does not work in a browser" in page.text.replace("\r\n", " ")


async def test_refused_commands_are_not_listed(page: RememberingPage) -> None:
    assert await run(page, "--help") == 0
    commands = page.text.partition("Commands")[2]
    assert "lesson" in commands and "train" not in commands.partition("recipes")[0].split()


async def test_recordings_are_refused(page: RememberingPage) -> None:
    assert await run(page, "step good --record a.jsonl") == 2
    assert "--record" in page.text


async def test_written_files_are_downloads(page: RememberingPage) -> None:
    assert await run(page, "step 'not good' --save trace.npz -q --plain") == 0
    assert list(page.downloads) == ["trace.npz"]


def test_outside_a_browser_nothing_is_refused_or_delivered(tmp_path: Path) -> None:
    assert not window.in_browser()
    browser_limits.refuse("rnnviz train")
    assert delivery.deliver is None
    assert run_command(["explain", "z"]) == 0


def test_an_app_is_deferred_inside_the_context_only() -> None:
    app: object = object()
    assert not browser_limits.defer(app)  # type: ignore[arg-type]
    with browser_limits.deferred_apps() as apps:
        assert browser_limits.defer(app)  # type: ignore[arg-type]
    assert apps == [app] and not browser_limits.defer(app)  # type: ignore[arg-type]


def test_words_of_a_line() -> None:
    assert browser.words("rnnviz step 'it is' good") == ["step", "it is", "good"]
    assert browser.words("") == []
    with pytest.raises(UsageError):
        browser.words("step \"it's")


def test_compiled_modules_are_named_by_their_source_and_need_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = Path(browser.__file__).parent.parent
    # two names of a module, and a file imported twice, each as a module of its own
    monkeypatch.setitem(sys.modules, "another_name", window)
    spec = spec_from_file_location("window_again", window.__file__)
    assert spec is not None
    second = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "window_again", second)
    with zipfile.ZipFile(io.BytesIO(browser.compiled_modules(str(root), '["a"]'))) as archive:
        names = archive.namelist()
        names.remove("first.json")
        assert archive.read("first.json") == b'["a"]'
        data = archive.read("rnnviz/window.py")
    assert len(names) == len(set(names))
    assert "rnnviz/browser.py" in names and "rnnviz/cli/__init__.py" in names
    assert all((root / name).is_file() and name.endswith(".py") for name in names)
    assert data[:4] == MAGIC_NUMBER and data[4] == 1  # never compared with a source
    namespace = {"__name__": "again", "__file__": "", "__package__": "rnnviz"}
    exec(marshal.loads(data[16:]), namespace)
    assert namespace["within"](80, 24) == window.within(80, 24)  # type: ignore[operator]


def _in_place(loop: asyncio.AbstractEventLoop, executor: object, call: Any, *args: Any) -> Any:
    """What ``run_in_executor`` is in a browser, which has no threads."""
    future = loop.create_future()
    try:
        future.set_result(call(*args))
    except Exception as error:
        future.set_exception(error)
    return future


async def test_apps_that_have_ended_are_not_kept(
    page: RememberingPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", _in_place)
    apps = []
    for _ in range(3):
        page.written = ""
        running = asyncio.ensure_future(run(page, "step 'not good'", 100, 30))
        await shown(page, "token 1 of 2")
        apps.append(weakref.ref(browser._state.app))
        for key in ("\x1b[C", "c", "\x1b", "R"):
            browser.receive(key)
            await asyncio.sleep(0.2)
        while not running.done():
            browser.receive("q")
            await asyncio.sleep(0.2)
    assert await run(page, "explain z") == 0
    assert [app() for app in apps] == [None] * 3
