"""Short negated phrases for a sample that is too small to have enough of them.

The words are counted from labelled phrases: those that stand where a negation can reverse them,
and nearly always under one label. Each is put behind the openings of ``OPENINGS``, with a negation
and without one. So these phrases, unlike those counted from reviews, are composed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rnnviz.recipes.review_examples import NEGATORS

#: A word after one of these is predicated of something: "is dull", "very funny".
BEFORE = frozenset("is are was were 's be so very too really quite pretty more most".split())
#: Of the phrases of a word, at least so many, and at least this share with one label.
MIN_COUNT, MIN_SHARE = 4, 0.85
#: Phrases with more tokens say little about one of their words.
MAX_TOKENS = 12
#: What the words are put behind; the second is the negated form.
OPENINGS = (
    ("", "not"),
    ("", "not very"),
    ("it was", "it was not"),
    ("it is", "it is not"),
    ("it was", "it was n't"),
    ("this movie was", "this movie was not"),
    ("this film is", "this film is not"),
    ("a", "not a"),
)


def polar_words(phrases: Iterable[tuple[Sequence[str], int]]) -> dict[str, int]:
    """Words that phrases without a negation predicate under one label, with that label."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    predicated = set()
    for tokens, label in phrases:
        if len(tokens) > MAX_TOKENS or not NEGATORS.isdisjoint(tokens):
            continue
        for before, word in zip(("", *tokens), tokens, strict=False):
            counts[word][label] += 1
            if before in BEFORE:
                predicated.add(word)
    found = {}
    for word in sorted(predicated):
        label = int(counts[word][1] > counts[word][0])
        if word.isalpha() and counts[word][label] >= max(MIN_COUNT, MIN_SHARE * sum(counts[word])):
            found[word] = label
    return found


def negated_phrases(words: Mapping[str, int]) -> list[tuple[list[str], int]]:
    """The tokens of every opening with every word, plain and negated, each with its label."""
    return [
        ([*opening.split(), word], label if plain else 1 - label)
        for word, label in words.items()
        for openings in OPENINGS
        for plain, opening in zip((True, False), openings, strict=True)
    ]
