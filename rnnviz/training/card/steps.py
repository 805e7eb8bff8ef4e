"""Steps of a training on the card: launched one after the other, read from time to time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.data.batches import Batch, with_unknowns
from rnnviz.engine import losses
from rnnviz.engine.cuda.card import THREADS, Card
from rnnviz.engine.cuda.steps import in_order, kernel_name
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer
from rnnviz.engine.spec import FitSpec
from rnnviz.training.learnt import Learnt, by_layer

#: Partial sums of an array's squares; ``update.cu`` has the same number.
ROOMS = 64
#: Steps that are launched before their numbers are read: reading waits for the card.
TOGETHER = 16


@dataclass(frozen=True, eq=False)
class Waiting:
    """What a step left on the card."""

    loss: Array  # ()
    metric: Array  # ()
    squares: Array  # (arrays): the sum of squares of each gradient
    names: tuple[str, ...]  # of the arrays
    examples: int


class Steps:
    """A training's steps; what they saw is read for TOGETHER of them at once."""

    def __init__(
        self, model: Model, optimizer: Optimizer, spec: FitSpec, rng: np.random.Generator
    ) -> None:
        assert isinstance(model.loops, Card)
        self.card, self.model, self.optimizer = model.loops, model, optimizer
        self.spec, self.rng = spec, rng
        self._waiting: list[Waiting] = []
        self._verdict: Array | None = None

    def learn(self, batch: Batch) -> list[Learnt]:
        """Launch a step: forward, backward, and an update unless something is not finite."""
        inputs, y, weight = batch
        if self.spec.token_dropout:
            rate = self.spec.token_dropout
            inputs = with_unknowns(inputs, rate, self.rng, self.card.asarray)
        kind = self.model.spec.head.kind
        done = self.model.forward(inputs, self.rng, quick=True)
        share = weight / np.float32(len(y))
        d = losses.d_logits(kind, done.logits, y) * share[:, None]
        found = self.model.gradients(done, d)
        grads = {name: contiguous(g) for name, g in found.items()}
        loss = (losses.losses(kind, done.logits, y) * share).sum()
        squares = self._judge(grads, loss)
        self._update(grads)
        metric = losses.metric(kind, done.logits, y)
        self._waiting.append(Waiting(loss, metric, squares, tuple(grads), len(y)))
        return self.rest() if len(self._waiting) == TOGETHER else []

    def rest(self) -> list[Learnt]:
        """What the steps saw that were not read yet; this waits for the card."""
        waiting, self._waiting, self._verdict = self._waiting, [], None
        parts: list[Array] = []
        for w in waiting:
            parts += [w.loss.reshape(1), w.metric.reshape(1).astype(np.float32), w.squares]
        numbers = self.card.host(np.concatenate(parts)).tolist() if parts else []
        found = []
        for w in waiting:
            (loss, metric, *squares), numbers = _cut(numbers, 2 + len(w.names))
            norms = by_layer(dict(zip(w.names, squares, strict=True)))
            found.append(Learnt(loss, metric, norms, w.examples))
        return found

    def _judge(self, grads: Values, loss: Array) -> Array:
        """The sum of squares of each gradient; the verdict on the step stays on the card."""
        if self._verdict is None:
            self._verdict = np.zeros_like(loss, shape=2)
        rooms = np.zeros_like(loss, shape=(len(grads), ROOMS))
        for k, g in enumerate(grads.values()):
            blocks = min(ROOMS, -(-g.size // (4 * THREADS)))
            self.card.launch("squares", blocks, (g, rooms[k], np.int32(g.size)))
        found = np.empty_like(loss, shape=len(grads))
        limit = np.float32(self.spec.clip or 0)
        args = (rooms, loss, found, self._verdict, np.int32(len(grads)), limit)
        self.card.launch("judge", 1, args)
        return found

    def _update(self, grads: Values) -> None:
        names = {made: name for name, made in OPTIMIZERS.items()}
        kernel = kernel_name(names[type(self.optimizer)])
        numbers = in_order(self.optimizer, self.optimizer.begin())
        for key, g in grads.items():
            p = self.model.params[key]
            gathered = self.optimizer.gathered(key, p)
            self.card.launch(
                kernel, -(-p.size // THREADS),
                (p, g, *gathered, self._verdict, np.int32(p.size), *numbers),
            )  # fmt: skip


def _cut(numbers: list[float], n: int) -> tuple[list[float], list[float]]:
    return numbers[:n], numbers[n:]
