"""``rnnviz reproduce``: the published numbers, measured again."""

from __future__ import annotations

from pathlib import Path

import click

from rnnviz.cli import completions, options, stderr, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _

HELP = N_("""Train each RECIPE with several seeds, and print its results beside the published ones.

A RECIPE is a name (see: rnnviz recipes), NAME:VARIANT (see: rnnviz recipes show NAME) or a group:
all, imdb, jena, agnews, sentiment. Each run has a directory in --out. Finished runs are not trained
again and interrupted ones are resumed, so ctrl+c and the same command later lose nothing. table.md
and table.json are written there after every run.

With --dask the runs are computed by the workers of a Dask cluster. They need rnnviz, and the
folders --data and --out at the same paths (a shared file system); give each worker one thread.
A run whose worker ends is resumed by another one.

The cluster is trusted: Dask sends Python objects as pickles, and reading a pickle can run any
code. This command reads what the scheduler and the workers send, the workers read what the
scheduler sends, and a scheduler has no password. So whoever controls the scheduler, a
worker, or can reach the scheduler's port, can run code as you, here and on the workers. Name only
a cluster that you started, on a network that you trust.

\b
Examples:
  rnnviz reproduce imdb --data ~/datasets --seeds 3 --jobs 2
  rnnviz reproduce jena-gru agnews-rnn --data ~/datasets --json
  rnnviz reproduce all --data /shared/datasets --out /shared/runs --dask tcp://10.0.0.5:8786
  rnnviz reproduce imdb-rnn --data sample --limit 20 --epochs 1
""")


@click.command("reproduce", cls=LocalizedCommand, help=HELP)
@click.argument("recipes", metavar="RECIPE…", nargs=-1, required=True,
                shell_complete=completions.recipes_and_groups)  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 1000), default=1, show_default=True, metavar="K",
              help=N_("Train with the seeds 0 to K-1."))  # fmt: skip
@click.option("--data", metavar="DIR", shell_complete=completions.data_folders,
              help=N_("Folder of data sets, or: sample. Default: $RNNVIZ_DATA."))  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help=N_("Folder of the runs and the table. Default: one of the user's."))  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, metavar="N",
              help=N_("Runs at a time, each in a process on one core."))  # fmt: skip
@click.option(
    "--dask",
    metavar="ADDRESS",
    help=N_("Scheduler of a Dask cluster to compute on. It and its workers can run code as you."),
)
@click.option("--epochs", type=options.EPOCHS, metavar="N",
              help=N_("Instead of the recipe's."))  # fmt: skip
@click.option("--limit", type=options.ROWS, metavar="N", help=N_("Rows of each data set."))
@click.option("--json", "as_json", is_flag=True, help=N_("Print table.json instead of a table."))
@click.option("-q", "--quiet", is_flag=True, help=N_("Say nothing while training."))
@options.debug
def command(
    recipes: tuple[str, ...],
    seeds: int,
    data: str | None,
    out: Path | None,
    jobs: int,
    dask: str | None,
    epochs: int | None,
    limit: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train and print the table; the exit code, 1 if a run failed."""
    from rnnviz.cli.tables import print_table, print_text
    from rnnviz.reproduce import ReproduceOptions, reproduce
    from rnnviz.reproduce.table import cells, notes

    if dask is not None and jobs > 1:
        raise UsageError(_("--dask computes on as many workers as there are: leave --jobs out."))

    def say(text: str) -> None:
        if not quiet:
            stderr.say(text)

    chosen = ReproduceOptions(recipes, seeds, data, out, epochs, limit)
    document = reproduce(chosen, jobs=jobs, dask=dask, say=say)
    rows = document["rows"]
    if as_json:
        stdout.document(document)
    else:
        print_table(cells(rows))
        stdout.lines()
        for note in notes(rows):
            print_text(note)
    return 1 if any(row["failed"] is not None for row in rows) else 0
