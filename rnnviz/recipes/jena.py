"""The lecture's forecasts: tomorrow's temperature from ten days of weather.

Data: the weather station of the Max Planck Institute for Biogeochemistry, Jena; its pages mark the
data CC BY 4.0. The usual table, ``jena_climate_2009_2016.csv`` with 420,551 rows of 14 columns, was
prepared by F. Chollet for "Deep Learning with Python", 2018. The package has one row an hour of it
and 12 columns.

Published, mean absolute error in deviations of the temperature, best of the printed validation:
.2897 for "tomorrow is as today", .299 dense, .264 GRU, .262 with dropout, .263 two layers, .262
bidirectional, .399 reversed (notebook 6.3). Those GRUs had one bias a gate (reset_after=False,
4,545 parameters with the head) and hard sigmoids; Keras's GRU of today, which these recipes
train, has two (4,641).

Differences: the hourly table has every sixth row, so a window has all rows of ten days instead of
every sixth, and the published row numbers are divided by six. For any other file of the station the
three parts of the rows are scaled to its length, values of -9999 are replaced and repeated times
dropped. Every result names the file. The last reading in a window is an hour older than the row it
belongs to, as in the source, so "today" is 25 hours before the forecast time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Examples, Windows
from rnnviz.data.folders import data_errors, sha256
from rnnviz.data.jena import (
    COLUMNS,
    HOURLY_COLUMNS,
    HOURLY_ROWS,
    PUBLISHED_ROWS,
    TEMPERATURE,
    JenaSeries,
    is_published,
    jena_file,
    jena_folder,
    read_jena,
)
from rnnviz.data.series import Scaling, sequential_rows
from rnnviz.engine.spec import FitSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _
from rnnviz.recipes import Published, Recipe, Task

#: The hours of a window, and from its end to the time that is forecast.
WINDOW_HOURS, FORECAST_HOURS = 240, 24
BATCH = 128
#: Batches per epoch for the published table.
BATCHES_PER_EPOCH: Final = 500
#: The rows where training and validation end in the published table.
TRAINING_END, VALIDATION_END = 200_000, 300_000
#: Keys of a run's preparation: the naive forecast's errors in deviations, and the the times
#: where the test part begins and ends.
AS_TODAY, TEST_SPAN = "as today", "test span"
#: The minutes between the rows of the published table.
PUBLISHED_INTERVAL: Final = 10

Say = Callable[[str], None]
#: Splits a number of rows, some minutes apart, into ranges: one RowRanges, or several of them.
Split = Callable[[int, int], "list[RowRanges]"]


class RowRanges(NamedTuple):
    """The rows [start, end) of each part."""

    training: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]


def rows_per_hour(interval: int) -> int:
    """The number of rows in an hour; ValueError if an hour is no whole number of intervals."""
    if 60 % interval:
        raise ValueError(
            _(
                "its rows are {interval} minutes apart, and a reading every hour is needed: an "
                "hour must be a whole number of rows"
            ).format(interval=interval)
        )
    return 60 // interval


def row_ranges(rows: int, interval: int = PUBLISHED_INTERVAL) -> RowRanges:
    """The published ranges for the published and the hourly table; the same shares of any other.

    ``interval``: minutes between rows. The source skips the row between two parts, and the test
    part ends a row before the last one that has a target. Raises UsageError if a part is too short
    for a batch of windows.
    """
    hour = rows_per_hour(interval)
    if (rows, hour) == (HOURLY_ROWS, 1):
        first, second = TRAINING_END // 6, VALIDATION_END // 6
    else:
        first, second = (
            round(end * rows / PUBLISHED_ROWS) for end in (TRAINING_END, VALIDATION_END)
        )
    ranges = RowRanges(
        (0, first), (first + 1, second), (second + 1, rows - FORECAST_HOURS * hour - 1)
    )
    least = WINDOW_HOURS * hour + BATCH
    if any(end - start < least for start, end in ranges):
        share = (VALIDATION_END - TRAINING_END) / PUBLISHED_ROWS  # of the shortest part
        needed = math.ceil(least / share / 100) * 100
        raise UsageError(
            _(
                "{rows:,} rows are too few: ten days of readings and a batch of forecasts in each "
                "of three parts take about {needed:,}."
            ).format(rows=rows, needed=needed)
        )
    return ranges


def quarters(rows: int, interval: int = PUBLISHED_INTERVAL) -> list[RowRanges]:
    """The same three shares of each quarter of the table, so that each part has all seasons."""
    edges = [round(n * rows / 4) for n in range(5)]
    return [
        RowRanges(
            *((first + start, first + end) for start, end in row_ranges(stop - first, interval))
        )
        for first, stop in pairwise(edges)
    ]


def prepare(
    folder: Path, limit: int | None, seed: int, say: Say, *,
    reverse: bool = False, split: Split = lambda *table: [row_ranges(*table)], split_note: str = "",
) -> Task:  # fmt: skip
    """Read the table in the folder, scale it by its training rows, and define the windows.

    ``limit`` is a number of rows; ``split_note`` says how ``split`` differs from the published
    one. Raises MissingError, InvalidFileError, or UsageError for too few rows.
    """
    with data_errors("jena"):
        path = jena_file(folder)
        say(
            _("Reading {names} from {folder}").format(
                names=path.relative_to(folder).as_posix(), folder=folder
            )
        )
        series = read_jena(path, repair=not is_published(path))
        hashes = {path.relative_to(folder).as_posix(): sha256(path)}
        values = series.data[:limit]
        ranges = _split_rows(split, len(values), series, path)
        hour = rows_per_hour(series.interval)
        scaling = Scaling.of(
            np.concatenate([values[slice(*r.training)] for r in ranges]), series.columns,
            lookback=WINDOW_HOURS * hour, step=hour, delay=FORECAST_HOURS * hour,
            target=TEMPERATURE, reverse=reverse, interval=series.interval,
        )  # fmt: skip
    lookback = scaling.lookback
    evaluated = partial(_window_rows, whole_batches=len(values) == PUBLISHED_ROWS)
    train = Windows(
        scaling.apply(values), lookback, scaling.step, scaling.delay, TEMPERATURE, reverse=reverse,
        draws=BATCH * _batches_per_epoch(len(values) / hour),
        draw_from=tuple((r.training[0] + lookback, r.training[1]) for r in ranges),
    )  # fmt: skip
    valid, test = (
        replace(train, rows=np.concatenate([evaluated(*rows, lookback) for rows in part]))
        for part in ([r.validation for r in ranges], [r.test for r in ranges])
    )
    used = _description(series, len(values))
    if split_note or not used.published:
        described_split = f"scaled by {len(values):,}/{PUBLISHED_ROWS:,}{split_note}"
    else:
        described_split = "as published" if hour > 1 else "as published, divided by six"
    return Task(
        encoder=scaling,
        labels=(COLUMNS[TEMPERATURE],),
        draw=lambda epoch, rng: train,
        valid=valid,
        test=test,
        files=hashes,
        preparation={
            "rows": len(values),
            "training rows": _ranges_json([r.training for r in ranges]),
            "validation rows": _ranges_json([r.validation for r in ranges]),
            "test rows": _ranges_json([r.test for r in ranges]),
            TEST_SPAN: [str(series.times[row]) for row in (ranges[0].test[0], ranges[-1].test[1])],
            "minutes between rows": series.interval,
            "columns": len(series.columns),
            "split": described_split,
            "windows an epoch": len(train),
            "batches an epoch": len(train) // BATCH,
            "validation windows": len(valid),
            "test windows": len(test),
            AS_TODAY: {"validation": naive_mae(valid), "test": naive_mae(test)},
            **_flaws(series),
        },
        trained_on=used.text,
        licence="Trained on measurements of the Max Planck Institute for Biogeochemistry, Jena "
        "(www.bgc-jena.mpg.de/wetter), marked CC BY 4.0 there: name the institute.",
    )


def _split_rows(split: Split, used: int, series: JenaSeries, path: Path) -> list[RowRanges]:
    """Split the ``used`` of a table's rows; ValueError if the table itself is too short."""
    try:
        return split(used, series.interval)
    except UsageError as error:
        if used < len(series):  # the limit is the cause
            raise
        raise ValueError(f"{path}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _ranges_json(ranges: list[tuple[int, int]]) -> list[Any]:
    return list(ranges[0]) if len(ranges) == 1 else [list(r) for r in ranges]


def _batches_per_epoch(hours: float) -> int:
    """Batches per epoch, in proportion to the hours: as many passes as over the published table."""
    published = PUBLISHED_ROWS / rows_per_hour(PUBLISHED_INTERVAL)
    return min(BATCHES_PER_EPOCH, max(1, round(BATCHES_PER_EPOCH * hours / published)))


def _window_rows(first: int, end: int, lookback: int, *, whole_batches: bool = False) -> Array:
    """The rows of a part that have a window; ``whole_batches``: as the source's generator does."""
    if not whole_batches:
        return np.arange(first + lookback, end)
    return sequential_rows(first + lookback, end, BATCH, (end - first - lookback) // BATCH)


def _flaws(series: JenaSeries) -> dict[str, int | bool]:
    return {
        "values of -9999": series.sentinels,
        "repeated times": series.repeats,
        "gaps": series.gaps,
        "missing rows": series.missing,
        "repaired": series.repaired,
    }


class _Description(NamedTuple):
    """The rows that are used, in words, and whether they are one of the two whole tables."""

    text: str
    published: bool


def _description(series: JenaSeries, rows: int) -> _Description:
    # A reading at midnight belongs to the ten minutes before.
    ends = series.times[[0, rows - 1]] - np.timedelta64(10, "m")
    parts = ["Jena " + "–".join(dict.fromkeys(str(end)[:4] for end in ends))]
    if series.interval != PUBLISHED_INTERVAL:
        hourly = series.interval == 60
        every = N_("a row every {interval} minutes").format(interval=series.interval)
        parts.append(N_("one row an hour") if hourly else every)
    if len(series.columns) < len(COLUMNS):
        of_all = N_("{count} of {total} columns")
        parts.append(of_all.format(count=len(series.columns), total=len(COLUMNS)))
    whole = {PUBLISHED_INTERVAL: PUBLISHED_ROWS, 60: HOURLY_ROWS}.get(series.interval) == rows
    if rows < len(series):
        parts.append(N_("the first {rows:,} rows").format(rows=rows))
    if not whole:
        parts.append("split scaled")
    return _Description(", ".join(parts), whole)


def naive_mae(examples: Windows) -> float:
    """The mean absolute error of "tomorrow is as today": the last reading as the forecast."""
    rows = examples.order()
    newest = rows + examples.offsets.max()
    target = examples.data[:, examples.target].astype(np.float64)
    return float(np.abs(target[newest] - target[rows + examples.delay]).mean())


def naive_forecast(examples: Examples) -> dict[str, float]:
    """The metrics of "tomorrow is as today"."""
    assert isinstance(examples, Windows)
    mae = naive_mae(examples)
    return {"loss": mae, "mae": mae}


# -- the recipes --------------------------------------------------------------------------------

PROTOCOL = N_("Jena 2009–2016, 240 hourly readings, a day ahead; batches of 128")
RULES: tuple[str, ...] = (
    N_(
        "The table in the package has one row an hour and 12 of the 14 columns; the published row "
        "numbers are divided by six: training to row 33,333, validation to 50,000, test the rest. "
        "The published table of ten-minute rows is used instead where it is in the data folder."
    ),
    N_(
        "Other tables of the station are split in the same shares, and an epoch draws the same "
        "share of their rows: 63 batches instead of 500 for a year."
    ),
    N_(
        "The last reading of a window is an hour before its row, so the forecast is 25 hours ahead."
    ),
    N_(
        "In a table of a year or less, validation and training are in different seasons, and a net "
        'can do worse than the naive forecast. The variant "quarters" splits each quarter of the '
        "table into the same three parts."
    ),
)
ONE_BIAS = N_(
    "The published GRU had one bias per gate (reset_after=False): 4,545 parameters with 32 units; "
    "this one, as in today's Keras, has 4,641."
)


QUARTERS = {"quarters": partial(prepare, split=quarters, split_note=" in each quarter")}
REVERSED = {"quarters": partial(QUARTERS["quarters"], reverse=True)}


def _model(layers: tuple[RecurrentSpec, ...], size: int) -> ModelSpec:
    return ModelSpec(SeriesSpec(size), layers, HeadSpec("linear", 1))


def _dense(size: int) -> ModelSpec:
    return ModelSpec(SeriesSpec(size, steps=WINDOW_HOURS), (), HeadSpec("linear", 1, hidden=32))


def _recipe(
    name: str, title: str, net: tuple[RecurrentSpec, ...], epochs: int,
    published: tuple[float | None, str], *notes: str,
) -> Recipe:  # fmt: skip
    value, source = published
    return Recipe(
        name=name,
        title=title,
        model=partial(_model, net),
        fit=FitSpec(epochs, BATCH, "rmsprop-2017", 1e-3, monitor="loss"),
        prepare=prepare,
        data=PROTOCOL,
        published=Published("mae", value, source),
        size=len(COLUMNS),
        package_size=HOURLY_COLUMNS,
        data_folder=jena_folder,
        example="",
        variants=QUARTERS,
        notes=(*RULES, *notes),
    )


BOOK = N_("Chollet 2018, notebook 6.3")
GRU, LSTM = RecurrentSpec("gru", 32), RecurrentSpec("lstm", 32)
DROPPED = replace(GRU, dropout=0.2, recurrent_dropout=0.2)
STACK = (
    replace(GRU, dropout=0.1, recurrent_dropout=0.5),
    RecurrentSpec("gru", 64, dropout=0.1, recurrent_dropout=0.5, activation="relu"),
)
FORECAST = _recipe(
    "jena-gru", "GRU(32)", (GRU,), 20, (0.264, N_("Chollet 2018, notebook 6.3, epoch 6")), ONE_BIAS
)

RECIPES = (
    replace(
        FORECAST, name="jena-naive", title=N_("tomorrow is as today"), model=None,
        baseline=naive_forecast, fit=FitSpec(1, BATCH, monitor="loss"),
        published=Published("mae", 0.2897, BOOK), notes=RULES,
    ),
    replace(
        FORECAST, name="jena-dense", title="Flatten → Dense(32, relu)", model=_dense,
        published=Published("mae", 0.299, N_("Chollet 2018, notebook 6.3, epoch 2")), notes=RULES,
    ),
    FORECAST,
    _recipe("jena-lstm", "LSTM(32)", (LSTM,), 20, (None, N_("not in the book"))),
    _recipe("jena-gru-dropout", N_("GRU(32), dropout .2, recurrent .2"), (DROPPED,), 40,
            (0.262, N_("Chollet 2018, notebook 6.3, epoch 33")), ONE_BIAS),
    _recipe("jena-stacked", N_("GRU(32) → GRU(64, relu), dropout .1, recurrent .5"), STACK, 40,
            (0.263, N_("Chollet 2018, notebook 6.3, epoch 16")), ONE_BIAS),
    _recipe("jena-bigru", N_("Bidirectional GRU(32)"), (replace(GRU, bidirectional=True),), 40,
            (0.262, N_("Chollet 2018, notebook 6.3, epoch 4")), ONE_BIAS),
    _recipe("jena-bilstm", N_("Bidirectional LSTM(32)"), (replace(LSTM, bidirectional=True),), 40,
            (None, N_("not in the book"))),
    replace(
        FORECAST, name="jena-reversed", title=N_("GRU(32) on reversed windows"),
        prepare=partial(prepare, reverse=True), variants=REVERSED,
        published=Published("mae", 0.399, BOOK),
    ),
)  # fmt: skip
