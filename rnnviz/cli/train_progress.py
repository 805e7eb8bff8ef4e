"""The progress of a training on stderr: a line per epoch, and a progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rnnviz import i18n
from rnnviz.cli import options
from rnnviz.cli.stderr import on_stderr, say
from rnnviz.cli.tables import metric_name
from rnnviz.display import visible
from rnnviz.errors import shortened
from rnnviz.messages import _, language
from rnnviz.progress import Epoch, Event, Note, RunStarted, SentenceReading, TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable


@contextmanager
def progress_on_stderr(
    quiet: bool, *, plain: bool = False, colour: bool = True
) -> Iterator[Callable[[Event], None]]:
    """A callback for events: a progress bar on a terminal, else a line per epoch."""
    if quiet:
        yield lambda event: None
    elif plain or not options.stderr_is_terminal():
        yield EpochLines(say)
    else:
        with _bar(colour) as show:
            yield show


class EpochLines:
    """Prints notes as they come, and a line per epoch."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._run: RunStarted | None = None
        self._reading: SentenceReading | None = None
        self._throughput = Throughput()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            self.say(event.text)
        elif isinstance(event, RunStarted):
            self._run = event
        elif isinstance(event, TrainingStep):
            self._throughput.add(event)
        elif isinstance(event, SentenceReading):
            self._reading = event
        elif isinstance(event, Epoch):
            assert self._run is not None
            self.say(epoch_line(self._run, event, self._throughput.take()))
            if self._reading is not None:
                self.say(reading_line(self._run, self._reading))


class Throughput:
    """Examples per second of training; neither validation nor saving counts."""

    def __init__(self) -> None:
        self._first: float | None = None  # seconds when the first batch was done
        self._seconds, self._examples = 0.0, 0

    def add(self, step: TrainingStep) -> None:
        """One batch is done."""
        if self._first is None:  # it includes drawing the epoch's examples
            self._first = step.seconds
        else:
            self._seconds = step.seconds - self._first
            self._examples += step.examples

    def take(self) -> float | None:
        """Examples per second since the last call; None if there were too few batches."""
        rate = self._examples / self._seconds if self._seconds > 0 else None
        self._first, self._seconds, self._examples = None, 0.0, 0
        return rate


def epoch_line(run: RunStarted, epoch: Epoch, rate: float | None) -> str:
    """The metrics of an epoch in a line; * marks the best one so far."""
    unit = ""
    if run.scale is not None and "mae" in epoch.valid:
        unit = f" ({epoch.valid['mae'] * run.scale:.2f} {run.unit})"
    speed = "" if rate is None else "  " + _("{rate:,.0f} samples/s").format(rate=rate)
    number = _("epoch {n}/{count}").format(n=epoch.number, count=run.epochs)
    seconds = _("{seconds:.1f} s").format(seconds=epoch.seconds)
    if run.writes:
        epoch = epoch.with_bits()
    valid = _metrics(epoch.valid, _("validation {metric}"))
    return (
        f"{number}  {_metrics(epoch.train)}  {valid}{unit}"
        f"  {seconds}{speed}{'  *' if epoch.best else ''}"
    )


def reading_line(run: RunStarted, reading: SentenceReading) -> str:
    """The prediction for the run's sentence: of two classes the second, else the likeliest."""
    k = reading.label
    text = shortened(" ".join(reading.text.split()), 60)
    label = visible(i18n.label(run.labels[k], language()))
    return f'  "{text}": {label} {reading.outputs[-1][k]:.3f}'


def _metrics(scores: Mapping[str, float], form: str = "{metric}") -> str:
    # The loss of a net for numbers is its mean absolute error; that of a net that writes in bits
    # says more than how often its likeliest token is the next one.
    names = ["mae"] if "mae" in scores else list(scores)
    names = ["loss", "bits", "perplexity"] if "bits" in scores else names
    return "  ".join(
        f"{form.format(metric=metric_name(name))} {scores[name]:.4f}" for name in names
    )


@contextmanager
def _bar(colour: bool) -> Iterator[Callable[[Event], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TextColumn(_("loss") + " {task.fields[loss]:.4f}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=on_stderr(colour), transient=True) as progress:
        bar = progress.add_task("", total=1, loss=0.0)
        smoothed: float | None = None

        def print_above(text: str) -> None:
            for line in text.splitlines():
                # Not wrapped, so that a path in it can be copied.
                progress.console.print(visible(line), markup=False, highlight=False, soft_wrap=True)

        lines = EpochLines(print_above)

        def show(event: Event) -> None:
            nonlocal smoothed
            lines(event)
            if isinstance(event, TrainingStep):
                loss = event.loss
                smoothed = loss if smoothed is None else 0.98 * smoothed + 0.02 * loss
                progress.update(
                    bar, total=event.batches,
                    description=_("epoch {n}/{count}").format(n=event.epoch, count=event.epochs),
                    completed=event.batch, loss=smoothed,
                )  # fmt: skip

        yield show
