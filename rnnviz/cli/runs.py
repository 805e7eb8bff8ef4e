"""``rnnviz runs``: what was trained here, how it went, and how it compares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnviz.cli import echo, options, run_charts, run_table
from rnnviz.cli.stderr import say
from rnnviz.errors import InvalidFileError, RnnvizError
from rnnviz.files import reading

if TYPE_CHECKING:
    from rnnviz.runs import RunSummary

METRICS = ("loss", "accuracy", "mae")
HELP = """List the training runs in the folder of runs, newest first.

The validation is that of the weights that a run has kept: of its best epoch, or, where the recipe
says so, of its last one.

\b
A RUN is a run directory, its name among the runs, the beginning of its name, or: last

\b
Examples:
  rnnviz runs
  rnnviz runs plot last
  rnnviz runs plot imdb-lstm -o imdb-lstm.svg
  rnnviz runs compare imdb-rnn imdb-lstm imdb-gru --metric accuracy
"""

metric_option = click.option(
    "--metric", type=options.Choice(METRICS), help="Only this one; default: all there are."
)
output_option = click.option(
    "-o", "--output", type=options.output_file(), metavar="FILE.svg",
    help="Write the charts as SVG instead.",
)  # fmt: skip
dark_option = click.option("--dark", is_flag=True, help="Light on dark, in the SVG.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("runs", invoke_without_command=True, help=HELP)
@json_option
@options.debug
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """The table of runs."""
    if ctx.invoked_subcommand is not None:
        return
    from rnnviz.runs import begun, read_summary, runs_folder

    found = []
    for path in begun():
        try:
            with reading(path, "run"):
                run = read_summary(path)
                found.append((run.modified, run_table.facts(run), run_table.cells(run)))
        except InvalidFileError as error:
            # One damaged run must not hide the others.
            found.append((0.0, *run_table.damaged(path, error)))
    found.sort(key=lambda row: row[0], reverse=True)
    if as_json:
        echo.document([facts for _, facts, _ in found])
    elif not found:
        say(f"No runs yet in {runs_folder()}. Train one: rnnviz train")
    else:
        run_table.table([cells for _, _, cells in found])
        say("\nrnnviz runs plot NAME: the curves. rnnviz runs compare A B: side by side.")


@command.command("show")
@click.argument("run")
@json_option
@options.debug
def show(run: str, as_json: bool) -> None:
    """Show how RUN was trained and what it reached in each epoch."""
    found = _read(run)
    if as_json:
        echo.document(run_table.whole(found))
        return
    for key, value in run_table.described(found):
        echo.lines(f"{key:<12}{value}".rstrip())
    if found.history:
        echo.lines()
        run_table.table(run_table.epochs(found))


@command.command("plot")
@click.argument("run")
@metric_option
@output_option
@dark_option
@options.colour
@options.debug
def plot(run: str, metric: str | None, output: Path | None, dark: bool, color: str) -> None:
    """Draw the curves of RUN: dots are training, the line is validation, ◆ is the best epoch."""
    run_charts.check(output)
    found = _read(run)
    if not found.history:
        raise RnnvizError(f"{found.name} has no finished epoch yet: there is nothing to draw.")
    charts = run_charts.of_run(found, metric)
    if output is not None:
        run_charts.save(charts, output, dark)
    else:
        run_charts.show(charts, color)


@command.command("compare")
@click.argument("runs", nargs=-1, required=True)
@metric_option
@output_option
@dark_option
@json_option
@options.colour
@options.debug
def compare(
    runs: Sequence[str], metric: str | None, output: Path | None, dark: bool, as_json: bool,
    color: str,
) -> None:  # fmt: skip
    """Draw the validation curves of several RUNS in one chart, and list what they reached."""
    from rnnviz.charts.layout import LETTERS

    run_charts.check(output)
    found = [_read(name) for name in runs]
    empty = [run.name for run in found if not run.history]
    if empty:
        raise RnnvizError(f"No finished epoch yet: {', '.join(empty)}.")
    metric = metric or run_charts.common(found)
    if as_json:
        rows = [run_table.facts(run, metric) for run in found]
        echo.document({"metric": metric, "runs": rows})
        return
    chart = run_charts.of_runs(found, metric)
    if output is not None:
        run_charts.save([chart], output, dark)
        return
    run_charts.show([chart], color)
    echo.lines()
    letters = LETTERS if len(found) > 1 else "-"
    run_table.table(
        [
            {"line": letters[k % len(letters)], **run_table.cells(run, metric)}
            for k, run in enumerate(found)
        ]
    )


def _read(name: str) -> RunSummary:
    from rnnviz.runs import find_run, read_summary

    return read_summary(find_run(name))
