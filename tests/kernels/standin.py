"""Installs the stand-in for CuPy in ``sys.modules``, and removes it again."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from kernels import cupy_cuda
from kernels.cupy_namespace import namespace
from kernels.record import record as record

#: The order in which the threads of a block run: see emulated.ALL_SCHEDULES.
schedule = "round-robin"
#: Whether to detect races in kernels, which takes tens of times as long.
races = False


@contextmanager
def install(order: str = "round-robin", watch_races: bool = False) -> Iterator[types.ModuleType]:
    """Install the stand-in as ``cupy``, with an empty record; yields that module.

    AssertionError at the end if CuPy itself is installed and lacks a name that was used.
    """
    global schedule, races
    real_cupy()
    before = {name: module for name, module in sys.modules.items() if _is_cupy(name)}
    settings = schedule, races
    for name in before:
        del sys.modules[name]
    module = namespace()
    sys.modules["cupy"] = module
    sys.modules["cupy.cuda"] = module.cuda
    schedule, races = order, watch_races
    record.clear()
    try:
        yield module
    finally:
        schedule, races = settings
        cupy_cuda.reset()
        for name in [name for name in sys.modules if _is_cupy(name)]:
            del sys.modules[name]
        sys.modules.update(before)
    missing = missing_from_cupy(record.used_names)
    assert not missing, f"CuPy has no {', '.join(missing)}"


def missing_from_cupy(names: Iterable[str]) -> list[str]:
    """Names such as "add.at" or "ndarray.sum" that CuPy lacks; none if it is not installed."""
    real = real_cupy()
    return [] if real is None else [name for name in sorted(names) if not _has(real, name)]


@cache
def real_cupy() -> Any:
    """CuPy itself, which can be imported without a GPU; None if not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing CUDA toolkit
        try:
            return importlib.import_module("cupy")
        except ImportError:
            return None


def _has(module: Any, name: str) -> bool:
    """Whether the module has a name, or, for "sum(axis)", such a parameter."""
    name, _, keyword = name.rstrip(")").partition("(")
    value = module
    for part in name.split("."):
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    try:
        parameters = inspect.signature(value).parameters
    except (TypeError, ValueError):  # written in C
        return True
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    return not keyword or takes_any or keyword in parameters


def _is_cupy(name: str) -> bool:
    return name == "cupy" or name.startswith("cupy.")
