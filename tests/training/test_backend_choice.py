"""The backend of a run: compiled loops where they pay off and can be compiled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training.tiny import RECIPE, tiny

from rnnviz.engine import device
from rnnviz.engine.backend import HOST, HostBackend, ScanImplementation
from rnnviz.progress import Event, Note
from rnnviz.runs import Options, backend_choice, train

__all__ = ["tiny"]
pytestmark = pytest.mark.usefixtures("tiny")


def broken(*given: Any, **options: Any) -> Any:
    raise RuntimeError("no such instruction\nand more of it")


class Never:
    """What no walk gives."""


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> HostBackend:
    """No card, and a compiler whose loops are those of NumPy."""
    loops = HostBackend("cpu, compiled")
    monkeypatch.setattr(device, "gpu_problem", lambda: "there is no card")
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: True)
    monkeypatch.setattr(device, "_import_problem", lambda package: "")
    monkeypatch.setattr(device, "compiled_backend", lambda: loops)
    monkeypatch.setattr(backend_choice, "must_compile", lambda loops, cells: True)
    monkeypatch.setattr(backend_choice, "cache_problem", lambda loops: "")
    return loops


def trained(folder: Path) -> tuple[str, str]:
    """The device of a training on "auto", and its notes."""
    seen: list[Event] = []
    options = Options(epochs=1)
    run = train("tiny", options, data=folder, out=folder / "run", watch=seen.append, device="auto")
    return run.record()["device"], "\n".join(e.text for e in seen if isinstance(e, Note))


def test_a_small_training_waits_for_no_compiler(tmp_path: Path, compiler: HostBackend) -> None:
    used, said = trained(tmp_path)
    assert used == "cpu"
    assert "for so small a training no loops are compiled" in said
    assert "Compiling" not in said


def test_a_large_one_is_compiled_first(
    tmp_path: Path, compiler: HostBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_choice, "SMALL", 0)
    used, said = trained(tmp_path)
    assert used == "cpu, compiled"
    assert "Compiling the loops, the first time only: some seconds." in said


def test_a_compiler_that_fails_is_one_line_and_numpy_trains(
    tmp_path: Path, compiler: HostBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_choice, "SMALL", 0)
    walk = ScanImplementation(lambda cell, mask: True, broken, broken, Never)
    monkeypatch.setattr(device, "compiled_backend", lambda: HostBackend("cpu, compiled", walk))
    used, said = trained(tmp_path)
    assert used == "cpu"
    assert (
        "The loops cannot be compiled (RuntimeError: no such instruction and more of it): "
        "computing without them." in said
    )


def test_without_numba_one_line_says_so(
    tmp_path: Path, compiler: HostBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: False)
    used, said = trained(tmp_path)
    assert used == "cpu"
    assert said.count("numba is not installed") == 1


def test_what_is_small_depends_on_tokens_epochs_and_units(tmp_path: Path) -> None:
    task = RECIPE.prepare(tmp_path, None, 0, lambda text: None)
    assert RECIPE.model is not None
    net, fit = RECIPE.model(task.size), RECIPE.fit
    assert backend_choice.is_small(net, fit, task)
    assert not backend_choice.is_small(net, replace(fit, epochs=10**9), task)
    wide = replace(net, layers=tuple(replace(layer, units=3000) for layer in net.layers))
    assert not backend_choice.is_small(wide, replace(fit, epochs=10**4), task)


def test_real_loops_are_compiled_by_the_trial_update() -> None:
    pytest.importorskip("numba")
    assert RECIPE.model is not None
    assert (
        backend_choice._compile_fault(device.compiled_backend(), RECIPE.model(12), RECIPE.fit) == ""
    )
    assert backend_choice._compile_fault(HOST, RECIPE.model(12), RECIPE.fit) == ""
