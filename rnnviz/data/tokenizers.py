"""Cutting a text into tokens.

Training and the live view must cut a sentence in the same way, so both use these functions. A
text is standardized first (``standardization.py``). The "words" tokenizer is Keras's
``TextVectorization`` (punctuation deleted, split at white space) with two changes:

- A negation is a token of its own. Keras turns "isn't" into the one word "isnt", and a net would
  have to learn every such word separately; here it is "is" "n't", as in the Penn Treebank.
- Words joined by punctuation ("great/bad", "not-good", "great...but") are split into the fewest
  words that the vocabulary contains. If it contains the joined word ("well-made", "wellmade"), or
  not all of the parts, the punctuation is deleted as in Keras. Without a vocabulary, as when words
  are counted to build one, it is always deleted.

The lecture's nets are tokenized exactly as Keras does it, tags included ("br" is one of their
words).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from rnnviz.data.standardization import Language, composed, standardize
from rnnviz.messages import N_

NEGATION: Final = "n't"

# Keras's default set, in its order: all ASCII punctuation.
PUNCTUATION: Final = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"

_DELETE_PUNCTUATION: Final = str.maketrans("", "", PUNCTUATION)

# Punctuation that may join two words; an apostrophe is part of a word.
_JOINERS: Final = re.compile(f"[{re.escape(PUNCTUATION.replace(chr(39), ''))}]+")

# "n't" at the end of a word; punctuation or a second clitic may follow ("couldn't've").
_NEGATION_END: Final = re.compile(r"n't(?!\w)")

# The words before "nt" where the apostrophe is left out.
_AUXILIARIES: Final = (
    *("is", "was", "are", "were", "ai"),
    *("do", "does", "did", "have", "has", "had"),
    *("ca", "could", "wo", "would", "should", "must", "need"),
)
_CONTRACTIONS: Final[dict[str, tuple[str, str]]] = {
    **{word + "nt": (word, NEGATION) for word in _AUXILIARIES},
    "cannot": ("can", "not"),
}

#: Whether a word is in the vocabulary.
IsKnown = Callable[[str], bool]


def _words_without_punctuation(fragment: str) -> tuple[str, ...]:
    """The words of a text without white space or "n't", punctuation deleted: none, one or two."""
    word = fragment.translate(_DELETE_PUNCTUATION)
    if not word:
        return ()
    # Deleted punctuation may have separated a letter and its accent.
    word = composed(word)
    return _CONTRACTIONS.get(word, (word,))


def _words_of_chunk(chunk: str, is_known: IsKnown | None, longest: int) -> Sequence[str]:
    """The words of a text without white space, negations and joined words separated."""
    # Most words contain no punctuation, and a review has hundreds of words.
    if chunk.isalnum():
        return _CONTRACTIONS.get(chunk) or (chunk,)
    if NEGATION not in chunk:
        return _words_of_fragment(chunk, is_known, longest)
    words: list[str] = []
    fragments = _NEGATION_END.split(chunk)
    for position, fragment in enumerate(fragments):
        if position:
            words.append(NEGATION)
        words.extend(_words_of_fragment(fragment, is_known, longest))
    return words


def _words_of_fragment(fragment: str, is_known: IsKnown | None, longest: int) -> Sequence[str]:
    """The words of a text without white space or "n't", joined ones split if ``is_known``."""
    words = _words_without_punctuation(fragment)
    if is_known is None or all(map(is_known, words)):
        return words
    pieces = [piece for piece in _JOINERS.split(fragment.replace("'", "")) if piece]
    return words if len(pieces) < 2 else _fewest_known(pieces, is_known, longest) or words


def _fewest_known(pieces: Sequence[str], is_known: IsKnown, longest: int) -> list[str]:
    """Join neighbouring pieces to the fewest known words; [] if that is not possible.

    ``longest`` is the length of the longest known word; longer joins are not tried.
    """
    # For each number of pieces: the fewest words they form, and the index where the last begins.
    fewest: list[tuple[float, int]] = [(0, 0)]
    for end in range(1, len(pieces) + 1):
        best, joined = (float("inf"), 0), ""
        for start in range(end - 1, -1, -1):
            joined = pieces[start] + joined
            if len(joined) > longest:
                break
            count = fewest[start][0] + 1
            if count < best[0] and (
                is_known(joined) or all(map(is_known, _words_without_punctuation(joined)))
            ):
                best = (count, start)
        fewest.append(best)
    if fewest[-1][0] == float("inf"):
        return []
    joins: list[tuple[str, ...]] = []
    end = len(pieces)
    while end:
        start = fewest[end][1]
        joins.append(_words_without_punctuation("".join(pieces[start:end])))
        end = start
    return [word for join in reversed(joins) for word in join]


def tokenize(text: str, language: Language = "en") -> list[str]:
    """Split a text into lower-case words without punctuation, negations separated.

    "It isn't GOOD!" gives ``["it", "is", "n't", "good"]``; "can't" gives "ca" "n't", "cannot"
    gives "can" "not". "well-made" gives "wellmade", as every joined pair: splitting it takes a
    vocabulary (``Vocabulary.tokenize``). Any text is accepted; an empty one has no tokens.
    Tokenizing the tokens joined by spaces gives the same tokens.
    """
    return split_known_words(standardize(text, language=language), None, 0)


def split_known_words(text: str, is_known: IsKnown | None, longest: int) -> list[str]:
    """The "words" tokenizer on a standardized text.

    ``is_known`` decides how joined words are split (None: they are not); ``longest`` is the length
    of the longest known word.
    """
    return [word for chunk in text.split() for word in _words_of_chunk(chunk, is_known, longest)]


# Keras's text_to_word_sequence, which made the reviews of imdb.npz: apostrophes are not deleted.
_KERAS_FILTERS: Final = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def keras_words(text: str) -> list[str]:
    """Keras's ``text_to_word_sequence``: punctuation but the apostrophe becomes spaces."""
    return [word for word in text.lower().translate(_KERAS_FILTERS).split(" ") if word]


