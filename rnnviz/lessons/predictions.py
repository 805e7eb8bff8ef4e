"""Predictions: what a class commits to before something is revealed, how it is marked, the score.

The step screen's predict mode and the lesson player share this; it knows no screen and no trace.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.equations import MINUS
from rnnviz.lessons.lesson import QuestionKind

#: The largest error of a number that counts as right, where nothing else is said.
WITHIN = 0.1


@dataclass(frozen=True)
class AnswerKey:
    """What is right: an option or a word by its index from 1, or a number and the error allowed."""

    kind: QuestionKind
    right: float
    within: float = WITHIN  # of a number


@dataclass(frozen=True)
class Prediction:
    """What was committed to: an option or a word by its index from 1, or a number.

    ``why`` is the reason in one line, which is never marked.
    """

    answer: float
    why: str = ""


@dataclass(frozen=True)
class MarkedPrediction:
    """A prediction beside what is right."""

    prediction: Prediction
    key: AnswerKey

    @property
    def gap(self) -> float:
        """The predicted number minus the right one, as the two printed numbers give it.

        Printed with as many decimals as the allowed error needs, at least two. 0 for an option or a
        word.
        """
        if self.key.kind != "number":
            return 0.0
        n = digits(self.key.within)
        return round(round(self.prediction.answer, n) - round(self.key.right, n), n)

    @property
    def is_right(self) -> bool:
        """Whether it is the right option or word, or a number within the allowed error."""
        if self.key.kind != "number":
            return self.prediction.answer == self.key.right
        return abs(self.gap) <= self.key.within + 1e-9 * max(1.0, abs(self.key.within))


@dataclass(frozen=True)
class PredictionScore:
    """How many of the predictions that were revealed are right."""

    right: int = 0
    asked: int = 0

    def plus(self, marked: MarkedPrediction) -> PredictionScore:
        """The score with one more prediction."""
        return PredictionScore(self.right + marked.is_right, self.asked + 1)

    def __str__(self) -> str:
        return f"{self.right}/{self.asked}"


def digits(within: float) -> int:
    """The decimals with which a number is marked: two, or more if the allowed error is small."""
    return 2 if within >= 0.01 or within <= 0 else 1 - math.floor(math.log10(within))


def spoken(value: float, decimals: int = 2) -> str:
    """A number as it is spoken: ".18", "−.30", "1.00", "8320"."""
    whole = value == round(value) and abs(value) >= 2
    text = f"{abs(value):.{0 if whole else decimals}f}"
    sign = MINUS if value < 0 and float(text) else ""
    return sign + (text[1:] if text.startswith("0.") else text)


def read_number(typed: str, lang: str = "en") -> float | None:
    """The number that was typed: ".3", "0,3", "30%", "-1", "8,320"; None if it is none.

    In English a comma before three digits separates thousands, in Turkish a point does: "8.320".
    Any other comma or point is a decimal one.
    """
    text = typed.strip().replace("−", "-").replace(" ", "")
    share = text.startswith("%") or text.endswith("%")
    text = text.strip("%")
    thousands = r"\." if lang == "tr" else ","
    if re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+", text):
        text = re.sub(thousands, "", text)
    text = text.replace(",", ".")
    if not re.fullmatch(r"[+-]?(?:\d{1,15}\.?\d{0,15}|\.\d{1,15})(?:e[+-]?\d{1,2})?", text):
        return None
    return float(text) / (100 if share else 1)


def outcome(
    marked: MarkedPrediction, lang: str, names: Sequence[str] = (), *, of_class: bool = False
) -> str:
    """What was predicted beside what is right: "you .30, the net .18: .12 too high".

    ``names`` are the options or the words that are counted from 1; not needed for numbers.
    ``of_class``: a class has predicted it, not the reader.
    """
    answer, key = marked.prediction.answer, marked.key
    whose = "_class" if of_class else ""
    if key.kind != "number":
        values = {"answer": _name(names, answer), "right": _name(names, key.right)}
        name = "agreed" if marked.is_right else "named"
        return i18n.text(f"predict.{name}{whose}", lang, **values)
    n, gap = digits(key.within), marked.gap
    name = "exact" if not gap else "high" if gap > 0 else "low"
    return i18n.text(
        f"predict.{name}{whose}", lang, answer=spoken(answer, n), right=spoken(key.right, n),
        gap=spoken(abs(gap), n),
    )  # fmt: skip


def verdict(marked: MarkedPrediction, lang: str) -> str:
    """Whether it is right; for a number also the error allowed: "right (±.1)"."""
    key = marked.key
    if key.kind != "number":
        return i18n.text("predict.right" if marked.is_right else "predict.wrong", lang)
    name = "predict.right_within" if marked.is_right else "predict.wrong_within"
    return i18n.text(name, lang, within=allowed(key.within))


def allowed(within: float) -> str:
    """The error that is allowed, without zeros at its end: ".1"."""
    text = spoken(within, digits(within))
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _name(names: Sequence[str], at: float) -> str:
    n = int(at) - 1
    return quoted(names[n]) if 0 <= n < len(names) else str(int(at))


def quoted(name: str) -> str:
    """An option in quotation marks, unless it has some of its own."""
    text = visible(name)
    return text if "“" in text else f"“{text}”"
