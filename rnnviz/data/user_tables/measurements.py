"""A series from a user's table: a column to forecast, the other columns of numbers, and times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.tables.fields import shorten
from rnnviz.data.tables.source import normalize_name
from rnnviz.data.user_tables.columns import find_column, is_position
from rnnviz.data.user_tables.labels import FEW, BadRows, faults_text
from rnnviz.data.user_tables.numbers import is_missing, parse_numbers
from rnnviz.data.user_tables.reading import RowFault, UserTable
from rnnviz.data.user_tables.times import parse_times
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.messages import _

#: Names of columns of times.
TIME_NAMES: Final = (
    "date", "time", "datetime", "date time", "timestamp", "ds", "month", "year", "day", "period",
    "tarih", "zaman", "saat",
)  # fmt: skip
#: Columns of numbers that are read, and rows.
MOST_COLUMNS: Final = 200
#: The longest name of a column.
_NAME: Final = 60


@dataclass(frozen=True, eq=False)
class Measurements:
    """Columns of numbers in the order of time."""

    columns: tuple[str, ...]  # (D)
    data: Array  # (N, D) float64, without missing values
    target: int  # the column that is forecast
    times: Array | None  # (N) datetime64[s], ascending
    lines: Array  # (N) of the table
    interval: int  # minutes between rows, most often; 1 where there are no times
    remarks: tuple[str, ...]

    def __len__(self) -> int:
        """N."""
        return len(self.data)


def read_measurements(
    table: UserTable, series: str, time: str | None, header: bool | None, bad_rows: BadRows
) -> Measurements:
    """The column ``series``, the other numeric ones, and the times.

    Missing values are filled with the one before, where they are few (``bad_rows``).
    UsageError for columns that are not there or not of numbers, InvalidFileError for a table that
    cannot be used.
    """
    if header is None:
        header = _has_names(table, series)
    header = header or table.keyed
    target = find_column(table, series, "--series", header)
    names = _names(table, header)
    rows = table.rows[1:] if header else table.rows
    lines = np.array(table.lines[1:] if header else table.lines)
    if len(rows) < 2:
        raise InvalidFileError(_("{path} has no rows that can be used.").format(path=table.path))
    remarks: list[str] = []
    if table.faults:
        _check_few(table, table.faults, len(rows), bad_rows)
        remarks.append(
            _("Skipped {count:,} rows: {faults}").format(
                count=len(table.faults), faults=faults_text(table.faults)
            )
        )
    fields = list(zip(*rows, strict=True))
    times, at, remark = _times(table, names, fields, time, target, header)
    remarks += [remark] if remark else []
    columns: list[int] = []
    values: list[Array] = []
    left_out: list[str] = []
    filled: list[RowFault] = []
    with_commas: dict[str, list[str]] = {}
    for k, column in enumerate(fields):
        if k == at:
            continue
        numbers, wrong, commas = parse_numbers(column, table.decimal_comma)
        bad = wrong | np.isnan(numbers)
        if k != target and (bad.sum() * FEW > len(rows) or np.isnan(numbers[0])):
            left_out.append(names[k])
            continue
        if bad.any():
            faults = [
                RowFault(int(lines[n]), _fault(names[k], column[n])) for n in np.flatnonzero(bad)
            ]
            _check_few(table, faults, len(rows), bad_rows)
            filled += faults
            numbers = _filled(numbers)
        if commas:
            with_commas.setdefault(commas, []).append(names[k])
        columns.append(k)
        values.append(numbers)
    if filled:
        remarks.append(
            _("Filled with the value before: {faults}").format(faults=faults_text(sorted(filled)))
        )
    for separated, where in with_commas.items():
        template = (
            _("Commas separate {separated} in columns {columns}")
            if len(where) > 1
            else _("Commas separate {separated} in column {columns}")
        )
        remarks.append(template.format(separated=separated, columns=shorten(", ".join(where))))
    if left_out:
        remarks.append(
            _("Not read, since they are no numbers: {columns}").format(
                columns=shorten(", ".join(left_out))
            )
        )
    data = np.stack(values, axis=1)[:, :MOST_COLUMNS]
    interval = 1
    if times is not None:
        data, times, lines, interval, said = _in_order(data, times, lines)
        remarks += said
    return Measurements(
        tuple(names[k] for k in columns[:MOST_COLUMNS]), data, columns.index(target), times, lines,
        interval, tuple(remarks),
    )  # fmt: skip


def _has_names(table: UserTable, series: str) -> bool:
    """Whether the first row has the names of the columns.

    It has them where the series is asked for by name, and where a field of it is no number while
    the one below is one.
    """
    if not is_position(table, series):
        return True
    first, second = (
        [parse_numbers([field], table.decimal_comma)[1][0] for field in row]
        for row in (table.rows[0], table.rows[min(1, len(table.rows) - 1)])
    )
    return any(above and not below for above, below in zip(first, second, strict=True))


def _names(table: UserTable, header: bool) -> list[str]:
    """The names of the columns, each once."""
    names: list[str] = []
    for k, field in enumerate(table.first_row):
        name = (field if header and field else f"column {k + 1}")[:_NAME]
        names.append(f"{name} ({k + 1})" if name in names else name)
    return names


def _check_few(table: UserTable, faults: list[RowFault], rows: int, bad_rows: BadRows) -> None:
    few = len(faults) * FEW <= rows
    if bad_rows == "skip" or (bad_rows == "few" and few):
        return
    said = _("{path}: {count:,} of {rows:,} rows cannot be used: {faults}.\n{remedy}")
    remedy = _("Mend them, or fill or leave them out: --bad-rows skip")
    raise InvalidFileError(
        said.format(
            path=table.path,
            count=len(faults),
            rows=rows,
            faults=faults_text(faults),
            remedy=_("Mend them") if bad_rows == "refuse" else remedy,
        )
    )


def _fault(name: str, field: str) -> str:
    if is_missing(field):
        return _("{name} is missing").format(name=name)
    return _("{name} is {field!r}, no number").format(name=name, field=shorten(field))


def _filled(values: Array) -> Array:
    """Missing values replaced by the last one before, or at the beginning by the first one."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return values
    before = np.maximum(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0)
    return np.asarray(values[known[before]])