def vectorization_words(text: str) -> list[str]:
    """Keras's ``TextVectorization``: punctuation is deleted, "don't" becomes "dont"."""
    return composed(text.lower().translate(_DELETE_PUNCTUATION)).split()


def verbatim_tokens(text: str, tokenizer: Literal["characters", "spaces"]) -> list[str]:
    """The characters of a text, or what stands between white space, as they were typed."""
    return list(text) if tokenizer == "characters" else text.split()


Tokenizer = Literal["words", "turkish", "keras", "vectorization", "characters", "spaces"]

#: A description of each tokenizer.
TOKENIZERS: Final[Mapping[Tokenizer, str]] = {
    "words": N_(
        "Unicode NFC, typographic punctuation as ASCII, tags removed, lower case; "
        "punctuation is deleted, n't is a word; joined words are split where the "
        "vocabulary contains the parts and not the whole."
    ),
    "turkish": N_(
        "Unicode NFC, tags removed, Turkish lower case, punctuation separates words; a verb is "
        "cut into stem, negation and ending (beğenmedim: beğen -me -dim), değildi into değil -di; "
        "the ids are the same with and without Turkish letters, and for all vowels of a suffix."
    ),
    "keras": N_(
        "Keras's text_to_word_sequence: punctuation but the apostrophe becomes "
        "spaces, so that <br /> is the word br; the training ids are Keras's. In "
        "typed text, typographic punctuation becomes ASCII first."
    ),
    "vectorization": N_(
        "Keras's TextVectorization: punctuation is deleted, and of tags all but the "
        "letters; on ASCII text the ids are Keras's. Typographic punctuation becomes "
        "ASCII first."
    ),
    "characters": N_(
        "Every character is a token, spaces too; in lower case where the vocabulary "
        "has no capital letter."
    ),
    "spaces": N_(
        "The text is split at white space and nothing is deleted; in lower case "
        "where the vocabulary has no capital letter."
    ),
}
