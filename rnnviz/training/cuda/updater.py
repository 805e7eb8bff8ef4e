"""Optimizer updates on the GPU, launched without waiting; results are read several at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch, drop_tokens
from rnnviz.engine import losses
from rnnviz.engine.cuda.backend import THREADS, CudaBackend
from rnnviz.engine.cuda.optimizer_kernels import kernel_name, kernel_numbers
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer
from rnnviz.engine.spec import FitSpec
from rnnviz.training.step_result import StepResult, by_layer

#: Partial sums per array of squares; ``update.cu`` has the same number.
PARTIAL_SUMS = 64
#: Updates launched before their results are read: reading waits for the GPU.
READ_EVERY = 16


@dataclass(frozen=True, eq=False)
class PendingUpdate:
    """The results of an update, in GPU memory."""

    loss: Array  # ()
    metric: Array  # ()
    squares: Array  # (arrays): the sum of squares of each gradient
    examples: int


class CudaUpdater:
    """Makes the updates of a training; their results are read READ_EVERY at a time."""

    def __init__(
        self, model: Model, optimizer: Optimizer, spec: FitSpec, rng: np.random.Generator
    ) -> None:
        assert isinstance(model.backend, CudaBackend)
        self.backend, self.model, self.optimizer = model.backend, model, optimizer
        self.spec, self.rng = spec, rng
        self._pending: list[PendingUpdate] = []
        self._decision: Array | None = None
        self._flat = _Flat(model, optimizer)

    def update(self, batch: Batch) -> list[StepResult]:
        """Launch forward, backward, and an update unless a number is not finite."""
        inputs, y, weight = batch
        if self.spec.token_dropout:
            rate = self.spec.token_dropout
            inputs = drop_tokens(inputs, rate, self.rng, self.backend.asarray)
        kind = self.model.spec.head.kind
        done = self.model.forward(inputs, self.rng)
        share: Array = weight / np.float32(len(y))
        d = losses.d_logits(kind, done.logits, y) * share[:, None]
        g = self._flat.joined(self.model.gradients(done, d))
        loss = (losses.losses(kind, done.logits, y) * share).sum()
        squares = self._check(g, loss)
        self._update(g)
        metric = losses.metric(kind, done.logits, y)
        self._pending.append(PendingUpdate(loss, metric, squares, len(y)))
        return self.flush() if len(self._pending) == READ_EVERY else []

    def flush(self) -> list[StepResult]:
        """The results that were not read yet; waits for the GPU."""
        pending, self._pending, self._decision = self._pending, [], None
        parts: list[Array] = []
        for w in pending:
            parts += [w.loss.reshape(1), w.metric.reshape(1).astype(np.float32), w.squares]
        numbers = self.backend.host(np.concatenate(parts)).tolist() if parts else []
        results = []
        for w in pending:
            (loss, metric, *squares), numbers = _split(numbers, 2 + len(self._flat.names))
            norms = by_layer(dict(zip(self._flat.names, squares, strict=True)))
            results.append(StepResult(loss, metric, norms, w.examples))
        return results

    def _check(self, g: Array, loss: Array) -> Array:
        """The sum of squares of each gradient, and on the GPU whether to update and how to clip."""
        if self._decision is None:
            self._decision = np.zeros_like(loss, shape=2)
        arrays = len(self._flat.names)
        partial = np.empty_like(loss, shape=(arrays, PARTIAL_SUMS))
        self.backend.launch("sum_squares", (PARTIAL_SUMS, arrays), (g, self._flat.starts, partial))
        squares = np.empty_like(loss, shape=arrays)
        limit = np.float32(self.spec.clip or 0)
        self.backend.launch(
            "check_gradients", 1, (partial, loss, squares, self._decision, np.int32(arrays), limit)
        )
        return squares

    def _update(self, g: Array) -> None:
        names = {optimizer: name for name, optimizer in OPTIMIZERS.items()}
        numbers = kernel_numbers(self.optimizer, self.optimizer.begin())
        self.backend.launch(
            kernel_name(names[type(self.optimizer)]), -(-g.size // THREADS),
            (self._flat.p, g, *self._flat.gathered, self._decision, np.int32(g.size), *numbers),
        )  # fmt: skip


class _Flat:
    """All parameters, and the optimizer's arrays, each concatenated: one launch updates all.

    The arrays of the model and of the optimizer become views of these.
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
        for name, first, end in zip(self.names, starts, starts[1:], strict=False):
            shape = params[name].shape
            params[name] = self.p[first:end].reshape(shape)
            optimizer.adopt(name, [a[first:end].reshape(shape) for a in self.gathered])

    def joined(self, grads: Values) -> Array:
        """The gradients, concatenated."""
        return np.concatenate([grads[name].ravel() for name in self.names])


def _split(numbers: list[float], n: int) -> tuple[list[float], list[float]]:
    """The first n numbers, and the rest."""
    return numbers[:n], numbers[n:]
