"""``rnnviz train``: train a recipe, or a net for a table, into a run directory."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz import i18n
from rnnviz.cells import CELLS
from rnnviz.cli import completions, config_file, options, stdout, table_options
from rnnviz.cli.commands import Choice, LocalizedCommand
from rnnviz.cli.stderr import say
from rnnviz.cli.tables import metric_name
from rnnviz.cli.train_progress import progress_on_stderr
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _, language, translated
from rnnviz.progress import net_writes, with_bits

if TYPE_CHECKING:
    from rnnviz.runs import Run

#: The recipe that is trained by default, in 7 to 15 seconds on two cores.
DEFAULT_RECIPE = "sentiment-lstm"

HELP = N_("""\
Train RECIPE, or a net for a table of your own; step through it with rnnviz step -m DIR.

Without RECIPE this trains sentiment-lstm on the sample in the package, in 7 to 15 seconds. ctrl+c
finishes the batch and saves, a second ctrl+c ends at once; --resume continues an interrupted run.

FILE is a table with a text and a class a row: CSV, TSV or JSON lines, also .gz. With --write it is
one text, and the net learns to write like it.

\b
Examples:
  rnnviz train
  rnnviz train sentiment-gru --data ~/datasets --time-budget 20m
  rnnviz train sentiment-lstm --data sample --units 8 --epochs 3 --out my-run
  rnnviz train agnews-bilstm --data ~/datasets --variant buckets
  rnnviz train --resume my-run --epochs 6
  rnnviz train reviews.csv                             then: rnnviz step -m last "a text"
  rnnviz train reviews.csv --text body --label stars --cell gru --units 16
  rnnviz train sales.csv --series units --lookback 28 --horizon 7
  rnnviz train poems.txt --write                       then: rnnviz write -m last
""")


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
#: A year.
MAX_SECONDS = 8760 * 3600


class Duration(click.ParamType[float]):
    """A duration in seconds: 90, 90s, 5m, 1h."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip().lower())
        seconds = _SECONDS[match[2]] * float(match[1]) if match else 0.0
        if not 0 < seconds <= MAX_SECONDS:
            self.fail(
                _("{value!r} is not a duration up to 8760h. Write 90s, 5m or 1h.").format(
                    value=value
                ),
                param,
                ctx,
            )
        return seconds


@click.command("train", cls=LocalizedCommand, help=HELP)
@click.argument("recipe", required=False, metavar="[RECIPE|FILE]",
                shell_complete=completions.recipes_and_files)  # fmt: skip
@click.option("--resume", metavar="RUN", shell_complete=completions.runs,
              help=N_("Resume a run: its folder, its name, or: last."))  # fmt: skip
@click.option("--data", metavar="DIR", shell_complete=completions.data_folders,
              help=N_("Folder of data sets, or: sample. Default: $RNNVIZ_DATA, else what was "
                      "fetched, else the sample."))  # fmt: skip
@click.option("--variant", metavar="NAME", shell_complete=completions.variants,
              help=N_("Another way to prepare the data; see: rnnviz recipes show."))  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help=N_("The run directory.")
)
@click.option("--epochs", type=options.EPOCHS, metavar="N")
@click.option("--time-budget", type=Duration(), metavar="TIME",
              help=N_("Save and stop after this time: 90s, 5m, 1h."))  # fmt: skip
@click.option("--batch-size", type=options.BATCH_SIZE, metavar="N")
@click.option("--units", type=click.IntRange(1, 4096), metavar="N")
@click.option("--cell", type=Choice(tuple(CELLS)))
@click.option("--dropout", type=options.Share(), metavar="P",
              help=N_("Dropout of the layer's input, one mask per sequence."))  # fmt: skip
@click.option("--recurrent-dropout", type=options.Share(), metavar="P",
              help=N_("Dropout of the hidden state, one mask per gate."))  # fmt: skip
@click.option("--layers", type=click.IntRange(1, 64), metavar="N",
              help=N_("Recurrent layers, one above the other."))  # fmt: skip
@click.option("--bidirectional/--one-direction", "bidirectional", default=None,
              help=N_("Read in both directions."))  # fmt: skip
@click.option("--embedding", type=click.IntRange(1, 4096), metavar="N",
              help=N_("Numbers of a word vector."))  # fmt: skip
@click.option("--mask/--no-mask", default=None, help=N_("Whether padding is skipped or read."))
@click.option("--rate", type=options.Positive(), metavar="R", help=N_("Learning rate."))
@click.option("--clip", type=options.Positive(), metavar="NORM",
              help=N_("The largest joint norm of the gradients."))  # fmt: skip
@click.option("--patience", type=options.EPOCHS, metavar="N",
              help=N_("Stop after N epochs without a better one."))  # fmt: skip
@click.option("--limit", type=options.ROWS, metavar="N", help=N_("Rows of each data set."))
@click.option("--seed", type=options.SEED, metavar="N", help=N_("Default: 0."))
@click.option("--sentence", metavar="TEXT",
              help=N_("A sentence to read again and again while training. Default: the recipe's "
                      "example."))  # fmt: skip
@click.option("--snapshots", type=click.IntRange(0, 1000), metavar="N",
              help=N_("How often the weights are kept while training, for rnnviz step -m RUN@STEP. "
                      "Default: 24."))  # fmt: skip
