"""The card as a model sees it: :class:`rnnviz.engine.backend.Backend`, through CuPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.backend import HOST, LayerGradients, ScanOutput
from rnnviz.engine.cuda import layer as layers
from rnnviz.engine.cuda.layer import Launch, LayerScan
from rnnviz.engine.cuda.source import NoKernelError, kernels
from rnnviz.engine.cuda.steps import update_source
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import Lookup, WordRows
from rnnviz.engine.optimizers import Optimizer
from rnnviz.engine.scan import scan_directions

#: Options of the compiler: what the source is written in.
OPTIONS = ("--std=c++17",)
#: Threads of a block of the kernels that do not walk, and uses of words that one sums up.
THREADS, TILE = 256, 64


class Card:
    """One NVIDIA card. ``say`` is told, once each, what no kernel could do.

    ``without_kernels``: every layer goes step by step, to see what the kernels are worth.
    """

    name, on_host = "cuda", False

    def __init__(
        self, xp: Any, say: Callable[[str], None] = lambda _: None, *, without_kernels: bool = False
    ) -> None:
        self.xp, self._say, self._without_kernels = xp, say, without_kernels
        self._launches: dict[tuple[Cell, int], Launch | None] = {}
        self._told: set[str] = set()

    def asarray(self, a: Array) -> Array:
        """A copy on the card."""
        return self.xp.asarray(a)

    def host(self, a: Array) -> Array:
        """A copy on the host."""
        return self.xp.asnumpy(a)

    def floats(self, numbers: Sequence[Array]) -> list[float]:
        """All of them in one transfer."""
        if not numbers:
            return []
        there = np.concatenate([n.reshape(1).astype(np.float32) for n in numbers])
        return [float(n) for n in self.host(there)]

    def scan(
        self,
        cell: Cell,
        passes: Sequence[DirectionInput],
        x: Array | Lookup,
        mask: Array | None,
        keep: bool,
    ) -> tuple[ScanOutput, ...]:
        """See :class:`rnnviz.engine.backend.Backend`."""
        if isinstance(x, Lookup):
            x = x.table[x.ids]
        H = passes[0].p["U"].shape[0]
        launch = None if self._without_kernels else self._launch(cell, H)
        if launch is not None:
            try:
                layers.fits(launch.plan, cell, passes[0].p, x, len(passes))
            except NoKernelError as why:
                self._without(cell, why)
                launch = None
        if launch is None:
            return scan_directions(cell, passes, x, mask)
        return layers.scan(launch, cell, passes, x, mask, keep)

    def scan_backward(
        self, cell: Cell, params: Sequence[Values], done: Sequence[Any], d_h: Array | None,
        d_last: Array | None, need_x: bool,
    ) -> LayerGradients:  # fmt: skip
        """See :class:`rnnviz.engine.backend.Backend`."""
        first = done[0]
        if not isinstance(first, LayerScan):
            return HOST.scan_backward(cell, params, done, d_h, d_last, need_x)
        launch = self._launch(cell, first.layer.U.shape[1])
        assert launch is not None
        return layers.scan_backward(launch, first.layer, params, d_h, d_last, need_x)

    def table_gradient(self, ids: Array, d: Array, vocabulary: int) -> Array:
        """The whole table, (V, E)."""
        table = np.zeros_like(d, shape=(vocabulary, d.shape[1]))
        self.launch(
            "scatter", -(-len(ids) // TILE),
            (ids, d, table, np.int32(len(ids)), np.int32(d.shape[1]), np.int32(TILE)),
        )  # fmt: skip
        return table

    def step_rows(self, optimizer: Optimizer, key: str, table: Array, found: WordRows) -> None:
        """Nobody asks: here a table's gradient is whole."""
        raise NotImplementedError("a card steps whole tables")

    def launch(self, name: str, blocks: int | tuple[int, int], args: tuple[Any, ...]) -> None:
        """Run one of the kernels in ``update.cu``, with THREADS threads a block."""
        grid = blocks if isinstance(blocks, tuple) else (blocks,)
        if all(grid):
            self._updates.get_function(name)(grid, (THREADS,), args)

    @cached_property
    def _updates(self) -> Any:
        return self.module(update_source())

    def _launch(self, cell: Cell, H: int) -> Launch | None:
        if (cell, H) not in self._launches:
            self._launches[cell, H] = None
            try:
                self._launches[cell, H] = layers.compiled(
                    self.module, kernels(cell, H), self.most_shared
                )
            except NoKernelError as why:
                self._without(cell, why)
        return self._launches[cell, H]

    def _without(self, cell: Cell, why: NoKernelError) -> None:
        text = f"{cell.title}: {why}; this layer goes step by step, many times slower."
        if text not in self._told:  # not at every batch
            self._told.add(text)
            self._say(text)

    @property
    def most_shared(self) -> int:
        """Bytes of shared memory that a block may ask for."""
        device = self.xp.cuda.Device()
        return int(device.attributes["MaxSharedMemoryPerBlockOptin"])

    def module(self, source: str) -> Any:
        """Compiled source; CuPy keeps what it compiled in the user's own folder."""
        return self.xp.RawModule(code=source, options=OPTIONS)
