"""The app in headless Chromium: the same screens and numbers as here, and nothing asked elsewhere.

Needs Chromium and, in RNNVIZ_WEB_RUNTIME, a folder with Pyodide and xterm.js; else skipped.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import shlex
import shutil
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from browser_app import LOADING, AppInBrowser, lines, native, runtime_folder, sequence
from chromium import Chromium, installed

import rnnviz
from rnnviz.trace.file import open_trace
from rnnviz.tui.export import pictures
from rnnviz.tui.step.app import settled
from rnnviz.web.files import FileAnswer, StaticFolder
from rnnviz.web.server import FileServer
from rnnviz.web.site import build_site

pytestmark = pytest.mark.skipif(
    installed() is None or runtime_folder() is None,
    reason="needs Chromium, and RNNVIZ_WEB_RUNTIME: a folder with Pyodide and xterm.js",
)

#: The most bytes that are sent before the first screen.
MOST_BYTES = 17_000_000
#: Keys after which the screen is compared, one after the other.
STATES = (
    "right", "right", "right", "left", "up", "up", "down", "full_stop", "full_stop", "comma",
    "enter", "right", "escape", "end", "home", "v", "v", "l", "2", "right", "3", "1", "right",
    "right", "e", "right", "escape", "B", "right", "left", "escape", "w", "right", "escape",
    "i", "escape", "c", "O", "X", "escape", "u", "down", "down", "escape", "R", "right",
    "escape", "k", "right", "escape", "0", "right", "escape", "r", "r", "p", "p", "Y", "Y", "T",
)  # fmt: skip
#: Command lines and keys of pages that STATES does not open. Left out: check, which shows rounding
#: errors, and those of float64 are others there; units of a net that writes, which takes minutes.
PAGES = {
    "net": ("step -m agnews-bilstm --view net 'Cup final goes to extra time'",
            ("right", "l", "V", "W", "escape")),
    "learning": ("step --view learning 'not good'", ("right", "escape")),
    "training": ("step --view training 'not good'", ("right", "tab", "escape")),
    "against": ("step --against 'it was good' 'it was not good'", ("right", "a", "D", "E", "A")),
    "write": ("step -m shakespeare-lstm --view write 'To be'", ("!", "*", "*", "left", "escape")),
    "hand": ("step --units 1 --cell lstm '1 0 0 1'", ("e", "+", "tab", "-", "K")),
    "series": ("step -m jena-gru", ("right", "left", "v", "escape")),
}  # fmt: skip
#: Texts that are traced with each model of the language.
TEXTS = (
    "this movie was not good", "not bad at all", "good", "i loved it", "a waste of time",
    "the plot is thin but the acting is great", "boring", "it was not a good film",
    "never again", "absolutely wonderful !", "hmm", "the the the the", "so so", "7 out of 10",
    "worst film of the year", "I would watch it again", "too long and too slow", "ok",
    "not not good", "what a beautiful and moving story",
)  # fmt: skip
MODELS = ("sentiment-lstm", "sentiment-gru", "sentiment-rnn", "sentiment-mingru", "imdb-lstm")


class CountingFolder(StaticFolder):
    """Remembers what was asked for and how many bytes were sent."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sent: dict[str, int] = {}

    def answer(self, target: str, headers: Mapping[str, str]) -> FileAnswer:
        answer = super().answer(target, headers)
        if answer.file is not None:
            size = int(answer.headers["Content-Length"])
            self.sent[target] = self.sent.get(target, 0) + size
        return answer


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    folder = tmp_path_factory.mktemp("web") / "site"
    build_site(folder, runtime_folder(), program=Path(installed() or ""))
    manifest = json.loads((folder / "site.json").read_text())
    assert manifest["compiled"]
    with FileServer(folder) as server:
        server.folder = CountingFolder(folder)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profile")


@pytest.fixture(scope="module")
def tab(serving: FileServer, profile: Path) -> Iterator[AppInBrowser]:
    with Chromium(profile) as chromium:
        media = [{"name": "prefers-color-scheme", "value": "dark"}]
        chromium.call("Emulation.setEmulatedMedia", features=media)
        chromium.call("Browser.setDownloadBehavior", behavior="allow",
                      downloadPath=str(profile.parent))  # fmt: skip
        yield AppInBrowser(chromium, f"http://127.0.0.1:{serving.port}/")


