"""Training steps as CUDA graphs, one for each shape of a batch: a step is then one launch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Batch
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.cuda.graph import GraphMemory, GraphRefusedError, LaunchGraph, capture
from rnnviz.engine.cuda.uploads import PinnedUploads
from rnnviz.engine.dropout import DropoutMasks
from rnnviz.messages import _
from rnnviz.training.cuda.examples import GatheredBatch

#: Graphs that are kept. A further shape replaces the one that was not used for longest.
MAX_GRAPHS = 64


@dataclass(frozen=True, eq=False)
class StepDraws:
    """The random numbers of a step, in GPU memory."""

    dropped: Array | None  # (T, B): the words that token dropout replaces
    masks: DropoutMasks


#: Draws the numbers of a step for a batch (T, B); the function moves an array to the GPU.
Draw = Callable[[tuple[int, int], Callable[[Array], Array]], StepDraws]


class StepGraphs:
    """Launches training steps: the first one of a shape kernel by kernel, others as graphs.

    The first one compiles and loads what it needs, which a capture must not. ``launch`` launches a
    step, given a batch and the draws; it must not depend on anything on the host that changes from
    step to step. Where it cannot be captured, all steps are launched kernel by kernel, and a
    message says so once.
    """

    def __init__(
        self, backend: CudaBackend, uploads: PinnedUploads, draw: Draw,
        launch: Callable[[Batch, StepDraws], None],
    ) -> None:  # fmt: skip
        self._backend, self._uploads, self._draw, self._launch = backend, uploads, draw, launch
        self._memory = GraphMemory(backend.xp)
        self._graphs: OrderedDict[Any, _StepGraph] = OrderedDict()
        self._seen: set[Any] = set()
        self._source: Any = None  # the examples of the graphs
        self._retired: list[_StepGraph] = []  # the GPU may not be done with them
        self.enabled = True

    def step(self, batch: Batch | GatheredBatch) -> None:
        """Launch a step."""
        key, shape, source = _shape(batch)
        if not self.enabled or key not in self._seen:
            self._seen.add(key)
            self._launch(_arrays(batch), self._draw(shape, self._backend.asarray))
            return
        if source is not self._source:
            self._retired += self._graphs.values()
            self._graphs.clear()
            self._source = source
        graph = self._graphs.get(key)
        if graph is None:
            drawn = _DrawnArrays(self._backend, self._uploads)
            draws = self._draw(shape, drawn)
            graph = self._captured(batch, drawn, draws)
            if graph is None:
                self._launch(_arrays(batch), draws)
                return
            self._graphs[key] = graph
            if len(self._graphs) > MAX_GRAPHS:
                self._retired.append(self._graphs.popitem(last=False)[1])
        else:
            self._graphs.move_to_end(key)
            graph.drawn.begin()
            self._draw(shape, graph.drawn)
        graph.inputs.load(batch)
        graph.launches.launch()

    def release(self) -> None:
        """Free what launches have used; after the host has waited for the GPU."""
        self._retired.clear()
        self._uploads.release()

    def _captured(
        self, batch: Batch | GatheredBatch, drawn: _DrawnArrays, draws: StepDraws
    ) -> _StepGraph | None:
        """A graph for the shape of a batch; None, and no further ones, if that is refused."""
        inputs: _Inputs
        if isinstance(batch, GatheredBatch):
            inputs = _GatheredInputs(self._backend, self._uploads, batch)
        else:
            inputs = _CopiedInputs(batch)
        try:
            launches = capture(self._memory, lambda: self._launch(inputs.read(), draws))
        except GraphRefusedError as error:
            self.enabled = False
            self._retired += self._graphs.values()
            self._graphs.clear()
            self._backend.say(
                _(
                    "A training step cannot be captured as a CUDA graph: {reason}. Its kernels are "
                    "launched one by one."
                ).format(reason=error)
            )
            return None
        return _StepGraph(launches, inputs, drawn)


@dataclass(frozen=True, eq=False)
class _StepGraph:
    """A step of batches of one shape, and the arrays through which a step differs from another."""

    launches: LaunchGraph
    inputs: _Inputs
    drawn: _DrawnArrays


class _DrawnArrays:
    """Moves what each step draws to the same arrays in GPU memory, in the same order."""

    def __init__(self, backend: CudaBackend, uploads: PinnedUploads) -> None:
        self._backend, self._uploads = backend, uploads
        self._arrays: list[Array] = []
        self._next = 0

    def begin(self) -> None:
        """Begin another step."""
        self._next = 0

    def __call__(self, host: Array) -> Array:
        """The array in GPU memory in the first step; later ``host``, which is copied there."""
        self._next += 1
        if self._next > len(self._arrays):
            self._arrays.append(self._backend.asarray(host))
            return self._arrays[-1]
        self._uploads.copy(host, self._arrays[self._next - 1])
        return host


class _Inputs(Protocol):
    """How a batch gets to where the graph reads it."""

    def load(self, batch: Any) -> None:
        """Before each launch."""

    def read(self) -> Batch:
        """The batch's arrays; what this launches is captured."""


class _GatheredInputs:
    """A batch that is gathered by the graph, from where in the epoch's order it begins."""

    def __init__(self, backend: CudaBackend, uploads: PinnedUploads, batch: GatheredBatch) -> None:
        self._uploads = uploads
        self._source, self._shape = batch.source, (batch.T, batch.B)
        self._order = batch.source.placed(batch.order)
        self._first = backend.asarray(np.zeros(1, np.int32))

    def load(self, batch: GatheredBatch) -> None:
        self._source.placed(batch.order)
        self._uploads.copy(np.array([batch.at], np.int32), self._first)

    def read(self) -> Batch:
        return self._source.gather(self._order, self._first, *self._shape)


class _CopiedInputs:
    """A batch of arrays in GPU memory, which are copied."""

    def __init__(self, batch: Batch) -> None:
        self._arrays: Batch = batch[0].copy(), batch[1].copy(), batch[2].copy()

    def load(self, batch: Batch) -> None:
        for own, a in zip(self._arrays, batch, strict=True):
            own[...] = a

    def read(self) -> Batch:
        return self._arrays


def _arrays(batch: Batch | GatheredBatch) -> Batch:
    inputs, y, weight = batch
    return inputs, y, weight


def _shape(batch: Batch | GatheredBatch) -> tuple[Any, tuple[int, int], Any]:
    """What batches of one graph have in common; (T, B); and the examples they are gathered from."""
    if isinstance(batch, GatheredBatch):
        return (batch.T, batch.B), (batch.T, batch.B), batch.source
    key = tuple((a.shape, a.dtype.str) for a in batch)
    T, B = batch[0].shape[:2]
    return key, (T, B), None
