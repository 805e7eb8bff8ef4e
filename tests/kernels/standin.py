"""Puts the stand-in for CuPy where ``import cupy`` finds it, and takes it away again."""

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

from kernels.names import namespace
from kernels.record import record as record

#: The order in which the threads of a block run: see emulated.ALL_SCHEDULES.
schedule = "round-robin"
#: Whether kernels are watched for races, which takes tens of times as long.
races = False


@contextmanager
def install(order: str = "round-robin", watch_races: bool = False) -> Iterator[types.ModuleType]:
    """Have ``import cupy`` find the stand-in, with an empty record; gives that module.

    Afterwards, where CuPy itself is installed, AssertionError names what it lacks of all that was
    asked of the stand-in.
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
        for name in [name for name in sys.modules if _is_cupy(name)]:
            del sys.modules[name]
        sys.modules.update(before)
    lacking = missing_from_cupy(record.asked)
    assert not lacking, f"CuPy has no {', '.join(lacking)}"


def missing_from_cupy(asked: Iterable[str]) -> list[str]:
    """The names CuPy has not, of "add", "add.at", "ndarray.sum"; none where it is not installed."""
    real = real_cupy()
    return [] if real is None else [name for name in sorted(asked) if not _has(real, name)]


@cache
def real_cupy() -> Any:
    """The real module, which needs no card to be imported, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses the CUDA toolkit aloud
        try:
            return importlib.import_module("cupy")
        except ImportError:
            return None


def _has(module: Any, asked: str) -> bool:
    """Whether there is such a name, and (as in "sum(axis)") such a parameter."""
    name, _, keyword = asked.rstrip(")").partition("(")
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    try:
        parameters = inspect.signature(found).parameters
    except (TypeError, ValueError):  # written in C
        return True
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    return not keyword or takes_any or keyword in parameters


def _is_cupy(name: str) -> bool:
    return name == "cupy" or name.startswith("cupy.")
