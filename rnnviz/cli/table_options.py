"""The options of ``rnnviz train FILE``: the columns of a table and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rnnviz.cli import options
from rnnviz.cli.commands import Choice
from rnnviz.cli.language import LANGUAGES
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.data.user_tables.choice import TableChoice

F = TypeVar("F", bound=Callable[..., Any])

#: Endings of tables; a file of any other name is read where a column is named or it exists.
ENDINGS: Final = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json")
PACKED: Final = (".gz", ".xz", ".zip")
#: The names of the options in the command's parameters, and those of TableChoice.
NAMES: Final = {
    "text": "text", "label": "label", "header": "header", "encoding": "encoding",
    "bad_rows": "bad_rows", "validation": "validation", "test": "test",
    "max_length": "max_length", "vocabulary": "vocabulary", "text_lang": "language",
    "series": "series", "time": "time", "lookback": "lookback", "horizon": "horizon",
    "write": "write", "words": "words",
}  # fmt: skip
#: The share of a text that a net which writes is validated on.
VALIDATION_OF_WRITING: Final = 0.1
#: Options that a series does not have.
_OF_TEXTS: Final = ("text", "label", "max_length", "vocabulary", "language")


def reading(f: F) -> F:
    """How a table is read: --header, --encoding, --bad-rows."""
    f = click.option(
        "--bad-rows", type=Choice(("few", "skip", "refuse")),
        help=N_("Rows that cannot be used are named by line; up to one in twenty is skipped (few), "
                "any number (skip), or none (refuse)."),
    )(f)  # fmt: skip
    f = click.option(
        "--encoding",
        metavar="CODEC",
        help=N_(
            "Encoding of the table, as cp1254. Default: UTF-8, UTF-16 or Windows-1252, found from "
            "the content."
        ),
    )(f)
    return click.option(
        "--header/--no-header", default=None,
        help=N_("Whether the first row has the names of the columns."),
    )(f)  # fmt: skip


def columns(f: F) -> F:
    """--text and --label."""
    f = click.option("--label", metavar="COLUMN", help=N_("The column of the classes."))(f)
    return click.option(
        "--text", multiple=True, metavar="COLUMN",
        help=N_("The column of the texts, by name or number; several are joined."),
    )(f)  # fmt: skip


def of_training(f: F) -> F:
    """All options that only a table has in training."""
    f = reading(f)
    f = click.option("--words", is_flag=True, help=N_("With --write: word by word."))(f)
    f = click.option(
        "--write", is_flag=True,
        help=N_("FILE is one text; the net learns to write like it, letter by letter."),
    )(f)  # fmt: skip
    f = click.option(
        "--text-lang", type=Choice(LANGUAGES),
        help=N_("Language of the texts: tr has ı as the lower case of I."),
    )(f)  # fmt: skip
    f = click.option(
        "--vocabulary", type=click.IntRange(3, 1_000_000), metavar="N",
        help=N_("The most words, padding and unknown word included. Default: 10000."),
    )(f)  # fmt: skip
    f = click.option(
        "--max-length", type=click.IntRange(1, 10_000), metavar="N",
        help=N_("Words of a text that are read. Default: so many that 95 % of the texts are read "
                "whole, at most 200."),
    )(f)  # fmt: skip
    f = click.option(
        "--test", type=options.Share(), metavar="P",
        help=N_("Share of the rows to test on after training. Default: 0."),
    )(f)  # fmt: skip
    f = click.option(
        "--validation", type=options.Share(), metavar="P",
        help=N_("Share of the rows to validate on. Default: .2"),
    )(f)  # fmt: skip
    f = click.option(
        "--horizon", type=click.IntRange(1, 100_000), metavar="N",
        help=N_("Rows ahead that --series is forecast."),
    )(f)  # fmt: skip
    f = click.option(
        "--lookback", type=click.IntRange(1, 100_000), metavar="N",
        help=N_("Rows that a forecast of --series is made from."),
    )(f)  # fmt: skip
    f = click.option("--time", metavar="COLUMN", help=N_("The column of the times of --series."))(f)
    f = click.option(
        "--series", metavar="COLUMN",
        help=N_("Forecast this column of numbers from its past and the other columns."),
    )(f)  # fmt: skip
    return columns(f)


def take(params: dict[str, Any]) -> dict[str, Any]:
    """Remove the table's options from a command's parameters; those that are given."""
    taken = {field: params.pop(name) for name, field in NAMES.items() if name in params}
    flags = {name: True for name in ("write", "words") if taken.pop(name, False)}
    return flags | {name: value for name, value in taken.items() if value not in (None, ())}


def table_path(named: str | None, given: dict[str, Any]) -> Path | None:
    """The file of a table that ``rnnviz train`` names; None for a recipe.

    UsageError for options of a table without one, and for a table that is not there.
    """
    from rnnviz.cli.completions import RECIPES
    from rnnviz.files import user_path

    flags = ", ".join(flag(name) for name in given)
    if named is None or named in RECIPES:
        if given:
            said = _(
                "{flags}: for a table of your own. Name its file: rnnviz train FILE.csv {flags}"
            )
            if {"write", "words"} & set(given):
                said = _(
                    "{flags}: for a text of your own. Name its file: rnnviz train FILE.txt {flags}"
                )
            raise UsageError(said.format(flags=flags))
        return None
    path = user_path(named)
    if path.is_file():
        return path
    if path.is_dir():
        raise UsageError(
            _("{path} is a folder. Name a table in it, or a recipe and --data {path}.").format(
                path=path
            )
        )
    stem = named.casefold()
    for packed in PACKED:
        stem = stem.removesuffix(packed)
    if not given and not stem.endswith(ENDINGS) and "/" not in named:
        return None
    folder = path.parent if path.parent.is_dir() else Path()
    close = nearest(path.name, [each.name for each in folder.iterdir() if each.is_file()])
    raise UsageError(_("There is no file {named}.{close}").format(named=named, close=close))


def flag(field: str) -> str:
    """The option of a field of TableChoice."""
    name = next((name for name, f in NAMES.items() if f == field), field)
    return f"--{name.replace('_', '-')}"


def choice(path: Path, given: dict[str, Any]) -> TableChoice:
    """The table and its columns as they were named."""
    from rnnviz.data.user_tables.choice import TableChoice

    of_series = [name for name in ("time", "lookback", "horizon") if name in given]
    of_texts = [name for name in _OF_TEXTS if name in given]
    if "series" in given and of_texts:
        raise UsageError(
            _("--series forecasts numbers, so it cannot take {flag}.").format(
                flag=flag(of_texts[0])
            )
        )
    if "series" not in given and of_series:
        raise UsageError(
            _("{flag}: name the column to forecast, too: --series NAME").format(
                flag=flag(of_series[0])
            )
        )
    if "words" in given and "write" not in given:
        raise UsageError(_("--words is for nets that write: --write --words"))
    others = given.keys() - {"write", "words", "validation", "vocabulary"}
    if "write" in given and others:
        raise UsageError(
            _("--write reads one text and no table, so it cannot take {flag}.").format(
                flag=flag(min(others))
            )
        )
    if "write" in given:
        given = {"validation": VALIDATION_OF_WRITING, **given}
    if "text" in given:
        given = {**given, "text": tuple(given["text"])}
    return TableChoice(path.name, **given)
