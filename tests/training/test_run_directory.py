"""Run directories: what is in them, going on with them, and what stands in the way."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
from safetensors.numpy import load_file
from training.tiny import RECIPE, tiny

from rnnviz import recipes, runs
from rnnviz.data.batches import Texts
from rnnviz.errors import InterruptedTraining, InvalidFileError, RnnvizError, UsageError
from rnnviz.model_files import load
from rnnviz.progress import (
    Epoch,
    Evaluation,
    Event,
    Note,
    RunFinished,
    RunStarted,
    SentenceReading,
    TrainingStep,
)
from rnnviz.recipes import Task
from rnnviz.runs import Options, Run, find_run, resume, train
from rnnviz.runs import directory as directory_module
from rnnviz.runs.directory import Directory
from rnnviz.runs.lock import exclusive_lock

__all__ = ["tiny"]
pytestmark = pytest.mark.usefixtures("tiny")

FILES = {
    "spec.json", "history.jsonl", "best.safetensors", "last.safetensors", "vocabulary.json",
    "result.json", "snapshots",
}  # fmt: skip


def begin(out: Path, recipe: str = "tiny", **given: Any) -> Run:
    options = Options(epochs=given.pop("epochs", None), limit=given.pop("limit", None))
    return train(recipe, options, data=out.parent, out=out, **given)


def stop_at(epoch: int, batch: int) -> tuple[Callable[[Event], None], Callable[[], bool]]:
    """A watch, and a stop that asks for the end after that batch."""
    now = False

    def watch(event: Event) -> None:
        nonlocal now
        now = isinstance(event, TrainingStep) and (event.epoch, event.batch) == (epoch, batch)

    return watch, lambda: now


def weights(run: Path, name: str = "last") -> dict[str, np.ndarray]:
    return load_file(run / f"{name}.safetensors")


def same(first: Path, second: Path) -> None:
    for name in ("best", "last"):
        found, wanted = weights(first, name), weights(second, name)
        assert set(found) == set(wanted)
        for key, a in found.items():
            np.testing.assert_array_equal(a, wanted[key], err_msg=key)
    lines = [[replace(e, seconds=0.0) for e in Run(p).history()] for p in (first, second)]
    assert lines[0] == lines[1]


def test_a_finished_run_holds_its_record_its_result_and_the_tested_weights(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    assert {p.name for p in run.path.iterdir()} == FILES
    record, result = run.record(), run.result()
    assert record["published"]["value"] == 0.9
    assert record["metric"] == {"name": "accuracy", "better": "high"}
    assert result is not None
    assert result["finished"] and result["epochs"] == 4
    history = run.history()
    assert result["valid"] == history[result["best_epoch"] - 1].valid
    assert result["valid"]["accuracy"] == max(epoch.valid["accuracy"] for epoch in history)
    assert set(history[0].norms) == {"embedding", "layers.0", "head"}
    task = recipes.find("tiny").prepare(tmp_path, None, 0, print)
    assert task.test is not None
    texts = [" ".join(f"w{n}" for n in row) for row in task.test.ids]  # type: ignore[attr-defined]
    right = run.load().predict(texts).argmax(1) == task.test.y  # type: ignore[attr-defined]
    assert result["test"]["accuracy"] == pytest.approx(right.mean())


def turning_at_epoch_four(*given: Any) -> Task:
    """The task with the labels of later epochs turned round: the last epoch is a bad one."""
    task = RECIPE.prepare(*given)

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        found: Texts = task.draw(epoch, rng)
        return found if epoch < 4 else replace(found, y=1 - found.y)

    return replace(task, draw=draw)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_weights_that_are_kept_are_the_best_epochs_or_the_last(
    tmp_path: Path, keep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = replace(RECIPE.fit, epochs=6, rate=0.03, final_rate=None, average=None, keep=keep)
    turned = replace(RECIPE, fit=quick, prepare=turning_at_epoch_four)
    monkeypatch.setattr(recipes, "find", lambda name: turned)
    epochs: list[Epoch] = []
    params: list[dict[str, np.ndarray]] = []

    def watch(event: Event) -> None:
        if isinstance(event, Epoch):
            epochs.append(event)
            params.append(weights(tmp_path / "run"))

    run = begin(tmp_path / "run", watch=watch)
    best = max(range(6), key=lambda n: epochs[n].valid["accuracy"])
    assert best < 5, "this test needs a best epoch that is not the last"
    wanted = epochs[best if keep == "best" else 5]
    for name, a in weights(run.path, "best").items():
        np.testing.assert_array_equal(a, params[wanted.number - 1][name])
    result = run.result()
    assert result is not None
    assert (result["best_epoch"], result["valid"]) == (wanted.number, wanted.valid)


@pytest.mark.parametrize(("epoch", "batch"), [(1, 3), (2, 9), (3, 1), (4, 9)])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, epoch: int, batch: int) -> None:
    whole = begin(tmp_path / "whole").path
    watch, stop = stop_at(epoch, batch)
    with pytest.raises(InterruptedTraining, match="--resume") as caught:
        begin(tmp_path / "cut", watch=watch, stop=stop)
    assert caught.value.exit_code == 130
    assert len(Run(tmp_path / "cut").history()) == epoch - 1
    resume(tmp_path / "cut")
    same(tmp_path / "cut", whole)


def test_more_epochs_can_be_asked_for_and_a_finished_run_says_so(tmp_path: Path) -> None:
    path = begin(tmp_path / "run", epochs=2).path
    with pytest.raises(UsageError, match=r"finished after 2 epochs.*--epochs 4"):
        resume(path)
    with pytest.raises(UsageError, match="finished"):
        resume(path, epochs=2)
    resume(path, epochs=3)
    assert [epoch.number for epoch in Run(path).history()] == [1, 2, 3]
    result = Run(path).result()
    assert result is not None and result["epochs"] == 3
    assert Run(path).record()["fit"]["epochs"] == 3


def test_watch_hears_of_everything_in_order(tmp_path: Path) -> None:
    seen: list[Event] = []
    begin(tmp_path / "run", "tiny", epochs=1, watch=seen.append)
    kinds = [type(event) for event in seen if not isinstance(event, SentenceReading)]
    assert kinds == [
        Note,
        RunStarted,
        *[TrainingStep] * 9,
        Evaluation,
        Epoch,
        Evaluation,
        RunFinished,
    ]
    assert [e.of for e in seen if isinstance(e, Evaluation)] == ["validation", "test"]
    seen.clear()
    resume(tmp_path / "run", epochs=2, watch=seen.append)
    begun = seen[1]
    assert isinstance(begun, RunStarted)
    assert (len(begun.history), begun.epochs) == (1, 2)


def test_when_the_time_is_used_up_the_run_is_saved_and_says_how_to_go_on(tmp_path: Path) -> None:
    seen: list[Event] = []
    whole = begin(tmp_path / "whole").path
    run = begin(tmp_path / "cut", time_budget=1e-9, watch=seen.append)
    assert run.result() is None
    assert sum(isinstance(event, TrainingStep) for event in seen) == 1
    assert isinstance(seen[-1], Note)
    assert f"rnnviz train --resume {run.path}" in seen[-1].text
    resume(run.path)
    same(run.path, whole)


def test_a_snapshot_is_the_model_as_it_is_now(tmp_path: Path) -> None:
    wanted = [False, False, True]
    out = tmp_path / "run"
    watch, stop = stop_at(1, 3)
    with pytest.raises(InterruptedTraining):
        begin(out, watch=watch, stop=stop, snapshot=lambda: wanted.pop(0))
    now, last = load(str(out / "now.safetensors")), load(str(out / "last.safetensors"))
    assert now.name == "run"
    stored = weights(out)
    np.testing.assert_array_equal(now.model.params["head.W"], stored["average.head.W"])
    np.testing.assert_array_equal(last.model.params["head.W"], stored["head.W"])
    with pytest.raises(UsageError, match="no epoch of it is finished"):
        load(str(out))


# -- signals ----------------------------------------------------------------------------------


def send(number: signal.Signals, times: int) -> Callable[[Event], None]:
    def watch(event: Event) -> None:
        if isinstance(event, TrainingStep) and (event.epoch, event.batch) == (2, 4):
            for _ in range(times):
                signal.raise_signal(number)

    return watch


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_batch_and_saves(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(InterruptedTraining, match="epoch 2 of 4, 4 batches"):
        begin(tmp_path / "cut", watch=send(number, 1))
    assert signal.getsignal(number) is before
    resume(tmp_path / "cut")
    same(tmp_path / "cut", begin(tmp_path / "whole").path)


def test_a_second_ctrl_c_ends_at_once_and_what_was_saved_goes_on(tmp_path: Path) -> None:
    with pytest.raises(InterruptedTraining, match="at once"):
        begin(tmp_path / "cut", watch=send(signal.SIGINT, 2))
    state = Directory(tmp_path / "cut").state(
        {name: a.shape for name, a in weights(tmp_path / "cut", "best").items()}
    )
    assert state is not None
    assert (state.progress.epoch, state.progress.batch) == (2, 0)
    resume(tmp_path / "cut")
    same(tmp_path / "cut", begin(tmp_path / "whole").path)


def test_training_in_another_thread_leaves_the_signals_alone(tmp_path: Path) -> None:
    found: list[object] = []

    def watch(event: Event) -> None:
        found.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    arguments = {"epochs": 1, "watch": watch}
    thread = threading.Thread(target=begin, args=(tmp_path / "run",), kwargs=arguments)
    thread.start()
    thread.join()
    assert set(found) == {before}


# -- what can stand in the way ------------------------------------------------------------------


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A run stopped in its third epoch."""
    watch, stop = stop_at(3, 2)
    with pytest.raises(InterruptedTraining):
        begin(tmp_path / "cut", watch=watch, stop=stop)
    return tmp_path / "cut"


