"""Measures of a classifier, against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.analysis.evaluation import ClassifierEvaluation, labels_of_model
from rnnviz.data.user_tables.labels import label_key

PROBABILITIES = np.array(
    [[0.92, 0.08, 0.0], [0.2, 0.72, 0.08], [0.82, 0.1, 0.08], [0.0, 0.45, 0.55]], np.float32
)
FOUND = ClassifierEvaluation(("a", "b", "c"), np.array([0, 1, 1, 2]), PROBABILITIES)


def test_accuracy_confusion_precision_and_recall() -> None:
    assert FOUND.accuracy == 0.75
    assert FOUND.most_frequent == ("b", 0.5)
    assert FOUND.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert [tuple(each) for each in FOUND.by_class] == [
        ("a", 1, 0.5, 1.0), ("b", 2, 1.0, 0.5), ("c", 1, 1.0, 1.0),
    ]  # fmt: skip
    never = ClassifierEvaluation(("a", "b"), np.array([0]), np.array([[0.9, 0.1]]))
    assert never.by_class[1][2:] == (None, None)


def test_losses_and_the_worst_examples() -> None:
    wanted = -np.log([0.92, 0.72, 0.1, 0.55])
    assert FOUND.losses == pytest.approx(wanted, rel=1e-6)
    assert FOUND.worst(2).tolist() == [2, 3]
    sure = ClassifierEvaluation(("a", "b"), np.array([1]), np.array([[1.0, 0.0]]))
    assert np.isfinite(sure.losses).all()


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    filled = {each.low: each for each in FOUND.reliability if each.examples}
    assert list(filled) == [0.5, 0.7, 0.8, 0.9]
    # Right at .92, .72 and .55; wrong at .82: the gaps are .08, .28, .45 and .82.
    assert FOUND.calibration_error == pytest.approx((0.08 + 0.28 + 0.45 + 0.82) / 4, rel=1e-6)
    certain = ClassifierEvaluation(("a", "b"), np.array([0, 0]), np.array([[1.0, 0.0]] * 2))
    assert certain.calibration_error == 0
    assert certain.reliability[-1].examples == 2


@pytest.mark.parametrize(
    ("names", "labels", "wanted"),
    [
        (["Positive", "negative"], ["negative", "positive"], ([1, 0], True)),
        (["Olumlu", "olumsuz"], ["negative", "positive"], ([1, 0], True)),
        (["positive"], ["negative", "positive"], ([1], True)),
        (["0", "1"], ["negative", "positive"], ([0, 1], False)),
        (["1", "2"], ["negative", "positive"], ([0, 1], False)),
        (["1"], ["negative", "positive"], ([1], False)),
        (["neg", "pos"], ["negative", "positive"], ([0, 1], False)),
        (["positive", "other"], ["negative", "positive"], (None, True)),
        (["a", "b", "c"], ["negative", "positive"], (None, False)),
        (["1", "3"], ["World", "Sports", "Business"], ([0, 2], False)),
    ],
)
def test_labels_are_matched_by_name_else_in_order(
    names: list[str], labels: list[str], wanted: tuple[list[int] | None, bool]
) -> None:
    assert labels_of_model(names, labels, label_key) == wanted
