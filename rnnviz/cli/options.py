"""Options that mean the same in every command."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rnnviz.cells import CELLS
from rnnviz.cli import completions
from rnnviz.cli.commands import LANG_ATTRIBUTES, Choice
from rnnviz.cli.language import VARIABLE, language_of_locale
from rnnviz.messages import N_, _

F = TypeVar("F", bound=Callable[..., Any])

THEMES = ("dark", "light", "contrast", "ansi")
#: The first one is the default.
NOTATIONS = ("rnnviz", "keras", "pytorch", "paper", "onnx")
COLOURS = ("auto", "always", "never")
DEVICES = ("auto", "cpu", "cuda")
SWITCH = ("off", "on")


class Share(click.FloatRange):
    """A number from 0 up to, not including, 1; not ``nan``."""

    def __init__(self) -> None:
        super().__init__(0, 1, max_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or an error with the range."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(_("{value} is not in the range 0<=x<1.").format(value=value), param, ctx)
        return number


class Positive(click.FloatRange):
    """A number above 0; neither ``nan`` nor infinite."""

    def __init__(self) -> None:
        super().__init__(0, 1e6, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or an error with the range."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(
                _("{value} is not in the range 0<x<=1000000.").format(value=value), param, ctx
            )
        return number


#: Ranges of numbers; anything larger is taken for a typing error.
EPOCHS = click.IntRange(1, 10_000)
BATCH_SIZE = click.IntRange(1, 100_000)
ROWS = click.IntRange(10, 10_000_000)
SEED = click.IntRange(0, 2**63 - 1)


def output_file(path_type: type[Path | str] = Path) -> click.Path:
    """The type of an option that names a file to write; whether it can be is checked later."""
    return click.Path(path_type=path_type, dir_okay=False, readable=False)


def model(f: F) -> F:
    """-m/--model and --cell."""
    f = click.option(
        "-m", "--model", envvar="RNNVIZ_MODEL", metavar="NAME", shell_complete=completions.models,
        help=N_("A model that rnnviz models lists, last (the newest run), or the path of a run, "
                "of a model's JSON or of a file of Keras, PyTorch, ONNX …"),
    )(f)  # fmt: skip
    return click.option(
        "--cell",
        type=Choice(tuple(CELLS)),
        help=N_("Short for the sentiment model with this cell; the cell of a net by hand."),
    )(f)


def lang(f: F) -> F:
    """--lang, passed to the command; all others take it, too."""
    return click.option("--lang", envvar=VARIABLE, **LANG_ATTRIBUTES)(f)


def theme(f: F) -> F:
    """--theme."""
    return click.option(
        "--theme", type=Choice(THEMES), envvar="RNNVIZ_THEME", help=N_("Colours of the screen.")
    )(f)


def presenter(f: F) -> F:
    """--presenter."""
    return click.option(
        "--presenter/--no-presenter", envvar="RNNVIZ_PRESENTER", default=False,
        help=N_("Open in presenter mode: one thing at a time, large, with a clock."),
    )(f)  # fmt: skip


def notation(f: F) -> F:
    """--notation."""
    return click.option(
        "--notation",
        type=Choice(NOTATIONS),
        envvar="RNNVIZ_NOTATION",
        default=NOTATIONS[0],
        help=N_(
            "The symbols of the screen: those of Keras, PyTorch, a paper (Chung et al. 2014) or "
            "ONNX. JSON and CSV always have the same names."
        ),
    )(f)


def colour(f: F) -> F:
    """--color."""
    return click.option(
        "--color", type=Choice(COLOURS), envvar="RNNVIZ_COLOR", default="auto",
        help=N_("Colour: auto looks at the terminal and at NO_COLOR."),
    )(f)  # fmt: skip


def lessons(f: F) -> F:
    """--lessons."""
    return click.option(
        "--lessons", type=click.Path(path_type=Path, file_okay=False), envvar="RNNVIZ_LESSONS",
        metavar="DIR", help=N_("A folder of lessons of your own."),
    )(f)  # fmt: skip


def session(f: F) -> F:
    """--session."""
    return click.option(
        "--session",
        metavar="N",
        help=N_(
            "With --notes: of several screens the one of this process; a wrong one lists them."
        ),
    )(f)


def device(f: F) -> F:
    """--device."""
    return click.option(
        "--device", type=Choice(DEVICES), envvar="RNNVIZ_DEVICE", default="auto",
        help=N_("Where to compute."),
    )(f)  # fmt: skip


def debug(f: F) -> F:
    """--debug (read by the error handler)."""
    return click.option("--debug", is_flag=True, expose_value=False, help=N_("Show tracebacks."))(f)


def use_colour(choice: str) -> bool:
    """Whether colour codes may be written; an empty NO_COLOR counts as not set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("FORCE_COLOR"):
        return True
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def theme_name(choice: str | None) -> str:
    """The chosen theme, else "dark"; on a terminal of only sixteen colours "ansi"."""
    if choice:
        return choice
    forced = os.environ.get("TEXTUAL_COLOR_SYSTEM") in ("truecolor", "256")
    if os.name == "nt" or forced or not stdout_is_terminal():
        return "dark"
    # What Rich goes by when it chooses the codes that are written.
    shades = os.environ.get("TERM", "").strip().lower().rpartition("-")[2]
    many = os.environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    return "dark" if many or shades in ("256color", "kitty") else "ansi"


def colours_stdout(choice: str) -> bool:
    """Whether colour codes are written to stdout: on a terminal, or where they are asked for."""
    forced = choice == "always" or (choice == "auto" and bool(os.environ.get("FORCE_COLOR")))
    return forced or (use_colour(choice) and sys.stdout.isatty())


def language(choice: str | None) -> str:
    """The chosen language, else that of the locale, else English."""
    return choice or language_of_locale()


def unicode() -> bool:
    """Whether stdout can show every character of the screens.

    The fonts of the Linux console have 512 characters at most: no braille, no subscripts.
    """
    return os.environ.get("TERM") != "linux" and (sys.stdout.encoding or "").lower().replace(
        "-", ""
    ) in ("utf8", "utf16", "utf32")


def stdout_is_terminal() -> bool:
    """Whether stdout is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def stdin_is_terminal() -> bool:
    """Whether stdin is a terminal; ``sys.stdin`` is None where the shell has closed it."""
    return sys.stdin is not None and sys.stdin.isatty()


def stderr_is_terminal() -> bool:
    """Whether stderr is a terminal where progress may move the cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
