"""Workers train in turn, report, fail one at a time, and run the same net as ours."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rnnviz.bench import process
from rnnviz.bench.comparison import Comparison, compare
from rnnviz.bench.peers import PEERS, Peer
from rnnviz.bench.process import OURS, installed
from rnnviz.bench.scaling import ScalingCurve, measure_scaling
from rnnviz.bench.timing import BenchResult, TimingTask, measure
from rnnviz.bench.workloads import WORKLOADS, Workload, write
from rnnviz.errors import RnnvizError, UsageError

PYTHON = os.environ.get("RNNVIZ_BENCH_PYTHON", sys.executable)
TINY = WORKLOADS["jena-gru"].resized(4, 3)
WIDE = WORKLOADS["jena-gru"].resized(4, 128)


def dry(workload: Workload) -> Workload:
    """Five steps of three sequences, and no dropout, which falls differently in every framework."""
    layers = (replace(x, dropout=0.0, recurrent_dropout=0.0) for x in workload.spec.layers)
    spec = replace(workload.spec, layers=tuple(layers))
    return replace(workload.resized(9, 3), spec=spec)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A net that trains in no time."""
    write(TINY, tmp_path / "job.npz")
    return tmp_path / "job.npz"


def test_ours_is_timed_round_by_round_in_a_process_of_its_own(job: Path) -> None:
    (result,) = measure([TimingTask(OURS, job)], PYTHON, rounds=3)
    assert not result.error
    assert len(result.rounds) == 3 and min(result.rounds) > 0
    assert result.ms == sorted(result.rounds)[1]
    assert result.loss is not None and result.loss != result.last_loss
    assert result.peak_mb is None or 10 < result.peak_mb < 1000


def test_turns_alternate(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other in every round, never one to the end and then the next."""
    order = []
    ask = process.Worker.ask

    def watched(self: process.Worker, **request: object) -> dict[str, object]:
        order.append((id(self), *request))
        return ask(self, **request)

    monkeypatch.setattr(process.Worker, "ask", watched)
    measure([TimingTask(OURS, job, 1), TimingTask(OURS, job, 1)], PYTHON, rounds=3)
    one, two = order[0][0], order[1][0]
    assert order == [(one, "job"), (two, "job")] + [(one, "steps"), (two, "steps")] * 3


def test_a_peer_that_fails_says_why_and_the_others_go_on(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEERS, "broken", Peer("no_such_net", (), "a peer that is not there"))
    broken, ours = measure(
        [TimingTask("broken", job), TimingTask(OURS, job)], sys.executable, rounds=1
    )
    assert broken.error == (
        "broken stopped: ModuleNotFoundError: No module named 'peers.no_such_net'"
    )
    assert not broken.rounds and ours.rounds


def test_a_peer_that_dies_in_a_later_round_keeps_its_reason(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = process.Worker.ask

    def killed(self: process.Worker, **request: object) -> dict[str, object]:
        if "steps" in request:
            self.process.kill()
            self.process.wait()
        return ask(self, **request)

    monkeypatch.setattr(process.Worker, "ask", killed)
    (result,) = measure([TimingTask(OURS, job)], PYTHON, rounds=2)
    assert result.error.startswith("rnnviz stopped: ") and result.rounds == []


def test_a_worker_that_stays_silent_is_ended(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(process, "_OUR_CODE", "import time; time.sleep(60)")
    (result,) = measure([TimingTask(OURS, job)], PYTHON, rounds=2)
    assert result.error.startswith("rnnviz stopped: ") and result.rounds == []


def test_a_failure_of_ours_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_OUR_CODE", "raise SystemExit('out of order')")
    with pytest.raises(RnnvizError, match="rnnviz stopped: out of order"):
        compare(TINY, [], PYTHON, 1, tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_worker_is_left_behind(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the measuring is interrupted."""
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def watched(*args: object, **kwargs: object) -> subprocess.Popen[str]:
        started.append(popen(*args, **kwargs))  # type: ignore[call-overload]
        return started[-1]

    def interrupted(text: str) -> None:
        if "round 2" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", watched)
    with pytest.raises(KeyboardInterrupt):
        measure([TimingTask(OURS, job), TimingTask(OURS, job)], PYTHON, 3, interrupted)
    assert len(started) == 2 and all(p.returncode is not None for p in started)


def test_only_what_is_importable_counts_as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEERS, "here", Peer("here", ("json", "numpy"), ""))
    monkeypatch.setitem(PEERS, "half", Peer("half", ("json", "no_such_module"), ""))
    assert installed(sys.executable, ["half", "here"]) == ["here"]
    with pytest.raises(UsageError, match="--python PATH"):
        installed("/no/such/python", ["here"])