@pytest.fixture(autouse=True)
def only_this_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test: no request to another host, no error in the console."""
    chromium = request.getfixturevalue("tab").chromium
    chromium.requests.clear()
    chromium.complaints.clear()
    yield
    address = request.getfixturevalue("tab").address
    elsewhere = [
        url for url in chromium.requests if not url.startswith((address, "data:", "blob:"))
    ]
    assert elsewhere == [] and chromium.complaints == []


#: The stages of the start, as the page marks them, and the first screen.
_STAGES = ["script", "wasm", "unpacked", "pyodide", "imported", "run", "painted"]
_MARKS = f"{_STAGES}.map((name) => performance.getEntriesByName('rnnviz-' + name)[0].startTime)"
#: Seconds to the first screen; how many there are depends on the machine.
SLOWEST_START = 60.0


def _seconds_to_the_first_screen(tab: AppInBrowser, name: str) -> float:
    marks = [milliseconds / 1000 for milliseconds in tab.chromium.value(_MARKS)]
    print(f"{name}:", ", ".join(f"{n} {s:.2f} s" for n, s in zip(_STAGES, marks, strict=True)))
    return float(marks[-1])


def test_the_first_screen_costs_few_bytes_and_later_ones_none(
    tab: AppInBrowser, serving: FileServer
) -> None:
    tab.open("step")
    assert _seconds_to_the_first_screen(tab, "cold") < SLOWEST_START
    folder = serving.folder
    assert isinstance(folder, CountingFolder)
    sent = folder.sent
    assert sum(sent.values()) < MOST_BYTES, sent
    models = {name.rpartition("/")[2] for name in sent if "/models/" in name}
    assert models <= {"sentiment-lstm.json", "sentiment-lstm.safetensors"}
    assert {url.rpartition("/")[2] for url in tab.chromium.requests} >= {
        name.rpartition("/")[2] for name in sent
    }, "what the worker asks for is counted, too"
    tab.until(lambda: any(name.endswith("/later.zip") for name in folder.sent), "later.zip")
    time.sleep(4)  # it is read to its end
    folder.sent = {}
    tab.open("step")
    assert _seconds_to_the_first_screen(tab, "warm") < SLOWEST_START
    again = sum(folder.sent.values())
    assert again < 100_000, folder.sent


@pytest.mark.parametrize("lang", ["en", "tr"])
async def test_screens_are_those_of_a_terminal(tab: AppInBrowser, lang: str) -> None:
    await _same_screens(tab, ["step", "--lang", lang, "this movie was not good"], STATES)


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("name", PAGES)
async def test_pages_are_those_of_a_terminal(tab: AppInBrowser, name: str, lang: str) -> None:
    line, keys = PAGES[name]
    await _same_screens(tab, [*shlex.split(line), "--lang", lang], keys)


async def _same_screens(tab: AppInBrowser, args: Sequence[str], keys: Sequence[str]) -> None:
    """Compare the screens after each key with those of a terminal."""
    await asyncio.to_thread(tab.open, shlex.join(args))
    different = []
    async with native(args, tab.size) as (app, pilot):
        for n, key in enumerate(("", *keys)):
            if key:
                await pilot.press(key)
                tab.send(sequence(key))
            await settled(app, pilot)
            expected = lines(pictures.of_screen(app, "txt"))
            end = time.monotonic() + 10
            while (found := lines(tab.text)) != expected and time.monotonic() < end:
                await asyncio.sleep(0.05)
            if found != expected:
                different.append((n, key, list(difflib.unified_diff(expected, found, n=0))))
    report = "\n".join(f"{n} {key}: " + "\n".join(diff) for n, key, diff in different)
    assert not different, f"{len(different)} of {len(keys) + 1} differ\n{report}"


def test_numbers_are_those_of_this_machine(tab: AppInBrowser, profile: Path) -> None:
    tab.open("explain z")
    worst = 0.0
    for model in MODELS:
        for n, text in enumerate(TEXTS):
            file = profile.parent / f"{model}-{n}.npz"
            tab.start_again(f"step -m {model} --save {file.name} -q --plain -- '{text}'")
            tab.until(file.is_file, f"{model}: {text}")
            found, here = open_trace(file), rnnviz.step(text, model=model)
            assert found.tokens == here.tokens
            for layer, own in zip(found.layers, here.layers, strict=True):
                for ours, theirs in ((own.values, layer.values), (own.grads, layer.grads)):
                    for name, array in ours.items():
                        gap = np.abs(theirs[name] - array).max(initial=0)
                        worst = max(worst, float(gap))
    assert worst <= 5e-6
    print(f"largest difference {worst:.2g}")


def test_keys_are_answered_at_once(tab: AppInBrowser) -> None:
    tab.open("step 'this movie was not good'")
    tab.shows("token 1 of 5")
    taken = tab.chromium.call(
        "Runtime.evaluate", awaitPromise=True, returnByValue=True,
        expression="""(async () => {
          const taken = [];
          for (let n = 0; n < 40; n++) {
            const began = performance.now();
            await new Promise((done) => {
              const drawn = rnnvizTerminal.onRender(() => { drawn.dispose(); done(); });
              rnnvizTerminal.input(n % 8 < 4 ? "\\x1b[C" : "\\x1b[D");
            });
            taken.push(performance.now() - began);
            await new Promise((done) => setTimeout(done, 150));
          }
          return taken;
        })()""",
    )["result"]["value"]  # fmt: skip
    print(f"a key: median {statistics.median(taken):.0f} ms, slowest {max(taken):.0f} ms")
    assert len(taken) == 40  # how fast depends on the machine


def test_typing_turkish_letters_paste_mouse_and_sizes(tab: AppInBrowser) -> None:
    tab.open("step --lang tr -m sentiment-lstm-tr 'bu film iyi'")
    tab.shows("yardım")
    tab.send("t")
    time.sleep(1)
    for letter in "şu ağır İyi":
        tab.chromium.call("Input.insertText", text=letter)
    tab.shows("şu ağır İyi")
    paste = "new DataTransfer()"
    tab.chromium.value(
        f"(() => {{ const data = {paste}; data.setData('text/plain', ' değil');"
        "document.querySelector('.xterm-helper-textarea').dispatchEvent("
        "new ClipboardEvent('paste', { clipboardData: data, bubbles: true })); })()"
    )
    tab.shows("şu ağır İyi değil")
    tab.send("\r")
    tab.shows("1/4")
    column, row = _place(tab, "değil")
    _click(tab, column, row)
    tab.shows("4/4")
    tab.resize(400, 150)
    tab.shows("60×20")
    tab.resize(1100, 700)
    tab.shows("4/4", "yardım")


def _place(tab: AppInBrowser, text: str) -> tuple[int, int]:
    """The column and the row of the first place of a text."""
    for row, line in enumerate(tab.text.split("\n")):
        if row > 1 and text in line:
            return line.index(text) + 1, row
    raise AssertionError(text)


def _click(tab: AppInBrowser, column: int, row: int) -> None:
    x0, y0, width, height = tab.chromium.value(
        "(() => { const r = document.querySelector('.xterm-screen').getBoundingClientRect();"
        "return [r.x, r.y, r.width, r.height]; })()"
    )
    columns, rows = tab.size
    x, y = x0 + (column + 0.5) * width / columns, y0 + (row + 0.5) * height / rows
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        tab.chromium.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                          clickCount=1)  # fmt: skip


async def test_a_screenshot_is_downloaded_and_is_that_of_a_terminal(
    tab: AppInBrowser, profile: Path
) -> None:
    tab.open("step 'not good'")
    tab.shows("token 1 of 2")
    file = profile.parent / "rnnviz-1.svg"
    file.unlink(missing_ok=True)
    async with native(["step", "not good"], tab.size) as (app, pilot):
        await settled(app, pilot)
        expected = pictures.of_screen(app, "svg")
        end = time.monotonic() + 10
        while lines(tab.text) != lines(pictures.of_screen(app, "txt")):
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
    tab.send("s")
    tab.until(file.is_file, "download")
    assert file.read_text(encoding="utf-8") == expected


def test_files_that_are_saved_quickly_all_arrive(tab: AppInBrowser, profile: Path) -> None:
    tab.open("explain z")
    tab.chromium.value(
        "for (let n = 0; n < 30; n++)"
        "postMessage({ type: 'download', name: `quick-${n}.txt`, bytes: new Uint8Array(9) })",
        in_worker=True,
    )
    tab.until(lambda: len(list(profile.parent.glob("quick-*.txt"))) == 30, "30 files")


async def test_a_lesson_from_start_to_end_is_that_of_a_terminal(
    tab: AppInBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    await asyncio.to_thread(tab.open, "lesson not --lang tr")
    async with native(["lesson", "not", "--lang", "tr"], tab.size) as (app, pilot):
        screen = app.step_screen
        for _ in range(60):
            await settled(app, pilot)
            if app.screen is screen:  # else the picture is of the list alone
                expected = lines(pictures.of_screen(app, "txt"))
                end = time.monotonic() + 10
                while (found := lines(tab.text)) != expected and time.monotonic() < end:
                    await asyncio.sleep(0.05)
                assert found == expected
            else:
                await asyncio.sleep(1)
            player = screen.view_state.lesson.player
            if player.step == player.lesson.steps[-1]:
                return
            # A question opens a list or a line; without an answer enter goes on.
            key = "enter" if app.screen is not screen or screen.prompt.input else "pagedown"
            await pilot.press(key)
            tab.send(sequence(key))
    raise AssertionError("the lesson has no end")


def test_a_lesson_goes_on_where_the_last_page_left_it(tab: AppInBrowser) -> None:
    tab.open("lesson not --restart")
    tab.shows("step 1 of 11")
    tab.send(sequence("pagedown"))
    tab.shows("step 2 of 11")
    tab.wait(_has_saved("state", "lessons.json", '"step": "not.guess"'))
    tab.open("lesson not")
    tab.shows("step 2 of 11", "You were here the last time")


def _has_saved(store: str, name: str, text: str) -> str:
    """Whether the page's database has a file under a name that begins so, with this text in it."""
    return f"""new Promise((resolve) => {{
        const request = indexedDB.open("rnnviz");
        request.onsuccess = () => {{
            const store = request.result.transaction("{store}").objectStore("{store}");
            const read = store.get(IDBKeyRange.bound("{name}", "{name}~"));
            read.onsuccess = () =>
                resolve(new TextDecoder("latin1").decode(read.result).includes({text!r}));
            request.result.close();
        }};
    }})"""


