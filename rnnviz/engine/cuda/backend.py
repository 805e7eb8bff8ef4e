"""The backend of NVIDIA GPUs, through CuPy; see :class:`rnnviz.engine.backend.Backend`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.engine.backend import HOST, LayerGradients, ScanOutput, concat_outputs
from rnnviz.engine.cuda import layer as layers
from rnnviz.engine.cuda.layer import CudaScan, LayerKernels
from rnnviz.engine.cuda.shared_kernels import SharedKernels
from rnnviz.engine.cuda.source import NoKernelError, kernel_source
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import Lookup, WordRows
from rnnviz.engine.head_step import HeadFeatures, HeadStep, Targets
from rnnviz.engine.optimizers import Optimizer
from rnnviz.engine.scan import scan_directions
from rnnviz.engine.spec import HeadSpec
from rnnviz.messages import _

#: Options of NVRTC: the language of the source.
OPTIONS = ("--std=c++17",)
#: Rows that a block of scatter_add adds.
TILE = 64


class CudaBackend:
    """One NVIDIA GPU; ``xp`` is the module ``cupy``.

    ``say`` is called once for each kind of layer that there is no kernel for; such layers are
    computed step by step with CuPy. ``without_kernels``: compute all layers so, for comparison.
    """

    name, on_host = "cuda", False

    def __init__(
        self, xp: Any, say: Callable[[str], None] = lambda _: None, *, without_kernels: bool = False
    ) -> None:
        self.xp, self._say, self._without_kernels = xp, say, without_kernels
        self.shared = SharedKernels(xp, lambda source: self.compile(source))
        self._kernels: dict[tuple[Cell, int], LayerKernels | None] = {}
        self._messages: set[str] = set()

    def asarray(self, a: Array) -> Array:
        """A copy in GPU memory."""
        return self.xp.asarray(a)

    def host(self, a: Array) -> Array:
        """A copy on the host."""
        return self.xp.asnumpy(a)

    def head_step(
        self, head: HeadSpec, params: Values, below: HeadFeatures, targets: Targets
    ) -> HeadStep | None:
        """See :class:`rnnviz.engine.backend.Backend`; ``training/cuda`` has its own kernel."""
        return None

    def floats(self, numbers: Sequence[Array]) -> list[float]:
        """See :class:`rnnviz.engine.backend.Backend`; in one transfer."""
        if not numbers:
            return []
        joined = np.concatenate([n.reshape(1).astype(np.float32) for n in numbers])
        return [float(n) for n in self.host(joined)]

    def scan(
        self,
        cell: Cell,
        passes: Sequence[DirectionInput],
        x: Array | Lookup,
        mask: Array | None,
        keep: bool,
    ) -> tuple[ScanOutput, ...]:
        """See :class:`rnnviz.engine.backend.Backend`."""
        H = passes[0].p["U"].shape[0]
        kernels = None if self._without_kernels else self._layer_kernels(cell, H)
        if kernels is not None:
            try:
                layers.check(kernels.source, cell, passes[0].p, x, len(passes))
            except NoKernelError as error:
                self._report(cell, error)
                kernels = None
        if kernels is None:
            x = x.table[x.ids] if isinstance(x, Lookup) else x
            return scan_directions(cell, passes, x, mask)
        return layers.scan(kernels, cell, passes, x, mask, keep)

    def outputs(self, scans: Sequence[Any]) -> Array:
        """See :class:`rnnviz.engine.backend.Backend`."""
        return concat_outputs(scans)

    def scan_backward(
        self, cell: Cell, params: Sequence[Values], done: Sequence[Any], d_h: Array | None,
        d_last: Array | None, need_x: bool, out: LayerGradients | None = None,
    ) -> LayerGradients:  # fmt: skip
        """See :class:`rnnviz.engine.backend.Backend`."""
        first = done[0]
        if not isinstance(first, CudaScan):
            return HOST.scan_backward(cell, params, done, d_h, d_last, need_x)
        return layers.scan_backward(first.layer, params, d_h, d_last, need_x, out)

    def table_gradient(self, ids: Array, d: Array, vocabulary: int) -> Array:
        """The whole table, (V, E)."""
        table = np.zeros_like(d, shape=(vocabulary, d.shape[1]))
        self.shared.launch(
            "scatter_add", (-(-len(ids) // TILE),),
            (ids, d, table, np.int32(len(ids)), np.int32(d.shape[1]), np.int32(TILE)),
        )  # fmt: skip
        return table

    def step(
        self, optimizer: Optimizer, params: Values, grads: Values, embedding: WordRows | None
    ) -> None:
        """Never called: ``training.cuda`` has kernels for the whole update."""
        raise NotImplementedError("parameters are updated by training.cuda here")

    def _layer_kernels(self, cell: Cell, H: int) -> LayerKernels | None:
        if (cell, H) not in self._kernels:
            self._kernels[cell, H] = None
            try:
                self._kernels[cell, H] = layers.compile_kernels(
                    self.shared, self.compile, kernel_source(cell, H), self.max_shared
                )
            except NoKernelError as error:
                self._report(cell, error)
        return self._kernels[cell, H]

    def _report(self, cell: Cell, error: NoKernelError) -> None:
        self.say(
            _("{cell}: {reason}; this layer is computed step by step, many times slower.").format(
                cell=cell.title, reason=error
            )
        )

    def say(self, text: str) -> None:
        """Pass a message on, once and not at every batch."""
        if text not in self._messages:
            self._messages.add(text)
            self._say(text)

    @property
    def max_shared(self) -> int:
        """The largest shared memory of a block, in bytes."""
        device = self.xp.cuda.Device()
        return int(device.attributes["MaxSharedMemoryPerBlockOptin"])

    def compile(self, source: str) -> Any:
        """A module of kernels; CuPy caches the compiled code in the user's home folder."""
        return self.xp.RawModule(code=source, options=OPTIONS)
