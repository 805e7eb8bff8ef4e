"""Windows of a table of measurements as the input of a net, cut as in training.

The table is one of the station in Jena, or the user's own that a run was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.folders import SAMPLE, data_errors, requested_folder, require_folder
from rnnviz.data.jena import JenaSeries, is_published, jena_files, read_jena
from rnnviz.data.series import Scaling
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.errors import InvalidFileError, MissingError, UsageError
from rnnviz.files import invalid_file_on_error, read_json, user_path
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.recipes.jena import AS_TODAY, TEST_SPAN
from rnnviz.recipes.user_series import measurements_of
from rnnviz.trace import SeriesTrace, SpanErrors, row_text

#: The evening before a cold front, in the part of the table that no shipped model was trained on.
EXAMPLE: Final = "2015-07-05 19:00"

#: The formats of a moment; the last two are those of the station.
FORMS: Final = (
    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
)  # fmt: skip


def window(stored: StoredModel, text: str, data: str | Path | None = None) -> Window:
    """The window of a text: a moment, the number of a window, or nothing (the example).

    ``data`` is a folder of data sets; None takes the one in use, and then the table in the
    package. UsageError for a text that names no window, MissingError for a folder
    without a table.
    """
    scaling, text = _scaling(stored), text.strip()
    own = user_table(stored, data)
    if not text:
        return _example(scaling, data) if own is None else _last(own, scaling)
    if text.isascii() and text.isdigit():
        table = next(_tables(data)) if own is None else own
        fitting = table.scaling(scaling)
        return Window(table, fitting, _numbered(table, fitting, int(text)))
    if own is not None and not own.dated:
        raise UsageError(
            _("{table} has no times. Type the number of a window: 1 to {count:,}.").format(
                table=own.name, count=max(own.rows - scaling.lookback, 0)
            )
        )
    when, spans = _when(stored, text), []
    for table in _tables(data) if own is None else (own,):
        fitting = table.scaling(scaling)
        row = table.row_of(when, fitting)
        if row is not None:
            return Window(table, fitting, row)
        spans.append(table.span(fitting))
    raise UsageError(
        _("There is no window before {time}. A forecast can be made\nin {spans}").format(
            time=_time_text(when), spans=_("; in ").join(spans)
        )
    )


def _scaling(stored: StoredModel) -> Scaling:
    assert isinstance(stored.encoder, Scaling)
    if not stored.model.spec.layers:
        raise UsageError(
            _(
                "{model} has no recurrent layer: it reads its {steps} readings "
                "at once, and there is no step to go through. Models with steps: rnnviz models"
            ).format(model=stored.name, steps=stored.encoder.steps)
        )
    return stored.encoder


def _example(scaling: Scaling, data: str | Path | None) -> Window:
    """The window of EXAMPLE, or the middle one of a table that does not have it."""
    # The example is in the package's table: no need to read a larger one first.
    table = next(_tables(data, package_first=True))
    scaling = table.scaling(scaling)
    row = table.row_of(np.datetime64(EXAMPLE, "m"), scaling)
    count = table.rows - scaling.lookback
    return Window(
        table, scaling, _numbered(table, scaling, (count + 1) // 2) if row is None else row
    )


def _last(table: Table, scaling: Scaling) -> Window:
    """The last window whose true value is in the table."""
    count = table.rows - scaling.lookback
    return Window(table, scaling, _numbered(table, scaling, max(count - scaling.delay, 1)))


def _when(stored: StoredModel, text: str) -> np.datetime64:
    for form in FORMS:
        try:
            return np.datetime64(datetime.strptime(text, form), "m")
        except ValueError:
            continue
    shown = text if len(text) <= 60 else text[:59] + "…"
    raise UsageError(
        _(
            "{model} reads a series, and {shown!r} names no moment of it. Type when the "
            'forecast is made,\nfor example "{example}", or the number of a window: 1, 2 …'
        ).format(model=stored.name, shown=shown, example=EXAMPLE)
    )


def _numbered(table: Table, scaling: Scaling, n: int) -> int:
    count = table.rows - scaling.lookback
    if not 1 <= n <= count:
        raise UsageError(
            _("There is no window {n}: {table} has windows 1 to {count:,}.").format(
                n=n, table=table.name, count=max(count, 0)
            )
        )
    return scaling.lookback + n - 1


class Table:
    """A table of measurements: columns of numbers, and the times of the rows, if it has any."""

    def __init__(
        self, name: str, columns: Sequence[str], data: Array, times: Array | None, interval: int,
    ) -> None:  # fmt: skip
        self.name, self.columns, self.data = name, tuple(columns), data
        self.dated, self.rows, self.interval = times is not None, len(data), interval
        #: (N) times, or the numbers of the rows from 1.
        self.times: Array = np.arange(1, len(data) + 1) if times is None else times

    def column(self, name: str) -> Array:
        """A column by its name (N); UsageError if the table has none of that name."""
        if name not in self.columns:
            raise UsageError(
                _("The model reads {name!r}, and {table} has no such column.").format(
                    name=name, table=self.name
                )
            )
        return np.asarray(self.data[:, self.columns.index(name)])

    def scaling(self, scaling: Scaling) -> Scaling:
        """The model's scaling for rows of this table; UsageError if its windows do not fit."""
        try:
            return scaling.at_interval(self.interval)
        except ValueError as error:
            raise UsageError(
                _("The model cannot read {table}: {reason}.").format(table=self.name, reason=error)
            ) from error

    def time_text(self, row: int, ahead: int = 0) -> str:
        """The time of a row, or ``ahead`` rows after it, also beyond the table."""
        goal = row + ahead
        if not self.dated:
            return row_text(goal + 1)
        if goal < self.rows:
            return _time_text(self.times[goal])
        minutes = (goal - row) * np.timedelta64(self.interval, "m")
        return _time_text(self.times[row] + minutes)

    def row_of(self, when: np.datetime64, scaling: Scaling) -> int | None:
        """The row nearest to a moment, with a window before it; None where there is none."""
        moments = self.times[scaling.lookback :]
        half = np.timedelta64(self.interval, "m") // 2
        if not len(moments) or not moments[0] - half <= when <= moments[-1] + half:
            return None
        after = min(int(np.searchsorted(self.times, when)), len(self.times) - 1)
        before = max(after - 1, scaling.lookback)
        nearer_before = when - self.times[before] < self.times[after] - when
        return before if nearer_before else after

    def span(self, scaling: Scaling) -> str:
        """The first and the last moment with a window before it, as text."""
        moments = self.times[scaling.lookback :]
        if not len(moments):
            return _("{table}: never, it is too short").format(table=self.name)
        return _("{table}: from {first} to {last}").format(
            table=self.name, first=_time_text(moments[0]), last=_time_text(moments[-1])
        )


