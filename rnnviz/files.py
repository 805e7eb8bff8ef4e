"""Files that are whole or not there, files of others that are read within limits, shipped files."""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import stat
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
    """Write a file so that a crash or a full disk leaves the old one, or none; never half of one.

    A link stays, and what it points to gets the data. A file that is there keeps its mode, and its
    owner where that is allowed; another name of it (a hard link) keeps the old data. A device, a
    pipe and /dev/stdout are written into. Where the folder takes no new file, the old one is
    written over in place. UsageError as of ``require_writable``, else OSError.
    """
    content = data.encode() if isinstance(data, str) else data
    number = _descriptor(path)
    if number is not None:
        descriptor = os.dup(number)
        try:
            _write_all(descriptor, content)
        finally:
            os.close(descriptor)
        return
    found = require_writable(path)
    if found is None or stat.S_ISREG(found.st_mode):
        _replace(Path(os.path.realpath(path)), content, found)
    else:
        _write_into(path, content)


def write_output(path: Path, data: bytes | str) -> None:
    """``write_atomically`` for a file that the user named; RnnvizError where it raises OSError."""
    try:
        write_atomically(path, data)
    except BrokenPipeError as error:
        raise RnnvizError(f"Who read {path} ended before all was written.") from error
    except OSError as error:
        if error.errno in NO_SPACE:
            raise RnnvizError(
                f"No space left to write {path}. Free some, or name a file on another disk."
            ) from error
        raise RnnvizError(f"Cannot write {path}: {error.strerror or error}.") from error


def write_new(folder: Path, stem: str, suffix: str, data: str) -> Path:
    """Write the first of ``stem-1.suffix``, ``stem-2.suffix`` … that is not there; its path.

    OSError if that cannot be done; nothing is left behind then.
    """
    for n in range(1, 10_000):
        path = folder / f"{stem}-{n}.{suffix}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOSED, 0o666)
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
        return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def open_part(path: Path) -> BinaryIO:
    """Open a file for reading and writing piece by piece; what is in it stays.

    UsageError, before anything is written, for what may lead to another file or to none: a link, a
    file with another name, a folder, a device or a pipe. OSError else.
    """
    other = UsageError(
        f"{path} is a link, a pipe or another name of a file, and is not written to. Delete it."
    )
    flags = os.O_RDWR | os.O_CREAT | _CLOSED
    flags |= sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"))
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise other from error
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise other
        return os.fdopen(descriptor, "r+b")
    except BaseException:
        os.close(descriptor)
        raise


def keep_mode(path: Path, of: os.stat_result | None) -> None:
    """Give a file the mode and owner of the one it is to replace; without one, those of a new file.

    What is not allowed is left out: the owner, for who is not root.
    """
    if of is None:
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)
        return
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(path, of.st_uid, of.st_gid)
    path.chmod(of.st_mode & 0o777)


def require_writable(path: Path) -> os.stat_result | None:
    """What is at the path, following links; None if nothing is.

    UsageError if no file can be written there whatever the disk holds: its folder is not there, it
    is a folder, a socket or a disk, its name is too long, its links go in a circle.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        folder = Path(os.path.realpath(path)).parent
        if not folder.is_dir():
            made = shlex.quote(str(folder if path.is_symlink() else path.parent))
            raise UsageError(f"There is no folder {made}. Make it first: mkdir -p {made}") from None
        return None
    except NotADirectoryError as error:
        raise UsageError(
            f"{path.parent} is a file, not a folder: {path} cannot be in it."
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} cannot be the name of a file: {error}.") from error
    except OSError as error:
        if error.errno in UNUSABLE_NAME:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
        raise
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        raise UsageError(f"{path} is a folder. Name a file in it.")
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        kind = "a socket" if stat.S_ISSOCK(mode) else "a disk"
        raise UsageError(f"{path} is {kind}, which is not written to. Name a file.")
    return found


def require_distinct(outputs: Mapping[str, Path], inputs: Iterable[Path] = ()) -> None:
    """UsageError if an output cannot be written, is one of the inputs, or two are one file.

    ``outputs`` are by what the user calls them. Devices and pipes may be named twice.
    """
    taken = [(f"what is read from {path}", path) for path in inputs]
    for name, path in outputs.items():
        require_writable(path)
        for other, place in taken:
            if _is_one_file(path, place):
                raise UsageError(f"{name} {path} would replace {other}. Name another file.")
        taken.append((f"what {name} writes", path))


def _is_one_file(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b) and a.is_file()
    except OSError:  # one of them is not there
        return os.path.realpath(a) == os.path.realpath(b)


#: Errors of a name, and of a disk.
UNUSABLE_NAME = (errno.ENAMETOOLONG, errno.ELOOP)
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
#: A folder takes no new file, or the name of a file in it cannot be given to another: it is
#: read-only, sticky and of others, or the file is mounted by itself.
_ONLY_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
#: Not for programs that are started meanwhile.
_CLOSED = getattr(os, "O_CLOEXEC", 0)
#: Bytes of a name that its temporary file repeats; file systems take 255.
_REPEATED = 100


def _descriptor(path: Path) -> int | None:
    """N of /dev/fd/N, also by links such as /dev/stdout; None for any other path.

    Opened by its path, a file that is written to as stdout would lose what is in it.
    """
    for _ in range(40):  # links in a row, as many as Linux follows
        folder = os.path.realpath(path.parent)
        if folder in ("/dev/fd", f"/proc/{os.getpid()}/fd") and path.name.isdecimal():
            return int(path.name)
        try:
            path = Path(folder) / path.readlink()
        except (OSError, ValueError):  # it is no link
            return None
    return None


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _write_into(path: Path, content: bytes) -> None:
    """Write to a device or a pipe; UsageError for a pipe that nobody reads."""
    flags = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY"))
    try:
        descriptor = os.open(path, os.O_WRONLY | _CLOSED | flags)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        said = shlex.quote(str(path))
        raise UsageError(
            f"Nobody reads the pipe {path}. Start who reads it first, as in: cat {said} > FILE &"
        ) from error
    try:
        os.set_blocking(descriptor, True)
        _write_all(descriptor, content)
    finally:
        os.close(descriptor)


def _replace(target: Path, content: bytes, found: os.stat_result | None) -> None:
    """Write beside the target, then rename; in place where there can be nothing beside it."""
    if found is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    name = os.fsdecode(os.fsencode(target.name)[:_REPEATED])
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{name}.")
    except OSError as error:
        if found is None or error.errno not in _ONLY_IN_PLACE:
            raise
        _write_over(target, content)
        return
    try:
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # mkstemp makes private files.
        keep_mode(Path(temporary), found)
        try:
            Path(temporary).replace(target)
        except OSError as error:
            if found is None or error.errno not in _ONLY_IN_PLACE:
                raise
            _write_over(target, content)
            Path(temporary).unlink()
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _write_over(target: Path, content: bytes) -> None:
    descriptor = os.open(target, os.O_WRONLY | _CLOSED)
    try:
        _write_all(descriptor, content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


class LimitedReader(io.RawIOBase):
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


def buffered(stream: LimitedReader) -> BinaryIO:
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
    unpacked = LimitedReader(archive.open(info), limit, info.compress_size)
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