def test_lines_of_the_history_the_state_does_not_know_are_cut(cut: Path, tmp_path: Path) -> None:
    history = cut / "history.jsonl"
    lines = history.read_text()
    third = lines.splitlines()[-1].replace('"epoch": 2', '"epoch": 3')
    history.write_text(lines + third + "\n" + third[:30])
    resume(cut)
    same(cut, begin(tmp_path / "whole").path)


def test_a_lost_or_edited_line_of_the_history_is_named(cut: Path) -> None:
    history = cut / "history.jsonl"
    first, second = history.read_text().splitlines(keepends=True)
    history.write_text(first)
    with pytest.raises(InvalidFileError, match=r"has 1 epochs, last\.safetensors knows 2"):
        resume(cut)
    history.write_text(second + first)
    with pytest.raises(InvalidFileError, match="line 1"):
        resume(cut)


def test_without_a_state_the_run_starts_again_from_the_first_epoch(
    cut: Path, tmp_path: Path
) -> None:
    (cut / "last.safetensors").unlink()
    resume(cut)
    same(cut, begin(tmp_path / "whole").path)


def test_a_run_that_had_not_begun_says_so(cut: Path) -> None:
    (cut / "spec.json").unlink()
    with pytest.raises(InvalidFileError, match="had not begun"):
        resume(cut)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "rnnviz.run/1", "recipe": "tiny"}'])
