"""Errors a user can act on; each knows its exit code.

A message is one or two lines: what happened, where, and what to type next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RnnvizError(Exception):
    """Something failed while running (exit code 1)."""

    exit_code = 1


class UsageError(RnnvizError):
    """The command line, the text or a setting cannot be used as given (exit code 2)."""

    exit_code = 2


class MissingError(RnnvizError):
    """An optional part or a data set is not here; the message says how to get it (exit code 3)."""

    exit_code = 3


class InvalidFileError(RnnvizError):
    """A model, trace or data file is damaged, inconsistent or unsupported (exit code 4)."""

    exit_code = 4


class InterruptedTraining(RnnvizError):
    """Training was interrupted from the keyboard (exit code 130); what was reached is kept."""

    exit_code = 130


def nearest(word: str, valid: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the closest valid name, or "" when none is close."""
    close = difflib.get_close_matches(word, list(valid), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def one_line(error: Exception) -> str:
    """The message where there is room for one line only."""
    return " ".join(str(error).split())