def test_every_command_that_prints_and_those_that_are_refused(tab: AppInBrowser) -> None:
    tab.open("models")
    tab.shows("sentiment-lstm")
    for line, text in (
        ("train", "does not work in a browser"), ("lesson", "The conveyor belt"),
        ("stap", "Did you mean"), ("explain z --lang tr", "güncelleme"),
        ("step --plain 'not good'", "Token 2, good: a_i"),
    ):  # fmt: skip
        tab.start_again(line)
        tab.shows(text)


def test_who_goes_back_finds_the_app(tab: AppInBrowser) -> None:
    tab.open("explain z")
    tab.open("models")
    tab.chromium.value("setTimeout(() => history.go(-2), 50)")  # over about:blank
    tab.shows("update gate", seconds=LOADING)


def test_memory_of_the_tab(tab: AppInBrowser) -> None:
    """Also with pages before it in the same tab, and after several commands in the same page."""
    for line in ("models", "explain z", "step 'this movie was not good'"):
        tab.open(line)
    for key in STATES:
        tab.send(sequence(key))
        time.sleep(0.2)
    _memory_is_bounded(tab, "after all pages")
    for _ in range(5):
        tab.send("qq")
        tab.start_again("step 'this movie was not good'")
        tab.shows("token 1 of 5")
    _memory_is_bounded(tab, "after five commands more")