def test_a_damaged_record_is_named(cut: Path, text: str) -> None:
    (cut / "spec.json").write_text(text)
    with pytest.raises(InvalidFileError, match=r"spec\.json"):
        resume(cut)


def test_other_data_is_refused_with_the_file_that_changed(tmp_path: Path) -> None:
    mark = tmp_path / "mark.txt"
    mark.write_text("one")
    watch, stop = stop_at(1, 2)
    with pytest.raises(InterruptedTraining):
        begin(tmp_path / "cut", watch=watch, stop=stop)
    mark.write_text("two")
    with pytest.raises(InvalidFileError, match=r"mark\.txt"):
        resume(tmp_path / "cut")
    mark.write_text("one")
    resume(tmp_path / "cut")


def test_other_words_than_when_the_run_began_are_refused(cut: Path) -> None:
    file = cut / "vocabulary.json"
    file.write_text(file.read_text().replace("w7", "other"))
    with pytest.raises(InvalidFileError, match=r"vocabulary\.json"):
        resume(cut)


def test_a_full_disk_is_one_clear_line_and_leaves_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    count = 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == 9:  # in the middle of the second epoch's files
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RnnvizError, match=r"No space left on the disk[^\n]*\n.*--resume") as caught:
        begin(tmp_path / "cut")
    assert caught.value.exit_code == 1
    monkeypatch.undo()
    monkeypatch.setattr(recipes, "find", __import__("training.tiny", fromlist=["find"]).find)
    assert not list((tmp_path / "cut").glob(".*"))
    resume(tmp_path / "cut")
    same(tmp_path / "cut", begin(tmp_path / "whole").path)


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(directory_module, "write_atomically", denied)
    with pytest.raises(
        RnnvizError, match=r"Cannot write .*run: Read-only[^\n]*\n.*--out"
    ) as caught:
        begin(tmp_path / "run")
    assert caught.value.exit_code == 1


def test_an_out_that_is_a_file_or_in_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match="is a file"):
            train("tiny", Options(), data=tmp_path, out=out)
    assert (tmp_path / "file").read_text() == "mine"


def test_two_processes_cannot_train_in_one_directory(cut: Path) -> None:
    with exclusive_lock(cut), pytest.raises(UsageError, match="another process"):
        resume(cut)
    resume(cut)


def test_a_run_is_found_by_path_name_beginning_and_as_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path))
    folder = tmp_path / "runs"
    folder.mkdir()
    with pytest.raises(UsageError, match="no run 'last'"):
        find_run("last")
    for name in ("old", "new"):
        begin(folder / name, epochs=1)
    os.utime(folder / "old", (1, 1))
    assert find_run("last") == find_run("ne") == folder / "new"
    assert find_run("old") == find_run(folder / "old") == folder / "old"
    with pytest.raises(UsageError, match="mean 'old'"):
        find_run("olt")
    with pytest.raises(UsageError, match=r"no spec\.json"):
        find_run(folder)
    with pytest.raises(UsageError, match="finished"):
        resume("ol")


