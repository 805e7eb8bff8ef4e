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
    verbatim_tokens,
)
from rnnviz.messages import _

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

    ``special`` is for vocabularies of other programs: the ids of entries that are no words, such as
    those of padding. None: the special entries are those of :class:`Vocabulary`. ``unknown`` may be
    None only beside it: words that are not in the vocabulary are left out, as by Keras's Tokenizer.

    ``stems`` are the ids of verb stems, after which the "turkish" tokenizer cuts a word.
    """

    tokenizer: Tokenizer = "words"
    unknown: int | None = UNKNOWN_ID
    start: int | None = None
    padding: Literal["front", "end"] = "end"
    length: int | None = None
    language: Language = "en"
    special: tuple[int, ...] | None = None
    stems: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object, without ``special`` and ``stems`` where they are None."""
        found = asdict(self)
        lists = {name: found.pop(name) for name in ("special", "stems")}
        return found | {name: list(ids) for name, ids in lists.items() if ids is not None}

    @classmethod
    def from_json(cls, value: object) -> Encoding:
        """Read what ``to_json`` wrote; None gives the default. ValueError if it is invalid."""
        if value is None:
            return cls()
        known = {f.name for f in fields(cls)}
        if not isinstance(value, dict) or not set(value) <= known:
            raise ValueError(
                _("an encoding must be an object of {names}").format(names=", ".join(sorted(known)))
            )
        special, stems = value.get("special"), value.get("stems")
        if special is not None and not isinstance(special, list):
            raise ValueError(_("an encoding's special entries must be a list of ids"))
        if stems is not None and not isinstance(stems, list):
            raise ValueError(_("an encoding's stems must be a list of ids"))
        found = cls(
            **value
            | {
                "special": None if special is None else tuple(special),
                "stems": None if stems is None else tuple(stems),
            }
        )
        if not isinstance(value.get("tokenizer", ""), str):
            raise ValueError(_("an encoding's tokenizer must be a name"))
        whole = [n for n in (found.unknown, found.start, found.length) if n is not None]
        whole += (*(found.special or ()), *(found.stems or ()))
        if (
            found.tokenizer not in TOKENIZERS
            or found.padding not in ("front", "end")
            or found.language not in get_args(Language)
            or not all(type(n) is int and 0 <= n < 10**9 for n in whole)
            or found.length == 0
            or (found.tokenizer == "turkish") != (found.stems is not None)
            or (found.tokenizer == "turkish" and found.language != "tr")
            or (found.unknown is None and found.special is None)
        ):
            raise ValueError(_("an encoding cannot be {value!r}").format(value=value))
        return found


