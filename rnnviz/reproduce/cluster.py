"""The runs of a reproduction on the workers of a Dask cluster."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnviz.errors import MissingError, RnnvizError, UsageError
from rnnviz.messages import N_, _, language
from rnnviz.reproduce.job import ReproduceJob, failure, machine, run_in_worker

#: Seconds to wait for an answer of the scheduler and of a worker.
TIMEOUT = 10
#: Seconds between two looks at the runs, and at the number of workers.
PAUSE, WORKERS_PAUSE = 0.1, 2.0
#: Seconds without a worker after which the user is told, and after which it is given up. A worker
#: that was killed is usually started again by its nanny within a few seconds.
TELL_AFTER, GIVE_UP_AFTER = 6.0, 60.0

Say = Callable[[str], None]


@contextmanager
def connected(address: str, say: Say) -> Iterator[Any]:
    """A client of the scheduler at this address.

    MissingError without Dask, UsageError if it is not an address, RnnvizError if no scheduler
    answers there or its workers cannot run rnnviz.
    """
    if re.fullmatch(r"(\w+://)?\S+:\d+", address) is None:
        raise UsageError(
            _("{address!r} is no address of a Dask scheduler. Write --dask tcp://HOST:8786").format(
                address=address
            )
        )
    try:
        from distributed import Client
    except ImportError:
        raise MissingError(
            _("--dask needs Dask's distributed scheduler.\nGet it: pip install 'rnnviz[dask]'")
        ) from None
    connect: Any = Client
    try:
        client = connect(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RnnvizError(
            _(
                "No Dask scheduler answers at {address} ({kind}).\n"
                "Start one with: dask scheduler, and workers with: dask worker ADDRESS --nthreads 1"
            ).format(address=address, kind=type(error).__name__)
        ) from error
    with _quiet_log(), client:
        _check_workers(client, address, say)
        yield client


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Without Dask's tracebacks about a lost connection, of which the user is told here."""
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def _check_workers(client: Any, address: str, say: Say) -> None:
    try:
        # The first worker that is free imports rnnviz, which takes a while on a busy machine.
        answer = client.submit(machine, "", pure=False)
        try:
            answer.result(timeout=TIMEOUT)
        except TimeoutError:
            if not _has_workers(client):
                raise
            say(_("Waiting a minute for a worker that is free."))
            answer.result(timeout=GIVE_UP_AFTER)
    except TimeoutError as error:
        raise RnnvizError(
            _("The Dask scheduler at {address} has no worker that is free.\n{start}").format(
                address=address, start=_start(address)
            )
        ) from error
    except Exception as error:
        # An error on the worker is raised here with its own type.
        raise RnnvizError(
            _(
                "The Dask cluster at {address} cannot run rnnviz ({kind}).\n"
                "Install the same rnnviz for its scheduler and its workers."
            ).format(address=address, kind=type(error).__name__)
        ) from error


def outcomes_of(
    client: Any, address: str, jobs: Sequence[ReproduceJob], stop: Path,
    stopped: Callable[[], int], say: Say,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The outcome of each run as it ends; ends early where ``stopped`` and there is no worker.

    A run whose worker is lost is given to another one by Dask, which resumes it; it fails when
    that has happened several times (in Dask's configuration: ``allowed-failures``). RnnvizError
    if the scheduler has ended, or there is no worker for a minute; then the file ``stop`` exists,
    which makes workers that are still computing save their runs.
    """
    runs = {
        client.submit(run_in_worker, job, str(stop), ON_WORKERS, language(), pure=False): job
        for job in jobs
    }
    last_seen = last_look = time.monotonic()
    told = False
    while runs:
        for future, job in list(runs.items()):
            outcome = _outcome(future, job)
            if outcome is not None:
                del runs[future]
                yield outcome
        now = time.monotonic()
        if client.status != "running" or any(future.status == "cancelled" for future in runs):
            if stopped():
                return
            stop.touch()
            raise RnnvizError(
                _("The Dask scheduler at {address} has ended.\n{saved}").format(
                    address=address, saved=_saved()
                )
            )
        if now - last_look >= WORKERS_PAUSE:
            last_look = now
            if _has_workers(client):
                last_seen, told = now, False
        alone = now - last_seen
        if alone >= TELL_AFTER and stopped():
            return
        if alone >= GIVE_UP_AFTER:
            stop.touch()
            raise RnnvizError(
                _(
                    "The Dask scheduler at {address} has had no worker for a minute, or hangs.\n"
                    "{start}\n{saved}"
                ).format(address=address, start=_start(address), saved=_saved())
            )
        if alone >= TELL_AFTER and not told:
            told = True
            say(
                _("No worker answers; waiting a minute for one. {start}").format(
                    start=_start(address)
                )
            )
        time.sleep(PAUSE)


#: How the runs shared machines, as ``machine.json`` has it.
ON_WORKERS = N_("on Dask workers")


def _saved() -> str:
    return _("Runs that had begun resume from their last save: type the same command again.")


def _start(address: str) -> str:
    return _("Start one with: dask worker {address} --nthreads 1").format(address=address)


def _outcome(future: Any, job: ReproduceJob) -> dict[str, Any] | None:
    """The outcome of a run; None while it is computed, or computed again."""
    if future.status == "finished":
        try:
            outcome: dict[str, Any] = future.result(timeout=TIMEOUT)
        except Exception:  # the worker that had it is lost: Dask computes it again
            return None
        return outcome
    if future.status == "error":  # jobs raise nothing
        name = type(future.exception(timeout=TIMEOUT)).__name__
        return failure(
            job,
            _(
                "Its workers were lost ({name}), out of memory? Try again with the same command."
            ).format(name=name),
        )
    return None


def _has_workers(client: Any) -> bool:
    """Whether the scheduler answers and has workers."""
    try:
        return bool(client.nthreads(callback_timeout=TIMEOUT))
    except Exception:  # of the connection, which may come back
        return False
