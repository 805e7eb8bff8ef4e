"""Steps of a training on the card: launched one after the other, read from time to time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch, with_unknowns
from rnnviz.engine import losses
from rnnviz.engine.cuda.backend import THREADS, Card
from rnnviz.engine.cuda.steps import in_order, kernel_name
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer
from rnnviz.engine.spec import FitSpec
from rnnviz.training.step_result import StepResult, by_layer

#: Partial sums of an array's squares; ``update.cu`` has the same number.
ROOMS = 64
#: Steps that are launched before their numbers are read: reading waits for the card.
TOGETHER = 16


@dataclass(frozen=True, eq=False)
class PendingStep:
    """What a step left on the card."""

    loss: Array  # ()
    metric: Array  # ()
    squares: Array  # (arrays): the sum of squares of each gradient
    examples: int


class Steps:
    """A training's steps; what they saw is read for TOGETHER of them at once."""

    def __init__(
        self, model: Model, optimizer: Optimizer, spec: FitSpec, rng: np.random.Generator
    ) -> None:
        assert isinstance(model.backend, Card)
        self.card, self.model, self.optimizer = model.backend, model, optimizer
        self.spec, self.rng = spec, rng
        self._waiting: list[PendingStep] = []
        self._verdict: Array | None = None
        self._flat = _Flat(model, optimizer)

    def learn(self, batch: Batch) -> list[StepResult]:
        """Launch a step: forward, backward, and an update unless something is not finite."""
        inputs, y, weight = batch
        if self.spec.token_dropout:
            rate = self.spec.token_dropout
            inputs = with_unknowns(inputs, rate, self.rng, self.card.asarray)
        kind = self.model.spec.head.kind
        done = self.model.forward(inputs, self.rng)
        share: Array = weight / np.float32(len(y))
        d = losses.d_logits(kind, done.logits, y) * share[:, None]
        found = self.model.gradients(done, d)
        g = self._flat.joined(found)
        loss = (losses.losses(kind, done.logits, y) * share).sum()
        squares = self._judge(g, loss)
        self._update(g)
        metric = losses.metric(kind, done.logits, y)
        self._waiting.append(PendingStep(loss, metric, squares, len(y)))
        return self.rest() if len(self._waiting) == TOGETHER else []

    def rest(self) -> list[StepResult]:
        """What the steps saw that were not read yet; this waits for the card."""
        waiting, self._waiting, self._verdict = self._waiting, [], None
        parts: list[Array] = []
        for w in waiting:
            parts += [w.loss.reshape(1), w.metric.reshape(1).astype(np.float32), w.squares]
        numbers = self.card.host(np.concatenate(parts)).tolist() if parts else []
        found = []
        for w in waiting:
            (loss, metric, *squares), numbers = _cut(numbers, 2 + len(self._flat.names))
            norms = by_layer(dict(zip(self._flat.names, squares, strict=True)))
            found.append(StepResult(loss, metric, norms, w.examples))
        return found

    def _judge(self, g: Array, loss: Array) -> Array:
        """The sum of squares of each gradient; the verdict on the step stays on the card."""
        if self._verdict is None:
            self._verdict = np.zeros_like(loss, shape=2)
        arrays = len(self._flat.names)
        rooms = np.empty_like(loss, shape=(arrays, ROOMS))
        self.card.launch("squares", (ROOMS, arrays), (g, self._flat.starts, rooms))
        found = np.empty_like(loss, shape=arrays)
        limit = np.float32(self.spec.clip or 0)
        self.card.launch("judge", 1, (rooms, loss, found, self._verdict, np.int32(arrays), limit))
        return found

    def _update(self, g: Array) -> None:
        names = {made: name for name, made in OPTIMIZERS.items()}
        numbers = in_order(self.optimizer, self.optimizer.begin())
        self.card.launch(
            kernel_name(names[type(self.optimizer)]), -(-g.size // THREADS),
            (self._flat.p, g, *self._flat.gathered, self._verdict, np.int32(g.size), *numbers),
        )  # fmt: skip


class _Flat:
    """All parameters one behind the other, and all that is gathered of them: one launch for all.

    The model and the optimizer keep their arrays by name, as views of these.
    """

    def __init__(self, model: Model, optimizer: Optimizer) -> None:
        params = model.params
        self.names = tuple(params)
        sizes = [params[name].size for name in self.names]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.starts = model.backend.asarray(starts.astype(np.int32))
        self.p = np.concatenate([params[name].ravel() for name in self.names])
        apart = [optimizer.gathered(name, params[name]) for name in self.names]
        self.gathered = [
            np.concatenate([mine[k].ravel() for mine in apart]) for k in range(len(optimizer.names))
        ]
        for name, first, end in zip(self.names, starts, starts[1:], strict=False):
            shape = params[name].shape
            params[name] = self.p[first:end].reshape(shape)
            optimizer.adopt(name, [a[first:end].reshape(shape) for a in self.gathered])

    def joined(self, grads: Values) -> Array:
        """The gradients, one behind the other."""
        return np.concatenate([grads[name].ravel() for name in self.names])


def _cut(numbers: list[float], n: int) -> tuple[list[float], list[float]]:
    return numbers[:n], numbers[n:]
