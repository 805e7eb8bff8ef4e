"""The one vectoriser: from a text to tokens, and from tokens to whole numbers.

Training and the live view must cut a sentence in the same way, so both come here. A text is
standardized first (``standardize.py``). The cutting is that of Keras's ``TextVectorization``
(punctuation deleted, split at white space) with two changes. A negation is kept apart: Keras turns
"isn't" into the one word "isnt", and a net would have to learn every such word anew; here it is
"is" "n't", as in the Penn Treebank. And of words that a mark glues together ("great/bad",
"not-good", "great...but") a vocabulary makes the fewest words that it knows; where it knows the
one word ("well-made", "wellmade"), or no such words, the mark is deleted as in Keras. A vocabulary
is counted before there is one to ask, so with the marks deleted.

The lessons' nets are cut as Keras cuts, tags included ("br" is one of their words).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Final, Literal, get_args

from rnnviz.data.standardization import Language, composed, standardize

PADDING: Final = ""
UNKNOWN: Final = "[UNK]"
PADDING_ID: Final = 0
UNKNOWN_ID: Final = 1

NEGATION: Final = "n't"

# Keras's default set, in its order: every ASCII punctuation mark.
PUNCTUATION: Final = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"

_DELETE_PUNCTUATION: Final = str.maketrans("", "", PUNCTUATION)

# Marks that may glue two words; the apostrophe is inside of one.
_GLUE: Final = re.compile(f"[{re.escape(PUNCTUATION.replace(chr(39), ''))}]+")

# "n't" at the end of a word; another mark or a second clitic may follow ("couldn't've").
_NEGATION_END: Final = re.compile(r"n't(?!\w)")

# The word before "nt" where people leave the apostrophe out.
_AUXILIARIES: Final = (
    *("is", "was", "are", "were", "ai"),
    *("do", "does", "did", "have", "has", "had"),
    *("ca", "could", "wo", "would", "should", "must", "need"),
)
_SPELT_TOGETHER: Final[dict[str, tuple[str, str]]] = {
    **{word + "nt": (word, NEGATION) for word in _AUXILIARIES},
    "cannot": ("can", "not"),
}


Known = Callable[[str], bool]


def _plain_words(fragment: str) -> tuple[str, ...]:
    """Return the words of a piece of text without white space or "n't": none, one or two."""
    word = fragment.translate(_DELETE_PUNCTUATION)
    if not word:
        return ()
    # A mark may have stood between a letter and its accent.
    word = composed(word)
    return _SPELT_TOGETHER.get(word, (word,))


def _words_of_chunk(chunk: str, known: Known | None, longest: int) -> Sequence[str]:
    """Return the words of one piece between white space, negations and glued words apart."""
    # The usual word has no mark in it, and a review has hundreds of words.
    if chunk.isalnum():
        return _SPELT_TOGETHER.get(chunk) or (chunk,)
    if NEGATION not in chunk:
        return _words_of_fragment(chunk, known, longest)
    words: list[str] = []
    fragments = _NEGATION_END.split(chunk)
    for position, fragment in enumerate(fragments):
        if position:
            words.append(NEGATION)
        words.extend(_words_of_fragment(fragment, known, longest))
    return words


def _words_of_fragment(fragment: str, known: Known | None, longest: int) -> Sequence[str]:
    """Return the words of a piece without "n't", glued ones apart if ``known`` is given."""
    words = _plain_words(fragment)
    if known is None or all(map(known, words)):
        return words
    pieces = [piece for piece in _GLUE.split(fragment.replace("'", "")) if piece]
    return words if len(pieces) < 2 else _fewest_known(pieces, known, longest) or words


def _fewest_known(pieces: Sequence[str], known: Known, longest: int) -> list[str]:
    """Join neighbouring pieces to the fewest known words; no words where there is no way.

    ``longest`` is the length of the longest known word: no longer join is tried.
    """
    # For each number of pieces: the fewest words they make, and where the last of them begins.
    fewest: list[tuple[float, int]] = [(0, 0)]
    for end in range(1, len(pieces) + 1):
        best, joined = (float("inf"), 0), ""
        for start in range(end - 1, -1, -1):
            joined = pieces[start] + joined
            if len(joined) > longest:
                break
            count = fewest[start][0] + 1
            if count < best[0] and (known(joined) or all(map(known, _plain_words(joined)))):
                best = (count, start)
        fewest.append(best)
    if fewest[-1][0] == float("inf"):
        return []
    joins: list[tuple[str, ...]] = []
    end = len(pieces)
    while end:
        start = fewest[end][1]
        joins.append(_plain_words("".join(pieces[start:end])))
        end = start
    return [word for join in reversed(joins) for word in join]


def tokenize(text: str, language: Language = "en") -> list[str]:
    """Cut a text into lower-case words without punctuation, negations apart.

    "It isn't GOOD!" gives ``["it", "is", "n't", "good"]``; "can't" gives "ca" "n't", "cannot"
    gives "can" "not"; "well-made" gives "wellmade", and so does every other glued pair: to cut
    those takes a vocabulary (``Vocabulary.tokenize``). Any text is accepted and an empty one gives
    no tokens. Cutting the joined tokens again gives the same tokens.
    """
    return _cut(standardize(text, language=language), None, 0)


def _cut(standard: str, known: Known | None, longest: int) -> list[str]:
    return [word for chunk in standard.split() for word in _words_of_chunk(chunk, known, longest)]


# Keras's text_to_word_sequence, with which the reviews of imdb.npz were cut: the apostrophe stays.
_KERAS_FILTERS: Final = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def keras_words(text: str) -> list[str]:
    """Cut a text as Keras's ``text_to_word_sequence``: "don't" stays, other marks are spaces."""
    return [word for word in text.lower().translate(_KERAS_FILTERS).split(" ") if word]


