"""The folder that a browser needs to run the app: built once, and again when rnnviz changes.

Its files have no server of their own: any host of static files will do.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from rnnviz import i18n
from rnnviz.data.catalogue import RemoteFile
from rnnviz.errors import RnnvizError, UsageError, system_reason
from rnnviz.files import read_limited, write_atomically
from rnnviz.messages import _
from rnnviz.trace.file import LARGEST
from rnnviz.version import VERSION
from rnnviz.web import archives, compiling, packing, replacement, runtime_files
from rnnviz.web.compiling import CompiledModules
from rnnviz.web.files import PACKED, POLICY
from rnnviz.web.landing import landing_page
from rnnviz.web.replacement import MANIFEST
from rnnviz.web.runtime_files import RUNTIME_FILES, Progress

_STATIC: Final = Path(__file__).parent / "static"
_SCRIPTS: Final = ("app.js", "landing.js", "worker.js", "style.css")
_COMPILING: Final = (compiling.PAGE, "compile.js")
#: Files of other endings are compressed already.
_COMPRESSED: Final = (".html", ".js", ".mjs", ".css", ".wasm", ".zip", ".json", ".csv", ".tsv",
               ".txt")  # fmt: skip
#: The ending of a compressed file that has to arrive as it is.
PLAIN: Final = ".bin"
#: A zip without files: the modules of Python are not in a zip, where it looks for them first.
_EMPTY_ZIP: Final = b"PK\5\6" + bytes(18)


def cache_folder() -> Path:
    """The folder for the site and for what was downloaded; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("rnnviz")) / "web"


def is_current(folder: Path, files: tuple[RemoteFile, ...] = RUNTIME_FILES) -> bool:
    """Whether the folder is there, made of rnnviz as it is now."""
    found = read_manifest(folder)
    return found is not None and found.get("key") == _key(files)


def build_site(
    folder: Path,
    runtime: Path | None = None,
    progress: Progress | None = None,
    files: tuple[RemoteFile, ...] = RUNTIME_FILES,
    program: Path | None = None,
) -> Path:
    """Make the folder, or make it anew if rnnviz has changed since; return it.

    What else lies in it by then, such as reports, stays.
    ``runtime`` is a folder with Pyodide and xterm.js; without one they are downloaded, once, and
    ``progress`` is told. ``program`` is a Chromium that compiles Python's modules; without one
    every browser compiles them when it first opens the page.

    UsageError for a folder with something else in it; MissingError if ``runtime`` lacks a file;
    RnnvizError if a download failed.
    """
    key = _key(files)
    old = read_manifest(folder)
    if old is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            _("{folder} is not empty and was not made by rnnviz serve. Name another one.").format(
                folder=folder
            )
        )
    # One that was built without a browser is built anew when there is one.
    asked = program is None or (old is not None and old.get("asked_browser"))
    if old is not None and old.get("key") == key and asked:
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".rnnviz-web-") as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            _build(new, runtime, progress, files, key, program)
            if old is not None:
                (Path(temporary) / "old").mkdir()
                # Whatever happens from here on, the folder is not current before all is done.
                write_atomically(folder / MANIFEST, json.dumps({**old, "key": ""}))
                replacement.replace(folder, new, Path(temporary) / "old")
            else:
                if folder.exists():
                    folder.rmdir()
                new.rename(folder)
    except OSError as error:
        raise RnnvizError(
            _("Cannot write {path}: {reason}.").format(path=folder, reason=system_reason(error))
        ) from error
    return folder


def _build(
    folder: Path,
    runtime: Path | None,
    progress: Progress | None,
    files: tuple[RemoteFile, ...],
    key: str,
    program: Path | None,
) -> None:
    """Write everything into an empty folder."""
    runtime_folder = _named(folder, "runtime", files)
    if runtime is not None:
        runtime_files.copy_from(runtime, files, runtime_folder)
    else:
        store = cache_folder() / f"pyodide-{runtime_files.PYODIDE}"
        runtime_files.fetched(files, store, progress)
        runtime_files.copy_from(store, files, runtime_folder)
    modules = archives.python_files(runtime_folder)
    (runtime_folder / "pyodide-lock.json").write_text(_lock_file(), encoding="utf-8")
    (runtime_folder / "empty.zip").write_bytes(_EMPTY_ZIP)
    assets = folder / "new-files"
    on_demand = {}
    for name, path in packing.assets_on_demand().items():
        name, data = packing.without_xz(name, path.read_bytes())
        # Some hosts unpack what ends in .gz for the browser.
        sent = name + PLAIN if name.endswith(PACKED) else name
        (assets / sent).parent.mkdir(parents=True, exist_ok=True)
        (assets / sent).write_bytes(data)
        on_demand[name] = [sent, len(data)]
    assets = _renamed(assets, "files")
    app = folder / "new-app"
    app.mkdir()
    for name in _SCRIPTS:
        shutil.copyfile(_STATIC / name, app / name)
    app = _renamed(app, "app")
    manifest: dict[str, Any] = {
        "schema": "rnnviz.site/1", "version": VERSION, "key": key, "runtime": runtime_folder.name,
        "files": assets.name, "app": app.name, "assets": f"{archives.PACKAGES}/rnnviz/assets",
        "asked_browser": program is not None, "largest": LARGEST,
        "unreported": sum(path.stat().st_size for path in runtime_folder.glob("pyodide.*")),
        "on_demand": on_demand, "texts": {lang: _texts(lang) for lang in i18n.LANGUAGES},
    }  # fmt: skip
    _write_archives(folder, manifest, modules, None)
    if program is not None:
        compiled = _compiled(folder, program)
        if compiled is not None:
            shutil.rmtree(folder / manifest["python"])
            _write_archives(folder, manifest, modules, compiled)
    for name, page in _pages(app.name, runtime_folder.name).items():
        (folder / name).write_text(page, encoding="utf-8")
    _compress(folder)


