"""Tables on disk in the forms people have them, row by row with the line each row ends on.

A table is plain, gzipped or a member of a zip; its text is UTF-8, UTF-16 with a byte order mark,
or Windows-1252; its fields are parted by commas, tabs or semicolons; it has a header, whose names
and their order differ from source to source, or none. What of this a file is, is found here by
looking at it, and nowhere else.

Every reader of this package opens its files here, so that damage is always told in the same way:
ValueError with the path and, where one is known, the line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, NamedTuple

from rnnviz.files import LimitedReader, TooLargeError, buffered, open_member, open_regular, open_zip

#: What a cut-off or overwritten file raises while it is read.
DAMAGE: Final = (
    csv.Error, UnicodeError, EOFError, OSError, zlib.error, zipfile.BadZipFile, TooLargeError,
    NotImplementedError, RuntimeError,  # a zip member that is encrypted or packed in another way
)  # fmt: skip

#: The most bytes of a table, packed and unpacked: three times the largest one (Kaggle's 50,000
#: reviews have 66 MB).
LARGEST: Final = 200_000_000
#: The most rows of a table of texts: as objects they take some 250 bytes each, besides the text.
MOST_ROWS: Final = 1_000_000
#: Characters of a line; the longest review has some 14,000.
_LONGEST_LINE: Final = 1_000_000
#: How much of a file is looked at to find its form.
_HEAD: Final = 1 << 18
_BLOCK: Final = 1 << 20
#: Of a file's names and fields as they stand in a message.
_SHOWN: Final = 150

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENDINGS: Final = (".csv", ".tsv", ".tab", ".txt")
#: Bytes that are no UTF-8, as Python writes them in a text; other characters that are no ASCII.
_WRONG: Final = re.compile("[\udc80-\udcff]")
_HIGH: Final = re.compile("[^\x00-\x7f\udc80-\udcff]")
_NOT_WINDOWS: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class TableSource:
    """A table: a file, or one member of a zip."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        """The path, and what is meant inside."""
        return f"{self.path}" if self.member is None else f"{self.path}, {self.member}"

    @property
    def name(self) -> str:
        """The name of the table itself."""
        return self.path.name if self.member is None else self.member.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """That name without the endings of a table, as ``folded``."""
        return folded(table_stem(self.name) or self.name)


class TableColumn(NamedTuple):
    """A column that is wanted: what it is called in messages, and its names in headers."""

    name: str
    headers: tuple[str, ...]  # folded; the first that is there is taken
    optional: bool = False


#: The places of the columns in the first row of a table without a header; None: it is no such row.
Unheaded = Callable[[list[str]], "Sequence[int | None] | None"]


@dataclass(frozen=True)
class TableLayout:
    """How a table is written."""

    encoding: str
    delimiter: str
    quoted: bool
    spaced: bool  # spaces behind the delimiters
    header: tuple[str, ...] | None
    width: int
    places: tuple[int | None, ...]  # of the wanted columns; None: an optional one is not there


def folded(name: str) -> str:
    """A name of a column or a file in a form in which spellings of it are equal."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("°", "deg")
    return " ".join(re.sub(r"[\s_\-\ufeff]+", " ", plain).split())


def table_stem(name: str) -> str | None:
    """A file's name without .csv and the like, and .gz or .zip behind it; None: no table's name."""
    plain = name.casefold().removesuffix(".part")
    for packed in (".gz", ".zip"):
        plain = plain.removesuffix(packed)
    for ending in _ENDINGS:
        if plain.endswith(ending):
            return name[: len(plain) - len(ending)]
    return None


