"""Names: what ``models`` and ``runs`` list can be opened, and both say the same of a run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from training.tiny import find

import rnnviz
from rnnviz import recipes
from rnnviz.cli import run
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.lookup import BUGGY_COPIES
from rnnviz.model_files import load, shipped

RUNS = ("tiny-a", "tiny-b", "other", "sentiment-lstm", "last")


def kept_last(name: str) -> recipes.Recipe:
    """The tiny recipe that keeps its last epoch, at a rate at which that is not the best."""
    found = find("tiny")
    fit = replace(found.fit, keep="last", rate=1.0, final_rate=None, warmup=0, average=None)
    return replace(found, fit=fit) if name == "tiny-last" else found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of runs: the newest is the last in RUNS that has no name of its own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "find", kept_last)
        for name in ("tiny-a", "other"):
            recipe = "tiny-last" if name == "other" else "tiny"
            out = home / "runs" / name
            args = ["train", recipe, "--data", str(home), "--epochs", "3", "--out", str(out)]
            assert run([*args, "-q"]) == 0
    for number, name in enumerate(RUNS):
        path = home / "runs" / name
        if not path.exists():
            shutil.copytree(home / "runs" / "tiny-a", path)
        for file in (path / "history.jsonl", path):
            os.utime(file, (1_700_000_000 + number,) * 2)
    (home / "runs" / "half").mkdir()
    (home / "runs" / "half" / "vocabulary.json").write_text('{"words": ["a", ')
    yield home


@pytest.fixture(autouse=True)
def at_home(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its folder is that of the user, who stands elsewhere."""
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(made))
    monkeypatch.setattr(recipes, "find", kept_last)
    monkeypatch.chdir(tmp_path)


def listed(capsys: pytest.CaptureFixture[str], command: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run([command, "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_every_listed_model_is_opened_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys, "models")
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names) == len(shipped()) + len(RUNS) + len(BUGGY_COPIES)
    for row in rows:
        assert run(["models", "show", row["name"], "--json"]) == 0, row["name"]
        shown = json.loads(capsys.readouterr().out)
        assert shown["metrics"] == row["metrics"], row["name"]
        assert (row["from"] in ("shipped", "copy with a bug")) == (
            shown["weights"].find("/runs/") < 0
        )


@pytest.mark.parametrize("name", ["tiny-a", "tiny-b", "other", "last"])
def test_a_run_is_stepped_through_shown_and_exported_by_its_name(
    name: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", "-m", name, "w2 w3", "--plain"]) == 0
    assert run(["models", "export", name, str(tmp_path / "kept.json")]) == 0
    assert (tmp_path / "kept.safetensors").is_file()
    wanted = "last" if name == "last" else name
    assert load(name).weights_path == made / "runs" / wanted / "best.safetensors"
    assert rnnviz.load(name).weights_path == load(name).weights_path


def test_last_is_the_first_run_of_the_table(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("tiny-b", "other"):
        os.utime(made / "runs" / name / "history.jsonl", (1_800_000_000,) * 2)
        first = listed(capsys, "runs")[0]["name"]
        assert first == name
        weights = load("last").weights_path
        assert weights is not None
        assert weights.parent.name == name
        os.utime(made / "runs" / name / "history.jsonl", (1_700_000_000,) * 2)
    os.utime(made / "runs" / RUNS[-1] / "history.jsonl", (1_700_000_100,) * 2)


def test_last_is_looked_for_anew_in_a_process_that_goes_on(made: Path) -> None:
    for name in ("tiny-b", "other"):
        os.utime(made / "runs" / name / "history.jsonl", (1_800_000_000,) * 2)
        assert rnnviz.step("w2 w3", model="last").model == name
        os.utime(made / "runs" / name / "history.jsonl", (1_700_000_000,) * 2)


def test_a_shipped_name_wins_and_so_does_a_run_over_a_folder_here(
    made: Path, tmp_path: Path
) -> None:
    assert load("sentiment-lstm").weights_path == shipped()["sentiment-lstm"].with_suffix(
        ".safetensors"
    )
    shutil.copytree(made / "runs" / "other", tmp_path / "tiny-a")
    shutil.copytree(made / "runs" / "other", tmp_path / "mine")
    assert load("tiny-a").weights_path == made / "runs" / "tiny-a" / "best.safetensors"
    assert load("mine").weights_path == Path("mine/best.safetensors")


def test_the_beginning_of_one_name_is_enough(made: Path) -> None:
    assert load("oth").weights_path == made / "runs" / "other" / "best.safetensors"
    with pytest.raises(UsageError, match=r"Unknown model 'tiny'. Did you mean 'tiny-b'"):
        load("tiny")
    with pytest.raises(UsageError, match=r"Unknown model 'sentiment-ls'. Did you mean 'sentiment"):
        load("sentiment-ls")


def test_a_run_that_had_not_begun_says_what_to_do(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = str(made / "runs" / "half")
    with pytest.raises(InvalidFileError, match=r"half has no spec.json(.|\n)*Delete the folder"):
        load(half)
    assert run(["step", "-m", half, "w2"]) == 4
    assert run(["train", "tiny", "--data", str(made), "--out", half]) == 2
    assert "Delete" in capsys.readouterr().err


def test_without_runs_the_last_one_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match=r"no run yet.*rnnviz train"):
        load("last")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty is a folder, but not that of a run"):
        load("empty")


def test_models_and_runs_say_the_same_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    models = {row["name"]: row["metrics"] for row in listed(capsys, "models")}
    rows = [row for row in listed(capsys, "runs") if row["name"] in models]
    assert len(rows) > 2
    for row in rows:
        if row["name"] in shipped():
            continue
        metrics = models[row["name"]]
        assert row["kept"] == metrics[f"validation_{row['metric']}"], row["name"]
        assert row["kept_epoch"] == metrics["epoch"]


def test_the_tables_say_the_same_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for command in ("models", "runs"):
        assert run([command]) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("other")]
        (cells,) = (line.split() for line in lines)
        said.append(cells[cells.index("accuracy") : cells.index("accuracy") + 2])
    assert said[0] == said[1]


def test_a_run_that_keeps_its_last_epoch_says_so(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = made / "runs/other/history.jsonl"
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    lines[0]["valid"]["accuracy"] = 1.0  # so that the first is the best
    text = "".join(json.dumps(line) + "\n" for line in lines)
    history.write_text(text)
    row = next(row for row in listed(capsys, "runs") if row["name"] == "other")
    assert (row["best_epoch"], row["kept_epoch"]) == (1, 3)
    assert row["kept"] == lines[2]["valid"]["accuracy"]
    assert run(["runs", "show", "other"]) == 0
    said = capsys.readouterr().out
    assert "best        validation accuracy 1, epoch 1" in said
    assert f"kept        the weights of epoch 3, validation accuracy {row['kept']:.4g}" in said
    table = [line for line in said.split("\n\n")[1].splitlines()[1:] if line]
    assert [line.split()[-1] for line in (table[0], table[2])] == ["best", "kept"]
    (made / "runs/other/result.json").unlink()  # as while it is trained
    row = next(row for row in listed(capsys, "runs") if row["name"] == "other")
    assert row["kept_epoch"] == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize("command", [["step", "hi", "--plain", "-m"], ["models", "show"]])
def test_a_pipe_or_device_is_refused_as_what_it_is(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    for path, what in ((pipe, "a pipe"), (Path(os.devnull), "a device")):
        assert run([*command, str(path)]) == 4
        assert f"{path} is {what}, not a file." in capsys.readouterr().err
