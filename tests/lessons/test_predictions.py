"""Predictions: marking, gaps and scores, without a screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.i18n import LANGUAGES
from rnnviz.lessons.predictions import (
    AnswerKey,
    MarkedPrediction,
    Prediction,
    PredictionScore,
    allowed,
    outcome,
    read_number,
    spoken,
    verdict,
)


def marked(answer: float, right: float, within: float = 0.1) -> MarkedPrediction:
    return MarkedPrediction(Prediction(answer), AnswerKey("number", right, within))


@pytest.mark.parametrize(
    ("answer", "right", "within", "gap", "correct"),
    [
        (0.30, 0.18, 0.1, 0.12, False),
        (0.28, 0.1799, 0.1, 0.10, True),  # as printed: .28 and .18
        (0.08, 0.18, 0.1, -0.10, True),
        (0.07, 0.18, 0.1, -0.11, False),
        (0.18, 0.1801, 0.1, 0.0, True),
        (8000, 8320, 0, -320, False),
        (8320, 8320, 0, 0, True),
        (2e-4, 3e-4, 2e-4, -1e-4, True),
        (5e-4, 2e-4, 2e-4, 3e-4, False),
    ],
)
def test_a_number_is_marked_as_it_is_printed(
    answer: float, right: float, within: float, gap: float, correct: bool
) -> None:
    found = marked(answer, right, within)
    assert found.gap == pytest.approx(gap, abs=1e-12)
    assert found.is_right is correct


@pytest.mark.parametrize("kind", ["choice", "word"])
def test_an_option_and_a_word_are_right_or_not(kind: str) -> None:
    key = AnswerKey(kind, 3)  # type: ignore[arg-type]
    assert MarkedPrediction(Prediction(3), key).is_right
    assert not MarkedPrediction(Prediction(2), key).is_right
    assert MarkedPrediction(Prediction(2), key).gap == 0


def test_the_gap_in_words() -> None:
    assert outcome(marked(0.3, 0.18), "en") == "you .30, the net .18: .12 too high"
    assert outcome(marked(0.1, 0.18), "en") == "you .10, the net .18: .08 too low"
    assert outcome(marked(0.18, 0.18), "en") == "you .18, the net .18: exact"
    names = ("it rises", "it stays", "it falls")
    key = AnswerKey("choice", 3)
    assert outcome(MarkedPrediction(Prediction(1), key), "en", names) == (
        "you “it rises”, it was “it falls”"
    )
    assert verdict(marked(0.3, 0.18), "en") == "wrong (±.1)"
    assert verdict(marked(0.2, 0.18), "en") == "right (±.1)"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_name_is_shown_without_control_characters(lang: str) -> None:
    found = MarkedPrediction(Prediction(1), AnswerKey("word", 2))
    assert "\x1b" not in outcome(found, lang, ("\x1b[31m", "good"))


def test_the_score_counts_what_was_revealed() -> None:
    score = PredictionScore()
    for answer in (0.2, 0.9, 0.1):
        score = score.plus(marked(answer, 0.18))
    assert str(score) == "2/3"


@pytest.mark.parametrize(
    ("typed", "lang", "value"),
    [
        (".3", "en", 0.3), ("0.3", "en", 0.3), ("0,3", "tr", 0.3), (",3", "tr", 0.3),
        ("30%", "en", 0.3), ("%30", "tr", 0.3), ("-1.5", "en", -1.5), ("−.25", "en", -0.25),
        ("8,320", "en", 8320), ("8.320", "tr", 8320), ("0,320", "en", 0.32), ("8.320", "en", 8.32),
        ("1e-4", "en", 1e-4), (" .5 ", "en", 0.5), ("21.", "en", 21),
        ("", "en", None), ("high", "en", None), (".", "en", None), ("nan", "en", None),
        ("1e999", "en", None), ("--1", "en", None), ("9" * 40, "en", None),
    ],
)  # fmt: skip
def test_a_number_can_be_typed_in_either_language(
    typed: str, lang: str, value: float | None
) -> None:
    assert read_number(typed, lang) == (None if value is None else pytest.approx(value))


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading_of_a_number(typed: str) -> None:
    found = read_number(typed)
    assert found is None or found == found


def test_numbers_as_they_are_spoken() -> None:
    assert [spoken(v) for v in (0.18, -0.3, 1.0, 8320, 0.004)] == [
        ".18", "−.30", "1.00", "8320", ".00",
    ]  # fmt: skip
    assert [allowed(v) for v in (0.1, 0.05, 0.15, 1, 20, 0.5)] == [
        ".1", ".05", ".15", "1", "20", ".5",
    ]  # fmt: skip