# -- bytes --------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path, member: str | None = None, limit: int = LARGEST) -> Iterator[IO[bytes]]:
    """The bytes of a file: unpacked if its name ends in .gz, one member if in .zip.

    Without ``member`` a zip must hold exactly one table. A name that ends in .part is one that is
    still being downloaded. TooLargeError, also while it is read, for more than ``limit`` bytes;
    InvalidFileError for a pipe or a device.
    """
    name = path.name.removesuffix(".part").casefold()
    if name.endswith(".gz"):
        with open_regular(path, limit) as packed, unzipped(packed, limit) as file:
            yield file
    elif name.endswith(".zip"):
        with open_zip(path, limit) as archive:
            with open_member(archive, member or _only_table(archive), limit) as file:
                yield file
    else:
        with open_regular(path, limit) as file:
            yield file


def unzipped(packed: BinaryIO, limit: int) -> BinaryIO:
    """What a gzipped file unpacks to; TooLargeError, while it is read, if that is too much."""
    size = os.fstat(packed.fileno()).st_size
    stream = gzip.GzipFile(fileobj=packed, mode="rb")
    return buffered(LimitedReader(stream, limit, size))  # type: ignore[arg-type]


def members(path: Path) -> list[str]:
    """The tables in a zip; ValueError if it cannot be read."""
    try:
        with open_zip(path, LARGEST) as archive:
            return _tables(archive)
    except DAMAGE as error:
        raise ValueError(f"{path}: {error}") from error


def _tables(archive: zipfile.ZipFile) -> list[str]:
    # macOS adds a shadow of every file.
    names = (entry.filename for entry in archive.infolist() if not entry.is_dir())
    return [n for n in names if table_stem(n) is not None and "__MACOSX" not in n]


def _only_table(archive: zipfile.ZipFile) -> str:
    names = _tables(archive)
    if len(names) != 1:
        raise zipfile.BadZipFile(f"one table (.csv) is needed inside, found {len(names)}")
    return names[0]


def _content(source: TableSource, most: int = LARGEST) -> bytes:
    """All of a table's bytes, or the first ``most``."""
    found = io.BytesIO()
    with opened(source.path, source.member) as file:
        while block := file.read(min(_BLOCK, most - found.tell())):
            found.write(block)
    return found.getvalue()


def _encoding(source: TableSource, content: bytes, whole: bool) -> str:
    """The encoding of a text, which may go on behind ``content``; ValueError if it is none."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if b"\0" in content[:_HEAD]:
        raise ValueError(
            f"{source}: this is no text (or UTF-16 without its mark). Save it as UTF-8"
        )
    try:
        for _ in _decoded(content, "strict", whole):
            pass
    except UnicodeDecodeError:
        return _other_encoding(source, content, whole)
    return "utf-8"


def _decoded(content: bytes, errors: str, whole: bool) -> Iterator[str]:
    """The text of UTF-8, block by block."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    for at in range(0, len(content), _BLOCK):
        yield decoder.decode(content[at : at + _BLOCK], whole and at + _BLOCK >= len(content))


def _other_encoding(source: TableSource, content: bytes, whole: bool) -> str:
    """Windows-1252 or Latin-1; ValueError for UTF-8 with a fault in it."""
    good = bad = 0
    line, first = 1, None
    for text in _decoded(content, "surrogateescape", whole):
        wrong = _WRONG.search(text)
        if wrong and first is None:
            first = line + text.count("\n", 0, wrong.start())
        line += text.count("\n")
        bad += len(_WRONG.findall(text))
        good += len(_HIGH.findall(text))
    if good >= bad:
        raise ValueError(f"{source}, line {first}: the text is UTF-8, but not here")
    return "latin-1" if _NOT_WINDOWS.search(content) else "cp1252"


# -- the form -----------------------------------------------------------------------------------


def layout(
    source: TableSource, columns: Sequence[TableColumn], unheaded: Unheaded | None = None
) -> TableLayout:
    """How a table is written, by its beginning; ValueError if a column is missing.

    ``unheaded`` says whether a first row is no header but a row, and where the columns are in it.
    """
    try:
        return _layout(source, columns, unheaded, _content(source, _HEAD), whole=False)
    except KeyError as error:  # a zip without that member
        raise ValueError(f"{source.path}: {error.args[0]}") from error
    except DAMAGE as error:
        raise ValueError(f"{source}: {error}") from error


