"""Reading compressed files, with limits on what they unpack to."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from rnnviz.files.readers import open_regular, size_text
from rnnviz.messages import _

if TYPE_CHECKING:
    import zipfile

#: Maximal compression ratio; texts and measurements reach three to ten.
MAX_RATIO = 25
#: Bytes that any file may unpack to, whatever its ratio.
_RATIO_EXEMPT = 20_000_000
#: Largest central directory of a zip in bytes; an entry takes some 100, and the largest archive
#: read here has 300.
_MAX_DIRECTORY = 1_000_000
_BLOCK = 1 << 16


class TooLargeError(ValueError):
    """A file, or what it unpacks to, is larger than its limit."""


class LimitedReader(io.RawIOBase):
    """A decompressing stream that raises TooLargeError once it yields more than ``limit`` bytes.

    ``limit`` is the given one, or less for a small file: MAX_RATIO × ``packed_size`` (the
    compressed bytes), but at least 20 MB.
    """

    def __init__(self, stream: IO[bytes], limit: int, packed_size: int) -> None:
        super().__init__()
        self._stream = stream
        self.limit = min(limit, max(_RATIO_EXEMPT, MAX_RATIO * packed_size))
        self._left = self.limit

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into ``buffer`` and return the number of bytes; 0 at the end."""
        data = self._stream.read(min(len(buffer), _BLOCK))
        self._left -= len(data)
        if self._left < 0:
            raise TooLargeError(
                _("it unpacks to more than {size}").format(size=size_text(self.limit))
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close this stream and the wrapped one."""
        self._stream.close()
        super().close()


def buffered(stream: LimitedReader) -> BinaryIO:
    """Wrap the stream in a buffer, for ``readline`` and fast small reads."""
    return io.BufferedReader(stream, _BLOCK)


@contextmanager
def open_zip(path: Path, limit: int) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive of at most ``limit`` bytes whose list of files has a usual size.

    Raises as ``open_regular`` does, and zipfile.BadZipFile.
    """
    import zipfile

    with open_regular(path, limit) as file:
        if _directory_size(file) > _MAX_DIRECTORY:
            raise zipfile.BadZipFile(_("its list of files is far too long"))
        with zipfile.ZipFile(file) as archive:
            yield archive


def open_member(archive: zipfile.ZipFile, name: str, limit: int) -> BinaryIO:
    """Open a member of an archive that unpacks to at most ``limit`` bytes.

    Raises KeyError if there is no member of that name, zipfile.BadZipFile if its compression is
    not supported, and TooLargeError, possibly only while it is read.
    """
    import zipfile

    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(
            _("the compression of {name} is not supported").format(name=name[:60])
        )
    unpacked = LimitedReader(archive.open(info), limit, info.compress_size)
    if info.file_size > unpacked.limit:
        unpacked.close()
        raise TooLargeError(
            _("{name} unpacks to more than {size}").format(
                name=name[:60], size=size_text(unpacked.limit)
            )
        )
    return buffered(unpacked)


def _directory_size(file: BinaryIO) -> int:
    """Bytes of a zip's central directory, from the record at its end; 0 without such a record."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557))  # the record has 22 bytes, its comment up to 65,535
    end = file.read()
    file.seek(0)
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) < at + 22:
        return 0
    return int(struct.unpack_from("<I", end, at + 12)[0])
