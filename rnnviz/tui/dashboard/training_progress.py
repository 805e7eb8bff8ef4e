"""The progress of a training, updated with one event after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rnnviz.progress import (
    Epoch,
    Evaluation,
    Event,
    Note,
    RunFailed,
    RunFinished,
    RunStarted,
    SentenceReading,
    SnapshotReady,
    TrainingStep,
    with_bits,
)

#: The most points of the live loss; beyond that every other point is dropped.
POINTS = 2000
#: The most gradient norms of a layer; older ones are dropped.
NORMS = 120
#: The live loss is a moving average over an eighth of an epoch, at most over this many batches.
MAX_SPAN = 50
#: The weight that a rate measured one second ago has in the smoothed rate.
DECAY = 0.8


@dataclass(frozen=True)
class TrainingProgress:
    """Everything known about a training so far; immutable, see :meth:`after`."""

    notes: tuple[str, ...] = ()
    started: RunStarted | None = None
    step: TrainingStep | None = None
    losses: tuple[tuple[float, float], ...] = ()  # (epochs done, smoothed loss)
    smoothed_loss: float | None = None
    epochs: tuple[Epoch, ...] = ()
    norms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by layer, newest last
    rate: float | None = None  # examples a second
    batch_seconds: float | None = None
    evaluation: Evaluation | None = None  # the validation or test that is running
    reading: SentenceReading | None = None  # of the run's own sentence, the newest
    #: Updates done and the output of each label after the sentence's last word, of each reading.
    sentence_curve: tuple[tuple[int, tuple[float, ...]], ...] = ()
    snapshot: SnapshotReady | None = None
    end: RunFinished | RunFailed | None = None

    def after(self, event: Event) -> TrainingProgress:
        """The progress after one more event."""
        match event:
            case Note():
                return replace(self, notes=(*self.notes, event.text))
            case RunStarted():
                epochs = event.history
                if event.writes:
                    epochs = tuple(epoch.with_bits() for epoch in epochs)
                return replace(self, started=event, epochs=epochs)
            case TrainingStep():
                return self._after_step(event)
            case Epoch():
                before = tuple(e for e in self.epochs if e.number < event.number)
                epoch = event.with_bits() if self.writes else event
                return replace(self, epochs=(*before, epoch), evaluation=None)
            case SentenceReading():
                before_it = tuple(p for p in self.sentence_curve if p[0] < event.step)
                if len(before_it) >= POINTS:
                    before_it = before_it[::2]
                curve = (*before_it, (event.step, event.outputs[-1]))
                return replace(self, reading=event, sentence_curve=curve)
            case Evaluation():
                return replace(self, evaluation=event)
            case SnapshotReady():
                return replace(self, snapshot=event)
            case RunFinished() | RunFailed():
                return replace(self, end=event)

    def _after_step(self, step: TrainingStep) -> TrainingProgress:
        batches = max(1, _batch(step) - _batch(self.step)) if self.step else step.batch
        span = max(1.0, min(MAX_SPAN, step.batches / 8))
        weight = (1 - 1 / span) ** batches
        loss = step.loss
        if self.smoothed_loss is not None:
            loss = weight * self.smoothed_loss + (1 - weight) * step.loss
        losses = (*self.losses, (_batch(step) / step.batches, loss))
        norms = {n: (*self.norms.get(n, ()), v)[-NORMS:] for n, v in step.norms.items()}
        rate, each = self._pace(step, batches)
        return replace(
            self, step=step, smoothed_loss=loss, norms=norms, rate=rate, batch_seconds=each,
            evaluation=None, losses=losses if len(losses) <= POINTS else losses[::2],
        )  # fmt: skip

    def _pace(self, step: TrainingStep, batches: int) -> tuple[float | None, float | None]:
        """Examples a second and seconds a batch, both smoothed."""
        last = self.step
        if last is None or step.epoch != last.epoch or step.seconds <= last.seconds:
            return self.rate, self.batch_seconds  # a validation lies between two epochs
        took = step.seconds - last.seconds
        rate, each = step.examples / took, took / batches
        if self.rate is None or self.batch_seconds is None:
            return rate, each
        weight = DECAY**took
        return (
            weight * self.rate + (1 - weight) * rate,
            weight * self.batch_seconds + (1 - weight) * each,
        )

    # -- derived values -----------------------------------------------------------------------

    @property
    def metric(self) -> str:
        """The metric shown beside the loss: of a net that writes the bits a token."""
        if self.writes:
            return "bits"
        return self.started.metric if self.started else "accuracy"

    @property
    def writes(self) -> bool:
        """Whether the net gives probabilities of the next token."""
        return self.started is not None and self.started.writes

    @property
    def test(self) -> Mapping[str, float]:
        """The metrics on the test data, at the end and if there are any."""
        found = self.end.test if isinstance(self.end, RunFinished) else {}
        return with_bits(found) if self.writes else found

    @property
    def best(self) -> Epoch | None:
        """The epoch with the best validation metric; the first of equal ones."""
        known = [e for e in self.epochs if self.metric in e.valid]
        low = self.started is not None and (self.writes or self.started.better == "low")
        sign = -1 if low else 1
        return max(known, key=lambda e: sign * e.valid[self.metric], default=None)

    @property
    def shares(self) -> tuple[float, float]:
        """The done shares of the epoch and of the whole run, 0 to 1."""
        step = self.step
        if step is None:
            return 0.0, 0.0
        if isinstance(self.end, RunFinished) and self.end.complete:
            return 1.0, 1.0
        return step.batch / step.batches, _batch(step) / (step.batches * step.epochs)

    @property
    def updates(self) -> int | None:
        """The updates of the whole run; None before the first one."""
        return None if self.step is None else self.step.batches * self.step.epochs

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the last epoch, or in the first epoch from the last batches."""
        step = self.step
        if step is None or self.end is not None:
            return None
        remaining = step.epochs - _batch(step) / step.batches
        measured = [e.seconds for e in self.epochs if e.number >= step.epoch - 1]
        if measured:
            return remaining * measured[-1]
        each = self.batch_seconds
        return None if each is None else remaining * step.batches * each


def _batch(step: TrainingStep) -> int:
    """The number of batches since the start of the training."""
    return (step.epoch - 1) * step.batches + step.batch
