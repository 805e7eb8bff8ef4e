"""Fixtures of the CUDA tests: the stand-in as ``cupy``, and backends of it and of real GPUs."""

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


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy(request: pytest.FixtureRequest) -> types.ModuleType:
    """The stand-in, and CuPy itself if there is a GPU; what ``import cupy`` finds."""
    if request.param == "stand-in":
        module: types.ModuleType = request.getfixturevalue("xp")
        return module
    if why := device.gpu_problem():
        pytest.skip(why.splitlines()[0])
    import cupy

    return cupy


@pytest.fixture
def messages() -> list[str]:
    """The messages of the backend about layers that it has no kernel for."""
    return []


@pytest.fixture
def backend(cupy: types.ModuleType, messages: list[str]) -> CudaBackend:
    """On the stand-in, and on a real GPU."""
    return CudaBackend(cupy, messages.append)


@pytest.fixture
def emulated_backend(xp: types.ModuleType, messages: list[str]) -> CudaBackend:
    """On the stand-in alone, for tests that read its record."""
    return CudaBackend(xp, messages.append)


@pytest.fixture
def order(
    request: pytest.FixtureRequest, backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The order in which the stand-in runs threads; a GPU has its own."""
    monkeypatch.setattr(standin, "schedule", request.param)
    return str(request.param)


#: The threads of a block in trials.cu.
THREADS = 128


@pytest.fixture
def trial(xp: types.ModuleType) -> Callable[[str], Any]:
    """The kernels of trials.cu by name."""
    source = (Path(__file__).parent / "trials.cu").read_text()
    return xp.RawModule(code=source, options=(f"-DTHREADS={THREADS}",)).get_function
