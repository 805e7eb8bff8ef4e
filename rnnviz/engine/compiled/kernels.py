"""The compiled modules: written to the user's cache folder, where the compiler keeps its code."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from rnnviz.cells import Cell
from rnnviz.engine.compiled import source
from rnnviz.engine.compiled.cache import loaded, place
from rnnviz.engine.compiled.source import ENTRIES
from rnnviz.engine.optimizers import Formulas

#: Files that a module's text does not show but its code depends on.
_PARTS = ("simd.py", "opening.py", "job.py")

_loading = threading.Lock()


def available() -> bool:
    """Whether there is a compiler: the package numba."""
    return importlib.util.find_spec("numba") is not None


def ready(cell: Cell) -> bool:
    """Whether the cell's loops were compiled before, so that a first step need not wait for it."""
    path = _path(cell.name, _of(cell))
    kept = list((place().folder / "__pycache__").glob(f"{path.stem}.*.nbc"))
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
    return _with_common(source.loop_source(cell).source)


def _with_common(text: str) -> str:
    return text.replace("{common}", _path("loops", source.common()).stem)


def _loaded(name: str, text: str) -> ModuleType:
    return loaded(_path(name, text), text)


@cache
def _path(name: str, text: str) -> Path:
    """Named after everything the code depends on."""
    from importlib.metadata import version

    # The form of the files in the cache, too: what had no digests has other names.
    parts = ["digests", text, *(version(p) for p in ("numba", "llvmlite"))]
    parts += [Path(__file__).with_name(part).read_text() for part in _PARTS]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return place().folder / f"rnnviz_{name.replace('-', '_')}_{digest}.py"
