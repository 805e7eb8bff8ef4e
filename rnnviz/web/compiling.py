"""Python's modules compiled beforehand, by a Chromium on this machine, for the browsers to come.

Compiling is most of the time that the app takes to start, and only the Python of the page can do it
for itself: compiled modules of another version are of no use to it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

#: Names on PATH of browsers with headless Chromium; RNNVIZ_CHROMIUM is the path of another one.
_NAMES: Final = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge", "msedge", "brave-browser",
)  # fmt: skip
#: Where it is on macOS and Windows, and where Playwright and Puppeteer put theirs: patterns of
#: paths, with variables of the environment.
_PLACES: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "$PROGRAMFILES/Google/Chrome/Application/chrome.exe",
    "$LOCALAPPDATA/Google/Chrome/Application/chrome.exe",
    "${PROGRAMFILES(X86)}/Microsoft/Edge/Application/msedge.exe",
    "$PROGRAMFILES/Microsoft/Edge/Application/msedge.exe",
    *(f"{folder}/chromium*/chrome-*/{name}"
      for folder in ("$PLAYWRIGHT_BROWSERS_PATH", "$HOME/.cache/ms-playwright")
      for name in ("chrome", "headless_shell", "chrome-headless-shell")),
    *(f"$HOME/.cache/puppeteer/{name}/*/{name}-*/{name}"
      for name in ("chrome", "chrome-headless-shell")),
)  # fmt: skip
#: The page that compiles.
PAGE: Final = "compile.html"
#: The file of its answer that names what a first screen needs.
_FIRST: Final = "first.json"
#: Seconds after which compiling is given up, and the most bytes of the result.
TIMEOUT, _MOST_BYTES = 180.0, 64_000_000


def chromium() -> Path | None:
    """The program of a Chromium, Chrome, Edge or Brave; None if none is found."""
    named = os.environ.get("RNNVIZ_CHROMIUM")
    if named is not None:
        return Path(named) if named else None
    on_path = next(filter(None, map(shutil.which, _NAMES)), None)
    if on_path is not None:
        return Path(on_path)
    for place in map(Path, map(os.path.expandvars, _PLACES)):
        if place.is_absolute():  # not if a variable has no value
            paths = Path(place.anchor).glob(str(place.relative_to(place.anchor)))
            if found := max(filter(Path.is_file, paths), default=None):
                return found
    return None


class CompiledModules(NamedTuple):
    """Compiled modules by the name of their source, and the files that a first screen needs."""

    modules: dict[str, bytes]
    first: frozenset[str]


def compile_modules(folder: Path, program: Path) -> CompiledModules | None:
    """The modules of a site that has PAGE, as the browser of that program compiles them.

    None if the browser does not start or does not answer in time: each browser then compiles what
    it needs for itself.
    """
    token = secrets.token_urlsafe(16)
    with (
        CompilingServer(folder, f"/{token}") as server,
        tempfile.TemporaryDirectory(prefix="rnnviz-", ignore_cleanup_errors=True) as profile,
    ):
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{PAGE}?{token}"
        try:
            process = subprocess.Popen(
                [str(program), *_options(profile), url],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            process = None
        try:
            if process is not None:
                threading.Thread(target=server.wait_for, args=(process,), daemon=True).start()
                server.answered.wait(TIMEOUT)
        finally:
            if process is not None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
            server.shutdown()
            thread.join()
    return _read(server.result)


def _options(profile: str) -> list[str]:
    options = [
        "--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
        "--no-first-run", "--no-default-browser-check", f"--user-data-dir={profile}",
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium refuses to start for root with one
    return options


def _read(archive: bytes) -> CompiledModules | None:
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            modules = {name: opened.read(name) for name in opened.namelist()}
        return CompiledModules(modules, frozenset(json.loads(modules.pop(_FIRST))))
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None


class CompilingServer(ThreadingHTTPServer):
    """Serves a folder on loopback and takes one answer, under a path that nobody can guess."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path, path: str) -> None:
        self.path = path
        self.answered = threading.Event()
        self.result = b""
        super().__init__(("127.0.0.1", 0), partial(_CompilingHandler, directory=str(folder)))

    def wait_for(self, process: subprocess.Popen[bytes]) -> None:
        """Take the end of the browser for an answer."""
        process.wait()
        self.answered.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the browser has closed: nothing to report."""


class _CompilingHandler(SimpleHTTPRequestHandler):
    """Requests of the browser."""

    server: CompilingServer
    extensions_map: Final = {  # type: ignore[misc]
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm",
    }  # fmt: skip

    def do_POST(self) -> None:
        """Take the answer."""
        length = self.headers.get("Content-Length", "")
        if self.path != self.server.path or not length.isdigit() or int(length) > _MOST_BYTES:
            self.send_error(404)
            return
        self.server.result = self.rfile.read(int(length))
        self.send_response(204)
        self.end_headers()
        self.server.answered.set()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
