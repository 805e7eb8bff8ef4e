"""One file over HTTP, going on where an earlier try stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rnnviz.files import keep_mode, open_part

if TYPE_CHECKING:
    from requests import Response

#: Called with (bytes so far, bytes in all; 0 when the server does not say).
Progress = Callable[[int, int], None]

_TIMEOUT: Final = 30  # seconds without a byte
_CHUNK: Final = 1 << 16


class Resuming:
    """A downloader for pooch that keeps what came so far in ``part``.

    When all of it is there, ``check`` may look at it, and only then it becomes the file that
    pooch checks and moves to its name, with the mode of the one that is ``replaced``.
    """

    def __init__(
        self,
        part: Path,
        progress: Progress,
        check: Callable[[Path], None],
        replaced: os.stat_result | None = None,
    ) -> None:
        self._part, self._replaced = part, replaced
        self._progress = progress
        self._check = check

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> None:
        """Download ``url`` to ``output_file``. Raises what requests, disk or ``check`` raise."""
        download(url, self._part, self._progress)
        try:
            self._check(self._part)
        except ValueError:
            self._part.unlink()
            raise
        keep_mode(self._part, self._replaced)
        self._part.replace(output_file)


def download(url: str, part: Path, progress: Progress) -> None:
    """Make ``part`` the whole of what is at ``url``, asking only for what it does not have yet.

    Raises requests' exceptions; after one of them, ``part`` holds what came.
    """
    import requests

    have = part.lstat().st_size if part.is_file() and not part.is_symlink() else 0
    # Packed on the way, the bytes would not be those whose place in the file is asked for.
    headers = {"Accept-Encoding": "identity", "User-Agent": "rnnviz"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as reply:
        if not have or not _beyond(reply, have):
            reply.raise_for_status()
            _store(reply, part, have if _goes_on(reply, have) else 0, progress)
            return
        if reply.headers.get("Content-Range") == f"bytes */{have}":
            return  # nothing is beyond, because everything is here
    part.unlink()  # what is here is longer than the file, so it is part of another
    download(url, part, progress)


def _beyond(reply: Response, have: int) -> bool:
    """Whether the server has nothing to send from there on, or sends from somewhere else."""
    return reply.status_code == 416 or (reply.status_code == 206 and not _goes_on(reply, have))


def _goes_on(reply: Response, have: int) -> bool:
    """Whether the reply starts where ``part`` ends; a server may also send everything again."""
    start = str(reply.headers.get("Content-Range", ""))
    return bool(reply.status_code == 206 and start.startswith(f"bytes {have}-"))


def _store(reply: Any, part: Path, have: int, progress: Progress) -> None:
    from requests import ConnectionError

    length = int(reply.headers.get("Content-Length", 0))
    total = have + length if length else 0
    done = have
    progress(done, total)
    with open_part(part, append=have > 0) as file:
        for chunk in reply.iter_content(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
    # Not every version of requests notices this itself.
    if total and done != total:
        raise ConnectionError(f"{done:,} of {total:,} bytes came")
