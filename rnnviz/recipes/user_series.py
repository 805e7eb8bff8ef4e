"""The net that ``rnnviz train FILE --series COLUMN`` trains: a forecast from a table of numbers.

A window of ``lookback`` rows of all numeric columns gives the value of one column ``horizon`` rows
after its last row. The rows are split in the order of time: training, validation, test. Columns are
standardized by the training rows. Beside the error stands that of the naive forecast, that the last
value stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.data.batches import Windows
from rnnviz.data.folders import sha256
from rnnviz.data.series import Scaling
from rnnviz.data.user_tables import few_rows, read_user_table
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.data.user_tables.measurements import Measurements, read_measurements
from rnnviz.engine.spec import FitSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.messages import N_, _
from rnnviz.recipes import Recipe, Task
from rnnviz.recipes.jena import AS_TODAY, naive_mae

#: Windows of an epoch at most, updates of a training, and limits of its epochs.
WINDOWS: Final = 20_000
UPDATES: Final = 2_000
EPOCHS: Final = (5, 60)
BATCH: Final = 64
#: Windows that each part needs.
LEAST: Final = 8

Say = Callable[[str], None]


def measurements_of(choice: TableChoice, folder: Path) -> Measurements:
    """The numbers of a table; raises as ``read_measurements`` does."""
    assert choice.series is not None
    table = read_user_table(folder / choice.file, choice.encoding)
    return read_measurements(table, choice.series, choice.time, choice.header, choice.bad_rows)


def prepare(choice: TableChoice, folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read a table of numbers and define its windows; ``say`` gets what was found.

    ``limit``: the first so many rows. UsageError for columns that are not there and a table that
    is too short for its windows.
    """
    found = measurements_of(choice, folder)
    rows, D = len(found) if limit is None else min(limit, len(found)), len(found.columns)
    name = found.columns[found.target]
    say(
        _("{file}: {rows:,} rows; {name!r} is forecast from {D} columns: {columns}{more}.").format(
            file=choice.file,
            rows=rows,
            name=name,
            D=D,
            columns=", ".join(found.columns[:12]),
            more=" …" if D > 12 else "",
        )
    )
    for remark in found.remarks:
        say(f"{remark}.")
    lookback, horizon = _window(choice)
    first = round(rows * (1 - choice.validation - choice.test))
    second = round(rows * (1 - choice.test))
    ends = [(lookback + horizon - 1, first), (first, second), (second, rows)]
    parts = [np.arange(max(a, lookback + horizon - 1), b) - (horizon - 1) for a, b in ends]
    needed = parts[:2] if not choice.test else parts
    if not choice.validation or min(map(len, needed)) < LEAST:
        raise UsageError(
            _(
                "{rows:,} rows are too few for windows of {lookback} rows, {horizon} ahead: "
                "{training} to train and {validated} to validate.\n"
                "Use a smaller --lookback, or a table with more rows."
            ).format(
                rows=rows,
                lookback=lookback,
                horizon=horizon,
                training=len(parts[0]),
                validated=len(parts[1]),
            )
        )
    found, scaling = _scaled(found, first, lookback, horizon, say)
    windows = Windows(
        scaling.apply(found.data[:rows]), lookback, 1, scaling.delay, scaling.target, parts[0]
    )
    train = windows
    if len(windows) > WINDOWS:
        span = (int(parts[0][0]), int(parts[0][-1]) + 1)
        train = replace(windows, rows=None, draw_from=(span,), draws=WINDOWS)
    valid, test = (replace(windows, rows=part) for part in parts[1:])
    naive = {"validation": naive_mae(valid)} | ({"test": naive_mae(test)} if choice.test else {})
    std = scaling.std[scaling.target]
    if choice.test:
        say(
            _(
                "Windows of {lookback} rows, forecast {horizon} ahead: {training:,} to train, "
                "{validated:,} to validate, {count:,} to test, in the order of time."
            ).format(
                lookback=lookback,
                horizon=horizon,
                training=len(windows),
                validated=len(valid),
                count=len(test),
            )
        )
    else:
        say(
            _(
                "Windows of {lookback} rows, forecast {horizon} ahead: {training:,} to train, "
                "{validated:,} to validate; no test part (--test .1 makes one), in the order of "
                "time."
            ).format(
                lookback=lookback, horizon=horizon, training=len(windows), validated=len(valid)
            )
        )
    if warning := few_rows(len(windows), len(valid), of_series=True):
        say(warning)
    say(
        _(
            "The naive forecast, that the last value stays: mean absolute error "
            "{error:.4g} in validation."
        ).format(error=naive["validation"] * std)
    )
    return Task(
        encoder=scaling,
        labels=(scaling.columns[scaling.target],),
        draw=lambda epoch, rng: train,
        valid=valid,
        test=test if choice.test else None,
        files={choice.file: sha256(folder / choice.file)},
        preparation={
            "rows": rows,
            "training windows": len(windows),
            "validation windows": len(valid),
            "test windows": len(test) if choice.test else 0,
            "split": "in the order of time",
            "columns": list(scaling.columns),
            "minutes between rows": found.interval if found.times is not None else None,
            AS_TODAY: naive,
            "table": asdict(choice),
        },
        trained_on=f"{choice.file} ({first:,} rows)",
        licence=f"Trained on {choice.file}, a table of the user.",
        fit=_fit(len(train)),
        example="",
    )


