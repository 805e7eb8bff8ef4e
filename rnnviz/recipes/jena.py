"""The lecture's forecasts: tomorrow's temperature from ten days of weather.

Data: the weather station of the Max Planck Institute for Biogeochemistry, Jena; its pages mark the
data CC BY 4.0. The usual table, ``jena_climate_2009_2016.csv`` with 420,551 rows, was prepared by
F. Chollet for "Deep Learning with Python", 2018.

Published, mean absolute error in deviations of the temperature, best of the printed validation:
.2897 for "tomorrow is as today", .299 dense, .264 GRU, .262 with dropout, .263 two layers, .262
bidirectional, .399 reversed (notebook 6.3). Those GRUs had one bias a gate (reset_after=False,
4,545 parameters with the head) and hard sigmoids; Keras's GRU of today, which these recipes
train, has two (4,641).

Differences: for any other file of the station, the three parts of the rows are scaled to its
length, values of -9999 are replaced and repeated times dropped, and every result names the file.
The last reading in a window is an hour older than the row it belongs to, as in the source, so
"today" is 25 hours before the forecast time.
"""

from __future__ import annotations

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
    PUBLISHED_ROWS,
    TEMPERATURE,
    JenaSeries,
    is_published,
    jena_file,
    read_jena,
)  # fmt: skip
from rnnviz.data.series import Scaling, sequential_rows
from rnnviz.engine.spec import FitSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.recipes import Published, Recipe, Task, is_sample

LOOKBACK, STEP, DELAY, BATCH = 1440, 6, 144, 128
STEPS: Final = LOOKBACK // STEP
#: Batches per epoch for the published table.
BATCHES_PER_EPOCH: Final = 500
#: The rows where training and validation end in the published table.
TRAINING_END, VALIDATION_END = 200_000, 300_000

Say = Callable[[str], None]
#: Splits a number of rows into ranges: one RowRanges, or several of them.
Split = Callable[[int], "list[RowRanges]"]


class RowRanges(NamedTuple):
    """The rows [start, end) of each part."""

    training: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]


def row_ranges(rows: int) -> RowRanges:
    """The published ranges for 420,551 rows, and the same shares of any other number.

    The source skips the row between two parts, and the test part ends ``DELAY + 1`` rows before
    the table. Raises UsageError if a part is too short for a batch of windows.
    """
    first, second = (round(end * rows / PUBLISHED_ROWS) for end in (TRAINING_END, VALIDATION_END))
    ranges = RowRanges((0, first), (first + 1, second), (second + 1, rows - DELAY - 1))
    if any(end - start < LOOKBACK + BATCH for start, end in ranges):
        raise UsageError(
            f"{rows:,} rows are too few: ten days of readings and a batch of forecasts in each of "
            "three parts take about 6,700."
        )
    return ranges


def quarters(rows: int) -> list[RowRanges]:
    """The same three shares of each quarter of the table, so that each part has all seasons."""
    edges = [round(n * rows / 4) for n in range(5)]
    return [
        RowRanges(*((first + start, first + end) for start, end in row_ranges(stop - first)))
        for first, stop in pairwise(edges)
    ]


def prepare(
    folder: Path, limit: int | None, seed: int, say: Say, *,
    reverse: bool = False, split: Split = lambda rows: [row_ranges(rows)], split_note: str = "",
) -> Task:  # fmt: skip
    """Read the table in the folder, scale it by its training rows, and define the windows.

    ``limit`` is a number of rows; ``split_note`` says how ``split`` differs from the published
    one. Raises MissingError, InvalidFileError, or UsageError for too few rows.
    """
    with data_errors("jena"):
        path = jena_file(folder)
        say(f"Reading {path.relative_to(folder).as_posix()} from {folder}")
        series = read_jena(path, repair=not is_published(path))
        hashes = {path.relative_to(folder).as_posix(): sha256(path)}
        values = series.data[:limit]
        ranges = _split_rows(split, len(values), len(series), path)
        scaling = Scaling.of(
            np.concatenate([values[slice(*r.training)] for r in ranges]), COLUMNS,
            lookback=LOOKBACK, step=STEP, delay=DELAY, target=TEMPERATURE, reverse=reverse,
        )  # fmt: skip
    draws = BATCH * _batches_per_epoch(len(values))
    train = Windows(
        scaling.apply(values), LOOKBACK, STEP, DELAY, TEMPERATURE, reverse=reverse, draws=draws,
        draw_from=tuple((r.training[0] + LOOKBACK, r.training[1]) for r in ranges),
    )  # fmt: skip
    valid = replace(train, rows=np.concatenate([_window_rows(*r.validation) for r in ranges]))
    test = replace(train, rows=np.concatenate([_window_rows(*r.test) for r in ranges]))
    scaled_split = f"scaled by {len(values):,}/{PUBLISHED_ROWS:,}{split_note}"
    as_published = len(values) == PUBLISHED_ROWS and not split_note
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
            "split": "as published" if as_published else scaled_split,
            "windows an epoch": len(train),
            "batches an epoch": len(train) // BATCH,
            "validation windows": len(valid),
            "test windows": len(test),
            **_flaws(series),
        },
        trained_on=_trained_on(folder, series, len(values)),
        licence="Trained on measurements of the Max Planck Institute for Biogeochemistry, Jena "
        "(www.bgc-jena.mpg.de/wetter), marked CC BY 4.0 there: name the institute.",
    )


def _split_rows(split: Split, used: int, rows: int, path: Path) -> list[RowRanges]:
    """Split the ``used`` of a table's ``rows``; ValueError if the table itself is too short."""
    try:
        return split(used)
    except UsageError as error:
        if used < rows:  # the limit is the cause
            raise
        raise ValueError(f"{path}: {error}") from error


