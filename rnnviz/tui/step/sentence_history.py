"""The sentences that were typed, from the oldest to the newest, kept in a file of the user."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rnnviz.errors import RnnvizError
from rnnviz.files import read_limited, write_atomically

#: How many sentences are kept, and the characters of the longest one.
MOST, LONGEST = 200, 2000
#: Bytes of the largest file that is read.
_LIMIT = 4 * MOST * LONGEST


class SentenceHistory:
    """The sentences in a file, one a line; without a file they are kept until the app ends.

    A file that cannot be read is empty, and one that cannot be written stays as it is: the
    history then lasts as long as the app.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._sentences: list[str] | None = None  # None: not read yet

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, the newest last."""
        if self._sentences is None:
            self._sentences = self._read()
        return tuple(self._sentences)

    def add(self, sentence: str) -> None:
        """Make a sentence the newest; the oldest ones are dropped."""
        sentence = sentence.strip()
        if not sentence or len(sentence) > LONGEST or not sentence.isprintable():
            return
        # Another app may have added to the file since it was read.
        known = self._read() if self.path is not None else []
        known = list(dict.fromkeys([*known, *self.sentences]))
        self._sentences = [*(each for each in known if each != sentence), sentence][-MOST:]
        if self.path is not None:
            with suppress(OSError, RnnvizError, ValueError):
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_atomically(self.path, "\n".join(self._sentences) + "\n")

    def _read(self) -> list[str]:
        if self.path is None:
            return []
        try:
            lines = read_limited(self.path, _LIMIT).decode("utf-8", "replace").split("\n")
        except (OSError, RnnvizError, ValueError):
            return []
        return [line for line in lines if line.strip() and line.isprintable()][-MOST:]
