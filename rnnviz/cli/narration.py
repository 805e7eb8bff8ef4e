"""A training told on stderr: a line an epoch, and on a terminal a bar for the present one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import click

from rnnviz.cli import options
from rnnviz.display import visible
from rnnviz.window import TerminalStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from rnnviz.training.events import Epoch, Event


def say(text: str) -> None:
    """Lines on stderr, safe for a terminal; nobody listening is no reason to end what is told."""
    try:
        for line in text.split("\n"):
            click.echo(visible(line), err=True)
    except OSError:  # a closed pipe, a terminal that was closed
        silence(sys.stderr)


def silence(stream: IO[str]) -> None:
    """Let what is written to a closed pipe go nowhere, also what python flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def watching(
    quiet: bool, *, plain: bool = False, colour: bool = True
) -> Iterator[Callable[[Event], None]]:
    """How the training is shown: a progress bar on a terminal, else a line an epoch."""
    if quiet:
        yield lambda event: None
    elif plain or not options.stderr_is_terminal():
        yield _Lines()
    else:
        with _bar(colour) as show:
            yield show


class _Lines:
    """Notes as they come, and a line an epoch."""

    def __init__(self) -> None:
        self._pace = _Pace()

    def __call__(self, event: Event) -> None:
        from rnnviz.training.events import Epoch, Note, Step

        if isinstance(event, Note):
            say(event.text)
        elif isinstance(event, Step):
            self._pace.add(event.examples)
        elif isinstance(event, Epoch):
            say(_said(event, self._pace.take()))


class _Pace:
    """Examples a second, from batch to batch: neither validation nor saving counts."""

    def __init__(self) -> None:
        from time import perf_counter

        self._now, self._last = perf_counter, perf_counter()
        self._examples, self._seconds, self._warm = 0, 0.0, False

    def add(self, examples: int) -> None:
        """One batch is done."""
        now = self._now()
        if self._warm:  # nobody knows when the first one began
            self._examples, self._seconds = (
                self._examples + examples,
                self._seconds + now - self._last,
            )
        self._last, self._warm = now, True

    def take(self) -> float | None:
        """Examples a second since the last call; None when there was too little to measure."""
        pace = self._examples / self._seconds if self._seconds else None
        self._examples, self._seconds, self._warm = 0, 0.0, False
        return pace


def _said(epoch: Epoch, pace: float | None) -> str:
    def metrics(scores: Any, before: str = "") -> str:
        # The loss of a net for numbers is its mean absolute error: once is enough.
        names = ["mae"] if "mae" in scores else list(scores)
        return "  ".join(f"{before}{name} {scores[name]:.4f}" for name in names)

    real = "" if epoch.real is None else f" ({epoch.real[0]:.2f} {epoch.real[1]})"
    speed = "" if pace is None else f"  {pace:,.0f} samples/s"
    return (
        f"epoch {epoch.number}/{epoch.epochs}  {metrics(epoch.train)}  "
        f"{metrics(epoch.valid, 'validation ')}{real}  {epoch.seconds:.1f} s{speed}"
        f"{'  *' if epoch.best else ''}"
    )


def on_stderr(colour: bool = True) -> Console:
    """A console for bars and lines on stderr, which may be a terminal that is closed meanwhile."""
    from rich.console import Console

    return Console(file=cast("IO[str]", TerminalStream(sys.stderr)), no_color=not colour)


@contextmanager
def _bar(colour: bool) -> Iterator[Callable[[Event], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from rnnviz.training.events import Epoch, Note, Step

    console = on_stderr(colour)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=1, loss=0.0)
        pace, smooth = _Pace(), None

        def above(text: str) -> None:
            line = visible(text)  # whole, so that a path in it can be copied
            progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

        def show(event: Event) -> None:
            nonlocal smooth
            if isinstance(event, Note):
                for line in event.text.splitlines():
                    above(line)
            elif isinstance(event, Epoch):
                above(_said(event, pace.take()))
            elif isinstance(event, Step):
                pace.add(event.examples)
                smooth = event.loss if smooth is None else 0.98 * smooth + 0.02 * event.loss
                progress.update(
                    bar, description=f"epoch {event.epoch}/{event.epochs}", total=event.batches,
                    completed=event.batch, loss=smooth,
                )  # fmt: skip

        yield show
