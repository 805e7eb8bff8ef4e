"""What commands print on stdout: text from files and users cannot send escape codes.

Lines for people always pass through :func:`rnnviz.display.visible`. Data for programs (JSON, CSV,
paths) is escaped on a terminal only.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from rnnviz.display import controls_escaped, json_text, visible

#: SGR codes: colours, which neither move the cursor nor query the terminal.
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")

_SPACES = re.compile(r"([\n\t])")


def lines(*texts: str) -> None:
    """Print lines; each stays one line, whatever it contains. Without any: an empty line."""
    for text in texts or ("",):
        click.echo(visible(text))


def coloured(line: str) -> None:
    """Print a line that may contain colour codes; the rest is escaped as by :func:`lines`."""
    parts = _COLOUR.split(line)
    # By default click strips colours from output to a file.
    click.echo("".join(p if _COLOUR.match(p) else visible(p) for p in parts), color=True)


def document(value: Any) -> None:
    """Print one JSON document on one line."""
    click.echo(json_text(value))


def piece(text: str) -> None:
    """Print a part of a text at once, white space as it is and nothing after it."""
    # Behind a full stop a space is no token of its own and a combining mark is not the first.
    parts = (part if part in "\n\t" else visible("." + part)[1:] for part in _SPACES.split(text))
    click.echo("".join(parts) if sys.stdout.isatty() else text, nl=False, color=True)
    sys.stdout.flush()


def data(line: str) -> None:
    """Print a line of data: unchanged for a program, escaped for a terminal."""
    click.echo(visible(line) if sys.stdout.isatty() else line, color=True)


def path(path: Path) -> None:
    """Print a path, for ``$(…)``: only what would break the line or a terminal is escaped."""
    text = os.fspath(path)
    click.echo(visible(text) if sys.stdout.isatty() else controls_escaped(text))
