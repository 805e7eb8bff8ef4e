"""Timing of frameworks in alternation.

Each framework has a process of its own, so that memory and threads are its own. All are started
first; then they train one after the other, round after round, so that other load on the machine
affects all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rnnviz.bench.process import Worker
from rnnviz.errors import RnnvizError
from rnnviz.messages import _

#: Seconds of training in one turn, and the least and most steps of a turn.
TURN_SECONDS, MIN_STEPS, MAX_STEPS = 0.3, 2, 12


@dataclass(frozen=True)
class TimingTask:
    """A framework to time on a job; ``steps`` per turn, None for TURN_SECONDS of them."""

    peer: str
    job: Path
    steps: int | None = None


@dataclass
class BenchResult:
    """The measurements of one framework: ms per step in each round, or an error."""

    peer: str
    version: str = ""
    loss: float | None = None  # of the first batch, before any update
    last_loss: float | None = None
    start_s: float | None = None  # import, building, compiling, first step
    peak_mb: float | None = None
    processes: int = 1  # no framework uses more
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
    *,
    before_round: Callable[[], None] = lambda: None,
) -> list[BenchResult]:
    """Time the tasks in alternation; one result for each, in their order.

    ``python`` is the interpreter that has the peers. A framework that fails has its message in
    ``error``; the others continue. ``before_round`` takes part in the alternation.
    """
    results = [BenchResult(task.peer) for task in tasks]
    workers: list[Worker | None] = []
    try:
        for result, task in zip(results, tasks, strict=True):
            say(_("starting {peer}").format(peer=task.peer))
            workers.append(_start(result, python, task.job))
        for n in range(rounds):
            say(_("round {n} of {rounds}").format(n=n + 1, rounds=rounds))
            before_round()
            for worker, result, task in zip(workers, results, tasks, strict=True):
                if worker is not None and not result.error:
                    _turn(worker, result, task.steps)
    finally:
        for worker in workers:
            if worker is not None:
                worker.close()
    return results


def _start(result: BenchResult, python: str, job: Path) -> Worker | None:
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


def _turn(worker: Worker, result: BenchResult, steps: int | None) -> None:
    steps = steps or min(MAX_STEPS, max(MIN_STEPS, round(TURN_SECONDS / worker.seconds)))
    try:
        done = worker.ask(steps=steps)
    except RnnvizError as error:
        result.error = str(error)
        return
    result.rounds.append(1000 * done["seconds"] / steps)
    result.last_loss, result.peak_mb = done["loss"], done["peak_mb"]
