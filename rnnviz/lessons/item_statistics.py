"""Item statistics of many people's answers: how hard a question is, and what a course changed.

In plain Python: no NumPy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from rnnviz.lessons.results import PersonResults, ResultPhase, ResultRecord

#: The fewest people for whom a discrimination is given: with ten, its standard error is about 0.3.
LEAST_PEOPLE = 10


@dataclass(frozen=True)
class ItemStatistics:
    """One question in one phase.

    ``n`` people gave an answer that was marked. ``difficulty`` is the share of them who were right
    (0 to 1: a high one is an easy question). ``discrimination`` is the correlation between being
    right here and the share of right answers to the other questions; None with fewer than
    :data:`LEAST_PEOPLE` people or where either does not vary. ``wrong`` is the wrong answer that
    most people gave, by ``wrong_count`` of them. ``second`` is the share who were right in a second
    vote of a class, of ``second_n`` answers; None where there was none.
    """

    lesson: str
    question: str
    phase: ResultPhase
    n: int
    difficulty: float
    discrimination: float | None
    seconds: float
    wrong: str = ""
    wrong_count: int = 0
    second_n: int = 0
    second: float | None = None


@dataclass(frozen=True)
class Gain:
    """One question, or a lesson (question ""), before and after, of the ``n`` who answered both.

    ``gain`` is the normalized gain; None where all were right before, or nobody answered both.
    """

    lesson: str
    question: str
    n: int
    before: float
    after: float
    gain: float | None


def item_statistics(people: Sequence[PersonResults]) -> list[ItemStatistics]:
    """The statistics of every question in every phase, in the order of the first answers.

    Of several answers of one person to a question in a phase the last of the first sitting counts:
    it could be changed until the right one was shown, and not after. Of a class that voted twice
    the first vote counts, before it has talked about the question. The discrimination is the
    item-rest correlation, a point-biserial correlation with the item left out of the score
    (Henrysson, "Correction of item-total correlations in item analysis", Psychometrika 28, 1963,
    211-218).
    """
    scores = [_answers_that_count(records) for records in _by_person(people)]
    again = [_answers_that_count(records, vote=2) for records in _by_person(people)]
    keys = dict.fromkeys(key for answers in scores for key in answers)
    return [_item(key, scores, again) for key in sorted(keys, key=_phase_order(keys))]


_Key = tuple[str, str, ResultPhase]
_Answers = Mapping[_Key, ResultRecord]


def _phase_order(keys: Iterable[_Key]) -> Any:
    """Questions in the order in which they were first answered, and before comes before after."""
    questions = list(dict.fromkeys((lesson, question) for lesson, question, _ in keys))
    place = {each: n for n, each in enumerate(questions)}
    return lambda key: (place[key[:2]], ("", "before", "after").index(key[2]))


def _by_person(files: Sequence[PersonResults]) -> Iterator[list[ResultRecord]]:
    """The records of each person: a file is of one, or of the phones of a class."""
    for file in files:
        found: dict[str, list[ResultRecord]] = {}
        for record in file.records:
            found.setdefault(record.voter, []).append(record)
        yield from found.values()


def _answers_that_count(records: Iterable[ResultRecord], vote: int = 1) -> _Answers:
    """The answer to each question in each phase that counts, without those that were not marked."""
    found: dict[_Key, ResultRecord] = {}
    for record in records:
        if record.vote != vote:
            continue
        key: _Key = (record.lesson, record.question, record.phase)
        if key not in found or (record.sitting and record.sitting == found[key].sitting):
            found[key] = record
    return {
        key: record
        for key, record in found.items()
        if record.correct is not None and record.answer is not None
    }


def _item(key: _Key, people: Sequence[_Answers], again: Sequence[_Answers]) -> ItemStatistics:
    lesson, question, phase = key
    answers = [person[key] for person in people if key in person]
    right: list[float] = []
    rest: list[float] = []
    for person in people:
        others = [bool(record.correct) for other, record in person.items()
                  if other[0] == lesson and other[2] == phase and other != key]  # fmt: skip
        if key in person and others:
            right.append(float(bool(person[key].correct)))
            rest.append(fmean(others))
    wrong = Counter(_answer_text(each) for each in answers if not each.correct)
    name, count = wrong.most_common(1)[0] if wrong else ("", 0)
    second = [bool(person[key].correct) for person in again if key in person]
    enough = len(right) >= LEAST_PEOPLE
    return ItemStatistics(
        lesson, question, phase, len(answers), fmean(bool(each.correct) for each in answers),
        correlation(right, rest) if enough else None, median(each.seconds for each in answers),
        name, count, len(second), fmean(second) if second else None,
    )  # fmt: skip


def _answer_text(record: ResultRecord) -> str:
    return record.text or f"{record.answer:.6g}"


def correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Pearson's correlation; None if either does not vary."""
    if len(x) < 2:
        return None
    mean_x, mean_y = fmean(x), fmean(y)
    dx, dy = [a - mean_x for a in x], [b - mean_y for b in y]
    spread = math.sqrt(math.fsum(a * a for a in dx) * math.fsum(b * b for b in dy))
    if spread <= 1e-12:
        return None
    return math.fsum(a * b for a, b in zip(dx, dy, strict=True)) / spread


def gains(people: Sequence[PersonResults]) -> list[Gain]:
    """Before and after for each lesson with both phases, and for each of its questions.

    Only people who answered a question in both phases count for it. The normalized gain is
    (after − before) / (1 − before), of the shares of right answers (Hake, "Interactive-engagement
    versus traditional methods", American Journal of Physics 66, 1998, 64-74); that of a lesson is
    that of the shares over all these answers, not the mean of its questions' gains.
    """
    scores = [_answers_that_count(records) for records in _by_person(people)]
    keys = dict.fromkeys(key for answers in scores for key in answers)
    found: list[Gain] = []
    for lesson in dict.fromkeys(key[0] for key in keys):
        own = [key for key in sorted(keys, key=_phase_order(keys)) if key[0] == lesson]
        if not {"before", "after"} <= {key[2] for key in own}:
            continue
        questions = dict.fromkeys(key[1] for key in own)
        both = {question: _pairs(scores, lesson, question) for question in questions}
        found += [_gain(lesson, question, pairs) for question, pairs in both.items()]
        found.append(_gain(lesson, "", [pair for pairs in both.values() for pair in pairs]))
    return found


def _pairs(
    people: Sequence[_Answers], lesson: str, question: str
) -> list[tuple[ResultRecord, ResultRecord]]:
    """The answers before and after, of each person who gave both."""
    first: _Key = (lesson, question, "before")
    second: _Key = (lesson, question, "after")
    return [(each[first], each[second]) for each in people if first in each and second in each]


def _gain(lesson: str, question: str, pairs: Sequence[tuple[ResultRecord, ResultRecord]]) -> Gain:
    if not pairs:
        return Gain(lesson, question, 0, 0.0, 0.0, None)
    before = fmean(bool(first.correct) for first, _ in pairs)
    after = fmean(bool(second.correct) for _, second in pairs)
    gain = None if before == 1 else (after - before) / (1 - before)
    return Gain(lesson, question, len(pairs), before, after, gain)
