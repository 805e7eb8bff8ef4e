"""The weather station of the Max Planck Institute for Biogeochemistry in Jena, 10-minute values.

The usual file is ``jena_climate_2009_2016.csv``, prepared by Francois Chollet for "Deep Learning
with Python"; files of other years, as the station gives them or as forecasting benchmarks use them
(``weather.csv``), are read as well. The station's tables have flaws of three kinds: -9999 where a
sensor gave nothing, times that come twice, and rows that are missing. The book repairs none of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.jena_table import COLUMNS as COLUMNS
from rnnviz.data.jena_table import TIME, WANTED, table
from rnnviz.data.file_search import files, is_name_of, missing, places
from rnnviz.data.tables import TableSource, layout, table_stem
from rnnviz.data.timestamps import FORM, moments

NAME: Final = "jena"
TEMPERATURE: Final = COLUMNS.index("T (degC)")
SENTINEL: Final = -9999.0
MINUTES: Final = 10

#: The file the published numbers were measured on.
PUBLISHED: Final = "jena_climate_2009_2016.csv"
PUBLISHED_ROWS: Final = 420_551

_PREFERRED: Final = (PUBLISHED, "jena_climate_2020.csv")
_ENDINGS: Final = ("", ".gz", ".zip")


@dataclass(frozen=True, eq=False)
class JenaSeries:
    """Measurements (N, 14) with their times (N,), and the flaws that were found in the file.

    The counts say what there was; ``repaired`` says whether anything was done about it.
    """

    columns: tuple[str, ...]
    data: Array  # float64
    times: Array  # datetime64[m]
    sentinels: int  # single values of -9999
    repeats: int  # rows with a time that had been there before
    gaps: int  # places where rows are missing
    missing: int  # how many; they are never filled in
    repaired: bool

    def __len__(self) -> int:
        """N, the number of rows."""
        return len(self.data)


def jena_files(folder: Path) -> list[Path]:
    """The Jena tables in a data folder: that of 2009 to 2016 first, then 2020, then by name.

    In a folder of the station every table that has its columns is one; if none has them, all are
    named, so that whoever reads one is told what it lacks.
    """
    named, fitting = [], []
    for place in places(folder, NAME):
        for path in files(place):
            name = path.name.casefold()
            if ".txt" in name or not (name.endswith(".zip") or table_stem(name) is not None):
                continue
            mine = is_name_of(NAME, path.name)
            if mine:
                named.append(path)
            if (mine or place.own) and _has_columns(path):
                fitting.append(path)
    order = {name + ending: n for n, name in enumerate(_PREFERRED) for ending in _ENDINGS}
    return sorted(fitting or named, key=lambda path: order.get(path.name, len(order)))


def _has_columns(path: Path) -> bool:
    try:
        layout(TableSource(path), WANTED)
    except ValueError:
        return False
    return True


def jena_file(folder: Path) -> Path:
    """The table to use; FileNotFoundError if there is none."""
    for path in jena_files(folder):
        return path
    raise missing(folder, f"jena/{PUBLISHED}.gz", "jena*.csv", "mpi_roof_*.csv", "weather.csv")


def is_published(path: Path) -> bool:
    """Whether a file is by its name the one the published numbers were measured on."""
    return path.name in [PUBLISHED + ending for ending in _ENDINGS]


def read_jena(path: Path, *, repair: bool) -> JenaSeries:
    """Read a table of the station, plain, gzipped or zipped.

    ``repair`` puts the last good value of the column in the place of each -9999 and drops rows
    whose time was there before; without it every row stays as it is (the published protocol).
    Raises FileNotFoundError, or ValueError with path and line: a column is missing, a row is
    damaged, there are no rows, or (with ``repair``) the times run backwards.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: is this the folder with the data sets?")
    stamps, data, lines = table(TableSource(path))
    times = moments(stamps, lambda row: ValueError(_bad_time(path, lines[row], stamps[row])))
    first = np.zeros(len(times), bool)
    first[np.unique(times, return_index=True)[1]] = True
    bad = data == SENTINEL
    sentinels, repeats = int(bad.sum()), int((~first).sum())
    if repair:
        data, times, bad = data[first], times[first], bad[first]
        back = np.flatnonzero(np.diff(times) < np.timedelta64(0, "m"))
        if len(back):
            line = lines[np.flatnonzero(first)[back[0] + 1]]
            raise ValueError(f"{path}, line {line}: the time is earlier than the one before")
        data = _mended(path, data, bad)
    minutes = np.diff(np.unique(times)).astype(np.int64)
    return JenaSeries(
        columns=COLUMNS,
        data=data,
        times=times,
        sentinels=sentinels,
        repeats=repeats,
        gaps=int((minutes > MINUTES).sum()),
        missing=int(((minutes - 1) // MINUTES).sum()),
        repaired=repair,
    )


def _bad_time(path: Path, line: int, stamp: bytes) -> str:
    shown = stamp.decode(errors="replace")[:40]
    return f"{path}, line {line}: {TIME} must be {FORM} or yyyy-mm-dd hh:mm:ss, not {shown!r}"


def _mended(path: Path, data: Array, bad: Array) -> Array:
    """The last good value of the column for each bad one; at the start, the first good one."""
    if not bad.any():
        return data
    mended = data.copy()
    for column in np.flatnonzero(bad.any(axis=0)):
        wrong = bad[:, column]
        if wrong.all():
            raise ValueError(f"{path}: {COLUMNS[column]} has no value but {SENTINEL:g}")
        last = np.maximum.accumulate(np.where(wrong, -1, np.arange(len(data))))
        mended[:, column] = data[np.where(last < 0, int(np.argmin(wrong)), last), column]
    return mended
