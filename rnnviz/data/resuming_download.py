"""Downloading a file over HTTP, resuming an interrupted download."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rnnviz.files import keep_mode, open_part
from rnnviz.messages import _

if TYPE_CHECKING:
    from requests import Response

#: Called with the bytes received so far and the total (0 if the server does not tell it).
Progress = Callable[[int, int], None]

_TIMEOUT: Final = 30  # seconds without data
_CHUNK: Final = 1 << 16


class ResumingDownloader:
    """A downloader for pooch that stores received bytes in the file ``part``.

    A complete download is passed to ``check``, which raises ValueError to reject it, and renamed to
    the file that pooch verifies and moves, with the mode of the file that it replaces.
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
        """Download ``url`` to ``output_file``; raises as requests, ``check`` and file access do."""
        download(url, self._part, self._progress)
        try:
            self._check(self._part)
        except ValueError:
            self._part.unlink()
            raise
        keep_mode(self._part, self._replaced)
        self._part.replace(output_file)


def download(url: str, part: Path, progress: Progress) -> None:
    """Download ``url`` to ``part``, requesting only the bytes that ``part`` does not have.

    Raises requests' exceptions; ``part`` then contains what was received, now or before.
    """
    size = part.lstat().st_size if part.is_file() and not part.is_symlink() else 0
    if not size or not _resume(url, part, size, progress):
        with _request(url) as response:
            network().check(response)
            _store(response, part, 0, progress)


def network() -> Any:
    """The module ``network_errors``, imported on first use because it imports requests."""
    from rnnviz.data import network_errors

    return network_errors


def _request(url: str, start: int = 0) -> Response:
    # A Range applies to the encoded content, so compression has to be off.
    headers = {"Accept-Encoding": "identity", "User-Agent": "rnnviz"}
    if start:
        headers["Range"] = f"bytes={start}-"
    response: Response = network().get(url, headers, _TIMEOUT)
    return response


def _resume(url: str, part: Path, size: int, progress: Progress) -> bool:
    """Download what follows the first ``size`` bytes; False if the server cannot provide it."""
    with _request(url, size) as response:
        if response.headers.get("Content-Range") == f"bytes */{size}":
            return True  # the file is complete
        is_rest = response.status_code == 206 and _starts_at(response, size)
        if response.status_code == 416 or (response.status_code == 206 and not is_rest):
            return False
        network().check(response)
        _store(response, part, size if is_rest else 0, progress)
        return True


def _starts_at(response: Response, size: int) -> bool:
    """Whether the content starts at byte ``size``; servers may also send the whole file."""
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {size}-")


def _store(response: Any, part: Path, start: int, progress: Progress) -> None:
    """Write the content to ``part`` from byte ``start`` on.

    Existing bytes that are the same are left, so that an interrupted response loses nothing.
    """
    from requests import ConnectionError

    length = str(response.headers.get("Content-Length", ""))
    total = start + int(length) if length.isdecimal() else 0
    done = start
    progress(done, total)
    with open_part(part) as file:
        file.seek(start)
        same = file.readable()
        for chunk in response.iter_content(_CHUNK):
            if same and file.read(len(chunk)) != chunk:
                same = False
                file.seek(done)
                file.truncate()
            if not same:
                file.write(chunk)
            done += len(chunk)
            progress(done, total)
        # Not every version of requests detects this.
        if total and done != total:
            raise ConnectionError(
                _("received {done:,} of {total:,} bytes").format(done=done, total=total)
            )
        if same:
            file.truncate(done)
