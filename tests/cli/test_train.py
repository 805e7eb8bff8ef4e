"""``rnnviz train`` end to end on the sample, and what a run directory holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rnnviz
from rnnviz.cli import run
from rnnviz.errors import UsageError
from rnnviz.model_files import pack
from rnnviz.progress import (
    Epoch,
    Evaluation,
    Note,
    RunFinished,
    RunStarted,
    SentenceReading,
    TrainingStep,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a few hundred phrases."""
    out = tmp_path_factory.mktemp("runs") / "small"
    args = ["train", "sentiment-lstm", "--data", "sample", "--limit", "600", "--epochs", "2"]
    args += ["--units", "6", "--batch-size", "32"]
    assert run([*args, "--out", str(out)]) == 0
    return out


def test_a_run_directory_holds_what_the_contract_says(trained: Path) -> None:
    assert {p.name for p in trained.iterdir()} == {
        "spec.json", "history.jsonl", "best.safetensors", "last.safetensors", "vocabulary.json",
        "result.json", "snapshots",
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
        "sentiment-rnn", data="sample", out=tmp_path / "r", epochs=1, limit=64, device="cpu",
        watch=seen.append,
    )  # fmt: skip
    often = TrainingStep | SentenceReading | Evaluation
    kinds = [type(e) for e in seen if not isinstance(e, often)]
    assert kinds == [Note, Note, RunStarted, Epoch, RunFinished]
    assert len(made.history()) == 1
    assert made.load().predict(["good", "not good"]).shape == (2, 2)
    rnnviz.train(resume=made.path, epochs=2)
    assert len(made.history()) == 2
    with pytest.raises(UsageError, match="sentiment-rnn"):
        rnnviz.train("sentiment-rn", data="sample")


def test_ctrl_c_exits_130_and_the_command_it_names_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "cut"
    args = ["train", "sentiment-lstm", "--data", "sample", "--epochs", "30", "--limit", "400"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnviz", *args, "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    while not process.stderr.readline().startswith("epoch 1/"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed == ""
    assert f"rnnviz train --resume {out}" in said
    assert "Traceback" not in said
    done = len((out / "history.jsonl").read_text().splitlines())
    assert 1 <= done < 30
    assert run(["train", "--resume", str(out), "--epochs", str(done + 1), "-q"]) == 0
    assert len((out / "history.jsonl").read_text().splitlines()) == done + 1


def test_lines_say_the_metrics_the_pace_and_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["train", "sentiment-rnn", "--data", "sample", "--limit", "300", "--epochs", "2"]
    assert run([*args, "--out", str(tmp_path / "r")]) == 0
    printed, said = capsys.readouterr()
    assert printed == f"{tmp_path / 'r'}\n"
    first = next(line for line in said.splitlines() if line.startswith("epoch 1/2"))
    assert first.endswith("  *")
    for part in ("loss 0.", "accuracy 0.", "validation loss 0.", " s  ", "samples/s"):
        assert part in first
    assert f"rnnviz step -m {tmp_path / 'r'}" in said
    assert run(["train", "--resume", str(tmp_path / "r")]) == 2
    assert "--epochs" in capsys.readouterr().err


def test_a_series_is_spoken_of_in_degrees_beside_the_published_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from training.tiny import SERIES

    from rnnviz import recipes
    from rnnviz.recipes import Published

    recipe = replace(SERIES, published=Published("mae", 0.264, "a book, 2018"))
    monkeypatch.setattr(recipes, "find", lambda name: recipe)
    args = ["train", "tiny-series", "--data", str(tmp_path), "--epochs", "1"]
    assert run([*args, "--out", str(tmp_path / "r")]) == 0
    said = capsys.readouterr().err
    assert "°C)" in next(line for line in said.splitlines() if line.startswith("epoch 1/1"))
    assert "published: validation mae 0.264 (a book, 2018)" in said
    assert "rnnviz step" not in said


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("1H", 3600)]
)
def test_a_time_budget_is_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    from rnnviz.cli.train import Duration

    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["0", "-5m", "five", "5 parsecs", "", "nan", "1e3"])
