"""Calling a function in a thread, where an error must not end the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rnnviz.errors import RnnvizError, one_line

T = TypeVar("T")


def attempt(compute: Callable[[], T]) -> tuple[T | None, str]:
    """The result of a function and "", or None and the reason why it failed."""
    try:
        return compute(), ""
    except RnnvizError as error:
        return None, one_line(error)
    except Exception as error:
        # Such as one in an explorer, a claim or a training.
        return None, f"{type(error).__name__}: {error}"
