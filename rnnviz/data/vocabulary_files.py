"""Vocabularies of other programs: words by id in a text or JSON file.

A text file has one word a line, its id being the number of the line from 0; a second column, of
counts as word2vec writes them or of ids, is recognised. A JSON file is a list of words, an object
of words with their ids or of ids with their words, or what Keras's ``Tokenizer.to_json`` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rnnviz.data.tokenizers import Tokenizer
from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.errors import InvalidFileError, UsageError, shortened
from rnnviz.files import JSON_LIMIT, invalid_file_on_error, parse_json, read_limited
from rnnviz.messages import N_, _, translated

#: Entries that stand for padding, an unknown word, the beginning and the end, in capitals and
#: without brackets.
_PADDING: Final = ("PAD", "PADDING", "BLANK")
_UNKNOWN: Final = ("UNK", "UNKNOWN", "OOV")
_OTHERS: Final = ("S", "/S", "SOS", "EOS", "BOS", "START", "END", "GO", "MASK", "CLS", "SEP")
_BRACKETS: Final = ("<>", "[]", "{}", "__", "@@")
#: The most words of a vocabulary.
MOST_WORDS: Final = 2_000_000
#: What Keras's imdb.load_data puts before the words of its index, which it moves by three.
_KERAS_IMDB: Final = {0: "<pad>", 1: "<start>", 2: "<unk>", 3: "<unused>"}
_IMDB_OFFSET: Final = 3
_REMEDY: Final = N_(
    "A vocabulary is one word a line, or JSON: a list, word to id, or a Keras Tokenizer."
)


@dataclass(frozen=True)
class ForeignVocabulary:
    """A vocabulary from a file, and what was taken for granted about it.

    ``reason`` is why this tokenizer was chosen, "" where the file or the user names it; ``notes``
    say what else was found.
    """

    vocabulary: Vocabulary
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Entries:
    """Words by id as a file has them; ``tokenizer`` is None where it does not say one."""

    words: Mapping[int, str]
    tokenizer: Tokenizer | None = None
    unknown: str | None = None  # the word that stands for unknown ones
    limit: int | None = None  # ids from here on are unknown words
    notes: tuple[str, ...] = ()


def read_vocabulary(
    path: Path,
    *,
    size: int | None = None,
    offset: int | None = None,
    tokenizer: Tokenizer | None = None,
) -> ForeignVocabulary:
    """The vocabulary of a file, for a net with ``size`` ids (None: any number).

    ``offset`` is added to the ids of a word index. With 3 the ids that come free are those of
    Keras's IMDB data: padding, start, unknown, unused; a text then begins with start.
    UsageError where there is no file or it does not fit;
    InvalidFileError, with the line, where it is none of the forms above.
    """
    if not path.exists():
        raise UsageError(_("There is no file {path}.").format(path=path))
    with invalid_file_on_error(path, _("vocabulary"), translated(_REMEDY)):
        text = read_limited(path, JSON_LIMIT).decode("utf-8-sig")
        found = _json_entries(text) if path.suffix.lower() == ".json" else _lines(text)
        if not found.words:
            raise ValueError(_("there is no word in it"))
        if min(found.words) < 0 or max(found.words) >= MOST_WORDS:
            raise ValueError(_("ids must be from 0 to {most:,}").format(most=MOST_WORDS))
    if offset is not None:
        found = _moved(found, offset)
    return _vocabulary(path, found, size, tokenizer, imdb=offset == _IMDB_OFFSET)


def vocabulary_of(
    words: Iterable[str], tokenizer: Tokenizer, size: int | None = None, length: int | None = None
) -> Vocabulary:
    """The vocabulary of words by id whose tokenizer is known, with its special entries found."""
    found = _Entries(dict(enumerate(words)), tokenizer)
    encoding = Encoding(length=length)
    return _vocabulary(None, found, size, tokenizer, encoding=encoding).vocabulary


def _vocabulary(
    path: Path | None, found: _Entries, size: int | None, tokenizer: Tokenizer | None,
    *, imdb: bool = False, encoding: Encoding | None = None,
) -> ForeignVocabulary:  # fmt: skip
    words, notes = dict(found.words), list(found.notes)
    limit = min(size or MOST_WORDS, found.limit or MOST_WORDS)
    beyond = [index for index in words if index >= limit]
    if beyond and path is not None:
        if not set(words) - set(beyond):
            raise UsageError(
                _("{path}: all of its ids are {limit:,} or more; the net has {limit:,}.").format(
                    path=path, limit=limit
                )
            )
        notes.append(
            N_(
                "{beyond:,} of {count:,} words have ids from {limit:,} on, which the net "
                "does not read: they are unknown"
            ).format(beyond=len(beyond), count=len(words), limit=limit)
        )
    for index in beyond:
        del words[index]
    listed, special = _filled(words)
    # The name of a special entry may also be a word's, as "[pad]" or "__": only of the first one.
    padding = _first(words, lambda word: word == "" or _name(word) in _PADDING)
    unknown = _first(
        words, lambda word: word == found.unknown or (bool(word) and _name(word) in _UNKNOWN)
    )
    others = [
        k for k, word in words.items() if word and _name(word) in _OTHERS and _bracketed(word)
    ]
    special += [k for k in (padding, unknown, *others) if k is not None]
    if unknown is None:
        notes.append(N_("it has no entry for unknown words: they are left out"))
    reason = ""
    chosen = tokenizer or found.tokenizer
    if chosen is None:
        chosen, reason = _likely_tokenizer(listed, sorted(set(special)), imdb=imdb)
    start = 1 if imdb and words.get(1) == _KERAS_IMDB[1] else None
    full = replace(
        encoding or Encoding(), tokenizer=chosen, unknown=unknown, start=start,
        special=tuple(sorted(set(special))),
    )  # fmt: skip
    return ForeignVocabulary(Vocabulary(tuple(listed), full), reason, tuple(notes))


def _filled(words: Mapping[int, str]) -> tuple[list[str], list[int]]:
    """The words as a list, with entries named by their ids where there is none, and those ids."""
    listed, missing = [], []
    taken = set(words.values())
    for index in range(max(words) + 1):
        word = words.get(index)
        if word is None:
            missing.append(index)
            word = f"#{index}"
            while word in taken:
                word = f"#{word}"
        listed.append(word)
    return listed, missing


def _first(words: Mapping[int, str], fits: Any) -> int | None:
    """The lowest id whose word fits, or None."""
    return min((index for index, word in words.items() if fits(word)), default=None)


def _name(word: str) -> str:
    """A special entry's name in capitals, "" for a word without brackets in small letters."""
    if _bracketed(word):
        return word.strip("<>[]{}_@").upper()
    return word if word.isupper() and word in (*_PADDING, *_UNKNOWN) else ""


