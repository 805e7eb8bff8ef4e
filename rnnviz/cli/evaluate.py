"""``rnnviz evaluate``: a model on a labelled table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, config_file, options, stdout, table_options
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.stderr import say
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.explore.evaluation import TableEvaluation

HELP = N_("""\
Evaluate MODEL on the table FILE: accuracy, confusion matrix, calibration, worst examples.

FILE is a table with a text and a class a row, read as by rnnviz train FILE; for a model of a series
it has numbers, and the errors of the forecasts stand beside those of the naive ones. On a terminal
the worst texts are a list, and enter steps into one; elsewhere, or with --plain, lines of text.

\b
Examples:
  rnnviz evaluate last held-out.csv
  rnnviz evaluate sentiment-lstm reviews.csv --text review --label sentiment
  rnnviz evaluate last reviews.csv --json | jq .calibration.expected_error
""")


@click.command("evaluate", cls=LocalizedCommand, help=HELP)
@click.argument("model", shell_complete=completions.models)
@click.argument("file", type=click.Path(path_type=Path))
@table_options.columns
@table_options.reading
@click.option("--worst", type=click.IntRange(0, 10_000), default=20, show_default=True,
              metavar="N", help=N_("How many of the worst examples are listed."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.lang
@options.theme
@options.colour
@click.option("--plain", is_flag=True, help=N_("Lines of text, no screen."))
@click.option("-q", "--quiet", is_flag=True, help=N_("Say nothing on stderr."))
@options.debug
def command(
    model: str,
    file: Path,
    worst: int,
    as_json: bool,
    lang: str | None,
    theme: str | None,
    color: str,
    plain: bool,
    quiet: bool,
    **params: Any,
) -> int:
    """Evaluate, then print or open the list."""
    from rnnviz.explore.evaluation import evaluate_table
    from rnnviz.files import user_path

    keymap = config_file.user_keymap()
    given = table_options.take(params)
    path = user_path(file)
    if path.is_dir():
        raise UsageError(_("{path} is a folder. Name the table in it.").format(path=path))
    if _reads_series(model):
        return _evaluate_series(model, path, given, worst, as_json, quiet)
    found = evaluate_table(model, path.parent, table_options.choice(path, given))
    if not quiet:
        for remark in found.remarks:
            say(f"{translated(remark)}.")
    if as_json:
        stdout.document(_document(found, file, worst))
        return 0
    from rnnviz.cli import evaluation_text

    evaluation_text.print_report(found, file.name)
    on_screen = options.stdin_is_terminal() and options.stdout_is_terminal()
    if plain or not on_screen or not worst:
        evaluation_text.print_worst(found, worst)
        return 0
    from rnnviz.cli.evaluation_list import open_list

    return open_list(model, found, worst, lang=lang, theme=theme, color=color, keymap=keymap)


def _reads_series(model: str) -> bool:
    from rnnviz.data.series import Scaling
    from rnnviz.tracer.model_cache import cached_model

    return isinstance(cached_model(model).encoder, Scaling)


def _evaluate_series(
    model: str, path: Path, given: dict[str, Any], worst: int, as_json: bool, quiet: bool
) -> int:
    from rnnviz.cli import evaluation_text
    from rnnviz.explore.series_evaluation import evaluate_series

    if given:
        flags = ", ".join(map(table_options.flag, given))
        raise UsageError(
            _("{model} reads a series, as in training, so it cannot take {flags}.").format(
                model=model, flags=flags
            )
        )
    found = evaluate_series(model, path)
    if not quiet:
        for remark in found.remarks:
            say(f"{translated(remark)}.")
    if as_json:
        document = {"schema": "rnnviz.evaluation/1", "model": found.model, "file": str(path)}
        windows = [each._asdict() for each in found.worst(worst)]
        stdout.document({**document, **found.to_json(), "worst": windows})
        return 0
    evaluation_text.print_series(found, worst)
    return 0


def _document(found: TableEvaluation, file: Path, worst: int) -> dict[str, Any]:
    from rnnviz.cli.evaluation_text import worst_examples

    return {
        "schema": "rnnviz.evaluation/1",
        "model": found.model,
        "file": str(file),
        "labels_matched": "by name" if found.matched_by_name else "in order",
        "skipped": [{"line": line, "why": why} for line, why in found.rows.skipped],
        **found.evaluation.to_json(),
        "worst": [each._asdict() for each in worst_examples(found, worst)],
    }
