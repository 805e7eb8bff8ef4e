"""Options that mean the same in every command, and the config file behind them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rnnviz.errors import UsageError, nearest

F = TypeVar("F", bound=Callable[..., Any])

LANGUAGES = ("en", "tr")
THEMES = ("dark", "light", "contrast", "ansi")
CELLS = ("rnn", "lstm", "gru", "lstm-slide", "gru-2014")
#: Those that there is a sentiment model of.
SHIPPED = ("rnn", "lstm", "gru", "lstm-slide")
COLOURS = ("auto", "always", "never")

#: What the config file may set, with the values it may take (None: any text).
SETTINGS: dict[str, tuple[str, ...] | None] = {
    "model": None,
    "lang": LANGUAGES,
    "theme": THEMES,
    "color": COLOURS,
    "device": ("auto", "cpu", "cuda"),
}


class Choice(click.Choice[str]):
    """A choice whose error names the nearest valid value."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, or an error that says which was probably meant."""
        if value not in self.choices:
            valid = [str(c) for c in self.choices]
            close = nearest(str(value), valid)
            self.fail(f"{value!r} is not one of {', '.join(valid)}.{close}", param, ctx)
        return str(value)


def model(f: F) -> F:
    """-m/--model and --cell."""
    f = click.option(
        "-m", "--model", envvar="RNNVIZ_MODEL", metavar="NAME",
        help="A shipped model, the path of a model's JSON, or a run directory.",
    )(f)  # fmt: skip
    return click.option(
        "--cell", type=Choice(SHIPPED), help="Short for the sentiment model with this cell."
    )(f)


def lang(f: F) -> F:
    """--lang."""
    return click.option(
        "--lang", type=Choice(LANGUAGES), envvar="RNNVIZ_LANG", help="Language of the screen."
    )(f)


def theme(f: F) -> F:
    """--theme."""
    return click.option(
        "--theme", type=Choice(THEMES), envvar="RNNVIZ_THEME", help="Colours of the screen."
    )(f)


def colour(f: F) -> F:
    """--color."""
    return click.option(
        "--color", type=Choice(COLOURS), envvar="RNNVIZ_COLOR", default="auto",
        help="Colour: auto looks at the terminal and at NO_COLOR.",
    )(f)  # fmt: skip


def device(f: F) -> F:
    """--device."""
    return click.option(
        "--device", type=Choice(("auto", "cpu", "cuda")), envvar="RNNVIZ_DEVICE", default="auto",
        help="Where to compute.",
    )(f)  # fmt: skip


def debug(f: F) -> F:
    """--debug (read by the error handler)."""
    return click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(f)


def use_colour(choice: str) -> bool:
    """Whether colour codes may be written; an empty NO_COLOR counts as not set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("FORCE_COLOR"):
        return True
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def language(choice: str | None) -> str:
    """The chosen language, else that of the locale, else English."""
    if choice:
        return choice
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "tr" if value.lower().startswith("tr") else "en"
    return "en"


def config_path() -> Path:
    """Where the config file is looked for."""
    import platformdirs

    return Path(platformdirs.user_config_dir("rnnviz")) / "config.toml"


def config_defaults() -> dict[str, Any]:
    """The config file's settings, the defaults of every command; {} without a file.

    UsageError that names the file, the key and the nearest valid one if it cannot be used.
    """
    path = config_path()
    if not path.is_file():
        return {}
    import tomllib

    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"Config file {path}: {error}.") from error
    for key, value in settings.items():
        if key not in SETTINGS:
            raise UsageError(f"Config file {path}: unknown key {key!r}.{nearest(key, SETTINGS)}")
        valid = SETTINGS[key]
        if not isinstance(value, str) or (valid and value not in valid):
            wanted = "one of " + ", ".join(valid) if valid else "a text"
            raise UsageError(f"Config file {path}: {key} must be {wanted}, found {value!r}.")
    return settings


def unicode() -> bool:
    """Whether stdout can write every character of the screens."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def stdout_is_terminal() -> bool:
    """Whether a person is looking at stdout, on a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def stderr_is_terminal() -> bool:
    """The same of stderr: whether narration may move the cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