def test_the_ratio_is_to_the_fastest_peer_and_ours_is_no_peer() -> None:
    results = (
        BenchResult(OURS, rounds=[10.0]),
        BenchResult("torch", rounds=[50.0, 40.0, 30.0]),
        BenchResult("jax", rounds=[80.0]),
        BenchResult("keras-tf", error="keras-tf stopped: no reason"),
    )
    comparison = Comparison(TINY, results)
    assert comparison.fastest_peer is results[1]
    assert [comparison.ratio(r) for r in results] == [0.25, 1.0, 2.0, None]
    head, first, *_ = comparison.rows()
    assert head[1:4] == ("ms a step", "lowest–highest", "to the fastest peer")
    assert first == ("rnnviz", "10.0", "10.0–10.0", "0.25", "-", "-", "1")
    assert comparison.notes() == ["keras-tf stopped: no reason"]
    assert Comparison(TINY, results[:1]).ratio(results[0]) is None


@pytest.mark.parametrize("loss", [0.51, float("nan")])
def test_a_peer_with_another_first_loss_is_said_to_run_another_net(loss: float) -> None:
    results = (
        BenchResult(OURS, loss=0.5),
        BenchResult("jax", loss=0.5003),
        BenchResult("torch", loss=loss),
    )
    comparison = Comparison(TINY, results)
    assert comparison.different_nets() == ["torch"]
    assert comparison.notes()[-1].startswith("torch has another loss")
    assert Comparison(WORKLOADS["jena-gru-dropout"], results).different_nets() == []


def test_the_exponent_is_the_slope_in_logarithms() -> None:
    cubic = ScalingCurve("w", "steps", (1, 2, 4), (5.0, 40.0, 320.0), (None, 80.0, 90.0))
    assert cubic.exponent == pytest.approx(3)
    assert cubic.line().endswith("2: 40.0 ms, 80 MB   4: 320.0 ms, 90 MB   exponent 3.00")


def test_scaling_varies_one_size_at_a_time(tmp_path: Path) -> None:
    rows = measure_scaling(TINY.resized(8, 4), 1, tmp_path)
    assert [(r.varied, r.sizes) for r in rows] == [
        ("steps", (2, 4, 8)), ("batch", (2, 4, 8)), ("batches", (3, 6, 12)),
    ]  # fmt: skip
    assert 0.3 < rows[2].exponent < 1.7


#: One of each kind of net; XLA compiles for seconds, however few the steps.
KINDS = ("imdb-rnn", "imdb-lstm", "jena-stacked", "jena-bigru", "agnews-bilstm")


@pytest.mark.live
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_has_our_loss_from_the_same_weights_and_learns(
    peer: str, name: str, tmp_path: Path
) -> None:
    """Dropout off, a few steps long; one batch again and again."""
    if peer not in installed(PYTHON, [peer]):
        pytest.skip(f"{peer} is not installed in {PYTHON}")
    write(dry(WORKLOADS[name]), tmp_path / "job.npz", count=1)
    tasks = [TimingTask(n, tmp_path / "job.npz", steps=12) for n in (OURS, peer)]
    ours, theirs = measure(tasks, PYTHON, rounds=1)
    assert not ours.error and not theirs.error
    assert theirs.loss == pytest.approx(ours.loss, abs=1e-4)
    assert theirs.last_loss < theirs.loss and ours.last_loss < ours.loss  # type: ignore[operator]