def _bracketed(word: str) -> bool:
    return len(word) > 2 and word[0] + word[-1] in _BRACKETS


def _likely_tokenizer(words: list[str], special: list[int], *, imdb: bool) -> tuple[Tokenizer, str]:
    """The tokenizer that made such words, and why it is likely."""
    plain = [word for index, word in enumerate(words) if index not in set(special)]
    if words[:2] == ["", "[UNK]"]:
        return "vectorization", N_("the vocabulary begins as that of Keras's TextVectorization")
    if all(len(word) == 1 for word in plain):
        return "characters", N_("all its entries are single characters")
    if imdb:
        return "keras", N_("the word index is Keras's")
    if any(word != word.lower() or not any(map(str.isalnum, word)) for word in plain):
        return "spaces", N_("it has capital letters or punctuation as words")
    return "keras", N_("its words are in lower case, without punctuation")


def _moved(found: _Entries, offset: int) -> _Entries:
    """The entries with larger ids; where they are moved by three, Keras's special ones before."""
    words = {index + offset: word for index, word in found.words.items()}
    notes = (
        *found.notes,
        N_("{offset} was added to the ids of the word index").format(offset=offset),
    )
    if offset != _IMDB_OFFSET:
        return replace(found, words=words, notes=notes)
    free = {k: word for k, word in _KERAS_IMDB.items() if k not in words}
    notes = (
        *notes,
        N_("a text begins with the id 1, and 2 is an unknown word, as in Keras's IMDB"),
    )
    return replace(found, words=free | words, unknown=_KERAS_IMDB[2], notes=notes)


# -- text ------------------------------------------------------------------------------------------


def _lines(text: str) -> _Entries:
    """One word a line, perhaps with a count or an id behind it."""
    rows = text.split("\n")
    rows = [row.removesuffix("\r") for row in rows]
    while rows and not rows[-1]:
        rows.pop()
    columns = [row.rsplit(None, 1) for row in rows]
    numbered = all(len(c) == 2 and c[1].lstrip("-").isdecimal() for c in columns) and len(rows) > 1
    if numbered:
        numbers = [int(c[1]) for c in columns]
        words = [c[0] for c in columns]
        first = min(numbers)
        if first in (0, 1) and sorted(numbers) == list(range(first, first + len(numbers))):
            return _Entries(
                _by_line(words, numbers), notes=(N_("its second column was read as ids"),)
            )
        note = N_("its second column was read as counts: the id of a word is its line, from 0")
        return _Entries(_by_line(words, range(len(words))), notes=(note,))
    for n, row in enumerate(rows, 1):
        if not row and n > 1:
            raise ValueError(_("line {n} is empty").format(n=n))
    return _Entries(_by_line(rows, range(len(rows))))


