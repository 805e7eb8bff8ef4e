"""Workers started, told to train in turn, and timed.

Each framework has a process of its own, so that neither its memory nor its threads are another's.
All are started first; then they train one after the other, round after round, so that whatever
else the machine does falls on all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rnnviz.bench.process import Worker
from rnnviz.errors import RnnvizError

#: Seconds of training in one turn, and the least and most steps of a turn.
TURN, FEWEST, MOST = 0.3, 2, 12


@dataclass(frozen=True)
class TimingTask:
    """A framework to time on a job; ``steps`` of a turn, or None for as many as TURN holds."""

    peer: str
    job: Path
    steps: int | None = None


@dataclass
class Result:
    """What one framework did: ms a step of each round, or the reason why there are none."""

    peer: str
    version: str = ""
    loss: float | None = None  # of the first batch, before any update
    last_loss: float | None = None
    start_s: float | None = None  # import, building, compiling, first step
    peak_mb: float | None = None  # of all its processes
    processes: int = 1
    rounds: list[float] = field(default_factory=list)
    error: str = ""

    @property
    def ms(self) -> float | None:
        """The median."""
        return median(self.rounds) if self.rounds else None


def measure(
    tasks: Sequence[TimingTask],
    python: str,
    rounds: int,
    say: Callable[[str], None] = lambda text: None,
) -> list[Result]:
    """Time the tasks in alternation; one result for each, in their order.

    ``python`` is the interpreter that has the peers. A framework that fails has its reason in
    ``error``; the others go on.
    """
    results = [Result(task.peer) for task in tasks]
    workers: list[Worker | None] = []
    try:
        for result, task in zip(results, tasks, strict=True):
            say(f"starting {task.peer}")
            workers.append(_start(result, python, task.job))
        for n in range(rounds):
            say(f"round {n + 1} of {rounds}")
            for worker, result, task in zip(workers, results, tasks, strict=True):
                if worker is not None and not result.error:
                    _turn(worker, result, task.steps)
    finally:
        for worker in workers:
            if worker is not None:
                worker.close()
    return results


def _start(result: Result, python: str, job: Path) -> Worker | None:
    worker = Worker(result.peer, python)
    try:
        ready = worker.ask(job=str(job))
    except BaseException as error:
        worker.close()
        if not isinstance(error, RnnvizError):
            raise
        result.error = str(error)
        return None
    result.version, result.loss, result.start_s = ready["version"], ready["loss"], ready["start_s"]
    worker.seconds = ready["seconds"]
    return worker


def _turn(worker: Worker, result: Result, steps: int | None) -> None:
    steps = steps or min(MOST, max(FEWEST, round(TURN / worker.seconds)))
    try:
        done = worker.ask(steps=steps)
    except RnnvizError as error:
        result.error = str(error)
        return
    result.rounds.append(1000 * done["seconds"] / steps)
    result.last_loss, result.peak_mb = done["loss"], done["peak_mb"]
    result.processes = done["processes"]
