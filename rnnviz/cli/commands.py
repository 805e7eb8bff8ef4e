"""Commands and groups whose help is in the language of the command line, and that take --lang.

A help text is written in English where its command is defined, when the language is not known
yet; so it is translated when it is printed.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Mapping
from typing import Any, Final

import click
from click.core import ParameterSource

from rnnviz.cli.language import LANGUAGES
from rnnviz.errors import nearest
from rnnviz.messages import N_, SOURCE_LANGUAGE, _, language, set_language, translated

#: The words that stand for a value in the lines of usage and options, and in examples.
METAVARS: Final = (
    N_("OPTIONS"), N_("COMMAND"), N_("ARGS"), N_("TEXT"), N_("FILE"), N_("FILES"), N_("NAME"),
    N_("DIR"), N_("PATH"), N_("RUN"), N_("RUNS"), N_("RECIPE"), N_("MODEL"), N_("SEED"),
    N_("LABEL"), N_("CELL"), N_("COLUMN"), N_("CODEC"), N_("TERM"), N_("VALUE"), N_("ADDRESS"),
    N_("TIME"), N_("NORM"), N_("SHELL"), N_("INTEGER"), N_("FLOAT"), N_("RANGE"), N_("BOOLEAN"),
    N_("ID"), N_("WHAT"), N_("WxH"), N_("LESSON"),
)  # fmt: skip
_METAVAR = re.compile(r"WxH|[A-Z]{2,}")
#: The values of --json, --jsonl and --csv where these are one parameter, "form".
FORMS: Final = ("json", "jsonl", "csv")
#: Where a context keeps the language of a flag for the commands below it.
_META = "rnnviz.language"


class Choice(click.Choice[str]):
    """A choice whose error names the nearest valid value."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, or an error that says which was probably meant."""
        if value not in self.choices:
            valid = [str(c) for c in self.choices]
            close = nearest(str(value), valid)
            message = _("{value!r} is not one of {choices}.")
            self.fail(message.format(value=value, choices=", ".join(valid)) + close, param, ctx)
        return str(value)


def _of_outer_command(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """The value of this option, or if it was not given that of the group's flag."""
    if ctx.get_parameter_source("lang") is ParameterSource.COMMANDLINE:
        ctx.meta[_META] = value
    elif _META in ctx.meta:
        ctx.set_parameter_source("lang", ParameterSource.COMMANDLINE)
    return ctx.meta.get(_META, value)


#: What --lang is in every command; ``rnnviz.cli.language`` has read it before.
LANG_ATTRIBUTES: Final[Mapping[str, Any]] = {
    "type": Choice(LANGUAGES), "callback": _of_outer_command, "help": N_("Language of the screen."),
}  # fmt: skip


class LocalizedCommand(click.Command):
    """A command with help in the language of this process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not any("--lang" in param.opts for param in self.params):
            option = click.Option(["--lang"], expose_value=False, **LANG_ATTRIBUTES)
            self.params.append(option)

    def invoke(self, ctx: click.Context) -> Any:
        """See click; what a program reads, JSON and CSV, is in English."""
        for_programs = ctx.params.get("as_json") or ctx.params.get("form") in FORMS
        if not for_programs:
            return super().invoke(ctx)
        before = language()
        set_language(SOURCE_LANGUAGE)
        try:
            return super().invoke(ctx)
        finally:
            set_language(before)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See click."""
        return [metavar(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage:") + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(inspect.cleandoc(translated(self.help or "")))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        with formatter.section(_("Options")):
            formatter.write_dl([_help_record(each, ctx) for each in options if not each.hidden])

    def get_short_help_str(self, limit: int = 45) -> str:
        """See click."""
        shown = copy.copy(self)
        shown.help = translated(self.help or "")
        return super(LocalizedCommand, shown).get_short_help_str(limit)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """See click."""
        found = super().shell_complete(ctx, incomplete)
        for item in found:
            item.help = item.help and translated(item.help)
        return found


class LocalizedGroup(LocalizedCommand, click.Group):
    """A group with help in the language of this process; its commands are such commands."""

    command_class = LocalizedCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        shown = {name: each for name, each in found.items() if each and not each.hidden}
        limit = formatter.width - 6 - max(map(len, shown), default=0)
        with formatter.section(_("Commands")):
            formatter.write_dl(
                [(name, each.get_short_help_str(limit)) for name, each in shown.items()]
            )


def metavar(text: str) -> str:
    """The words in capitals of a text that stand for values, in the language of this process."""
    return _METAVAR.sub(lambda found: translated(found[0]), text)


def _help_record(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    """The names of an option, and what it is."""
    shown = copy.copy(option)
    shown.help = translated(option.help or "")
    record = shown.get_help_record(ctx)
    assert record is not None
    names, text = record
    default = option.get_help_extra(ctx).get("default")
    if default is not None:
        before, found, after = text.rpartition(f"default: {default}")
        text = before + _("default: {default}").format(default=default) + after if found else text
    return metavar(names), text
