"""Files that are whole or not there, files of others that are read within limits, shipped files."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from rnnviz.errors import InvalidFileError, RnnvizError, UsageError

if TYPE_CHECKING:
    import zipfile

#: The most bytes of a JSON file: that of 100,000 words has two million, and what is read from it
#: takes up to 25 times as much memory.
JSON_LIMIT = 10_000_000
#: What is packed may hold so many times its own bytes; texts and measurements have three to ten.
RATIO = 25
#: A small file may be packed better than that.
_ALWAYS = 20_000_000
#: Characters of why a file cannot be read; it may quote what is in it, and has its path.
LONGEST_REASON = 400
#: How deep objects and lists of a JSON file are nested; ours are so six times.
_DEPTH = 50
#: Bytes of an archive's list of files; ours has 100 for each, and no more than 300 files.
_ZIP_DIRECTORY = 1_000_000


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write to a temporary file beside ``path`` and rename it into place.

    A crash, a full disk or an interrupt leaves the old file, or none; never half of one.
    """
    content = data.encode() if isinstance(data, str) else data
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a result should have the permissions of any new file.
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def assets() -> Path:
    """Where the shipped files are: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "assets"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "assets"


# -- what others wrote: read within limits ------------------------------------------------------


def open_regular(path: Path, limit: int | None = None) -> io.BufferedReader:
    """Open a file for reading without ever waiting for a pipe or reading a device.

    OSError as ``open`` raises it; InvalidFileError for a pipe, a device, or a file of more than
    ``limit`` bytes.
    """
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in _QUIET)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise InvalidFileError(
                f"{path} is {_kind(found.st_mode)}, not a file. Write what it gives to a file and "
                "name that."
            )
        if limit is not None and found.st_size > limit:
            raise _too_large(path, limit)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


#: A pipe is opened at once, a terminal does not become ours, bytes stay as they are.
_QUIET = ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")


def _kind(mode: int) -> str:
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"


def _too_large(path: Path, limit: int) -> InvalidFileError:
    return InvalidFileError(f"{path} is larger than {_said(limit)}, the most that is read here.")


def _said(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1_000_000 else f"{count:,} bytes"


def user_path(typed: str | Path) -> Path:
    """A path as a user wrote it, ``~`` and ``~name`` replaced; nothing needs to be there.

    UsageError if there is no such user, or if no file system could have such a path.
    """
    try:
        path = Path(typed).expanduser()
        path.stat()
    except RuntimeError as error:
        raise UsageError(f"{str(typed)[:200]}: there is no home folder of that user.") from error
    except ValueError as error:
        raise UsageError(f"{str(typed)[:200]!r} cannot be a path: {error}.") from error
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise UsageError(f"{str(typed)[:200]} cannot be used: {error.strerror}.") from error
    return path


def read_limited(path: Path, limit: int) -> bytes:
    """All bytes of a file of at most ``limit``; errors as of ``open_regular``."""
    with open_regular(path, limit) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it grew, or is one whose size nobody knows, as in /proc
        raise _too_large(path, limit)
    return data


@contextmanager
def reading(path: Path, what: str, remedy: str = "") -> Iterator[None]:
    """Whatever goes wrong while a file is read, checked and evaluated is an InvalidFileError.

    What a damaged file makes the libraries raise that read its parts is nearly anything, from
    UnicodeDecodeError to MemoryError. ``what`` the file should be: "trace"; ``remedy``: a sentence
    behind the reason.
    """
    more = f" {remedy}" if remedy else ""
    try:
        yield
    except (RnnvizError, ImportError, NameError):
        raise
    except OSError as error:
        raise InvalidFileError(f"Cannot read {path}: {error.strerror or error}.{more}") from error
    except Exception as error:
        raise InvalidFileError(f"{path} is not a usable {what}: {reason(error)}.{more}") from error


def reason(error: BaseException) -> str:
    """Why something cannot be read, in one short line without its full stop."""
    if isinstance(error, MemoryError):
        return "a part of it is too large or nested too deep"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, KeyError):
        text = f"{text} is missing"
    return (text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…").rstrip(".")


def read_json(path: Path, limit: int = JSON_LIMIT) -> Any:
    """What a JSON file says; InvalidFileError if it cannot be read, is too large, or is none."""
    with reading(path, "JSON file"):
        return parse_json(read_limited(path, limit).decode("utf-8"))


def parse_json(text: str) -> Any:
    """What a JSON text says; ValueError, or RecursionError, if it is none or nested too deep."""
    found = json.loads(text)
    level = [[found]]
    for _ in range(_DEPTH):
        level = [each for value in level for each in _inside(value)]
        if not level:
            return found
    raise ValueError(f"it is nested deeper than {_DEPTH}")


def _inside(value: Any) -> Iterable[Any]:
    """The objects and lists directly in one."""
    inside = value.values() if isinstance(value, dict) else value
    return [each for each in inside if isinstance(each, dict | list)]


class TooLargeError(ValueError):
    """What is read holds more than anything of its kind."""


class Unpacked(io.RawIOBase):
    """What is unpacked from a stream, to be read once; TooLargeError if it is more than ``most``.

    ``most`` is ``limit``, or less where ``packed``, the bytes that it is unpacked from, are few.
    """

    def __init__(self, stream: IO[bytes], limit: int, packed: int) -> None:
        super().__init__()
        self._stream = stream
        self.most = min(limit, max(_ALWAYS, RATIO * packed))
        self._left = self.most

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some of the next bytes; 0 at the end."""
        data = self._stream.read(min(len(buffer), 1 << 16))
        self._left -= len(data)
        if self._left < 0:
            raise TooLargeError(f"it unpacks to more than {_said(self.most)}")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close both."""
        self._stream.close()
        super().close()


def buffered(stream: Unpacked) -> BinaryIO:
    """The same with ``readline`` and quick small reads."""
    return io.BufferedReader(stream, 1 << 16)


@contextmanager
def open_zip(path: Path, limit: int) -> Iterator[zipfile.ZipFile]:
    """A zip archive of at most ``limit`` bytes whose list of files is of a usual size.

    Errors as of ``open_regular``, and zipfile.BadZipFile.
    """
    import zipfile

    with open_regular(path, limit) as file:
        if _directory_size(file) > _ZIP_DIRECTORY:
            raise zipfile.BadZipFile("its list of files is far too long")
        with zipfile.ZipFile(file) as archive:
            yield archive


def open_member(archive: zipfile.ZipFile, name: str, limit: int) -> BinaryIO:
    """A file in an archive, which unpacks to at most ``limit`` bytes.

    KeyError if there is none of that name, zipfile.BadZipFile if it is packed in an unusual way,
    TooLargeError, also while it is read.
    """
    import zipfile

    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{name[:60]} is packed in a way that is not read here")
    unpacked = Unpacked(archive.open(info), limit, info.compress_size)
    if info.file_size > unpacked.most:
        unpacked.close()
        raise TooLargeError(f"{name[:60]} unpacks to more than {_said(unpacked.most)}")
    return buffered(unpacked)


def _directory_size(file: BinaryIO) -> int:
    """Bytes of a zip's list of files, as the record at its end tells; 0 if there is none."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557))  # the record has 22, its comment up to 65,535
    end = file.read()
    file.seek(0)
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) < at + 22:
        return 0
    return int(struct.unpack_from("<I", end, at + 12)[0])
