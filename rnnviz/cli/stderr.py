"""What the commands say beside their output: lines on stderr, safe for a terminal."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, cast

import click

from rnnviz.display import visible
from rnnviz.window import TerminalStream

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """Print lines on stderr; a closed stderr is ignored, and does not end the command."""
    try:
        for line in text.split("\n"):
            click.echo(visible(line), err=True)
    except OSError:  # a closed pipe, a terminal that was closed
        silence(sys.stderr)


def silence(stream: IO[str]) -> None:
    """Send what is still written to a closed pipe, also at exit, to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def on_stderr(colour: bool = True) -> Console:
    """A console for progress bars on stderr; a terminal that is closed meanwhile is ignored."""
    from rich.console import Console

    return Console(file=cast("IO[str]", TerminalStream(sys.stderr)), no_color=not colour)
