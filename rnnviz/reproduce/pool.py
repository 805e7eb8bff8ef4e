"""Where the runs of a reproduction are computed: here, in processes, or on a Dask cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rnnviz.errors import MissingError, RnnvizError
from rnnviz.reproduce.job import Job, failed, in_worker, run
from rnnviz.training.stopping import asked_to_stop

Say = Callable[[str], None]

#: Seconds a Dask scheduler is given to answer.
PATIENCE = 10


def outcomes(
    jobs: Sequence[Job], at_once: int, dask: str | None, out: Path, say: Say
) -> Iterator[dict[str, Any]]:
    """What each run came to, as they end. ctrl+c ends all of them, saved; a second one at once."""
    ready = [job for job in jobs if job.finished]
    yield from _here(ready)
    jobs = [job for job in jobs if job not in ready]
    if dask is None and at_once == 1:
        yield from _here(jobs)
    elif jobs:
        yield from _pooled(jobs, at_once, dask, out, say)


def _pooled(
    jobs: Sequence[Job], at_once: int, dask: str | None, out: Path, say: Say
) -> Iterator[dict[str, Any]]:
    joblib = _joblib()
    with ExitStack() as stack:
        if dask is None:
            manner, settings = f"{at_once} at a time", _processes(at_once)
        else:
            client = stack.enter_context(_client(dask))
            manner, settings = "on Dask workers", {"backend": "dask", "client": client}
        stop = stack.enter_context(_stop_file(out, say))
        stack.enter_context(joblib.parallel_config(**settings))
        # Batches of one: joblib would else put quick runs together and lose them together.
        pool = joblib.Parallel(batch_size=1, return_as="generator_unordered")
        todo = (joblib.delayed(in_worker)(job, str(stop), manner) for job in jobs)
        yield from _collected(jobs, lambda: pool(todo))


def _here(jobs: Sequence[Job]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        outcome = run(job)
        yield outcome
        if outcome["state"] == "interrupted":
            return


def _collected(
    jobs: Sequence[Job], begin: Callable[[], Iterator[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """The outcomes, and where the pool itself breaks, a failure for every run not heard of."""
    heard: set[tuple[str, int]] = set()
    broken = ""
    try:
        for outcome in begin():
            heard.add((outcome["recipe"], outcome["seed"]))
            yield outcome
    except Exception as error:
        # A job raises nothing itself: this is a worker that was killed, or a cluster that is gone.
        broken = f"its worker was lost ({type(error).__name__}): out of memory?"
    if broken:
        lost = [job for job in jobs if (job.recipe, job.seed) not in heard]
        yield from (failed(job, broken) for job in lost)


def _processes(at_once: int) -> dict[str, Any]:
    # A run computes on one core, as in every command: more BLAS threads would share it out twice.
    return {"backend": "loky", "n_jobs": at_once, "inner_max_num_threads": 1}


@contextmanager
def _stop_file(out: Path, say: Say) -> Iterator[Path]:
    """The name of a file that is made when ctrl+c or SIGTERM comes here.

    Signals do not reach the workers of a cluster, but all of them see the folder of the runs.
    """
    for old in out.glob(".stop-*"):
        old.unlink(missing_ok=True)
    path = out / f".stop-{os.getpid()}-{os.urandom(4).hex()}"
    ended = threading.Event()

    def watch(asked: Callable[[], bool]) -> None:
        while not ended.wait(0.1):
            if asked():
                path.touch()
                say("Stopping: every run finishes its batch and is saved.")
                return

    with asked_to_stop() as asked:
        watcher = threading.Thread(target=watch, args=(asked,), daemon=True)
        watcher.start()
        try:
            yield path
        finally:
            ended.set()
            watcher.join()
    # Only if all have ended: after a second ctrl+c those of a cluster have still to see it.
    path.unlink(missing_ok=True)


def _joblib() -> Any:
    try:
        import joblib
    except ImportError:
        raise MissingError(
            "Several runs at a time need joblib.\nGet it: pip install 'rnnviz[jobs]'"
        ) from None
    return joblib


def _client(address: str) -> AbstractContextManager[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise MissingError(
            "--dask needs Dask's distributed scheduler.\nGet it: pip install 'rnnviz[dask]'"
        ) from None
    try:
        made: Any = Client
        return made(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RnnvizError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}).\n"
            "Start one with: dask scheduler, and workers with: dask worker ADDRESS --nthreads 1"
        ) from error
