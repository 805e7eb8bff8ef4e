"""rnnviz in a web page: the command line and its screens on a terminal of the page.

The worker of the page (``rnnviz/web/static/worker.js``) calls :func:`run` with what is typed there,
and :func:`receive` and :func:`resize` with what happens to the terminal meanwhile.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import marshal
import os
import pkgutil
import shlex
import sys
import traceback
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.abc import SourceLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Final

from rnnviz.cli import run as run_command
from rnnviz.cli.browser_limits import deferred_apps
from rnnviz.cli.stderr import say
from rnnviz.errors import UsageError, shortened
from rnnviz.files import delivery
from rnnviz.messages import _
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.step.key_bar import key_buttons
from rnnviz.tui.step.screen import StepScreen
from rnnviz.tui.terminal.page_driver import BrowserTab, PageDriver
from rnnviz.tui.view.widget import KeyClicked
from rnnviz.window import within

PROGRAM: Final = "rnnviz"
#: The longest command line, in characters: a text has 10,000 words at most.
_LONGEST: Final = 100_000
#: Flags and hash in the head of a compiled module.
_UNCHECKED: Final = b"\1\0\0\0" + bytes(8)
_TERMINAL: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@dataclass
class _State:
    """What runs now, and the buttons that the page shows for it."""

    app: ThemedApp[int] | None = None
    keys: list[tuple[str, str]] = field(default_factory=list)


_state = _State()


class _PageStream(io.TextIOBase):
    """stdout and stderr: the terminal of the page, on which a line ends with CR LF."""

    encoding = "utf-8"

    def __init__(self, page: BrowserTab) -> None:
        self._page = page

    def isatty(self) -> bool:
        """It is a terminal."""
        return True

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Write to the page."""
        self._page.write(text.replace("\n", "\r\n"))
        return len(text)


class _NoInput(io.TextIOBase):
    """stdin: a terminal on which nothing is typed while a command runs."""

    def isatty(self) -> bool:
        """It is a terminal."""
        return True


def words(line: str) -> list[str]:
    """The arguments of a command line as typed, without the name of the program.

    UsageError if a quotation mark is not closed or the line is too long.
    """
    if len(line) > _LONGEST:
        raise UsageError(
            _("This command line has {count:,} characters; {most:,} are the most.").format(
                count=len(line), most=_LONGEST
            )
        )
    try:
        found = shlex.split(line)
    except ValueError as error:
        raise UsageError(
            _("{line}: a quotation mark is not closed.").format(line=shortened(line, 200))
        ) from error
    return found[1:] if found[:1] == [PROGRAM] else found


def start(page: BrowserTab) -> None:
    """Make the page the terminal of this process.

    Every file that a command writes for the user is handed to the page as a download.
    """
    PageDriver.page = page
    os.environ.update(_TERMINAL)
    sys.stdout, sys.stderr, sys.stdin = _PageStream(page), _PageStream(page), _NoInput()
    folder = Path.home() / "files"
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    delivery.deliver = lambda path: page.download(path.name, path.read_bytes())


async def run(line: str, columns: int, rows: int) -> int:
    """Run a command line, and the app that it opens; the exit code."""
    page = PageDriver.page
    resize(columns, rows)
    if gc.get_freeze_count():  # by the app that ran before
        gc.unfreeze()
        gc.collect()
    try:
        args = words(line)
    except UsageError as error:
        say(f"{PROGRAM}: {error}")
        return error.exit_code
    with deferred_apps() as apps:
        code = run_command(args)
    for app in apps:
        app.painted.append(partial(_show_keys, app))
        _state.app = app
        try:
            await app.run_async()
        finally:
            _state.app, _state.keys = None, []
            page.keys("[]")
        code = app.return_code or 0
        if app.fault is not None:
            traceback.print_exception(app.fault)
            code = 1
    return code


def _show_keys(app: ThemedApp[int]) -> None:
    """Tell the page the keys that work now, for buttons, if they are others than before."""
    screen = app.screen
    shown = key_buttons(screen.view_state) if isinstance(screen, StepScreen) else []
    if shown != _state.keys:
        _state.keys = shown
        PageDriver.page.keys(json.dumps(shown))


def receive(data: str) -> None:
    """What was typed, pasted or done with the mouse; nothing takes it while no app runs."""
    if PageDriver.running is not None:
        PageDriver.running.receive(data)


def press(action: str) -> None:
    """A button of the page for a key of the key bar."""
    if _state.app is not None:
        _state.app.screen.post_message(KeyClicked(action))


def import_all() -> None:
    """Import every module of rnnviz that can be imported in a browser."""
    package = Path(__file__).parent
    for module in pkgutil.walk_packages([str(package)], f"{PROGRAM}."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(module.name)


def compiled_modules(root: str, first: str) -> bytes:
    """The imported modules as Python compiled them: a zip, each under the path of its source.

    Only those in the folder ``root``, to which the paths are relative. They are marked as ones that
    need not be compared with a source (PEP 552). ``first`` is the JSON list of the files that a
    first screen needs; it becomes the file "first.json" of the zip.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("first.json", first)
        specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
        # by its file: one may have been imported under two names
        for spec in {spec.origin: spec for spec in specs if spec is not None}.values():
            path = Path(spec.origin or "")
            if isinstance(spec.loader, SourceLoader) and path.is_relative_to(root):
                data = MAGIC_NUMBER + _UNCHECKED + marshal.dumps(spec.loader.get_code(spec.name))
                archive.writestr(path.relative_to(root).as_posix(), data)
    return packed.getvalue()


def resize(columns: int, rows: int) -> None:
    """The terminal has another size now."""
    size = PageDriver.columns_and_rows = within(int(columns), int(rows))
    os.environ["COLUMNS"], os.environ["LINES"] = map(str, size)
    if PageDriver.running is not None:
        PageDriver.running.resize(*size)
