"""rnnviz and its libraries as archives that the page unpacks, from what is installed here."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Final

from rnnviz.errors import MissingError
from rnnviz.files import assets
from rnnviz.messages import _

#: What rnnviz imports in a browser, apart from NumPy; what these import is found.
LIBRARIES: Final = ("click", "platformdirs", "rich", "textual")
#: Folders of shipped files that the page fetches when they are read.
ON_DEMAND: Final = ("models", "samples")
#: Parts of rnnviz that do nothing in a browser.
_LEFT_OUT: Final = ("web", "bench", "classroom", "reproduce", "assets")
_SUFFIXES_LEFT_OUT: Final = (".pyc", ".so", ".pyd", ".dylib", ".exe", ".dll")
#: The date of every member, so that the same files give the same archive.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")
_EXTRA: Final = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def own_files() -> dict[str, Path]:
    """The modules, texts and small assets of rnnviz, by their path in site-packages."""
    package = Path(__file__).parent.parent
    found = {}
    for path in _regular(package):
        parts = path.relative_to(package).parts
        if parts[0] not in _LEFT_OUT:
            found[PurePosixPath("rnnviz", *parts).as_posix()] = path
    for path in _regular(assets()):
        parts = path.relative_to(assets()).parts
        if parts[0] in ("lessons", "dev"):
            found[PurePosixPath("rnnviz/assets", *parts).as_posix()] = path
    return found


def assets_on_demand() -> dict[str, Path]:
    """Models and tables, by their path in the folder of assets."""
    return {
        path.relative_to(assets()).as_posix(): path
        for folder in ON_DEMAND
        for path in _regular(assets() / folder)
    }


def without_xz(name: str, data: bytes) -> tuple[str, bytes]:
    """A file that is compressed with xz under the name it has without: Pyodide has no lzma."""
    if not name.endswith(".xz"):
        return name, data
    import lzma  # which some builds of Python lack

    return name.removesuffix(".xz"), lzma.decompress(data)


def library_files() -> dict[str, Path]:
    """The modules and licences of the libraries, by their path in site-packages."""
    found: dict[str, Path] = {}
    for each in required(LIBRARIES):
        for file in each.files or ():
            path = Path(str(each.locate_file(file)))
            if ".." not in file.parts and _is_packed(file.parts, file.suffix) and path.is_file():
                found[PurePosixPath(*file.parts).as_posix()] = path
    return found


def required(names: Iterable[str]) -> list[Distribution]:
    """These distributions and those they require here; an optional one that is absent is skipped.

    MissingError if one of ``names`` is not installed as a distribution.
    """
    found: dict[str, Distribution] = {}
    waiting = [(name, frozenset[str](), True) for name in names]
    while waiting:
        name, extras, needed = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found and not extras:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError as error:
            if not needed:
                continue
            raise MissingError(
                _("{name} is not installed as a package.\npip install {name}").format(name=name)
            ) from error
        for requirement in found[key].requires or ():
            wanted, _semicolon, marker = requirement.partition(";")
            extra = _EXTRA.search(marker)
            if extra is not None and extra[1] not in extras:
                continue
            match = _REQUIREMENT.match(wanted.strip())
            if match is not None and match[1] not in ("numpy",):
                more = frozenset(part.strip() for part in (match[2] or "").split(",") if part)
                waiting.append((match[1], more, False))
    return [found[key] for key in sorted(found)]


def archived_files(archive: Path) -> dict[str, bytes]:
    """The files of a zip that has the modules of Python or of a library, without its tests."""
    with zipfile.ZipFile(archive) as opened:
        return {
            name: opened.read(name)
            for name in opened.namelist()
            if not name.endswith("/") and "tests" not in PurePosixPath(name).parts
        }


def pack(files: Mapping[str, Path | bytes], archive: Path) -> None:
    """Write files into a zip; uncompressed, since it is compressed as a whole when it is sent."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        for name in sorted(files):
            file = files[name]
            data = file if isinstance(file, bytes) else file.read_bytes()
            opened.writestr(zipfile.ZipInfo(name, _DATE), data)


def _regular(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and _is_packed(inside.parts, inside.suffix):
            yield path


def _is_packed(parts: tuple[str, ...], suffix: str) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
    return not hidden and suffix not in _SUFFIXES_LEFT_OUT and parts[-1] != "RECORD"
