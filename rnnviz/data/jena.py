"""The weather station of the Max Planck Institute for Biogeochemistry in Jena.

The usual file is ``jena_climate_2009_2016.csv``, 10-minute values, prepared by Francois Chollet for
"Deep Learning with Python". The package has the same years with one row an hour and 12 of the 14
columns, ``jena_climate_2009_2016_hourly.csv.xz``. Files of other years, from the station or from
forecasting benchmarks (``weather.csv``), are read as well. The station's tables have three kinds of
flaws: -9999 for a missing measurement, repeated times, and missing rows. The book repairs none of
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.file_search import candidate_folders, is_named_after, list_files, missing_error
from rnnviz.data.folders import SAMPLE, requested_folder, require_folder
from rnnviz.data.jena_table import COLUMNS as COLUMNS
from rnnviz.data.jena_table import TABLE_COLUMNS, TIME, read_table
from rnnviz.data.tables import COMPRESSIONS, TableSource, find_layout, table_stem
from rnnviz.data.timestamps import TIME_FORMAT, parse_times
from rnnviz.messages import _

NAME: Final = "jena"
TEMPERATURE: Final = COLUMNS.index("T (degC)")
SENTINEL: Final = -9999.0

#: The file that the published results were measured on.
PUBLISHED: Final = "jena_climate_2009_2016.csv"
PUBLISHED_ROWS: Final = 420_551
#: The file in the package: every sixth row of the published one, less its repeated times.
HOURLY: Final = "jena_climate_2009_2016_hourly.csv"
HOURLY_ROWS: Final = 70_038
HOURLY_COLUMNS: Final = 12

_PREFERRED: Final = (PUBLISHED, HOURLY)
_ENDINGS: Final = ("", *COMPRESSIONS)


@dataclass(frozen=True, eq=False)
class JenaSeries:
    """Measurements with their times, and the flaws of the file they were read from.

    The counts are of the file; ``repaired`` says whether sentinels and repeats were repaired.
    """

    columns: tuple[str, ...]  # (D)
    data: Array  # (N, D) float64
    times: Array  # (N,) datetime64[m]
    interval: int  # minutes between most rows
    sentinels: int  # values of -9999
    repeats: int  # rows whose time occurred before
    gaps: int  # runs of missing rows
    missing: int  # missing rows; never filled in
    repaired: bool

    def __len__(self) -> int:
        """N, the number of rows."""
        return len(self.data)


def jena_files(folder: Path) -> list[Path]:
    """The Jena tables in a data folder: 2009 to 2016 first, the full one before the hourly one.

    These are the tables with the station's columns. If none has them, all tables named after the
    station are returned, so that reading one reports what it lacks.
    """
    named, fitting = [], []
    for candidate in candidate_folders(folder, NAME):
        for path in list_files(candidate):
            name = path.name.casefold()
            if ".txt" in name or not (name.endswith(".zip") or table_stem(name) is not None):
                continue
            is_named = is_named_after(NAME, path.name)
            if is_named:
                named.append(path)
            if (is_named or candidate.own) and _has_columns(path):
                fitting.append(path)
    order = {name + ending: n for n, name in enumerate(_PREFERRED) for ending in _ENDINGS}
    return sorted(fitting or named, key=lambda path: order.get(path.name, len(order)))


def _has_columns(path: Path) -> bool:
    try:
        find_layout(TableSource(path), TABLE_COLUMNS)
    except ValueError:
        return False
    return True


def jena_file(folder: Path) -> Path:
    """The first of ``jena_files``; FileNotFoundError if there is none."""
    for path in jena_files(folder):
        return path
    raise missing_error(
        folder, f"jena/{PUBLISHED}.gz", "jena*.csv", "mpi_roof_*.csv", "weather.csv"
    )


def jena_folder(data: str | Path | None) -> Path:
    """The folder of the table to read: the package's if none is named and none has a table.

    Raises as ``require_folder`` does if ``data`` names no folder.
    """
    if data:
        return require_folder(data)
    folder = requested_folder(None)
    return folder if jena_files(folder) else requested_folder(SAMPLE)


def is_published(path: Path) -> bool:
    """Whether a file has the name of the one that the published results were measured on."""
    return path.name in [PUBLISHED + ending for ending in _ENDINGS]


def read_jena(path: Path, *, repair: bool) -> JenaSeries:
    """Read a table of the station, plain or compressed with gzip, xz or zip.

    ``repair`` replaces each -9999 by the last valid value of its column and drops rows whose time
    occurred before; without it the rows are unchanged (the published protocol). Raises
    FileNotFoundError, or ValueError with path and line if a column is missing, a row is damaged,
    there are no rows, or (with ``repair``) the times decrease.
    """
    if not path.is_file():
        raise FileNotFoundError(
            _("{path} is missing: is this the folder with the data sets?").format(path=path)
        )
    columns, stamps, data, lines = read_table(TableSource(path))
    times = parse_times(stamps, lambda row: ValueError(_bad_time(path, lines[row], stamps[row])))
    first = np.zeros(len(times), bool)
    first[np.unique(times, return_index=True)[1]] = True
    bad = data == SENTINEL
    sentinels, repeats = int(bad.sum()), int((~first).sum())
    if repair:
        data, times, bad = data[first], times[first], bad[first]
        back = np.flatnonzero(np.diff(times) < np.timedelta64(0, "m"))
        if len(back):
            line = lines[np.flatnonzero(first)[back[0] + 1]]
            raise ValueError(
                _("{path}, line {line}: the time is earlier than the one before").format(
                    path=path, line=line
                )
            )
        data = _fill_forward(path, data, bad, columns)
    minutes = np.diff(np.unique(times)).astype(np.int64)
    interval = _commonest(minutes)
    absent = np.maximum((minutes + interval // 2) // interval - 1, 0)
    return JenaSeries(
        columns=columns,
        data=data,
        times=times,
        interval=interval,
        sentinels=sentinels,
        repeats=repeats,
        gaps=int((absent > 0).sum()),
        missing=int(absent.sum()),
        repaired=repair,
    )


def _commonest(minutes: Array) -> int:
    """The commonest difference of times; 10, as the station measures, of a single row."""
    if not len(minutes):
        return 10
    values, counts = np.unique(minutes, return_counts=True)
    return int(values[counts.argmax()])


def _bad_time(path: Path, line: int, stamp: bytes) -> str:
    found = stamp.decode(errors="replace")[:40]
    return _(
        "{path}, line {line}: {time} must be {time_format} or yyyy-mm-dd hh:mm:ss, not {found!r}"
    ).format(path=path, line=line, time=TIME, time_format=TIME_FORMAT, found=found)


def _fill_forward(path: Path, data: Array, bad: Array, columns: Sequence[str]) -> Array:
    """(N, D) data with each bad value replaced by the last valid one of its column.

    Bad values at the start become the first valid one. ValueError for a column without any.
    """
    if not bad.any():
        return data
    filled = data.copy()
    for column in np.flatnonzero(bad.any(axis=0)).tolist():
        invalid = bad[:, column]
        if invalid.all():
            raise ValueError(
                _("{path}: {column} has no value but {missing:g}").format(
                    path=path, column=columns[column], missing=SENTINEL
                )
            )
        last_valid = np.maximum.accumulate(np.where(invalid, -1, np.arange(len(data))))
        source = np.where(last_valid < 0, int(np.argmin(invalid)), last_valid)
        filled[:, column] = data[source, column]
    return filled
