"""A lock on a run directory: one process trains in it at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnviz.errors import UsageError
from rnnviz.messages import _

#: Seconds between tries: ``is_locked`` holds a shared lock for a moment while runs are listed.
_RETRIES = (0.05, 0.05, 0.1)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock on a directory; UsageError if another process holds it.

    Without effect on Windows and on file systems that have no locks.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    for pause in (*_RETRIES, None):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if pause is None:
                os.close(handle)
                raise UsageError(
                    _("{path} is being trained by another process. Stop that first.").format(
                        path=path
                    )
                ) from None
            time.sleep(pause)
        except OSError:
            break
    try:
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether a process is training in the directory."""
    try:
        import fcntl
    except ImportError:
        return False
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
