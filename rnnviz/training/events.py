"""What training says while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnviz.arrays import Array


@dataclass(frozen=True)
class Note:
    """Something worth a line: which data is read, what a preparation does."""

    text: str


@dataclass(frozen=True)
class RunStarted:
    """The run directory is there and the training starts, or goes on."""

    path: Path
    record: Mapping[str, Any]  # spec.json
    epochs: int  # to be trained in all
    done: int = 0  # epochs that were done before


@dataclass(frozen=True)
class Step:
    """One batch done."""

    epoch: int  # from 1
    epochs: int
    batch: int  # from 1
    batches: int
    loss: float  # of this batch
    examples: int = 0  # in this batch
    norms: Mapping[str, float] = field(default_factory=dict)  # gradient norm by layer


@dataclass(frozen=True)
class Evaluation:
    """One batch evaluated: of the validation data after an epoch, of the test data at the end."""

    batch: int  # from 1
    batches: int
    of: str = "validation"


@dataclass(frozen=True, eq=False)
class Epoch:
    """One epoch done and validated.

    Metrics are "loss" and "accuracy" for classes, "loss" and "mae" for numbers.
    """

    number: int  # from 1
    epochs: int
    train: Mapping[str, float]  # means over the epoch, dropout on
    valid: Mapping[str, float]  # of the weights in ``params``, dropout off
    seconds: float
    params: Mapping[str, Array] = field(repr=False)
    norms: Mapping[str, float] = field(default_factory=dict)  # mean gradient norm by layer
    best: bool = False  # better than every epoch before, by what the recipe monitors
    real: tuple[float, str] | None = None  # validation mae in the series' own unit, and the unit

    def to_json(self) -> dict[str, object]:
        """A line of ``history.jsonl``."""
        return {
            "epoch": self.number,
            "train": dict(self.train),
            "valid": dict(self.valid),
            "seconds": round(self.seconds, 3),
            "norms": {name: round(value, 6) for name, value in self.norms.items()},
        }


@dataclass(frozen=True)
class RunFinished:
    """All is trained, validated and tested."""

    path: Path
    result: Mapping[str, Any]  # result.json


Event = Note | RunStarted | Step | Evaluation | Epoch | RunFinished
