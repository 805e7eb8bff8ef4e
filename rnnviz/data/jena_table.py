"""The station's table as it is in the file: times as text, measurements as numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.tables import DAMAGE, lines, opened
from rnnviz.files import TooLargeError

TIME: Final = "Date Time"
COLUMNS: Final = (
    "p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)",
    "VPdef (mbar)", "sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)",
    "wd (deg)",
)  # fmt: skip

#: Rows converted at once: fast enough, and the text of only so many is held twice.
_BLOCK: Final = 20_000
#: Thirty years of a value every ten minutes.
MOST_ROWS: Final = 1_600_000


def table(path: Path) -> tuple[Array, Array]:
    """Times as (N,) bytes and values as (N, 14) float64, in the order of COLUMNS.

    Raises ValueError with path and line for a missing column, a damaged row or an empty table.
    """
    blocks: list[tuple[Array, Array]] = []
    block: list[list[str]] = []
    line = 1
    try:
        # Some programs put an invisible mark at the start of a file; utf-8-sig leaves it out.
        with opened(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            reader = csv.reader(lines(file), strict=True)
            form = _Form.of(path, next(reader, []))
            for row in reader:
                block.append(row)
                if line + len(block) > MOST_ROWS:
                    raise TooLargeError(f"more than {MOST_ROWS:,} rows are not read")
                if len(block) == _BLOCK:
                    blocks.append(form.convert(block, line + 1))
                    line, block = line + _BLOCK, []
    except DAMAGE as error:
        raise ValueError(f"{path}, after line {line + len(block)}: {error}") from error
    while block and not block[-1]:  # an empty line at the end is no row
        block.pop()
    if block:
        blocks.append(form.convert(block, line + 1))
    if not blocks:
        raise ValueError(f"{path}: no rows below the header")
    return np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks])


@dataclass(frozen=True)
class _Form:
    """Where a file has its columns: it may have more than are read, in any order."""

    path: Path
    width: int
    time: int
    columns: tuple[int, ...]

    @classmethod
    def of(cls, path: Path, header: list[str]) -> _Form:
        for name in (TIME, *COLUMNS):
            if header.count(name) != 1:
                what = "is missing" if name not in header else "is there twice"
                raise ValueError(f"{path}, line 1: the column {name!r} {what}")
        columns = tuple(header.index(name) for name in COLUMNS)
        return cls(path, len(header), header.index(TIME), columns)

    def convert(self, block: list[list[str]], line: int) -> tuple[Array, Array]:
        """The times and values of rows, of which the first is in ``line``."""
        try:
            if {len(row) for row in block} == {self.width}:
                values = np.array([[row[c] for c in self.columns] for row in block], np.float64)
                if np.isfinite(values).all():
                    return np.array([row[self.time].encode() for row in block]), values
        except ValueError:
            pass  # the row is looked for below
        raise ValueError(self._first_bad(block, line))

    def _first_bad(self, block: list[list[str]], line: int) -> str:
        for n, row in enumerate(block, line):
            if len(row) != self.width:
                return f"{self.path}, line {n}: {self.width} fields are needed, not {len(row)}"
            for name, place in zip(COLUMNS, self.columns, strict=True):
                if not _is_number(row[place]):
                    shown = repr(row[place][:40])
                    return f"{self.path}, line {n}: {name} must be a number, not {shown}"
        return f"{self.path}, line {line}: a row cannot be read"


def _is_number(field: str) -> bool:
    try:
        return bool(np.isfinite(float(field)))
    except ValueError:
        return False
