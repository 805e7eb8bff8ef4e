"""``rnnviz bench`` prints tables or one JSON object, and refuses what it does not know."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rnnviz.bench import workloads
from rnnviz.cli import run


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nets of the workloads on a few short sequences."""
    small = {name: w.resized(6, 3) for name, w in workloads.WORKLOADS.items()}
    monkeypatch.setattr(workloads, "WORKLOADS", small)
    # Whether it is installed beside must not change what is measured here.
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: False)


def test_without_peers_ours_alone_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--workload", "imdb-gru", "--peers", "none", "--rounds", "2"]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("imdb-gru: Embedding(10000, 32) → GRU(32) → Dense(1)")
    assert "T 6, B 3, RMSprop" in lines[0] and "ms a step" in lines[1]
    assert lines[2].split()[0] == "rnnviz"
    assert "imdb-gru: round 2 of 2" in said.err


def test_compiled_loops_are_measured_beside_ours_and_are_no_peer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr("rnnviz.engine.compiled.available", lambda: True)
    options = ["--workload", "imdb-lstm", "--peers", "none", "--rounds", "1", "-q", "--json"]
    assert run(["bench", *options]) == 0
    (workload,) = json.loads(capsys.readouterr().out)["workloads"]
    ours, compiled = workload["results"]
    assert (ours["peer"], compiled["peer"]) == ("rnnviz", "rnnviz-compiled")
    assert compiled["error"] == "" and abs(compiled["loss"] - ours["loss"]) < 1e-5
    assert workload["fastest_peer"] is None and compiled["processes"] == 1


def test_json_is_one_object_with_every_round(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--workload", "jena-gru,agnews-bilstm", "--peers", "none", "--rounds", "3", "-q"]
    assert run(["bench", *options, "--json"]) == 0
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert said.err == "" and record["schema"] == "rnnviz.bench/1" and record["rounds"] == 3
    assert [w["name"] for w in record["workloads"]] == ["jena-gru", "agnews-bilstm"]
    for workload in record["workloads"]:
        (ours,) = workload["results"]
        assert ours["peer"] == "rnnviz" and len(ours["rounds"]) == 3
        assert ours["ms"] == sorted(ours["rounds"])[1] and ours["ratio"] is None


def test_a_peer_that_is_not_there_is_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnviz.bench.peers import PEERS, Peer

    monkeypatch.setitem(PEERS, "jax", Peer("jax_net", ("no_such_module",), ""))
    options = ["--workload", "jena-gru", "--peers", "jax", "--rounds", "1", "-q"]
    assert run(["bench", *options]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(": jax")
    assert run(["bench", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["not_installed"] == ["jax"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_scaling_gives_an_exponent_for_each_size(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnviz.bench import scaling

    row = scaling.ScalingCurve(
        "jena-gru", "steps", (1, 2, 4), (5.0, 10.0, 20.0), (80.0, 81.0, 82.0)
    )
    monkeypatch.setattr(scaling, "measure_scaling", lambda net, rounds, folder, say: [row])
    options = ["--workload", "jena-gru", "--scaling", "-q"]
    assert run(["bench", *options, *(["--json"] if form == "json" else [])]) == 0
    said = capsys.readouterr().out
    if form == "json":
        (found,) = json.loads(said)["scaling"]
        assert found["sizes"] == [1, 2, 4] and found["exponent"] == pytest.approx(1)
    else:
        assert said.splitlines()[1].startswith("  steps     1: 5.0 ms, 80 MB   2: 10.0 ms, 81 MB")
        assert said.splitlines()[1].endswith("exponent 1.00")


def test_the_limit_is_the_time_of_the_products(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnviz.bench import limit

    monkeypatch.setattr(limit, "SIZE", 64)
    options = ["--workload", "imdb-lstm,jena-gru", "--limit", "--rounds", "2", "-q"]
    assert run(["bench", *options, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)["limit"]
    assert (record["matrix"], record["cores"]) == (64, 1)
    for net, name in zip(record["workloads"], ("imdb-lstm", "jena-gru"), strict=True):
        assert (net["name"], net["framework"], net["batch"]) == (name, "rnnviz", 3)
        assert net["ms"] == pytest.approx(sum(net["rounds"]) / 2)
        counted = net["forward_operations"] + net["backward_operations"]
        assert net["limit_ms"] == pytest.approx(counted / net["gflops"]["all_cores"] / 1e6)
        assert net["ratio"] == pytest.approx(net["ms"] / net["limit_ms"])
        assert set(net["functions"]) == {"sigmoid", "tanh"}
    assert run(["bench", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-3:] == ["ratio", "10⁶", "functions"]
    assert [line.split()[0] for line in lines[1:3]] == ["imdb-lstm", "jena-gru"]
    assert lines[-1].startswith("Products of float32 matrices (64, 64): ")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--workload", "imdb-ltsm"], 2, "Did you mean 'imdb-lstm'?"),
        (["--peers", "keras"], 2, "There are: torch, torch-1, keras-tf,"),
        (["--python", "/no/such/python"], 2, "--python PATH"),
        (["--limit", "--scaling"], 2, "--limit is neither for --scaling"),
        (["--device", "cuda"], 3, "There is no GPU to compute on"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    options: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", None)  # no card to be found, if there is one
    assert run(["bench", *options]) == code
    assert said in capsys.readouterr().err


def test_the_interpreter_with_the_peers_comes_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNVIZ_BENCH_PYTHON", "/another/python")
    assert run(["bench"]) == 2
    assert "/another/python" in capsys.readouterr().err


@pytest.mark.parametrize(("load", "busy"), [(0.1, False), (3.2, True)])
def test_a_busy_machine_is_told_of(
    load: float, busy: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, load, load), raising=False)
    assert run(["bench", "--workload", "jena-gru", "--peers", "none", "--rounds", "1"]) == 0
    assert ("This machine is busy (load 3.2" in capsys.readouterr().err) == busy


def test_the_batches_are_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(["bench", "--workload", "jena-gru", "--peers", "none", "--rounds", "1"]) == 0
    assert list(tmp_path.iterdir()) == []
