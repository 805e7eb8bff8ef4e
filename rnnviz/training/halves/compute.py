"""Ways to come to the logits and gradients of a batch: as a whole, or in two halves."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.training.halves.half import dealt_back, drops, half, joined, part
from rnnviz.training.halves.process import Lost, Second

#: Logits (B, K) and the gradients of the mean loss, from a batch and what draws its dropout.
Compute = Callable[[Model, Batch, np.random.Generator], tuple[Array, Values]]


def whole(model: Model, batch: Batch, rng: np.random.Generator) -> tuple[Array, Values]:
    """All sequences at once, in this process."""
    inputs, y, weight = batch
    done = model.forward(inputs, rng, quick=True)
    d = losses.d_logits(model.spec.head.kind, done.logits, y) * (weight / len(y))[:, None]
    return done.logits, model.gradients(done, d)


class Halves:
    """Two halves, one after the other or, once :meth:`start` found a second process, at once."""

    def __init__(self) -> None:
        self._second: Second | None = None
        self.loss = ""  # why the second process is no longer there; said once, then emptied

    def start(self, model: Model) -> Halves:
        """Look for a second process; the model's arrays move into memory it shares."""
        try:
            self._second = Second(model)
        except (OSError, Lost):
            self._second = None
        return self

    def wait(self, seconds: float) -> bool:
        """Whether the second process is ready, at the latest after so long."""
        return self._ready(seconds) is not None

    def __enter__(self) -> Halves:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self._end()

    @property
    def pids(self) -> list[int]:
        """The processes beside this one."""
        return [] if self._second is None else [self._second.pid]

    def gradients(
        self, model: Model, batch: Batch, rng: np.random.Generator
    ) -> tuple[Array, Values]:
        """See ``whole``; with dropout, each half draws its own from one number of ``rng``."""
        inputs, y, weight = batch
        if len(y) < 2:
            return whole(model, batch, rng)
        number = int(rng.integers(2**63)) if drops(model.spec) else None
        seeds = [None if number is None else (number, k) for k in (0, 1)]
        share = weight / len(y)
        # The second process has the shorter texts: the first has the update to make as well.
        first, last = ((half(inputs, k), half(y, k), half(share, k)) for k in (0, 1))
        second = self._begun(lambda s: s.begin(last, seeds[1]))
        mine = part(model, first, seeds[0])
        if second is not None:
            try:
                return joined(model, mine, second.part())
            except Lost as lost:
                self._lose(lost)
        return joined(model, mine, part(model, last, seeds[1]))

    def reader(self, model: Model) -> Callable[[Array], Array]:
        """A function from inputs to logits (B, K), without dropout; the model must stay as it is."""
        trained = self._second is not None and self._second.lend(model)

        def read(inputs: Array) -> Array:
            if inputs.shape[1] < 2:
                return logits(model, inputs)
            first, last = half(inputs, 0), half(inputs, 1)
            second = self._begun(lambda s: s.begin_reading(last, trained))
            mine = logits(model, first)
            if second is not None:
                try:
                    return dealt_back(mine, second.logits())
                except Lost as lost:
                    self._lose(lost)
            return dealt_back(mine, logits(model, last))

        return read

    def _begun(self, begin: Callable[[Second], bool]) -> Second | None:
        """The second process, at work; None if there is none that can be."""
        second = self._ready()
        try:
            return second if second is not None and begin(second) else None
        except Lost as lost:
            self._lose(lost)
            return None

    def _ready(self, timeout: float = 0.0) -> Second | None:
        try:
            return self._second if self._second and self._second.ready(timeout) else None
        except Lost as lost:
            self._lose(lost)
            return None

    def _lose(self, lost: Lost) -> None:
        self.loss = str(lost)
        self._end()

    def _end(self) -> None:
        if self._second is not None:
            self._second.close()
            self._second = None


def logits(model: Model, inputs: Array) -> Array:
    """Of all sequences at once, in this process."""
    return model.forward(inputs, quick=True, keep=False).logits
