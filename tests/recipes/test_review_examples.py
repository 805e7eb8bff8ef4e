"""What is counted from reviews: sentences, negations and where they end."""

from __future__ import annotations

import os
import subprocess
import sys

from rnnviz.data.imdb import Review
from rnnviz.recipes.review_examples import (
    NegationCounts,
    SentimentReview,
    extract_examples,
    negations,
    sentences,
)

POLARITY = {"good": 1, "bad": -1, "bother": -1, "great": 1}


def spans(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[h.start : h.end]) for h in negations(words, POLARITY)]


def test_reviews_are_cut_into_sentences() -> None:
    (found,) = sentences([Review(1, 8, 0, "Good film! It isn't bad.  (Really.) The end")])
    assert found.label == 1
    assert [" ".join(s) for s in found.sentences] == [
        "good film", "it is n't bad", "really", "the end",
    ]  # fmt: skip


def test_a_negation_takes_its_neighbours_along_but_no_stop_words() -> None:
    assert spans("but this movie was not very good at all") == [
        "this movie was not very good at all"
    ]
    assert spans("it is n't bad but good") == ["it is n't bad"]


def test_a_negation_does_not_reach_over_a_stop_word_or_far_away() -> None:
    assert spans("not long but good") == []
    assert spans("not a b c d good") == []
    assert spans("not good enough to watch") == []


def test_counts_of_reviews_prevail_over_the_rule() -> None:
    reviews = [SentimentReview(0, (("do", "n't", "bother"),))] * 8
    reviews += [SentimentReview(0, (("bother",),)), SentimentReview(1, (("bother",),))] * 4
    reviews += [SentimentReview(1, (("not", "bad"),))] * 8
    reviews += [SentimentReview(0, (("bad", "film"),))] * 8
    counts = NegationCounts(reviews, POLARITY)
    assert not counts.flips("n't", "bother")
    assert counts.flips("not", "bad")
    assert counts.flips("never", "good")  # never seen: the rule stands


def test_examples_keep_what_agrees_with_the_review() -> None:
    logits = {"good": 3.0, "bad": -3.0, "film": 0.1, "this": 0.0, "is": 0.2}
    agreeing = SentimentReview(1, (("this", "is", "not", "bad"), ("this", "is", "good")))
    against = SentimentReview(0, (("this", "film", "is", "not", "bad"),))
    found = extract_examples([agreeing, agreeing, agreeing, against], logits)
    assert found.spans == [(("this", "is", "not", "bad"), 1)]
    assert (("this", "film", "is", "not", "bad"), 0) not in found.clean
    assert found.clean.count((("this", "is", "good"), 1)) == 3
    assert (("this", "is"), 7) not in found.openings
    assert dict(found.openings)[("this",)] == 7
    assert ("this", "is", "good") not in dict(found.openings)


def test_the_order_of_examples_does_not_depend_on_hashes() -> None:
    """A resumed training reads its data in another process, where strings hash differently."""
    code = (
        "from rnnviz.recipes.review_examples import SentimentReview, extract_examples\n"
        "words = tuple('it was not a long film for me'.split())\n"
        "found = extract_examples([SentimentReview(1, (words,))] * 30, {})\n"
        "assert len(found.grams) > 9\n"
        "print(found)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(printed) == 1
