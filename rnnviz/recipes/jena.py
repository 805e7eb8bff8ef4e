"""The lecture's forecasts: the temperature of tomorrow from ten days of weather.

Data: the weather station of the Max Planck Institute for Biogeochemistry, Jena; its pages mark the
data CC BY 4.0. The usual table, ``jena_climate_2009_2016.csv`` with 420,551 rows, was prepared by
F. Chollet for "Deep Learning with Python", 2018.

Published, mean absolute error in deviations of the temperature, best of the printed validation:
.2897 for "tomorrow is as today", .299 dense, .264 GRU, .262 with dropout, .263 two layers, .262
bidirectional, .399 reversed (notebook 6.3). Those GRUs had one bias a gate (reset_after=False,
4,545 parameters with the head) and hard sigmoids; Keras's GRU of today, which these recipes
train, has two (4,641).

What differs: on any other file of the station the three parts of the rows are scaled to its
length, values of -9999 are replaced and repeated times dropped, and every result names the file.
The last reading in a window is an hour older than the row it belongs to, as in the source, so
"today" is 25 hours before what is foreseen.
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
#: Batches an epoch draws of the published table.
DRAWN: Final = 500
#: Where training and validation end in the published table.
TRAINING, VALIDATION = 200_000, 300_000

Say = Callable[[str], None]
#: Where the parts of a number of rows lie: once in the table, or several times.
Split = Callable[[int], "list[Parts]"]


class Parts(NamedTuple):
    """Where each part of the rows begins and ends (the end is not in it)."""

    training: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]


def parts(rows: int) -> Parts:
    """The published parts for 420,551 rows, and the same shares of any other number.

    The source leaves out the row between two parts; its test ends a delay and a row before the
    table does. UsageError if a part has no batch of windows in it.
    """
    first, second = (round(end * rows / PUBLISHED_ROWS) for end in (TRAINING, VALIDATION))
    found = Parts((0, first), (first + 1, second), (second + 1, rows - DELAY - 1))
    if any(end - start < LOOKBACK + BATCH for start, end in found):
        raise UsageError(
            f"{rows:,} rows are too few: ten days of readings and a batch of forecasts in each of "
            "three parts take about 6,700."
        )
    return found


def quarters(rows: int) -> list[Parts]:
    """The same three shares of each quarter of the table: every part has seen every season."""
    edges = [round(n * rows / 4) for n in range(5)]
    return [
        Parts(*((first + start, first + end) for start, end in parts(stop - first)))
        for first, stop in pairwise(edges)
    ]


def prepare(
    folder: Path, limit: int | None, seed: int, say: Say, *,
    reverse: bool = False, split: Split = lambda rows: [parts(rows)], called: str = "",
) -> Task:  # fmt: skip
    """Read the table that is there, scale it by its training rows, and lay out the windows.

    ``limit`` is a number of rows, ``called`` says how ``split`` differs from the published one.
    MissingError, InvalidFileError, or UsageError for too few rows.
    """
    with data_errors("jena"):
        path = jena_file(folder)
        say(f"Reading {path.relative_to(folder).as_posix()} from {folder}")
        series = read_jena(path, repair=not is_published(path))
        hashes = {path.relative_to(folder).as_posix(): sha256(path)}
        values = series.data[:limit]
        found = _parts(split, len(values), len(series), path)
        scaling = Scaling.of(
            np.concatenate([values[slice(*p.training)] for p in found]), COLUMNS,
            lookback=LOOKBACK, step=STEP, delay=DELAY, target=TEMPERATURE, reverse=reverse,
        )  # fmt: skip
    drawn = BATCH * _batches(len(values))
    train = Windows(
        scaling.apply(values), LOOKBACK, STEP, DELAY, TEMPERATURE, reverse=reverse, draws=drawn,
        draw_from=tuple((p.training[0] + LOOKBACK, p.training[1]) for p in found),
    )  # fmt: skip
    valid = replace(train, rows=np.concatenate([_rows(*p.validation) for p in found]))
    test = replace(train, rows=np.concatenate([_rows(*p.test) for p in found]))
    named = _scaled(len(values)) + called
    return Task(
        encoder=scaling,
        labels=(COLUMNS[TEMPERATURE],),
        draw=lambda epoch, rng: train,
        valid=valid,
        test=test,
        files=hashes,
        preparation={
            "rows": len(values),
            "training rows": _listed([p.training for p in found]),
            "validation rows": _listed([p.validation for p in found]),
            "test rows": _listed([p.test for p in found]),
            "split": "as published" if len(values) == PUBLISHED_ROWS and not called else named,
            "windows an epoch": len(train),
            "batches an epoch": len(train) // BATCH,
            "validation windows": len(valid),
            "test windows": len(test),
            **_flaws(series),
        },
        trained_on=_named(folder, series, len(values)),
        licence="Trained on measurements of the Max Planck Institute for Biogeochemistry, Jena "
        "(www.bgc-jena.mpg.de/wetter), marked CC BY 4.0 there: name the institute.",
    )


def _parts(split: Split, taken: int, rows: int, path: Path) -> list[Parts]:
    """The parts of the rows that are taken; ValueError where the table has too few of them."""
    try:
        return split(taken)
    except UsageError as error:
        if taken < rows:  # a limit is to blame
            raise
        raise ValueError(f"{path}: {error}") from error


def _listed(stretches: list[tuple[int, int]]) -> list[Any]:
    return list(stretches[0]) if len(stretches) == 1 else [list(s) for s in stretches]


def _batches(rows: int) -> int:
    """Batches of an epoch: of a shorter table as many passes over it as of the published one."""
    return min(DRAWN, max(1, round(DRAWN * rows / PUBLISHED_ROWS)))


def _rows(first: int, end: int) -> Array:
    count = (end - first - LOOKBACK) // BATCH
    return sequential_rows(first + LOOKBACK, end, BATCH, count)


def _scaled(rows: int) -> str:
    return f"scaled by {rows:,}/{PUBLISHED_ROWS:,}"


def _flaws(series: JenaSeries) -> dict[str, int | bool]:
    return {
        "values of -9999": series.sentinels,
        "repeated times": series.repeats,
        "gaps": series.gaps,
        "missing rows": series.missing,
        "repaired": series.repaired,
    }


def _named(folder: Path, series: JenaSeries, rows: int) -> str:
    # A reading at midnight belongs to the ten minutes before.
    ends = series.times[[0, rows - 1]] - np.timedelta64(10, "m")
    years = "–".join(dict.fromkeys(str(end)[:4] for end in ends))
    if is_sample(folder):
        return f"Jena sample ({rows:,} rows of {years}), split scaled"
    return f"Jena {years}" + ("" if rows == PUBLISHED_ROWS else ", split scaled")


def as_today(examples: Examples) -> dict[str, float]:
    """How wrong "tomorrow is as today" is: the last reading of each window against its target."""
    off = [np.abs(x[-1, :, TEMPERATURE] - y) for x, y, _ in examples.batches(BATCH)]
    mae = float(np.concatenate(off).astype(np.float64).mean())
    return {"loss": mae, "mae": mae}


# -- the recipes --------------------------------------------------------------------------------

PROTOCOL = "Jena 2009–2016, 240 hourly readings, a day ahead; batches of 128"
RULES: tuple[str, ...] = (
    "Of another table than that of 2009 to 2016 the rows are split in the same shares, and an "
    "epoch draws as large a part of them: 63 batches instead of 500 from a year.",
    "The last reading of a window is an hour before its row, so the forecast is 25 hours ahead.",
    "In a year or less of rows the validation falls into another season than the training, and a "
    'net can do worse than the naive forecast. The variant "quarters" makes the same three parts '
    "of each quarter of the table.",
)
ONE_BIAS = (
    "The published GRU had one bias a gate (reset_after=False): 4,545 parameters with 32 units, "
    "where this one, as Keras makes it today, has 4,641."
)


QUARTERS = {"quarters": partial(prepare, split=quarters, called=" in each quarter")}
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
#: The slides take the dense net and the baseline from the same notebook.
FORECAST = _recipe("jena-gru", "GRU(32)", (GRU,), 20, (0.264, f"{BOOK}, epoch 6"), ONE_BIAS)

RECIPES = (
    replace(
        FORECAST, name="jena-naive", title="tomorrow is as today", model=None, baseline=as_today,
        fit=FitSpec(1, BATCH, monitor="loss"), published=Published("mae", 0.2897, BOOK),
        sample={}, notes=RULES,
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
