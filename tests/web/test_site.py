"""The folder of the app in a browser: what is in it, where its parts come from, when it is new."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from rnnviz import i18n
from rnnviz.data.catalogue import RemoteFile
from rnnviz.errors import InvalidFileError, MissingError, RnnvizError, UsageError
from rnnviz.lessons import catalogue
from rnnviz.lookup import shipped
from rnnviz.web import compiling, packing, site
from rnnviz.web.files import StaticFolder
from rnnviz.web.runtime_files import NUMPY, RUNTIME_FILES, STANDARD_LIBRARY
from rnnviz.web.site import build_site


def zipped(**files: bytes) -> bytes:
    """A compressed zip of modules."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/") + ".py", data)
    return packed.getvalue()


CONTENT = {
    "pyodide.mjs": b"export",
    "pyodide.asm.wasm": b"\0asm" * 500,
    STANDARD_LIBRARY: zipped(this=b"import that", json__decoder=b"a = 1", json__tests__all=b""),
    NUMPY: zipped(numpy__linalg=b"b = 2"),
    "xterm.css": b"a{}",
}
#: A program in the place of a browser: it asks for the page and hands over a compiled module.
BROWSER = """#!{python}
import io, json, sys, urllib.request, zipfile
page, _, token = sys.argv[-1].partition("?")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
read = lambda name: opener.open(page.rpartition("/")[0] + "/" + name).read()
assert b"compile.js" in opener.open(page).read() and read("compile.js")
site = json.loads(read("site.json"))
assert read(site["first"]["path"])[:2] == b"PK" and site["later"] is None
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w") as archive:
    archive.writestr("this.py", b"compiled")
    archive.writestr("json/decoder.py", b"compiled, too")
    archive.writestr("first.json", json.dumps(["this.py", "site-packages/numpy/linalg.py"]))
try:
    opener.open(page.rpartition("/")[0] + "/guess", b"worse")
except urllib.error.HTTPError as error:
    assert error.code == 404
    opener.open(page.rpartition("/")[0] + "/" + token, packed.getvalue())
"""


def remote(name: str, url: str = "http://127.0.0.1:9/") -> RemoteFile:
    content = CONTENT[name]
    digest = hashlib.sha256(content).hexdigest()
    return RemoteFile(name, (url + name,), len(content), f"sha256:{digest}")


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    folder = tmp_path / "runtime" / "inside"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return tmp_path / "runtime"


