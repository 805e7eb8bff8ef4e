"""Measures of a classifier on labelled examples, from its probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from rnnviz import i18n
from rnnviz.arrays import Array

#: Bins of confidence, of equal width from 0 to 1.
BINS: Final = 10
#: The least probability in a log, so that a wrong answer of probability 0 has a finite loss.
_LEAST: Final = 1e-12


class ClassMeasures(NamedTuple):
    """A class: its examples, how many of those it was given to, and how many of its own it got.

    ``precision`` and ``recall`` are None where they would divide by zero.
    """

    label: str
    examples: int
    precision: float | None
    recall: float | None


class ReliabilityBin(NamedTuple):
    """Examples whose predicted class has a probability in [low, high)."""

    low: float
    high: float
    examples: int
    confidence: float | None  # mean probability of the predicted class
    accuracy: float | None  # share that is right


@dataclass(frozen=True, eq=False)
class ClassifierEvaluation:
    """N examples of K classes."""

    labels: tuple[str, ...]  # (K)
    classes: Array  # (N) the true ones
    probabilities: Array  # (N, K)

    @property
    def predicted(self) -> Array:
        """The class with the highest probability, (N)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def losses(self) -> Array:
        """The log-loss of each example, (N)."""
        chosen = self.probabilities[np.arange(len(self.classes)), self.classes]
        return np.asarray(-np.log(np.maximum(chosen.astype(np.float64), _LEAST)))

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float((self.predicted == self.classes).mean())

    @property
    def most_frequent(self) -> tuple[str, float]:
        """The class of most examples, and the accuracy of always saying it."""
        counts = np.bincount(self.classes, minlength=len(self.labels))
        return self.labels[int(counts.argmax())], float(counts.max() / len(self.classes))

    @property
    def confusion(self) -> Array:
        """(K, K) examples by true class (row) and predicted class (column)."""
        K = len(self.labels)
        return np.bincount(self.classes * K + self.predicted, minlength=K * K).reshape(K, K)

    @property
    def by_class(self) -> list[ClassMeasures]:
        """Precision and recall of each class."""
        confusion = self.confusion
        right, given, own = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
        return [
            ClassMeasures(
                label, int(own[k]),
                float(right[k] / given[k]) if given[k] else None,
                float(right[k] / own[k]) if own[k] else None,
            )
            for k, label in enumerate(self.labels)
        ]  # fmt: skip

    @property
    def reliability(self) -> list[ReliabilityBin]:
        """Confidence and accuracy by confidence; empty bins included."""
        confidence = self.probabilities.max(axis=1).astype(np.float64)
        right = self.predicted == self.classes
        at = np.minimum((confidence * BINS).astype(int), BINS - 1)
        bins = []
        for k in range(BINS):
            inside = at == k
            count = int(inside.sum())
            means = (float(each[inside].mean()) if count else None for each in (confidence, right))
            bins.append(ReliabilityBin(k / BINS, (k + 1) / BINS, count, *means))
        return bins

    @property
    def calibration_error(self) -> float:
        """The expected calibration error (Guo et al., ICML 2017): the mean over the examples of
        the difference between accuracy and confidence in their bins."""  # fmt: skip
        total = sum(
            each.examples * abs(each.accuracy - each.confidence)
            for each in self.reliability
            if each.accuracy is not None and each.confidence is not None
        )
        return float(total / len(self.classes))

    def worst(self, count: int) -> Array:
        """The indices of the examples with the largest losses, the largest first."""
        return np.argsort(-self.losses, kind="stable")[:count]

    def to_json(self) -> dict[str, Any]:
        """All measures as a JSON object."""
        often, share = self.most_frequent
        return {
            "examples": len(self.classes),
            "accuracy": self.accuracy,
            "loss": float(self.losses.mean()),
            "most_frequent": {"label": often, "accuracy": share},
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
            "classes": [each._asdict() for each in self.by_class],
            "calibration": {
                "expected_error": self.calibration_error,
                "bins": [each._asdict() for each in self.reliability],
            },
        }


def labels_of_model(
    names: Sequence[str], labels: Sequence[str], same: Any
) -> tuple[list[int] | None, bool]:
    """The model's class of each class of a table, and whether they were matched by name.

    ``same`` unifies spellings; a label of a shipped model may be in a language of the screens.
    None: the table has a class that the model lacks. Without equal names, whole numbers from 0 or
    from 1 count the model's labels, and as many classes as labels are matched in order.
    """
    known = {same(label): k for k, label in enumerate(labels)}
    for lang in i18n.LANGUAGES:
        for k, label in enumerate(labels):
            known.setdefault(same(i18n.label(label, lang)), k)
    if all(same(name) in known for name in names):
        return [known[same(name)] for name in names], True
    if any(same(name) in known for name in names):
        return None, True
    numbers = [int(name) if name.isascii() and name.isdigit() else -1 for name in names]
    if min(numbers) >= 0 and max(numbers) < len(labels):
        return numbers, False
    if min(numbers) >= 1 and max(numbers) == len(labels):
        return [n - 1 for n in numbers], False
    return (list(range(len(names))), False) if len(names) == len(labels) else (None, False)
