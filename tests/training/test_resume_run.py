"""Where a run starts and resumes: in an empty folder, on its own device, after all checks."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training.test_run_directory import begin, same, stop_at
from training.tiny import RECIPE, tiny

from rnnviz import recipes, runs
from rnnviz.engine import device
from rnnviz.engine.backend import HOST, Backend, HostBackend
from rnnviz.errors import InterruptedTraining, InvalidFileError, UsageError
from rnnviz.progress import Event, Note, TrainingStep
from rnnviz.recipes import Task
from rnnviz.runs import Options, Run, backend_choice, resume, setup, train
from rnnviz.runs.lock import exclusive_lock
from rnnviz.runs.spec_json import with_device

__all__ = ["tiny"]
pytestmark = pytest.mark.usefixtures("tiny")


def contents(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.rglob("*") if p.is_file()}


def notes(seen: list[Event]) -> str:
    return "\n".join(event.text for event in seen if isinstance(event, Note))


def cut_at(path: Path, epoch: int, batch: int, **given: Any) -> Path:
    """A run stopped after that batch."""
    watch, stop = stop_at(epoch, batch)
    with pytest.raises(InterruptedTraining):
        begin(path, watch=watch, stop=stop, **given)
    return path


# -- two trainings with one folder ----------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Makes something happen while the data of the next training is prepared."""

    def set_up(happens: Callable[[], object]) -> None:
        def prepare(*given: Any) -> Task:
            monkeypatch.setattr(recipes, "find", lambda name: RECIPE)
            happens()
            return RECIPE.prepare(*given)

        monkeypatch.setattr(recipes, "find", lambda name: replace(RECIPE, prepare=prepare))

    return set_up


