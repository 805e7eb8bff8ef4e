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


class ResumingDownloader:
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

    Raises requests' exceptions; after one of them, ``part`` holds what came, now or before.
    """
    have = part.lstat().st_size if part.is_file() and not part.is_symlink() else 0
    if not have or not _got_rest(url, part, have, progress):
        with _asked(url) as reply:
            network().check(reply)
            _store(reply, part, 0, progress)


def network() -> Any:
    """How servers are asked; imported when one is."""
    from rnnviz.data import network

    return network


def _asked(url: str, have: int = 0) -> Response:
    # Packed on the way, the bytes would not be those whose place in the file is asked for.
    headers = {"Accept-Encoding": "identity", "User-Agent": "rnnviz"}
    if have:
        headers["Range"] = f"bytes={have}-"
    reply: Response = network().get(url, headers, _TIMEOUT)
    return reply


def _got_rest(url: str, part: Path, have: int, progress: Progress) -> bool:
    """Ask for what is missing; False where the server has nothing that fits there."""
    with _asked(url, have) as reply:
        if reply.headers.get("Content-Range") == f"bytes */{have}":
            return True  # nothing is beyond, because everything is here
        goes_on = reply.status_code == 206 and _starts_at(reply, have)
        if reply.status_code == 416 or (reply.status_code == 206 and not goes_on):
            return False
        network().check(reply)
        _store(reply, part, have if goes_on else 0, progress)
        return True


def _starts_at(reply: Response, have: int) -> bool:
    """Whether the reply starts where ``part`` ends; a server may also send everything again."""
    return str(reply.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _store(reply: Any, part: Path, start: int, progress: Progress) -> None:
    """Write the reply into ``part`` from ``start`` on.

    What is there already and is the same stays, so that a reply that breaks off loses nothing.
    """
    from requests import ConnectionError

    length = str(reply.headers.get("Content-Length", ""))
    total = start + int(length) if length.isdecimal() else 0
    done = start
    progress(done, total)
    with open_part(part) as file:
        file.seek(start)
        same = file.readable()
        for chunk in reply.iter_content(_CHUNK):
            if same and file.read(len(chunk)) != chunk:
                same = False
                file.seek(done)
                file.truncate()
            if not same:
                file.write(chunk)
            done += len(chunk)
            progress(done, total)
        # Not every version of requests notices this itself.
        if total and done != total:
            raise ConnectionError(f"{done:,} of {total:,} bytes came")
        if same:
            file.truncate(done)
