"""What training says while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rnnviz.arrays import Array


@dataclass(frozen=True)
class Note:
    """Something worth a line: which data is read, what a preparation does."""

    text: str


@dataclass(frozen=True)
class Step:
    """One batch done."""

    epoch: int  # from 1
    epochs: int
    batch: int  # from 1
    batches: int
    loss: float  # of this batch


@dataclass(frozen=True, eq=False)
class Epoch:
    """One epoch done and validated."""

    number: int  # from 1
    epochs: int
    train: Mapping[str, float]  # loss, accuracy: means over the epoch, dropout on
    valid: Mapping[str, float]  # loss, accuracy: of the weights in ``params``, dropout off
    seconds: float
    params: Mapping[str, Array] = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """A line of ``history.jsonl``."""
        return {
            "epoch": self.number,
            "train": dict(self.train),
            "valid": dict(self.valid),
            "seconds": round(self.seconds, 3),
        }


Event = Note | Step | Epoch
