"""Runs on the workers of a Dask cluster, through joblib."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rnnviz.errors import MissingError, RnnvizError, UsageError
from rnnviz.reproduce.job import machine

#: Seconds a scheduler is given to answer, and a worker to appear.
PATIENCE = 10

Outcomes = Callable[[], Iterator[dict[str, Any]]]


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at this address.

    MissingError without Dask, UsageError for what is no address; RnnvizError if nothing answers
    there, or its workers cannot run rnnviz.
    """
    if re.fullmatch(r"(\w+://)?\S+:\d+", address) is None:
        raise UsageError(
            f"{address!r} is no address of a Dask scheduler. Write --dask tcp://HOST:8786"
        )
    try:
        from distributed import Client
    except ImportError:
        raise MissingError(
            "--dask needs Dask's distributed scheduler.\nGet it: pip install 'rnnviz[dask]'"
        ) from None
    make: Any = Client
    try:
        client = make(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RnnvizError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}).\n"
            "Start one with: dask scheduler, and workers with: dask worker ADDRESS --nthreads 1"
        ) from error
    with client:
        _try_out(client, address)
        yield client


def _try_out(client: Any, address: str) -> None:
    try:
        client.submit(machine, "", pure=False).result(timeout=PATIENCE)
    except TimeoutError as error:
        raise RnnvizError(
            f"The Dask scheduler at {address} has no worker that is free.\n"
            f"Start one with: dask worker {address} --nthreads 1"
        ) from error
    except Exception as error:
        # Whatever the other side raises arrives here as its own type.
        raise RnnvizError(
            f"The Dask cluster at {address} cannot run rnnviz ({type(error).__name__}).\n"
            "Install the same rnnviz for its scheduler and its workers."
        ) from error


def while_alive(client: Any, begin: Outcomes) -> Iterator[dict[str, Any]]:
    """The outcomes as long as the cluster is at work on them; RnnvizError when no more can come.

    joblib's generator waits for ever for a task whose worker was killed, or whose scheduler is
    gone, so another thread waits for it.
    """
    heard: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(begin, heard), daemon=True).start()
    idle = False
    while True:
        try:
            said = heard.get(timeout=1)
        except queue.Empty:
            # Idle twice: what has just ended may not have been heard of yet.
            if idle and not _at_work(client):
                raise RnnvizError("Dask gave it up") from None
            idle = not _at_work(client)
            continue
        if said is None:
            return
        if isinstance(said, Exception):
            raise said
        yield said


def _listen(begin: Outcomes, heard: queue.SimpleQueue[Any]) -> None:
    try:
        for outcome in begin():
            heard.put(outcome)
    except Exception as error:
        heard.put(error)
    heard.put(None)


def _at_work(client: Any) -> bool:
    states = [future.status for future in list(client.futures.values())]
    # No futures at all: joblib has not handed them over yet.
    return client.status == "running" and (not states or "pending" in states)