def test_a_time_budget_that_is_none_is_a_usage_error(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", f"--time-budget={text}"]) == 2
    assert "90s, 5m or 1h" in capsys.readouterr().err


def test_a_time_budget_ends_with_0_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["train", "sentiment-rnn", "--data", "sample", "--limit", "300", "--epochs", "9"]
    assert run([*args, "--out", str(tmp_path / "r"), "--time-budget", "0.001"]) == 0
    printed, said = capsys.readouterr()
    assert printed == f"{tmp_path / 'r'}\n"
    assert f"rnnviz train --resume {tmp_path / 'r'}" in said


@pytest.mark.parametrize(
    "more", [["--units", "4"], ["--seed", "0"], ["--out", "x"], ["sentiment-rnn"]]
)
def test_what_a_run_began_with_cannot_be_changed(
    trained: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", *more, "--resume", str(trained)]) == 2
    assert more[0] in capsys.readouterr().err


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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path))
    args = ["train", "sentiment-rnn", "--data", "sample", "--limit", "50", "--epochs", "1", "-q"]
    for name in ("good", "bad"):
        assert run([*args, "--out", str(tmp_path / "runs" / name)]) == 0
    (tmp_path / "runs" / "bad" / "best.safetensors").write_bytes(b"cut")
    capsys.readouterr()
    assert run(["models", "--json"]) == 0
    captured = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(captured.out)}
    assert {"good", "sentiment-lstm", "bad"} <= rows.keys()
    assert "damaged" not in rows["good"] and "safetensors" in rows["bad"]["damaged"]
    assert captured.err == ""
    assert run(["models"]) == 0
    assert "bad " in (text := capsys.readouterr().out) and "damaged: best.safetensors" in text


def test_a_run_that_wrote_better_weights_is_read_again(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "live"
    shutil.copytree(trained, copy)
    before = rnnviz.step("not good", model=str(copy)).head.output
    other = rnnviz.load(str(copy)).untrained(3).model.params
    (copy / "best.safetensors").write_bytes(pack(other))
    after = rnnviz.step("not good", model=str(copy)).head.output
    assert abs(before - after).max() > 1e-6


def test_the_table_of_models_has_what_each_reached_and_what_was_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import platformdirs
    from training.tiny import find

    from rnnviz import recipes

    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path))
    monkeypatch.setattr(recipes, "find", find)
    for name in ("tiny", "tiny-series"):
        out = str(tmp_path / "runs" / name)
        args = ["train", name, "--data", str(tmp_path), "--epochs", "1", "--out", out]
        assert run([*args, "-q"]) == 0
    assert run(["models", "export", str(tmp_path / "runs/tiny-series"), str(tmp_path / "s")]) == 0
    capsys.readouterr()
    assert run(["models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    titles = ["trained on", "validation", "test", "published", "from"]
    places = [lines["name"].index(title) for title in titles]
    cells = [
        [lines[name][a:b].strip() for a, b in zip(places, [*places[1:], None], strict=True)]
        for name in ("tiny", "tiny-series", "sentiment-lstm")
    ]
    assert [row[0] for row in cells] == ["words", "waves", "SST-2 + IMDB + spoken"]
    assert [row[4] for row in cells] == ["trained here", "trained here", "shipped"]
    score = re.compile(r"accuracy [01](\.\d{1,4})?")
    assert score.fullmatch(cells[0][1])
    assert score.fullmatch(cells[0][2])
    assert cells[0][3] == "validation accuracy 0.9"
    assert re.fullmatch(r"MAE \d(\.\d+)?", cells[1][1])
    assert cells[1][2:4] == ["-", "-"]
    reached = rnnviz.load("sentiment-lstm").record["metrics"]["validation_accuracy"]
    assert cells[2][1] == f"accuracy {reached:.4g}"
    series = json.loads((tmp_path / "s.json").read_text())["metrics"]["validation_mae"]
    assert cells[1][1] == f"MAE {series:.4g}"


@pytest.mark.parametrize("found", [None, 3, [], {}, {"value": "high"}, {"value": None}])
def test_a_published_number_that_is_none_is_a_dash(found: object) -> None:
    from rnnviz.cli.models import _to_reach

    assert _to_reach(found) == "-"


def test_a_variant_is_a_flag_like_the_others(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["train", "agnews-rnn", "--data", "sample", "--out", str(tmp_path / "r")]
    assert run([*args, "--variant", "all-word"]) == 2
    assert "mean 'all-words'? It has: all-words." in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    more = ["--limit", "64", "--epochs", "1", "--units", "2", "-q"]
    assert run([*args, "--variant", "all-words", *more]) == 0
    record = json.loads((tmp_path / "r/spec.json").read_text())
    assert record["title"].endswith(", on the sample, variant all-words")
    assert record["trained_on"].endswith("all-words")
    assert record["preparation"]["vocabulary"] == "all training texts"
    assert run(["train", "--resume", str(trained), "--variant", "x"]) == 2
    assert "--variant" in capsys.readouterr().err