def _layout(
    source: TableSource, columns: Sequence[TableColumn], unheaded: Unheaded | None, content: bytes,
    whole: bool,
) -> TableLayout:  # fmt: skip
    encoding = _encoding(source, content, whole)
    tried: list[tuple[int, int, TableLayout]] = []
    broken: Exception | None = None
    for delimiter, quoted in _ways(source, content[:_HEAD]):
        try:
            first, spaced = _first_row(content, encoding, delimiter, quoted)
        except (csv.Error, UnicodeError, TooLargeError) as error:
            broken = broken or error
            continue
        names = [folded(name) for name in first]
        places = tuple(_place(column, names) for column in columns)
        form = TableLayout(encoding, delimiter, quoted, spaced, tuple(first), len(first), places)
        if all(p is not None or c.optional for p, c in zip(places, columns, strict=True)):
            _check_once(source, columns, places, names)
            return form
        if unheaded is not None and (given := unheaded([f.strip() for f in first])) is not None:
            return replace(form, header=None, places=tuple(given))
        tried.append((sum(place is not None for place in places), len(first), form))
    found, width, best = max(tried, key=lambda each: each[:2])  # a tab alone parts any text
    if broken is not None and not found and width < 2:
        raise ValueError(f"{source}, line 1: {_told(broken)}")
    raise ValueError(_misfit(source, columns, best))


def _ways(source: TableSource, head: bytes) -> Iterator[tuple[str, bool]]:
    """Delimiters, the likely one first, and whether fields may be quoted."""
    tabs = [("\t", _quoted_by_tabs(head)), ("\t", True)]
    others = [(",", True), (";", True)]
    tabbed = source.name.casefold().removesuffix(".gz").endswith((".tsv", ".tab"))
    yield from [*tabs, *others] if tabbed else [*others, *tabs]


def _quoted_by_tabs(head: bytes) -> bool:
    """Whether a field has doubled quotation marks, as CSV writes them and bare tabs do not."""
    return any(
        len(field) > 2 and field[:1] == field[-1:] == b'"' and b'""' in field[1:-1]
        for line in head.splitlines()
        for field in line.split(b"\t")
    )


def _first_row(
    content: bytes, encoding: str, delimiter: str, quoted: bool
) -> tuple[list[str], bool]:
    """The first row, and whether there are spaces behind its delimiters."""
    first: list[str] = next(_reader(_lines(content, encoding), delimiter, quoted, False), [])
    if quoted and any(field[:1] == " " for field in first[1:]):
        return next(_reader(_lines(content, encoding), delimiter, quoted, True), []), True
    return first, False


def _reader(lines: Iterator[str], delimiter: str, quoted: bool, spaced: bool) -> Any:
    return csv.reader(
        lines, delimiter=delimiter, strict=True, skipinitialspace=spaced,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )  # fmt: skip


def _place(column: TableColumn, names: Sequence[str]) -> int | None:
    return next((names.index(name) for name in column.headers if name in names), None)


def _check_once(
    source: TableSource,
    columns: Sequence[TableColumn],
    places: Sequence[int | None],
    names: Sequence[str],
) -> None:
    for column, place in zip(columns, places, strict=True):
        if place is not None and names.count(names[place]) > 1:
            raise ValueError(f"{source}, line 1: the column {column.name!r} is there twice")


def _misfit(source: TableSource, columns: Sequence[TableColumn], form: TableLayout) -> str:
    """What a table lacks, and what it has instead."""
    first = form.header or ()
    if not any(first):
        return f"{source}: no rows inside"
    missing = [c for c, p in zip(columns, form.places, strict=True) if p is None and not c.optional]
    wanted = ", ".join(
        repr(c.name) + (f" ({' or '.join(others)})" if (others := _others(c)) else "")
        for c in missing[:4]
    )
    more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
    verb = "column {} is" if len(missing) == 1 else "columns {} are"
    return (
        f"{source}, line 1: the {verb.format(wanted + more)} missing; "
        f"found: {cut(', '.join(first))}"
    )


