"""The module of all kernels but the recurrent ones: batches, products, the head, and updates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.cuda.functions import functions_source
from rnnviz.engine.cuda.head_kernels import head_source
from rnnviz.engine.cuda.optimizer_kernels import step_source
from rnnviz.engine.optimizers import OPTIMIZERS

#: Threads of a block, except in ``layer_products.cu``.
THREADS = 256
#: Counters at first; more are allocated where a launch has more tiles.
COUNTERS = 1024


@cache
def shared_source() -> str:
    """The source of the module, with one kernel for each optimizer."""

    def text(name: str) -> str:
        return files("rnnviz.engine.cuda").joinpath(name).read_text("utf-8")

    optimizers = [step_source(name, optimizer()) for name, optimizer in OPTIMIZERS.items()]
    parts = [
        "#define FAST_MATH 0", functions_source(), text("blocks.cu"),
        *optimizers, text("layer_products.cu"), head_source(), text("update.cu"),
    ]  # fmt: skip
    return "\n\n".join(parts)


class SharedKernels:
    """The compiled module, and the counters with which blocks find out which is the last.

    All launches are in one stream, so that they share the counters.
    """

    def __init__(self, xp: Any, compile_source: Callable[[str], Any]) -> None:
        self._xp, self._compile = xp, compile_source
        self._functions: dict[str, Any] = {}
        self._counters: list[Array] = []  # the last one is used now, the others by graphs

    @cached_property
    def _module(self) -> Any:
        return self._compile(shared_source())

    def launch(
        self, name: str, blocks: tuple[int, ...], args: tuple[Any, ...], threads: int = THREADS
    ) -> None:
        """Launch a kernel of the module, unless there are no blocks."""
        if name not in self._functions:
            self._functions[name] = self._module.get_function(name)
        if all(blocks):
            self._functions[name](blocks, (threads,), args)

    def counters(self, count: int) -> Array:
        """At least so many numbers that are zero before and after each launch, uint32."""
        if not self._counters or len(self._counters[-1]) < count:
            self._counters.append(self._xp.zeros(max(count, COUNTERS), np.uint32))
        return self._counters[-1]
