"""Results: a JSON line for each answer.

A line holds no name. Each file is of one person, or of one group that answers together. Read in
plain Python: no NumPy.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from rnnviz.display import visible
from rnnviz.errors import UsageError, system_reason
from rnnviz.files import open_regular, parse_json, reason, require_writable
from rnnviz.messages import _

SCHEMA = "rnnviz.results/1"
#: Bytes of the longest line and of the largest file.
LONGEST_LINE, LARGEST_FILE = 8192, 50_000_000
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
    an answer may be changed until it is revealed. ``voter`` is a random word for each phone of a
    class that answers into one file, "" where the file is of one person; ``vote`` is 2 where the
    class was asked once more before the right answer was shown.
    """

    lesson: str
    question: str
    answer: float | None
    correct: bool | None
    seconds: float = 0.0
    phase: ResultPhase = ""
    text: str = ""
    sitting: str = ""
    voter: str = ""
    vote: int = 1

    def line(self) -> bytes:
        """The record as one JSON line."""
        record = {"schema": SCHEMA} | asdict(self)
        record["seconds"] = round(self.seconds, 2)
        record["text"] = self.text[:_TEXT]
        if not self.voter:
            del record["voter"], record["vote"]
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
        self.append_all([record], sync=False)

    def append_all(self, records: Iterable[ResultRecord], *, sync: bool = True) -> None:
        """Write lines, and return once the disk has them; OSError if it is full."""
        line = b"".join(record.line() for record in records)
        if not line:
            return
        line = line if self._complete else b"\n" + line
        # One call: lines of two programs that append to the same file do not mix.
        written = os.write(self._descriptor, line)
        self._complete = written == len(line)
        if sync:
            os.fsync(self._descriptor)
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
    "voter": lambda value: isinstance(value, str),
    "vote": lambda value: value in (1, 2) and not isinstance(value, bool),
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