@lru_cache(maxsize=3)
def _read(path: Path, changed: int) -> Table:
    with data_errors("jena"):
        return _station_table(path)


def _station_table(path: Path) -> Table:
    series: JenaSeries = read_jena(path, repair=not is_published(path))
    return Table(path.name, series.columns, series.data, series.times, series.interval)


def user_table(stored: StoredModel, data: str | Path | None) -> Table | None:
    """The table of the user's own that a model was trained on; None for other models.

    ``data`` is the folder it is in; None: where it was. MissingError if it is not there.
    """
    choice = _own_choice(stored)
    if choice is None:
        return None
    folder = user_path(data or str(stored.record.get("folder", "")) or ".")
    path = folder / Path(choice.file).name
    if not path.is_file():
        raise MissingError(
            _(
                "{model} reads {file}, which is not in {folder}. Name the folder it is "
                "in: --data DIR"
            ).format(model=stored.name, file=choice.file, folder=folder)
        )
    return _read_own(folder, replace(choice, file=path.name), path.stat().st_mtime_ns)


def _own_choice(stored: StoredModel) -> TableChoice | None:
    """How the table was read that a model was trained on; None for models of the station."""
    record = stored.record.get("training", stored.record)
    given = record.get("preparation", {}).get("table") if isinstance(record, dict) else None
    if not isinstance(given, dict):
        return None
    try:
        return TableChoice.from_json(given)
    except ValueError as error:
        raise InvalidFileError(
            _("{model} is damaged: {reason}.").format(model=stored.name, reason=error)
        ) from error


def given_table(stored: StoredModel, path: Path) -> tuple[Table, tuple[str, ...]]:
    """Any table, read as the one the model was trained on, and what was noticed in it."""
    if not path.is_file():
        if path.is_dir():
            raise UsageError(_("{path} is a folder, not a file.").format(path=path))
        raise UsageError(_("{path} is not there.").format(path=path))
    choice = _own_choice(stored)
    if choice is None:
        with invalid_file_on_error(path, _("table for {model}").format(model=stored.name)):
            return _station_table(path), ()
    found = measurements_of(replace(choice, file=path.name), path.parent)
    table = Table(path.name, found.columns, found.data, found.times, found.interval)
    return table, found.remarks