def test_a_run_that_ended_while_the_data_was_made_ready_is_not_written_over(
    tmp_path: Path, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    out = tmp_path / "run"
    first: dict[str, bytes] = {}

    def another() -> None:
        begin(out, epochs=1)
        first.update(contents(out))

    meanwhile(another)
    with pytest.raises(UsageError, match=r"not empty[^\n]*--out\.\n.*--resume"):
        begin(out)
    assert contents(out) == first and "result.json" in first


def test_a_run_that_is_being_trained_is_not_written_over(
    tmp_path: Path, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    out = tmp_path / "run"
    refusals: list[str] = []
    before: list[dict[str, bytes]] = []

    def watch(event: Event) -> None:
        if isinstance(event, TrainingStep) and (event.epoch, event.batch) == (2, 1):
            before.append(contents(out))
            # The second one has looked at the folder before the first one made it.
            with pytest.MonkeyPatch.context() as patch, pytest.raises(UsageError) as caught:
                patch.setattr(runs.train_recipe, "_new_path", lambda recipe, out: out)
                begin(out, epochs=1)
            refusals.append(str(caught.value))
            before.append(contents(out))

    run = begin(out, epochs=3, watch=watch)
    assert "another process" in refusals[0]
    assert before[0] == before[1] and before[0]["history.jsonl"]
    assert len(run.history()) == 3


def test_who_only_looks_whether_a_run_is_trained_stops_no_training(tmp_path: Path) -> None:
    """Listing runs holds a shared lock for a moment."""
    fcntl = pytest.importorskip("fcntl")
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    release = threading.Timer(0.08, os.close, [handle])
    release.start()
    with exclusive_lock(tmp_path):
        release.join()


# -- the device -----------------------------------------------------------------------------------


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> HostBackend:
    """Loops that say they are compiled, where "auto" looks for some; and a card beside them."""
    loops = HostBackend("cpu, compiled", *HOST.scans)
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: True)
    monkeypatch.setattr(device, "_import_problem", lambda package: "")
    monkeypatch.setattr(device, "compiled_backend", lambda: loops)
    monkeypatch.setattr(device, "gpu_problem", lambda: "")
    monkeypatch.setattr(device, "cuda_backend", lambda say: pytest.fail("it took the card"))
    monkeypatch.setattr(backend_choice, "must_compile", lambda loops, cells: False)
    monkeypatch.setattr(backend_choice, "_compile_fault", lambda *given: "")
    return loops


def begun_on(monkeypatch: pytest.MonkeyPatch, path: Path, loops: Backend, **given: Any) -> Path:
    """A run begun on a device and stopped in its second epoch."""
    with monkeypatch.context() as patch:
        patch.setattr(backend_choice, "choose", lambda *asked, small=False: loops)
        patch.setattr(backend_choice, "_compile_fault", lambda *given: "")
        return cut_at(path, 2, 3, **given)


ASKED = pytest.mark.parametrize("asked", [{"device": "auto"}, {}], ids=["auto", "nothing"])


@ASKED
def test_a_run_begun_with_numpy_stays_with_it_beside_a_card(
    tmp_path: Path, compiled: HostBackend, asked: dict[str, str]
) -> None:
    path = cut_at(tmp_path / "cut", 2, 3)
    seen: list[Event] = []
    run = resume(path, watch=seen.append, **asked)  # type: ignore[arg-type]
    assert "Computing" not in notes(seen)
    assert run.record()["device"] == "cpu" and "devices" not in run.record()
    same(path, begin(tmp_path / "whole").path)


@ASKED
def test_a_run_begun_with_compiled_loops_goes_on_with_them_beside_a_card(
    tmp_path: Path, compiled: HostBackend, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
) -> None:
    path = begun_on(monkeypatch, tmp_path / "cut", compiled)
    began = json.loads((path / "spec.json").read_text())
    seen: list[Event] = []
    run = resume(path, watch=seen.append, **asked)  # type: ignore[arg-type]
    assert "with compiled loops: the run was computed there before" in notes(seen)
    assert run.record() == began and began["device"] == "cpu, compiled"


def test_where_there_are_no_compiled_loops_any_more_numpy_goes_on_and_it_is_told(
    tmp_path: Path, compiled: HostBackend, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = begun_on(monkeypatch, tmp_path / "cut", compiled)
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: False)
    seen: list[Event] = []
    record = resume(path, watch=seen.append, device="auto").record()
    assert "last digits" in notes(seen)
    assert (record["device"], record["devices"]) == ("cpu", ["cpu, compiled", "cpu"])
    from rnnviz.cli import run as command

    assert command(["runs", "show", str(path)]) == 0
    assert "computed    cpu, compiled then cpu, " in capsys.readouterr().out


def test_a_device_that_is_asked_for_is_taken_and_recorded_before_the_run_ends(
    tmp_path: Path, compiled: HostBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = begun_on(monkeypatch, tmp_path / "cut", compiled)
    found: list[Any] = []
    resume(path, device="cpu", watch=lambda event: found.append(Run(path).record()["device"]))
    assert found[0] == "cpu, compiled" and found[-1] == "cpu"  # first the Note of its data
    with pytest.raises(pytest.fail.Exception, match="took the card"):
        net = RECIPE.model(12)  # type: ignore[misc]
        backend_choice.choose_backend(None, net, RECIPE.fit, print, previous="cuda (H)")


def test_a_record_tells_every_device_in_order() -> None:
    record: dict[str, Any] = {"device": "cpu"}
    for name in ("cpu", "cuda (H)", "cuda (H)", "cpu"):
        record = with_device(record, name)
    assert record == {"device": "cpu", "devices": ["cpu", "cuda (H)", "cpu"]}


# -- what is checked before anything is written ---------------------------------------------------


def test_other_data_is_refused_before_it_is_made_ready(tmp_path: Path) -> None:
    (tmp_path / "mark.txt").write_text("one")
    path = cut_at(tmp_path / "cut", 1, 2)
    (tmp_path / "mark.txt").write_text("two")
    seen: list[Event] = []
    with pytest.raises(InvalidFileError, match=r"mark\.txt is not the file"):
        resume(path, watch=seen.append)
    assert seen == []
    (tmp_path / "mark.txt").unlink()
    with pytest.raises(InvalidFileError, match="came or went"):
        resume(path, watch=seen.append)


def test_more_epochs_are_not_written_down_for_a_run_that_cannot_go_on(tmp_path: Path) -> None:
    path = cut_at(tmp_path / "cut", 3, 2)
    history = (path / "history.jsonl").read_text()
    (path / "history.jsonl").write_text(history.splitlines(keepends=True)[0])
    before = contents(path)
    with pytest.raises(InvalidFileError, match="lines are lost"):
        resume(path, epochs=30)
    assert contents(path) == before


def test_a_finished_run_that_goes_on_is_not_finished_until_it_is(tmp_path: Path) -> None:
    path = begin(tmp_path / "run", epochs=2).path
    watch, stop = stop_at(3, 2)
    with pytest.raises(InterruptedTraining):
        resume(path, epochs=4, watch=watch, stop=stop)
    assert Run(path).result() is None
    assert resume(path).result() is not None


def test_more_epochs_after_patience_ended_are_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = replace(RECIPE.fit, rate=0.0, final_rate=None, patience=2)  # no epoch is ever better
    monkeypatch.setattr(recipes, "find", lambda name: replace(RECIPE, fit=still))
    path = begin(tmp_path / "run", epochs=9).path
    assert len(Run(path).history()) == 3
    assert len(resume(path, epochs=12).history()) == 5


# -- what a record says of the net ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "title", "published"),
    [
        ({}, "Tiny", True),
        ({"cell": "lstm", "units": 6, "dropout": 0.1}, "Tiny", True),  # what it is anyway
        ({"cell": "rnn"}, "Tiny with cell rnn", False),
        ({"units": 3, "variant": "short"}, "Tiny with units 3, variant short", False),
        ({"dropout": 0.0, "recurrent_dropout": 0.0},
         "Tiny with dropout 0.0, recurrent dropout 0.0", False),
    ],
)  # fmt: skip
def test_a_changed_net_says_so_and_has_no_published_number_beside_it(
    tmp_path: Path, asked: dict[str, Any], title: str, published: bool
) -> None:
    seen: list[Event] = []
    options = Options(epochs=1, **asked)
    run = train("tiny", options, data=tmp_path, out=tmp_path / "r", watch=seen.append)
    record, result = run.record(), run.result()
    assert result is not None
    assert record["title"] == title
    assert (record["published"] is not None) == (result["published"] is not None) == published
    assert ("not the published one" in notes(seen)) != published
    runs.export(str(run.path), tmp_path / "kept.json")
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert (kept["title"], kept["published"] is not None) == (title, published)


def test_on_the_sample_a_recipe_is_trained_as_it_says_for_the_sample() -> None:
    recipe = replace(RECIPE, sample={"epochs": 11, "batch_size": 5})
    assert setup.fit_spec(recipe, Options(), sample=True).epochs == 11
    assert setup.fit_spec(recipe, Options(), sample=False) == replace(RECIPE.fit, seed=0)
    asked = setup.fit_spec(recipe, Options(epochs=2), sample=True)
    assert (asked.epochs, asked.batch_size) == (2, 5)
