"""``rnnviz runs``: the training runs, their curves, and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnviz.cli import completions, options, run_charts, run_table, stdout
from rnnviz.cli.commands import Choice, LocalizedGroup
from rnnviz.cli.stderr import say
from rnnviz.cli.tables import print_table
from rnnviz.errors import InvalidFileError, RnnvizError
from rnnviz.files import invalid_file_on_error
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.runs import RunSummary

METRICS = ("loss", "accuracy", "mae", "bits", "perplexity")
HELP = N_("""List the training runs in the folder of runs, newest first.

The validation metric is that of the saved weights: of the best epoch, or, if the recipe says so, of
the last one.

\b
A RUN is a run directory, its name among the runs, the beginning of its name, or: last

\b
Examples:
  rnnviz runs
  rnnviz runs plot last
  rnnviz runs plot imdb-lstm -o imdb-lstm.svg
  rnnviz runs compare imdb-rnn imdb-lstm imdb-gru --metric accuracy
""")

metric_option = click.option(
    "--metric", type=Choice(METRICS), help=N_("Only this one; default: all there are.")
)
output_option = click.option(
    "-o", "--output", type=options.output_file(), metavar="FILE",
    help=N_("Write the charts to FILE.svg, .png or .pdf instead."),
)  # fmt: skip
dark_option = click.option("--dark", is_flag=True, help=N_("A dark background in the picture."))
json_option = click.option("--json", "as_json", is_flag=True, help=N_("Print JSON."))


@click.group("runs", cls=LocalizedGroup, invoke_without_command=True, help=HELP)
@json_option
@options.debug
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """The table of runs."""
    if ctx.invoked_subcommand is not None:
        return
    from rnnviz.runs import read_summary, run_directories, runs_folder

    rows = []
    for path in run_directories():
        try:
            with invalid_file_on_error(path, _("run")):
                run = read_summary(path)
                rows.append((run.modified, run_table.facts(run), run_table.table_row(run)))
        except InvalidFileError as error:
            rows.append((0.0, *run_table.damaged_row(path, error)))
    rows.sort(key=lambda row: row[0], reverse=True)
    if as_json:
        stdout.document([facts for _when, facts, _cells in rows])
    elif not rows:
        say(_("No runs yet in {folder}. Train one: rnnviz train").format(folder=runs_folder()))
    else:
        run_table.print_runs([cells for _when, _facts, cells in rows])
        say("\n" + _("rnnviz runs plot NAME: the curves. rnnviz runs compare A B: side by side."))


@command.command("show", help=N_("Show how RUN was trained and what it reached in each epoch."))
@click.argument("run", shell_complete=completions.runs)
@json_option
@options.debug
def show(run: str, as_json: bool) -> None:
    """Show how RUN was trained and what it reached in each epoch."""
    summary = _read(run)
    if as_json:
        stdout.document(run_table.to_json(summary))
        return
    print_table(run_table.description(summary))
    if summary.history:
        stdout.lines()
        run_table.print_runs(run_table.epoch_rows(summary))


PLOT_HELP = N_("""\
Draw the curves of RUN: dots are training, the line is validation, ◆ is the best epoch.
""")


@command.command("plot", help=PLOT_HELP)
@click.argument("run", shell_complete=completions.runs)
@metric_option
@output_option
@dark_option
@options.colour
@options.debug
def plot(run: str, metric: str | None, output: Path | None, dark: bool, color: str) -> None:
    """Draw the curves of RUN: dots are training, the line is validation, ◆ is the best epoch."""
    run_charts.check(output)
    summary = _read(run)
    if not summary.history:
        raise RnnvizError(
            _("{name} has no finished epoch yet: there is nothing to draw.").format(
                name=summary.name
            )
        )
    charts = run_charts.of_run(summary, metric)
    if output is not None:
        run_charts.save(charts, output, dark)
    else:
        run_charts.show(charts, color)


COMPARE_HELP = N_("""\
Draw the validation curves of several RUNS in one chart, and list what they reached.
""")


@command.command("compare", help=COMPARE_HELP)
@click.argument("runs", nargs=-1, required=True, shell_complete=completions.runs)
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
    summaries = [_read(name) for name in runs]
    empty = [run.name for run in summaries if not run.history]
    if empty:
        raise RnnvizError(_("No finished epoch yet: {names}.").format(names=", ".join(empty)))
    metric = metric or run_charts.common_metric(summaries)
    if as_json:
        rows = [run_table.facts(run, metric) for run in summaries]
        stdout.document({"metric": metric, "runs": rows})
        return
    chart = run_charts.of_runs(summaries, metric)
    if output is not None:
        run_charts.save([chart], output, dark)
        return
    run_charts.show([chart], color)
    stdout.lines()
    letters = LETTERS if len(summaries) > 1 else "-"
    run_table.print_runs(
        [
            {_("line"): letters[k % len(letters)], **run_table.table_row(run, metric)}
            for k, run in enumerate(summaries)
        ]
    )


def _read(name: str) -> RunSummary:
    from rnnviz.runs import find_run, read_summary

    return read_summary(find_run(name))
