"""Ways to come from a batch to updated weights: as a whole, or in two halves."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol

import numpy as np

from rnnviz.arrays import Array, contiguous
from rnnviz.data.batches import Batch
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer
from rnnviz.errors import RnnvizError
from rnnviz.training.halves.half import Part, dealt_back, drops, half, joined, part
from rnnviz.training.halves.process import Lost, Second


class Compute(Protocol):
    """What an update is made with."""

    def gradients(self, model: Model, batch: Batch, rng: np.random.Generator) -> Part:
        """Logits, and the gradients of the mean loss; ``rng`` draws dropout."""

    def update(self, model: Model, optimizer: Optimizer, found: Part) -> None:
        """One step of every array."""


class Whole:
    """All sequences at once, in this process."""

    def gradients(self, model: Model, batch: Batch, rng: np.random.Generator) -> Part:
        """See :class:`Compute`."""
        inputs, y, weight = batch
        return part(model, (inputs, y, weight / len(y)), rng)

    def update(self, model: Model, optimizer: Optimizer, found: Part) -> None:
        """See :class:`Compute`."""
        optimizer.step(model.params, found.grads)
        if found.words is not None:
            model.loops.step_rows(optimizer, "embedding", model.params["embedding"], found.words)


class Halves:
    """Two halves, one after the other or, once :meth:`start` found a second process, at once."""

    def __init__(self) -> None:
        self._second: Second | None = None
        self._lost = ""

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
        self.close()

    @property
    def pids(self) -> list[int]:
        """The processes beside this one."""
        return [] if self._second is None else [self._second.pid]

    def lost(self) -> str:
        """Why the second process is no longer there; "" if it is, or if this was told before."""
        said, self._lost = self._lost, ""
        return said

    def gradients(self, model: Model, batch: Batch, rng: np.random.Generator) -> Part:
        """See :class:`Compute`; each half draws its own dropout, from one number of ``rng``."""
        inputs, y, weight = batch
        if len(y) < 2:
            return Whole().gradients(model, batch, rng)
        number = int(rng.integers(2**63)) if drops(model.spec) else None
        seeds = [None if number is None else (number, k) for k in (0, 1)]
        share = weight / len(y)
        # The second process has the shorter texts: the first has more to do besides.
        first, last = ((half(inputs, k), half(y, k), half(share, k)) for k in (0, 1))
        second = self._begun(lambda s: s.begin(last, seeds[1]))
        mine = part(model, first, _drawing(seeds[0]))
        if second is not None:
            try:
                return joined(mine, second.part())
            except Lost as lost:
                self._lose(lost)
        return joined(mine, part(model, last, _drawing(seeds[1])))

    def update(self, model: Model, optimizer: Optimizer, found: Part) -> None:
        """See :class:`Compute`; each process steps half of the embedding.

        RnnvizError if the second one is lost over it: nobody knows then what it has changed.
        """
        if found.words is None:
            return Whole().update(model, optimizer, found)
        table = model.params["embedding"]
        middle = len(table) // 2
        low, high = _divided(found.words, middle)
        optimizer.step(model.params, found.grads)
        second = self._begun(lambda s: _begun_update(s, optimizer, high, middle))
        if second is None:
            return optimizer.step_rows("embedding", table, found.words)
        optimizer.step_rows("embedding", table[:middle], low)
        try:
            second.finish_update()
        except Lost as lost:
            self._lose(lost)
            raise RnnvizError(
                f"The second process was lost in the middle of an update ({lost}).\n"
                "What was saved before is whole: go on with rnnviz train --resume"
            ) from lost

    def reader(self, model: Model) -> Callable[[Array], Array]:
        """A function from inputs to logits (B, K), no dropout; the model must stay as it is."""
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

    def close(self) -> None:
        """End the second process."""
        if self._second is not None:
            self._second.close()
            self._second = None

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
        self._lost = str(lost)
        self.close()


def logits(model: Model, inputs: Array) -> Array:
    """Of all sequences at once, in this process."""
    return model.forward(contiguous(inputs), quick=True, keep=False).logits


def _drawing(seed: tuple[int, int] | None) -> np.random.Generator | None:
    return None if seed is None else np.random.default_rng(seed)


def _divided(found: WordRows, middle: int) -> tuple[WordRows, WordRows]:
    """The rows before and from ``middle`` on, the latter counted from there."""
    at = int(np.searchsorted(found.words, middle))
    low = WordRows(found.words[:at], found.rows[:at])
    return low, WordRows(found.words[at:] - middle, found.rows[at:])


def _begun_update(second: Second, optimizer: Optimizer, high: WordRows, first: int) -> bool:
    names = {made: name for name, made in OPTIMIZERS.items()}
    second.keep(optimizer)
    return second.begin_update(high, first, names[type(optimizer)], optimizer.numbers())
