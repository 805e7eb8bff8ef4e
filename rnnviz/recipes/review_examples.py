"""Training examples of short texts, extracted from long reviews.

A review's label says little about one of its sentences, but thousands of reviews show which
sentences, negated phrases and openings go with which label. All examples are counted from the
reviews and from two nets' logits of single words; no sentence is invented.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from rnnviz.data.imdb import Review
from rnnviz.data.standardization import standardize
from rnnviz.data.tokenizers import tokenize

Tokens = tuple[str, ...]

#: A sentence ends at ".", "!" or "?" and closing marks, before white space; or at a wide gap.
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+|\s{2,}")

NEGATORS = frozenset(
    "n't not never no without nothing hardly nor neither nobody cannot".split()
)  # fmt: skip
#: Words that end the scope of a negation.
SCOPE_ENDS = frozenset(
    "but than only just enough as so because although though if however too until that which who "
    "what when and".split()
)
#: Tokens after a negator that may be negated; tokens that a span includes before and after.
SCOPE, BEFORE, AFTER = 4, 4, 2
#: Sentences with more tokens are skipped; extracted sentences have at most MAX_TOKENS.
SKIP_TOKENS, MAX_TOKENS = 60, 25
#: A word is polar if the absolute value of its logit is larger.
MIN_LOGIT = 1.0
#: Occurrences needed for a count to be used.
MIN_COUNT = 6


@dataclass(frozen=True)
class SentimentReview:
    """A review split into sentences of tokens, with its label (1 for positive)."""

    label: int
    sentences: tuple[Tokens, ...]


def sentences(
    reviews: Iterable[Review], split: Callable[[str], list[str]] = tokenize
) -> list[SentimentReview]:
    """Split each review into sentences and these into tokens by ``split``; skips empty ones."""
    result = []
    for review in reviews:
        # Standardized first: a tag leaves a gap, and the punctuation may be typographic.
        parts = _SENTENCE_END.split(standardize(review.text))
        tokens = (tuple(split(part)) for part in parts)
        result.append(SentimentReview(review.label, tuple(s for s in tokens if s)))
    return result


@dataclass(frozen=True)
class Negation:
    """A negated polar word at index ``word``, in the span [start, end) with its negator."""

    start: int
    word: int
    end: int


def negations(sentence: Sequence[str], polarity: Mapping[str, int]) -> Iterator[Negation]:
    """Yield each negator that has a polar word in its scope, with the first such word."""
    for at, token in enumerate(sentence):
        if token not in NEGATORS:
            continue
        word = _negated(sentence, at, polarity)
        if word is None:
            continue

        def free(n: int) -> bool:
            token = sentence[n]
            return token not in NEGATORS and token not in SCOPE_ENDS and token not in polarity

        start, end = at, word + 1
        while start > 0 and at - start < BEFORE and free(start - 1):
            start -= 1
        while end < len(sentence) and end - word <= AFTER + 1 and free(end):
            end += 1
        yield Negation(start, word, end)


def _negated(sentence: Sequence[str], at: int, polarity: Mapping[str, int]) -> int | None:
    for n in range(at + 1, min(at + 1 + SCOPE, len(sentence))):
        if sentence[n] in NEGATORS or sentence[n] in SCOPE_ENDS:
            return None
        if sentence[n] in polarity:
            # "not good enough to" and the like are not negations of "good".
            return None if "enough" in sentence[n + 1 : n + 5] else n
    return None


class NegationCounts:
    """Counts of polar words with and without a negation, by the label of their review.

    They show whether a negation reverses a word's polarity: "not bad" does; "n't bother",
    "n't waste" and "never get back" do not.
    """

    def __init__(self, reviews: Iterable[SentimentReview], polarity: Mapping[str, int]) -> None:
        self._polarity = polarity
        self._plain: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._negated: dict[str | tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for review in reviews:
            for s in review.sentences:
                if len(s) <= SKIP_TOKENS:
                    self._count(s, review.label)

    def _count(self, s: Tokens, label: int) -> None:
        negated = {negation.word for negation in negations(s, self._polarity)}
        for n, token in enumerate(s):
            if token not in self._polarity:
                continue
            if n in negated:
                self._negated[token][label] += 1
                self._negated[s[n - 1], token][label] += 1
            else:
                self._plain[token][label] += 1

    def flips(self, before: str, word: str) -> bool:
        """Whether a negation reverses ``word`` after ``before``; True if both are rare."""
        for key in ((before, word), word):
            counts = self._negated.get(key, [0, 0])
            if sum(counts) >= MIN_COUNT:
                change = _log_odds(counts) - _log_odds(self._plain[word])
                return -self._polarity[word] * change > 0
        return True


def _log_odds(counts: Sequence[int]) -> float:
    return log((counts[1] + 0.5) / (counts[0] + 0.5))


@dataclass(frozen=True)
class ReviewExamples:
    """Short texts of the reviews, each with a target or count."""

    clean: list[tuple[Tokens, int]]  # sentences whose negations agree with their review's label
    spans: list[tuple[Tokens, int]]  # distinct negated phrases, with their class
    grams: list[tuple[Tokens, float]]  # n-grams with a negator, with the share of positive reviews
    openings: list[tuple[Tokens, int]]  # neutral beginnings of sentences, with their counts


def extract_examples(
    reviews: Sequence[SentimentReview], logits: Mapping[str, float]
) -> ReviewExamples:
    """Extract the examples, given the logit of each word on its own."""
    polarity = {
        word: 1 if logit > 0 else -1
        for word, logit in logits.items()
        if abs(logit) > MIN_LOGIT and word not in NEGATORS | SCOPE_ENDS
    }
    counts = NegationCounts(reviews, polarity)
    clean: list[tuple[Tokens, int]] = []
    spans: set[tuple[Tokens, int]] = set()
    grams: dict[Tokens, list[int]] = defaultdict(lambda: [0, 0])
    openings: Counter[Tokens] = Counter()
    for review in reviews:
        in_review: set[Tokens] = set()
        for s in review.sentences:
            if len(s) > SKIP_TOKENS:
                continue
            flipped = [n for n in negations(s, polarity) if counts.flips(s[n.word - 1], s[n.word])]
            labelled = [(s[n.start : n.end], int(polarity[s[n.word]] < 0)) for n in flipped]
            agreeing = [span for span in labelled if span[1] == review.label]
            spans.update(agreeing)
            if len(agreeing) == len(labelled) and 2 <= len(s) <= MAX_TOKENS:
                clean.append((s, review.label))
            if not flipped:
                in_review.update(_grams_with_negator(s))
            openings.update(_neutral_openings(s, logits))
        # Sorted, because the order of a set of strings differs from process to process.
        for gram in sorted(in_review):
            grams[gram][review.label] += 1
    return ReviewExamples(
        clean,
        sorted(spans),
        [(gram, share) for gram, by_label in grams.items() if (share := _positive_share(by_label))],
        [(opening, n) for opening, n in openings.items() if n >= 3],
    )


def _grams_with_negator(s: Tokens) -> Iterator[Tokens]:
    """The 2- to 6-grams that contain a negator and begin at most BEFORE tokens left of it."""
    for at, token in enumerate(s):
        if token in NEGATORS:
            for start in range(max(0, at - BEFORE), at + 1):
                for n in range(2, 7):
                    if at < start + n <= len(s):
                        yield s[start : start + n]


def _positive_share(counts: Sequence[int]) -> float:
    """The smoothed share of positive reviews; 0 if reviews are few or the share is near ½."""
    negative, positive = counts
    share = (positive + 2) / (negative + positive + 4)
    return share if negative + positive >= 8 and abs(log(share / (1 - share))) >= 1 else 0.0


def _neutral_openings(s: Tokens, logits: Mapping[str, float]) -> Iterator[Tokens]:
    """The first one to four words, up to the first one that is polar or a negator."""
    for n in range(1, min(5, len(s))):
        if s[n - 1] in NEGATORS or abs(logits.get(s[n - 1], 0.0)) >= 1:
            return
        yield s[:n]
