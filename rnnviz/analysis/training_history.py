"""The epochs of a model's training, as its record has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnviz.progress import Epoch


@dataclass(frozen=True)
class TrainingHistoryQuestion:
    """The training of a model: a shipped one, or a run."""

    model: str


@dataclass(frozen=True)
class TrainingHistory:
    """The epochs of a training, and the metric by which it is judged.

    ``epoch``: the one whose weights the model has; None if the record does not say it.
    ``published``: the published number that the training reproduces, of the validation.
    """

    epochs: tuple[Epoch, ...]
    metric: str
    better: Literal["high", "low"]
    epoch: int | None = None
    published: float | None = None
    command: str = ""

    def values(self, part: Literal["train", "valid"], metric: str) -> list[float]:
        """A metric of each epoch, NaN where it was not measured."""
        return [getattr(epoch, part).get(metric, float("nan")) for epoch in self.epochs]
