"""``rnnviz runs`` on run directories as training leaves them, whole, killed and damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rnnviz.cli import run

Make = Callable[..., Path]

ACCURACY = {"name": "accuracy", "better": "high"}
MAE = {"name": "mae", "better": "low", "scale": 8.85, "unit": "°C"}
PUBLISHED = {"metric": "accuracy", "value": 0.846, "source": "the lecture", "of": "validation"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / "data"))
    for name in ("NO_COLOR", "FORCE_COLOR", "RNNVIZ_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "40")
    (tmp_path / "data" / "runs").mkdir(parents=True)
    return tmp_path / "data" / "runs"


@pytest.fixture
def make(folder: Path) -> Make:
    """Writes a run; by default of three epochs, the second one the best, and finished."""
    made = 0

    def write(
        name: str,
        valid: tuple[float | None, ...] = (0.7, 0.85, 0.8),
        *,
        epochs: int = 3,
        metric: dict[str, Any] = ACCURACY,
        published: dict[str, Any] | None = PUBLISHED,
        result: dict[str, Any] | None = None,
        ended: bool | None = None,
        **more: Any,
    ) -> Path:
        nonlocal made
        path = folder / name
        path.mkdir()
        spec = {
            "schema": "rnnviz.run/1", "recipe": name.split("-2")[0], "title": "LSTM(32)",
            "trained_on": "IMDB", "config": {"layers": []}, "metric": metric,
            "fit": {"epochs": epochs, "batch_size": 128, "optimizer": "rmsprop", "rate": 0.001},
            "options": {"seed": 0, "units": None}, "data": {"imdb/train.csv.gz": "ab" * 32},
            "seed": 0, "device": "cpu", "versions": {"numpy": "2.0"}, "published": published,
            **more,
        }  # fmt: skip
        lines = [
            {"epoch": k, "train": {"loss": 0.6 / k, metric["name"]: 0.6},
             "valid": {"loss": 0.7 - 0.1 * k, metric["name"]: value}, "seconds": 2.5 * k}
            for k, value in enumerate(valid, 1)
        ]  # fmt: skip
        (path / "spec.json").write_text(json.dumps(spec))
        (path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        ended = len(valid) == epochs if ended is None else ended
        if ended or result is not None:
            whole = {
                "epochs": max(len(valid), 1), "best_epoch": 2, "stopped_early": False,
                "valid": {"loss": 0.5}, "test": None, "seconds": 15.0, **(result or {}),
            }  # fmt: skip
            (path / "result.json").write_text(json.dumps(whole))
        made += 1
        for file in (path / "history.jsonl", path):
            os.utime(file, (1_700_000_000 + 60 * made,) * 2)
        return path

    return write


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    """What a command prints; it must end with that exit code."""
    capsys.readouterr()
    found = run(["runs", *args])
    captured = capsys.readouterr()
    assert found == code, captured.err
    return captured.out if code == 0 else captured.err


# -- the table ------------------------------------------------------------------------------------


def test_the_table_has_each_run_newest_first(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("imdb-rnn-20250101")
    make("jena-gru-20250102", (0.3, 0.27, 0.28), metric=MAE, published=None)
    head, *rows = out(capsys).splitlines()
    assert head.split()[:4] == ["name", "recipe", "state", "epochs"]
    assert rows[0].split()[:7] == [
        "jena-gru-20250102", "jena-gru", "finished", "3/3", "mae", "0.27", "2",
    ]  # fmt: skip
    assert rows[1].split()[:8] == [
        "imdb-rnn-20250101", "imdb-rnn", "finished", "3/3", "accuracy", "0.85", "2", "0.846",
    ]  # fmt: skip


def test_the_table_as_json_has_the_same_facts(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("imdb-rnn-20250101", result={"test": {"loss": float("nan"), "accuracy": 0.81}})
    (row,) = json.loads(out(capsys, "--json"))
    assert row["path"] == str(path)
    assert (row["best"], row["best_epoch"], row["published"]) == (0.85, 2, 0.846)
    assert row["seconds_an_epoch"] == 5.0
    assert row["test"] == {"loss": None, "accuracy": 0.81}
    assert row["when"].startswith("2023-11-1")


def test_without_runs_the_way_to_one_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "rnnviz train" in captured.err
    assert out(capsys, "--json") == "[]\n"
    assert "rnnviz train" in out(capsys, "show", "last", code=2)


def test_states_are_told_apart(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    from rnnviz.runs.lock import exclusive_lock

    make("whole")
    make("killed", epochs=10)
    make("patient", epochs=10, result={"stopped_early": True})
    make("early", (), epochs=10)
    make("untested", epochs=3, ended=False)
    busy = make("busy", epochs=10)
    with exclusive_lock(busy):
        states = {row["name"]: row["state"] for row in json.loads(out(capsys, "--json"))}
    assert states == {
        "whole": "finished", "killed": "interrupted", "patient": "stopped early",
        "early": "interrupted", "untested": "interrupted", "busy": "running",
    }  # fmt: skip


def test_a_rule_that_is_not_trained_has_no_epochs(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(
        "jena-naive", (0.29,), metric=MAE, published=None, config=None, result={"best_epoch": 1}
    )
    line = json.loads((path / "history.jsonl").read_text())
    (path / "history.jsonl").write_text(json.dumps({**line, "train": {}}) + "\n")
    assert out(capsys).splitlines()[1].split()[2:5] == ["finished", "-", "mae"]
    assert "measured, not trained" in out(capsys, "show", "jena-naive")
    assert "● training" not in out(capsys, "plot", "jena-naive")


def test_a_damaged_run_does_not_hide_the_others(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("good")
    (make("bad") / "spec.json").write_text("{")
    assert run(["runs"]) == 0
    captured = capsys.readouterr()
    assert "good" in captured.out
    assert "damaged: spec.json is not a usable JSON file" in captured.out
    assert run(["runs", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["bad"]["state"] == "damaged" and "spec.json" in rows["bad"]["damaged"]
    assert rows["good"]["best"] == 0.85
    assert out(capsys, "show", "bad", code=4).count("\n") <= 2


# -- which run ------------------------------------------------------------------------------------


def test_a_run_is_found_by_path_name_beginning_or_as_the_last(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("imdb-rnn-20250101")
    make("imdb-rnn-20250102")
    make("imdb-lstm-20250103")
    for name, found in {
        str(path): "imdb-rnn-20250101",
        "imdb-rnn-20250102": "imdb-rnn-20250102",
        "imdb-l": "imdb-lstm-20250103",
        "last": "imdb-lstm-20250103",
    }.items():
        assert json.loads(out(capsys, "show", name, "--json"))["name"] == found
    said = out(capsys, "show", "imdb-rnn", code=2)
    assert "imdb-rnn-20250101" in said
    assert "imdb-rnn-20250102" in said
    assert "imdb-lstm-20250103'?" in out(capsys, "show", "imdb-lxtm-20250103", code=2)
    assert "no spec.json" in out(capsys, "show", str(path.parent), code=2)


def test_a_name_that_begins_another_is_itself(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("small")
    make("smaller")
    assert json.loads(out(capsys, "show", "small", "--json"))["name"] == "small"


# -- files as a kill or an editor leaves them -----------------------------------------------------


@pytest.mark.parametrize("torn", ['{"epoch": 4, "tr', '{"epoch": 4}', "\udcff", "x"])
def test_a_torn_last_line_is_ignored(
    torn: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("killed", epochs=10)
    with (path / "history.jsonl").open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    assert json.loads(out(capsys, "show", "killed", "--json"))["epochs"] == 3


@pytest.mark.parametrize(
    "line",
    [
        "", "{", "[]", "3", "null", '{"epoch": 2}', '{"epoch": "2", "train": {}, "valid": {}}',
        '{"epoch": 3, "train": {}, "valid": {}}', '{"epoch": 2, "train": [], "valid": {}}',
        '{"epoch": 2, "train": {}, "valid": {"loss": "x"}}', "[" * 100_000,
        '{"epoch": 2, "train": {}, "valid": {"loss": 1' + "0" * 400 + "}}",
        '{"epoch": 2, "train": {}, "valid": {"loss": true}}',
    ],
)  # fmt: skip
def test_any_other_bad_line_is_named(
    line: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("damaged")
    lines = (path / "history.jsonl").read_text().splitlines()
    (path / "history.jsonl").write_text("\n".join([lines[0], line, lines[2]]) + "\n")
    said = out(capsys, "plot", "damaged", code=4)
    assert "history.jsonl, line 2" in said
    assert len(said) < 600


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("spec.json", "[]"), ("spec.json", "{}"), ("result.json", "[1]"), ("result.json", "{"),
        ("spec.json", '{"schema": "rnnviz.run/1", "recipe": 3, "fit": {"epochs": 1}}'),
        ("spec.json", '{"schema": "rnnviz.run/1", "recipe": "a", "fit": {}}'),
        ("spec.json", '{"schema": "rnnviz.run/1", "recipe": "a", "fit": []}'),
        ("history.jsonl", None),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(
    file: str, content: str | None, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("damaged")
    (path / file).unlink(missing_ok=True)
    if content is not None:
        (path / file).write_text(content)
    assert file in out(capsys, "show", "damaged", code=4)
    assert run(["runs"]) == 0


def test_an_old_run_without_metric_and_published_number_is_read(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("old")
    spec = json.loads((path / "spec.json").read_text())
    del spec["metric"], spec["published"]
    (path / "spec.json").write_text(json.dumps(spec))
    row = json.loads(out(capsys, "--json"))[0]
    assert (row["metric"], row["best"], row["published"]) == ("accuracy", 0.85, None)


def test_a_loss_that_blew_up_is_told_and_the_rest_is_drawn(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make("nan", (0.5, None, 0.7))
    text = (path / "history.jsonl").read_text().replace('"loss": 0.6}', '"loss": NaN}')
    (path / "history.jsonl").write_text(text)
    assert "(1 not finite)" in out(capsys, "plot", "nan")
    history = json.loads(out(capsys, "show", "nan", "--json"))["history"]
    assert history[1]["valid"]["accuracy"] is None
    assert json.loads(out(capsys, "--json"))[0]["best_epoch"] == 3


# -- show -----------------------------------------------------------------------------------------


def test_show_says_what_matters(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make("jena-gru", (0.3, 0.27, 0.28), metric=MAE, published={**PUBLISHED, "metric": "mae",
         "value": 0.264}, result={"best_epoch": 2, "test": {"loss": 0.3, "mae": 0.29}})  # fmt: skip
    said = out(capsys, "show", "jena-gru")
    assert "best        validation mae 0.27 (2.39 °C), epoch 2" in said
    assert "published   validation mae 0.264 (the lecture)" in said
    assert "test        loss 0.3, mae 0.29" in said
    assert "fit         epochs 3, batch size 128, optimizer rmsprop, rate 0.001" in said
    rows = said.split("\n\n")[1].splitlines()
    assert rows[0].split() == ["epoch", "loss", "mae", "validation", "loss", "validation", "mae",
                               "seconds"]  # fmt: skip
    assert [row.split()[0] for row in rows[1:]] == ["1", "2", "3"]
    assert [row.endswith("best") for row in rows[1:]] == [False, True, False]


def test_names_from_a_file_are_data(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    evil = {"name": "\x07acc\nx", "better": "high"}
    make("ev{il}", metric=evil, recipe="\x07red", title="\x1b]0;x\x07", trained_on="a\nb")
    for args in ([], ["show", "ev"], ["plot", "ev"], ["compare", "ev"]):
        said = out(capsys, *args)
        assert said.replace("\n", "").isprintable()
        assert "acc\\x0ax" in said
    assert "a\\x0ab" in out(capsys)


# -- plot -----------------------------------------------------------------------------------------


def test_plot_draws_loss_and_metric(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make("imdb-rnn")
    said = out(capsys, "plot", "last")
    loss, accuracy = said.split("Training and validation ")[1:]
    assert loss.startswith("loss · imdb-rnn\n")
    assert "best 0.4, epoch 3" in loss
    assert "published" not in loss
    assert "published 0.846" in accuracy
    assert "best 0.85, epoch 2" in accuracy
    assert "\x1b" not in said
    assert max(len(line) for line in said.splitlines()) <= 80
    assert len(said.splitlines()) <= 39


def test_plot_draws_one_metric_if_asked(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make("imdb-rnn")
    said = out(capsys, "plot", "last", "--metric", "accuracy")
    assert said.count("Training and validation") == 1
    said = out(capsys, "plot", "last", "--metric", "mae", code=2)
    assert "has no mae" in said
    assert "loss, accuracy" in said
    assert "accuracy'" in out(capsys, "plot", "last", "--metric", "acuracy", code=2).replace(
        ".", ""
    )


def test_a_published_test_number_says_so(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make("agnews", published={**PUBLISHED, "of": "test"})
    assert "published test 0.846" in out(capsys, "plot", "agnews")
    assert "published test 0.846: agnews" in out(capsys, "compare", "agnews")


def test_colour_is_only_written_where_it_is_wanted(
    make: Make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("imdb-rnn")
    coloured = out(capsys, "plot", "last", "--color", "always")
    assert "\x1b[94m" in coloured
    assert "\x1b[22m" not in coloured
    assert "\x1b" not in out(capsys, "plot", "last", "--color", "never")
    monkeypatch.setenv("TERM", "linux")
    assert "⠤" not in out(capsys, "plot", "last")


def test_plot_writes_svg(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make("imdb-rnn")
    file = tmp_path / "curves.svg"
    assert out(capsys, "plot", "last", "-o", str(file)) == f"{file}\n"
    root = ElementTree.parse(file).getroot()
    assert root.get("height") == "800"
    out(capsys, "plot", "last", "-o", str(file), "--metric", "loss", "--dark")
    root = ElementTree.parse(file).getroot()
    assert root.get("height") == "400"
    assert "#10141b" in file.read_text()
    assert "mkdir -p" in out(capsys, "plot", "last", "-o", str(tmp_path / "no/x.svg"), code=2)
    assert ".svg" in out(capsys, "plot", "last", "-o", str(tmp_path / "x.gif"), code=2)


def test_a_run_without_an_epoch_has_nothing_to_draw(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("early", ())
    assert "no finished epoch" in out(capsys, "plot", "early", code=1)
    assert "early" in out(capsys, "compare", "early", code=1)
    assert "interrupted, 0 of 3" in out(capsys, "show", "early")
    assert out(capsys).splitlines()[1].split()[1:6] == [
        "early", "interrupted", "0/3", "accuracy", "-",
    ]  # fmt: skip


# -- compare --------------------------------------------------------------------------------------


def test_compare_draws_and_lists_all_runs(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make("imdb-rnn-20250101")
    make("imdb-lstm-20250102", (0.8, 0.86, 0.89), published={**PUBLISHED, "value": 0.893})
    said = out(capsys, "compare", "imdb-rnn", "imdb-lstm")
    assert "Validation accuracy" in said
    assert "published 0.846: imdb-rnn" in said
    assert "published 0.893: imdb-lstm" in said
    assert "A ⠒⠒⠒⠒⠒⠒ imdb-rnn" in said
    rows = said.split("\n\n")[1].splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [
        ["A", "imdb-rnn-20250101"],
        ["B", "imdb-lstm-20250102"],
    ]
    file = tmp_path / "both.svg"
    out(capsys, "compare", "imdb-rnn", "imdb-lstm", "-o", str(file))
    assert file.read_text().count(">imdb-lstm</text>") == 2
    both = json.loads(out(capsys, "compare", "imdb-rnn", "imdb-lstm", "--json"))
    assert both["metric"] == "accuracy"
    assert [row["best"] for row in both["runs"]] == [0.85, 0.89]
    assert [row["published"] for row in both["runs"]] == [0.846, 0.893]
    loss = json.loads(out(capsys, "compare", "imdb-rnn", "imdb-lstm", "--metric", "loss", "--json"))
    assert [row["published"] for row in loss["runs"]] == [None, None]  # it is of the accuracy


def test_runs_of_different_metrics_are_compared_by_loss(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("imdb-rnn")
    make("jena-gru", metric=MAE)
    both = json.loads(out(capsys, "compare", "imdb-rnn", "jena-gru", "--json"))
    assert both["metric"] == "loss"
    assert [row["best"] for row in both["runs"]] == [pytest.approx(0.4)] * 2
    assert "jena-gru has no accuracy" in out(
        capsys, "compare", "imdb-rnn", "jena-gru", "--metric", "accuracy", code=2
    )


def test_runs_of_one_recipe_are_named_by_what_differs(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("a", recipe="imdb-rnn", options={"seed": 0, "units": 8})
    make("b", recipe="imdb-rnn", options={"seed": 0, "units": 32})
    make("c", recipe="imdb-rnn", options={"seed": 0, "units": 32})
    said = out(capsys, "compare", "a", "b")
    assert "imdb-rnn units 8 " in said
    assert "imdb-rnn units 32" in said
    assert "seed" not in said
    assert "B ⠒⠒⠒  ⠒ c" in out(capsys, "compare", "b", "c")


def test_the_help_says_what_a_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    said = out(capsys, "--help")
    assert "or: last" in said
    assert "compare" in said


def test_show_says_which_snapshots_there_are(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = make("with") / "snapshots"
    kept.mkdir()
    for step in (120, 0, 9):
        (kept / f"{step}.safetensors").write_bytes(b"." * 500_000)
    shown = " ".join(out(capsys, "show", "with").split())
    assert "snapshots 3, 1.5 MB, of the updates 0 9 120: with@STEP" in shown
    found = json.loads(out(capsys, "show", "with", "--json"))
    assert found["snapshots"] == {"steps": [0, 9, 120], "bytes": 1_500_000}
    make("without")
    assert "without@STEP" not in out(capsys, "show", "without")
