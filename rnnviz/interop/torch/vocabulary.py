"""The words of a vocabulary that was saved beside the weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from rnnviz.interop.contents import (
    EmbeddingOperation,
    FoundVocabulary,
    Operation,
    RecurrentOperation,
)

_NAMES: Final = re.compile(
    r"tokens?|chars?|words?|vocab\w*|alphabet|characters|letters|symbols|"
    r"(?:char|word|token|idx|int|ix|index|id|i|c|w|s|t)(?:_?to_?|2)"
    r"(?:char|word|token|idx|int|ix|index|id|i|s|c|w|token)s?|stoi|itos|(?:word|char)_?(?:dict|index|map)",
    re.I,
)
_MOST_WORDS: Final = 1_000_000


def find_vocabulary(value: Any, operations: tuple[Operation, ...]) -> FoundVocabulary | None:
    """The words by id in a checkpoint, if there is one list of them that fits the net's input.

    It fits if the net has as many word vectors, or reads as many numbers a step (one-hot).
    """
    sizes = {len(op.table) for op in operations if isinstance(op, EmbeddingOperation)}
    if not sizes:
        sizes = {op.width for op in operations if isinstance(op, RecurrentOperation)}
    found: dict[str, tuple[str, ...]] = {}
    for where, words in _lists(value):
        if len(words) in sizes and words not in found.values():
            found[where] = words
    if len(found) != 1:
        return None
    [(where, words)] = found.items()
    single = sum(len(word) == 1 for word in words) > 0.9 * len(words)
    return FoundVocabulary(words, "characters" if single else "spaces", where)


def _lists(value: Any, above: str = "", depth: int = 3) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(value, dict):
        return
    for key, child in value.items():
        if not isinstance(key, str):
            continue
        if _NAMES.fullmatch(key) and (words := _words(child)):
            yield f"{above}{key}", words
        elif isinstance(child, dict) and depth > 1 and len(child) < 1_000:
            yield from _lists(child, f"{above}{key}.", depth - 1)


def _words(value: Any) -> tuple[str, ...]:
    """Words by id from a list, or a dictionary from words to ids or from ids to words; or ()."""
    if isinstance(value, list | tuple):
        return tuple(value) if _are_words(value) else ()
    if not isinstance(value, dict) or not 1 < len(value) <= _MOST_WORDS:
        return ()
    pairs = list(value.items())
    if all(type(key) is int and isinstance(word, str) for key, word in pairs):
        pairs = [(word, key) for key, word in pairs]
    if not all(isinstance(word, str) and type(number) is int for word, number in pairs):
        return ()
    by_id = {number: word for word, number in pairs}
    if sorted(by_id) != list(range(len(pairs))):
        return ()
    words = [by_id[k] for k in range(len(pairs))]
    return tuple(words) if _are_words(words) else ()


def _are_words(words: Any) -> bool:
    return (
        1 < len(words) <= _MOST_WORDS
        and all(isinstance(word, str) and len(word) < 200 for word in words)
        and len(set(words)) == len(words)
    )