@dataclass(frozen=True)
class Vocabulary:
    """The words that a net knows; a word's index in ``words`` is its row in the embedding.

    ``words[0]`` is the padding (an empty string), ``words[encoding.unknown]`` is "[UNK]", and
    entries in square brackets are not words. Where ``encoding.special`` lists the special entries,
    they may be anywhere and have any name, and every other entry is a word. Raises ValueError if
    the special entries are not at their indices or a word is repeated.
    """

    words: tuple[str, ...]
    encoding: Encoding = Encoding()
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the words and build the index."""
        special, stems = self.encoding.special, self.encoding.stems or ()
        if special is None:
            self._check_special_entries()
        elif not all(0 <= k < len(self.words) for k in (*special, self.encoding.unknown or 0)):
            raise ValueError(
                _("the vocabulary has no entry for an id of {special!r}").format(special=special)
            )
        if not all(0 <= k < len(self.words) for k in stems):
            raise ValueError(_("the vocabulary has no entry for an id of its stems"))
        start = self.encoding.start
        if start is not None and not 0 < start < len(self.words):
            raise ValueError(
                _("the vocabulary has no entry {start} to start a text with").format(start=start)
            )
        turkish = self.encoding.tokenizer == "turkish"
        keys = tuple(map(self._key, self.words)) if turkish else self.words
        ids = dict(zip(keys, range(len(keys)), strict=True))
        if len(ids) != len(self.words):
            twice = next(key for key, count in Counter(keys).items() if count > 1)
            raise ValueError(
                _("the word {twice!r} is more than once in the vocabulary").format(twice=twice)
            )
        # A text never contains the special entries, whatever is typed.
        if special is not None:
            for index in special:
                ids.pop(self.words[index], None)
            ids.pop(PADDING, None)
        else:
            for word in self.words:
                if word == PADDING or (word[0] == "[" and word[-1] == "]"):
                    del ids[word]
        ids |= {form: ids[stem] for form, stem in self._stems.items() if stem in ids}
        object.__setattr__(self, "_ids", ids)

    def _key(self, token: str) -> str:
        """What the spellings of a token have in common."""
        if self.encoding.tokenizer != "turkish":
            return token
        from rnnviz.data.turkish import token_key

        return token_key(token)

    @cached_property
    def _stems(self) -> dict[str, str]:
        """The folded verb stems by the form that they have in front of an ending."""
        if not self.encoding.stems:
            return {}
        from rnnviz.data.turkish import fold, stems_by_form

        return stems_by_form(fold(self.words[k]) for k in self.encoding.stems)

    def _check_special_entries(self) -> None:
        """Raise ValueError unless the padding and the unknown word are at their ids."""
        unknown = self.encoding.unknown
        if unknown is None:
            raise ValueError(
                _("a vocabulary must have {unknown_word!r}").format(unknown_word=UNKNOWN)
            )
        if self.words[:1] != (PADDING,) or self.words[unknown : unknown + 1] != (UNKNOWN,):
            raise ValueError(
                _(
                    "a vocabulary must start with {padding!r} and have {unknown_word!r} at "
                    "{unknown}; this one begins with {words!r}"
                ).format(
                    padding=PADDING,
                    unknown_word=UNKNOWN,
                    unknown=unknown,
                    words=list(self.words[:3]),
                )
            )

    @cached_property
    def _forms(self) -> frozenset[str]:
        """The forms of the verb stems."""
        return frozenset(self._stems)

    def __len__(self) -> int:
        """The number of entries, special ones included."""
        return len(self.words)

    @classmethod
    def build(cls, token_lists: Iterable[Sequence[str]], size: int) -> Vocabulary:
        """A vocabulary of the most frequent tokens, ``size`` entries with the two special ones.

        Ties are broken by first appearance. Raises ValueError for a ``size`` below 2.
        """
        if size < 2:
            raise ValueError(
                _("a vocabulary needs a size of at least 2, not {size}").format(size=size)
            )
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
            raise ValueError(
                _("a vocabulary needs a size of at least 2, not {size}").format(size=size)
            )
        empty = cls((PADDING, UNKNOWN), Encoding(tokenizer="vectorization"))
        counts = Counter(token for text in texts for token in empty.tokenize(text))
        ranked = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        return cls((PADDING, UNKNOWN, *ranked[: size - 2]), empty.encoding)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The id of each token, or that of UNKNOWN; never the padding's.

        Unknown words are left out where the encoding has no id for them.
        """
        unknown = self.encoding.unknown
        if unknown is None:
            return [self._ids[key] for key in map(self._key, tokens) if key in self._ids]
        return [self._ids.get(key, unknown) for key in map(self._key, tokens)]

    def tokenize(self, text: str) -> list[str]:
        """Standardize a text and split it as the texts of this vocabulary were split."""
        tokenizer, language = self.encoding.tokenizer, self.encoding.language
        if tokenizer == "characters" or tokenizer == "spaces":
            return verbatim_tokens(text.lower() if self._is_lower_case else text, tokenizer)
        standard = standardize(text, language=language, tags=tokenizer in ("words", "turkish"))
        if tokenizer == "keras":
            return keras_words(standard)
        if tokenizer == "vectorization":
            return vectorization_words(standard)
        if tokenizer == "turkish":
            from rnnviz.data.turkish import cut_words, turkish_words

            return cut_words(turkish_words(standard), self._forms, self._ids.keys())
        return split_known_words(standard, self._ids.__contains__, self._longest)

    @cached_property
    def _longest(self) -> int:
        """Length of the longest word."""
        return max(map(len, self._ids), default=0)

    @cached_property
    def _is_lower_case(self) -> bool:
        """Whether no word has a capital letter, so that texts are read in lower case."""
        return all(word == word.lower() for word in self._ids)

    def read(self, text: str) -> tuple[list[str], list[int]]:
        """The tokens and ids of a text as the net reads them, with the start token if any.

        Where the encoding has no id for unknown words, they are in neither.
        """
        tokens = self.tokenize(text)
        if self.encoding.unknown is None:
            tokens = [token for token in tokens if self.known(token)]
        ids, start = self.encode(tokens), self.encoding.start
        return (tokens, ids) if start is None else ([self.words[start], *tokens], [start, *ids])

    def known(self, token: str) -> bool:
        """Whether a token has an embedding row of its own; special entries do not count."""
        return self._key(token) in self._ids

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The entry of each id; ValueError for an id out of range."""
        entries: list[str] = []
        for index in ids:
            if not 0 <= index < len(self.words):
                raise ValueError(
                    _("index {index} is outside the vocabulary (0 to {last})").format(
                        index=index, last=len(self.words) - 1
                    )
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
            raise ValueError(
                _("a vocabulary must be a list of strings, not {type}").format(
                    type=type(value).__name__
                )
            )
        for index, word in enumerate(value):
            if not isinstance(word, str):
                raise ValueError(
                    _("entry {index} of the vocabulary must be a string, not {type}").format(
                        index=index, type=type(word).__name__
                    )
                )
        return cls(tuple(value), Encoding.from_json(encoding))
