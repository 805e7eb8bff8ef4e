"""Blocks of sequences on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib import import_module
from itertools import count


def each(work: Callable[[int], object], n: int) -> None:
    """Call ``work`` with 0 to n − 1; compiled work lets other threads run beside it.

    Whoever is free takes the next number. What is summed up afterwards is in their order, so no
    result depends on how many threads there are.
    """
    cores = min(usable(), n)
    if cores <= 1:
        for k in range(n):
            work(k)
        return
    numbers = count()

    def some() -> None:
        while (k := next(numbers)) < n:
            work(k)

    others: list[Future[None]] = []
    try:
        for _ in range(cores - 1):
            others.append(_pool(os.getpid()).submit(some))
        some()
    finally:
        _await(others)
    for other in others:
        other.result()


def _await(others: list[Future[None]]) -> None:
    """Wait for all, even if the user wants to stop: they write to arrays that are about to go."""
    stopped: KeyboardInterrupt | None = None
    for other in others:
        while not other.done():
            try:
                other.exception()
            except KeyboardInterrupt as interrupt:
                stopped = interrupt
    if stopped is not None:
        raise stopped


def usable() -> int:
    """Cores this process may use, or fewer if NUMBA_NUM_THREADS says so."""
    return int(import_module("numba").config.NUMBA_NUM_THREADS)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of a process of this number; they do not outlive a fork."""
    return ThreadPoolExecutor(usable() - 1, "rnnviz-compiled")
