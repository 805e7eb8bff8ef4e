"""What the tests of the CUDA path share: the stand-in as ``cupy``, and cards to compute on."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kernels import emulated, standin

from rnnviz.engine import device
from rnnviz.engine.cuda.backend import CudaBackend


@pytest.fixture
def xp() -> Iterator[types.ModuleType]:
    """The stand-in, installed as ``cupy`` with an empty record."""
    if emulated.missing():
        pytest.skip(emulated.missing())
    with standin.install() as module:
        yield module


@pytest.fixture(params=["stand-in", pytest.param("card", marks=pytest.mark.gpu)])
def cupy(request: pytest.FixtureRequest) -> types.ModuleType:
    """What ``import cupy`` finds: the stand-in, or CuPy itself where it has a card."""
    if request.param == "stand-in":
        found: types.ModuleType = request.getfixturevalue("xp")
        return found
    if why := device.missing():
        pytest.skip(why.splitlines()[0])
    import cupy

    return cupy


@pytest.fixture
def said() -> list[str]:
    """What the card told that no kernel could do."""
    return []


@pytest.fixture
def card(cupy: types.ModuleType, said: list[str]) -> CudaBackend:
    """The stand-in, or a card."""
    return CudaBackend(cupy, said.append)


@pytest.fixture
def emulated_card(xp: types.ModuleType, said: list[str]) -> CudaBackend:
    """The stand-in alone, where the test sees what only it can show."""
    return CudaBackend(xp, said.append)


#: The threads of a block in trials.cu.
THREADS = 128


@pytest.fixture
def trial(xp: types.ModuleType) -> Callable[[str], Any]:
    """The kernels of trials.cu by name, on the schedule the stand-in is set to."""
    source = (Path(__file__).parent / "trials.cu").read_text()
    return xp.RawModule(code=source, options=(f"-DTHREADS={THREADS}",)).get_function