def _memory_is_bounded(tab: AppInBrowser, when: str) -> None:
    processes = tab.chromium.renderers()
    assert processes
    own, shared = max(map(_memory, processes))
    print(f"{when}: {own / 1e6:.0f} MB of its own, {shared / 1e6:.0f} MB shared with others")
    assert own < 450e6


def _memory(pid: int) -> tuple[int, int]:
    """The bytes of a process in memory: its own, and those of files such as the program."""
    try:
        _, resident, shared, *_rest = map(int, Path(f"/proc/{pid}/statm").read_text().split())
    except OSError:
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return (resident - shared) * page, shared * page


def test_a_browser_saves_the_modules_that_it_compiles(tab: AppInBrowser, tmp_path: Path) -> None:
    """Of a folder for which nothing was compiled."""
    build_site(tmp_path / "site", runtime_folder())
    with FileServer(tmp_path / "site") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        address, tab.address = tab.address, f"http://127.0.0.1:{server.port}/"
        try:
            tab.open("explain z")
            tab.wait(_has_saved("compiled", "python-", "rnnviz/browser.py"), LOADING)
            compiling = _seconds_to_the_first_screen(tab, "compiling")
            tab.open("explain z")
            tab.shows("reset gate")
            assert _seconds_to_the_first_screen(tab, "compiled and saved") < 0.8 * compiling
        finally:
            tab.address = address
            server.shutdown()
            thread.join()
    tab.chromium.requests.clear()  # of an address that is no longer the tab's


def test_a_page_whose_modules_do_not_arrive_says_so(
    tab: AppInBrowser, serving: FileServer, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(serving.folder.path, folder)
    for path in folder.glob("python-*/first.zip*"):
        path.unlink()
    with FileServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        tab.chromium.call("Page.navigate", url=f"http://127.0.0.1:{server.port}/app.html?step")
        tab.wait("document.getElementById('loading')?.innerText.includes('first.zip: 404')", 60)
        server.shutdown()
        thread.join()
    tab.chromium.complaints.clear()
    tab.chromium.requests.clear()
