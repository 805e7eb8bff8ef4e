"""Tables on disk, plain, gzipped or zipped, row by row with the line each row ends on.

Every reader of this package opens its files here, so that damage is always told in the same way:
ValueError with the path and, where one is known, the line.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, Literal

from rnnviz.files import TooLargeError, Unpacked, buffered, open_member, open_regular, open_zip

#: What a cut-off or overwritten file raises while it is read.
DAMAGE: Final = (
    csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error, zipfile.BadZipFile,
    TooLargeError,
    NotImplementedError, RuntimeError,  # a zip member that is encrypted or packed in another way
)  # fmt: skip

#: The most bytes of a table, packed and unpacked.
LARGEST: Final = 500_000_000
#: The most rows of a table of texts: as objects they take some 250 bytes each, besides the text.
MOST_ROWS: Final = 1_000_000
#: Characters of a line; the longest review has some 14,000.
_LONGEST_LINE: Final = 1_000_000


def first_file(folder: Path, *names: str) -> Path:
    """The first of the named files that is there; FileNotFoundError if there is none."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    also = f" (also looked for: {', '.join(names[1:])})" if len(names) > 1 else ""
    raise FileNotFoundError(
        f"{folder / names[0]} is missing{also}: is this the folder with the data sets?"
    )


@contextmanager
def opened(path: Path, member: str | None = None, limit: int = LARGEST) -> Iterator[IO[bytes]]:
    """The bytes of a file: unpacked if its name ends in .gz, one member if in .zip.

    Without ``member`` a zip must hold exactly one file of its own inner name's kind (a .csv).
    A name that ends in .part is one that is still being downloaded. TooLargeError, also while it
    is read, for more than ``limit`` bytes; InvalidFileError for a pipe or a device.
    """
    name = path.name.removesuffix(".part")
    if name.endswith(".gz"):
        with open_regular(path, limit) as packed, unzipped(packed, limit) as file:
            yield file
    elif name.endswith(".zip"):
        with open_zip(path, limit) as archive:
            with open_member(archive, member or _only_csv(archive), limit) as file:
                yield file
    else:
        with open_regular(path, limit) as file:
            yield file


def unzipped(packed: BinaryIO, limit: int) -> BinaryIO:
    """What a gzipped file unpacks to; TooLargeError, while it is read, if that is too much."""
    size = os.fstat(packed.fileno()).st_size
    stream = gzip.GzipFile(fileobj=packed, mode="rb")
    return buffered(Unpacked(stream, limit, size))  # type: ignore[arg-type]


def lines(file: IO[str]) -> Iterator[str]:
    """The lines of a text; TooLargeError for one that is longer than a text of a table."""
    while line := file.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise TooLargeError(f"a line has more than {_LONGEST_LINE:,} characters")
        yield line


def _only_csv(archive: zipfile.ZipFile) -> str:
    # macOS adds a shadow of every file.
    names = [n for n in archive.namelist() if n.endswith(".csv") and "__MACOSX" not in n]
    if len(names) != 1:
        raise zipfile.BadZipFile(f"one .csv is needed inside, found {len(names)}")
    return names[0]


def rows(
    path: Path,
    header: list[str] | None,
    delimiter: str = ",",
    *,
    quoted: bool = True,
    width: int | None = None,
    member: str | None = None,
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of a table after its header, if it has one.

    Each row must be as long as the header, or ``width`` fields where there is no header. Raises
    ValueError naming the file, and the line where one is known, if the table is damaged.
    """
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = None
    try:
        # newline="" leaves line ends to the csv module; texts hold characters (U+0085) that
        # str.splitlines would take for one.
        with opened(path, member) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as file:
            reader = csv.reader(lines(file), delimiter=delimiter, quoting=quoting, strict=True)
            if header is not None:
                first = next(reader, [])
                if first != header:
                    raise ValueError(f"{path}, line 1: the header must be {header}, not {first}")
            fields = len(header) if header is not None else width
            for count, row in enumerate(reader, 1):
                if count > MOST_ROWS:
                    raise TooLargeError(f"more than {MOST_ROWS:,} rows are not read")
                if fields is not None and len(row) != fields:
                    raise ValueError(
                        f"{path}, line {reader.line_num}: "
                        f"{fields} fields are needed, not {len(row)}"
                    )
                yield reader.line_num, row
    except KeyError as error:  # a zip without that member
        raise ValueError(f"{path}: {error.args[0]}") from error
    except DAMAGE as error:
        after = f", after line {reader.line_num}" if reader else ""
        raise ValueError(f"{path}{after}: {error}") from error


def whole(field: str, limits: tuple[int, int], name: str, path: Path, line: int) -> int:
    """Read a whole number between two limits (both allowed), or raise ValueError."""
    low, high = limits
    # int() would also take "1_0", " 1" and digits of other scripts.
    if not (field.isascii() and field.isdigit() and len(field) < 20 and low <= int(field) <= high):
        raise ValueError(
            f"{path}, line {line}: {name} must be a whole number from {low} to {high}, "
            f"not {field[:40]!r}"
        )
    return int(field)
