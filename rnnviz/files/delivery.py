"""Where files that are written for the user go besides: in a browser, to its downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

#: Called with the path of each file that was written for the user; None: files stay where they are.
deliver: Callable[[Path], None] | None = None


def written(path: Path) -> None:
    """A file that the user asked for is complete."""
    if deliver is not None:
        deliver(path)
