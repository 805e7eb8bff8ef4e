"""Which device is taken, what is said where there is none, and what is imported meanwhile."""

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
from rnnviz.engine.device import INSTALL, choose, described
from rnnviz.errors import MissingError, UsageError


def fails(*args: object, **kwargs: object) -> Any:
    raise RuntimeError("libnvrtc.so.13 not found")


def broken(**changes: Any) -> types.ModuleType:
    """A CuPy that can be imported, with these parts."""
    module = types.ModuleType("cupy")
    module.__spec__ = ModuleSpec("cupy", None)
    module.is_available = lambda: True  # type: ignore[attr-defined]
    nvrtc = types.SimpleNamespace(getVersion=lambda: (13, 0))
    module.cuda = types.SimpleNamespace(nvrtc=nvrtc)  # type: ignore[attr-defined]
    module.ones = fails  # type: ignore[attr-defined]
    module.__dict__.update(changes)
    return module


NO_NVRTC = types.SimpleNamespace(nvrtc=types.SimpleNamespace(getVersion=fails))
#: What ``import cupy`` finds, and what is said of it.
WITHOUT: dict[str, tuple[Callable[[], types.ModuleType | None], str]] = {
    "no cupy": (lambda: None, "CuPy is not installed"),
    "no card": (lambda: broken(is_available=lambda: False), "CuPy finds no NVIDIA card"),
    "no nvrtc": (lambda: broken(cuda=NO_NVRTC), "RuntimeError: libnvrtc.so.13 not found"),
    "no product": (broken, "RuntimeError: libnvrtc.so.13 not found"),
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled for the processor either."""
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: False)


@pytest.fixture(params=WITHOUT)
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine without a card that computes; how that is said."""
    found, said = WITHOUT[request.param]
    monkeypatch.setitem(sys.modules, "cupy", found())
    return said


def test_cuda_that_is_not_to_be_had_is_an_error_that_helps(without: str) -> None:
    with pytest.raises(MissingError) as caught:
        choose("cuda")
    assert caught.value.exit_code == 3
    first, second = str(caught.value).splitlines()
    assert first.startswith("There is no GPU to compute on: ")
    assert without in first
    assert INSTALL in second or "--device cpu" in second


def test_auto_then_takes_the_cpu_and_says_so_in_one_line(without: str, plain: None) -> None:
    said: list[str] = []
    assert choose("auto", said.append) is HOST
    (line,) = said
    assert line.startswith("Computing on the CPU")
    assert without in line
    assert "\n" not in line


def test_a_numba_that_cannot_be_imported_is_said_and_done_without(
    without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: True)
    monkeypatch.setitem(sys.modules, "numba", None)
    said: list[str] = []
    assert choose("auto", said.append) is HOST
    (line,) = said
    assert without in line
    assert "numba cannot be imported (ModuleNotFoundError" in line


def test_the_command_that_helps_is_one_pip_takes() -> None:
    assert INSTALL.startswith('pip install "rnnviz[cuda13]"')
    assert "cuda12" in INSTALL


def test_cpu_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnviz.engine.device.find_spec", fails)
    said: list[str] = []
    assert choose("cpu", said.append) is HOST
    assert not said
    assert described(HOST) == "cpu"


def test_a_device_that_does_not_exist_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="Did you mean 'cuda'"):
        choose("cud")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_card_that_is_there_is_taken_silently(cupy: types.ModuleType, device: str) -> None:
    said: list[str] = []
    card = choose(device, said.append)
    assert isinstance(card, CudaBackend)
    assert card.xp is cupy
    assert not said
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    assert described(card) == f"cuda ({name})"


# -- the commands ---------------------------------------------------------------------------------

SMALL = ["sentiment-lstm-8", "--data", "sample", "--limit", "20", "--epochs", "1", "--plain"]


@pytest.fixture
def command() -> Callable[[list[str]], int]:
    """``rnnviz`` with these arguments, for its exit code."""
    pytest.importorskip("click")
    from rnnviz.cli import run

    return run


def test_rnnviz_train_ends_with_3_where_there_is_no_card(
    command: Callable[[list[str]], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", None)
    out = tmp_path / "run"
    assert command(["train", *SMALL, "--device", "cuda", "--out", str(out)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "CuPy is not installed" in said.err
    assert INSTALL in said.err
    assert not out.exists()


def test_rnnviz_train_on_auto_names_the_cpu_once(
    plain: None, command: Callable[[list[str]], int], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert command(["train", *SMALL, "--device", "auto", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(tmp_path / "run")]
    (line,) = (line for line in said.err.splitlines() if "CPU" in line)
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
def test_nobody_imports_cupy_or_numba_before_they_are_wanted(what: str) -> None:
    if "cli" in what:
        pytest.importorskip("click")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(what=what)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