def _ranges_json(ranges: list[tuple[int, int]]) -> list[Any]:
    return list(ranges[0]) if len(ranges) == 1 else [list(r) for r in ranges]


def _batches_per_epoch(rows: int) -> int:
    """Batches per epoch, in proportion to the rows: as many passes as over the published table."""
    return min(BATCHES_PER_EPOCH, max(1, round(BATCHES_PER_EPOCH * rows / PUBLISHED_ROWS)))


def _window_rows(first: int, end: int) -> Array:
    count = (end - first - LOOKBACK) // BATCH
    return sequential_rows(first + LOOKBACK, end, BATCH, count)


def _flaws(series: JenaSeries) -> dict[str, int | bool]:
    return {
        "values of -9999": series.sentinels,
        "repeated times": series.repeats,
        "gaps": series.gaps,
        "missing rows": series.missing,
        "repaired": series.repaired,
    }


def _trained_on(folder: Path, series: JenaSeries, rows: int) -> str:
    # A reading at midnight belongs to the ten minutes before.
    ends = series.times[[0, rows - 1]] - np.timedelta64(10, "m")
    years = "–".join(dict.fromkeys(str(end)[:4] for end in ends))
    if is_sample(folder):
        return f"Jena sample ({rows:,} rows of {years}), split scaled"
    return f"Jena {years}" + ("" if rows == PUBLISHED_ROWS else ", split scaled")


def naive_forecast(examples: Examples) -> dict[str, float]:
    """The error of "tomorrow is as today": the last reading of each window as its forecast."""
    errors = [np.abs(x[-1, :, TEMPERATURE] - y) for x, y, _ in examples.batches(BATCH)]
    mae = float(np.concatenate(errors).astype(np.float64).mean())
    return {"loss": mae, "mae": mae}


# -- the recipes --------------------------------------------------------------------------------

PROTOCOL = "Jena 2009–2016, 240 hourly readings, a day ahead; batches of 128"
RULES: tuple[str, ...] = (
    "Other tables than that of 2009 to 2016 are split in the same shares, and an epoch draws the "
    "same share of their rows: 63 batches instead of 500 for a year.",
    "The last reading of a window is an hour before its row, so the forecast is 25 hours ahead.",
    "In a table of a year or less, validation and training are in different seasons, and a net "
    'can do worse than the naive forecast. The variant "quarters" splits each quarter of the table '
    "into the same three parts.",
)
ONE_BIAS = (
    "The published GRU had one bias per gate (reset_after=False): 4,545 parameters with 32 units; "
    "this one, as in today's Keras, has 4,641."
)


QUARTERS = {"quarters": partial(prepare, split=quarters, split_note=" in each quarter")}
REVERSED = {"quarters": partial(QUARTERS["quarters"], reverse=True)}


def _model(layers: tuple[RecurrentSpec, ...], size: int) -> ModelSpec:
    return ModelSpec(SeriesSpec(size), layers, HeadSpec("linear", 1))


def _dense(size: int) -> ModelSpec:
    return ModelSpec(SeriesSpec(size, steps=STEPS), (), HeadSpec("linear", 1, hidden=32))


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
        example="",
        sample={"epochs": 3},
        variants=QUARTERS,
        notes=(*RULES, *notes),
    )


BOOK = "Chollet 2018, notebook 6.3"
GRU, LSTM = RecurrentSpec("gru", 32), RecurrentSpec("lstm", 32)
DROPPED = replace(GRU, dropout=0.2, recurrent_dropout=0.2)
STACK = (
    replace(GRU, dropout=0.1, recurrent_dropout=0.5),
    RecurrentSpec("gru", 64, dropout=0.1, recurrent_dropout=0.5, activation="relu"),
)
FORECAST = _recipe("jena-gru", "GRU(32)", (GRU,), 20, (0.264, f"{BOOK}, epoch 6"), ONE_BIAS)

RECIPES = (
    replace(
        FORECAST, name="jena-naive", title="tomorrow is as today", model=None,
        baseline=naive_forecast, fit=FitSpec(1, BATCH, monitor="loss"),
        published=Published("mae", 0.2897, BOOK), sample={}, notes=RULES,
    ),
    replace(
        FORECAST, name="jena-dense", title="Flatten → Dense(32, relu)", model=_dense,
        published=Published("mae", 0.299, f"{BOOK}, epoch 2"), notes=RULES,
    ),
    FORECAST,
    _recipe("jena-lstm", "LSTM(32)", (LSTM,), 20, (None, "not in the book")),
    _recipe("jena-gru-dropout", "GRU(32), dropout .2, recurrent .2", (DROPPED,), 40,
            (0.262, f"{BOOK}, epoch 33"), ONE_BIAS),
    _recipe("jena-stacked", "GRU(32) → GRU(64, relu), dropout .1, recurrent .5", STACK, 40,
            (0.263, f"{BOOK}, epoch 16"), ONE_BIAS),
    _recipe("jena-bigru", "Bidirectional GRU(32)", (replace(GRU, bidirectional=True),), 40,
            (0.262, f"{BOOK}, epoch 4"), ONE_BIAS),
    _recipe("jena-bilstm", "Bidirectional LSTM(32)", (replace(LSTM, bidirectional=True),), 40,
            (None, "not in the book")),
    replace(
        FORECAST, name="jena-reversed", title="GRU(32) on reversed windows",
        prepare=partial(prepare, reverse=True), variants=REVERSED,
        published=Published("mae", 0.399, BOOK),
    ),
)  # fmt: skip