FILES = tuple(remote(name) for name in CONTENT)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few files for each archive, so that a folder takes no second."""
    own, assets, libraries = (
        packing.own_files(),
        packing.assets_on_demand(),
        packing.library_files(),
    )
    few = {name: path for name, path in own.items() if "/cells/" in name or "lessons/not" in name}
    monkeypatch.setattr(packing, "own_files", lambda: few)
    monkeypatch.setattr(packing, "library_files", lambda: dict(list(libraries.items())[:5]))
    models = {name: path for name, path in assets.items() if "jena-gru" in name}
    monkeypatch.setattr(packing, "assets_on_demand", lambda: models)


def test_the_folder_has_everything_and_names_it(tmp_path: Path, runtime: Path) -> None:
    folder = build_site(tmp_path / "site", runtime, files=FILES)
    manifest = json.loads((folder / "site.json").read_text())
    assert (folder / manifest["first"]["path"]).stat().st_size == manifest["first"]["size"]
    for sent, size in manifest["on_demand"].values():
        assert (folder / manifest["files"] / sent).stat().st_size == size
    assert manifest["compiled"] is False and manifest["later"] is None
    assert not list(folder.rglob("compile*"))
    assert set(manifest["texts"]) == set(i18n.LANGUAGES)
    assert (folder / manifest["app"] / "worker.js").is_file()
    for page in ("index.html", "app.html"):
        assert "{{" not in (folder / page).read_text()
        assert "Content-Security-Policy" in (folder / page).read_text()
    wasm = folder / manifest["runtime"] / "pyodide.asm.wasm"
    assert gzip.decompress(wasm.with_name(wasm.name + ".gz").read_bytes()) == wasm.read_bytes()
    with zipfile.ZipFile(folder / manifest["runtime"] / "empty.zip") as opened:
        assert opened.namelist() == []
    first = members(folder, "first.zip")
    assert first["this.py"] == b"import that" and first["json/decoder.py"] == b"a = 1"
    assert first["site-packages/numpy/linalg.py"] == b"b = 2"
    assert not any("tests" in name for name in first)
    assert "site-packages/rnnviz/cells/__init__.py" in first


def members(folder: Path, archive: str) -> dict[str, bytes]:
    """The files of an archive of the folder; none of them is compressed."""
    python = json.loads((folder / "site.json").read_text())["python"]
    with zipfile.ZipFile(folder / python / archive) as opened:
        assert {each.compress_type for each in opened.infolist()} == {zipfile.ZIP_STORED}
        return {name: opened.read(name) for name in opened.namelist()}


def browser(path: Path, program: str) -> Path:
    """An executable file in the place of a browser."""
    path.write_text(program.format(python=sys.executable))
    path.chmod(0o755)
    return path


def test_a_compiled_module_takes_the_place_of_its_source(tmp_path: Path, runtime: Path) -> None:
    program = browser(tmp_path / "browser", BROWSER)
    folder = build_site(tmp_path / "site", runtime, files=FILES, program=program)
    first, later = members(folder, "first.zip"), members(folder, "later.zip")
    assert first["this.pyc"] == b"compiled" and "this.py" not in first.keys() | later.keys()
    assert first["site-packages/numpy/linalg.py"] == b"b = 2"
    assert later["json/decoder.pyc"] == b"compiled, too"
    assert "site-packages/rnnviz/cells/__init__.py" in later
    assert not first.keys() & later.keys() and any("lessons/not" in name for name in first)
    manifest = json.loads((folder / "site.json").read_text())
    listed = json.loads((folder / manifest["later"]["files"]).read_text())
    assert dict(listed) == {name: len(data) for name, data in later.items()}
    for part in ("first", "later"):
        path = folder / manifest[part]["path"]
        assert path.stat().st_size == manifest[part]["size"]
    assert sorted(each.name for each in folder.glob("python-*")) == [manifest["python"]]
    assert not list(folder.glob("compile*"))


@pytest.mark.parametrize("program", ["#!{python}\nraise SystemExit(1)", "no program"])
def test_without_a_browser_that_answers_the_sources_are_sent(
    tmp_path: Path, runtime: Path, program: str
) -> None:
    path = browser(tmp_path / "browser", program)
    folder = build_site(tmp_path / "site", runtime, files=FILES, program=path)
    manifest = json.loads((folder / "site.json").read_text())
    assert not manifest["compiled"] and "this.py" in members(folder, "first.zip")
    built = (folder / "site.json").stat().st_mtime_ns
    build_site(folder, runtime, files=FILES, program=path)
    assert (folder / "site.json").stat().st_mtime_ns == built


def test_a_folder_built_without_a_browser_is_built_anew_with_one(
    tmp_path: Path, runtime: Path
) -> None:
    folder = build_site(tmp_path / "site", runtime, files=FILES)
    program = browser(tmp_path / "browser", BROWSER)
    build_site(folder, runtime, files=FILES, program=program)
    assert "this.pyc" in members(folder, "first.zip")
    build_site(folder, tmp_path / "nowhere", files=FILES)
    assert "this.pyc" in members(folder, "first.zip")


def test_a_current_folder_is_left_and_an_old_one_replaced(
    tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build_site(tmp_path / "site", runtime, files=FILES)
    built = (folder / "site.json").stat().st_mtime_ns
    assert build_site(folder, tmp_path / "nowhere", files=FILES) == folder
    assert (folder / "site.json").stat().st_mtime_ns == built
    monkeypatch.setattr(site, "VERSION", "99")
    build_site(folder, runtime, files=FILES)
    assert json.loads((folder / "site.json").read_text())["version"] == "99"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runtime", "site"]


@pytest.fixture
def with_reports(tmp_path: Path, runtime: Path) -> Path:
    """A site with what a user has put into it."""
    folder = build_site(tmp_path / "site", runtime, files=FILES)
    (folder / "reports").mkdir()
    (folder / "reports" / "a.html").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    (folder / "app-of-mine").mkdir()
    (folder / "link").symlink_to(runtime)
    return folder


def mine(folder: Path) -> bool:
    return (
        (folder / "reports" / "a.html").read_text() == "mine"
        and (folder / "notes.txt").read_text() == "mine"
        and (folder / "app-of-mine").is_dir()
        and (folder / "link").is_symlink()
    )


def test_what_users_put_into_it_outlives_a_new_version(
    tmp_path: Path, runtime: Path, with_reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name for path in with_reports.iterdir()}
    (with_reports / "app-0123456789ab").mkdir()  # of a replacement that was interrupted
    monkeypatch.setattr(site, "VERSION", "99")
    styles = tmp_path / "static"
    shutil.copytree(site._STATIC, styles)
    (styles / "style.css").write_text("body { margin: 1px }")
    monkeypatch.setattr(site, "_STATIC", styles)
    build_site(with_reports, runtime, files=FILES)
    assert mine(with_reports)
    manifest = json.loads((with_reports / "site.json").read_text())
    assert manifest["version"] == "99" and manifest["app"] not in before
    apps = [path.name for path in with_reports.glob("app-????????????")]
    assert apps == [manifest["app"]]
    fresh = build_site(tmp_path / "fresh", runtime, files=FILES)
    added = {"reports", "notes.txt", "app-of-mine", "link"}
    assert {path.name for path in with_reports.iterdir()} == added | {
        path.name for path in fresh.iterdir()
    }
    static = StaticFolder(with_reports)
    assert all(f"{manifest['app']}/{name}" in static for name in ("app.js", "style.css"))


@pytest.mark.parametrize("fails_at", range(9))
def test_a_replacement_that_fails_loses_nothing_and_is_done_again(
    tmp_path: Path, runtime: Path, with_reports: Path, monkeypatch: pytest.MonkeyPatch,
    fails_at: int,
) -> None:  # fmt: skip
    version = site.VERSION
    with monkeypatch.context() as patch:
        patch.setattr(site, "VERSION", "99")
        moved: list[Path] = []
        replaced = Path.replace

        def replace(part: Path, place: Path) -> Path:
            moved.append(place)
            if len(moved) > fails_at:
                raise OSError(28, "No space left on device")
            return replaced(part, place)

        patch.setattr(Path, "replace", replace)
        with pytest.raises(RnnvizError, match="No space left"):
            build_site(with_reports, runtime, files=FILES)
    assert mine(with_reports)
    for again in ("99", version):
        monkeypatch.setattr(site, "VERSION", again)
        build_site(with_reports, runtime, files=FILES)
        manifest = json.loads((with_reports / "site.json").read_text())
        assert manifest["version"] == again and mine(with_reports)
        assert (with_reports / manifest["first"]["path"]).is_file()


def test_a_folder_with_something_else_stays(tmp_path: Path, runtime: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    with pytest.raises(UsageError, match="not empty"):
        build_site(tmp_path / "mine", runtime, files=FILES)
    (tmp_path / "mine" / "site.json").write_text('{"schema": "other"}')
    with pytest.raises(UsageError, match="not empty"):
        build_site(tmp_path / "mine", runtime, files=FILES)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "all of it"


def test_files_of_other_content_are_not_taken(tmp_path: Path, runtime: Path) -> None:
    (runtime / "inside" / "xterm.css").write_bytes(b"b{}")
    with pytest.raises(MissingError, match=r"lacks xterm\.css"):
        build_site(tmp_path / "site", runtime, files=FILES)
    assert not (tmp_path / "site").exists()
    (runtime / "inside" / "xterm.css").unlink()
    (tmp_path / "real.css").write_bytes(CONTENT["xterm.css"])
    (runtime / "inside" / "xterm.css").symlink_to(tmp_path / "real.css")
    with pytest.raises(MissingError, match=r"lacks xterm\.css"):
        build_site(tmp_path / "site", runtime, files=FILES)
    with pytest.raises(UsageError, match="no such folder"):
        build_site(tmp_path / "site", tmp_path / "none", files=FILES)


@pytest.fixture
def host(runtime: Path) -> Iterator[tuple[str, list[str]]]:
    """A loopback server with the files, and what it was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, directory=str(runtime / "inside"))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            asked.append(unquote(self.path))

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
        server.shutdown()
        thread.join()


