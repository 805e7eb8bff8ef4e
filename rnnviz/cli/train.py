"""``rnnviz train``: train a recipe into a run directory."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import options
from rnnviz.display import visible
from rnnviz.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rnnviz.runs import Run
    from rnnviz.training.events import Epoch, Event

#: What runs without a recipe: on the sample in the package, in about a minute on two cores.
QUICK = "sentiment-lstm"

HELP = """Train RECIPE; the result can be stepped through with rnnviz step -m DIR.

Without RECIPE this trains sentiment-lstm on the sample in the package, in about a minute. ctrl+c
once finishes the batch and saves; --resume goes on as if nothing had happened.

\b
Examples:
  rnnviz train
  rnnviz train sentiment-gru --data ~/datasets --time-budget 20m
  rnnviz train sentiment-lstm --data sample --units 8 --epochs 3 --out my-run
  rnnviz train --resume my-run --epochs 6
"""


class Span(click.ParamType[float]):
    """A span of time: 90, 90s, 5m, 1h; in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip().lower())
        if not found or float(found[1]) <= 0:
            self.fail(f"{value!r} is no span of time. Write 90s, 5m or 1h.", param, ctx)
        return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


@click.command("train", help=HELP)
@click.argument("recipe", required=False)
@click.option("--resume", metavar="RUN",
              help="Go on with a run: its folder, its name, or: last.")  # fmt: skip
@click.option("--data", metavar="DIR",
              help="Folder of data sets, or: sample. Default: $RNNVIZ_DATA.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The run directory.")
@click.option("--epochs", type=click.IntRange(1), metavar="N")
@click.option("--time-budget", type=Span(), metavar="TIME",
              help="Save and end after so long: 90s, 5m, 1h.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(1), metavar="N")
@click.option("--units", type=click.IntRange(1, 4096), metavar="N")
@click.option("--cell", type=options.Choice(options.CELLS))
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), metavar="P",
              help="Of the layer's input, one mask a sequence.")  # fmt: skip
@click.option("--recurrent-dropout", type=click.FloatRange(0, 1, max_open=True), metavar="P",
              help="Of the hidden state, one mask a gate.")  # fmt: skip
@click.option("--limit", type=click.IntRange(10), metavar="N", help="Rows of each data set.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Default: 0.")
@options.device
@options.lang
@options.theme
@options.colour
@click.option("--plain", is_flag=True, help="Lines of text, no screen.")
@click.option("-q", "--quiet", is_flag=True, help="Say only where the run is.")
@options.debug
def command(
    recipe: str | None,
    resume: str | None,
    data: str | None,
    out: Path | None,
    epochs: int | None,
    time_budget: float | None,
    device: str,
    lang: str | None,
    theme: str | None,
    color: str,
    plain: bool,
    quiet: bool,
    **changes: Any,
) -> int:
    """Parse, train, say where the run is."""
    from rnnviz.engine.device import choose

    choose(device)
    from rnnviz import runs

    given = {name: value for name, value in changes.items() if value is not None}
    if resume is not None:
        _check_resumable(recipe, out, given)
    elif recipe is None:
        recipe, data = QUICK, "sample" if data is None else data
        if not quiet:
            click.echo(f"Training {recipe} on the {data} data.", err=True)
    made = runs.Options(epochs=epochs, **given)
    asked: dict[str, Any] = {"data": data, "time_budget": time_budget}
    if not plain and not quiet and _on_screen():
        from rnnviz.cli.dashboard import watched

        look = (options.language(lang), theme or "dark", options.use_colour(color))
        run = watched(recipe, made, *look, out=out, resume=resume, **asked)
    else:
        with _watching(quiet) as watch:
            asked["watch"] = watch
            if resume is not None:
                run = runs.resume(resume, epochs=epochs, **asked)
            else:
                assert recipe is not None
                run = runs.train(recipe, made, out=out, **asked)
    if not quiet:
        for line in _ending(run):
            click.echo(visible(line), err=True)
    click.echo(str(run.path))
    return 0


def _on_screen() -> bool:
    return options.stdout_is_terminal() and sys.stderr.isatty() and sys.stdin.isatty()


def _check_resumable(recipe: str | None, out: Path | None, given: dict[str, Any]) -> None:
    """What a run is made of is settled when it begins."""
    flags = ["--" + name.replace("_", "-") for name in given]
    flags += ["--out"] if out is not None else []
    flags += [recipe] if recipe is not None else []
    if flags:
        raise UsageError(
            f"--resume goes on with a run as it began, so it cannot take {', '.join(flags)}. "
            "It takes --epochs, --time-budget and --data."
        )


def _ending(run: Run) -> Iterator[str]:
    """What it came to, beside the published number."""
    result = run.result()
    if result is None:
        return
    record = run.record()
    metric, published = record["metric"], record["published"] or {}
    for which in ("valid", "test"):
        scores = result[which]
        if scores:
            name = {"valid": f"validation (epoch {result['best_epoch']})", "test": "test"}[which]
            said = "  ".join(f"{key} {value:.4f}" for key, value in scores.items())
            yield f"{name}: {said}{_real(scores, metric)}"
    if published.get("value") is not None:
        yield (
            f"published: {published['of']} {published['metric']} {published['value']} "
            f"({published['source']})"
        )
    if record["config"] is not None and record["config"]["source"].get("vocabulary"):
        yield f'Step through it: rnnviz step -m {run.path} "{record["example"]}"'


def _real(scores: dict[str, float], metric: dict[str, Any]) -> str:
    if "scale" not in metric:
        return ""
    return f" ({scores[metric['name']] * metric['scale']:.2f} {metric['unit']})"


@contextmanager
def _watching(quiet: bool) -> Iterator[Callable[[Event], None]]:
    """How the training is shown: a progress bar on a terminal, else a line an epoch."""
    if quiet:
        yield lambda event: None
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        with _bar() as show:
            yield show


class _Lines:
    """Notes as they come, and a line an epoch."""

    def __init__(self) -> None:
        self._pace = _Pace()

    def __call__(self, event: Event) -> None:
        from rnnviz.training.events import Epoch, Note, Step

        if isinstance(event, Note):
            for line in event.text.splitlines():
                click.echo(visible(line), err=True)
        elif isinstance(event, Step):
            self._pace.add(event.examples)
        elif isinstance(event, Epoch):
            click.echo(_said(event, self._pace.take()), err=True)


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


@contextmanager
def _bar() -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from rnnviz.training.events import Epoch, Note, Step

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=1, loss=0.0)
        pace, smooth = _Pace(), None

        def say(text: str) -> None:
            progress.console.print(visible(text), markup=False, highlight=False)

        def show(event: Event) -> None:
            nonlocal smooth
            if isinstance(event, Note):
                for line in event.text.splitlines():
                    say(line)
            elif isinstance(event, Epoch):
                say(_said(event, pace.take()))
            elif isinstance(event, Step):
                pace.add(event.examples)
                smooth = event.loss if smooth is None else 0.98 * smooth + 0.02 * event.loss
                progress.update(
                    bar, description=f"epoch {event.epoch}/{event.epochs}", total=event.batches,
                    completed=event.batch, loss=smooth,
                )  # fmt: skip

        yield show