def _write_archives(
    folder: Path,
    manifest: dict[str, Any],
    modules: dict[str, Path | bytes],
    compiled: CompiledModules | None,
) -> None:
    """Write the archives and the manifest that names them."""
    python = folder / "new-python"
    python.mkdir()
    archives.write(modules, compiled, python)
    python = _renamed(python, "python")
    manifest |= {"python": python.name, "compiled": compiled is not None, "later": None}
    manifest["first"] = _part(python / archives.FIRST)
    if compiled is not None:
        listing = f"{python.name}/{archives.LISTING}"
        manifest["later"] = {**_part(python / archives.LATER), "files": listing}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _part(path: Path) -> dict[str, Any]:
    return {"path": f"{path.parent.name}/{path.name}", "size": path.stat().st_size}


def _compiled(folder: Path, program: Path) -> CompiledModules | None:
    """The modules of the archives, compiled by a browser."""
    pages = [folder / name for name in _COMPILING]
    for page in pages:
        shutil.copyfile(_STATIC / page.name, page)
    try:
        return compiling.compile_modules(folder, program)
    finally:
        for page in pages:
            page.unlink()


def _pages(app: str, runtime: str) -> dict[str, str]:
    values = {"{{app}}": app, "{{runtime}}": runtime, "{{policy}}": _meta_policy()}
    app_page = (_STATIC / "app.html").read_text(encoding="utf-8")
    pages = {"app.html": app_page, "index.html": landing_page()}
    for name in pages:
        for mark, value in values.items():
            pages[name] = pages[name].replace(mark, value)
    return pages


def _texts(lang: str) -> dict[str, str]:
    """The texts of the page around the terminal."""
    section = "web."
    return {
        key.removeprefix(section): text
        for key, text in i18n.catalogue(lang).items()
        if key.startswith(section)
    }


def _meta_policy() -> str:
    """The policy as an element of a page, where no server sends it; it cannot name ancestors."""
    return "; ".join(part for part in POLICY.split("; ") if not part.startswith("frame-ancestors"))


def _named(folder: Path, kind: str, files: tuple[RemoteFile, ...]) -> Path:
    """A new folder whose name has the hash of the files that will be in it."""
    digest = hashlib.sha256(repr([(file.path, file.hash) for file in files]).encode()).hexdigest()
    path = folder / f"{kind}-{digest[:12]}"
    path.mkdir()
    return path


def _renamed(folder: Path, kind: str) -> Path:
    """The folder under a name with the hash of what is in it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name} {path.stat().st_size} ".encode() + path.read_bytes())
    return folder.rename(folder.with_name(f"{kind}-{digest.hexdigest()[:12]}"))


def _compress(folder: Path) -> None:
    """Put a compressed copy beside each file that becomes smaller, as servers know it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (*_COMPRESSED, ".safetensors"):
            data = path.read_bytes()
            packed = gzip.compress(data, 6, mtime=0)
            if len(packed) < 0.95 * len(data):
                path.with_name(path.name + PACKED).write_bytes(packed)


def _lock_file() -> str:
    """Pyodide's table of packages, without any: the archives have what is needed."""
    info = {"abi_version": "2024_0", "arch": "wasm32", "platform": "emscripten_3_1_58",
            "python": runtime_files.PYTHON, "version": runtime_files.PYODIDE}  # fmt: skip
    return json.dumps({"info": info, "packages": {}})


def _key(files: tuple[RemoteFile, ...]) -> str:
    """What the folder depends on: versions, and the sizes and times of everything packed."""
    digest = hashlib.sha256(repr((VERSION, [(f.path, f.hash) for f in files])).encode())
    sources = packing.own_files() | packing.assets_on_demand()
    sources |= {f"static/{path.name}": path for path in sorted(_STATIC.iterdir())}
    sources |= {f"web/{path.name}": path for path in sorted(_STATIC.parent.glob("*.py"))}
    for name in sorted(sources):
        status = sources[name].stat()
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    for each in packing.required(packing.LIBRARIES):
        digest.update(f"{each.name} {each.version}\n".encode())
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder that was made here; None if it is another one."""
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        return None
    try:
        found = json.loads(read_limited(path, 1_000_000))
    except (ValueError, RnnvizError, OSError, RecursionError):
        return None
    known = isinstance(found, dict) and found.get("schema") == "rnnviz.site/1"
    return found if known and not folder.is_symlink() else None
