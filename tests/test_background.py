"""Training in a process of its own: what it says, how it stops, how its death is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnviz import messages
from rnnviz.background import TrainingProcess
from rnnviz.background.worker import TrainingWorker
from rnnviz.progress import (
    Epoch,
    Event,
    Note,
    RunFailed,
    RunFinished,
    RunStarted,
    SnapshotReady,
    TrainingStep,
)
from rnnviz.runs import Options, Run, TrainingJob, resume
from rnnviz.runs.run_loop import run_started

SMALL = Options(epochs=2, units=4, limit=20)
ENDLESS = Options(epochs=10_000, units=4, limit=20)
#: The recipe whose data is ready soonest; each test says where its runs go.
RECIPE = "sentiment-rnn"


def job(recipe: str, options: Options, out: Path) -> TrainingJob:
    return TrainingJob(recipe, options, "sample", out, device="cpu")


def until(
    source: TrainingProcess, wanted: Callable[[Event], bool], most: float = 120
) -> list[Event]:
    """Events up to the wanted one."""
    found: list[Event] = []
    end = time.monotonic() + most
    while time.monotonic() < end:
        event = source.receive(0.2)
        if event is not None:
            found.append(event)
            if wanted(event):
                return found
            assert not isinstance(event, RunFailed), event
    raise AssertionError(f"not within {most} s: {found[-3:]}")


def ended(event: Event) -> bool:
    return isinstance(event, RunFinished | RunFailed)


def going(event: Event) -> bool:
    return isinstance(event, TrainingStep)


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[TrainingProcess]:
    """A training that would never end, in its first batches."""
    with TrainingProcess(job(RECIPE, ENDLESS, tmp_path / "run")) as source:
        until(source, going)
        yield source


def test_a_small_training_tells_all_that_happens(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with TrainingProcess(job(RECIPE, SMALL, run)) as source:
        events = until(source, lambda event: isinstance(event, RunStarted))
        source.snapshot()
        events += until(source, ended)
        assert source.receive(0.01) is None
    kinds = [type(event) for event in events]
    assert kinds[0] is Note
    begun = next(event for event in events if isinstance(event, RunStarted))
    assert (begun.path, begun.recipe, begun.epochs, begun.metric) == (
        run,
        RECIPE,
        2,
        "accuracy",
    )
    assert begun.net == "RNN 4"
    steps = [event for event in events if isinstance(event, TrainingStep)]
    assert steps[-1].batch == steps[-1].batches
    assert set(steps[-1].norms) == {"embedding", "layers.0", "head"}
    history = Run(run).history()
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert dict(epochs[1].valid) == history[1].valid
    numbers = [steps[0].loss, *steps[0].norms.values(), *epochs[0].train.values()]
    assert {type(number) for number in numbers} == {float}  # no NumPy scalars
    (ready,) = [event for event in events if isinstance(event, SnapshotReady)]
    assert Path(ready.model) == run / "now.safetensors"
    assert Path(ready.model).is_file()
    assert events[-1] == RunFinished(run, True, {})
    assert not alive(source)


def alive(source: TrainingProcess) -> bool:
    assert source.pid is not None
    try:
        os.kill(source.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_stop_saves_exits_with_130_and_can_be_resumed(
    endless: TrainingProcess, tmp_path: Path
) -> None:
    endless.stop()
    end = None
    for _ in range(100):
        event = endless.receive(0.2)
        if isinstance(event, RunFailed):
            end = event
            break
    assert end is not None
    assert end.exit_code == 130
    assert f"--resume {tmp_path / 'run'}" in end.message
    assert (tmp_path / "run/last.safetensors").is_file()
    done = len(Run(tmp_path / "run").history())
    more = resume(tmp_path / "run", epochs=done + 1)
    assert len(more.history()) == done + 1


def test_a_stop_while_the_data_is_read_ends_it_and_leaves_no_folder(tmp_path: Path) -> None:
    with TrainingProcess(job(RECIPE, ENDLESS, tmp_path / "run")) as source:
        source.stop()
        event: Event | None = None
        while not isinstance(event, RunFailed):
            event = source.receive(1)
            assert not isinstance(event, RunStarted)
    assert event.exit_code == 130
    assert "nothing had been trained" in event.message
    assert not (tmp_path / "run").exists()


def test_the_unit_of_a_series_crosses_with_its_scale(tmp_path: Path) -> None:
    record = {
        "recipe": "jena-gru", "trained_on": "Jena", "example": "", "config": None,
        "metric": {"name": "mae", "better": "low", "scale": 8.85, "unit": "°C"},
    }  # fmt: skip
    (tmp_path / "history.jsonl").touch()
    told = run_started(tmp_path, record, 3)
    assert (told.scale, told.unit) == (8.85, "°C")
    record["metric"] = {"name": "accuracy", "better": "high"}
    assert run_started(tmp_path, record, 3).scale is None


def test_a_killed_process_is_a_clear_end_that_names_the_way_on(
    endless: TrainingProcess, tmp_path: Path
) -> None:
    assert endless.pid is not None
    os.kill(endless.pid, signal.SIGKILL)
    event: Event | None = None
    while not isinstance(event, RunFailed):
        event = endless.receive(1)
    assert event.exit_code == 1
    assert "SIGKILL" in event.message
    assert f"rnnviz train --resume {tmp_path / 'run'}" in event.message


def test_ctrl_c_does_not_reach_it(endless: TrainingProcess) -> None:
    assert endless.pid is not None
    os.kill(endless.pid, signal.SIGINT)
    until(endless, going)
    until(endless, going)


def test_leaving_the_block_leaves_nothing_running(tmp_path: Path) -> None:
    with TrainingProcess(job(RECIPE, ENDLESS, tmp_path / "run")) as source:
        until(source, going)
    assert not alive(source)
    assert (tmp_path / "run/last.safetensors").is_file()  # it was told to stop, and saved


def test_an_error_keeps_its_words_and_its_exit_code(tmp_path: Path) -> None:
    with TrainingProcess(job("no-such", SMALL, tmp_path / "run")) as source:
        event = None
        while event is None:
            event = source.receive(1)
    assert isinstance(event, RunFailed)
    assert event.exit_code == 2
    assert "Unknown recipe 'no-such'." in event.message
    assert "Traceback" in event.detail


def test_its_messages_are_in_the_language_of_its_parent(tmp_path: Path) -> None:
    messages.set_language("tr")
    with TrainingProcess(job("no-such", SMALL, tmp_path / "run")) as source:
        event = None
        while event is None:
            event = source.receive(1)
    assert isinstance(event, RunFailed)
    assert "'no-such' diye bir tarif yok." in event.message


PARENT = """
import sys, time
def main():
    from rnnviz.background import TrainingProcess
    from rnnviz.progress import TrainingStep
    from rnnviz.runs import Options, TrainingJob
    options = Options(epochs=10_000, units=4, limit=20)
    job = TrainingJob({recipe!r}, options, "sample", sys.argv[1], device="cpu")
    with TrainingProcess(job) as source:
        while not isinstance(source.receive(1), TrainingStep):
            pass
        print(source.pid, flush=True)
        time.sleep(600)
if __name__ == "__main__":
    main()
"""


def test_when_its_parent_is_killed_it_saves_and_ends(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(recipe=RECIPE))
    command = [sys.executable, str(script), str(tmp_path / "run")]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    for _ in range(150):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.1)
    else:
        os.kill(pid, signal.SIGKILL)
        raise AssertionError("it went on without its parent")
    assert (tmp_path / "run/last.safetensors").is_file()


class Pipe:
    """Where a worker's events go."""

    def __init__(self) -> None:
        self.sent: list[Event] = []

    def send(self, event: Event) -> None:
        self.sent.append(event)


def test_many_batches_are_told_as_few_and_none_is_lost() -> None:

    pipe = Pipe()
    worker = TrainingWorker(pipe, TrainingJob("x", SMALL))  # type: ignore[arg-type]
    for batch in range(1, 1001):
        worker.watch(TrainingStep(1, 1, batch, 1000, float(batch), 8))
    told = [event for event in pipe.sent if isinstance(event, TrainingStep)]
    assert len(told) < 50
    assert sum(event.examples for event in told) == 8000
    assert told[-1].batch == 1000
    assert json.dumps(told[-1].loss)
