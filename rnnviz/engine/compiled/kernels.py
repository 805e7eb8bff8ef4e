"""The compiled modules: written to the user's cache folder, where the compiler keeps its code."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from rnnviz.cells import Cell
from rnnviz.engine.compiled import source
from rnnviz.engine.compiled.source import ENTRIES
from rnnviz.engine.optimizers import Formulas
from rnnviz.files import write_atomically

#: Files that a module's text does not show but its code depends on.
_PARTS = ("vectors.py", "opening.py", "job.py")

_loading = threading.Lock()


def available() -> bool:
    """Whether there is a compiler: the package numba."""
    return importlib.util.find_spec("numba") is not None


@cache
def folder() -> Path:
    """Where the modules and their compiled code are kept: for this process only, if need be."""
    import platformdirs

    usual = Path(platformdirs.user_cache_dir("rnnviz")) / "kernels"
    with contextlib.suppress(OSError):
        usual.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.access(usual, os.W_OK):
        return usual
    own = tempfile.mkdtemp(prefix="rnnviz-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


def ready(cell: Cell) -> bool:
    """Whether the cell's loops were compiled before, so that a first step need not wait for it."""
    path = _path(cell.name, _of(cell))
    kept = list((folder() / "__pycache__").glob(f"{path.stem}.*.nbc"))
    return all(any(f".{name}-" in file.name for file in kept) for name in ENTRIES[:2])


def kernels(cell: Cell) -> Any:
    """The module with the cell's ``forward`` and ``backward``, each of one block."""
    with _loading:
        return _kernels(cast(Any, cell))


def common() -> Any:
    """The module with ``collect``."""
    with _loading:
        return _common()


def summing() -> Any:
    """The module with ``add_up`` and ``add_up_products``."""
    with _loading:
        return _summing()


def stepping(formulas: Formulas, gathered: tuple[str, ...], numbers: tuple[str, ...]) -> Any:
    """The module with ``step_rows`` of an optimizer's formulas."""
    with _loading:
        return _stepping(formulas, gathered, numbers)


@cache
def _stepping(*step: Any) -> ModuleType:
    return _loaded("step", source.stepping(*step))


@cache
def _kernels(cell: Any) -> ModuleType:
    _common()
    return _loaded(cell.name, _of(cell))


@cache
def _common() -> ModuleType:
    return _loaded("loops", source.common())


@cache
def _summing() -> ModuleType:
    _common()
    return _loaded("sums", _with_common(source.summing()))


def _of(cell: Cell) -> str:
    return _with_common(source.plan(cell).source)


def _with_common(text: str) -> str:
    return text.replace("{common}", _path("loops", source.common()).stem)


def _loaded(name: str, text: str) -> ModuleType:
    path = _path(name, text)
    if not path.is_file():
        write_atomically(path, text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The compiler looks its functions up by module when it reads them from its cache.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@cache
def _path(name: str, text: str) -> Path:
    """Named after everything the code depends on."""
    from importlib.metadata import version

    parts = [text, *(version(p) for p in ("numba", "llvmlite"))]
    parts += [Path(__file__).with_name(part).read_text() for part in _PARTS]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return folder() / f"rnnviz_{name.replace('-', '_')}_{digest}.py"
