"""``rnnviz reproduce`` on the sample: here, in processes, with Dask; stopped and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.cli import run
from rnnviz.data.jena import COLUMNS

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
TINY = ["imdb-rnn", "agnews-rnn", "--data", "sample", "--limit", "20", "--epochs", "1"]
LONGER = ["sentiment-rnn", "--data", "sample", "--limit", "400", "--epochs", "8"]

#: Every recipe of the forecasts, on a table with hardly more rows than they need.
JENA_ROWS = 6_700
JENA = ["jena", "--limit", str(JENA_ROWS - 50), "--epochs", "1", "--seeds", "2"]

#: A Dask cluster of processes. For each line that it reads, it kills a worker that is computing.
CLUSTER = """
import os, signal, sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(
        n_workers=int(sys.argv[1]), threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        for line in sys.stdin:
            busy = []
            while not busy:
                workers = cluster.scheduler.workers
                busy = [nanny.pid for nanny in cluster.workers.values()
                        if nanny.worker_address in workers
                        and workers[nanny.worker_address].processing]
                time.sleep(0.01)
            os.kill(busy[0], signal.SIGKILL)
            print(busy[0], flush=True)
"""


@contextmanager
def dask_cluster(workers: int) -> Iterator[subprocess.Popen[str]]:
    """A cluster in a process; its first line is the address. It ends with its input."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER, str(workers)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.communicate(timeout=60)


def reproduced(*args: str) -> subprocess.Popen[str]:
    """The command in a process of its own, and in a group of its own, as in a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "rnnviz", "reproduce", *args], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, start_new_session=True,
    )  # fmt: skip


def document(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "table.json").read_text())
    return found


def numbers(out: Path) -> list[dict[str, Any]]:
    """The rows without what depends on the clock and the machine."""
    found = document(out)["rows"]
    return [{k: v for k, v in row.items() if k not in ("seconds", "machines")} for row in found]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny reproduction, one run after the other."""
    out = tmp_path_factory.mktemp("here")
    process = reproduced(*TINY, "--seeds", "2", "--out", str(out))
    said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return out


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a Dask cluster of two worker processes, and the process that has it."""
    with dask_cluster(2) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process


def test_the_table_has_a_row_a_recipe_beside_the_published(here: Path) -> None:
    first, second = document(here)["rows"]
    assert (first["recipe"], second["recipe"]) == ("imdb-rnn", "agnews-rnn")
    assert first["metric"] == {"name": "accuracy", "of": "validation", "better": "high"}
    assert first["published"]["value"] == 0.846
    assert second["metric"]["of"] == "test"
    assert second["ours"] == second["test"]
    assert first["parameters"] == 322_113
    assert "sample" in first["data"]
    assert first["machines"][0]["runs"] == "one at a time"
    assert (here / "imdb-rnn-seed-1/result.json").is_file()


def test_two_processes_give_the_same_numbers(here: Path, tmp_path: Path) -> None:
    process = reproduced(*TINY, "--seeds", "2", "--out", str(tmp_path), "--jobs", "2")
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert numbers(tmp_path) == numbers(here)
    assert document(tmp_path)["rows"][0]["machines"][0]["runs"] == "2 at a time"
    assert len(said.splitlines()) == 4
    assert "322,113" in printed


def test_what_is_finished_needs_no_workers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["reproduce", *TINY, "--seeds", "2", "--out", str(here)]
    assert run([*asked, "--dask", "tcp://127.0.0.1:9", "--json"]) == 0
    printed, said = capsys.readouterr()
    assert json.loads(printed) == document(here)
    assert said.count("was there") == 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A longer reproduction that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole")
    assert run(["reproduce", *LONGER, "--seeds", "2", "--out", str(out), "-q"]) == 0
    return out


def begun(out: Path, process: subprocess.Popen[str], runs: int = 0) -> None:
    """Wait until a run has an epoch; or until so many ``runs`` are being trained at a time."""

    def waits() -> bool:
        if not runs:
            return not any(path.read_text() for path in out.glob("*/history.jsonl"))
        ended = {path.parent for path in out.glob("*/result.json")}
        return len({path.parent for path in out.glob("*/spec.json")} - ended) < runs

    while waits():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.parametrize("way", ["--jobs=1", "--jobs=2", "dask"])
def test_ctrl_c_exits_130_and_the_same_command_goes_on(
    way: str, tmp_path: Path, whole: Path, request: pytest.FixtureRequest
) -> None:
    how = f"--dask={request.getfixturevalue('cluster')[0]}" if way == "dask" else way
    asked = [*LONGER, "--seeds", "2", "--out", str(tmp_path / "cut")]
    process = reproduced(*asked, how)
    begun(tmp_path / "cut", process)
    os.killpg(process.pid, signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert printed == ""
    assert "the same command" in said
    assert "Traceback" not in said
    assert document(tmp_path / "cut")["runs_done"] < 2
    assert not list((tmp_path / "cut").glob(".stop-*"))
    assert run(["reproduce", *asked, "-q"]) == 0
    assert numbers(tmp_path / "cut") == numbers(whole)


def write_weather(folder: Path) -> Path:
    """A made-up table of the Jena station, a row every ten minutes."""
    rng = np.random.default_rng(0)
    times = np.datetime64("2020-01-01T00:00") + 10 * np.arange(JENA_ROWS)
    days = np.arange(JENA_ROWS)[:, None] / 144 + rng.uniform(0, 1, len(COLUMNS))
    values = 10 * np.sin(2 * np.pi * days) + rng.normal(size=days.shape).cumsum(0)
    lines = [",".join(f'"{name}"' for name in ("Date Time", *COLUMNS))]
    for time_of, row in zip(times.astype(datetime), values.tolist(), strict=True):
        lines.append(f"{time_of:%d.%m.%Y %H:%M:%S},{','.join(f'{v:.2f}' for v in row)}")
    (folder / "jena").mkdir()
    (folder / "jena/jena_climate_2020.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_killed_worker_changes_nothing_in_the_table(
    tmp_path: Path, cluster: tuple[str, subprocess.Popen[str]]
) -> None:
    """All forecasts on a Dask cluster of two processes, one of which is killed as it trains."""
    address, workers = cluster
    asked = [*JENA, "--data", str(write_weather(tmp_path))]
    here, there = tmp_path / "here", tmp_path / "there"
    process = reproduced(*asked, "--out", str(there), "--dask", address)
    begun(there, process, runs=2)
    assert workers.stdin is not None and workers.stdout is not None
    print("kill", file=workers.stdin, flush=True)
    assert int(workers.stdout.readline()) > 0
    assert not (there / "table.json").exists() or document(there)["runs_done"] < 18
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert len(said.splitlines()) == 18
    assert document(there)["rows"][1]["machines"][0]["runs"] == "on Dask workers"
    other = reproduced(*asked, "--out", str(here), "--jobs", "2")
    _, said = other.communicate(timeout=600)
    assert other.returncode == 0, said
    assert numbers(there) == numbers(here)
    assert weights(there) == weights(here)
    assert len(weights(here)) == 16  # jena-naive has none


def weights(out: Path) -> dict[str, bytes]:
    """The weights of every run by its folder."""
    return {path.parent.name: path.read_bytes() for path in out.glob("*/best.safetensors")}


def test_a_cluster_that_ends_exits_1_and_the_same_command_goes_on(
    tmp_path: Path, whole: Path
) -> None:
    asked = [*LONGER, "--seeds", "2", "--out", str(tmp_path / "cut")]
    with dask_cluster(1) as workers:
        assert workers.stdout is not None
        process = reproduced(*asked, "--dask", workers.stdout.readline().strip())
        begun(tmp_path / "cut", process)
        workers.kill()  # the scheduler is in that process
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert printed == ""
    assert "has ended" in said and "the same command" in said
    assert "Traceback" not in said
    assert run(["reproduce", *asked, "-q"]) == 0
    assert numbers(tmp_path / "cut") == numbers(whole)


def test_a_cluster_without_workers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rnnviz.reproduce.cluster.TIMEOUT", 1)
    with dask_cluster(0) as nobody:
        assert nobody.stdout is not None
        address = nobody.stdout.readline().strip()
        assert run(["reproduce", *TINY, "--out", str(tmp_path), "--dask", address]) == 1
    said = capsys.readouterr().err
    assert "no worker that is free" in said
    assert f"dask worker {address} --nthreads 1" in said


def test_a_failed_run_is_told_in_its_row_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["jena-naive", "imdb-rnn", "--data", "sample", "--limit", "20", "--epochs", "1"]
    assert run(["reproduce", *asked, "--out", str(tmp_path)]) == 1
    printed, said = capsys.readouterr()
    lines = printed.splitlines()
    assert lines[1].startswith("jena-naive, seed 0  failed")
    assert "too few" in lines[1]
    assert lines[2].startswith("imdb-rnn ")
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ([], "RECIPE"),
        (["imdb-lstn"], "imdb-lstm"),
        (["imdb", "--jobs", "2", "--dask", "tcp://127.0.0.1:9"], "--jobs"),
        (["imdb", "--dask", "somewhere"], "tcp://HOST"),
        (["imdb", "--seeds", "0"], "seeds"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    asked: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reproduce", *asked, "--data", "sample", "--out", str(tmp_path / "o")]) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "way", "extra"),
    [("joblib", "--jobs=2", "jobs"), ("distributed", "--dask=tcp://127.0.0.1:9", "dask")],
)
def test_a_missing_package_exits_3_with_what_gets_it(
    module: str, way: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, module, None)
    assert run(["reproduce", *TINY, "--out", str(tmp_path), way]) == 3
    assert f"pip install 'rnnviz[{extra}]'" in capsys.readouterr().err


def test_a_missing_data_folder_exits_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "imdb-rnn", "--data", str(tmp_path / "no")]) == 3
    assert "--data" in capsys.readouterr().err
