"""The compiled modules: their source is written to the cache folder, where numba caches code."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from rnnviz.cells import Cell
from rnnviz.engine.compiled import source
from rnnviz.engine.compiled.cache import cache_folder, load_module
from rnnviz.engine.compiled.loop_arguments import LoopFunctions
from rnnviz.engine.optimizers import Formulas

#: Files that the compiled code depends on besides the source of its module.
_IMPORTED_FILES = (
    "simd.py", "vector_functions.py", "product_tiles.py", "argument_unpacking.py",
    "loop_arguments.py",
)  # fmt: skip

_lock = threading.Lock()


def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def is_compiled(cell: Cell) -> bool:
    """Whether the cell's loops are in the cache, so that the first batch does not compile them."""
    needed = [(_path("loops", source.loop_source()), name) for name in ("forward", "backward")]
    path = _path(cell.name, source.cell_source(cell).source)
    needed += [(path, name) for name in ("forward_rows", "backward_rows")]
    folder = cache_folder().folder / "__pycache__"
    return all(any(folder.glob(f"{path.stem}.{name}-*.nbc")) for path, name in needed)


def loop_functions(cell: Cell, dtype: np.dtype[Any]) -> LoopFunctions:
    """The functions that the loops call for a cell in this precision."""
    with _lock:
        return _loop_functions(cast(Any, cell), dtype)


def address_of(name: str, dtype: np.dtype[Any]) -> int:
    """The address of a function of ``loops()`` in this precision."""
    with _lock:
        return _address(_loops(), name, dtype)


def loops() -> Any:
    """The module with the loops and sums for Python to call, and what these call by address."""
    with _lock:
        return _loops()


def softmax_kernels() -> Any:
    """The module with ``softmax_head``; see ``source.softmax_source``."""
    with _lock:
        return _softmax_kernels()


@cache
def _softmax_kernels() -> ModuleType:
    return _load("softmax", source.softmax_source())


def optimizer_kernels(formulas: Formulas, arrays: tuple[str, ...], numbers: tuple[str, ...]) -> Any:
    """The module with ``step_rows`` of an optimizer; see ``source.optimizer_source``."""
    with _lock:
        return _optimizer_kernels(formulas, arrays, numbers)


@cache
def _optimizer_kernels(*optimizer: Any) -> ModuleType:
    return _load("step", source.optimizer_source(*optimizer))


@cache
def _loop_functions(cell: Any, dtype: np.dtype[Any]) -> LoopFunctions:
    module = _load(cell.name, source.cell_source(cell).source)
    return LoopFunctions(*(
        _address(module if hasattr(module, name) else _loops(), name, dtype)
        for name in LoopFunctions._fields
    ))  # fmt: skip


@cache
def _loops() -> ModuleType:
    return _load("loops", source.loop_source())


@cache
def _address(module: ModuleType, name: str, dtype: np.dtype[Any]) -> int:
    """The address of a module's function for arrays of ``dtype``; compiles it, or loads it."""
    from rnnviz.engine.compiled.argument_unpacking import signature

    function = getattr(module, name)
    result = function.get_compile_result(signature(function.py_func, dtype))
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name))


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
