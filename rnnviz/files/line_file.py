"""A file that is written line by line while a session runs, so that a crash loses no line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rnnviz.errors import UsageError
from rnnviz.files.paths import require_writable
from rnnviz.files.readers import open_regular
from rnnviz.messages import _


class LineFile:
    """A regular file; every write reaches the system at once.

    ``start`` is how every file of this kind begins. Such a file is replaced, and an empty one;
    anything else is not.
    """

    def __init__(self, path: Path, start: bytes) -> None:
        """Create or empty the file; UsageError if it cannot be written or holds something else."""
        self.path = path
        self._descriptor = -1
        require_replaceable(path, start)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        flags |= sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_BINARY", "O_NONBLOCK"))
        try:
            self._descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            raise UsageError(
                _("{path} cannot be written: {reason}.").format(path=path, reason=error.strerror)
            ) from error

    def write(self, data: bytes) -> None:
        """Append data; OSError if the disk is full."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def close(self) -> None:
        """Close the file; nothing happens the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def require_replaceable(path: Path, start: bytes) -> None:
    """UsageError unless the path is free, an empty file, or one that begins with ``start``."""
    status = require_writable(path)
    if status is None:
        return
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            _("{path} is not a regular file. Name a file on a disk.").format(path=path)
        )
    if not status.st_size:
        return
    with open_regular(path) as file:
        found = file.read(len(start))
    if found != start:
        raise UsageError(
            _(
                "{path} has something else in it, which would be lost. Name another file, or "
                "delete it first."
            ).format(path=path)
        )
