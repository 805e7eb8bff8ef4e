"""Recordings: a file of JSON lines with everything that a session on the step screen has shown.

The first line is the header. Lines of the schema ``rnnviz.events/1`` say what happened; lines of
the schema ``rnnviz.recording/1`` hold what the events refer to by number: arrays, traces, lessons.
The last line of what was shown at one time has a field "moment"; lines after the last such line
belong to a moment that was not written as a whole, and are left out.

Each line ends in a field "check": the first 16 hexadecimal digits of the SHA-256 of the check of
the line before and of this line up to that field. So a line that was changed, added, removed or
moved is found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from rnnviz.errors import InvalidFileError
from rnnviz.files import LineFile, open_regular, parse_json, reason
from rnnviz.messages import _

SCHEMA = "rnnviz.recording/1"
#: Bytes of the longest line and of the largest file, and the most lines.
LONGEST_LINE, LARGEST_FILE, MOST_LINES = 8_000_000, 200_000_000, 200_000

_CHECK = re.compile(rb', "check": "([0-9a-f]{16})"}\n\Z')


def _check(before: bytes, body: bytes) -> bytes:
    return hashlib.sha256(before + body).hexdigest()[:16].encode()


class RecordingFull(Exception):
    """The recording has reached the largest size."""


class RecordingWriter:
    """Writes a recording; each group of lines goes to the file in one call, unbuffered."""

    def __init__(self, path: Path) -> None:
        """Create the file; UsageError for a path that cannot be a recording."""
        self.path = path
        self.size = self.lines = 0
        self._before = b""
        self._file = LineFile(path, START)

    def write(self, records: Iterable[dict[str, Any]]) -> None:
        """Append records as lines; OSError if the disk is full, RecordingFull at the limit."""
        before, lines = self._before, []
        for record in records:
            body = json.dumps(record, ensure_ascii=False, allow_nan=False)
            encoded = body.encode("utf-8", "replace")[:-1]
            before = _check(before, encoded)
            lines.append(encoded + b', "check": "' + before + b'"}\n')
        data = b"".join(lines)
        too_long = any(len(line) > LONGEST_LINE for line in lines)
        if too_long or self.size + len(data) > LARGEST_FILE or self.lines + len(lines) > MOST_LINES:
            raise RecordingFull
        self._file.write(data)
        self._before = before
        self.size += len(data)
        self.lines += len(lines)

    def close(self) -> None:
        """Close the file; nothing happens the second time."""
        self._file.close()


#: How every recording begins.
START = json.dumps({"schema": SCHEMA})[:-1].encode()


def is_recording(path: Path) -> bool:
    """Whether a file begins like a recording."""
    with open_regular(path) as file:
        return file.read(len(START)) == START


@dataclass
class RecordedLines:
    """The lines of a recording that is being read: iterate once.

    ``cut``: after the last line, that the file ends within a line.
    """

    path: Path
    cut: bool = field(default=False, init=False)
    number: int = field(default=0, init=False)  # of the line that was read last, from 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The JSON objects; InvalidFileError for the first line that is not as it was written."""
        before = b""
        try:
            with open_regular(self.path, LARGEST_FILE) as file:
                while line := file.readline(LONGEST_LINE + 1):
                    self.number += 1
                    if not line.endswith(b"\n") and self._is_last(file, line):
                        self.cut = True
                        return
                    before, record = self._parsed(before, line)
                    yield record
        except FileNotFoundError as error:
            raise InvalidFileError(
                _("There is no recording {path}. Make one: rnnviz step TEXT --record FILE").format(
                    path=self.path
                )
            ) from error
        except OSError as error:
            raise InvalidFileError(
                _("Cannot read {path}: {reason}.").format(path=self.path, reason=reason(error))
            ) from error
        if not self.number:
            raise self.error(_("it is empty"))

    def _is_last(self, file: BinaryIO, line: bytes) -> bool:
        """Whether a line without an end is cut; of the header that is an error."""
        if len(line) > LONGEST_LINE or file.read(1):
            return False
        if self.number == 1:
            if START.startswith(line[: len(START)]):
                raise self.error(_("it ends within its first line"))
            raise self.foreign()
        return True

    def _parsed(self, before: bytes, line: bytes) -> tuple[bytes, dict[str, Any]]:
        if self.number == 1 and not line.startswith(START):
            raise self.foreign()
        if len(line) > LONGEST_LINE:
            raise self.error(_("the line is longer than {n:,} bytes").format(n=LONGEST_LINE))
        if self.number > MOST_LINES:
            raise self.error(_("there are more than {n:,} lines").format(n=MOST_LINES))
        match = _CHECK.search(line)
        if match is None or match[1] != _check(before, line[: match.start()]):
            raise self.error(_("it was changed since it was recorded"))
        try:
            record = parse_json(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise self.error(
                _("the line is not JSON: {reason}").format(reason=reason(error))
            ) from error
        return match[1], record

    def error(self, what: str) -> InvalidFileError:
        """The error of the current line, and what can be done."""
        return InvalidFileError(
            _(
                "{path}, line {number}: {what}.\nTake a copy that was not edited, or record anew: "
                "rnnviz step --record FILE"
            ).format(path=self.path, number=max(1, self.number), what=what)
        )

    def foreign(self) -> InvalidFileError:
        """The error of a file that is something else."""
        return InvalidFileError(
            _(
                "{path}, line 1: it is not a recording of rnnviz (schema {schema}).\n"
                "Make one: rnnviz step --record FILE"
            ).format(path=self.path, schema=SCHEMA)
        )