# -- the data, and its variants -------------------------------------------------------------------


def test_a_variant_readies_the_data_its_own_way_and_is_told_with_the_numbers(
    tmp_path: Path,
) -> None:
    run = train("tiny", Options(epochs=1, variant="short"), data=tmp_path, out=tmp_path / "run")
    record = run.record()
    assert record["data"] == {"short": "made up"}
    assert (record["title"], record["trained_on"]) == ("Tiny, variant short", "few words, short")
    resume(run.path, epochs=2)  # on the same data, or it would refuse
    assert len(run.history()) == 2
    runs.export(str(run.path), tmp_path / "kept.json")
    made_by = json.loads((tmp_path / "kept.json").read_text())["training"]["command"]
    assert made_by == "rnnviz train tiny --epochs 1 --variant short --seed 0"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [("tiny", r"mean 'short'\? It has: short\."), ("tiny-series", r"'shrot'\. It has none\.")],
)
def test_an_unknown_variant_names_those_there_are(tmp_path: Path, recipe: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        train(recipe, Options(variant="shrot"), data=tmp_path, out=tmp_path / "run")


@pytest.mark.parametrize("asked", [1, 2])
def test_a_stop_while_the_data_is_made_ready_is_heard_and_leaves_nothing(
    tmp_path: Path, asked: int
) -> None:
    questions = iter(range(1, 9))
    with pytest.raises(InterruptedTraining, match="nothing had been trained"):
        begin(tmp_path / "run", stop=lambda: next(questions) == asked)
    assert next(questions) == asked + 1
    assert not (tmp_path / "run").exists()


def test_a_stop_before_a_run_goes_on_leaves_it_as_it_was(cut: Path) -> None:
    before = {p.name: p.read_bytes() for p in cut.rglob("*") if p.is_file()}
    with pytest.raises(InterruptedTraining, match=r"as it was.*\n.*--resume"):
        resume(cut, stop=lambda: True)
    assert {p.name: p.read_bytes() for p in cut.rglob("*") if p.is_file()} == before


# -- series and rules -----------------------------------------------------------------------------


def test_a_net_for_a_series_keeps_its_scaling_and_speaks_of_degrees(tmp_path: Path) -> None:
    seen: list[Event] = []
    run = begin(tmp_path / "run", "tiny-series", watch=seen.append)
    assert "series.json" in {p.name for p in run.path.iterdir()}
    metric = run.record()["metric"]
    assert (metric["name"], metric["better"], metric["unit"]) == ("mae", "low", "°C")
    started = next(event for event in seen if isinstance(event, RunStarted))
    assert (started.scale, started.unit) == (metric["scale"], "°C")
    assert metric["scale"] == pytest.approx(7.1, abs=0.3)  # of 10·sin
    result = run.result()
    assert result is not None and result["test"] is None
    assert result["valid"]["loss"] == min(epoch.valid["loss"] for epoch in run.history())
    stored = run.load()
    with pytest.raises(UsageError, match="reads a series"):
        stored.predict(["w3"])
    runs.export(str(run.path), tmp_path / "kept.json")
    kept = load(str(tmp_path / "kept.json"))
    assert kept.encoder == stored.encoder
    assert kept.record["metrics"]["validation_mae"] == result["valid"]["mae"]


def test_a_rule_is_measured_and_nothing_is_trained(tmp_path: Path) -> None:
    run = begin(tmp_path / "run", "tiny-rule")
    assert not list(run.path.glob("*.safetensors"))
    result = run.result()
    assert result is not None and result["valid"] == {"loss": 0.5, "mae": 0.5}
    assert len(run.history()) == 1
    with pytest.raises(UsageError, match="no net"):
        load(str(run.path))
    with pytest.raises(UsageError, match="finished"):
        resume(run.path)
    with pytest.raises(UsageError, match="--units"):
        train("tiny-rule", Options(units=3), data=tmp_path, out=tmp_path / "other")


def test_an_export_takes_along_what_the_run_knows(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    runs.export(str(run.path), tmp_path / "kept.json")
    record = json.loads((tmp_path / "kept.json").read_text())
    result = run.result()
    assert result is not None
    assert record["metrics"]["test_accuracy"] == result["test"]["accuracy"]
    assert record["metrics"]["epoch"] == result["best_epoch"]
    assert record["published"]["value"] == 0.9
    assert record["licence"] == "none"
    assert record["training"]["history"] == [epoch.to_json() for epoch in run.history()]
    assert record["training"]["command"] == "rnnviz train tiny --seed 0"
