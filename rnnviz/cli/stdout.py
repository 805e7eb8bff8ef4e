"""What the commands print: nothing from a file or a user reaches the terminal as a command.

Lines for people pass through :func:`rnnviz.display.visible`, whoever made them. Data for programs
(JSON, CSV, paths) keeps its characters where nobody is looking.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from rnnviz.display import controls_escaped, json_text, visible

#: The codes of our own colours: they neither move the cursor nor ask the terminal anything.
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def lines(*texts: str) -> None:
    """Lines on stdout; each stays one line, whatever is in it. Without any: an empty line."""
    for text in texts or ("",):
        click.echo(visible(text))


def coloured(line: str) -> None:
    """A line that may hold our own colour codes, on stdout; all else as :func:`lines` has it."""
    parts = _COLOUR.split(line)
    # click takes colours out of what goes to a file unless it is told not to.
    click.echo("".join(p if _COLOUR.match(p) else visible(p) for p in parts), color=True)


def document(found: Any) -> None:
    """One JSON document on one line of stdout."""
    click.echo(json_text(found))


def data(line: str) -> None:
    """A line of data on stdout: as it is for a program, escaped for a terminal."""
    click.echo(visible(line) if sys.stdout.isatty() else line, color=True)


def path(where: Path) -> None:
    """A path on stdout, for ``$(…)``: only what would break the line or a terminal is escaped."""
    text = os.fspath(where)
    click.echo(visible(text) if sys.stdout.isatty() else controls_escaped(text))
