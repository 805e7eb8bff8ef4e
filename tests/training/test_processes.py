"""Runs that compute in two processes: what their record says, and how they are gone on with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from training.test_run_directory import same, stop_at
from training.tiny import tiny

from rnnviz.cli import run as command
from rnnviz.errors import InterruptedTraining
from rnnviz.reproduce.job import Job
from rnnviz.runs import Options, Run, resume, train
from rnnviz.training.events import Event, Step
from rnnviz.training.halves import Halves

__all__ = ["tiny"]
pytestmark = [
    pytest.mark.usefixtures("tiny", "two_processors"),
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no memory to share here"),
]


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine that has but one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Halves]:
    """Every time a second process was started; it is waited for."""
    found: list[Halves] = []
    start = Halves.start

    def noted(self: Halves, *given: Any) -> Halves:
        found.append(start(self, *given))
        assert self.wait(30)
        return self

    monkeypatch.setattr(Halves, "start", noted)
    return found


def begin(out: Path, processes: int | None, **given: Any) -> Run:
    return train("tiny", Options(processes=processes), data=out.parent, out=out, **given)


@pytest.mark.parametrize(("processes", "parts"), [(None, 1), (1, 1), (2, 2)])
def test_a_run_says_in_how_many_parts_its_batches_are_computed(
    tmp_path: Path, processes: int | None, parts: int, started: list[Halves]
) -> None:
    record = begin(tmp_path / "run", processes).record()
    assert record["fit"]["parts"] == parts
    assert record["options"]["processes"] == processes
    assert len(started) == parts - 1


def test_a_net_with_large_batches_has_two_parts_unless_told_otherwise(
    tmp_path: Path, started: list[Halves]
) -> None:
    options = Options(units=64, batch_size=64, epochs=1)
    record = train("tiny", options, data=tmp_path, out=tmp_path / "run").record()
    assert record["fit"]["parts"] == 2 and len(started) == 1


@pytest.mark.parametrize("now", [1, 2])
def test_a_run_in_two_parts_goes_on_bit_for_bit_in_one_process_or_two(
    tmp_path: Path, now: int, started: list[Halves]
) -> None:
    whole = begin(tmp_path / "whole", 2)
    watch, stop = stop_at(2, 3)
    with pytest.raises(InterruptedTraining):
        begin(tmp_path / "cut", 2, watch=watch, stop=stop)
    resumed = resume(tmp_path / "cut", processes=now)
    assert len(started) == 1 + now
    same(resumed.path, whole.path)
    ended = [{**(r.result() or {}), "seconds": 0} for r in (resumed, whole)]
    assert ended[0] == ended[1] and ended[0]["test"]


def test_a_run_from_before_there_were_parts_goes_on_with_one(
    tmp_path: Path, started: list[Halves]
) -> None:
    whole = begin(tmp_path / "whole", 1)
    watch, stop = stop_at(2, 3)
    with pytest.raises(InterruptedTraining):
        begin(tmp_path / "old", 1, watch=watch, stop=stop)
    record = json.loads((tmp_path / "old/spec.json").read_text())
    del record["fit"]["parts"], record["options"]["processes"]
    (tmp_path / "old/spec.json").write_text(json.dumps(record))
    same(resume(tmp_path / "old").path, whole.path)
    assert started == []


def test_an_interrupted_run_leaves_no_process(tmp_path: Path, started: list[Halves]) -> None:
    pids: list[int] = []

    def watch(event: Event) -> None:
        if isinstance(event, Step):
            pids[:] = started[0].pids

    with pytest.raises(InterruptedTraining):
        begin(tmp_path / "run", 2, watch=watch, stop=lambda: len(pids) > 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


# -- commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["0", "3", "two"])
def test_there_are_one_or_two_processes(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "tiny", "--processes", number]) == 2
    assert "--processes" in capsys.readouterr().err


def test_a_resumed_run_cannot_be_given_another_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(["train", "--resume", "last", "--processes", "1"]) == 2
    assert "cannot take --processes" in capsys.readouterr().err


def test_a_reproduction_has_one_process_a_run_so_that_its_numbers_are_the_same_everywhere() -> None:
    assert Job("tiny", 0, 1, None, "data", "run").options().processes == 1
