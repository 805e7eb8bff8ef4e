"""CUDA graphs: launches captured once, and made again with one call.

A graph has the addresses and numbers of the launches, and not the arrays. What changes from launch
to launch is therefore in arrays that stay where they are, and the graph owns the memory that was
allocated during its capture.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class GraphRefusedError(Exception):
    """The launches cannot be captured; the message says why."""


class GraphMemory:
    """Memory of graphs that are launched one after another, all in one stream.

    The n-th allocations of all captures share a block if it is large enough. So nothing in this
    memory outlasts a launch.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self._stream: Any = None
        self._blocks: list[tuple[int, Any]] = []  # bytes, and CuPy's pointer, which owns them

    @contextmanager
    def lent(self) -> Iterator[list[Any]]:
        """Allocations come from here; yields the list of their blocks."""
        allocate, used = self._xp.cuda.get_allocator(), list[Any]()

        def take(size: int) -> Any:
            n = len(used)
            if n == len(self._blocks):
                self._blocks.append((size, allocate(size)))
            elif self._blocks[n][0] < size:  # graphs that use the smaller block own it
                self._blocks[n] = size, allocate(size)
            used.append(self._blocks[n][1])
            return used[n]

        with self._xp.cuda.using_allocator(take):
            yield used

    @property
    def stream(self) -> Any:
        """The stream that captures; CuPy frees the memory for further work in the same stream."""
        if self._stream is None:
            # Non-blocking: work in the null stream need not wait for it.
            self._stream = self._xp.cuda.Stream(non_blocking=True)
        return self._stream


class LaunchGraph:
    """Captured launches, with the memory they use."""

    def __init__(self, graph: Any, memory: list[Any]) -> None:
        self._graph, self._memory = graph, memory

    def launch(self) -> None:
        """Make all launches, on the current stream."""
        self._graph.launch()


def capture(memory: GraphMemory, launches: Callable[[], None]) -> LaunchGraph:
    """Capture what a function launches, without launching it.

    GraphRefusedError if the function copies from or to the host, waits, or calls cuBLAS; if the
    driver cannot capture; or if there is no memory. Kernels that the function launches must have
    been launched before: loading one may wait for the GPU.
    """
    try:
        stream = memory.stream
        with _no_collection(), stream, memory.lent() as used:
            stream.begin_capture()
            try:
                launches()
            except BaseException:
                with suppress(Exception):  # the error of the function says more
                    stream.end_capture()
                raise
            return LaunchGraph(stream.end_capture(), used)
    except (NotImplementedError, RuntimeError, MemoryError) as error:
        raise GraphRefusedError(str(error).partition("\n")[0]) from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's collector, which may free a kernel or a stream: that spoils a capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
