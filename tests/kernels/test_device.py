"""The choice of a device, messages where there is no GPU, and what is imported."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from rnnviz.engine.backend import HOST
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.device import INSTALL, choose, device_name
from rnnviz.errors import MissingError, UsageError


def fails(*args: object, **kwargs: object) -> Any:
    raise RuntimeError("libnvrtc.so.13 not found")


def broken(**changes: Any) -> types.ModuleType:
    """A CuPy that can be imported but does not work, with these attributes."""
    module = types.ModuleType("cupy")
    module.__spec__ = ModuleSpec("cupy", None)
    module.is_available = lambda: True  # type: ignore[attr-defined]
    nvrtc = types.SimpleNamespace(getVersion=lambda: (13, 0))
    module.cuda = types.SimpleNamespace(nvrtc=nvrtc)  # type: ignore[attr-defined]
    module.ones = fails  # type: ignore[attr-defined]
    module.__dict__.update(changes)
    return module


NO_NVRTC = types.SimpleNamespace(nvrtc=types.SimpleNamespace(getVersion=fails))
#: What ``import cupy`` finds, and the message about it.
WITHOUT: dict[str, tuple[Callable[[], types.ModuleType | None], str]] = {
    "no cupy": (lambda: None, "CuPy is not installed"),
    "no card": (lambda: broken(is_available=lambda: False), "CuPy finds no NVIDIA card"),
    "no nvrtc": (lambda: broken(cuda=NO_NVRTC), "RuntimeError: libnvrtc.so.13 not found"),
    "no product": (broken, "RuntimeError: libnvrtc.so.13 not found"),
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiled loops."""
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: False)


@pytest.fixture(params=WITHOUT)
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine without a working GPU; returns the message about it."""
    make_cupy, message = WITHOUT[request.param]
    monkeypatch.setitem(sys.modules, "cupy", make_cupy())
    return message


def test_cuda_without_a_gpu_is_an_error_that_helps(without: str) -> None:
    with pytest.raises(MissingError) as caught:
        choose("cuda")
    assert caught.value.exit_code == 3
    first, second = str(caught.value).splitlines()
    assert first.startswith("There is no GPU to compute on: ")
    assert without in first
    assert INSTALL in second or "--device cpu" in second


def test_auto_without_a_gpu_is_the_cpu_with_one_message(without: str, plain: None) -> None:
    messages: list[str] = []
    assert choose("auto", messages.append) is HOST
    (line,) = messages
    assert line.startswith("Computing on the CPU")
    assert without in line
    assert "\n" not in line


def test_a_numba_that_cannot_be_imported_is_not_used(
    without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: True)
    monkeypatch.setitem(sys.modules, "numba", None)
    messages: list[str] = []
    assert choose("auto", messages.append) is HOST
    (line,) = messages
    assert without in line
    assert "numba cannot be imported (ModuleNotFoundError" in line


def test_the_suggested_command_is_valid_for_pip() -> None:
    assert INSTALL.startswith('pip install "rnnviz[cuda13]"')
    assert "cuda12" in INSTALL


def test_cpu_does_not_search_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnviz.engine.device.find_spec", fails)
    messages: list[str] = []
    assert choose("cpu", messages.append) is HOST
    assert not messages
    assert device_name(HOST) == "cpu"


def test_an_unknown_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Did you mean 'cuda'"):
        choose("cud")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_gpu_is_used_without_a_message(cupy: types.ModuleType, device: str) -> None:
    messages: list[str] = []
    backend = choose(device, messages.append)
    assert isinstance(backend, CudaBackend)
    assert backend.xp is cupy
    assert not messages
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    assert device_name(backend) == f"cuda ({name})"


# -- the commands ---------------------------------------------------------------------------------

SMALL = ["sentiment-lstm-8", "--data", "sample", "--limit", "20", "--epochs", "1", "--plain"]


@pytest.fixture
def command() -> Callable[[list[str]], int]:
    """Run ``rnnviz`` with arguments; returns the exit code."""
    pytest.importorskip("click")
    from rnnviz.cli import run

    return run


def test_rnnviz_train_exits_with_3_without_a_gpu(
    command: Callable[[list[str]], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", None)
    out = tmp_path / "run"
    assert command(["train", *SMALL, "--device", "cuda", "--out", str(out)]) == 3
    output = capsys.readouterr()
    assert output.out == ""
    assert "CuPy is not installed" in output.err
    assert INSTALL in output.err
    assert not out.exists()


def test_rnnviz_train_on_auto_names_the_cpu_once(
    plain: None, command: Callable[[list[str]], int], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert command(["train", *SMALL, "--device", "auto", "--out", str(tmp_path / "run")]) == 0
    output = capsys.readouterr()
    assert output.out.split() == [str(tmp_path / "run")]
    (line,) = (line for line in output.err.splitlines() if "CPU" in line)
    assert "Computing on the CPU" in line
    assert "CuPy is not installed" in line
    record = json.loads((tmp_path / "run" / "spec.json").read_text())
    assert record["device"] == "cpu"


IMPORTS = """
import contextlib, io, sys
{what}
print(sorted({{'cupy', 'numba'}} & {{name.partition('.')[0] for name in sys.modules}}))
"""
RUN = """
from rnnviz.cli import run
with contextlib.redirect_stdout(io.StringIO()):
    assert run({}) == 0
"""


@pytest.mark.parametrize(
    "what",
    ["import rnnviz", RUN.format(["--help"]), RUN.format(["step", "not good", "--json"])],
    ids=["import rnnviz", "rnnviz --help", "rnnviz step"],
)
def test_cupy_and_numba_are_imported_only_when_used(what: str) -> None:
    if "cli" in what:
        pytest.importorskip("click")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(what=what)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
