"""Getting a data set: only when asked to, resumable, and checked before it has its name."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from rnnviz.data.catalogue import RemoteFile, data_set
from rnnviz.data.content_checks import CHECKS
from rnnviz.data.resuming_download import ResumingDownloader
from rnnviz.errors import InvalidFileError, MissingError, RnnvizError, UsageError
from rnnviz.files import require_writable

#: Called with the name of a file, its bytes so far and its bytes in all.
Progress = Callable[[str, int, int], None]


def fetch(
    name: str, folder: Path, progress: Progress | None = None, *, offline: bool = False
) -> list[Path]:
    """Download the files of a data set that are not in the folder yet; where they are.

    UsageError for an unknown name; MissingError when ``offline`` and something would have to be
    downloaded; InvalidFileError when what came is not the file; RnnvizError when the download
    failed: what came is kept beside the file as ``.part`` and the next try goes on from there.
    """
    return [_one(name, remote, folder, progress, offline) for remote in data_set(name).files]


def is_whole(name: str, folder: Path, files: Iterable[Path]) -> bool:
    """Whether these files of a data set can be read; False where a download mends them.

    ``files`` are those that its reader takes. InvalidFileError that says what to delete where one
    is damaged that a download would not replace: one in another form than the catalogue's.
    """
    own = {folder / remote.path: remote for remote in data_set(name).files}
    if not all(_is_whole(path, own[path]) for path in files if path in own):
        return False
    others = [path for path in files if path not in own]
    if others:
        _check_readable(name, folder, others)
    return True


def _check_readable(name: str, folder: Path, files: list[Path]) -> None:
    from rnnviz.data.preview import preview

    try:
        preview(name, folder, 1)
    except (ValueError, FileNotFoundError) as error:
        wrong = [path for path in files if str(error).startswith(str(path))] or files
        raise _in_the_way(error, *wrong) from error


def _in_the_way(error: Exception, *wrong: Path) -> InvalidFileError:
    deleted = ", ".join(str(path) for path in wrong)
    return InvalidFileError(f"{error}\nDelete {deleted}, then the same command gets it again.")


def part_of(path: Path) -> Path:
    """Where a file is kept while it is being downloaded: beside it, or beside what it links to."""
    target = Path(os.path.realpath(path))
    return target.with_name(target.name + ".part")


def _one(name: str, remote: RemoteFile, folder: Path, progress: Progress | None, offline: bool) -> Path:
    path = folder / remote.path
    if path.is_file() and _is_whole(path, remote):
        return path
    if offline:
        raise MissingError(
            f"{path} is not here, or not whole; --offline (RNNVIZ_OFFLINE) forbids a download.\n"
            f"Without it: rnnviz data fetch {name}; or put the file there: {remote.urls[0]}"
        )
    say = progress or (lambda file, done, total: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = require_writable(path)
        if there is not None and not stat.S_ISREG(there.st_mode):
            raise UsageError(f"{path} is no file, and is not replaced by one. Move it away.")
        _from_any(remote, path, lambda done, total: say(path.name, done, total or remote.size))
    except OSError as error:
        raise _told(error, path) from error
    return path


def _is_whole(path: Path, remote: RemoteFile) -> bool:
    """Whether the file that is there is the right one; a wrong one without a hash is an error."""
    if remote.hash is None:
        try:
            _check(remote, path)
        except ValueError as error:
            raise _in_the_way(error, path) from error
        return True
    return bool(_pooch().hashes.hash_matches(str(path), remote.hash))


def _check(remote: RemoteFile, path: Path) -> None:
    """Look at the content, where that is all there is to go by."""
    if remote.path in CHECKS:
        CHECKS[remote.path](path)


def _from_any(remote: RemoteFile, path: Path, progress: Callable[[int, int], None]) -> None:
    """From the first address that answers. RnnvizError where none does, OSError of the disk."""
    import requests

    from rnnviz.data.network_errors import told

    for url in remote.urls:
        try:
            _from(url, remote, path, progress)
            return
        except requests.RequestException as error:
            if url == remote.urls[-1]:
                part = part_of(path)
                kept = part.stat().st_size if part.is_file() else 0
                raise told(error, url, str(path), kept) from error


def _from(url: str, remote: RemoteFile, path: Path, progress: Callable[[int, int], None]) -> None:
    import requests

    replaced = path.stat() if path.is_file() else None
    download = ResumingDownloader(part_of(path), progress, partial(_check, remote), replaced)
    target = Path(os.path.realpath(path))  # a link stays, and is written through
    try:
        _pooch().retrieve(url, remote.hash, target.name, str(target.parent), downloader=download)
    except requests.RequestException:  # some are ValueErrors, too
        raise
    except ValueError as error:
        raise InvalidFileError(
            f"What came from {url} is not {path.name}: {str(error).partition('. ')[0]}.\n"
            "It was not kept. Try again; if it stays like this, the file was changed there."
        ) from error


def _pooch() -> Any:
    import pooch  # type: ignore[import-untyped]

    pooch.get_logger().setLevel("WARNING")  # what it is doing is shown by the progress
    return pooch


def _told(error: OSError, path: Path) -> RnnvizError:
    """The error of a disk as a line that says what to do."""
    if error.errno == errno.ENOSPC:
        return RnnvizError(
            f"The disk is full: {path.name} did not fit into {path.parent}.\n"
            "Make room and give the same command, or name another folder: --data DIR"
        )
    return RnnvizError(
        f"Cannot write to {path.parent}: {error.strerror or error}.\n"
        "Name a folder that can be written to: --data DIR"
    )
