"""Errors a user can act on; each knows its exit code.

A message is one or two lines: what happened, where, and what to type next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from rnnviz.display import visible

#: Characters of an input that a message quotes at most, those of a line, and lines.
QUOTED, LINE, LINES = 200, 600, 3
_QUOTATION = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*"|“[^”]*”)(?!\w)""")
_WORD = re.compile(r"\S+")


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
    """Training was interrupted by a signal; what was reached is kept.

    The exit code is 128 and the signal's number: 130 for ctrl+c.
    """

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def nearest(word: str, valid: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the closest valid name, or "" when none is close.

    Names of two letters are alike by chance: "fr" is not meant to be "tr". In names of up to three
    letters one letter of three may differ, be missing or be too many; capitals and the order may
    differ; more may follow, as in "en-US".
    """
    likeness = {name: _likeness(word, name) for name in valid}
    close = max(likeness, key=likeness.__getitem__, default="")
    return f" Did you mean '{close}'?" if close and likeness[close] else ""


def _likeness(word: str, name: str) -> float:
    """From 0, which cannot be meant, to 1."""
    if len(name) > 3:
        found = difflib.SequenceMatcher(None, name, word).ratio()
        return found if found >= 0.6 else 0
    word, name = word.lower(), name.lower()
    if sorted(word) == sorted(name) or (len(word) > 3 and word.startswith(name)):
        return 1
    found = difflib.SequenceMatcher(None, name, word).ratio()
    return found if len(word) > 1 and found >= 0.66 else 0


def shortened(text: str, most: int = QUOTED) -> str:
    """The text, or where it is longer than ``most`` its beginning, "…" and its end."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 1]}…{text[-end:]}"


def brief(message: str, inputs: Iterable[str] = ()) -> list[str]:
    """A message as a few lines that are safe to print, with at most 200 characters of an input.

    ``inputs`` are what the user gave: a line break in one of them does not begin a line. Long
    quotations, words and lines are cut whatever they come from.
    """
    for text in inputs:
        if not text.isprintable() or len(text) > QUOTED:
            message = message.replace(text, shortened(visible(text)))
    lines = [visible(line) for line in message.split("\n")[:LINES]]
    for pattern in (_QUOTATION, _WORD):
        lines = [pattern.sub(lambda found: _cut(found[0]), line) for line in lines]
    return [shortened(line, LINE) for line in lines]


def _cut(piece: str) -> str:
    """A quotation or a word of at most 200 characters, its quotation marks not counted."""
    if piece[0] in "'\"“" and len(piece) > 1:
        return piece[0] + shortened(piece[1:-1]) + piece[-1]
    return shortened(piece)


def damage(error: Exception, path: Path) -> str:
    """Why what is at a path cannot be used, short enough for a column of a table."""
    text = one_line(error).replace(f"{path}/", "").replace(f"{path}", path.name)
    return text if len(text) <= 80 else f"{text[:79]}…"


def one_line(error: Exception) -> str:
    """The message where there is room for one line only."""
    return " ".join(" ".join(brief(str(error))).split())
