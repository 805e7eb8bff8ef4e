"""One vote after the other: a question is opened, answered, closed, perhaps asked once more.

A pure state machine: it knows neither the network nor a clock. A voter is a word; who may have one
is the matter of :mod:`rnnviz.classroom.tokens`.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

from rnnviz.events import BallotEvent, CloseVoteEvent, TallyEvent
from rnnviz.lessons.results import ResultRecord

#: The most phones of a class.
MOST_DEVICES = 500
#: Characters of the longest reason, and the reasons that are passed to the lecturer's screen.
LONGEST_REASON, MOST_REASONS = 80, 12

#: Categories of characters that are dropped from a reason, and the most marks on a letter.
_UNSEEN, _MARKS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}), 2

AnswerOutcome = Literal["counted", "replaced", "closed", "invalid", "full"]


@dataclass(frozen=True)
class PhoneAnswer:
    """An answer to the open question: an option or a word by its number from 1, or a number."""

    value: float
    why: str = ""
    seconds: float = 0.0  # from the question to the answer


class VoteBox:
    """The question that is asked now, and its answers.

    ``version`` grows whenever a phone has something else to show, from the one that is given on: a
    box that follows another one of the same class begins elsewhere.
    """

    def __init__(self, version: int = 0) -> None:
        self.ballot: BallotEvent | None = None
        self.is_open = self.is_revealed = False
        self.right: float | None = None
        self.within = 0.0
        self.version = version
        self._answers: dict[str, PhoneAnswer] = {}
        self._opened = 0.0

    # -- the lecturer's side ----------------------------------------------------------------------

    def open(self, ballot: BallotEvent, now: float) -> None:
        """Ask a question; answers to any other one are over. ``now``: seconds of any clock."""
        self.ballot = ballot
        self.is_open, self.is_revealed, self.right = True, False, None
        self._answers, self._opened = {}, now
        self.version += 1

    def close(self, closing: CloseVoteEvent) -> TallyEvent | None:
        """Take no further answers; what was answered, or None if this question is not open."""
        ballot = self.ballot
        asked = ballot is not None and (ballot.question, ballot.vote) == (
            closing.question, closing.vote,
        )  # fmt: skip
        if ballot is None or not asked or not self.is_open:
            return None
        self.is_open = False
        self.version += 1
        self.right, self.within = closing.right, closing.within
        if not closing.counts:
            self.ballot, self._answers = None, {}
        return self.tally(ballot)

    def reveal(self, question: str) -> None:
        """The screen shows what is right; phones may show it, too."""
        if self.ballot is not None and self.ballot.question == question and not self.is_open:
            self.is_revealed = True
            self.version += 1

    def tally(self, ballot: BallotEvent) -> TallyEvent:
        """How many have answered; once the vote is closed also what."""
        answers = list(self._answers.values())
        tally = TallyEvent(ballot.question, ballot.vote, self.is_open, len(answers))
        if self.is_open:
            return tally
        reasons = tuple(dict.fromkeys(each.why for each in answers if each.why))[-MOST_REASONS:]
        if ballot.ask == "number":
            values = tuple(sorted(each.value for each in answers))
            return replace(tally, values=values, reasons=reasons)
        counts = [0] * _choices(ballot)
        for each in answers:
            counts[int(each.value) - 1] += 1
        return replace(tally, counts=tuple(counts), reasons=reasons)

    def records(self, sitting: str) -> list[ResultRecord]:
        """The answers of a closed vote as results, marked where it is known what is right."""
        ballot = self.ballot
        if ballot is None or self.is_open:
            return []
        return [
            ResultRecord(
                ballot.lesson, ballot.question, each.value, self.is_right(each.value),
                each.seconds, "", _name(ballot, each.value), sitting, voter, ballot.vote,
            )
            for voter, each in self._answers.items()
        ]  # fmt: skip

    def is_right(self, value: float) -> bool | None:
        """Whether an answer is right; None if that is not known."""
        if self.ballot is None or self.right is None:
            return None
        if self.ballot.ask != "number":
            return value == self.right
        from rnnviz.lessons.predictions import AnswerKey, MarkedPrediction, Prediction

        return MarkedPrediction(
            Prediction(value), AnswerKey("number", self.right, self.within)
        ).is_right

    # -- the phones' side -------------------------------------------------------------------------

    def answer(
        self, voter: str, question: str, vote: int, value: float | None, why: str, now: float
    ) -> AnswerOutcome:
        """Take the answer of a voter, in place of an earlier one to the same question.

        Without a value the earlier one stays, and only the reason changes.
        """
        ballot = self.ballot
        if ballot is None or not self.is_open or (question, vote) != (ballot.question, ballot.vote):
            return "closed"
        before = self._answers.get(voter)
        if value is None and before is not None:
            value = before.value
        if value is None or not is_possible(ballot, value):
            return "invalid"
        if before is None and len(self._answers) >= MOST_DEVICES:
            return "full"
        why = one_line(why) if ballot.why else ""
        why = why or ("" if before is None else before.why)
        self._answers[voter] = PhoneAnswer(value, why, max(0.0, now - self._opened))
        return "counted" if before is None else "replaced"

    def answer_of(self, voter: str) -> PhoneAnswer | None:
        """What a voter has answered to the question; None if nothing."""
        return self._answers.get(voter)


def one_line(why: str) -> str:
    """A reason without what cannot be seen, so that it is the same on the phone and the screen.

    Control, format and unassigned characters are dropped, and of the marks above and below a
    letter all but the first two.
    """
    kept: list[str] = []
    marks = 0
    for char in " ".join(why.split()):
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MARKS and unicodedata.category(char) not in _UNSEEN:
            kept.append(char)
    return "".join(kept)[:LONGEST_REASON].strip()


def is_possible(ballot: BallotEvent, value: float) -> bool:
    """Whether a value is an answer to a question."""
    if not math.isfinite(value) or abs(value) > 1e9:
        return False
    if ballot.ask == "number":
        low = -math.inf if ballot.low is None else ballot.low
        return low <= value <= (math.inf if ballot.high is None else ballot.high)
    least = ballot.first if ballot.ask == "word" else 1
    return value == int(value) and least <= value <= _choices(ballot)


def _choices(ballot: BallotEvent) -> int:
    """The number of options or words."""
    return len(ballot.words) if ballot.ask == "word" else len(options(ballot))


def options(ballot: BallotEvent, lang: str = "") -> Sequence[str]:
    """The options in a language, or in the first one."""
    return [str(each) for each in texts(ballot, lang).get("options", ())]


def texts(ballot: BallotEvent, lang: str = "") -> Mapping[str, Any]:
    """What is said of a question in a language, or in the first one."""
    found: Mapping[str, Any] = ballot.texts.get(language_of(ballot, lang), {})
    return found


def language_of(ballot: BallotEvent, lang: str) -> str:
    """The language in which a question is asked, if this one is asked for."""
    return lang if ballot.texts.get(lang) else next(iter(ballot.texts), lang)


def _name(ballot: BallotEvent, value: float) -> str:
    names = ballot.words if ballot.ask == "word" else options(ballot)
    return "" if ballot.ask == "number" else names[int(value) - 1]


def consensus(tally: TallyEvent) -> float | None:
    """What the class says: the choice of most, the first one of several; of numbers the median."""
    if tally.values:
        return float(median(tally.values))
    most = max(tally.counts, default=0)
    return float(tally.counts.index(most) + 1) if most else None
