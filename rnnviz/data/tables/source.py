"""Sources of tables: a file, one compressed with gzip or xz, or a member of a zip."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from rnnviz.files import LimitedReader, TooLargeError, buffered, open_member, open_regular, open_zip
from rnnviz.messages import _

#: Exceptions that reading a truncated or overwritten file may raise.
DAMAGE_ERRORS: Final = (
    csv.Error, UnicodeError, EOFError, OSError, zlib.error, zipfile.BadZipFile, TooLargeError,
    NotImplementedError, RuntimeError,  # a zip member that is encrypted or of unknown compression
)  # fmt: skip

#: Largest table in bytes, compressed or not: three times the largest known one (Kaggle's 50,000
#: reviews have 66 MB).
MAX_BYTES: Final = 200_000_000
_BLOCK: Final = 1 << 20
#: Memory for decompressing an xz file: its highest preset takes 65 MiB.
_XZ_MEMORY: Final = 100 << 20
#: Endings of compressed tables.
COMPRESSIONS: Final = (".gz", ".xz", ".zip")
_EXTENSIONS: Final = (".csv", ".tsv", ".tab", ".txt")


@dataclass(frozen=True)
class TableSource:
    """A table: a file, or one member of a zip."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        """The path, and the member's name if there is one."""
        return f"{self.path}" if self.member is None else f"{self.path}, {self.member}"

    @property
    def name(self) -> str:
        """The file name of the table itself."""
        return self.path.name if self.member is None else self.member.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its extensions, as ``normalize_name`` writes it."""
        return normalize_name(table_stem(self.name) or self.name)


def normalize_name(name: str) -> str:
    """A column's or file's name with case, spaces, "_" and "-" unified, for comparing names."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("°", "deg")
    return " ".join(re.sub(r"[\s_\-\ufeff]+", " ", text).split())


def table_stem(name: str) -> str | None:
    """A file name without .csv (.tsv, .tab, .txt) and a .gz, .xz or .zip behind it.

    None if it is not the name of a table.
    """
    folded = name.casefold().removesuffix(".part")
    for compression in COMPRESSIONS:
        folded = folded.removesuffix(compression)
    for extension in _EXTENSIONS:
        if folded.endswith(extension):
            return name[: len(folded) - len(extension)]
    return None


@contextmanager
def open_table(
    path: Path, member: str | None = None, limit: int = MAX_BYTES
) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressed by its name: .gz, .xz, or one member of a .zip.

    Without ``member`` a zip must contain exactly one table. A name ending in .part belongs to a
    download in progress. Raises TooLargeError, possibly only while reading, for more than
    ``limit`` bytes, and InvalidFileError for a pipe or a device.
    """
    name = path.name.removesuffix(".part").casefold()
    if name.endswith(".gz"):
        with open_regular(path, limit) as packed, gunzip(packed, limit) as file:
            yield file
    elif name.endswith(".xz"):
        with open_regular(path, limit) as packed, _unxz(packed, limit) as file:
            yield file
    elif name.endswith(".zip"):
        with open_zip(path, limit) as archive:
            with open_member(archive, member or _only_table(archive), limit) as file:
                yield file
    else:
        with open_regular(path, limit) as file:
            yield file


def gunzip(packed: BinaryIO, limit: int) -> BinaryIO:
    """Decompress a gzipped stream; reading it raises TooLargeError beyond ``limit`` bytes."""
    size = os.fstat(packed.fileno()).st_size
    stream = gzip.GzipFile(fileobj=packed, mode="rb")
    return buffered(LimitedReader(stream, limit, size))  # type: ignore[arg-type]


def _unxz(packed: BinaryIO, limit: int) -> BinaryIO:
    """Decompress an xz stream; reading it raises TooLargeError beyond ``limit`` bytes."""
    size = os.fstat(packed.fileno()).st_size
    return buffered(LimitedReader(io.BufferedReader(XzReader(packed), _BLOCK), limit, size))


class XzReader(io.RawIOBase):
    """The content of an xz stream.

    ``lzma.LZMAFile`` reads one, too, but takes as much memory as the file asks for.
    """

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        import lzma  # which some builds of Python lack

        self._packed = packed
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        self._damage = lzma.LZMAError

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into ``buffer`` and return the number of bytes; 0 at the end.

        Raises OSError for damaged content, EOFError for a stream that is cut off.
        """
        data = b""
        while not data and not self._decompressor.eof:
            more = self._packed.read(_BLOCK) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not more:
                raise EOFError(_("the xz stream is cut off"))
            try:
                data = self._decompressor.decompress(more, len(buffer))
            except self._damage as error:
                raise OSError(f"{error}") from error
        buffer[: len(data)] = data
        return len(data)


def zip_tables(path: Path) -> list[str]:
    """The names of the tables in a zip; ValueError if it cannot be read."""
    try:
        with open_zip(path, MAX_BYTES) as archive:
            return _table_names(archive)
    except DAMAGE_ERRORS as error:
        raise ValueError(f"{path}: {error}") from error


def _table_names(archive: zipfile.ZipFile) -> list[str]:
    # Archives made by macOS contain a metadata file for every file.
    names = (entry.filename for entry in archive.infolist() if not entry.is_dir())
    return [n for n in names if table_stem(n) is not None and "__MACOSX" not in n]


def _only_table(archive: zipfile.ZipFile) -> str:
    names = _table_names(archive)
    if len(names) != 1:
        raise zipfile.BadZipFile(
            _("one table (.csv) is needed inside, found {count}").format(count=len(names))
        )
    return names[0]


def read_content(source: TableSource, limit: int = MAX_BYTES) -> bytes:
    """A table's bytes, decompressed: all of them, or the first ``limit``."""
    content = io.BytesIO()
    with open_table(source.path, source.member) as file:
        while block := file.read(min(_BLOCK, limit - content.tell())):
            content.write(block)
    return content.getvalue()
