"""Where the learner was in each lesson, in a file of the user; all languages share it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnnviz.errors import RnnvizError
from rnnviz.files import parse_json, read_limited, write_atomically

#: The file in the user's state folder, and the bytes of the largest one that is read.
FILE_NAME, _LIMIT = "lessons.json", 1 << 20


@dataclass(frozen=True)
class LessonProgress:
    """How far a lesson has come: the id of its step, the score so far, and whether it ended."""

    step: str
    right: int = 0
    asked: int = 0
    done: bool = False  # it was finished once; ``step`` may be from a later time


class ProgressFile:
    """The progress by lesson; a file that cannot be read is empty, one that cannot be written
    stays as it is.
    """

    def __init__(self, folder: Path | None) -> None:
        """``folder``: the user's state folder; None: nothing is kept."""
        self.path = None if folder is None else folder / FILE_NAME

    def read(self) -> dict[str, LessonProgress]:
        """The progress by the id of the lesson; entries of another form are left out."""
        found = {}
        for lesson, record in self._records().items():
            with suppress(TypeError):
                progress = LessonProgress(**record)
                if isinstance(progress.step, str) and isinstance(progress.done, bool):
                    found[lesson] = progress
        return found

    def write(self, lesson: str, progress: LessonProgress) -> None:
        """Store the progress of a lesson and keep that of the others."""
        if self.path is None:
            return
        records = {**self._records(), lesson: asdict(progress)}
        with suppress(OSError, RnnvizError, ValueError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(self.path, json.dumps(records, indent=1) + "\n")

    def _records(self) -> dict[str, dict[str, Any]]:
        if self.path is None:
            return {}
        try:
            records = parse_json(read_limited(self.path, _LIMIT).decode("utf-8"))
        except (OSError, RnnvizError, ValueError, RecursionError):
            return {}
        if not isinstance(records, dict):
            return {}
        return {name: record for name, record in records.items() if isinstance(record, dict)}