def vectorization_words(text: str) -> list[str]:
    """Cut a text as Keras's ``TextVectorization``: punctuation is deleted, "don't" is "dont"."""
    return composed(text.lower().translate(_DELETE_PUNCTUATION)).split()


Tokenizer = Literal["words", "keras", "vectorization"]

#: What each tokenizer does, in a sentence.
TOKENIZERS: Final[Mapping[Tokenizer, str]] = {
    "words": "Unicode NFC, typographic marks as ASCII, tags out, lower case; punctuation is "
    "deleted, n't is a word; glued words are cut where the vocabulary knows the parts and not "
    "the whole.",
    "keras": "Keras's text_to_word_sequence: marks but the apostrophe become spaces, so that "
    "<br /> is the word br; the training ids are Keras's. In a typed text typographic marks are "
    "read as ASCII first.",
    "vectorization": "Keras's TextVectorization: punctuation is deleted, tags too but for their "
    "letters; on ASCII text the ids are Keras's. Typographic marks are read as ASCII first.",
}


@dataclass(frozen=True)
class Encoding:
    """How texts become ids: the cutting, the special ids, the padding.

    ``start`` is an id every text begins with; ``length`` is a fixed number of steps, of longer
    texts the *end* is kept (Keras's ``pad_sequences``) when ``padding`` is "front", else the
    beginning. ``language`` decides about the small letters of I and İ.
    """

    tokenizer: Tokenizer = "words"
    unknown: int = UNKNOWN_ID
    start: int | None = None
    padding: Literal["front", "end"] = "end"
    length: int | None = None
    language: Language = "en"

    def to_json(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Encoding:
        """Read what ``to_json`` wrote; None is the default. ValueError if it makes no sense."""
        if value is None:
            return cls()
        known = {f.name for f in fields(cls)}
        if not isinstance(value, dict) or not set(value) <= known:
            raise ValueError(f"an encoding must be an object of {', '.join(sorted(known))}")
        found = cls(**value)
        if not isinstance(value.get("tokenizer", ""), str):
            raise ValueError("an encoding's tokenizer must be a name")
        whole = [n for n in (found.unknown, found.start, found.length) if n is not None]
        if (
            found.tokenizer not in TOKENIZERS
            or found.padding not in ("front", "end")
            or found.language not in get_args(Language)
            or not all(type(n) is int and 0 <= n < 10**9 for n in whole)
            or found.length == 0
        ):
            raise ValueError(f"an encoding cannot be {value!r}")
        return found


@dataclass(frozen=True)
class Vocabulary:
    """The words a net knows; a word's place in ``words`` is its row in the embedding.

    ``words[0]`` is the padding (an empty string); the entry at ``encoding.unknown`` stands for
    every unknown word, and entries in square brackets are no words. Raises ValueError if the first
    entries are not in their places or if a word comes twice.
    """

    words: tuple[str, ...]
    encoding: Encoding = Encoding()
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the words and index them."""
        unknown = self.encoding.unknown
        if self.words[:1] != (PADDING,) or self.words[unknown : unknown + 1] != (UNKNOWN,):
            raise ValueError(
                f"a vocabulary must start with {PADDING!r} and have {UNKNOWN!r} at {unknown}; "
                f"this one begins with {list(self.words[:3])!r}"
            )
        start = self.encoding.start
        if start is not None and not 0 < start < len(self.words):
            raise ValueError(f"the vocabulary has no entry {start} to start a text with")
        ids = {word: index for index, word in enumerate(self.words)}
        if len(ids) != len(self.words):
            twice = next(word for word, count in Counter(self.words).items() if count > 1)
            raise ValueError(f"the word {twice!r} is more than once in the vocabulary")
        # The special entries are no words: a text can never mean them.
        for word in self.words:
            if word == PADDING or (word[0], word[-1]) == ("[", "]"):
                del ids[word]
        object.__setattr__(self, "_ids", ids)

    def __len__(self) -> int:
        """Return the number of entries, the two special ones included."""
        return len(self.words)

    @classmethod
    def build(cls, token_lists: Iterable[Sequence[str]], size: int) -> Vocabulary:
        """Take the most frequent tokens, up to ``size`` entries with the two special ones.

        Of equally frequent tokens the one that appeared first is taken first. Raises ValueError
        if ``size`` leaves no room for the special entries.
        """
        if size < 2:
            raise ValueError(f"a vocabulary needs a size of at least 2, not {size}")
        # A Counter keeps the order of first appearance, and most_common sorts stably.
        counts = Counter(token for tokens in token_lists for token in tokens)
        for special in (PADDING, UNKNOWN):
            counts.pop(special, None)
        frequent = (token for token, _ in counts.most_common(size - 2))
        return cls((PADDING, UNKNOWN, *frequent))

    @classmethod
    def adapt(cls, texts: Iterable[str], size: int) -> Vocabulary:
        """The vocabulary Keras's ``TextVectorization(max_tokens=size)`` adapts to the texts.

        By frequency; of equally frequent tokens the alphabetically last is taken first, as Keras
        sorts them (``np.lexsort`` by count and token, turned around).
        """
        if size < 2:
            raise ValueError(f"a vocabulary needs a size of at least 2, not {size}")
        empty = cls((PADDING, UNKNOWN), Encoding(tokenizer="vectorization"))
        counts = Counter(token for text in texts for token in empty.tokenize(text))
        ranked = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        return cls((PADDING, UNKNOWN, *ranked[: size - 2]), empty.encoding)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the index of each token, that of UNKNOWN where it has none; never the padding."""
        unknown = self.encoding.unknown
        return [self._ids.get(token, unknown) for token in tokens]

    def tokenize(self, text: str) -> list[str]:
        """Cut a text as this vocabulary's texts were cut, whatever characters it is typed in."""
        tokenizer, language = self.encoding.tokenizer, self.encoding.language
        standard = standardize(text, language=language, tags=tokenizer == "words")
        if tokenizer == "keras":
            return keras_words(standard)
        if tokenizer == "vectorization":
            return vectorization_words(standard)
        return _cut(standard, self._ids.__contains__, self._longest)

    @cached_property
    def _longest(self) -> int:
        """Characters of the longest word."""
        return max(map(len, self._ids), default=0)

    def read(self, text: str) -> tuple[list[str], list[int]]:
        """A text as the net reads it: tokens and ids, with the start token where there is one."""
        tokens = self.tokenize(text)
        ids, start = self.encode(tokens), self.encoding.start
        return (tokens, ids) if start is None else ([self.words[start], *tokens], [start, *ids])

    def known(self, token: str) -> bool:
        """Say whether a token has a row of its own; the two special entries do not count."""
        return token in self._ids

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the entry at each index. Raises ValueError for an index outside the range."""
        entries: list[str] = []
        for index in ids:
            if not 0 <= index < len(self.words):
                raise ValueError(
                    f"index {index} is outside the vocabulary (0 to {len(self.words) - 1})"
                )
            entries.append(self.words[index])
        return entries

    def to_json(self) -> list[str]:
        """Return the entries as a plain list, ready for ``json.dump``."""
        return list(self.words)

    @classmethod
    def from_json(cls, value: object, encoding: object = None) -> Vocabulary:
        """Read what ``to_json`` wrote. Raises ValueError if it is not a list of distinct words."""
        if not isinstance(value, list):
            raise ValueError(f"a vocabulary must be a list of strings, not {type(value).__name__}")
        for index, word in enumerate(value):
            if not isinstance(word, str):
                raise ValueError(
                    f"entry {index} of the vocabulary must be a string, not {type(word).__name__}"
                )
        return cls(tuple(value), Encoding.from_json(encoding))
