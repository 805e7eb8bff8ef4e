"""Properties of each place in a text that can be read off the text itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from rnnviz.arrays import Array

#: A line that names who speaks: capital words, or words with a capital, and a colon.
SPEAKER: Final = re.compile(r"^[A-Z][A-Za-z' ]{0,30}:$", re.MULTILINE)
QUOTE: Final = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
VOWELS: Final = frozenset("aeiouAEIOUıİöÖüÜâîû")
#: Characters from the beginning of a line up to which "early in the line" goes.
EARLY: Final = 10
#: Characters from the beginning of a line from which on "late in the line" goes.
LATE: Final = 30

#: For each place t whether the property holds for character t, (T) bool.
Property = Callable[[str], Array]


def _of_characters(test: Callable[[str], bool]) -> Property:
    return lambda text: np.fromiter(map(test, text), bool, len(text))


def _of_spans(pattern: re.Pattern[str]) -> Property:
    """Inside a match, from its second character on: before it nothing can be known of it."""

    def found(text: str) -> Array:
        inside = np.zeros(len(text), bool)
        for match in pattern.finditer(text):
            inside[match.start() + 1 : match.end()] = True
        return inside

    return found


def columns(text: str) -> Array:
    """How many characters stand before each one in its line, (T)."""

    def each() -> Iterator[int]:
        at = 0
        for character in text:
            yield at
            at = 0 if character == "\n" else at + 1

    return np.fromiter(each(), np.int64, len(text))


def _starts_word(text: str) -> Array:
    letters = np.fromiter(map(str.isalpha, text), bool, len(text))
    before = np.concatenate([[False], letters[:-1]])
    return letters & ~before


def _later_in_word(text: str) -> Array:
    """The third letter of a word or a later one."""
    letters = np.fromiter(map(str.isalpha, text), bool, len(text))
    found = letters.copy()
    for back in (1, 2):
        found[back:] &= letters[:-back]
        found[:back] = False
    return found


#: By name, each with the words for it in ``unit_property.NAME`` of the texts.
PROPERTIES: Final[Mapping[str, Property]] = {
    "letter": _of_characters(str.isalpha),
    "vowel": _of_characters(VOWELS.__contains__),
    "consonant": _of_characters(lambda c: c.isalpha() and c not in VOWELS),
    "capital": _of_characters(str.isupper),
    "space": _of_characters(lambda c: c == " "),
    "word start": _starts_word,
    "later in a word": _later_in_word,
    "line end": _of_characters(lambda c: c == "\n"),
    "early in the line": lambda text: columns(text) < EARLY,
    "late in the line": lambda text: columns(text) >= LATE,
    "speaker": _of_spans(SPEAKER),
    "quotation": _of_spans(QUOTE),
}
