"""The command line: parse, call one function, print.

Each command is a module here, imported when it is called, so that ``--help`` stays quick.
Exit codes: 0 ok, 1 failed, 2 usage or config, 3 something optional is missing, 4 invalid file,
130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rnnviz import messages, signals
from rnnviz.cli import browser_limits
from rnnviz.cli.commands import LocalizedGroup
from rnnviz.cli.language import chosen_language
from rnnviz.errors import InvalidFileError, RnnvizError, nearest
from rnnviz.messages import N_, _, translated
from rnnviz.version import VERSION
from rnnviz.window import in_browser

#: Every command and the first line of its help (shown without importing it).
COMMANDS = {
    "step": N_("Read a sentence one token at a time and see every gate, state and gradient."),
    "lesson": N_("Lessons: predict, see, say what you saw, change it."),
    "class": N_("A class that answers from its phones, on a page of this machine."),
    "handout": N_("A lesson or a trace as one page, to print and to step through."),
    "train": N_("Train a recipe, or a net for a table of your own; step through the result."),
    "write": N_("Write text with a net, one character after the other."),
    "evaluate": N_(
        "A model on a labelled table: accuracy, confusions, calibration, worst examples."
    ),
    "runs": N_("List, show, plot and compare training runs."),
    "models": N_("List, show and find models."),
    "inspect": N_("What is in a model file of Keras, PyTorch, ONNX …: every tensor, gate by gate."),
    "recipes": N_("List what can be trained and the published number to reach."),
    "reproduce": N_("Train recipes with several seeds; one table beside the published numbers."),
    "data": N_("List, get and show the data sets: where from, size, terms, here or not."),
    "bench": N_("Measure a training step here, beside other frameworks."),
    "replay": N_("Play back what --record of step or lesson has kept, and steer it."),
    "serve": N_("The same app in a browser, with nothing to install there."),
    "explain": N_("Explain a term, in words and in four notations."),
    "results": N_("What was answered in lessons: difficulty of each question, before and after."),
    "config": N_("The config file: where it is, what holds, edit and check it."),
    "doctor": N_("What this machine offers: terminal, colours, numpy, paths."),
    "completion": N_("Print the completion script of a shell."),
}

#: The modules of commands whose name no module can have.
MODULES = {"class": "classroom"}
#: What the command is called in its errors and in its help.
PROGRAM = "rnnviz"
#: Commands that work with a broken config file; doctor and config report what is wrong with it.
WITHOUT_CONFIG = ("doctor", "config", "completion")
#: System errors that mean a wrong path on the command line.
_OF_THE_PATH = (
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG,
    errno.ELOOP, errno.EINVAL,
)  # fmt: skip


class OutputClosed(Exception):
    """The reader of stdout has closed the pipe."""


@contextmanager
def _hide_broken_pipe() -> Iterator[None]:
    """Raise OutputClosed for BrokenPipeError, on which click would exit with 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error


