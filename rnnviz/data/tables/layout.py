"""Detecting a table's delimiter, quoting and header, and where the wanted columns are."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from rnnviz.data.tables.encoding import HEAD_BYTES, find_encoding
from rnnviz.data.tables.fields import shorten
from rnnviz.data.tables.source import DAMAGE_ERRORS, TableSource, normalize_name, read_content
from rnnviz.files import TooLargeError
from rnnviz.messages import _

#: Characters of a line; the longest review has some 14,000.
_MAX_LINE: Final = 1_000_000


class TableColumn(NamedTuple):
    """A wanted column: its name in messages, and the names it has in headers."""

    name: str
    headers: tuple[str, ...]  # normalized; the first one that a header contains is used
    optional: bool = False


#: Given a table's first row, the index of each wanted column if the table has no header; else None.
HeaderlessColumns = Callable[[list[str]], "Sequence[int | None] | None"]


@dataclass(frozen=True)
class TableLayout:
    """How a table is written."""

    encoding: str
    delimiter: str
    quoted: bool
    space_after_delimiter: bool
    header: tuple[str, ...] | None
    width: int  # fields in a row
    indices: tuple[int | None, ...]  # of the wanted columns; None: an optional one is missing

    def reader(self, content: bytes) -> Any:
        """A ``csv.reader`` of the table."""
        lines = decode_lines(content, self.encoding)
        return _csv_reader(lines, self.delimiter, self.quoted, self.space_after_delimiter)


def find_layout(
    source: TableSource,
    columns: Sequence[TableColumn],
    headerless: HeaderlessColumns | None = None,
) -> TableLayout:
    """Detect a table's layout from its beginning; ValueError if a column is missing.

    ``headerless`` recognizes a first row that is data.
    """
    try:
        content = read_content(source, HEAD_BYTES)
        return detect_layout(source, columns, headerless, content, complete=False)
    except KeyError as error:  # a zip without that member
        raise ValueError(f"{source.path}: {error.args[0]}") from error
    except DAMAGE_ERRORS as error:
        raise ValueError(f"{source}: {error}") from error


def detect_layout(
    source: TableSource,
    columns: Sequence[TableColumn],
    headerless: HeaderlessColumns | None,
    content: bytes,
    complete: bool,
) -> TableLayout:
    """``find_layout`` for bytes that were read; ``complete``: they are the whole table."""
    encoding = find_encoding(source, content, complete)
    rejected: list[tuple[int, int, TableLayout]] = []  # columns found, width, layout
    first_error: Exception | None = None
    for delimiter, quoted in _dialects(source, content, encoding):
        try:
            first_row, spaced = _first_row(content, encoding, delimiter, quoted)
        except (csv.Error, UnicodeError, TooLargeError) as error:
            first_error = first_error or error
            continue
        names = [normalize_name(name) for name in first_row]
        indices = tuple(_index_of(column, names) for column in columns)
        layout = TableLayout(
            encoding, delimiter, quoted, spaced, tuple(first_row), len(first_row), indices
        )
        if all(n is not None or c.optional for n, c in zip(indices, columns, strict=True)):
            _check_unique(source, columns, indices, names)
            return layout
        if headerless is not None:
            given = headerless([field.strip() for field in first_row])
            if given is not None:
                return replace(layout, header=None, indices=tuple(given))
        rejected.append((sum(n is not None for n in indices), len(first_row), layout))
    # Splitting at tabs never fails, so there is at least one.
    found, width, best = max(rejected, key=lambda each: each[:2])
    if first_error is not None and not found and width < 2:
        raise ValueError(
            _("{source}, line 1: {reason}").format(source=source, reason=error_text(first_error))
        )
    raise ValueError(_missing_columns(source, columns, best))


def _dialects(source: TableSource, content: bytes, encoding: str) -> Iterator[tuple[str, bool]]:
    """Pairs of delimiter and whether fields may be quoted, the likeliest first."""
    tabs = [("\t", has_quoted_fields(content, encoding)), ("\t", True)]
    others = [(",", True), (";", True)]
    tabbed = (
        source.name.casefold().removesuffix(".gz").removesuffix(".xz").endswith((".tsv", ".tab"))
    )
    yield from [*tabs, *others] if tabbed else [*others, *tabs]


def has_quoted_fields(content: bytes, encoding: str) -> bool:
    """Whether tab-separated fields are quoted as CSV writers do it, by the beginning of the text.

    A field contains doubled quotation marks, or all fields of the first row are quoted.
    """
    head = content[:HEAD_BYTES].decode(encoding, "ignore")  # its last character may be cut off
    rows = (line.rstrip("\r").split("\t") for line in head.lstrip("\ufeff").split("\n"))
    first = next(rows)
    if len(first) > 1 and all(map(_is_quoted, first)):
        return True
    return any(_is_quoted(f) and '""' in f[1:-1] for row in (first, *rows) for f in row)


def _is_quoted(field: str) -> bool:
    return len(field) > 2 and field[:1] == field[-1:] == '"'


def _first_row(
    content: bytes, encoding: str, delimiter: str, quoted: bool
) -> tuple[list[str], bool]:
    """The first row, and whether spaces follow its delimiters."""
    row: list[str] = next(
        _csv_reader(decode_lines(content, encoding), delimiter, quoted, False), []
    )
    if quoted and any(field[:1] == " " for field in row[1:]):
        return next(_csv_reader(decode_lines(content, encoding), delimiter, quoted, True), []), True
    return row, False


def _csv_reader(lines: Iterator[str], delimiter: str, quoted: bool, spaced: bool) -> Any:
    return csv.reader(
        lines, delimiter=delimiter, strict=True, skipinitialspace=spaced,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )  # fmt: skip


def decode_lines(content: bytes, encoding: str) -> Iterator[str]:
    """Yield the lines of a text with their ends; TooLargeError for one that is too long.

    newline="" leaves line ends to the csv module; texts contain characters (U+0085) at which
    str.splitlines would split. Windows turns "\\r\\n" in a text into "\\r\\r\\n".
    """
    if b"\r\r\n" in content[:HEAD_BYTES]:
        content = content.replace(b"\r\r\n", b"\r\n")
    with io.TextIOWrapper(io.BytesIO(content), encoding, newline="") as file:
        while line := file.readline(_MAX_LINE + 1):
            if len(line) > _MAX_LINE:
                raise TooLargeError(
                    _("a line has more than {most:,} characters").format(most=_MAX_LINE)
                )
            yield line


def _index_of(column: TableColumn, names: Sequence[str]) -> int | None:
    return next((names.index(name) for name in column.headers if name in names), None)


def _check_unique(
    source: TableSource,
    columns: Sequence[TableColumn],
    indices: Sequence[int | None],
    names: Sequence[str],
) -> None:
    for column, index in zip(columns, indices, strict=True):
        if index is not None and names.count(names[index]) > 1:
            raise ValueError(
                _("{source}, line 1: there are two columns {column!r}").format(
                    source=source, column=column.name
                )
            )


def _missing_columns(
    source: TableSource, columns: Sequence[TableColumn], layout: TableLayout
) -> str:
    """The message for a table that lacks columns, with the ones it has."""
    header = layout.header or ()
    if not any(header):
        return _("{source}: no rows inside").format(source=source)
    missing = [
        column
        for column, index in zip(columns, layout.indices, strict=True)
        if index is None and not column.optional
    ]
    wanted = ", ".join(map(_with_synonyms, missing[:4]))
    found = shorten(", ".join(header))
    if len(missing) == 1:
        return _("{source}, line 1: the column {column} is missing; found: {found}").format(
            source=source, column=wanted, found=found
        )
    if len(missing) > 4:
        wanted = _("{columns} and {count} more").format(columns=wanted, count=len(missing) - 4)
    return _("{source}, line 1: the columns {columns} are missing; found: {found}").format(
        source=source, columns=wanted, found=found
    )


def _with_synonyms(column: TableColumn) -> str:
    """The name of a column as a message quotes it, with the other names it may have."""
    others = [name for name in column.headers if name != normalize_name(column.name)][:4]
    return f"{column.name!r} ({_(' or ').join(others)})" if others else repr(column.name)


def error_text(error: Exception) -> str:
    """An exception's message, with the one cryptic message of the csv module explained."""
    if isinstance(error, csv.Error) and "expected after" in str(error):
        return _("a quotation mark inside a quoted text must be doubled")
    return shorten(str(error)) or type(error).__name__