def _window(choice: TableChoice) -> tuple[int, int]:
    if choice.lookback is None or choice.horizon is None:
        raise UsageError(
            _(
                "A forecast needs the rows that it is made from and how many rows ahead it is: "
                "--lookback 24 --horizon 1"
            )
        )
    return choice.lookback, choice.horizon


def _scaled(
    found: Measurements, first: int, lookback: int, horizon: int, say: Say
) -> tuple[Measurements, Scaling]:
    """The scaling by the training rows, without columns that are constant there."""
    training = found.data[:first]
    varies = (training != training[0]).any(axis=0)
    name = found.columns[found.target]
    if not varies[found.target]:
        raise InvalidFileError(
            _("{name!r} is {value:g} in all training rows: there is nothing to forecast.").format(
                name=name, value=training[0, found.target]
            )
        )
    if not varies.all():
        constant = [c for c, keeps in zip(found.columns, varies, strict=True) if not keeps]
        say(
            _("Not read, since they do not vary in training: {columns}.").format(
                columns=", ".join(constant)
            )
        )
    kept = np.flatnonzero(varies)
    columns = tuple(found.columns[k] for k in kept)
    found = replace(found, columns=columns, data=found.data[:, kept], target=columns.index(name))
    return found, Scaling.of(
        found.data[:first], columns, lookback=lookback, step=1, delay=horizon - 1,
        target=found.target, interval=found.interval,
    )  # fmt: skip


# -- the net ------------------------------------------------------------------------------------

FIT = FitSpec(
    epochs=20, batch_size=BATCH, optimizer="adam", rate=3e-3, final_rate=1e-4, warmup=20, clip=1.0,
    monitor="loss", patience=8,
)  # fmt: skip


def _fit(windows: int) -> dict[str, Any]:
    epochs = round(UPDATES * BATCH / max(windows, 1))
    return {"epochs": min(max(epochs, EPOCHS[0]), EPOCHS[1])}


def _model(size: int) -> ModelSpec:
    return ModelSpec(SeriesSpec(size), (RecurrentSpec("gru", 32),), HeadSpec("linear", 1))


def series_recipe(choice: TableChoice) -> Recipe:
    """The recipe of a table with a series."""
    return Recipe(
        name=choice.file,
        title="GRU(32)",
        model=_model,
        fit=FIT,
        prepare=partial(prepare, choice),
        data=N_("a table of the user"),
        example="",
    )
