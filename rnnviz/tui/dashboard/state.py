"""What has happened so far: one frozen story, made from the one before and an event."""

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
    SnapshotReady,
    TrainingStep,
)

#: The live loss keeps this many points at most; then every other one is left out.
POINTS = 2000
#: How many of a layer's gradient norms are kept.
NORMS = 120
#: The live loss is a moving average over an eighth of an epoch, but over this many batches at most.
LONGEST = 50
#: What the pace keeps of itself in a second.
STEADY = 0.8


@dataclass(frozen=True)
class Story:
    """One training as far as it has come; ``after`` gives the next one."""

    notes: tuple[str, ...] = ()
    begun: RunStarted | None = None
    step: TrainingStep | None = None
    losses: tuple[tuple[float, float], ...] = ()  # (epochs done, smoothed loss)
    smooth: float | None = None
    epochs: tuple[Epoch, ...] = ()
    norms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by layer, newest last
    rate: float | None = None  # examples a second
    batch_seconds: float | None = None
    checked: Evaluation | None = None  # the validation or test that is going on
    snapshot: SnapshotReady | None = None
    end: RunFinished | RunFailed | None = None

    def after(self, event: Event) -> Story:
        """The story with one more event in it."""
        match event:
            case Note():
                return replace(self, notes=(*self.notes, event.text))
            case RunStarted():
                return replace(self, begun=event, epochs=event.history)
            case TrainingStep():
                return self._stepped(event)
            case Epoch():
                before = tuple(e for e in self.epochs if e.number < event.number)
                return replace(self, epochs=(*before, event), checked=None)
            case Evaluation():
                return replace(self, checked=event)
            case SnapshotReady():
                return replace(self, snapshot=event)
            case RunFinished() | RunFailed():
                return replace(self, end=event)

    def _stepped(self, step: TrainingStep) -> Story:
        batches = max(1, _batch(step) - _batch(self.step)) if self.step else step.batch
        span = max(1.0, min(LONGEST, step.batches / 8))
        keep = (1 - 1 / span) ** batches
        smooth = step.loss
        if self.smooth is not None:
            smooth = keep * self.smooth + (1 - keep) * step.loss
        losses = (*self.losses, (_batch(step) / step.batches, smooth))
        norms = {n: (*self.norms.get(n, ()), v)[-NORMS:] for n, v in step.norms.items()}
        rate, each = self._pace(step, batches)
        return replace(
            self, step=step, smooth=smooth, norms=norms, rate=rate, batch_seconds=each,
            checked=None, losses=losses if len(losses) <= POINTS else losses[::2],
        )  # fmt: skip

    def _pace(self, step: TrainingStep, batches: int) -> tuple[float | None, float | None]:
        """Examples a second and seconds a batch, both smoothed."""
        last = self.step
        if last is None or step.epoch != last.epoch or step.seconds <= last.seconds:
            return self.rate, self.batch_seconds  # between two epochs lies a validation
        took = step.seconds - last.seconds
        rate, each = step.examples / took, took / batches
        if self.rate is None or self.batch_seconds is None:
            return rate, each
        steady = STEADY**took
        return (
            steady * self.rate + (1 - steady) * rate,
            steady * self.batch_seconds + (1 - steady) * each,
        )

    # -- what can be read off it --------------------------------------------------------------

    @property
    def metric(self) -> str:
        """The metric that is shown beside the loss."""
        return self.begun.metric if self.begun else "accuracy"

    @property
    def best(self) -> Epoch | None:
        """The epoch with the best validation metric; of equals the first."""
        known = [e for e in self.epochs if self.metric in e.valid]
        low = self.begun is not None and self.begun.better == "low"
        sign = -1 if low else 1
        return max(known, key=lambda e: sign * e.valid[self.metric], default=None)

    @property
    def shares(self) -> tuple[float, float]:
        """How much of the epoch and of the whole run is done, 0 to 1."""
        step = self.step
        if step is None:
            return 0.0, 0.0
        if isinstance(self.end, RunFinished) and self.end.complete:
            return 1.0, 1.0
        return step.batch / step.batches, _batch(step) / (step.batches * step.epochs)

    @property
    def seconds_left(self) -> float | None:
        """What remains, at the pace of the last epoch, or at first of the last batches."""
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
    """Batches since the very beginning."""
    return (step.epoch - 1) * step.batches + step.batch
