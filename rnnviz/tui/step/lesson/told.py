"""What a function gives in a thread, where an error must not end the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rnnviz.errors import RnnvizError, one_line

T = TypeVar("T")


def told(compute: Callable[[], T]) -> tuple[T | None, str]:
    """What a function gives, or None and the reason why it gives nothing."""
    try:
        return compute(), ""
    except RnnvizError as error:
        return None, one_line(error)
    except Exception as error:
        # An error in a claim or a training must not end the app.
        return None, f"{type(error).__name__}: {error}"