@lru_cache(maxsize=3)
def _read_own(folder: Path, choice: TableChoice, changed: int) -> Table:
    found = measurements_of(choice, folder)
    return Table(choice.file, found.columns, found.data, found.times, found.interval)


def _tables(data: str | Path | None, package_first: bool = False) -> Iterator[Table]:
    """The tables of a folder; without one those of the folder in use, and the package's."""
    folder = require_folder(data) if data else requested_folder(None)
    files = jena_files(folder)
    if data and not files:
        raise MissingError(
            _(
                "There is no jena*.csv in {folder}. Get one: rnnviz data fetch jena, "
                "or use the table in the package: --data {sample}"
            ).format(folder=folder, sample=SAMPLE)
        )
    if not data:
        own = jena_files(requested_folder(SAMPLE))
        named = {path.name for path in files}
        others = [path for path in own if path.name not in named]
        files = [*own, *files] if package_first else [*files, *others]
    return (_read(path, path.stat().st_mtime_ns) for path in files)


def _time_text(when: np.datetime64) -> str:
    return str(when.astype("datetime64[m]")).replace("T", " ")


def span_errors(stored: StoredModel) -> SpanErrors | None:
    """The errors of a Jena recipe's net and of the naive forecast on the test rows.

    None if they are not known: for nets of other recipes, untrained ones and unfinished runs.
    """
    assert isinstance(stored.encoder, Scaling)
    preparation = stored.record.get("training", stored.record).get("preparation")
    std = stored.encoder.std[stored.encoder.target]
    try:
        first, last = (_time_text(np.datetime64(t, "m")) for t in preparation[TEST_SPAN])
        mae, as_today = _test_mae(stored), preparation[AS_TODAY]["test"]
        return SpanErrors(first, last, float(mae * std), float(as_today * std))
    except (KeyError, TypeError, ValueError):  # the record of another recipe, or edited
        return None


def _test_mae(stored: StoredModel) -> float:
    """The recorded error on the test rows, in deviations; KeyError or TypeError without one."""
    metrics, path = stored.record.get("metrics"), stored.weights_path
    if metrics is None and path is not None and path.with_name("result.json").is_file():
        return float(read_json(path.with_name("result.json"))["test"]["mae"])
    assert metrics is None or isinstance(metrics, dict)
    return float((metrics or {})["test_mae"])


class Window:
    """The readings before a row of a table, and what came after them."""

    def __init__(self, table: Table, scaling: Scaling, row: int) -> None:
        self.table, self.scaling, self.row = table, scaling, row
        back = np.arange(row - scaling.lookback, row, scaling.step)
        self.rows = back[::-1] if scaling.reverse else back  # (T), as the net reads them

    @property
    def inputs(self) -> Array:
        """(T, 1, D), in deviations."""
        data = [self.table.column(name)[self.rows] for name in self.scaling.columns]
        return self.scaling.apply(np.stack(data, -1))[:, None]

    @property
    def truth(self) -> float | None:
        """The target in deviations, as in training; None where the table has ended."""
        truth = self.record().truth
        if truth is None:
            return None
        mean, std = (which[self.scaling.target] for which in (self.scaling.mean, self.scaling.std))
        return float(np.float32((truth - mean) / std))

    @property
    def tokens(self) -> tuple[str, ...]:
        """The times of the readings, without their year."""
        texts = (self.table.time_text(int(row)) for row in self.rows)
        return tuple(text[5:] if self.table.dated else text for text in texts)

    @property
    def moment(self) -> str:
        """When the forecast is made."""
        return self.table.time_text(self.row)

    def record(self, test: SpanErrors | None = None) -> SeriesTrace:
        """Its data for a trace; ``test`` belongs to the model."""
        scaling, row = self.scaling, self.row
        target = self.table.column(scaling.columns[scaling.target])
        goal = row + scaling.delay
        in_table = goal < self.table.rows
        return SeriesTrace(
            columns=scaling.columns,
            mean=scaling.mean,
            std=scaling.std,
            target=scaling.target,
            times=tuple(self.table.time_text(int(each)) for each in self.rows),
            moment=self.moment,
            foreseen=self.table.time_text(row, scaling.delay),
            ahead=scaling.delay // scaling.step + 1,
            after=tuple(target[row : goal : scaling.step].tolist()),
            truth=float(target[goal]) if in_table else None,
            source=self.table.name,
            test=test,
        )
