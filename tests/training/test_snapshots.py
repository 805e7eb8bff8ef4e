"""Snapshots: the weights of a run at chosen moments, and models named RUN@STEP."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from rnnviz.analysis.learning import LearningQuestion
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InterruptedTraining, InvalidFileError, RnnvizError, UsageError
from rnnviz.explore import explorer
from rnnviz.model_files import load
from rnnviz.progress import Event, Note, SentenceReading
from rnnviz.query import Query
from rnnviz.runs import Options, Run, directory, resume, snapshot_writer, train
from rnnviz.runs.directory import Directory
from rnnviz.runs.snapshot_files import SCHEMA
from rnnviz.runs.snapshot_writer import SnapshotWriter, shortage, snapshot_plan, snapshot_steps
from rnnviz.tracer import tracer
from tests.training.tiny import tiny

__all__ = ["tiny"]

#: tiny has 9 batches an epoch.
EPOCHS, TOTAL = 4, 36
SENTENCE = "w2 w5 w3"


def begin(out: Path, recipe: str = "tiny", **given: Any) -> Run:
    names = ("epochs", "snapshots", "sentence")
    options = Options(**{name: given.pop(name) for name in names if name in given})
    return train(recipe, options, data=out.parent, out=out, **given)


def kept(run: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((run / "snapshots").iterdir())}


# -- which moments --------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1, 2, 23, 24, 25, 100, 1896, 10**6])
@pytest.mark.parametrize("count", [2, 3, 24, 500])
def test_the_steps_are_distinct_from_the_first_to_the_last(total: int, count: int) -> None:
    steps = snapshot_steps(total, count)
    assert list(steps) == sorted(set(steps))
    assert len(steps) == min(count, total + 1)
    assert (steps[0], steps[-1]) == (0, total)


def test_the_steps_are_denser_at_the_beginning() -> None:
    gaps = np.diff(snapshot_steps(2000, 24))
    assert (np.diff(gaps) >= 0).all()
    assert gaps[0] < 10 < 300 < gaps[-1]


def test_snapshots_too_large_for_float32_are_float16_and_then_fewer() -> None:
    def plan(words: int, asked: int | None = None) -> tuple[int, str, int | None, str]:
        layer = RecurrentSpec("lstm", 32)
        spec = ModelSpec(EmbeddingSpec(words, 32), (layer,), HeadSpec("sigmoid", 1))
        found = snapshot_plan(spec, asked)
        return found["count"], found["dtype"], found.get("asked"), shortage(found)

    assert plan(1_000) == (24, "float32", None, "")
    assert plan(10_000) == (24, "float16", None, "")
    assert plan(10_000, 15) == (15, "float32", None, "")
    *fewer, said = plan(100_000)
    assert fewer == [3, "float16", 24]
    assert said.startswith("3 snapshots of the weights are kept instead of 24:")
    *none, said = plan(250_000, 8)
    assert none == [0, "float16", 8]
    assert "no snapshots of its weights are kept" in said
    assert plan(1_000, 0) == (0, "float32", None, "")
    assert snapshot_plan(None, None)["count"] == 0


# -- in a run -------------------------------------------------------------------------------------


@pytest.fixture
def whole(tiny: None, tmp_path: Path) -> Run:
    """A run of 36 updates with seven snapshots."""
    return begin(tmp_path / "whole", snapshots=7)


def test_a_run_keeps_the_weights_that_are_saved_at_each_moment(tiny: None, tmp_path: Path) -> None:
    seen: dict[int, dict[str, np.ndarray]] = {}
    send = SnapshotWriter.is_due

    def is_due(writer: SnapshotWriter, step: int) -> bool:
        if step == writer.state.progress.step:  # a state of its own is reached
            seen[step] = writer.state.copy_eval_params()
        return send(writer, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SnapshotWriter, "is_due", is_due)
        run = begin(tmp_path / "run", snapshots=7)
    snapshots = run.snapshots()
    assert [each.step for each in snapshots] == list(snapshot_steps(TOTAL, 7))
    assert [each.epoch for each in snapshots] == [each.step / 9 for each in snapshots]
    for each in snapshots:
        model = load(f"{run.path}@{each.step}").model
        assert set(model.params) == set(seen[each.step])
        for name, a in model.params.items():
            np.testing.assert_array_equal(a, seen[each.step][name])
    assert 0 < (run.result() or {})["snapshot_seconds"]
    last, best = load_file(snapshots[-1].path), load_file(run.path / "last.safetensors")
    np.testing.assert_array_equal(last["embedding"], best["average.embedding"])


def test_a_trace_of_a_step_has_the_numbers_that_were_sent_then(tiny: None, tmp_path: Path) -> None:
    events: list[Event] = []
    run = begin(tmp_path / "run", snapshots=7, sentence=SENTENCE, watch=events.append)
    sent = {e.step: e for e in events if isinstance(e, SentenceReading)}
    ask = tracer()
    for each in run.snapshots():
        trace = ask(Query(SENTENCE, f"{run.path}@{each.step}"))
        assert trace.model == f"run@{each.step}"
        assert trace.head.readout.tolist() == [list(row) for row in sent[each.step].outputs]


def test_a_stopped_run_comes_to_the_same_snapshots(whole: Run, tmp_path: Path) -> None:
    cut, events = tmp_path / "cut", 0

    def stop() -> bool:
        nonlocal events
        events += 1
        return events % 11 == 0

    with pytest.raises(InterruptedTraining):
        begin(cut, snapshots=7, stop=stop)
    for _ in range(40):
        if Run(cut).result() is not None:
            break
        at = max((each.step for each in Run(cut).snapshots()), default=0)
        (cut / "snapshots" / ".12.safetensors.half").write_bytes(b"")  # left by a kill
        if at < TOTAL:  # later than the state, as after a kill
            (cut / "snapshots" / f"{TOTAL}.safetensors").write_bytes(b"later")
        try:
            resume(cut, stop=stop)
        except InterruptedTraining:
            assert max(each.step for each in Run(cut).snapshots()) >= at
    assert kept(cut) == kept(whole.path)


def test_more_epochs_keep_the_snapshots_and_stay_below_the_limit(whole: Run) -> None:
    before = kept(whole.path)
    resume(whole.path, epochs=8)
    after = kept(whole.path)
    assert {name: after[name] for name in before} == before
    assert [each.step for each in whole.snapshots()][-1] == 2 * TOTAL
    one = len(before["0.safetensors"]) + 8192
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_writer, "MAX_BYTES", 5 * one)
        resume(whole.path, epochs=40)
    steps = [each.step for each in whole.snapshots()]
    assert len(steps) <= 5
    assert (steps[0], steps[-1]) == (0, 10 * TOTAL)


def test_a_full_disk_ends_the_training_and_a_resume_gives_the_same(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write, left = tmp_path / "run", directory.write_atomically, 3

    def full(path: Path, data: bytes | str, *, flush: bool = True) -> None:
        nonlocal left
        left -= path.parent.name == "snapshots"
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, data, flush=flush)

    with monkeypatch.context() as patch:
        patch.setattr(directory, "write_atomically", full)
        with pytest.raises(
            RnnvizError, match=r"No space left on the disk of .*run\.[^\n]*\n.*--res"
        ):
            begin(run, snapshots=7)
    assert len(kept(run)) == 3
    resume(run)
    assert kept(run) == kept(whole.path)


def test_a_kill_while_snapshots_are_removed_changes_nothing(whole: Run, tmp_path: Path) -> None:
    killed = Run(tmp_path / "killed")
    shutil.copytree(whole.path, killed.path)
    remove, left = Directory.remove_snapshot, 1

    def removed_once(of: Directory, step: int) -> None:
        nonlocal left
        if not left:
            raise SystemExit
        left -= 1
        remove(of, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_writer, "MAX_BYTES", 8 * 10_000)
        resume(whole.path, epochs=20)
        with patch.context() as inner:
            inner.setattr(Directory, "remove_snapshot", removed_once)
            with pytest.raises(SystemExit):
                resume(killed.path, epochs=20)
        assert len(killed.snapshots()) == 6
        resume(killed.path)
    assert kept(killed.path) == kept(whole.path)
    steps = [each.step for each in whole.snapshots()]
    assert (len(steps), steps[0], steps[-1]) == (8, 0, 20 * 9)


def test_a_training_that_stops_early_keeps_its_end(tiny: None, tmp_path: Path) -> None:
    run = train("tiny", Options(epochs=40, patience=1, snapshots=5), data=tmp_path,
                out=tmp_path / "run")  # fmt: skip
    end = 9 * len(run.history())
    assert end < 9 * 40
    assert run.snapshots()[-1].step == end
    assert run.snapshots()[-1].epoch == len(run.history())


def test_none_and_one(tiny: None, tmp_path: Path) -> None:
    assert begin(tmp_path / "none", snapshots=0).snapshots() == []
    assert not (tmp_path / "none" / "snapshots").exists()
    assert [each.step for each in begin(tmp_path / "one", snapshots=1).snapshots()] == [TOTAL]


@pytest.mark.parametrize("count", [-1, 1_001, 2.5, True, "3"])
def test_another_number_is_refused_before_the_training(
    tiny: None, tmp_path: Path, count: Any
) -> None:
    with pytest.raises(UsageError, match=f"--snapshots {count!r}: .* 0 to 1,000"):
        begin(tmp_path / "run", snapshots=count)
    assert not (tmp_path / "run").exists()


def test_a_series_keeps_them_and_a_rule_cannot(tiny: None, tmp_path: Path) -> None:
    assert len(begin(tmp_path / "series", "tiny-series").snapshots()) == 19  # 18 updates
    with pytest.raises(UsageError, match="--snapshots"):
        begin(tmp_path / "rule", "tiny-rule", snapshots=3)
    assert begin(tmp_path / "rule", "tiny-rule").snapshots() == []


def test_float16_is_what_an_exported_model_has(tiny: None, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_writer, "MAX_BYTES", 5 * 9_500)
        run = begin(tmp_path / "run", snapshots=5)
    assert run.record()["snapshots"] == {"count": 5, "dtype": "float16"}
    file = run.snapshots()[-1].path
    with safe_open(file, framework="numpy") as opened:
        assert '"dtype": "float16"' in opened.metadata()["snapshot"]
    best = load_file(run.path / "last.safetensors")
    for name, a in load_file(file).items():
        np.testing.assert_array_equal(a, best[f"average.{name}"].astype(np.float16))
    assert sum(map(len, kept(run.path).values())) <= 5 * 9_500


def test_a_run_with_fewer_than_asked_for_says_so(tiny: None, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_writer, "MAX_BYTES", 5 * 9_500)
        run = begin(tmp_path / "run", watch=events.append)
    said = [event.text for event in events if isinstance(event, Note)]
    assert any("5 snapshots of the weights are kept instead of 24" in text for text in said)
    plan = {"count": 5, "dtype": "float16", "asked": 24}
    assert run.record()["snapshots"] == (run.result() or {})["snapshots"] == plan
    assert {each.dtype for each in run.snapshots()} == {"float16"}


def test_the_result_has_the_number_of_files(whole: Run) -> None:
    assert (whole.result() or {})["snapshots"] == {"count": 7, "dtype": "float32"}
    whole.snapshots()[2].path.unlink()
    resume(whole.path, epochs=5)
    assert (whole.result() or {})["snapshots"]["count"] == len(whole.snapshots())


# -- damaged and foreign files --------------------------------------------------------------------


def test_a_damaged_snapshot_is_named(whole: Run) -> None:
    file = whole.snapshots()[1].path
    file.write_bytes((whole.snapshots()[0].path).read_bytes())
    with pytest.raises(InvalidFileError, match=f"{file.name} is not a usable snapshot"):
        whole.snapshots()
    file.write_bytes(b"\xff" * 9)
    with pytest.raises(InvalidFileError, match=file.name):
        whole.snapshots()


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"epoch": 10**400}, "its epoch is 1000"),
        ({"epoch": -1}, "its epoch is -1"),
        ({"epoch": "\x1b[2J"}, r"its epoch is '\\x1b\[2J'"),
        ({"epoch": True}, "its epoch is True"),
        ({"dtype": ["float16"]}, r"its dtype is \['float16'\]"),
        ({"schema": "another/1"}, "its schema is 'another/1'"),
        ([1], "list"),
        (None, "missing"),
    ],
)
def test_what_a_snapshot_says_of_itself_is_checked(
    whole: Run, about: dict[str, Any] | list[int] | None, reason: str
) -> None:
    each = whole.snapshots()[1]
    if isinstance(about, dict):
        about = {"schema": SCHEMA, "step": each.step, "epoch": 1, "dtype": "float32"} | about
    save_file(load_file(each.path), each.path, about and {"snapshot": json.dumps(about)})
    with pytest.raises(InvalidFileError, match=f"{reason}.*Delete it to see the others"):
        whole.snapshots()


def test_other_files_beside_the_snapshots_are_left_alone(whole: Run) -> None:
    folder = whole.path / "snapshots"
    before = [each.step for each in whole.snapshots()]
    names = ("-1", "1e3", "007", "1" + "0" * 30, "\N{ARABIC-INDIC DIGIT FIVE}", "a", ".b.c.d")
    others = {folder / f"{name}.safetensors" for name in names} | {folder / ".own.notes.txt"}
    for path in others:
        path.write_bytes(b"")
    (folder / f"{TOTAL - 1}.safetensors").mkdir()
    (folder / ".a.json.b").mkdir()
    assert [each.step for each in whole.snapshots()] == before
    resume(whole.path, epochs=5)
    assert [each.step for each in whole.snapshots()][-1] == 5 * 9
    assert all(path.is_file() for path in others)


@pytest.mark.parametrize("link", [True, False])
def test_a_folder_of_snapshots_elsewhere_is_neither_read_nor_written(
    whole: Run, tmp_path: Path, link: bool
) -> None:
    outside, folder = tmp_path / "outside", whole.path / "snapshots"
    folder.rename(outside)
    (outside / "99999.safetensors").write_bytes(b"another's")
    (outside / ".x.json.y").write_bytes(b"another's")
    folder.symlink_to(outside) if link else folder.write_bytes(b"")
    before = sorted(outside.iterdir())
    assert whole.snapshots() == []
    with pytest.raises(UsageError, match="snapshots is no folder of this run"):
        resume(whole.path, epochs=5)
    assert sorted(outside.iterdir()) == before
    assert whole.result() is not None


# -- their names ----------------------------------------------------------------------------------


@pytest.fixture
def named(tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr("rnnviz.lookup.runs_folder", lambda: tmp_path)
    yield begin(tmp_path / "my-run", snapshots=3)


def test_a_step_is_named_after_any_name_of_its_run(named: Run) -> None:
    step = named.snapshots()[1].step
    for name in ("last", "my-run", "my", str(named.path)):
        stored = load(f"{name}@{step}")
        assert stored.name == f"my-run@{step}"
        assert stored.weights_path == named.snapshots()[1].path
    by_path = load(str(named.snapshots()[1].path))
    assert by_path.name == f"my-run@{step}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("last@1", "no snapshot of step 1.*: last@0, last@4"),
        ("my-run@99999", "The nearest: my-run@36$"),
        ("sentiment-lstm@5", "sentiment-lstm is no run"),
        ("my-run@", "'' is no step of the run my-run: .* as in my-run@36"),
        ("my-run@05", "'05' is no step"),
        ("my-run@-1", "'-1' is no step"),
        ("my-run@1e3", "'1e3' is no step"),
        ("my-run@" + "9" * 99, "99…9999999999' is no step"),
        ("my-run@\N{ARABIC-INDIC DIGIT FIVE}", "is no step"),
        ("my-run@4@4", "Unknown model 'my-run@4'"),
        ("my-run" + "@4" * 2_000, "File name too long|Unknown model"),
        ("nothing@5", "Unknown model 'nothing'"),
        ("nothing@x", "Unknown model 'nothing@x'"),
    ],
)
def test_a_step_that_is_not_there_names_the_nearest(named: Run, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(name)


def test_the_page_of_the_last_run_stays_with_it(named: Run, tmp_path: Path) -> None:
    ask = explorer()
    for name in ("last", "last@4"):
        found = ask(LearningQuestion(name, SENTENCE))
        assert (found.run, found.step_of(name)) == ("my-run", None if name == "last" else 4)
    file = str(named.snapshots()[1].path)
    found = ask(LearningQuestion(file, SENTENCE))
    assert found.step_of(file) == named.snapshots()[1].step
    assert load(found.model(2)).weights_path == named.snapshots()[2].path


def test_snapshots_that_are_larger_than_those_of_a_run_are_not_read(
    whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 4 * 7 * sum(array.size for array in whole.load().model.params.values())
    monkeypatch.setattr("rnnviz.explore.learning.ROOM", size)
    assert len(explorer()(LearningQuestion(str(whole.path), SENTENCE)).steps) == 7
    monkeypatch.setattr("rnnviz.explore.learning.ROOM", size - 1)
    with pytest.raises(InvalidFileError, match="bytes of memory"):
        explorer()(LearningQuestion(str(whole.path), SENTENCE))


def test_a_run_may_have_an_at_in_its_name(tiny: None, tmp_path: Path) -> None:
    for name in ("a@b", "a@36"):
        run = begin(tmp_path / name, snapshots=3)
        assert load(str(run.path)).name == name
        assert load(f"{run.path}@36").name == f"{name}@36"
        assert load(str(run.snapshots()[0].path)).name == f"{name}@0"


def test_a_newer_run_answers_to_last_with_its_step(named: Run, tmp_path: Path) -> None:
    ask = tracer()
    first = ask(Query(SENTENCE, "last@36"))
    train("tiny", Options(snapshots=3, seed=1), data=tmp_path, out=tmp_path / "newer")
    second = ask(Query(SENTENCE, "last@36"))
    assert (first.model, second.model) == ("my-run@36", "newer@36")
    assert (first.head.output != second.head.output).any()
