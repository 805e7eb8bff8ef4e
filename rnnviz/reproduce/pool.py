"""The runs of a reproduction in this process, in several processes, or on a Dask cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnviz import signals
from rnnviz.errors import MissingError
from rnnviz.messages import N_, _, language
from rnnviz.reproduce.cluster import connected, outcomes_of
from rnnviz.reproduce.job import ReproduceJob, failure, run, run_in_worker
from rnnviz.training.stopping import stop_signal

Say = Callable[[str], None]


def outcomes(
    jobs: Sequence[ReproduceJob], at_once: int, dask: str | None, out: Path, say: Say
) -> Iterator[dict[str, Any]]:
    """The outcome of each run as it ends; ctrl+c saves and ends all, a second one ends at once."""
    finished = [job for job in jobs if job.finished]
    yield from _in_this_process(finished)
    jobs = [job for job in jobs if job not in finished]
    if not jobs:
        return
    if dask is not None:
        with connected(dask, say) as client, _stop_file(out, say) as stop:
            yield from outcomes_of(client, dask, jobs, stop.file, stop.received, say)
    elif at_once > 1:
        with _stop_file(out, say) as stop:
            yield from _with_lost(jobs, _in_processes(jobs, at_once, stop.file), stop)
    else:
        yield from _in_this_process(jobs)


def _in_this_process(jobs: Sequence[ReproduceJob]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        outcome = run(job)
        yield outcome
        if outcome["state"] == "interrupted":
            return


def _in_processes(
    jobs: Sequence[ReproduceJob], at_once: int, stop: Path
) -> Iterator[dict[str, Any]]:
    """A generator of the outcomes; MissingError without joblib."""
    try:
        import joblib
    except ImportError:
        raise MissingError(
            _("Several runs at a time need joblib.\nGet it: pip install 'rnnviz[jobs]'")
        ) from None

    def received() -> Iterator[dict[str, Any]]:
        # One BLAS thread per run, as in every command. batch_size 1: joblib would group short runs.
        # pre_dispatch "all": every process is started while ctrl+c is blocked.
        processes = {"n_jobs": min(at_once, len(jobs)), "inner_max_num_threads": 1}
        parallel = {"batch_size": 1, "pre_dispatch": "all", "return_as": "generator_unordered"}
        run_one = joblib.delayed(run_in_worker)
        with joblib.parallel_config("loky", **processes), joblib.Parallel(**parallel) as pool:
            with signals.sigint_blocked():
                manner = N_("{count} at a time").format(count=at_once)
                outcomes = pool(run_one(job, str(stop), manner, language()) for job in jobs)
            yield from outcomes

    return received()


def _with_lost(
    jobs: Sequence[ReproduceJob], received: Iterator[dict[str, Any]], stop: _Stop
) -> Iterator[dict[str, Any]]:
    """The outcomes; if the pool of processes breaks, also a failure for every run without one."""
    ended: set[tuple[str, int]] = set()
    try:
        for outcome in received:
            ended.add((outcome["recipe"], outcome["seed"]))
            yield outcome
    except Exception as error:
        # Jobs raise nothing: a process was killed.
        if stop.received():
            return
        message = _(
            "A worker was lost ({kind}), out of memory? Try again with the same command."
        ).format(kind=type(error).__name__)
        lost = [job for job in jobs if (job.recipe, job.seed) not in ended]
        yield from (failure(job, message) for job in lost)


@dataclass(frozen=True)
class _Stop:
    """The signal that was received, if any, and the file that is created then."""

    received: Callable[[], int]
    file: Path


@contextmanager
def _stop_file(out: Path, say: Say) -> Iterator[_Stop]:
    """A file that stops the workers: signals do not reach a cluster, but it sees this folder."""
    for old in out.glob(".stop-*"):
        old.unlink(missing_ok=True)
    path = out / f".stop-{os.getpid()}-{os.urandom(4).hex()}"
    ended = threading.Event()

    def watch(received: Callable[[], int]) -> None:
        while not ended.wait(0.1):
            if received():
                path.touch()
                say(_("Stopping: every run finishes its batch and is saved."))
                return

    with stop_signal() as received:
        watcher = threading.Thread(target=watch, args=(received,), daemon=True)
        watcher.start()
        try:
            yield _Stop(received, path)
        finally:
            ended.set()
            watcher.join()
    # Not after a second ctrl+c: workers of a cluster may not have seen it yet.
    path.unlink(missing_ok=True)
