"""Errors reported to the user, each with its exit code.

A message is one or two lines: what happened, where, and what to type next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from rnnviz.display import visible
from rnnviz.messages import N_, _, translated

#: Maximal characters of a quoted input and of a line, and maximal number of lines.
QUOTED, LINE, LINES = 200, 600, 3
_QUOTATION = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*"|“[^”]*”)(?!\w)""")
_WORD = re.compile(r"\S+")

#: What the system says most often; its other errors are shown as it writes them.
_SYSTEM_REASONS = (
    N_("Permission denied"),
    N_("Operation not permitted"),
    N_("No such file or directory"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("File exists"),
    N_("File name too long"),
    N_("Too many levels of symbolic links"),
    N_("No space left on device"),
    N_("Disk quota exceeded"),
    N_("Read-only file system"),
    N_("Input/output error"),
    N_("Too many open files"),
    N_("Cannot allocate memory"),
    N_("Broken pipe"),
    N_("Address already in use"),
    N_("Connection refused"),
)


class RnnvizError(Exception):
    """A failure while running (exit code 1)."""

    exit_code = 1


class UsageError(RnnvizError):
    """Invalid command line, text or setting (exit code 2)."""

    exit_code = 2


class MissingError(RnnvizError):
    """A missing optional dependency or data set; the message says how to get it (exit code 3)."""

    exit_code = 3


class InvalidFileError(RnnvizError):
    """A damaged, inconsistent or unsupported model, trace or data file (exit code 4)."""

    exit_code = 4


class InterruptedTraining(RnnvizError):
    """Training was interrupted by a signal; its state is saved.

    The exit code is 128 plus the signal's number: 130 for ctrl+c.
    """

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def system_reason(error: OSError) -> str:
    """What the system says about an error: "Permission denied", in the user's language."""
    return translated(error.strerror or str(error))


def nearest(word: str, valid: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the closest valid name, or "" if none is close.

    Names of two letters are similar by chance: "tr" is not suggested for "fr". For names of up to
    three letters, one of three letters may differ, be missing or be added; case and order are
    ignored; more letters may follow, as in "en-US".
    """
    similarity = {name: _similarity(word, name) for name in valid}
    closest = max(similarity, key=similarity.__getitem__, default="")
    if not closest or not similarity[closest]:
        return ""
    return _(" Did you mean '{name}'?").format(name=closest)


def _similarity(word: str, name: str) -> float:
    """From 0 (not similar) to 1 (equal up to case and order)."""
    if len(name) > 3:
        ratio = difflib.SequenceMatcher(None, name, word).ratio()
        return ratio if ratio >= 0.6 else 0
    word, name = word.lower(), name.lower()
    if sorted(word) == sorted(name) or (len(word) > 3 and word.startswith(name)):
        return 1
    ratio = difflib.SequenceMatcher(None, name, word).ratio()
    return ratio if len(word) > 1 and ratio >= 0.66 else 0


def shortened(text: str, most: int = QUOTED) -> str:
    """The text; if it is longer than ``most``, its beginning, "…" and its end."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 1]}…{text[-end:]}"


def brief(message: str, inputs: Iterable[str] = ()) -> list[str]:
    """A message as at most three lines that are safe to print.

    ``inputs`` are the user's arguments: at most 200 characters of each are quoted, and line breaks
    in them are escaped. Long quotations, words and lines are shortened in any case.
    """
    for text in inputs:
        if not text.isprintable() or len(text) > QUOTED:
            message = message.replace(text, shortened(visible(text)))
    lines = [visible(line) for line in message.split("\n")[:LINES]]
    for pattern in (_QUOTATION, _WORD):
        lines = [pattern.sub(lambda match: _shorten_quoted(match[0]), line) for line in lines]
    return [shortened(line, LINE) for line in lines]


def _shorten_quoted(piece: str) -> str:
    """Shorten a word or quotation to 200 characters, not counting its quotation marks."""
    if piece[0] in "'\"“" and len(piece) > 1:
        return piece[0] + shortened(piece[1:-1]) + piece[-1]
    return shortened(piece)


def damage(error: Exception, path: Path) -> str:
    """The message about an unusable file, short enough for a column of a table."""
    text = one_line(error).replace(f"{path}/", "").replace(f"{path}", path.name)
    return text if len(text) <= 80 else f"{text[:79]}…"


def one_line(error: Exception) -> str:
    """The message on one line."""
    return " ".join(" ".join(brief(str(error))).split())