class Lazy(LocalizedGroup):
    """A group whose commands are imported when called, with a suggestion for a wrong name."""

    @_hide_broken_pipe()
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """See click; --help and --version print here."""
        return super().make_context(*args, **kwargs)

    @_hide_broken_pipe()
    def invoke(self, ctx: click.Context) -> Any:
        """See click."""
        return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of COMMANDS, not of the alphabet."""
        return list(_offered())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name not in COMMANDS:
            return None
        if name in browser_limits.REFUSED:
            browser_limits.refuse(f"{PROGRAM} {name}")
        module = importlib.import_module(f"rnnviz.cli.{MODULES.get(name, name)}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest name for one that does not exist."""
        wrong = args and args[0] not in COMMANDS and not args[0].startswith("-")
        if wrong and not ctx.resilient_parsing:  # with it, a shell asks for completions
            raise click.UsageError(
                _("No command {name!r}.{close} Commands: {commands}.").format(
                    name=args[0], close=nearest(args[0], COMMANDS), commands=", ".join(COMMANDS)
                )
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing them."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, translated(about)) for name, about in _offered().items()])


def _offered() -> dict[str, str]:
    """The commands and what they are, without those that do not work here."""
    hidden = browser_limits.REFUSED if in_browser() else ()
    return {name: about for name, about in COMMANDS.items() if name not in hidden}


HELP = N_("""A microscope for recurrent neural networks.


\b
Examples:
  rnnviz step "this movie was not good"       the stepper
  rnnviz step --cell gru "not bad at all"     another cell on the same kind of net
  rnnviz step "not good" --json | jq .head    the numbers, for scripts
  rnnviz train                                train a small model in 7 to 15 seconds
  rnnviz models show sentiment-lstm           the layers and where each count comes from

Tables fit the terminal; piped or in a file each row is one line. --json prints one document.
""")


@click.group(
    cls=Lazy,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, "-V", "--version", message="rnnviz %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Read the config file, if there is one."""
    from rnnviz.cli import config_file

    name = ctx.invoked_subcommand or ""
    command = cli.get_command(ctx, name)
    # click looks up the defaults of a subcommand in those of its group.
    subcommands = command.commands if isinstance(command, click.Group) else {}
    config = config_file.read()
    if name not in WITHOUT_CONFIG:
        config.check()
    settings = dict(config.settings)
    ctx.default_map = {name: settings | dict.fromkeys(subcommands, settings)}


def run(args: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors are one or two lines on stderr."""
    argv = sys.argv[1:] if args is None else args
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # Escape lone surrogates, and what a terminal without UTF-8 cannot show.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    before = messages.language()
    messages.set_language(chosen_language(argv))
    try:
        return _invoke(argv)
    except (OutputClosed, BrokenPipeError):
        from rnnviz.cli.stderr import silence

        for stream in (sys.stdout, sys.stderr):
            silence(stream)
        return 0
    finally:
        messages.set_language(before)


def _open_closed_streams() -> None:
    """Open closed streams (``>&-``) on the null device, so that no file gets their numbers.

    ``sys.stdin`` stays None: reading it is an error with a message of its own.
    """
    try:
        os.fstat(0)
    except OSError:
        os.open(os.devnull, os.O_RDONLY)  # gets the lowest free number, 0
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))


def _invoke(argv: list[str]) -> int:
    try:
        result: Any = cli.main(argv, prog_name=PROGRAM, standalone_mode=False)
    except RnnvizError as error:
        # A signal while a file is read may look like a damaged file.
        if isinstance(error, InvalidFileError) and (number := signals.raised()) is not None:
            return 128 + number
        return _say(str(error), error.exit_code, argv)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 2
    except click.UsageError as error:
        hint = ""
        if error.ctx is not None:
            hint = "\n" + _("Try: {command} --help").format(command=error.ctx.command_path)
        return _say(_click_text(error) + hint, 2, argv)
    except click.ClickException as error:
        return _say(_click_text(error), 2, argv)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _say(_("Interrupted."), 130, argv)
    except (OutputClosed, BrokenPipeError):
        raise
    except OSError as error:
        code = 2 if error.errno in _OF_THE_PATH else 1
        why = translated(error.strerror or str(error))
        if not error.filename:
            return _say(_("Cannot use: {reason}.").format(reason=why), code, argv)
        said = _("Cannot use {path}: {reason}.").format(path=error.filename, reason=why)
        return _say(said, code, argv)
    except MemoryError:
        return _say(_("There is not enough memory for this. Ask for less: a shorter text, fewer "
                      "units, a smaller batch."), 1, argv)  # fmt: skip
    except Exception as error:
        if (number := signals.raised()) is not None:  # wrapped on its way, as by type.__set_name__
            return 128 + number
        name = type(error).__name__
        more = "" if "--debug" in argv else "\n" + _("See more with --debug.")
        said = _("Internal error: {name}: {error}").format(name=name, error=error)
        return _say(said + more, 1, argv)
    return result if isinstance(result, int) else 0


def _click_text(error: click.ClickException) -> str:
    from rnnviz.cli.click_errors import error_text

    return error_text(error)


def _say(message: str, code: int, argv: list[str]) -> int:
    from rnnviz.cli.stderr import say
    from rnnviz.errors import brief

    if "--debug" in argv and sys.exc_info()[0] is not None and code != 130:
        say(traceback.format_exc().rstrip("\n"))
    values = [arg.partition("=")[2] for arg in argv if arg.startswith("-")]
    lines = brief(message, [*argv, *values, *os.environ.values()])
    say(f"{PROGRAM}: " + "\n".join(lines))
    return code
