"""Runs of a reproduction are reused, resumed or refused, and a table has their results.

The table of ``assets/docs/training.md`` is what ``assets/reproduce.json`` gives.
"""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from training.tiny import RECIPE, RULE, SERIES, tiny

from rnnviz import recipes as known
from rnnviz import reproduce as package
from rnnviz import runs
from rnnviz.errors import InterruptedTraining, RnnvizError, UsageError
from rnnviz.files import assets
from rnnviz.reproduce import ReproduceOptions, cluster, reproduce, select
from rnnviz.reproduce.job import ReproduceJob, results, run
from rnnviz.reproduce.pool import _Stop, _with_lost
from rnnviz.reproduce.table import cells, markdown, rows, spread
from rnnviz.runs import training_job
from rnnviz.runs.directory import Directory

__all__ = ["tiny"]  # a fixture

MADE = {recipe.name: recipe for recipe in (RECIPE, SERIES, RULE)}


@pytest.fixture
def made(tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reproduction knows the made-up recipes, and no other."""
    monkeypatch.setattr(package, "recipes", lambda: MADE)


def asked(tmp_path: Path, *names: str, **more: Any) -> ReproduceOptions:
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data/mark.txt").write_text("one")
    return ReproduceOptions(names, **{"data": tmp_path / "data", "out": tmp_path / "out", **more})


def silent(text: str) -> None:
    pass


def job(path: Path, recipe: str = "tiny", **more: Any) -> ReproduceJob:
    path.parent.mkdir(exist_ok=True)
    return ReproduceJob(**{"recipe": recipe, "seed": 0, "epochs": 2, "limit": None,
                  "data": str(path.parent), "path": str(path), **more})  # fmt: skip


# -- which recipes ------------------------------------------------------------------------------


def test_all_is_every_net_of_the_lessons_and_no_other() -> None:
    names = select(["all"])
    assert {"imdb-rnn", "jena-naive", "agnews-bilstm"} <= set(names)
    assert not [name for name in names if name.startswith("sentiment")]
    assert set(select(["sentiment"])) >= {"sentiment-lstm", "sentiment-lstm-slide"}


def test_recipes_stay_in_the_order_given_each_once() -> None:
    names = select(["jena-gru", "imdb", "imdb-rnn", "jena-gru"])
    assert names[0] == "jena-gru"
    assert names[1:] == select(["imdb"])


def test_an_unknown_recipe_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="imdb-lstm"):
        select(["imdb-lstn"])


# -- one run ------------------------------------------------------------------------------------


def test_a_finished_run_is_read_and_not_trained_again(tmp_path: Path, tiny: None) -> None:
    first = run(job(tmp_path / "r"))
    written = (tmp_path / "r/best.safetensors").stat().st_mtime_ns
    second = run(job(tmp_path / "r"))
    assert (first["state"], second["state"]) == ("finished", "reused")
    assert second["run"] == first["run"]
    assert (tmp_path / "r/best.safetensors").stat().st_mtime_ns == written


def test_an_interrupted_run_goes_on_to_what_it_would_have_been(tmp_path: Path, tiny: None) -> None:
    whole = run(job(tmp_path / "whole"))
    with pytest.raises(InterruptedTraining):
        runs.train(
            "tiny", job(tmp_path / "cut").options(), data=tmp_path, out=tmp_path / "cut",
            stop=iter([False] * 4 + [True] * 9).__next__,
        )  # fmt: skip
    cut = run(job(tmp_path / "cut"))
    assert cut["state"] == "finished"
    assert {**cut["run"], "seconds": 0} == {**whole["run"], "seconds": 0}
    weights = [(tmp_path / name / "best.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]


def test_the_stop_file_interrupts_a_run_in_the_middle(
    tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = tmp_path / "stop"
    monkeypatch.setattr(Directory, "add", lambda *given, **more: stop.touch())
    outcome = run(job(tmp_path / "r", epochs=50), str(stop))
    assert outcome["state"] == "interrupted"
    assert (tmp_path / "r/last.safetensors").is_file()


def test_a_run_is_not_begun_once_the_stop_file_is_there(tmp_path: Path, tiny: None) -> None:
    (tmp_path / "stop").touch()
    assert run(job(tmp_path / "r"), str(tmp_path / "stop"))["state"] == "interrupted"
    assert not (tmp_path / "r").exists()


def test_what_a_kill_left_before_the_run_had_begun_is_no_obstacle(
    tmp_path: Path, tiny: None
) -> None:
    (tmp_path / "r").mkdir()
    for name in ("history.jsonl", "vocabulary.json", ".spec.json.x1y2"):
        (tmp_path / "r" / name).write_text("")
    assert run(job(tmp_path / "r"))["state"] == "finished"


def test_another_file_in_the_way_is_not_deleted(tmp_path: Path, tiny: None) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r/thesis.txt").write_text("years of work")
    assert run(job(tmp_path / "r"))["state"] == "failed"
    assert (tmp_path / "r/thesis.txt").read_text() == "years of work"


def test_whatever_is_raised_is_a_failed_run_that_names_no_folder(
    tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*given: Any, **more: Any) -> None:
        raise MemoryError(f"no room for {tmp_path}")

    monkeypatch.setattr(training_job, "train", breaks)
    outcome = run(job(tmp_path / "r"))
    assert outcome["state"] == "failed"
    assert outcome["message"] == "MemoryError: no room for the data folder"


@pytest.mark.parametrize(
    ("metric", "of", "ours"),
    [("accuracy", "validation", 0.8), ("accuracy", "test", 0.65), ("mae", "validation", 0.2)],
)
def test_ours_is_the_best_epoch_of_what_was_published(
    tmp_path: Path, metric: str, of: str, ours: float
) -> None:
    history = [{"epoch": n, "train": {}, "valid": {"accuracy": a, "mae": 1 - a}}
               for n, a in enumerate((0.6, 0.8, 0.7), 1)]  # fmt: skip
    record = {
        "schema": "rnnviz.run/1", "config": None, "trained_on": "words",
        "metric": {"name": metric, "better": "high" if metric == "accuracy" else "low"},
        "published": {"metric": metric, "value": 0.9, "source": "a book", "of": of},
    }  # fmt: skip
    result = {"test": {"accuracy": 0.65, "mae": 0.35}, "seconds": 3.0, "epochs": 3,
              "best_epoch": 2, "valid": history[1]["valid"]}  # fmt: skip
    (tmp_path / "spec.json").write_text(json.dumps(record))
    (tmp_path / "result.json").write_text(json.dumps(result))
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(h) + "\n" for h in history))
    found = results(tmp_path)
    assert found["ours"] == pytest.approx(ours)
    assert found["test"] == result["test"][metric]
    assert found["published"] == {"value": 0.9, "source": "a book"}


# -- many runs ----------------------------------------------------------------------------------


def test_recipes_times_seeds_come_to_one_row_a_recipe(tmp_path: Path, made: None) -> None:
    lines: list[str] = []
    document = reproduce(
        asked(tmp_path, "tiny", "tiny-series", "tiny-rule", seeds=3, epochs=1), say=lines.append
    )
    assert [row["recipe"] for row in document["rows"]] == ["tiny", "tiny-series", "tiny-rule"]
    first, _, rule = document["rows"]
    assert first["seeds"] == [0, 1, 2]
    found = [results(tmp_path / f"out/tiny-seed-{k}")["ours"] for k in range(3)]
    assert first["ours"] == spread(found)
    assert len(set(found)) > 1
    assert first["parameters"] == sum(
        a.size for a in runs.Run(tmp_path / "out/tiny-seed-0").load().model.params.values()
    )
    assert (rule["parameters"], rule["epochs"]) == (0, None)
    assert len(lines) == 9
    assert lines[-1].endswith("(9 of 9)")
    assert json.loads((tmp_path / "out/table.json").read_text()) == document
    assert (tmp_path / "out/table.md").read_text() == markdown(document["rows"])


def test_the_table_names_neither_this_machine_nor_its_folders(tmp_path: Path, made: None) -> None:
    (tmp_path / "out/tiny-seed-1").mkdir(parents=True)
    (tmp_path / "out/tiny-seed-1/x").touch()
    document = reproduce(asked(tmp_path, "tiny", seeds=2, epochs=1), say=silent)
    assert [row["failed"] is None for row in document["rows"]] == [True, False]
    for name in ("table.json", "table.md"):
        text = (tmp_path / "out" / name).read_text()
        assert str(tmp_path) not in text
        assert socket.gethostname() not in text


def test_a_failed_run_is_a_row_and_the_others_go_on(
    tmp_path: Path, made: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(folder: Path, limit: int | None, seed: int, say: Any) -> Any:
        if seed == 1:
            raise UsageError("too few rows\ntake more")
        return RECIPE.prepare(folder, limit, seed, say)

    broken = replace(RECIPE, prepare=prepare)
    monkeypatch.setattr(known, "find", lambda name: broken)
    document = reproduce(asked(tmp_path, "tiny", seeds=3, epochs=1), say=silent)
    good, bad = document["rows"]
    assert good["seeds"] == [0, 2]
    assert (bad["seeds"], bad["failed"]) == ([1], "too few rows\ntake more")
    monkeypatch.setattr(known, "find", lambda name: RECIPE)
    document = reproduce(asked(tmp_path, "tiny", seeds=3, epochs=1), say=silent)
    assert [row["seeds"] for row in document["rows"]] == [[0, 1, 2]]


def test_ctrl_c_ends_all_and_tells_how_far_it_came(
    tmp_path: Path, made: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = runs.train

    def interrupted(recipe: str, options: runs.Options, **more: Any) -> runs.Run:
        if options.seed == 1:
            raise KeyboardInterrupt
        return train(recipe, options, **more)

    monkeypatch.setattr(training_job, "train", interrupted)
    with pytest.raises(InterruptedTraining, match="1 of 3 runs are done"):
        reproduce(asked(tmp_path, "tiny", seeds=3, epochs=1), say=silent)
    assert not (tmp_path / "out/tiny-seed-2").exists()
    table = json.loads((tmp_path / "out/table.json").read_text())
    assert (table["runs_done"], table["rows"][0]["seeds"]) == (1, [0])


@pytest.mark.parametrize("changed", [{"epochs": 2}, {"limit": 50}])
def test_runs_of_other_options_are_never_mixed_in(
    tmp_path: Path, made: None, changed: dict[str, int]
) -> None:
    reproduce(asked(tmp_path, "tiny", epochs=1), say=silent)
    with pytest.raises(UsageError, match=f"another --{next(iter(changed))}") as error:
        reproduce(asked(tmp_path, "tiny", **{"epochs": 1, **changed}), say=silent)
    assert "--out" in str(error.value)


def test_runs_on_other_data_are_never_mixed_in(tmp_path: Path, made: None) -> None:
    reproduce(asked(tmp_path, "tiny", epochs=1), say=silent)
    for folder, content in (("same", "one"), ("other", "two"), ("empty", "")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mark.txt").write_text(content)
    (tmp_path / "empty/mark.txt").unlink()
    reproduce(asked(tmp_path, "tiny", epochs=1, data=tmp_path / "same"), say=silent)
    for folder in ("other", "empty"):
        with pytest.raises(UsageError, match=r"another mark\.txt"):
            reproduce(asked(tmp_path, "tiny", epochs=1, data=tmp_path / folder), say=silent)


# -- pools --------------------------------------------------------------------------------------


def test_a_pool_that_breaks_fails_the_runs_not_heard_of_unless_it_was_stopped(
    tmp_path: Path,
) -> None:
    jobs = [job(tmp_path / f"r{k}", seed=k) for k in range(3)]

    def breaks() -> Iterator[dict[str, Any]]:
        yield {"recipe": "tiny", "seed": 1, "state": "finished"}
        raise RuntimeError("a worker is gone")

    stop = _Stop(lambda: False, tmp_path / "stop")
    states = [(o["seed"], o["state"]) for o in _with_lost(jobs, breaks(), stop)]
    assert states == [(1, "finished"), (0, "failed"), (2, "failed")]
    stop = replace(stop, received=lambda: True)
    assert [o["seed"] for o in _with_lost(jobs, breaks(), stop)] == [1]


class FakeFuture:
    """A run on a made-up cluster; each look at it takes it a status further."""

    def __init__(self, *statuses: str, unreachable: int = 0) -> None:
        self.statuses, self.unreachable = list(statuses), unreachable

    @property
    def status(self) -> str:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def result(self, timeout: float) -> dict[str, Any]:
        if self.unreachable:
            self.unreachable -= 1
            raise TimeoutError
        return {"state": "finished"}

    def exception(self, timeout: float) -> Exception:
        return MemoryError()


def on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *futures: FakeFuture, status: str = "running",
    workers: Iterator[int] | None = None, stopped: int = 0,
) -> tuple[list[dict[str, Any]], list[str]]:  # fmt: skip
    """The outcomes of these runs, and what is said; ``workers``: how many there are at each look.

    The clock goes on by a second for each look at the runs.
    """
    clock = SimpleNamespace(monotonic=count().__next__, sleep=lambda seconds: None)
    monkeypatch.setattr(cluster, "time", clock)
    handed, found, said = iter(futures), workers or repeat(1), []
    client = SimpleNamespace(
        submit=lambda *given, **more: next(handed), status=status,
        nthreads=lambda callback_timeout: range(next(found)),
    )  # fmt: skip
    jobs = [job(tmp_path / f"r{k}", seed=k) for k in range(len(futures))]
    outcomes = cluster.outcomes_of(
        client, "tcp://here:1", jobs, tmp_path / "stop", lambda: stopped, said.append
    )
    return list(outcomes), said


def test_a_run_that_loses_its_workers_fails_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = FakeFuture("pending", "error"), FakeFuture(*["pending"] * 9, "finished")
    (failed, finished), _ = on_a_cluster(tmp_path, monkeypatch, *runs)
    assert (failed["state"], failed["seed"], finished["state"]) == ("failed", 0, "finished")
    assert "MemoryError" in failed["message"]


def test_an_outcome_lost_with_its_worker_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = FakeFuture("finished", "lost", "pending", "finished", unreachable=1)
    assert on_a_cluster(tmp_path, monkeypatch, future) == ([{"state": "finished"}], [])


@pytest.mark.parametrize(("status", "state"), [("closed", "pending"), ("running", "cancelled")])
def test_a_scheduler_that_has_ended_keeps_nobody_waiting(
    status: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RnnvizError, match=r"tcp://here:1 has ended.*\n.*the same command"):
        on_a_cluster(tmp_path, monkeypatch, FakeFuture(state), status=status)
    assert (tmp_path / "stop").exists()  # a worker that is still computing saves its run
    assert on_a_cluster(
        tmp_path, monkeypatch, FakeFuture(state), status=status, stopped=signal.SIGINT
    ) == ([], [])


def test_without_workers_it_waits_a_minute_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RnnvizError, match=r"no worker.*for a minute.*\n.*dask worker tcp://here"):
        on_a_cluster(tmp_path, monkeypatch, FakeFuture("pending"), workers=repeat(0))
    assert (tmp_path / "stop").exists()
    stopped = {"workers": repeat(0), "stopped": signal.SIGINT}
    assert on_a_cluster(tmp_path, monkeypatch, FakeFuture("pending"), **stopped) == ([], [])

    def back_in_time() -> Iterator[int]:
        yield from repeat(0, 29)
        future.statuses.append("finished")
        yield from repeat(2)

    future = FakeFuture("pending")
    found, said = on_a_cluster(tmp_path, monkeypatch, future, workers=back_in_time())
    assert found == [{"state": "finished"}]
    assert len(said) == 1 and "dask worker tcp://here:1" in said[0]


@pytest.mark.parametrize(("workers", "late", "waits"), [(0, 1, 0), (2, 1, 1), (2, 2, 1)])
def test_only_workers_that_are_there_are_waited_for(workers: int, late: int, waits: int) -> None:
    """``late``: how many times in a row no worker has answered in time."""
    said: list[str] = []
    client = SimpleNamespace(
        submit=lambda *given, **more: FakeFuture("pending", unreachable=late),
        nthreads=lambda callback_timeout: range(workers),
    )  # fmt: skip
    if workers and late == 1:
        cluster._check_workers(client, "tcp://here:1", said.append)
    else:
        with pytest.raises(
            RnnvizError, match=r"no worker that is free.*\n.*dask worker tcp://here"
        ):
            cluster._check_workers(client, "tcp://here:1", said.append)
    assert len(said) == waits


# -- the table ----------------------------------------------------------------------------------


def outcome(seed: int, ours: float, **more: Any) -> dict[str, Any]:
    found = {
        "metric": {"name": "mae", "of": "validation", "better": "low"},
        "published": {"value": 0.264, "source": "a book"}, "ours": ours, "test": ours + 0.01,
        "parameters": 4641, "data": "Jena | 2020", "seconds": 12.3 + seed, "epochs": 20,
        "machine": {"cores": 2, "architecture": "x86_64", "memory_gib": 8, "python": "3.12.1",
                    "numpy": "2.1.0", "rnnviz": "0.1.0", "runs": "one at a time"},
    }  # fmt: skip
    return {"recipe": "jena-gru", "seed": seed, "state": "finished", "message": "",
            "run": {**found, **more}}  # fmt: skip


def test_a_row_is_the_median_and_the_range_of_the_seeds() -> None:
    (row,) = rows([outcome(2, 0.3), outcome(0, 0.26), outcome(1, 0.27)], ["jena-gru"])
    assert row["seeds"] == [0, 1, 2]
    assert row["ours"] == {"median": 0.27, "min": 0.26, "max": 0.3}
    assert cells([row])[1] == (
        "jena-gru", "validation MAE", "0.264", "0.2700 (0.2600 to 0.3000)", "0.2800", "3", "20",
        "13", "4,641", "Jena | 2020",
    )  # fmt: skip


def test_the_same_rows_come_from_any_order_of_the_runs() -> None:
    found = [outcome(k, 0.2 + k / 100) for k in range(4)]
    assert rows(found, ["jena-gru"]) == rows(found[::-1], ["jena-gru"])


def test_nothing_in_a_cell_breaks_the_markdown_out_of_its_table() -> None:
    bad = {"recipe": "imdb-rnn", "seeds": [4], "failed": "a | b\x1b[2J\nmore"}
    text = markdown([*rows([outcome(0, 0.26)], ["jena-gru"]), bad])
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {11}
    assert "Jena \\| 2020" in text
    assert "\x1b" not in text
    assert "imdb-rnn, seed 4 | failed" in text


def test_recipes_computed_on_different_machines_are_told_apart() -> None:
    other = {**outcome(0, 0.3)["run"]["machine"], "cores": 64}
    slow, quick = outcome(0, 0.26), {**outcome(0, 0.3, machine=other), "recipe": "jena-lstm"}
    text = markdown(rows([slow, quick], ["jena-gru", "jena-lstm"]))
    assert re.search(r"^Computed on 2 cores.*\(jena-gru\)\.$", text, re.M)
    assert re.search(r"^Computed on 64 cores.*\(jena-lstm\)\.$", text, re.M)


def test_the_documented_table_is_that_of_the_measured_runs() -> None:
    measured = assets() / "reproduce.json"
    if not measured.is_file():
        pytest.skip("no reproduction is shipped yet")
    page = (Path(__file__).parents[1] / "assets/docs/training.md").read_text("utf-8")
    (block,) = re.findall(r"<!-- reproduce: begin -->\n(.*?)<!-- reproduce: end -->", page, re.S)
    assert block.strip() == markdown(json.loads(measured.read_text("utf-8"))["rows"]).strip()


def test_a_variant_is_a_row_and_a_folder_of_its_own(tmp_path: Path) -> None:
    """The title cites another way to ready the data, so its numbers may not share a row."""
    names = ["agnews-rnn", "agnews-rnn:all-words"]
    asked = ReproduceOptions(names, data="sample", out=tmp_path, epochs=1, limit=40)
    document = reproduce(asked, say=lambda text: None)
    assert [row["recipe"] for row in document["rows"]] == names
    assert (tmp_path / "agnews-rnn-all-words-seed-0" / "result.json").is_file()
    with pytest.raises(UsageError, match=r"no variant 'all-wrds' of agnews-rnn.*all-words"):
        select(["agnews-rnn:all-wrds"])
