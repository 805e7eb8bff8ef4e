"""The compiled modules: their source is written to the cache folder, where numba caches code."""

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
from rnnviz.engine.compiled.cache import cache_folder, load_module
from rnnviz.engine.compiled.source import ENTRY_POINTS
from rnnviz.engine.optimizers import Formulas

#: Files that the compiled code depends on besides the source of its module.
_IMPORTED_FILES = ("simd.py", "argument_unpacking.py", "loop_arguments.py")

_lock = threading.Lock()


def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def is_compiled(cell: Cell) -> bool:
    """Whether the cell's loops are in the cache, so that the first batch does not compile them."""
    path = _path(cell.name, _cell_source(cell))
    files = list((cache_folder().folder / "__pycache__").glob(f"{path.stem}.*.nbc"))
    return all(any(f".{name}-" in file.name for file in files) for name in ENTRY_POINTS[:2])


def cell_kernels(cell: Cell) -> Any:
    """The module with ``forward`` and ``backward`` of a cell, for one block."""
    with _lock:
        return _cell_kernels(cast(Any, cell))


def common_kernels() -> Any:
    """The module with ``collect_outputs``."""
    with _lock:
        return _common_kernels()


def sum_kernels() -> Any:
    """The module with ``sum_by_word`` and ``product_gradients``."""
    with _lock:
        return _sum_kernels()


def optimizer_kernels(formulas: Formulas, arrays: tuple[str, ...], numbers: tuple[str, ...]) -> Any:
    """The module with ``step_rows`` of an optimizer; see ``source.optimizer_source``."""
    with _lock:
        return _optimizer_kernels(formulas, arrays, numbers)


@cache
def _optimizer_kernels(*optimizer: Any) -> ModuleType:
    return _load("step", source.optimizer_source(*optimizer))


@cache
def _cell_kernels(cell: Any) -> ModuleType:
    _common_kernels()
    return _load(cell.name, _cell_source(cell))


@cache
def _common_kernels() -> ModuleType:
    return _load("loops", source.common_source())


@cache
def _sum_kernels() -> ModuleType:
    _common_kernels()
    return _load("sums", _with_common(source.sums_source()))


def _cell_source(cell: Cell) -> str:
    return _with_common(source.loop_source(cell).source)


def _with_common(text: str) -> str:
    """The source with the name of the common module in its import."""
    return text.replace("{common}", _path("loops", source.common_source()).stem)


def _load(name: str, text: str) -> ModuleType:
    return load_module(_path(name, text), text)


@cache
def _path(name: str, text: str) -> Path:
    """The file of a module; its name has a digest of everything that the code depends on."""
    from importlib.metadata import version

    # "digests" is the format of the cached files: without digests they had other names.
    parts = ["digests", text, *(version(p) for p in ("numba", "llvmlite"))]
    parts += [Path(__file__).with_name(file).read_text() for file in _IMPORTED_FILES]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return cache_folder().folder / f"rnnviz_{name.replace('-', '_')}_{digest}.py"
