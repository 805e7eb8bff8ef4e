"""The app in a page of headless Chromium, and the same command line here."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from chromium import Chromium

from rnnviz.cli import options, run
from rnnviz.cli.browser_limits import deferred_apps
from rnnviz.tui.step.app import RnnvizApp, settled

#: Seconds for Python and rnnviz to load, and for an answer to keys.
LOADING, ANSWER = 120.0, 20.0
LINES = """(() => {
  const terminal = globalThis.rnnvizTerminal;
  if (!terminal) return "";
  const { active } = terminal.buffer, lines = [];
  for (let y = 0; y < terminal.rows; y++)
    lines.push(active.getLine(active.viewportY + y)?.translateToString(true) ?? "");
  return lines.join("\\n");
})()"""


class AppInBrowser:
    """A tab with the app; ``address`` is that of the server, ``chromium`` the browser."""

    def __init__(self, chromium: Chromium, address: str) -> None:
        self.chromium, self.address = chromium, address

    def open(self, line: str, size: tuple[int, int] = (1100, 700), fragment: str = "") -> None:
        """Open the app with a command line; it is drawn when this returns."""
        self.resize(*size)
        url = f"{self.address}app.html?{quote(line, safe='')}#{fragment}"
        # Else what follows may ask the page that is left.
        self.chromium.call("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self.chromium.call("Page.navigate", url=url)
        self.wait("performance.getEntriesByName('rnnviz-painted').length > 0", LOADING)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in pixels."""
        self.chromium.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def wait(self, condition: str, seconds: float = ANSWER) -> None:
        """Wait until an expression is true."""
        self.until(lambda: bool(self.chromium.value(condition)), condition, seconds)

    def until(self, true: Callable[[], bool], what: str, seconds: float = ANSWER) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not true():
            failure = self.chromium.value("document.getElementById('loading')?.innerText ?? ''")
            assert time.monotonic() < end, f"{what}\n{failure}\n{self.text}"
            time.sleep(0.05)

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return str(self.chromium.value(LINES))

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal."""
        columns, rows = self.chromium.value("[rnnvizTerminal.cols, rnnvizTerminal.rows]")
        return int(columns), int(rows)

    def shows(self, *texts: str, seconds: float = ANSWER) -> None:
        """Wait until the terminal shows these texts."""
        self.until(lambda: all(text in self.text for text in texts), f"{texts}", seconds)

    def send(self, data: str) -> None:
        """Type: what a terminal would send."""
        self.chromium.value(f"rnnvizTerminal.input({_quoted(data)})")

    def ends(self) -> None:
        """Wait until no command runs."""
        self.wait("!document.getElementById('ended').hidden")

    def start_again(self, line: str) -> None:
        """Run another command line in the same page, after the first has ended."""
        self.ends()
        self.chromium.value(
            "(() => { const form = document.querySelector('#ended form');"
            f"form.elements.line.value = {_quoted(line)}; form.requestSubmit(); }})()"
        )


def _quoted(text: str) -> str:
    return json.dumps(text)


#: What a terminal sends for the keys that Textual names.
SEQUENCES = {
    "right": "\x1b[C", "left": "\x1b[D", "up": "\x1b[A", "down": "\x1b[B", "enter": "\r",
    "escape": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "pagedown": "\x1b[6~",
    "pageup": "\x1b[5~", "home": "\x1b[H", "end": "\x1b[F", "f4": "\x1bOS", "f9": "\x1b[20~",
    "f5": "\x1b[15~",
    "full_stop": ".", "comma": ",", "semicolon": ";", "question_mark": "?",
}  # fmt: skip


def sequence(key: str) -> str:
    """What a terminal sends for a key of Textual."""
    return SEQUENCES.get(key, key)


@asynccontextmanager
async def native(args: Sequence[str], size: tuple[int, int]) -> Any:
    """The app of a command line, run here without a terminal, and its pilot."""
    with deferred_apps() as apps, pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "stdout_is_terminal", lambda: True)
        patch.setattr(options, "unicode", lambda: True)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLORTERM", "truecolor")
        assert run(list(args)) == 0
    (app,) = apps
    assert isinstance(app, RnnvizApp)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot


def lines(text: str) -> list[str]:
    """The lines without spaces at their ends."""
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


def runtime_folder() -> Path | None:
    """The folder of RNNVIZ_WEB_RUNTIME, with Pyodide and xterm.js."""
    name = os.environ.get("RNNVIZ_WEB_RUNTIME")
    return Path(name) if name else None
