"""``rnnviz train``: train a recipe into a run directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnviz.cli import options
from rnnviz.display import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from rnnviz.training.events import Epoch, Event

#: What runs without a recipe: on the sample in the package, in about a minute on two cores.
QUICK = "sentiment-lstm"

HELP = """Train RECIPE; the result can be stepped through with rnnviz step -m DIR.

Without RECIPE this trains sentiment-lstm on the sample in the package, in about a minute.

\b
Examples:
  rnnviz train
  rnnviz train sentiment-gru --data ~/datasets
  rnnviz train sentiment-lstm --data sample --units 8 --epochs 3 --out my-run
"""


@click.command("train", help=HELP)
@click.argument("recipe", required=False)
@click.option("--data", metavar="DIR",
              help="Folder of data sets, or: sample. Default: $RNNVIZ_DATA.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The run directory.")
@click.option("--epochs", type=click.IntRange(1), metavar="N")
@click.option("--batch-size", type=click.IntRange(1), metavar="N")
@click.option("--units", type=click.IntRange(1, 4096), metavar="N")
@click.option("--cell", type=options.Choice(options.CELLS))
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), metavar="P",
              help="Of the layer's input, one mask a sequence.")  # fmt: skip
@click.option("--recurrent-dropout", type=click.FloatRange(0, 1, max_open=True), metavar="P",
              help="Of the hidden state, one mask a gate.")  # fmt: skip
@click.option("--limit", type=click.IntRange(10), metavar="N", help="Rows of each data set.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@options.device
@click.option("-q", "--quiet", is_flag=True, help="Say only where the run is.")
@options.debug
def command(
    recipe: str | None,
    data: str | None,
    out: Path | None,
    epochs: int | None,
    batch_size: int | None,
    units: int | None,
    cell: str | None,
    dropout: float | None,
    recurrent_dropout: float | None,
    limit: int | None,
    seed: int,
    device: str,
    quiet: bool,
) -> int:
    """Parse, train, say where the run is."""
    from rnnviz.engine.device import choose

    choose(device)
    from rnnviz.runs import Options, train

    if recipe is None:
        recipe = QUICK
        if data is None:
            data = "sample"
        if not quiet:
            click.echo(f"Training {recipe} on the {data} data.", err=True)
    changes = Options(
        epochs=epochs, batch_size=batch_size, units=units, cell=cell, dropout=dropout,
        recurrent_dropout=recurrent_dropout, limit=limit, seed=seed,
    )  # fmt: skip
    with _watching(quiet) as watch:
        run = train(recipe, changes, data=data, out=out, watch=watch)
    click.echo(str(run.path))
    if not quiet:
        click.echo(f'Step through it: rnnviz step -m {run.path} "not good at all"', err=True)
    return 0


@contextmanager
def _watching(quiet: bool) -> Iterator[Callable[[Event], None]]:
    """How the training is shown: a progress bar on a terminal, else a line an epoch."""
    if quiet:
        yield lambda event: None
    elif not sys.stderr.isatty():
        yield _lines
    else:
        with _bar() as show:
            yield show


def _lines(event: Event) -> None:
    from rnnviz.training.events import Epoch, Note

    if isinstance(event, Note):
        click.echo(visible(event.text), err=True)
    elif isinstance(event, Epoch):
        click.echo(_said(event), err=True)


def _said(epoch: Epoch) -> str:
    return (
        f"epoch {epoch.number}/{epoch.epochs}  loss {epoch.train['loss']:.4f}  "
        f"accuracy {epoch.train['accuracy']:.4f}  validation loss {epoch.valid['loss']:.4f}  "
        f"validation accuracy {epoch.valid['accuracy']:.4f}  {epoch.seconds:.1f} s"
    )


@contextmanager
def _bar() -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from rnnviz.training.events import Epoch, Note

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=1, loss=0.0)
        smooth = 0.0

        def show(event: Event) -> None:
            nonlocal smooth
            if isinstance(event, Note):
                progress.console.print(event.text, markup=False, highlight=False)
            elif isinstance(event, Epoch):
                progress.console.print(_said(event), markup=False, highlight=False)
            else:
                smooth = event.loss if event.batch == 1 else 0.98 * smooth + 0.02 * event.loss
                progress.update(
                    bar, description=f"epoch {event.epoch}/{event.epochs}", total=event.batches,
                    completed=event.batch, loss=smooth,
                )  # fmt: skip

        yield show
