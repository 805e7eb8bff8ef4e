"""Errors of click in the language of this process.

click formats its messages itself, and offers no catalogue but gettext's, whose language is that of
the environment. So a message is recognized by its template and formatted with the translated one.
"""

from __future__ import annotations

import re
import string
from functools import cache

import click

from rnnviz.cli.commands import metavar
from rnnviz.messages import N_, SOURCE_LANGUAGE, _, language, translated

#: The templates of click's messages that this program can print.
TEMPLATES = (
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    N_("Missing command."),
    N_("Option {name!r} does not take a value."),
    N_("Option {name!r} requires an argument."),
    N_("Got unexpected extra argument ({args})"),
    N_("Got unexpected extra arguments ({args})"),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value!r} is not a valid boolean. Recognized values: {states}"),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} does not exist."),
    N_("{name} {filename!r} is a file."),
    N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is not readable."),
    N_("{name} {filename!r} is not writable."),
    N_("{editor}: Editing failed"),
    N_("{editor}: Editing failed: {e}"),
    N_("Choose from:\n\t{choices}"),
)
#: What a template above is filled with, and what help texts of click's own options say.
WORDS = (
    N_("integer"), N_("integer range"), N_("float"), N_("float range"), N_("File"),
    N_("Directory"), N_("Path"), N_("Show this message and exit."),
    N_("Show the version and exit."),
)  # fmt: skip


def error_text(error: click.ClickException) -> str:
    """The message of an error of click, or of one that a type of ours raised through it."""
    if language() == SOURCE_LANGUAGE:
        return error.format_message()
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return _missing(error, error.param)
    if isinstance(error, click.BadParameter):
        message = message_text(error.message)
        if error.param is None:
            return _("Invalid value: {message}").format(message=message)
        hint = metavar(error.param.get_error_hint(error.ctx))
        return _("Invalid value for {param_hint}: {message}").format(
            param_hint=hint, message=message
        )
    text = message_text(error.message)
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand) and error.possibilities:
        names = ", ".join(repr(name) for name in sorted(error.possibilities))
        several = len(error.possibilities) > 1
        text += " " + (
            _("(Did you mean one of: {possibilities}?)").format(possibilities=names) if several
            else _("Did you mean {possibility}?").format(possibility=names)
        )  # fmt: skip
    return text


def message_text(message: str) -> str:
    """A message of click in the language of this process; any other is unchanged."""
    for template in TEMPLATES:
        if found := _pattern(template).fullmatch(message):
            values = {name: _word(value) for name, value in found.groupdict().items()}
            return string.Formatter().vformat(_plain(translated(template)), (), values)
    return message


def _missing(error: click.MissingParameter, param: click.Parameter) -> str:
    missing = (
        _("Missing argument {param_hint}.") if param.param_type_name == "argument"
        else _("Missing option {param_hint}.")
    )  # fmt: skip
    more = param.type.get_missing_message(param=param, ctx=error.ctx)
    text = missing.format(param_hint=metavar(param.get_error_hint(error.ctx)))
    return f"{text} {message_text(more)}" if more else text


def _word(value: str) -> str:
    return translated(value) if value in WORDS else value


def _plain(template: str) -> str:
    """The template with fields that take text: it is quoted already."""
    return template.replace("!r}", "}")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """What the messages of a template look like."""
    parts = []
    for text, name, _spec, _conversion in string.Formatter().parse(template):
        parts.append(re.escape(text) + (f"(?P<{name}>.+)" if name else ""))
    return re.compile("".join(parts), re.DOTALL)
