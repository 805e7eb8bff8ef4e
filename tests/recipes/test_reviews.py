"""What is counted from reviews: sentences, negations and where they end."""

from __future__ import annotations

from rnnviz.data.sst2 import Review
from rnnviz.recipes.review_examples import Evidence, SentimentReview, lessons, negations, sentences

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


def test_evidence_believes_the_reviews_over_the_rule() -> None:
    reviews = [SentimentReview(0, (("do", "n't", "bother"),))] * 8
    reviews += [SentimentReview(0, (("bother",),)), SentimentReview(1, (("bother",),))] * 4
    reviews += [SentimentReview(1, (("not", "bad"),))] * 8
    reviews += [SentimentReview(0, (("bad", "film"),))] * 8
    evidence = Evidence(reviews, POLARITY)
    assert not evidence.flips("n't", "bother")
    assert evidence.flips("not", "bad")
    assert evidence.flips("never", "good")  # never seen: the rule stands


def test_lessons_keep_what_agrees_with_the_review() -> None:
    opinion = {"good": 3.0, "bad": -3.0, "film": 0.1, "this": 0.0, "is": 0.2}
    agreeing = SentimentReview(1, (("this", "is", "not", "bad"), ("this", "is", "good")))
    against = SentimentReview(0, (("this", "film", "is", "not", "bad"),))
    found = lessons([agreeing, agreeing, agreeing, against], opinion)
    assert found.spans == [(("this", "is", "not", "bad"), 1)]
    assert (("this", "film", "is", "not", "bad"), 0) not in found.clean
    assert found.clean.count((("this", "is", "good"), 1)) == 3
    assert (("this", "is"), 7) not in found.openings
    assert dict(found.openings)[("this",)] == 7
    assert ("this", "is", "good") not in dict(found.openings)
