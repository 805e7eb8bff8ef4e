"""Checks of the content of downloaded files for which no hash is published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rnnviz.data.jena import PUBLISHED_ROWS, read_jena
from rnnviz.data.sst2 import sst2_rows
from rnnviz.messages import _

SST2_ROWS: Final = {"train": 67_349, "validation": 872}


def check_jena(path: Path) -> None:
    """Raise ValueError unless it is the station's table with the published number of rows."""
    rows = len(read_jena(path, repair=False))
    if rows != PUBLISHED_ROWS:
        raise ValueError(
            _("{path}: {wanted:,} rows are needed, not {rows:,}").format(
                path=path, wanted=PUBLISHED_ROWS, rows=rows
            )
        )


def check_sst2(path: Path) -> None:
    """Raise ValueError unless it contains both splits with GLUE's numbers of rows."""
    for split, wanted in SST2_ROWS.items():
        rows = len(sst2_rows(path, split))
        if rows != wanted:
            raise ValueError(
                _("{path}: {split} must have {wanted:,} rows, not {rows:,}").format(
                    path=path, split=split, wanted=wanted, rows=rows
                )
            )


#: By path in the data folder.
CHECKS: Final[dict[str, Callable[[Path], None]]] = {
    "jena/jena_climate_2009_2016.csv.zip": check_jena,
    "sst2/SST-2.zip": check_sst2,
}
