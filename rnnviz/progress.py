"""Events of a training run, from the training loop to its observers.

The same classes reach a callback in this process and, through a pipe, a screen in another one, so
they hold plain Python values and no arrays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from rnnviz.messages import _


@dataclass(frozen=True)
class Note:
    """A message for the user: what is being read or prepared, how to resume."""

    text: str


@dataclass(frozen=True)
class Epoch:
    """Metrics of one trained and validated epoch; a line of ``history.jsonl``.

    Metrics are "loss" and "accuracy" for classes, "loss" and "mae" for numbers; of a net that
    writes what shows them adds "bits" and "perplexity", which follow from the loss. A value that is
    null or not finite in a file is NaN here.
    """

    number: int  # from 1
    train: Mapping[str, float]  # means over the epoch, with dropout
    valid: Mapping[str, float]  # without dropout
    seconds: float = math.nan
    norms: Mapping[str, float] = field(default_factory=dict)  # mean gradient norm by layer
    #: Better than every earlier epoch by the monitored metric; known while training, not stored.
    best: bool = field(default=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """A line of ``history.jsonl``."""
        return {
            "epoch": self.number,
            "train": dict(self.train),
            "valid": dict(self.valid),
            "seconds": round(self.seconds, 3),
            "norms": {name: round(value, 6) for name, value in self.norms.items()},
        }

    def with_bits(self) -> Epoch:
        """The epoch of a net that writes; see :func:`with_bits`."""
        return replace(self, train=with_bits(self.train), valid=with_bits(self.valid))

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Epoch:
        """What ``to_json`` wrote.

        KeyError, TypeError, ValueError, AttributeError or OverflowError if it is anything else.
        """
        number = line["epoch"]
        if type(number) is not int or number < 1:
            raise ValueError(_("epoch is {number!r}").format(number=number))
        train, valid = metrics_from_json(line["train"]), metrics_from_json(line["valid"])
        norms = metrics_from_json(line.get("norms") or {})
        return cls(number, train, valid, _float_from_json(line.get("seconds")), norms)


def with_bits(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of a net that writes with its mean loss of a token in two more forms.

    "bits" is loss / ln 2, "perplexity" is e^loss, of the loss in nats.
    """
    loss = metrics.get("loss")
    if loss is None:
        return dict(metrics)
    power = math.exp(loss) if loss < 700 else math.inf
    return {**metrics, "bits": loss / math.log(2), "perplexity": power}


def net_writes(config: object) -> bool:
    """Whether the net of a record gives probabilities of the next token at every step."""
    head = config.get("head") if isinstance(config, Mapping) else None
    if not isinstance(head, Mapping):  # a record that was edited
        return False
    return head.get("reads") == "steps" and head.get("kind") == "softmax"


def metrics_from_json(values: Mapping[str, Any]) -> dict[str, float]:
    """Numbers by name; null and not finite become NaN, TypeError for any other value."""
    return {name: _float_from_json(value) for name, value in values.items()}


def _float_from_json(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(_("{value!r} is no number").format(value=value))
    return float(value) if math.isfinite(value) else math.nan


@dataclass(frozen=True)
class RunStarted:
    """The data is ready and training starts or resumes."""

    path: Path  # the run directory
    recipe: str
    net: str  # its layers: "LSTM 32"
    data: str
    example: str  # a text to step through: the sentence that is read while training
    metric: str  # "accuracy" or "mae"
    better: Literal["high", "low"]
    epochs: int  # to train in total
    published: float | None = None
    source: str = ""  # where that number was published
    scale: float | None = None  # mae times this is in ``unit``, the unit of the series
    unit: str = ""
    history: tuple[Epoch, ...] = ()  # earlier epochs of a resumed run
    keep: Literal["best", "last"] = "best"  # the epoch whose weights are saved
    labels: tuple[str, ...] = ()  # of the net's outputs
    writes: bool = False  # the outputs are probabilities of the next token


@dataclass(frozen=True)
class TrainingStep:
    """One optimizer update, or several since the last event of this class."""

    epoch: int  # from 1
    epochs: int
    batch: int  # from 1, the last one of these
    batches: int  # per epoch
    loss: float  # mean over these batches
    examples: int = 0  # in these batches
    seconds: float = field(default=0.0, compare=False)  # of training in this epoch so far
    norms: Mapping[str, float] = field(default_factory=dict)  # gradient norms of the last, by layer


@dataclass(frozen=True)
class SentenceReading:
    """The sentence of a run, read with its current weights, as they are validated and saved.

    Sent before the first batch, at each snapshot, at the end of each epoch before its ``Epoch``,
    and about once a second of training in between; on a GPU not in between. Only by nets that read
    words.
    """

    step: int  # optimizer updates done
    epoch: int  # from 1
    batch: int  # batches done in this epoch
    text: str
    tokens: tuple[str, ...]  # (T)
    outputs: tuple[tuple[float, ...], ...]  # (T, K) output of each label after each token

    @property
    def label(self) -> int:
        """The index of the label to show: of two the second, else the likeliest at the end."""
        last = self.outputs[-1]
        return 1 if len(last) == 2 else max(range(len(last)), key=lambda k: last[k])


@dataclass(frozen=True)
class Evaluation:
    """One batch evaluated: of the validation data after an epoch, of the test data at the end."""

    batch: int  # from 1
    batches: int
    of: str = "validation"  # or "test"


@dataclass(frozen=True)
class SnapshotReady:
    """The current weights have been written; ``model`` names the file in a query."""

    model: str


@dataclass(frozen=True)
class RunFinished:
    """The run ended without an error; not ``complete`` if its time budget was used up first."""

    path: Path
    complete: bool = True
    test: Mapping[str, float] = field(default_factory=dict)  # metrics on the test data, if any


@dataclass(frozen=True)
class RunFailed:
    """The run ended by an error, by a signal, or because it was asked to stop (130)."""

    message: str
    exit_code: int = 1
    detail: str = ""  # the traceback, for --debug


Event = (
    Note | RunStarted | TrainingStep | SentenceReading | Evaluation | Epoch | SnapshotReady
    | RunFinished | RunFailed
)  # fmt: skip


class ProgressSource(Protocol):
    """A training run in another process."""

    def receive(self, timeout: float) -> Event | None:
        """The next event; None if there is none within ``timeout`` seconds."""

    def stop(self) -> None:
        """Ask the run to finish the batch, save, and end with exit code 130."""

    def snapshot(self) -> None:
        """Ask for the current weights; answered by ``SnapshotReady``."""

    def kill(self) -> None:
        """End the process now; what was saved last remains."""
