"""The station's table as it is in the file: times as text, measurements as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.tables import TableColumn, TableSource, cut, folded, layout, rows

TIME: Final = "Date Time"
COLUMNS: Final = (
    "p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)",
    "VPdef (mbar)", "sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)",
    "wd (deg)",
)  # fmt: skip
#: The time first, then the measurements.
WANTED: Final = (
    TableColumn(TIME, (folded(TIME), "date", "datetime", "time", "timestamp")),
    *(
        TableColumn(name, tuple(folded(name.replace("**", power)) for power in ("**", "", "^")))
        for name in COLUMNS
    ),
)

#: Rows converted at once: fast enough, and the text of only so many is held twice.
_BLOCK: Final = 20_000
#: The largest value of a measurement, in any unit that a station measures in.
MOST: Final = 1e9
#: Thirty years of a value every ten minutes.
MOST_ROWS: Final = 1_600_000
#: Where the characters of "dd.mm.yyyy hh:mm:ss" stand in "yyyy-mm-dd hh:mm:ss".
_FROM_ISO: Final = (8, 9, 7, 5, 6, 4, 0, 1, 2, 3, *range(10, 19))


def table(source: TableSource) -> tuple[Array, Array, Array]:
    """Times as (N,) bytes, values as (N, 14) float64 in the order of COLUMNS, lines as (N,).

    Times of the form yyyy-mm-dd hh:mm:ss are given as dd.mm.yyyy hh:mm:ss. Raises ValueError with
    path and line for a missing column, a damaged row or an empty table.
    """
    # Where a comma parts the fields it is in no number.
    decimal = "," if layout(source, WANTED).delimiter != "," else "."
    found: list[tuple[Array, Array]] = []
    lines: list[int] = []
    block = _Block(source, decimal, [], [])
    for line, row in rows(source, WANTED, most=MOST_ROWS):
        block.rows.append(row)
        block.lines.append(line)
        if len(block.rows) == _BLOCK:
            found.append(block.converted())
            lines += block.lines
            block = _Block(source, decimal, [], [])
    if block.rows:
        found.append(block.converted())
        lines += block.lines
    stamps, values = (np.concatenate(part) for part in zip(*found, strict=True))
    return _dotted(stamps), values, np.array(lines)


@dataclass(frozen=True)
class _Block:
    """Rows that are converted together, with their lines."""

    source: TableSource
    decimal: str
    rows: list[list[str]]
    lines: list[int]

    def converted(self) -> tuple[Array, Array]:
        """Their times and values; ValueError that names the first field that is no number."""
        fields = [row[1:] for row in self.rows]
        if self.decimal != ".":
            fields = [[field.replace(self.decimal, ".") for field in row] for row in fields]
        try:
            values = np.array(fields, np.float64)
        except ValueError:
            raise ValueError(self._first_bad(fields)) from None
        if not (np.abs(values) <= MOST).all():
            raise ValueError(self._first_bad(fields))
        return np.array([row[0].strip().encode() for row in self.rows]), values

    def _first_bad(self, fields: list[list[str]]) -> str:
        for line, row in zip(self.lines, fields, strict=True):
            for name, field in zip(COLUMNS, row, strict=True):
                if not _is_number(field):
                    return (
                        f"{self.source}, line {line}: {name} must be a number, not {cut(field)!r}"
                    )
        return f"{self.source}, line {self.lines[0]}: a row cannot be read"


def _is_number(field: str) -> bool:
    try:
        return bool(abs(float(field)) <= MOST)
    except ValueError:
        return False


def _dotted(stamps: Array) -> Array:
    """Times in the station's form; what has neither form stays as it is."""
    width = len(_FROM_ISO)
    if stamps.dtype.itemsize == width - 3:  # without seconds
        stamps = np.char.add(stamps, b":00")
    if stamps.dtype.itemsize != width:
        return stamps
    chars = np.ascontiguousarray(stamps).view(np.uint8).reshape(-1, width).copy()
    iso = (chars[:, 4] == ord("-")) & (chars[:, 7] == ord("-"))
    iso &= (chars[:, 10] == ord(" ")) | (chars[:, 10] == ord("T"))
    turned = chars[iso][:, _FROM_ISO]
    turned[:, [2, 5]], turned[:, 10] = ord("."), ord(" ")
    chars[iso] = turned
    return np.asarray(chars.reshape(-1).view(f"S{width}"))
