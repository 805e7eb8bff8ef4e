"""What a trace of a series says in the units of its columns, and hour by hour: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import SeriesTrace, Trace

CLOCK = "%Y-%m-%d %H:%M"


def series_of(trace: Trace) -> SeriesTrace:
    """What the trace's numbers measure; ValueError for a trace of words."""
    if trace.series is None:
        raise ValueError(f"{trace.model} reads words, no series")
    return trace.series


@lru_cache(maxsize=8)
def forecasts(trace: Trace) -> Array:
    """The forecast after each reading, (T), in the unit of the target column."""
    return series_of(trace).restored(trace.head.readout[:, 0])


@lru_cache(maxsize=8)
def readings(trace: Trace) -> Array:
    """Every reading in the units of its columns, (T, D)."""
    return series_of(trace).measured(trace.layers[0].values["x"])


@lru_cache(maxsize=8)
def gradients(trace: Trace) -> Array:
    """∂L/∂x of every measurement, (T, D): over all directions that read the series itself."""
    bottom = trace.layers[0]
    found = [layer for layer in trace.layers if layer.name.removesuffix(".backward") == bottom.name]
    return np.asarray(sum(layer.grads["x"].astype(np.float64) for layer in found))


def place(trace: Trace, t: int) -> int:
    """Which reading in time token t is: the earliest is 0."""
    return len(trace.tokens) - 1 - t if trace.latest == 0 else t


def aim(trace: Trace, t: int) -> int:
    """The place in time of what is foreseen after token t.

    A series read backwards always ends at the same reading, so its aim stands still.
    """
    last = len(trace.tokens) - 1 if trace.latest == 0 else t
    return last + series_of(trace).ahead


@lru_cache(maxsize=8)
def course(trace: Trace) -> Array:
    """The target column from the first reading to what is foreseen, (T + ahead); NaN: unknown."""
    series, T = series_of(trace), len(trace.tokens)
    found = np.full(T + series.ahead, np.nan)
    window = readings(trace)[:, series.target]
    found[:T] = window[::-1] if trace.latest == 0 else window
    found[T : T + len(series.after)] = series.after
    found[-1] = np.nan if series.truth is None else series.truth
    return found


def clock(trace: Trace, at: int) -> str:
    """The time of a place of :func:`course`: "2020-07-02 19:00"."""
    series, T = series_of(trace), len(trace.tokens)
    if at < T:
        return series.times[place(trace, at)]
    start, end = (datetime.strptime(s, CLOCK) for s in (series.moment, series.foreseen))
    each = (end - start) / max(1, series.ahead - 1)
    return (start + (at - T) * each).strftime(CLOCK)


def day(trace: Trace) -> int:
    """How many readings a day has."""
    times = [datetime.strptime(s, CLOCK) for s in series_of(trace).times[:2]]
    apart = abs(times[-1] - times[0]) or timedelta(days=1)
    return max(1, round(timedelta(days=1) / apart))


@dataclass(frozen=True)
class WindowChange:
    """What one reading changed: by unit, and the whole."""

    exact: bool  # in the unit of the target column; else the change of h alone
    by_unit: Array  # (H)
    before: float  # the forecast, or nothing of use where it is not exact
    after: float


@lru_cache(maxsize=512)
def moved(trace: Trace, t: int) -> WindowChange:
    """How much each unit moved the forecast at token t: (h − h₋) · W, in the target's unit.

    The parts add up to the change of the forecast. Where the head also reads a backward layer they
    do not, and the change of the top layer's h itself is told.
    """
    top = trace.layers[-1]
    change = (top.values["h"][t] - top.state_before(t, "h")).astype(np.float64)
    whole = forecasts(trace)
    if top.direction == "backward" or len(trace.head.W) != top.units:
        return WindowChange(False, change, 0.0, float(whole[t]))
    deviation = series_of(trace).std[series_of(trace).target]
    empty = series_of(trace).restored(
        top.initial["h"].astype(np.float64) @ trace.head.W[:, 0] + trace.head.b[0]
    )
    before = float(empty) if t == 0 else float(whole[t - 1])
    return WindowChange(True, change * trace.head.W[:, 0] * deviation, before, float(whole[t]))
