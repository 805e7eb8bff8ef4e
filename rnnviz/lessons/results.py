"""Results: a JSON line for each answer, and item statistics of many people's answers.

A line holds no name. Each file is of one person, or of one group that answers together. Read in
plain Python: no NumPy.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal

from rnnviz.display import visible
from rnnviz.errors import UsageError, system_reason
from rnnviz.files import open_regular, parse_json, reason, require_writable
from rnnviz.messages import _

SCHEMA = "rnnviz.results/1"
#: Bytes of the longest line and of the largest file.
LONGEST_LINE, LARGEST_FILE = 8192, 50_000_000
#: The fewest people for whom a discrimination is given: with ten, its standard error is about 0.3.
LEAST_PEOPLE = 10
#: Characters of an answer as text.
_TEXT = 200

ResultPhase = Literal["", "before", "after"]


@dataclass(frozen=True)
class ResultRecord:
    """One answer to one question.

    ``answer``: an option or a word by its index from 1, or a number; None if the question was
    passed over. ``text`` is the option or the word as it was shown. ``correct`` is None if nothing
    was marked. ``seconds`` from the question to the answer. ``phase``: "before" or "after" the
    course, or "". ``sitting`` is a random word, the same in all lines that were written in a row:
    an answer may be changed until it is revealed.
    """

    lesson: str
    question: str
    answer: float | None
    correct: bool | None
    seconds: float = 0.0
    phase: ResultPhase = ""
    text: str = ""
    sitting: str = ""

    def line(self) -> bytes:
        """The record as one JSON line."""
        record = {"schema": SCHEMA} | asdict(self)
        record["seconds"] = round(self.seconds, 2)
        record["text"] = self.text[:_TEXT]
        return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


class ResultsFile:
    """A file that results are appended to, one line an answer, each written as a whole."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if there is none; nothing that is in it is changed.

        Raises UsageError, before anything is written, for a path that cannot be a file of results:
        a folder, a device, a link to one, a file with something else in it.
        """
        self.path = path
        status = require_writable(path)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise UsageError(
                _("{path} is not a regular file. Name another one: --results FILE.jsonl").format(
                    path=path
                )
            )
        if status is not None and status.st_size:
            _require_results(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        try:
            self._descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise UsageError(
                _("{path} cannot be written: {reason}.").format(
                    path=path, reason=system_reason(error)
                )
            ) from error
        self._complete = not status or not status.st_size or _ends_with_newline(path)

    def append(self, record: ResultRecord) -> None:
        """Write one line; OSError if the disk is full."""
        line = record.line() if self._complete else b"\n" + record.line()
        # One call: lines of two programs that append to the same file do not mix.
        written = os.write(self._descriptor, line)
        self._complete = written == len(line)
        if not self._complete:
            raise OSError(
                _("only {written} of {size} bytes were written").format(
                    written=written, size=len(line)
                )
            )

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _require_results(path: Path) -> None:
    with open_regular(path) as file:
        first = file.readline(LONGEST_LINE)
    try:
        parse_result(first)
    except ValueError:
        raise UsageError(
            _(
                "{path} has something other than results in it. Name another file, or a new one."
            ).format(path=path)
        ) from None


def _ends_with_newline(path: Path) -> bool:
    with open_regular(path) as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


# -- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DamagedLine:
    """A line that is no result."""

    path: Path
    number: int  # from 1
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.reason}."


@dataclass(frozen=True)
class PersonResults:
    """The results of one file, and its damaged lines.

    ``unfinished``: the last line has no end yet; it is being written, or its writer was killed.
    """

    path: Path
    records: tuple[ResultRecord, ...]
    damaged: tuple[DamagedLine, ...] = ()
    unfinished: bool = False


def parse_result(line: bytes) -> ResultRecord:
    """The record of a line; ValueError that says what is wrong with it."""
    try:
        record = parse_json(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(_("not JSON: {reason}").format(reason=reason(error))) from None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise ValueError(_("not a result of the schema {schema}").format(schema=SCHEMA))
    values = {field.name: record[field.name] for field in fields(ResultRecord)
              if field.name in record}  # fmt: skip
    for name, valid in _VALID.items():
        if name not in values and name in ("lesson", "question", "answer", "correct"):
            raise ValueError(_("{name!r} is missing").format(name=name))
        if name in values and not valid(values[name]):
            raise ValueError(
                _("{name!r} cannot be {value}").format(
                    name=name, value=visible(repr(values[name])[:60])
                )
            )
    return ResultRecord(**values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_VALID: Mapping[str, Callable[[Any], bool]] = {
    "lesson": lambda value: isinstance(value, str) and value != "",
    "question": lambda value: isinstance(value, str) and value != "",
    "answer": lambda value: value is None or _is_number(value),
    "correct": lambda value: value is None or isinstance(value, bool),
    "seconds": lambda value: _is_number(value) and value >= 0,
    "phase": lambda value: value in ("", "before", "after"),
    "text": lambda value: isinstance(value, str),
    "sitting": lambda value: isinstance(value, str),
}


def read_results(path: Path) -> PersonResults:
    """The results of a file, line by line.

    Raises OSError if it cannot be opened, InvalidFileError if it is no regular file or too large.
    """
    records: list[ResultRecord] = []
    damaged: list[DamagedLine] = []
    unfinished = False
    with open_regular(path, LARGEST_FILE) as file:
        for number, line in _lines(file):
            try:
                records.append(parse_result(line))
            except ValueError as error:
                if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                    unfinished = True
                elif line.strip():
                    damaged.append(DamagedLine(path, number, str(error)))
    return PersonResults(path, tuple(records), tuple(damaged), unfinished)


def _lines(file: Any) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers; of a line that is too long only the beginning."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        yield number, line
        while not line.endswith(b"\n") and len(line) == LONGEST_LINE:
            line = file.readline(LONGEST_LINE)


# -- item statistics ------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemStatistics:
    """One question in one phase.

    ``n`` people gave an answer that was marked. ``difficulty`` is the share of them who were right
    (0 to 1: a high one is an easy question). ``discrimination`` is the correlation between being
    right here and the share of right answers to the other questions; None with fewer than
    :data:`LEAST_PEOPLE` people or where either does not vary. ``wrong`` is the wrong answer that
    most people gave, by ``wrong_count`` of them.
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
    it could be changed until the right one was shown, and not after. The discrimination is the
    item-rest correlation, a point-biserial correlation with the item left out of the score
    (Henrysson, "Correction of item-total correlations in item analysis", Psychometrika 28, 1963,
    211-218).
    """
    scores = [_answers_that_count(person.records) for person in people]
    keys = dict.fromkeys(key for answers in scores for key in answers)
    return [_item(key, scores) for key in sorted(keys, key=_phase_order(keys))]


_Key = tuple[str, str, ResultPhase]
_Answers = Mapping[_Key, ResultRecord]


def _phase_order(keys: Iterable[_Key]) -> Any:
    """Questions in the order in which they were first answered, and before comes before after."""
    questions = list(dict.fromkeys((lesson, question) for lesson, question, _ in keys))
    place = {each: n for n, each in enumerate(questions)}
    return lambda key: (place[key[:2]], ("", "before", "after").index(key[2]))


def _answers_that_count(records: Iterable[ResultRecord]) -> _Answers:
    """The answer to each question in each phase that counts, without those that were not marked."""
    found: dict[_Key, ResultRecord] = {}
    for record in records:
        key: _Key = (record.lesson, record.question, record.phase)
        if key not in found or (record.sitting and record.sitting == found[key].sitting):
            found[key] = record
    return {
        key: record
        for key, record in found.items()
        if record.correct is not None and record.answer is not None
    }


def _item(key: _Key, people: Sequence[_Answers]) -> ItemStatistics:
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
    enough = len(right) >= LEAST_PEOPLE
    return ItemStatistics(
        lesson, question, phase, len(answers), fmean(bool(each.correct) for each in answers),
        correlation(right, rest) if enough else None, median(each.seconds for each in answers),
        name, count,
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
    scores = [_answers_that_count(person.records) for person in people]
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
