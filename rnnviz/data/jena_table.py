"""Reading a table of the Jena weather station: times as text, measurements as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.tables import (
    TableColumn,
    TableSource,
    find_layout,
    normalize_name,
    read_rows,
    shorten,
)
from rnnviz.messages import _

TIME: Final = "Date Time"
COLUMNS: Final = (
    "p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)",
    "VPdef (mbar)", "sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)",
    "wd (deg)",
)  # fmt: skip
#: The columns that a table may lack.
OPTIONAL: Final = ("max. wv (m/s)", "wd (deg)")
#: The time, then the measurements.
TABLE_COLUMNS: Final = (
    TableColumn(TIME, (normalize_name(TIME), "date", "datetime", "time", "timestamp")),
    *(
        TableColumn(
            name,
            tuple(normalize_name(name.replace("**", power)) for power in ("**", "", "^")),
            optional=name in OPTIONAL,
        )
        for name in COLUMNS
    ),
)

#: Rows converted at once; bounds how much text is in memory beside the numbers.
_BLOCK: Final = 20_000
#: The largest absolute value of a measurement, in any unit.
MAX_VALUE: Final = 1e9
#: Thirty years with a row every ten minutes.
MAX_ROWS: Final = 1_600_000
#: The index in "yyyy-mm-dd hh:mm:ss" of each character of "dd.mm.yyyy hh:mm:ss".
_FROM_ISO: Final = (8, 9, 7, 5, 6, 4, 0, 1, 2, 3, *range(10, 19))


class WeatherTable(NamedTuple):
    """The text of a table's times, its values, and the lines they were read from."""

    columns: tuple[str, ...]  # (D) of COLUMNS, in that order
    stamps: Array  # (N) bytes, dd.mm.yyyy hh:mm:ss
    values: Array  # (N, D) float64
    lines: Array  # (N)


def read_table(source: TableSource) -> WeatherTable:
    """Read all columns of COLUMNS that the table has.

    Times written as yyyy-mm-dd hh:mm:ss are returned as dd.mm.yyyy hh:mm:ss. Raises ValueError
    with path and line for a missing column, a damaged row or an empty table.
    """
    layout = find_layout(source, TABLE_COLUMNS)
    present = [c for c, n in zip(TABLE_COLUMNS, layout.indices, strict=True) if n is not None]
    columns = tuple(column.name for column in present[1:])
    # A comma can be the decimal mark only where it is not the delimiter.
    decimal = "," if layout.delimiter != "," else "."
    converted: list[tuple[Array, Array]] = []
    lines: list[int] = []
    block = _RowBlock(source, columns, decimal, [], [])
    for line, row in read_rows(source, present, limit=MAX_ROWS):
        block.rows.append(row)
        block.lines.append(line)
        if len(block.rows) == _BLOCK:
            converted.append(block.convert())
            lines += block.lines
            block = _RowBlock(source, columns, decimal, [], [])
    if block.rows:
        converted.append(block.convert())
        lines += block.lines
    stamps, values = (np.concatenate(part) for part in zip(*converted, strict=True))
    return WeatherTable(columns, _day_first(stamps), values, np.array(lines))


@dataclass(frozen=True)
class _RowBlock:
    """Rows that are converted together, with their line numbers."""

    source: TableSource
    columns: tuple[str, ...]
    decimal: str
    rows: list[list[str]]
    lines: list[int]

    def convert(self) -> tuple[Array, Array]:
        """Times (n,) and values (n, D); ValueError that names the first invalid field."""
        fields = [row[1:] for row in self.rows]
        if self.decimal != ".":
            fields = [[field.replace(self.decimal, ".") for field in row] for row in fields]
        try:
            values = np.array(fields, np.float64)
        except ValueError:
            raise ValueError(self._first_bad(fields)) from None
        if not (np.abs(values) <= MAX_VALUE).all():
            raise ValueError(self._first_bad(fields))
        return np.array([row[0].strip().encode() for row in self.rows]), values

    def _first_bad(self, fields: list[list[str]]) -> str:
        for line, row in zip(self.lines, fields, strict=True):
            for name, field in zip(self.columns, row, strict=True):
                if not _is_number(field):
                    found = repr(shorten(field))
                    return _("{source}, line {line}: {name} must be a number, not {found}").format(
                        source=self.source, line=line, name=name, found=found
                    )
        return _("{source}, line {line}: a row cannot be read").format(
            source=self.source, line=self.lines[0]
        )


def _is_number(field: str) -> bool:
    try:
        return bool(abs(float(field)) <= MAX_VALUE)
    except ValueError:
        return False


def _day_first(stamps: Array) -> Array:
    """(N,) times as dd.mm.yyyy hh:mm:ss; those of neither format are unchanged."""
    width = len(_FROM_ISO)
    if stamps.dtype.itemsize == width - 3:  # without seconds
        stamps = np.char.add(stamps, b":00")
    if stamps.dtype.itemsize != width:
        return stamps
    chars = np.ascontiguousarray(stamps).view(np.uint8).reshape(-1, width).copy()
    iso = (chars[:, 4] == ord("-")) & (chars[:, 7] == ord("-"))
    iso &= (chars[:, 10] == ord(" ")) | (chars[:, 10] == ord("T"))
    reordered = chars[iso][:, _FROM_ISO]
    reordered[:, [2, 5]], reordered[:, 10] = ord("."), ord(" ")
    chars[iso] = reordered
    return np.asarray(chars.reshape(-1).view(f"S{width}"))
