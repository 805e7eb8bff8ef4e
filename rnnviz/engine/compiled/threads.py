"""Compiled work on all processor cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib import import_module
from itertools import count


def for_each(work: Callable[[int], object], n: int) -> None:
    """Call ``work`` with 0 to n − 1 on several threads; compiled code releases the GIL.

    A thread that is free takes the next number. Results are summed in the order of the numbers
    afterwards, so they do not depend on the number of threads.
    """
    threads = min(thread_count(), n)
    if threads <= 1:
        for k in range(n):
            work(k)
        return
    numbers = count()

    def run() -> None:
        while (k := next(numbers)) < n:
            work(k)

    futures: list[Future[None]] = []
    try:
        for _ in range(threads - 1):
            futures.append(_pool(os.getpid()).submit(run))
        run()
    finally:
        _wait(futures)
    for future in futures:
        future.result()


def _wait(futures: list[Future[None]]) -> None:
    """Wait for all, even after Ctrl-C: they write to arrays that would be freed."""
    interrupted: KeyboardInterrupt | None = None
    for future in futures:
        while not future.done():
            try:
                future.exception()
            except KeyboardInterrupt as interrupt:
                interrupted = interrupt
    if interrupted is not None:
        raise interrupted


def thread_count() -> int:
    """The number of cores this process may use, or NUMBA_NUM_THREADS if that is less."""
    return int(import_module("numba").config.NUMBA_NUM_THREADS)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of the process with this id: after a fork the child has none."""
    return ThreadPoolExecutor(thread_count() - 1, "rnnviz-compiled")
