"""What the page needs of others: Pyodide, its NumPy and xterm.js, each file known by its hash.

None of it comes with rnnviz: the files are downloaded once, or taken from a folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from rnnviz.data.catalogue import RemoteFile
from rnnviz.data.fetch import download
from rnnviz.errors import MissingError, UsageError
from rnnviz.files import open_regular
from rnnviz.messages import _

#: Called with the name of a file, the bytes received so far and the total.
Progress = Callable[[str, int, int], None]

PYODIDE: Final = "0.27.7"
#: Its version of Python.
PYTHON: Final = "3.12.7"
STANDARD_LIBRARY: Final = "python_stdlib.zip"
NUMPY: Final = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
_NPM: Final = "https://cdn.jsdelivr.net/npm"
_RELEASE: Final = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full"


def _pyodide(name: str, size: int, digest: str) -> RemoteFile:
    urls = (f"{_RELEASE}/{name}", f"{_NPM}/pyodide@{PYODIDE}/{name}")
    return RemoteFile(name, urls, size, f"sha256:{digest}")


def _xterm(package: str, path: str, size: int, digest: str) -> RemoteFile:
    name = path.rpartition("/")[2]
    urls = (f"{_NPM}/@xterm/{package}/{path}", f"https://unpkg.com/@xterm/{package}/{path}")
    return RemoteFile(name, urls, size, f"sha256:{digest}")


#: Licences: Pyodide MPL-2.0 (Python in it PSF), NumPy BSD-3-Clause, xterm.js MIT.
RUNTIME_FILES: Final[tuple[RemoteFile, ...]] = (
    _pyodide("pyodide.mjs", 13_931,
             "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f"),
    _pyodide("pyodide.asm.js", 1_255_688,
             "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51"),
    _pyodide("pyodide.asm.wasm", 10_105_545,
             "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f"),
    _pyodide(STANDARD_LIBRARY, 2_360_737,
             "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16"),
    RemoteFile(NUMPY, (f"{_RELEASE}/{NUMPY}",), 3_061_133,
               "sha256:ebb61241d962b98b21597d7ce43b67668a6d5bab3acec4fbe958657320d7cd08"),
    _xterm("xterm@6.0.0", "lib/xterm.mjs", 344_970,
           "b336ec65a086c056d4804b3d4c2347da5663d3f23c3f25be866467bd8857ad59"),
    _xterm("xterm@6.0.0", "css/xterm.css", 7_112,
           "854a7c0fb70e8b1a083c16797ab827299fb18744f5ad34f227b48337e33293c6"),
    _xterm("addon-fit@0.11.0", "lib/addon-fit.mjs", 1_967,
           "2d87e1bddc73be9111de8beee5370c3bb7aac9c94e18e6f245f02ca741ef1769"),
    _xterm("addon-unicode11@0.9.0", "lib/addon-unicode11.mjs", 31_220,
           "37bb2d573c615661c875398be2a3497e02bd21d7202a5d1159f6ab70a8cfc2f2"),
)  # fmt: skip


def copy_from(folder: Path, files: tuple[RemoteFile, ...], out: Path) -> None:
    """Copy the files from a folder, or from folders in it, to ``out``; each by name and hash.

    UsageError if there is no such folder, MissingError if a file is not in it.
    """
    if not folder.is_dir():
        raise UsageError(_("--runtime {folder}: there is no such folder.").format(folder=folder))
    wanted = {file.path: file for file in files}
    for path in _regular_files(folder, set(wanted)):
        if path.name in wanted and is_intact(path, wanted[path.name]):
            shutil.copyfile(path, out / path.name)
            del wanted[path.name]
    if wanted:
        raise MissingError(
            _(
                "{folder} lacks {names}, or has other versions.\nWithout --runtime they are "
                "downloaded: rnnviz serve"
            ).format(folder=folder, names=", ".join(wanted))
        )


def _regular_files(folder: Path, names: set[str]) -> Iterator[Path]:
    for parent, folders, found in os.walk(folder):
        folders.sort()
        for name in sorted(names.intersection(found)):
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink():
                yield path


def is_intact(path: Path, file: RemoteFile) -> bool:
    """Whether a file is the expected one."""
    if path.stat().st_size != file.size:
        return False
    with open_regular(path) as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}" == file.hash


def fetched(files: tuple[RemoteFile, ...], folder: Path, progress: Progress | None) -> None:
    """Download the files that are missing in ``folder``; raises as ``rnnviz.data.fetch`` does."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = folder / file.path
        if path.is_file() and is_intact(path, file):
            continue

        def report(done: int, total: int, file: RemoteFile = file) -> None:
            if progress is not None:
                progress(file.path, done, total or file.size)

        download(file, path, report)