def _times(
    table: UserTable, names: list[str], fields: list[tuple[str, ...]], asked: str | None,
    target: int, header: bool,
) -> tuple[Array | None, int | None, str]:  # fmt: skip
    """The times, their column, and what was assumed."""
    if asked is not None:
        at = find_column(table, asked, "--time", header)
        if at == target:
            raise UsageError(
                _("--series and --time are the same column, {column!r}.").format(column=asked)
            )
        times, remark = parse_times(fields[at])
        if times is None:
            raise UsageError(
                _(
                    "The column {column!r} of {table} has no times that can be read, such as "
                    "2020-05-01 12:00 or 01.05.2020; its first row: {first!r}."
                ).format(column=asked, table=table.name, first=shorten(fields[at][0]))
            )
        return times, at, remark
    for at, name in enumerate(names):
        if at == target or (normalize_name(name) not in TIME_NAMES and at):
            continue
        if normalize_name(name) not in TIME_NAMES and parse_numbers(fields[at][:3], True)[0][0] > 0:
            continue  # a number is no time unless its column says so
        times, remark = parse_times(fields[at])
        if times is not None:
            said = _("The times are column {name!r}; another: --time NAME").format(name=name)
            return times, at, f"{said}. {remark}" if remark else said
    return None, None, _("No column of times was found: rows are taken in order (--time NAME)")


def _in_order(
    data: Array, times: Array, lines: Array
) -> tuple[Array, Array | None, Array, int, list[str]]:
    """The rows by time, the minutes between them, and what was noticed."""
    remarks: list[str] = []
    if (np.diff(times) < np.timedelta64(0, "s")).any():
        order = np.argsort(times, kind="stable")
        data, times, lines = data[order], times[order], lines[order]
        remarks.append(_("The rows were sorted by time"))
    steps = np.diff(times).astype(np.int64)
    usual = int(np.median(steps))
    if repeats := int((steps == 0).sum()):
        remarks.append(_("{repeats:,} times are there more than once").format(repeats=repeats))
    if usual < 60:
        remarks.append(_("Rows are less than a minute apart: they are shown by number"))
        return data, None, lines, 1, remarks
    # Months and years differ in length.
    if gaps := int((steps > 1.5 * usual).sum()):
        remarks.append(_("{gaps:,} gaps between times; windows go across them").format(gaps=gaps))
    return data, times, lines, max(1, round(usual / 60)), remarks