def _by_line(words: list[str], ids: Iterable[int]) -> dict[int, str]:
    """Words by id; ValueError, with the line, for one that occurs twice."""
    lines: dict[str, int] = {}
    for n, word in enumerate(words, 1):
        if word in lines:
            raise ValueError(
                _("line {n} repeats {word!r}, which is in line {other}").format(
                    n=n, word=shortened(word, 40), other=lines[word]
                )
            )
        lines[word] = n
    return dict(zip(ids, words, strict=True))


# -- JSON ------------------------------------------------------------------------------------------


def _json_entries(text: str) -> _Entries:
    value = _parsed(text)
    if isinstance(value, str):  # what Tokenizer.to_json returned, written with json.dump
        value = _parsed(value)
    if isinstance(value, list):
        for n, word in enumerate(value):
            if not isinstance(word, str):
                raise ValueError(
                    _("entry {n} is {word}, not a word").format(n=n, word=shortened(repr(word), 40))
                )
        return _Entries(_by_entry(value))
    if not isinstance(value, dict):
        raise ValueError(_("expected a list or an object"))
    if value.get("class_name") == "Tokenizer" and isinstance(value.get("config"), dict):
        return _keras_tokenizer(value["config"])
    if "word_index" in value and isinstance(value["word_index"], dict):
        value = value["word_index"]
    return _Entries(_object_entries(value))


def _object_entries(value: Mapping[str, Any]) -> dict[int, str]:
    """Words by id, from an object of words with their ids or the other way round."""
    if all(type(index) is int for index in value.values()):
        return _inverted(value)
    if all(isinstance(word, str) and index.isdecimal() for index, word in value.items()):
        found = {int(index): word for index, word in value.items()}
        _inverted({word: index for index, word in found.items()}, len(found))
        return found
    inside = [key for key, part in value.items() if isinstance(part, dict | list) and len(part) > 1]
    if inside:
        listed = ", ".join(repr(shortened(key, 40)) for key in inside[:5])
        raise ValueError(
            _("it holds {listed}: write the vocabulary alone into a file").format(listed=listed)
        )
    first = next((key for key, index in value.items() if type(index) is not int), "")
    raise ValueError(
        _("{first!r} has {value}, where an id is expected").format(
            first=shortened(first, 40), value=shortened(repr(value[first]), 40)
        )
    )


def _inverted(value: Mapping[str, Any], count: int | None = None) -> dict[int, str]:
    """Words by id; ValueError for an id of two words, or of ``count`` words fewer."""
    if count is not None and len(value) != count:
        raise ValueError(_("a word has two ids"))
    found: dict[int, str] = {}
    for word, index in value.items():
        if index in found:
            raise ValueError(
                _("{word!r} and {other!r} both have the id {index}").format(
                    word=shortened(word, 40), other=shortened(found[index], 40), index=index
                )
            )
        found[index] = word
    return found


def _by_entry(words: list[str]) -> dict[int, str]:
    entries: dict[str, int] = {}
    for n, word in enumerate(words):
        if word in entries:
            raise ValueError(
                _("entry {n} repeats {word!r}, entry {other}").format(
                    n=n, word=shortened(word, 40), other=entries[word]
                )
            )
        entries[word] = n
    return dict(enumerate(words))


def _keras_tokenizer(config: Mapping[str, Any]) -> _Entries:
    """What ``Tokenizer.to_json`` writes; its word_index is JSON in a text."""
    index = config.get("word_index")
    index = _parsed(index) if isinstance(index, str) else index
    if not isinstance(index, dict):
        raise ValueError(_("its word_index is missing"))
    limit, oov = config.get("num_words"), config.get("oov_token")
    tokenizer: Tokenizer = "characters" if config.get("char_level") is True else "keras"
    notes = []
    usual = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
    if tokenizer == "keras" and (config.get("filters", usual), config.get("split", " ")) != (
        usual,
        " ",
    ):
        tokenizer = "spaces"
        notes.append(N_("its filters are not Keras's usual ones: the text is split at white space"))
    return _Entries(
        _object_entries(index),
        tokenizer,
        oov if isinstance(oov, str) else None,
        limit if type(limit) is int and limit > 0 else None,
        tuple(notes),
    )


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        raise InvalidFileError(
            _("The vocabulary is not JSON: {reason}.").format(reason=error)
        ) from error
