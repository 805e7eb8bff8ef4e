"""What long reviews can teach about short sentences.

A review's label says little about one of its sentences, but thousands of reviews say which
sentences, negated phrases and openings go with which label. Everything here is counted from the
reviews and from two nets' opinion of single words; no sentence is made up.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from rnnviz.data.sst2 import Review
from rnnviz.data.standardization import standardize
from rnnviz.data.tokenizers import tokenize

Tokens = tuple[str, ...]

#: A sentence ends at a full stop, with closing marks, before white space; or at a wide gap.
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+|\s{2,}")

NEGATORS = frozenset(
    "n't not never no without nothing hardly nor neither nobody cannot".split()
)  # fmt: skip
#: A negation does not reach across these.
STOPS = frozenset(
    "but than only just enough as so because although though if however too until that which who "
    "what when and".split()
)
#: How far behind the negator the word it negates is looked for, and how far a span reaches around.
SCOPE, BEFORE, AFTER = 4, 4, 2
#: Sentences longer than this are not looked into; those to be learnt are at most SHORT tokens.
LONG, SHORT = 60, 25
#: An opinion (logit) of one word from here on counts as a polarity.
POLAR = 1.0
#: Fewer occurrences than this prove nothing.
ENOUGH = 6


@dataclass(frozen=True)
class SentimentReview:
    """A review as sentences of tokens, with its label (1 positive)."""

    label: int
    sentences: tuple[Tokens, ...]


def sentences(
    reviews: Iterable[Review], cut: Callable[[str], list[str]] = tokenize
) -> list[SentimentReview]:
    """Each review as sentences of tokens, empty ones left out; ``cut`` makes the tokens."""
    found = []
    for review in reviews:
        # Before the sentences are looked for: a tag leaves a gap, and a mark may be typographic.
        parts = _SENTENCE_END.split(standardize(review.text))
        tokens = (tuple(cut(part)) for part in parts)
        found.append(SentimentReview(review.label, tuple(s for s in tokens if s)))
    return found


@dataclass(frozen=True)
class Hit:
    """A negator and the polar word it negates; the phrase around both is [start, end)."""

    start: int
    word: int
    end: int


def negations(sentence: Sequence[str], polarity: Mapping[str, int]) -> Iterator[Hit]:
    """Each negator with the first polar word in its scope."""
    for at, token in enumerate(sentence):
        if token not in NEGATORS:
            continue
        word = _negated(sentence, at, polarity)
        if word is None:
            continue

        def free(n: int) -> bool:
            token = sentence[n]
            return token not in NEGATORS and token not in STOPS and token not in polarity

        start, end = at, word + 1
        while start > 0 and at - start < BEFORE and free(start - 1):
            start -= 1
        while end < len(sentence) and end - word <= AFTER + 1 and free(end):
            end += 1
        yield Hit(start, word, end)


def _negated(sentence: Sequence[str], at: int, polarity: Mapping[str, int]) -> int | None:
    for n in range(at + 1, min(at + 1 + SCOPE, len(sentence))):
        if sentence[n] in NEGATORS or sentence[n] in STOPS:
            return None
        if sentence[n] in polarity:
            # "not good enough to" and the like mean something else.
            return None if "enough" in sentence[n + 1 : n + 5] else n
    return None


class Evidence:
    """Whether a negation turns a word around, by the labels of the reviews it stands in.

    "not bad" does; "n't bother", "n't waste" and "never get back" do not.
    """

    def __init__(self, reviews: Iterable[SentimentReview], polarity: Mapping[str, int]) -> None:
        self._polarity = polarity
        self._plain: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._negated: dict[str | tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for review in reviews:
            for s in review.sentences:
                if len(s) <= LONG:
                    self._count(s, review.label)

    def _count(self, s: Tokens, label: int) -> None:
        hit = {found.word for found in negations(s, self._polarity)}
        for n, token in enumerate(s):
            if token not in self._polarity:
                continue
            if n in hit:
                self._negated[token][label] += 1
                self._negated[s[n - 1], token][label] += 1
            else:
                self._plain[token][label] += 1

    def flips(self, before: str, word: str) -> bool:
        """Does the negation turn ``word`` around when it follows ``before``? Rare cases: yes."""
        for key in ((before, word), word):
            counts = self._negated.get(key, [0, 0])
            if sum(counts) >= ENOUGH:
                moved = _log_odds(counts) - _log_odds(self._plain[word])
                return -self._polarity[word] * moved > 0
        return True


def _log_odds(counts: Sequence[int]) -> float:
    return log((counts[1] + 0.5) / (counts[0] + 0.5))


@dataclass(frozen=True)
class Lessons:
    """Short texts with targets, drawn from the reviews."""

    clean: list[tuple[Tokens, int]]  # sentences whose negations agree with their review, its label
    spans: list[tuple[Tokens, int]]  # distinct negated phrases, with the class they mean
    grams: list[tuple[Tokens, float]]  # phrases with a negator, with their share of positives
    openings: list[tuple[Tokens, int]]  # neutral beginnings of sentences, with their counts


def lessons(reviews: Sequence[SentimentReview], opinion: Mapping[str, float]) -> Lessons:
    """Everything the reviews teach, given an opinion (logit) of each single word."""
    polarity = {
        word: 1 if logit > 0 else -1
        for word, logit in opinion.items()
        if abs(logit) > POLAR and word not in NEGATORS | STOPS
    }
    evidence = Evidence(reviews, polarity)
    clean: list[tuple[Tokens, int]] = []
    spans: set[tuple[Tokens, int]] = set()
    grams: dict[Tokens, list[int]] = defaultdict(lambda: [0, 0])
    openings: Counter[Tokens] = Counter()
    for review in reviews:
        seen: set[Tokens] = set()
        for s in review.sentences:
            if len(s) > LONG:
                continue
            hits = [h for h in negations(s, polarity) if evidence.flips(s[h.word - 1], s[h.word])]
            meant = [(s[h.start : h.end], int(polarity[s[h.word]] < 0)) for h in hits]
            agreeing = [span for span in meant if span[1] == review.label]
            spans.update(agreeing)
            if len(agreeing) == len(meant) and 2 <= len(s) <= SHORT:
                clean.append((s, review.label))
            if not hits:
                seen.update(_around_negators(s))
            openings.update(_neutral_openings(s, opinion))
        for gram in seen:
            grams[gram][review.label] += 1
    return Lessons(
        clean,
        sorted(spans),
        [(gram, share) for gram, counts in grams.items() if (share := _telling(counts))],
        [(opening, n) for opening, n in openings.items() if n >= 3],
    )


def _around_negators(s: Tokens) -> Iterator[Tokens]:
    """The 2- to 6-grams that contain a negator and begin at most BEFORE tokens left of it."""
    for at, token in enumerate(s):
        if token in NEGATORS:
            for start in range(max(0, at - BEFORE), at + 1):
                for n in range(2, 7):
                    if at < start + n <= len(s):
                        yield s[start : start + n]


def _telling(counts: Sequence[int]) -> float:
    """The share of positive reviews, if there are enough and it says something; else 0."""
    negative, positive = counts
    share = (positive + 2) / (negative + positive + 4)
    return share if negative + positive >= 8 and abs(log(share / (1 - share))) >= 1 else 0.0


def _neutral_openings(s: Tokens, opinion: Mapping[str, float]) -> Iterator[Tokens]:
    """The first one to four words, as long as none of them says anything."""
    for n in range(1, min(5, len(s))):
        if s[n - 1] in NEGATORS or abs(opinion.get(s[n - 1], 0.0)) >= 1:
            return
        yield s[:n]
