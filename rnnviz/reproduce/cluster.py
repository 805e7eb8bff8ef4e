"""The connection to a Dask cluster, which runs jobs through joblib."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rnnviz.errors import MissingError, RnnvizError, UsageError
from rnnviz.reproduce.job import machine

#: Seconds to wait for an answer of the scheduler and of a worker.
TIMEOUT = 10

Outcomes = Callable[[], Iterator[dict[str, Any]]]


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at this address.

    MissingError without Dask, UsageError if it is not an address, RnnvizError if no scheduler
    answers there or its workers cannot run rnnviz.
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
    connect: Any = Client
    try:
        client = connect(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RnnvizError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}).\n"
            "Start one with: dask scheduler, and workers with: dask worker ADDRESS --nthreads 1"
        ) from error
    with client:
        _check_workers(client, address)
        yield client


def _check_workers(client: Any, address: str) -> None:
    try:
        client.submit(machine, "", pure=False).result(timeout=TIMEOUT)
    except TimeoutError as error:
        raise RnnvizError(
            f"The Dask scheduler at {address} has no worker that is free.\n"
            f"Start one with: dask worker {address} --nthreads 1"
        ) from error
    except Exception as error:
        # An error on the worker is raised here with its own type.
        raise RnnvizError(
            f"The Dask cluster at {address} cannot run rnnviz ({type(error).__name__}).\n"
            "Install the same rnnviz for its scheduler and its workers."
        ) from error


def outcomes_while_alive(client: Any, begin: Outcomes) -> Iterator[dict[str, Any]]:
    """The outcomes while the cluster is working on them; RnnvizError when it has stopped.

    joblib's generator waits forever for a task whose worker was killed or whose scheduler has
    ended, so it is consumed in another thread.
    """
    received: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
    threading.Thread(target=_consume, args=(begin, received), daemon=True).start()
    idle = False
    while True:
        try:
            item = received.get(timeout=1)
        except queue.Empty:
            # Checked twice: the outcome of a task that has just ended may be on its way.
            if idle and not _is_working(client):
                raise RnnvizError("Dask gave it up") from None
            idle = not _is_working(client)
            continue
        if item is None:
            return
        if isinstance(item, Exception):
            raise item
        yield item


def _consume(begin: Outcomes, received: queue.SimpleQueue[Any]) -> None:
    try:
        for outcome in begin():
            received.put(outcome)
    except Exception as error:
        received.put(error)
    received.put(None)


def _is_working(client: Any) -> bool:
    states = [future.status for future in list(client.futures.values())]
    # Without futures joblib has not submitted them yet.
    return client.status == "running" and (not states or "pending" in states)