@table_options.of_training
@options.device
@options.lang
@options.theme
@options.colour
@click.option("--plain", is_flag=True, help=N_("Lines of text, no screen."))
@click.option("-q", "--quiet", is_flag=True, help=N_("Print only the run directory."))
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
    """Train and print the run directory."""
    from rnnviz import runs

    keymap = config_file.user_keymap()
    of_table = table_options.take(changes)
    given = {name: value for name, value in changes.items() if value is not None}
    path = None
    if resume is not None:
        _check_resumable(recipe, out, given | of_table)
    elif (path := table_options.table_path(recipe, of_table)) is not None:
        if "variant" in given or data is not None:
            flag = "--data" if data is not None else "--variant"
            raise UsageError(
                _("{flag} is for recipes; {name} is a table. Leave it out.").format(
                    flag=flag, name=path.name
                )
            )
        given["table"] = table_options.choice(path, of_table)
        recipe, data = path.name, str(path.parent)
    elif recipe is None:
        recipe, data = DEFAULT_RECIPE, "sample" if data is None else data
        if not quiet:
            say(_("Training {recipe} on the {data} data.").format(recipe=recipe, data=data))
    changed = runs.Options(epochs=epochs, **given)
    job = runs.TrainingJob(recipe, changed, data, out, resume, time_budget, device)
    colour = options.use_colour(color)
    if not plain and not quiet and _is_interactive():
        from rnnviz.cli.dashboard import train_with_dashboard

        lang, theme = options.language(lang), options.theme_name(theme)
        if path is not None:  # the screen has no room for it
            for line in runs.table_lines(path, changed):
                say(line)
        run = train_with_dashboard(job, lang=lang, theme=theme, colour=colour, keymap=keymap)
    else:
        with progress_on_stderr(quiet, plain=plain, colour=colour) as watch:
            run = runs.run_job(job, watch=watch)
    if not quiet:
        for line in _result_lines(run):
            say(line)
    stdout.path(run.path)
    return 0


def _is_interactive() -> bool:
    return (
        options.stdin_is_terminal()
        and options.stdout_is_terminal()
        and options.stderr_is_terminal()
    )


def _check_resumable(recipe: str | None, out: Path | None, given: dict[str, Any]) -> None:
    """UsageError for options that a resumed run cannot change."""
    flags = ["--" + name.replace("_", "-") for name in given]
    flags += ["--out"] if out is not None else []
    flags += [recipe] if recipe is not None else []
    if flags:
        raise UsageError(
            _(
                "--resume continues a run as it was started, so it cannot take {flags}. It "
                "takes --epochs, --time-budget, --data and --device."
            ).format(flags=", ".join(flags))
        )


def _result_lines(run: Run) -> Iterator[str]:
    """The metrics of a finished run, beside the published number."""
    result = run.result()
    if result is None:
        return
    record = run.record()
    metric, published = record["metric"], record["published"] or {}
    for which in ("valid", "test"):
        scores = result[which]
        if scores:
            name = _("test")
            if which == "valid":
                name = _("validation (epoch {epoch}, whose weights are saved)").format(
                    epoch=result["best_epoch"]
                )
            if net_writes(record["config"]):
                scores = with_bits(scores)
            metrics = "  ".join(f"{metric_name(key)} {value:.4f}" for key, value in scores.items())
            yield f"{name}: {metrics}{_in_unit(scores, metric)}"
    files = [name for name in record["data"] if not record["trained_on"].startswith(name)]
    yield _("trained on: {data}").format(data=i18n.trained_on(record["trained_on"], language())) + (
        f" ({', '.join(files)})" if files else ""
    )
    table = record["options"].get("table")
    if table and table.get("write"):
        yield _("Let it write: rnnviz write -m {path}").format(path=shlex.quote(str(run.path)))
    elif published.get("value") is None and table:
        naive = record["preparation"].get("as today")
        if naive is not None:
            scale, unit = record["metric"]["scale"], record["metric"]["unit"]
            values = (f"{metric_name(of)} {mae:.4f} ({mae * scale:.4g}{unit and ' ' + unit})"
                      for of, mae in naive.items())  # fmt: skip
            yield _("naive forecast, the last value stays: mae {values}").format(
                values=", ".join(values)
            )
            yield _("Step through a window: rnnviz step -m {path} 1").format(path=run.path)
        else:
            yield _("Evaluate it on a table: rnnviz evaluate {path} FILE").format(
                path=shlex.quote(str(run.path))
            )
    if record.get("sample"):
        yield _("That is the small sample in the package. Your own data: --data DIR")
    if published.get("value") is not None:
        yield (
            _("published: {split} {metric} {value} ({source})").format(
                split=metric_name(published["of"]),
                metric=metric_name(published["metric"]),
                value=published["value"],
                source=translated(published["source"]),
            )
        )
    if record["config"] is not None and record["config"]["source"].get("vocabulary"):
        plain = not any(char in record["example"] for char in '"$`!\\')
        text = f'"{record["example"]}"' if plain else shlex.quote(record["example"])
        yield _("Step through it: rnnviz step -m {path} {text}").format(path=run.path, text=text)


def _in_unit(scores: dict[str, float], metric: dict[str, Any]) -> str:
    if "scale" not in metric:
        return ""
    value = scores[metric["name"]] * metric["scale"]
    shown = f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"
    return f" ({shown} {metric['unit']}".rstrip() + ")"
