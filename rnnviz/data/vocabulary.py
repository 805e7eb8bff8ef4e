"""Vocabularies: from tokens to ids and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Final, Literal, get_args

from rnnviz.data.standardization import Language, standardize
from rnnviz.data.tokenizers import (
    TOKENIZERS,
    Tokenizer,
    keras_words,
    split_known_words,
    vectorization_words,
)

PADDING: Final = ""
UNKNOWN: Final = "[UNK]"
PADDING_ID: Final = 0
UNKNOWN_ID: Final = 1


@dataclass(frozen=True)
class Encoding:
    """How texts become ids: tokenizer, special ids, padding.

    ``start`` is an id that every text begins with. ``length`` is a fixed number of steps; longer
    texts lose their beginning when ``padding`` is "front" (as in Keras's ``pad_sequences``), else
    their end. ``language`` determines the lower case of I and İ.
    """

    tokenizer: Tokenizer = "words"
    unknown: int = UNKNOWN_ID
    start: int | None = None
    padding: Literal["front", "end"] = "end"
    length: int | None = None
    language: Language = "en"

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Encoding:
        """Read what ``to_json`` wrote; None gives the default. ValueError if it is invalid."""
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
    """The words that a net knows; a word's index in ``words`` is its row in the embedding.

    ``words[0]`` is the padding (an empty string), ``words[encoding.unknown]`` is "[UNK]", and
    entries in square brackets are not words. Raises ValueError if the special entries are not at
    their indices or a word is repeated.
    """

    words: tuple[str, ...]
    encoding: Encoding = Encoding()
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the words and build the index."""
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
        # A text never contains the special entries, whatever is typed.
        for word in self.words:
            if word == PADDING or (word[0], word[-1]) == ("[", "]"):
                del ids[word]
        object.__setattr__(self, "_ids", ids)

    def __len__(self) -> int:
        """The number of entries, special ones included."""
        return len(self.words)

    @classmethod
    def build(cls, token_lists: Iterable[Sequence[str]], size: int) -> Vocabulary:
        """A vocabulary of the most frequent tokens, ``size`` entries with the two special ones.

        Ties are broken by first appearance. Raises ValueError for a ``size`` below 2.
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
        """The vocabulary to which Keras's ``TextVectorization(max_tokens=size)`` adapts.

        Tokens are sorted by frequency; ties are in reverse alphabetical order, as Keras sorts them
        (``np.lexsort`` by count and token, reversed).
        """
        if size < 2:
            raise ValueError(f"a vocabulary needs a size of at least 2, not {size}")
        empty = cls((PADDING, UNKNOWN), Encoding(tokenizer="vectorization"))
        counts = Counter(token for text in texts for token in empty.tokenize(text))
        ranked = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        return cls((PADDING, UNKNOWN, *ranked[: size - 2]), empty.encoding)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The id of each token, or that of UNKNOWN; never the padding's."""
        unknown = self.encoding.unknown
        return [self._ids.get(token, unknown) for token in tokens]

    def tokenize(self, text: str) -> list[str]:
        """Standardize a text and split it as the texts of this vocabulary were split."""
        tokenizer, language = self.encoding.tokenizer, self.encoding.language
        standard = standardize(text, language=language, tags=tokenizer == "words")
        if tokenizer == "keras":
            return keras_words(standard)
        if tokenizer == "vectorization":
            return vectorization_words(standard)
        return split_known_words(standard, self._ids.__contains__, self._longest)

    @cached_property
    def _longest(self) -> int:
        """Length of the longest word."""
        return max(map(len, self._ids), default=0)

    def read(self, text: str) -> tuple[list[str], list[int]]:
        """The tokens and ids of a text as the net reads them, with the start token if any."""
        tokens = self.tokenize(text)
        ids, start = self.encode(tokens), self.encoding.start
        return (tokens, ids) if start is None else ([self.words[start], *tokens], [start, *ids])

    def known(self, token: str) -> bool:
        """Whether a token has an embedding row of its own; special entries do not count."""
        return token in self._ids

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The entry of each id; ValueError for an id out of range."""
        entries: list[str] = []
        for index in ids:
            if not 0 <= index < len(self.words):
                raise ValueError(
                    f"index {index} is outside the vocabulary (0 to {len(self.words) - 1})"
                )
            entries.append(self.words[index])
        return entries

    def to_json(self) -> list[str]:
        """The entries as a list for ``json.dump``."""
        return list(self.words)

    @classmethod
    def from_json(cls, value: object, encoding: object = None) -> Vocabulary:
        """Read what ``to_json`` wrote; ValueError if it is not a list of distinct words."""
        if not isinstance(value, list):
            raise ValueError(f"a vocabulary must be a list of strings, not {type(value).__name__}")
        for index, word in enumerate(value):
            if not isinstance(word, str):
                raise ValueError(
                    f"entry {index} of the vocabulary must be a string, not {type(word).__name__}"
                )
        return cls(tuple(value), Encoding.from_json(encoding))
