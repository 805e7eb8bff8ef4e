"""Writing files: a file is replaced as a whole or stays as it was."""

from __future__ import annotations

import errno
import os
import shlex
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from rnnviz.errors import RnnvizError, UsageError, system_reason
from rnnviz.files.delivery import written
from rnnviz.files.paths import NO_SPACE, require_writable
from rnnviz.messages import _

#: Errors of a folder that takes no new file, or in which no file can be replaced: it is read-only,
#: or sticky and owned by others, or the file is a mount point.
_ONLY_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
#: Descriptors are not inherited by child processes; bytes are written as they are.
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: Bytes of a file's name that its temporary file repeats; file systems allow 255.
_MAX_PREFIX = 100
#: Symbolic links followed in a row, as many as Linux follows.
_MAX_LINKS = 40


def write_atomically(path: Path, data: bytes | str, *, flush: bool = True) -> None:
    """Write a file so that a crash or a full disk leaves the old content, or no file.

    A symbolic link stays, and its target is written. An existing file keeps its mode, and its
    owner where permitted; its other hard links keep the old content. Devices, pipes and
    /dev/stdout are written to directly. Where the folder takes no new file, the existing one is
    overwritten in place. Raises UsageError as ``require_writable`` does, else OSError.

    ``flush=False`` does not wait for the disk, which takes some milliseconds: a process that is
    killed leaves the old content or the new one all the same, but a machine that loses its power
    may leave a part.
    """
    content = data.encode() if isinstance(data, str) else data
    inherited = _descriptor_of(path)
    if inherited is not None:
        descriptor = os.dup(inherited)
        try:
            _write_all(descriptor, content)
        finally:
            os.close(descriptor)
        return
    status = require_writable(path)
    if status is None or stat.S_ISREG(status.st_mode):
        _replace(Path(os.path.realpath(path)), content, status, flush)
    else:
        _write_to_device(path, content)


def write_output(path: Path, data: bytes | str) -> None:
    """``write_atomically`` for a file that the user named; RnnvizError instead of OSError."""
    try:
        write_atomically(path, data)
    except BrokenPipeError as error:
        raise RnnvizError(
            _("The reader of {path} ended before everything was written.").format(path=path)
        ) from error
    except OSError as error:
        if error.errno in NO_SPACE:
            raise RnnvizError(
                _(
                    "No space left to write {path}. Free some, or name a file on another disk."
                ).format(path=path)
            ) from error
        raise RnnvizError(
            _("Cannot write {path}: {reason}.").format(path=path, reason=system_reason(error))
        ) from error
    written(path)


def write_new(folder: Path, stem: str, suffix: str, data: str) -> Path:
    """Write to the first unused of ``stem-1.suffix``, ``stem-2.suffix`` …; return its path.

    Raises OSError if that fails; no file is left behind then.
    """
    for n in range(1, 10_000):
        path = folder / f"{stem}-{n}.{suffix}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
        except FileExistsError:
            continue
        try:
            try:
                _write_all(descriptor, data.encode())
            finally:
                os.close(descriptor)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        written(path)
        return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def open_part(path: Path) -> BinaryIO:
    """Open a file for reading and writing without truncating it; it is created if missing.

    Raises UsageError, before anything is written, for a symbolic link, a file with several hard
    links, a folder, a device or a pipe, and OSError otherwise.
    """
    unsafe = UsageError(
        _(
            "{path} is a link, a pipe or another name of a file, and is not written to. Delete it."
        ).format(path=path)
    )
    flags = os.O_RDWR | os.O_CREAT | _FLAGS
    flags |= sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"))
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise unsafe from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise unsafe
        return os.fdopen(descriptor, "r+b")
    except BaseException:
        os.close(descriptor)
        raise


def keep_mode(path: Path, of: os.stat_result | None) -> None:
    """Give a file the mode and owner of the one it replaces; None: the mode of a new file.

    A change of owner that is not permitted is skipped.
    """
    if of is None:
        umask = os.umask(0)
        os.umask(umask)
        # In WebAssembly it is 0o777, with which nobody could read the file.
        path.chmod((0o666 & ~umask) or 0o600)
        return
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(path, of.st_uid, of.st_gid)
    path.chmod(of.st_mode & 0o777)


def _descriptor_of(path: Path) -> int | None:
    """N of /dev/fd/N, also through links such as /dev/stdout; None for any other path.

    Opening such a path again would truncate a file that stdout is redirected to.
    """
    for _n in range(_MAX_LINKS):
        folder = os.path.realpath(path.parent)
        if folder in ("/dev/fd", f"/proc/{os.getpid()}/fd") and path.name.isdecimal():
            return int(path.name)
        try:
            path = Path(folder) / path.readlink()
        except (OSError, ValueError):  # not a link
            return None
    return None


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _write_to_device(path: Path, content: bytes) -> None:
    """Write to a device or a pipe; UsageError for a pipe without a reader."""
    flags = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY"))
    try:
        descriptor = os.open(path, os.O_WRONLY | _FLAGS | flags)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        quoted = shlex.quote(str(path))
        raise UsageError(
            _(
                "No process reads the pipe {path}. Start one first, as in: cat {typed} > FILE &"
            ).format(path=path, typed=quoted)
        ) from error
    try:
        os.set_blocking(descriptor, True)
        _write_all(descriptor, content)
    finally:
        os.close(descriptor)


def _replace(
    target: Path, content: bytes, status: os.stat_result | None, flush: bool = True
) -> None:
    """Write a temporary file and rename it; overwrite in place where that is not possible."""
    if status is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    name = os.fsdecode(os.fsencode(target.name)[:_MAX_PREFIX])
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{name}.")
    except OSError as error:
        if status is None or error.errno not in _ONLY_IN_PLACE:
            raise
        _overwrite(target, content)
        return
    try:
        try:
            _write_all(descriptor, content)
            if flush:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # mkstemp creates files that only their owner can read.
        keep_mode(Path(temporary), status)
        try:
            Path(temporary).replace(target)
        except OSError as error:
            if status is None or error.errno not in _ONLY_IN_PLACE:
                raise
            _overwrite(target, content)
            Path(temporary).unlink()
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _overwrite(target: Path, content: bytes) -> None:
    descriptor = os.open(target, os.O_WRONLY | _FLAGS)
    try:
        _write_all(descriptor, content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