def _others(column: TableColumn) -> list[str]:
    return [name for name in column.headers if name != folded(column.name)][:4]


def cut(text: str) -> str:
    """Text of a file as it stands in a message: one line, not too long."""
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN].rstrip()} …"


# -- rows ---------------------------------------------------------------------------------------


def rows(
    source: TableSource, columns: Sequence[TableColumn], unheaded: Unheaded | None = None,
    most: int = MOST_ROWS,
) -> Iterator[tuple[int, list[str]]]:  # fmt: skip
    """Yield (line, fields) of a table, the fields of ``columns`` in their order.

    A field of an optional column that is not there is "". Raises ValueError that names the file,
    and the line where one is known: a column is missing, a row has more or fewer fields than the
    first, or the file is damaged, without rows, or has more than ``most``. Empty lines at the end
    are no rows.
    """
    reader: Any = None
    some = False
    try:
        content = _content(source)
        form = _layout(source, columns, unheaded, content, whole=True)
        lines = _lines(content, form.encoding)
        reader = _reader(lines, form.delimiter, form.quoted, form.spaced)
        if form.header is not None:
            next(reader)
        empty = 0
        for count, row in enumerate(reader):
            if count >= most:
                raise TooLargeError(f"more than {most:,} rows are not read")
            if not row:
                empty = empty or reader.line_num
                continue
            if empty or len(row) != form.width:
                raise ValueError(_uneven(source, form, empty, reader.line_num, len(row)))
            some = True
            yield reader.line_num, ["" if p is None else row[p] for p in form.places]
    except KeyError as error:  # a zip without that member
        raise ValueError(f"{source.path}: {error.args[0]}") from error
    except DAMAGE as error:
        after = f", after line {reader.line_num}" if reader else ""
        raise ValueError(f"{source}{after}: {_told(error)}") from error
    if not some:
        raise ValueError(
            f"{source}: no rows {'inside' if form.header is None else 'below the header'}"
        )


def _uneven(source: TableSource, form: TableLayout, empty: int, line: int, fields: int) -> str:
    if empty:
        return f"{source}, line {empty}: {form.width} fields are needed, not 0 (the line is empty)"
    return f"{source}, line {line}: {form.width} fields are needed, not {fields}"


def _told(error: Exception) -> str:
    if isinstance(error, csv.Error) and "expected after" in str(error):
        return "a quotation mark inside a quoted text must be doubled"
    return cut(str(error)) or type(error).__name__


def _lines(content: bytes, encoding: str) -> Iterator[str]:
    """The lines of a text with their ends; TooLargeError for one that is too long.

    newline="" leaves line ends to the csv module; texts hold characters (U+0085) that
    str.splitlines would take for one. "\\r\\r\\n" is what Windows makes of "\\r\\n" in a text.
    """
    if b"\r\r\n" in content[:_HEAD]:
        content = content.replace(b"\r\r\n", b"\r\n")
    with io.TextIOWrapper(io.BytesIO(content), encoding, newline="") as file:
        while line := file.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise TooLargeError(f"a line has more than {_LONGEST_LINE:,} characters")
            yield line


def whole(field: str, limits: tuple[int, int], name: str, source: object, line: int) -> int:
    """Read a whole number between two limits (both allowed), or raise ValueError."""
    low, high = limits
    # int() would also take "1_0", " 1" and digits of other scripts.
    if not (field.isascii() and field.isdigit() and len(field) < 20 and low <= int(field) <= high):
        raise ValueError(
            f"{source}, line {line}: {name} must be a whole number from {low} to {high}, "
            f"not {field[:40]!r}"
        )
    return int(field)


def filled(field: str, name: str, source: object, line: int) -> str:
    """A text that is there, or ValueError."""
    if not field.strip():
        raise ValueError(f"{source}, line {line}: the {name} is empty")
    return field
