"""Files of numbers: .csv, .npy, .npz and .json, T rows of D columns each."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.arrays import MAX_VALUE, Array, in_range, read_array
from rnnviz.errors import InvalidFileError, UsageError, shortened
from rnnviz.files import (
    invalid_file_on_error,
    open_member,
    open_regular,
    open_zip,
    parse_json,
    read_limited,
)
from rnnviz.messages import N_, _, translated

#: Largest file and largest array in bytes, and the most rows.
MAX_BYTES: Final = 100_000_000
MAX_ROWS: Final = 10_000
ENDINGS: Final = (".csv", ".tsv", ".txt", ".npy", ".npz", ".json")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?", re.ASCII)
#: What may be thousands in English, in a table between whose numbers commas stand.
_GROUPED: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_REMEDY: Final = N_("It takes rows of numbers, one row a step: .csv, .npy, .npz or .json")


def read_numbers(path: Path, width: int) -> Array:
    """The numbers (T, D) of a file, D being ``width``; a leading axis of length 1 is dropped.

    A table may begin with one line of names. UsageError where there is no such file or its ending
    is another one; InvalidFileError, with the line, where it holds anything else.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            _("{path}: numbers are read from {endings}.").format(
                path=path, endings=", ".join(ENDINGS)
            )
        )
    if not path.exists():
        raise UsageError(_("There is no file {path}.").format(path=path))
    with invalid_file_on_error(path, _("file of numbers"), translated(_REMEDY)):
        if ending == ".npy":
            with open_regular(path, MAX_BYTES) as file:
                found = read_array(file, path.name)
        elif ending == ".npz":
            found = _only_array(path)
        elif ending == ".json":
            found = _json_array(parse_json(read_limited(path, MAX_BYTES).decode("utf-8")))
        else:
            found = _table(read_limited(path, MAX_BYTES).decode("utf-8-sig"))
        return _checked(path, found, width)


def _checked(path: Path, found: Array, width: int) -> Array:
    """The array as (T, D) float64; InvalidFileError where it has another shape."""
    if found.dtype.kind not in "biuf":
        raise ValueError(_("it holds {dtype}, not numbers").format(dtype=found.dtype))
    if found.ndim == 3 and len(found) == 1:
        found = found[0]
    if found.ndim == 3:
        raise ValueError(
            _("it holds {count:,} sequences, shape {shape}; save one of them").format(
                count=len(found), shape=found.shape
            )
        )
    if found.ndim == 1:
        found = found[:, None] if width == 1 else found[None]
    if found.ndim != 2 or found.shape[1] != width:
        raise InvalidFileError(
            _(
                "{path} has the shape {shape}; this net reads {width} numbers a step: (T, {width})."
            ).format(path=path, shape=found.shape, width=width)
        )
    if not 1 <= len(found) <= MAX_ROWS:
        raise ValueError(
            _("{count:,} steps; a trace takes 1 to {most:,}").format(
                count=len(found), most=MAX_ROWS
            )
        )
    found = found.astype(np.float64)
    if not in_range(found):
        bad = int(np.argmax(~(np.abs(found) <= MAX_VALUE).all(axis=1)))
        raise ValueError(
            _("step {step} has a number that is not finite or exceeds {most:g}").format(
                step=bad + 1, most=MAX_VALUE
            )
        )
    return found


def _only_array(path: Path) -> Array:
    """The one array of a .npz; ValueError where there are several."""
    with open_zip(path, MAX_BYTES) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        if len(names) != 1:
            listed = ", ".join(name.removesuffix(".npy") for name in names[:8])
            raise ValueError(
                _("it holds {count} arrays ({listed}); save the one that is read").format(
                    count=len(names), listed=listed
                )
            )
        with open_member(archive, names[0], MAX_BYTES) as file:
            return read_array(file, names[0][:60])


def _json_array(value: Any) -> Array:
    """A list of rows, or an object with one such list."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if not isinstance(value, list):
        raise ValueError(_("expected a list of rows"))
    for n, row in enumerate(value, 1):
        for cell in row if isinstance(row, list) else [row]:
            if type(cell) not in (int, float) and not isinstance(cell, list):
                raise ValueError(
                    _("row {n}: {cell} is not a number").format(n=n, cell=shortened(repr(cell), 40))
                )
    return np.array(value, np.float64)


def _table(text: str) -> Array:
    """Rows of numbers separated by semicolons, tabs, commas or spaces, whichever comes first here.

    Commas within the numbers separate decimals, as between semicolons or in quotation marks.
    """
    lines = [
        (n, line.strip(" \r"))
        for n, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    # The first one may have the names of the columns, in which there may be anything.
    searched = ("".join(line for _, line in part) for part in (lines[1:], lines))
    delimiter = next((d for part in searched for d in ";\t," if d in part), None)
    rows: list[list[float]] = []
    for n, line in lines:
        cells = _cells(line, delimiter)
        try:
            row = [_number(cell) for cell in cells]
        except ValueError:
            if n == 1:  # the names of the columns
                continue
            bad = next(cell for cell in cells if not _is_number(cell))
            if delimiter == "," and " " in bad.strip():
                raise ValueError(
                    _(
                        "line {n}: {bad!r} has a space, so its commas may separate numbers or "
                        "decimals; write decimals with a point"
                    ).format(n=n, bad=shortened(bad, 40))
                ) from None
            raise ValueError(
                _("line {n}: {bad!r} is not a number").format(n=n, bad=shortened(bad, 40))
            ) from None
        if delimiter == "," and any(map(_GROUPED.fullmatch, cells)):
            bad = next(filter(_GROUPED.fullmatch, cells))
            raise ValueError(
                _(
                    "line {n}: the comma in {bad!r} may separate thousands or decimals; write it "
                    "without, or decimals with a point"
                ).format(n=n, bad=bad)
            )
        if rows and len(row) != len(rows[0]):
            raise ValueError(
                _("line {n} has {count} numbers, those above {above}").format(
                    n=n, count=len(row), above=len(rows[0])
                )
            )
        rows.append(row)
        if len(rows) > MAX_ROWS:
            raise ValueError(
                _("more than {most:,} steps; a trace takes no more").format(most=MAX_ROWS)
            )
    if not rows:
        raise ValueError(_("there is no number in it"))
    return np.array(rows)


def _cells(line: str, delimiter: str | None) -> list[str]:
    """The fields of a line; ``delimiter`` None: spaces."""
    if delimiter is None:
        return line.split()
    try:
        (cells,) = csv.reader([line.rstrip(delimiter)], delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):
        return [line]
    return cells


def _number(cell: str) -> float:
    """A number, also one with a decimal comma; ValueError for any other text."""
    text = cell.strip().strip("\"'")
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    return float(text)


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True
