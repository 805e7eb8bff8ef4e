"""Where the runs of a reproduction are computed: here, in processes, or on a Dask cluster."""

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
from rnnviz.reproduce.cluster import connected, while_alive
from rnnviz.reproduce.job import ReproduceJob, failed, in_worker, run
from rnnviz.training.stopping import stop_signal

Say = Callable[[str], None]


def outcomes(
    jobs: Sequence[ReproduceJob], at_once: int, dask: str | None, out: Path, say: Say
) -> Iterator[dict[str, Any]]:
    """What each run came to, as they end. ctrl+c ends all of them, saved; a second one at once."""
    ready = [job for job in jobs if job.finished]
    yield from _here(ready)
    jobs = [job for job in jobs if job not in ready]
    if not jobs:
        return
    if dask is not None:
        with connected(dask) as client, _stop_file(out, say) as stop:
            settings = {"backend": "dask", "client": client}
            begin = _begin(jobs, stop.file, "on Dask workers", settings)
            yield from _all_of(jobs, while_alive(client, begin), stop)
    elif at_once > 1:
        # A run computes on one core, as in every command: more BLAS threads would not fit.
        workers = min(at_once, len(jobs))
        settings = {"backend": "loky", "n_jobs": workers, "inner_max_num_threads": 1}
        with _stop_file(out, say) as stop:
            begin = _begin(jobs, stop.file, f"{at_once} at a time", settings)
            yield from _all_of(jobs, begin(), stop)
    else:
        yield from _here(jobs)


def _here(jobs: Sequence[ReproduceJob]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        outcome = run(job)
        yield outcome
        if outcome["state"] == "interrupted":
            return


def _begin(
    jobs: Sequence[ReproduceJob], stop: Path, manner: str, settings: dict[str, Any]
) -> Callable[[], Iterator[dict[str, Any]]]:
    """What gives all of them to joblib, which then gives their outcomes."""
    try:
        import joblib
    except ImportError:
        raise MissingError(
            "Several runs at a time need joblib.\nGet it: pip install 'rnnviz[jobs]'"
        ) from None

    def begin() -> Iterator[dict[str, Any]]:
        # One by one, or quick runs would be put together; all of them now, or one that is lost
        # would keep those behind it from being begun.
        how = {"batch_size": 1, "pre_dispatch": "all", "return_as": "generator_unordered"}
        with joblib.parallel_config(**settings), joblib.Parallel(**how) as pool:
            with signals.sigint_blocked():
                found = pool(joblib.delayed(in_worker)(job, str(stop), manner) for job in jobs)
            yield from found

    return begin


def _all_of(
    jobs: Sequence[ReproduceJob], found: Iterator[dict[str, Any]], stop: _Stop
) -> Iterator[dict[str, Any]]:
    """The outcomes, and where the pool breaks, a failure for every run not heard of."""
    heard: set[tuple[str, int]] = set()
    try:
        for outcome in found:
            heard.add((outcome["recipe"], outcome["seed"]))
            yield outcome
    except Exception as error:
        # A job raises nothing itself: this is a worker that was killed, or a cluster that is gone.
        if stop.asked():
            return
        message = (
            f"A worker was lost ({type(error).__name__}), out of memory? The same command goes on."
        )
        lost = [job for job in jobs if (job.recipe, job.seed) not in heard]
        yield from (failed(job, message) for job in lost)


@dataclass(frozen=True)
class _Stop:
    """Whether a signal to end has come, and the file that is made then."""

    asked: Callable[[], int]
    file: Path


@contextmanager
def _stop_file(out: Path, say: Say) -> Iterator[_Stop]:
    """What tells the workers to stop: signals do not reach a cluster, but it sees this folder."""
    for old in out.glob(".stop-*"):
        old.unlink(missing_ok=True)
    path = out / f".stop-{os.getpid()}-{os.urandom(4).hex()}"
    ended = threading.Event()

    def watch(asked: Callable[[], int]) -> None:
        while not ended.wait(0.1):
            if asked():
                path.touch()
                say("Stopping: every run finishes its batch and is saved.")
                return

    with stop_signal() as asked:
        watcher = threading.Thread(target=watch, args=(asked,), daemon=True)
        watcher.start()
        try:
            yield _Stop(asked, path)
        finally:
            ended.set()
            watcher.join()
    # Only if all have ended: after a second ctrl+c those of a cluster have still to see it.
    path.unlink(missing_ok=True)