def test_without_a_folder_the_files_are_downloaded_once_by_their_hashes(
    tmp_path: Path, host: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    url, asked = host
    files = tuple(remote(name, url) for name in CONTENT)
    told: dict[str, tuple[int, int]] = {}
    build_site(
        tmp_path / "site", progress=lambda name, done, total: told.update({name: (done, total)}),
        files=files,
    )  # fmt: skip
    assert told == {name: (len(content), len(content)) for name, content in CONTENT.items()}
    assert sorted(asked) == sorted("/" + name for name in CONTENT)
    build_site(tmp_path / "other", files=files)
    assert len(asked) == len(CONTENT)


def test_a_download_of_other_content_is_refused(
    tmp_path: Path, runtime: Path, host: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    (runtime / "inside" / "xterm.css").write_bytes(b"evil")
    files = tuple(remote(name, host[0]) for name in CONTENT)
    with pytest.raises(InvalidFileError, match=r"is not xterm\.css"):
        build_site(tmp_path / "site", files=files)
    (runtime / "inside" / "xterm.css").unlink()
    with pytest.raises(RnnvizError):
        build_site(tmp_path / "site", files=files)
    assert not (tmp_path / "site").exists()


def test_every_runtime_file_has_a_hash_and_public_addresses() -> None:
    for file in RUNTIME_FILES:
        assert file.hash is not None and len(file.hash) == len("sha256:") + 64
        assert all(
            url.startswith("https://") and url.endswith("/" + file.path) for url in file.urls
        )


def test_no_file_is_compressed_with_xz() -> None:
    text = b"O Romeo, Romeo"
    assert packing.without_xz("text/a.txt.xz", lzma.compress(text)) == ("text/a.txt", text)
    assert packing.without_xz("models/a.json", text) == ("models/a.json", text)


def test_the_archives_have_rnnviz_its_texts_and_the_libraries(tmp_path: Path) -> None:
    libraries = {each.name.lower() for each in packing.required(packing.LIBRARIES)}
    assert {"textual", "rich", "click", "pygments", "markdown-it-py", "platformdirs"} <= libraries
    assert not libraries & {"numpy", "numba", "pooch", "safetensors", "requests"}
    packing.pack({"b.py": Path(__file__), "a.py": Path(__file__)}, tmp_path / "a.zip")
    packing.pack({"a.py": Path(__file__), "b.py": Path(__file__)}, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.read("a.py") == Path(__file__).read_bytes()


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.languages: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "main":
            self.languages.append(given.get("lang") or "")


def test_the_first_page_lists_lessons_and_models_in_each_language(
    tmp_path: Path, runtime: Path
) -> None:
    folder = build_site(tmp_path / "site", runtime, files=FILES)
    page = _Links((folder / "index.html").read_text(encoding="utf-8"))
    assert page.languages == list(i18n.LANGUAGES)
    lines = [unquote(link.removeprefix("app.html?")) for link in page.links]
    for lang in i18n.LANGUAGES:
        for lesson in catalogue.lessons(lang)[0]:
            assert f"lesson {lesson.id} --lang {lang}" in lines
        for name in shipped():
            assert f"step -m {name} --lang {lang}" in lines
    static = StaticFolder(folder)
    assert all(static.answer("/" + link, {}).status == 200 for link in page.links)


def test_scripts_and_styles_are_small_and_name_no_host() -> None:
    static = list((Path(site.__file__).parent / "static").iterdir())
    assert sum(path.stat().st_size for path in static) < 60_000
    assert not any("://" in path.read_text(encoding="utf-8") for path in static)


@pytest.mark.parametrize("place", [
    ".cache/ms-playwright/chromium-1140/chrome-linux/chrome",
    ".cache/ms-playwright/chromium_headless_shell-1200/chrome-linux/headless_shell",
    ".cache/puppeteer/chrome/linux-131.0.6778.85/chrome-linux64/chrome",
])  # fmt: skip
def test_the_browsers_of_playwright_and_puppeteer_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    for name, value in (("HOME", str(tmp_path)), ("PATH", ""), ("PLAYWRIGHT_BROWSERS_PATH", "")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RNNVIZ_CHROMIUM", raising=False)
    monkeypatch.chdir(tmp_path)
    assert compiling.chromium() is None
    program = tmp_path / place
    program.parent.mkdir(parents=True)
    program.touch()
    assert compiling.chromium() == program
