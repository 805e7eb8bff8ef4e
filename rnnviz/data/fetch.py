"""Downloading data sets: on request, resumable, and verified before a file gets its name."""

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
from rnnviz.errors import (
    InvalidFileError,
    MissingError,
    RnnvizError,
    UsageError,
    system_reason,
)
from rnnviz.files import require_writable
from rnnviz.messages import _

#: Called with the name of a file, the bytes received so far and the total.
Progress = Callable[[str, int, int], None]


def fetch(
    name: str, folder: Path, progress: Progress | None = None, *, offline: bool = False
) -> list[Path]:
    """Download the files of a data set that are missing in the folder; return all their paths.

    Raises UsageError for an unknown name; MissingError if a download is needed but ``offline``;
    InvalidFileError if the received file is not the expected one; RnnvizError if the download
    failed. In the last case the received bytes stay in a ``.part`` file, and the next call resumes
    from there.
    """
    if not data_set(name).files:
        raise MissingError(
            _("No download of {name} is known.\nPut its tables into a folder {folder}").format(
                name=name, folder=folder / f"{name}_reviews"
            )
        )
    return [_fetch_file(name, remote, folder, progress, offline) for remote in data_set(name).files]


def is_complete(name: str, folder: Path, files: Iterable[Path]) -> bool:
    """Whether the files that the data set's reader reads are usable; False: ``fetch`` helps.

    Raises InvalidFileError, saying what to delete, for a damaged file that a download would not
    replace because it has another name than the catalogue's.
    """
    downloads = {folder / remote.path: remote for remote in data_set(name).files}
    if not all(_is_intact(path, downloads[path]) for path in files if path in downloads):
        return False
    others = [path for path in files if path not in downloads]
    if others:
        _check_readable(name, folder, others)
    return True


def _check_readable(name: str, folder: Path, files: list[Path]) -> None:
    from rnnviz.data.preview import preview

    try:
        preview(name, folder, 1)
    except (ValueError, FileNotFoundError) as error:
        damaged = [path for path in files if str(error).startswith(str(path))] or files
        raise _damaged(error, *damaged) from error


def _damaged(error: Exception, *damaged: Path) -> InvalidFileError:
    paths = ", ".join(str(path) for path in damaged)
    return InvalidFileError(
        _("{reason}\nDelete {paths}, then the same command gets it again.").format(
            reason=error, paths=paths
        )
    )


def part_file(path: Path) -> Path:
    """The file of a download in progress: beside the file, or beside the target of a link."""
    target = Path(os.path.realpath(path))
    return target.with_name(target.name + ".part")


def _fetch_file(
    name: str, remote: RemoteFile, folder: Path, progress: Progress | None, offline: bool
) -> Path:
    path = folder / remote.path
    if path.is_file() and _is_intact(path, remote):
        return path
    if offline:
        raise MissingError(
            _(
                "{path} is missing or incomplete; --offline (RNNVIZ_OFFLINE) forbids a "
                "download.\n"
                "Without it: rnnviz data fetch {name}; or put the file there: {url}"
            ).format(path=path, name=name, url=remote.urls[0])
        )
    report = progress or (lambda file, done, total: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        status = require_writable(path)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise UsageError(
                _("{path} is not a regular file and is not replaced. Move it away.").format(
                    path=path
                )
            )
        download(remote, path, lambda done, total: report(path.name, done, total or remote.size))
    except OSError as error:
        raise _disk_error(error, path) from error
    return path


def _is_intact(path: Path, remote: RemoteFile) -> bool:
    """Whether an existing file is the expected one; InvalidFileError if its content is checked."""
    if remote.hash is None:
        try:
            _check_content(remote, path)
        except ValueError as error:
            raise _damaged(error, path) from error
        return True
    return bool(_pooch().hashes.hash_matches(str(path), remote.hash))


def _check_content(remote: RemoteFile, path: Path) -> None:
    """Check the content of a file without a published hash."""
    if remote.path in CHECKS:
        CHECKS[remote.path](path)


def download(remote: RemoteFile, path: Path, progress: Callable[[int, int], None]) -> None:
    """Download from the first address that works; RnnvizError if none does, or OSError."""
    import requests

    from rnnviz.data.network_errors import download_error

    for url in remote.urls:
        try:
            _download_from(url, remote, path, progress)
            return
        except requests.RequestException as error:
            if url == remote.urls[-1]:
                part = part_file(path)
                received = part.stat().st_size if part.is_file() else 0
                raise download_error(error, url, str(path), received) from error


def _download_from(
    url: str, remote: RemoteFile, path: Path, progress: Callable[[int, int], None]
) -> None:
    import requests

    replaced = path.stat() if path.is_file() else None
    check = partial(_check_content, remote)
    downloader = ResumingDownloader(part_file(path), progress, check, replaced)
    target = Path(os.path.realpath(path))  # a symbolic link stays, its target is replaced
    try:
        _pooch().retrieve(url, remote.hash, target.name, str(target.parent), downloader=downloader)
    except requests.RequestException:  # some are also ValueErrors
        raise
    except ValueError as error:
        raise InvalidFileError(
            _(
                "The file from {url} is not {file}: {reason}.\n"
                "It was deleted. Try again; if the error persists, the file was changed "
                "there."
            ).format(url=url, file=path.name, reason=str(error).partition(". ")[0])
        ) from error


def _pooch() -> Any:
    import pooch  # type: ignore[import-untyped]

    pooch.get_logger().setLevel("WARNING")  # the progress bar shows the rest
    return pooch


def _disk_error(error: OSError, path: Path) -> RnnvizError:
    """The message for an error of the file system, with what to do."""
    if error.errno == errno.ENOSPC:
        return RnnvizError(
            _(
                "The disk is full: {file} did not fit into {folder}.\n"
                "Make room and give the same command, or name another folder: --data DIR"
            ).format(file=path.name, folder=path.parent)
        )
    return RnnvizError(
        _(
            "Cannot write to {folder}: {reason}.\nName a folder that can be written to: --data DIR"
        ).format(folder=path.parent, reason=system_reason(error))
    )
