"""What a training in another process says, and what it can be told; plain data on both sides.

The process that trains sends these, the screen that shows them imports nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True)
class ProgressNote:
    """A line for the user: what is being read or prepared, how to go on."""

    text: str


@dataclass(frozen=True)
class EpochProgress:
    """One epoch done and validated; metrics are "loss" and "accuracy" or "mae"."""

    number: int  # from 1
    train: Mapping[str, float]
    valid: Mapping[str, float]
    seconds: float  # of this epoch
    norms: Mapping[str, float] = field(default_factory=dict)  # mean gradient norm by layer


@dataclass(frozen=True)
class RunProgress:
    """The data is ready: what is trained, and where it is kept."""

    path: str  # the run directory
    recipe: str
    net: str  # its layers: "LSTM 32"
    data: str
    example: str  # a text to step through
    metric: str  # "accuracy" or "mae"
    better: Literal["high", "low"]
    epochs: int
    published: float | None = None
    source: str = ""  # where that number was published
    scale: float | None = None  # a mae times this is in ``unit``: that of the series
    unit: str = ""
    history: tuple[EpochProgress, ...] = ()  # the epochs of before, when a run is resumed
    keep: Literal["best", "last"] = "best"  # the epoch whose weights are kept


@dataclass(frozen=True)
class StepProgress:
    """Some batches done since the last of these."""

    epoch: int  # from 1
    epochs: int
    batch: int  # from 1, the last one done
    batches: int  # of an epoch
    loss: float  # mean over these batches
    examples: int  # in these batches
    seconds: float  # since the training process began
    norms: Mapping[str, float] = field(default_factory=dict)  # of the last batch, by layer


@dataclass(frozen=True)
class EvaluationProgress:
    """Part of the validation after an epoch, or of the test at the end, is done."""

    share: float  # 0 to 1
    of: str  # "validation" or "test"


@dataclass(frozen=True)
class SnapshotReady:
    """The model as it was a moment ago is on disk, under this name for a query."""

    model: str


@dataclass(frozen=True)
class TrainingFinished:
    """It ended by itself; not ``done`` when its time was up before its epochs were."""

    path: str
    done: bool = True
    test: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingFailed:
    """It ended otherwise: by an error, by a signal, or because it was told to stop (130)."""

    message: str
    exit_code: int = 1
    detail: str = ""  # the traceback, for --debug


Event = (
    ProgressNote
    | RunProgress
    | StepProgress
    | EvaluationProgress
    | EpochProgress
    | SnapshotReady
    | TrainingFinished
    | TrainingFailed
)


class ProgressSource(Protocol):
    """A training that goes on beside the screen."""

    def receive(self, timeout: float) -> Event | None:
        """The next event; None when nothing came within ``timeout`` seconds."""

    def stop(self) -> None:
        """Finish the batch, save, end with exit code 130."""

    def snapshot(self) -> None:
        """Write the model as it is now; answered with a Ready."""

    def kill(self) -> None:
        """End at once; what was saved last stays."""
