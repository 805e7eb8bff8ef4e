"""Windows of a table of measurements as the input of a net, cut as in training."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.folders import SAMPLE, data_errors, requested_folder, require_folder
from rnnviz.data.jena import JenaSeries, is_published, jena_files, read_jena
from rnnviz.data.series import Scaling
from rnnviz.errors import MissingError, UsageError
from rnnviz.files import read_json
from rnnviz.model_files import StoredModel
from rnnviz.recipes.jena import AS_TODAY, TEST_SPAN
from rnnviz.trace import SeriesTrace, SpanErrors

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
    if not text:
        return _example(scaling, data)
    if text.isascii() and text.isdigit():
        table = next(_tables(data))
        fitting = table.scaling(scaling)
        return Window(table, fitting, _numbered(table, fitting, int(text)))
    when, spans = _when(stored, text), []
    for table in _tables(data):
        fitting = table.scaling(scaling)
        row = table.row_of(when, fitting)
        if row is not None:
            return Window(table, fitting, row)
        spans.append(table.span(fitting))
    raise UsageError(
        f"There is no window before {_time_text(when)}. A forecast can be made\n"
        f"in {'; in '.join(spans)}"
    )


def _scaling(stored: StoredModel) -> Scaling:
    assert isinstance(stored.encoder, Scaling)
    if not stored.model.spec.layers:
        raise UsageError(
            f"{stored.name} has no recurrent layer: it reads its {stored.encoder.steps} readings "
            "at once, and there is no step to go through. Models with steps: rnnviz models"
        )
    return stored.encoder


def _example(scaling: Scaling, data: str | Path | None) -> Window:
    """The window of EXAMPLE, or the middle one of a table that does not have it."""
    # The example is in the package's table: no need to read a larger one first.
    table = next(_tables(data, package_first=True))
    scaling = table.scaling(scaling)
    row = table.row_of(np.datetime64(EXAMPLE, "m"), scaling)
    count = len(table.times) - scaling.lookback
    return Window(
        table, scaling, _numbered(table, scaling, (count + 1) // 2) if row is None else row
    )


def _when(stored: StoredModel, text: str) -> np.datetime64:
    for form in FORMS:
        try:
            return np.datetime64(datetime.strptime(text, form), "m")
        except ValueError:
            continue
    shown = text if len(text) <= 60 else text[:59] + "…"
    raise UsageError(
        f"{stored.name} reads a series, and {shown!r} names no moment of it. Type when the "
        f'forecast is made,\nfor example "{EXAMPLE}", or the number of a window: 1, 2 …'
    )


def _numbered(table: Table, scaling: Scaling, n: int) -> int:
    count = len(table.times) - scaling.lookback
    if not 1 <= n <= count:
        raise UsageError(
            f"There is no window {n}: {table.name} has windows 1 to {max(count, 0):,}."
        )
    return scaling.lookback + n - 1


class Table:
    """A table of the station: measurements (N, D), their times (N), the file's name."""

    def __init__(self, path: Path) -> None:
        self.series: JenaSeries = _read(path, path.stat().st_mtime_ns)
        self.name, self.times = path.name, self.series.times

    def column(self, name: str) -> Array:
        """A column by its name (N); UsageError if the table has none of that name."""
        if name not in self.series.columns:
            raise UsageError(f"The model reads {name!r}, and {self.name} has no such column.")
        return np.asarray(self.series.data[:, self.series.columns.index(name)])

    def scaling(self, scaling: Scaling) -> Scaling:
        """The model's scaling for rows of this table; UsageError if its windows do not fit."""
        try:
            return scaling.at_interval(self.series.interval)
        except ValueError as error:
            raise UsageError(f"The model cannot read {self.name}: {error}.") from error

    def row_of(self, when: np.datetime64, scaling: Scaling) -> int | None:
        """The row nearest to a moment, with a window before it; None where there is none."""
        moments = self.times[scaling.lookback :]
        half = np.timedelta64(self.series.interval, "m") // 2
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
            return f"{self.name}: never, it is too short"
        return f"{self.name}: from {_time_text(moments[0])} to {_time_text(moments[-1])}"


@lru_cache(maxsize=3)
def _read(path: Path, changed: int) -> JenaSeries:
    with data_errors("jena"):
        return read_jena(path, repair=not is_published(path))


def _tables(data: str | Path | None, package_first: bool = False) -> Iterator[Table]:
    """The tables of a folder; without one those of the folder in use, and the package's."""
    folder = require_folder(data) if data else requested_folder(None)
    files = jena_files(folder)
    if data and not files:
        raise MissingError(
            f"There is no jena*.csv in {folder}. Get one: rnnviz data fetch jena, "
            f"or use the table in the package: --data {SAMPLE}"
        )
    if not data:
        own = jena_files(requested_folder(SAMPLE))
        named = {path.name for path in files}
        others = [path for path in own if path.name not in named]
        files = [*own, *files] if package_first else [*files, *others]
    return (Table(path) for path in files)


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
        return tuple(_time_text(time)[5:] for time in self.table.times[self.rows])

    @property
    def moment(self) -> str:
        """When the forecast is made."""
        return _time_text(self.table.times[self.row])

    def record(self, test: SpanErrors | None = None) -> SeriesTrace:
        """Its data for a trace; ``test`` belongs to the model."""
        scaling, times, row = self.scaling, self.table.times, self.row
        target = self.table.column(scaling.columns[scaling.target])
        goal = row + scaling.delay
        minutes = scaling.delay * np.timedelta64(scaling.interval, "m")
        in_table = goal < len(times)
        return SeriesTrace(
            columns=scaling.columns,
            mean=scaling.mean,
            std=scaling.std,
            target=scaling.target,
            times=tuple(_time_text(time) for time in times[self.rows]),
            moment=self.moment,
            foreseen=_time_text(times[goal] if in_table else times[row] + minutes),
            ahead=scaling.delay // scaling.step + 1,
            after=tuple(target[row : goal : scaling.step].tolist()),
            truth=float(target[goal]) if in_table else None,
            source=self.table.name,
            test=test,
        )
