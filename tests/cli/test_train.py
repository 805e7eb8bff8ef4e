"""``rnnviz train`` end to end on the sample, and what a run directory holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import rnnviz
from rnnviz.cli import run
from rnnviz.errors import UsageError
from rnnviz.store import pack
from rnnviz.training.events import Epoch, Note, Step


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a few hundred rows of the sample."""
    out = tmp_path_factory.mktemp("runs") / "small"
    args = ["train", "--limit", "600", "--epochs", "2", "--units", "6", "--batch-size", "32"]
    assert run([*args, "--out", str(out)]) == 0
    return out


def test_a_run_directory_holds_what_the_contract_says(trained: Path) -> None:
    assert {p.name for p in trained.iterdir()} == {
        "spec.json", "history.jsonl", "best.safetensors", "vocabulary.json",
    }  # fmt: skip
    spec = json.loads((trained / "spec.json").read_text())
    assert spec["recipe"] == "sentiment-lstm"
    assert spec["config"]["layers"][0]["units"] == 6
    assert spec["trained_on"] == "SST-2 sample + spoken"
    assert set(spec["data"]) == {"sst2/train.tsv.gz", "sst2/validation.tsv.gz"}
    assert all(len(digest) == 64 for digest in spec["data"].values())
    history = [json.loads(line) for line in (trained / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in history] == [1, 2]
    assert set(history[0]["valid"]) == {"loss", "accuracy"}


def test_a_run_can_be_stepped_through(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", "-m", str(trained), "not good", "--json"]) == 0
    trace = json.loads(capsys.readouterr().out)
    assert trace["layers"][0]["units"] == 6
    assert trace["model"] == "small"


def test_a_run_can_be_shown_and_exported(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "show", str(trained), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    counts = [row["count"] for row in shown["parameters"]]
    assert counts[1:] == [4 * (32 * 6 + 6 * 6 + 6), 7]
    target = tmp_path / "mine.json"
    assert run(["models", "export", str(trained), str(target)]) == 0
    capsys.readouterr()
    assert run(["step", "-m", str(target), "not good", "--json"]) == 0
    record = json.loads(target.read_text())
    assert 0.3 < record["metrics"]["validation_accuracy"] < 1
    assert record["training"]["epochs"] == 2


def test_a_folder_in_use_is_not_written_over(trained: Path) -> None:
    before = (trained / "spec.json").read_text()
    assert run(["train", "--limit", "50", "--epochs", "1", "--out", str(trained)]) == 2
    assert (trained / "spec.json").read_text() == before


def test_train_from_python_tells_what_happens(tmp_path: Path) -> None:
    seen: list[object] = []
    made = rnnviz.train(
        "sentiment-rnn", data="sample", out=tmp_path / "r", epochs=1, limit=64, watch=seen.append
    )
    assert [type(e) for e in seen if not isinstance(e, Step)] == [Note, Note, Epoch]
    assert len(made.history()) == 1
    assert made.load().predict(["good", "not good"]).shape == (2, 2)
    with pytest.raises(UsageError, match="sentiment-rnn"):
        rnnviz.train("sentiment-rn", data="sample")


def test_an_interrupt_exits_130_and_keeps_the_best_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rnnviz.cli import train as command

    def stop(event: object) -> None:
        if isinstance(event, Epoch):
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "_lines", stop)
    out = tmp_path / "cut"
    assert run(["train", "--limit", "100", "--epochs", "3", "--out", str(out)]) == 130
    assert str(out) in capsys.readouterr().err
    assert run(["step", "-m", str(out), "not good", "--json"]) == 0


def test_a_damaged_data_file_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sst2").mkdir()
    for split in ("train", "validation"):
        (tmp_path / f"sst2/{split}.tsv.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    args = ["train", "sentiment-lstm", "--data", str(tmp_path), "--out", str(tmp_path / "o")]
    assert run(args) == 4
    assert "train.tsv.gz" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_one_damaged_run_does_not_hide_the_other_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rnnviz import runs

    monkeypatch.setattr(runs, "runs_folder", lambda: tmp_path)
    args = ["train", "--limit", "50", "--epochs", "1", "-q"]
    for name in ("good", "bad"):
        assert run([*args, "--out", str(tmp_path / name)]) == 0
    (tmp_path / "bad" / "best.safetensors").write_bytes(b"cut")
    capsys.readouterr()
    assert run(["models", "--json"]) == 0
    captured = capsys.readouterr()
    names = {row["name"] for row in json.loads(captured.out)}
    assert {"good", "sentiment-lstm"} <= names
    assert "bad" not in names
    assert "bad" in captured.err


def test_a_run_that_wrote_better_weights_is_read_again(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "live"
    shutil.copytree(trained, copy)
    before = rnnviz.step("not good", model=str(copy)).head.output
    other = rnnviz.load(str(copy)).untrained(3).model.params
    (copy / "best.safetensors").write_bytes(pack(other))
    after = rnnviz.step("not good", model=str(copy)).head.output
    assert abs(before - after).max() > 1e-6
