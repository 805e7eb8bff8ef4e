"""Reading a user's table: its form is found from the content, its faulty rows are kept aside."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from rnnviz.data.tables.encoding import HEAD_BYTES, find_encoding
from rnnviz.data.tables.fields import shorten
from rnnviz.data.tables.layout import decode_lines, error_text, has_quoted_fields
from rnnviz.data.tables.rows import MAX_ROWS
from rnnviz.data.tables.source import DAMAGE_ERRORS, TableSource, read_content
from rnnviz.data.user_tables.json_lines import is_json_lines, json_rows
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.files import TooLargeError
from rnnviz.messages import N_, _, translated

#: Delimiters by the name that messages give them, the likeliest first.
DELIMITERS: Final = {
    ",": N_("separated by commas, {encoding}"),
    ";": N_("separated by semicolons, {encoding}"),
    "\t": N_("separated by tabs, {encoding}"),
    "|": N_("separated by vertical bars, {encoding}"),
}
#: Columns of a table, and rows from which the delimiter is found.
MAX_COLUMNS: Final = 2_000
_SAMPLE_ROWS: Final = 200
#: What files that are no tables begin with, and what to do about them.
_OTHER_FILES: Final = (
    (b"PK\3\4", N_("a workbook (.xlsx) or an archive: save the sheet as CSV UTF-8")),
    (b"\xd0\xcf\x11\xe0", N_("a workbook (.xls): save the sheet as CSV UTF-8")),
    (b"PAR1", N_("Parquet: pandas.read_parquet(…).to_csv(…, index=False) writes it as CSV")),
    (b"SQLite format 3", N_("a data base: export the table as CSV")),
    (b"\x1f\x8b", N_("gzipped: give it a name that ends in .gz")),
    (b"\xfd7zXZ", N_("compressed with xz: give it a name that ends in .xz")),
    (b"%PDF", N_("a PDF: copy the table into a CSV file")),
    (b"<!DOCTYPE", N_("a web page: download the table itself")),
    (b"<html", N_("a web page: download the table itself")),
)


class RowFault(NamedTuple):
    """A row that cannot be used: the line it begins on, and why."""

    line: int
    why: str

    def __str__(self) -> str:
        """As messages name it."""
        return _("line {line:,}: {why}").format(line=self.line, why=self.why)


@dataclass(frozen=True, eq=False)
class UserTable:
    """The rows of a table as text, the first one included, which may be a header."""

    path: Path
    form: str  # "separated by commas, UTF-8", in English
    rows: list[list[str]]  # (N), each with ``width`` fields
    lines: list[int]  # (N) the line each row begins on
    faults: list[RowFault]
    width: int
    keyed: bool = False  # JSON lines: the first "row" are the keys
    decimal_comma: bool = False  # numbers may be written with one
    remarks: tuple[str, ...] = ()  # what was assumed, with the option that says it otherwise

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def first_row(self) -> list[str]:
        """The fields of the first row without the spaces around them."""
        return [field.strip() for field in self.rows[0]]


def read_user_table(path: Path, encoding: str | None = None) -> UserTable:
    """Read a file, plain, compressed with gzip or xz, or alone in a zip.

    ``encoding``: that of the text; None finds UTF-8, UTF-16 with a byte order mark, or
    Windows-1252. UsageError if there is no such file or encoding, InvalidFileError if it is not a
    table, has no rows or more than MAX_ROWS.
    """
    if not path.is_file():
        if path.is_dir():
            raise UsageError(_("{path} is a folder, not a file.").format(path=path))
        raise UsageError(_("{path} is not there.").format(path=path))
    source = TableSource(path)
    try:
        content = read_content(source)
        _check_kind(path, content)
        found, remarks = _encoding(source, content, encoding)
        table = _read(path, content, found, remarks)
    except InvalidFileError:
        raise
    except DAMAGE_ERRORS as error:
        raise InvalidFileError(
            _("{path} cannot be read: {reason}.").format(path=path, reason=error_text(error))
        ) from error
    except ValueError as error:
        raise InvalidFileError(f"{shorten(str(error))}.") from error
    if not table.rows:
        if not table.faults:
            raise InvalidFileError(_("{path} has no rows.").format(path=path))
        raise InvalidFileError(
            _("{path} has no rows: {fault}.").format(path=path, fault=table.faults[0])
        )
    return table


def _check_kind(path: Path, content: bytes) -> None:
    for beginning, advice in _OTHER_FILES:
        if content[: len(beginning)].lower() == beginning.lower():
            raise InvalidFileError(
                _("{path} is no table but {advice}.").format(path=path, advice=translated(advice))
            )


def _encoding(source: TableSource, content: bytes, asked: str | None) -> tuple[str, list[str]]:
    """The encoding, and what was assumed about it."""
    if asked is not None:
        try:
            content.decode(asked)
        except LookupError:
            raise UsageError(
                _(
                    "There is no encoding {asked!r}. For example: utf-8, cp1252, cp1254, iso8859-9."
                ).format(asked=asked)
            ) from None
        except UnicodeError as error:
            raise UsageError(
                _("{source} is not {asked} ({reason}).").format(
                    source=source, asked=asked, reason=shorten(str(error))
                )
            ) from error
        return asked, []
    found = find_encoding(source, content, True)
    if found not in ("cp1252", "latin-1"):
        return found, []
    name = "Windows-1252" if found == "cp1252" else "Latin-1"
    return found, [
        _(
            "{source} is not UTF-8: read as {name}. Where letters are wrong, name "
            "another: --encoding cp1254"
        ).format(source=source.name, name=name)
    ]


def _read(path: Path, content: bytes, encoding: str, remarks: list[str]) -> UserTable:
    shown = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp1252": "Windows-1252"}.get(
        encoding, encoding.upper()
    )
    if is_json_lines(content, encoding):
        keys, rows, lines, bad = json_rows(decode_lines(content, encoding))
        return UserTable(
            path, N_("JSON lines, {encoding}").format(encoding=shown), [keys, *rows], [0, *lines],
            [RowFault(*fault) for fault in bad], len(keys), keyed=True, remarks=tuple(remarks),
        )  # fmt: skip
    dialect, content = _dialect(path, content, encoding)
    found = _rows(content, encoding, dialect)
    if dialect.delimiter == "\t" and found[2]:
        # The first rows may not show whether texts between tabs are quoted.
        other = _rows(content, encoding, dialect._replace(quoted=not dialect.quoted))
        found = max(found, other, key=lambda each: len(each[0]))
    rows, lines, faults, width = found
    if width > MAX_COLUMNS:
        raise InvalidFileError(
            _("{path} has {width:,} columns; {most:,} are the most.").format(
                path=path, width=width, most=MAX_COLUMNS
            )
        )
    return UserTable(
        path, DELIMITERS[dialect.delimiter].format(encoding=shown), rows, lines, faults, width,
        decimal_comma=dialect.delimiter != ",", remarks=tuple(remarks),
    )  # fmt: skip


class _Dialect(NamedTuple):
    delimiter: str
    quoted: bool
    spaced: bool = False  # spaces follow the delimiters

    def reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(
            lines, delimiter=self.delimiter, strict=True, skipinitialspace=self.spaced,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
        )  # fmt: skip


def _dialect(path: Path, content: bytes, encoding: str) -> tuple[_Dialect, bytes]:
    """The delimiter and quoting of a table, and its content without a line ``sep=;`` of Excel."""
    first = next(decode_lines(content, encoding), "")
    said = first.strip().lstrip("\ufeff")
    if said[:4].lower() == "sep=" and said[4:] in DELIMITERS:
        rest = content.decode(encoding).partition("\n")[2]
        return _Dialect(said[4:], True), rest.encode(encoding)
    head = content[:HEAD_BYTES]
    tabbed = path.name.casefold().removesuffix(".gz").removesuffix(".xz").endswith((".tsv", ".tab"))
    candidates = [_Dialect(delimiter, True) for delimiter in DELIMITERS]
    # Texts between tabs are often not quoted: a quotation mark is then a part of them.
    candidates.insert(2, _Dialect("\t", False))
    if has_quoted_fields(content, encoding):
        candidates[2:4] = reversed(candidates[2:4])
    if tabbed:
        candidates.sort(key=lambda dialect: dialect.delimiter != "\t")
    scores = [_score(content, len(head) == len(content), encoding, each) for each in candidates]
    best = candidates[scores.index(max(scores))]
    return best._replace(spaced=best.quoted and _is_spaced(content, encoding, best)), content


def _score(content: bytes, complete: bool, encoding: str, dialect: _Dialect) -> float:
    """The share of the first rows that have as many fields as most; 0 for a single column."""
    widths: list[int] = []
    reader = dialect.reader(decode_lines(content, encoding))
    rows = 0
    while rows < _SAMPLE_ROWS and (complete or reader.line_num < HEAD_BYTES):
        rows += 1
        try:
            row = next(reader, None)
        except csv.Error:
            widths.append(0)
            continue
        if row is None:
            break
        if row:
            widths.append(len(row))
    usual = max(set(widths), key=widths.count, default=0)
    return widths.count(usual) / len(widths) if usual > 1 else 0.0


def _is_spaced(content: bytes, encoding: str, dialect: _Dialect) -> bool:
    """Whether spaces follow the delimiters, before which a quotation mark would be text."""
    try:
        first: list[str] = next(dialect.reader(decode_lines(content, encoding)), [])
    except csv.Error:
        return True
    return len(first) > 1 and all(field[:1] == " " for field in first[1:])


def _rows(
    content: bytes, encoding: str, dialect: _Dialect
) -> tuple[list[list[str]], list[int], list[RowFault], int]:
    """Rows, the line each begins on, faults, and the number of fields."""
    reader = dialect.reader(decode_lines(content, encoding))
    rows: list[list[str]] = []
    lines: list[int] = []
    faults: list[RowFault] = []
    width = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            faults.append(RowFault(line, _csv_fault(error)))
            continue
        if row is None:
            return rows, lines, faults, width
        if not row or not any(field.strip() for field in row):
            continue
        width = width or len(row)
        if len(row) != width:
            faults.append(
                RowFault(
                    line,
                    _("{fields} instead of {width}").format(fields=_fields(len(row)), width=width),
                )
            )
            continue
        if len(rows) > MAX_ROWS:
            raise TooLargeError(
                _("there are more than {most:,} rows; keep a part of them").format(most=MAX_ROWS)
            )
        rows.append(row)
        lines.append(line)


def _csv_fault(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return _("a quotation mark opens a text here and none closes it")
    if "field limit" in text or "larger than" in text:
        return _("a field has more than {most:,} characters").format(most=csv.field_size_limit())
    return error_text(error)


def _fields(count: int) -> str:
    return _("1 field") if count == 1 else _("{count} fields").format(count=count)
