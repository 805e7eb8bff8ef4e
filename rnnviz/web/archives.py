"""Python's modules as the page gets them: an archive for the first screens, and one of the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rnnviz.web import packing
from rnnviz.web.compiling import CompiledModules
from rnnviz.web.runtime_files import NUMPY, STANDARD_LIBRARY

FIRST: Final = "first.zip"
LATER: Final = "later.zip"
#: The names and sizes of what is in LATER.
LISTING: Final = "later.json"
#: The folder of installed packages in that of the standard library.
PACKAGES: Final = "site-packages"
_SOURCE: Final = ".py"


def python_files(runtime_folder: Path) -> dict[str, Path | bytes]:
    """The standard library, NumPy, the libraries and rnnviz, by their path in Python's folder.

    Takes the two archives of Pyodide out of the folder: they are packed anew, since a page takes
    longer to unpack what is compressed.
    """
    found: dict[str, Path | bytes] = {}
    for name, prefix in ((STANDARD_LIBRARY, ""), (NUMPY, f"{PACKAGES}/")):
        path = runtime_folder / name
        for file, data in packing.archived_files(path).items():
            found[prefix + file] = data
        path.unlink()
    for file, path in (packing.library_files() | packing.own_files()).items():
        found[f"{PACKAGES}/{file}"] = path
    return found


def write(files: Mapping[str, Path | bytes], compiled: CompiledModules | None, out: Path) -> None:
    """Write the archives into a folder; all files are in the first one if nothing is compiled.

    A compiled module takes the place of its source.
    """
    if compiled is None:
        packing.pack(files, out / FIRST)
        return
    first: dict[str, Path | bytes] = {}
    later: dict[str, Path | bytes] = {}
    for name, file in files.items():
        data = compiled.modules.get(name)
        # Texts and lessons come at once: which of them is read depends on the command.
        own_data = name.startswith(f"{PACKAGES}/rnnviz/") and not name.endswith(_SOURCE)
        archive = first if own_data or name in compiled.first else later
        archive[name if data is None else name + "c"] = file if data is None else data
    packing.pack(first, out / FIRST)
    packing.pack(later, out / LATER)
    sizes = [
        [name, len(file) if isinstance(file, bytes) else file.stat().st_size]
        for name, file in later.items()
    ]
    (out / LISTING).write_text(json.dumps(sizes), encoding="utf-8")
