"""A run folder whose files are JSON of the wrong content is refused in a line that names the place.

Whatever reads it: going on, exporting, or the tables.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from training.test_run_directory import begin, stop_at
from training.tiny import find, tiny

from rnnviz import recipes, runs
from rnnviz.cli import run as command
from rnnviz.errors import InterruptedTraining, InvalidFileError
from rnnviz.runs import Run, resume

__all__ = ["tiny"]
pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run stopped in its third epoch; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "find", find)
        watch, stop = stop_at(3, 2)
        path = tmp_path_factory.mktemp("runs") / "stopped"
        with pytest.raises(InterruptedTraining):
            begin(path, watch=watch, stop=stop)
    return path


@pytest.fixture
def cut(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stopped, tmp_path / "cut"))


def refused(cut: Path, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Going on with it ends with exit code 4 and that word, and changes nothing."""
    before = {p.name: p.read_bytes() for p in cut.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert command(["train", "--resume", str(cut), "--plain"]) == 4
    err = capsys.readouterr().err
    assert said in err and "Internal error" not in err
    assert {p.name: p.read_bytes() for p in cut.rglob("*") if p.is_file()} == before


GONE = object()
WRONG: list[tuple[str, Any]] = [
    ("fit.epochs", "x"), ("fit.epochs", 10**400), ("fit.epochs", True), ("fit.batch_size", 0),
    ("fit.monitor", "zz"), ("fit.optimizer", "sgdd"), ("fit.rate", None),
    ("fit.rate", float("nan")), ("fit.average", 2), ("fit.parts", 3), ("fit.patience", "3"),
    ("fit.epochs", GONE), ("fit", []), ("options.limit", "q"), ("options.seed", -1),
    ("options.variant", 3), ("options.cell", "lstn"), ("options", None), ("metric", GONE),
    ("metric", 7), ("metric.name", "mae"), ("metric.name", ["accuracy"]), ("metric.better", 1),
    ("metric.scale", "8"), ("metric.scale", 8.0), ("published", GONE), ("published", "0.9"),
    ("published.value", "0.9"), ("published.of", "training"), ("published.source", GONE),
    ("config", GONE), ("config", None), ("config.head.kind", "linear"), ("data", ["made"]),
    ("versions", []), ("trained_on", GONE), ("example", 3), ("recipe", None), ("device", 3),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{f} {str(v)[:8]}" for f, v in WRONG])
def test_a_record_that_cannot_be_is_refused_with_the_field(
    field: str, value: Any, cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((cut / "spec.json").read_text())
    *where, name = field.split(".")
    inner = record
    for key in where:
        inner = inner[key]
    if value is GONE:
        del inner[name]
    else:
        inner[name] = value
    (cut / "spec.json").write_text(json.dumps(record))
    refused(cut, "spec.json", capsys)
    with pytest.raises(
        InvalidFileError, match=field.partition(".")[0].replace("config", "con|met")
    ):
        Run(cut).setup()


@pytest.mark.parametrize(
    "text",
    [
        "[]", '"done"', "null", "{}", "[" * 100_000, '{"epochs": "q"}',
        '{"epochs": 1, "best_epoch": 1, "test": null, "seconds": 1, "valid": {"loss": "x"}}',
        '{"epochs": 0, "best_epoch": 1, "test": null, "seconds": 1, "valid": {}}',
        '{"epochs": 1, "best_epoch": 1, "test": [3], "seconds": 1, "valid": {}}',
    ],
    ids=range(9),
)  # fmt: skip
def test_a_result_that_is_none_is_refused(
    text: str, cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cut / "result.json").write_text(text)
    refused(cut, "result.json", capsys)


LINES = {
    "a word": (b"epoch", "line 2"),
    "bytes": (b'{"epoch": 2, "train": {}, "valid": {}, "\xff": 1}', "line 2"),
    "a list": (b"[2]", "line 2"),
    "no valid": (b'{"epoch": 2, "train": {}}', "line 2"),
    "a text for a number": (b'{"epoch": 2, "train": {}, "valid": {"loss": "low"}}', "line 2"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_of_the_history_stops_the_run_before_it_goes_on(
    name: str, cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, said = LINES[name]
    first, _ = (cut / "history.jsonl").read_bytes().splitlines()
    (cut / "history.jsonl").write_bytes(first + b"\n" + bad + b"\n")
    refused(cut, f"history.jsonl, {said}", capsys)
    with pytest.raises(InvalidFileError, match="line 2"):
        Run(cut).history()
    assert command(["models", "export", str(cut), str(cut / "kept")]) == 4
    assert command(["runs", "show", str(cut)]) == 4


def test_a_history_that_is_gone_is_told(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cut / "history.jsonl").unlink()
    refused(cut, "history.jsonl has 0 epochs", capsys)
    assert command(["models", "export", str(cut), str(cut / "kept")]) == 4
    assert "history.jsonl" in capsys.readouterr().err


def test_a_history_that_is_gone_before_its_first_epoch_is_no_loss(cut: Path) -> None:
    for name in ("history.jsonl", "last.safetensors"):
        (cut / name).unlink()
    assert len(resume(cut, epochs=1).history()) == 1


def test_an_export_checks_the_record_and_the_metric_it_chooses_by(
    cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (cut / "spec.json").read_text()
    (cut / "spec.json").write_text(whole.replace('"keep": "best"', '"keep": "worst"'))
    for name in (cut, cut / "last.safetensors"):
        assert command(["models", "export", str(name), str(cut / "kept")]) == 4
        assert "fit.keep" in capsys.readouterr().err
    (cut / "spec.json").write_text(whole)
    lines = (cut / "history.jsonl").read_text()
    (cut / "history.jsonl").write_text(lines.replace("accuracy", "acuracy"))
    with pytest.raises(InvalidFileError, match="without accuracy"):
        runs.export(str(cut), cut / "kept.json")


def test_the_history_is_read_as_it_was_written_null_as_no_number(cut: Path) -> None:
    file = cut / "history.jsonl"
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert [epoch.to_json() for epoch in Run(cut).history()] == [first, second]
    second["valid"]["loss"], second["train"]["loss"] = None, float("inf")
    file.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n{json.dumps(first)}")
    found = Run(cut).history()
    assert len(found) == 2  # the third line has no end: a kill tore it
    assert found[1].valid["loss"] != found[1].valid["loss"]
    assert found[1].train["loss"] != found[1].train["loss"]
