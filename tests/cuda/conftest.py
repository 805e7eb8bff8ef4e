"""What the tests of the CUDA path share: the stand-in as ``cupy``."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cuda import emulated, standin


@pytest.fixture
def xp() -> Iterator[types.ModuleType]:
    """The stand-in, installed as ``cupy`` with an empty record."""
    if emulated.missing():
        pytest.skip(emulated.missing())
    with standin.install() as module:
        yield module


#: The threads of a block in trials.cu.
THREADS = 128


@pytest.fixture
def trial(xp: types.ModuleType) -> Callable[[str], Any]:
    """The kernels of trials.cu by name, on the schedule the stand-in is set to."""
    source = (Path(__file__).parent / "trials.cu").read_text()
    return xp.RawModule(code=source, options=(f"-DTHREADS={THREADS}",)).get_function
