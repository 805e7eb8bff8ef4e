"""Optimizer updates on the GPU, launched without waiting; results are read several at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch, dropped_tokens, replace_tokens
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.cuda.optimizer_kernels import kernel_name, kernel_numbers, number_names
from rnnviz.engine.cuda.shared_kernels import THREADS
from rnnviz.engine.cuda.uploads import PinnedUploads
from rnnviz.engine.dropout import draw_masks
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer
from rnnviz.engine.spec import FitSpec
from rnnviz.training.carried_states import CarriedStates
from rnnviz.training.cuda.examples import GatheredBatch
from rnnviz.training.cuda.head import head_gradients
from rnnviz.training.cuda.step_graphs import StepDraws, StepGraphs
from rnnviz.training.step_result import StepResult, by_layer

#: Partial sums per array of squares; ``update.cu`` has the same number.
PARTIAL_SUMS = 64
#: Updates launched before their results are read: reading waits for the GPU.
READ_EVERY = 16


class CudaUpdater:
    """Makes the updates of a training; their results are read READ_EVERY at a time.

    The results of a step are a row of an array in GPU memory: loss, metric, and the sum of squares
    of each gradient. What changes from step to step is in GPU memory, too, not an argument of a
    kernel: the number of the step, and the numbers that the optimizer's formulas read. So a step
    can be launched as a CUDA graph; without ``graphs`` its kernels are launched one by one.
    """

    def __init__(
        self, model: Model, optimizer: Optimizer, spec: FitSpec, rng: np.random.Generator,
        carried: CarriedStates | None = None, *, graphs: bool = True,
    ) -> None:  # fmt: skip
        assert isinstance(model.backend, CudaBackend)
        self.backend, self.model, self.optimizer = model.backend, model, optimizer
        self.spec, self.rng, self.carried = spec, rng, carried
        names = {optimizer: name for name, optimizer in OPTIMIZERS.items()}
        self._step_kernel = kernel_name(names[type(optimizer)])
        self._flat = _Flat(model, optimizer)
        arrays = len(self._flat.names)
        self._results = np.zeros_like(self._flat.p, shape=(READ_EVERY, arrays + 2))
        self._state = np.zeros_like(self._flat.p, shape=3)  # see check_gradients in update.cu
        self._partial = np.empty_like(self._flat.p, shape=(arrays, PARTIAL_SUMS))
        self._pending: list[int] = []  # examples in the batch of each step that was not read yet
        count = len(number_names(optimizer))
        self._numbers: list[float] = []  # those in GPU memory
        self._numbers_array = np.zeros_like(self._flat.p, shape=count)
        self._uploads = PinnedUploads(self.backend.xp)
        self._graphs = StepGraphs(self.backend, self._uploads, self._draw, self._launch)
        self._graphs.enabled = graphs

    def update(self, batch: Batch | GatheredBatch) -> list[StepResult]:
        """Launch forward, backward, and an update unless a number is not finite."""
        numbers = kernel_numbers(self.optimizer, self.optimizer.begin())
        if numbers != self._numbers:
            self._uploads.copy(np.array(numbers, np.float32), self._numbers_array)
            self._numbers = numbers
        self._graphs.step(batch)
        self._pending.append(batch.B if isinstance(batch, GatheredBatch) else len(batch[2]))
        return self.flush() if len(self._pending) == READ_EVERY else []

    def _draw(self, shape: tuple[int, int], to_device: Callable[[Array], Array]) -> StepDraws:
        rate, dropped = self.spec.token_dropout, None
        if rate:
            dropped = to_device(dropped_tokens(shape, rate, self.rng))
        masks = draw_masks(self.model.spec, shape, self._flat.p.dtype, self.rng, to_device)
        return StepDraws(dropped, masks)

    def _launch(self, batch: Batch, draws: StepDraws) -> None:
        """Launch the kernels of a step."""
        inputs, y, weight = batch
        if draws.dropped is not None:
            inputs = replace_tokens(inputs, draws.dropped)
        carried = self.carried
        done = self.model.layers_pass(
            inputs, draws.masks, None if carried is None else carried.initial()
        )
        if carried is not None:
            carried.store(done.last_states)
        grads, d_features = head_gradients(
            self.model, done, y, weight, self._flat.g, self._results, self._state,
            len(self._pending),
        )  # fmt: skip
        below, _ = self.model.layer_gradients(done, d_features, self._flat.g)
        self._flat.store({**grads, **below})
        self._check()
        self._update()

    def flush(self) -> list[StepResult]:
        """The results that were not read yet; waits for the GPU."""
        pending, self._pending = self._pending, []
        if not pending:
            return []
        rows = self.backend.host(self._results[: len(pending)]).tolist()
        self._graphs.release()
        self._state.fill(0)
        return [
            StepResult(
                loss, metric, by_layer(dict(zip(self._flat.names, squares, strict=True))), examples
            )
            for (loss, metric, *squares), examples in zip(rows, pending, strict=True)
        ]

    def _check(self) -> None:
        """Sum the squares of each gradient; decide whether to update and how to clip."""
        arrays, shared = len(self._flat.names), self.backend.shared
        shared.launch(
            "check_gradients", (PARTIAL_SUMS, arrays),
            (self._flat.all_g, self._flat.starts, self._partial, self._results, self._state,
             shared.counters(1), np.int32(arrays), np.float32(self.spec.clip or 0)),
        )  # fmt: skip

    def _update(self) -> None:
        flat = self._flat
        self.backend.shared.launch(
            self._step_kernel, (-(-flat.p.size // THREADS),),
            (flat.p, flat.all_g, *flat.gathered, self._numbers_array, self._state,
             np.int32(flat.p.size)),
        )  # fmt: skip


class _Flat:
    """All parameters, their gradients, and the optimizer's arrays, each concatenated.

    So that one launch updates all. The arrays of the model and of the optimizer become views of
    these. The gradients are zero when a step begins.
    """

    def __init__(self, model: Model, optimizer: Optimizer) -> None:
        params = model.params
        self.names = tuple(params)
        sizes = [params[name].size for name in self.names]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.starts = model.backend.asarray(starts.astype(np.int32))
        self.p = np.concatenate([params[name].ravel() for name in self.names])
        gathered = [optimizer.slots(name, params[name]) for name in self.names]
        self.gathered = [
            np.concatenate([arrays[k].ravel() for arrays in gathered])
            for k in range(len(optimizer.names))
        ]
        self.all_g = np.zeros_like(self.p)
        self.g: Values = {}
        for name, first, end in zip(self.names, starts, starts[1:], strict=False):
            shape = params[name].shape
            params[name] = self.p[first:end].reshape(shape)
            self.g[name] = self.all_g[first:end].reshape(shape)
            optimizer.adopt(name, [a[first:end].reshape(shape) for a in self.gathered])

    def store(self, grads: Values) -> None:
        """Copy the gradients that were not written to ``g``."""
        for name, a in grads.items():
            if a is not self.g[name]:
                self.g[name][...] = a
