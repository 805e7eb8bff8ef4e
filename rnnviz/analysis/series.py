"""Traces of a time series: readings and forecasts in the units of the table's columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from rnnviz.analysis.prediction_change import prediction_change
from rnnviz.arrays import Array
from rnnviz.i18n import text
from rnnviz.trace import ROW, SeriesTrace, Trace, row_text

TIME_FORMAT = "%Y-%m-%d %H:%M"


def series_of(trace: Trace) -> SeriesTrace:
    """The description of the trace's columns; raises ValueError for a trace of words."""
    if trace.series is None:
        raise ValueError(f"{trace.model} reads words, not a series")
    return trace.series


@lru_cache(maxsize=8)
def forecasts(trace: Trace) -> Array:
    """The forecast after each reading, in the unit of the target column: (T,)."""
    return series_of(trace).restored(trace.head.readout[:, 0])


@lru_cache(maxsize=8)
def readings(trace: Trace) -> Array:
    """The readings in the units of their columns: (T, D).

    They are rounded where the net's input, in single precision, has no more digits: 0 stays 0.
    """
    series = series_of(trace)
    values = series.measured(trace.layers[0].values["x"])
    for column, mean, std in zip(values.T, series.mean, series.std, strict=True):
        largest = max(abs(mean), std)
        column[:] = column.round(6 - math.ceil(math.log10(largest))) if largest else column
    return values


@lru_cache(maxsize=8)
def gradients(trace: Trace) -> Array:
    """∂L/∂x of every measurement, summed over the directions of the bottom layer: (T, D)."""
    bottom = trace.layers[0].name
    directions = [la for la in trace.layers if la.name.removesuffix(".backward") == bottom]
    return np.asarray(sum(layer.grads["x"].astype(np.float64) for layer in directions))


def time_index(trace: Trace, t: int) -> int:
    """The index in time of token t; the earliest reading has 0."""
    return len(trace.tokens) - 1 - t if trace.latest == 0 else t


def forecast_index(trace: Trace, t: int) -> int:
    """The index in time of the forecast after token t.

    A series that is read backwards ends at the same reading after each token, so its forecast is
    always for the same time.
    """
    last = len(trace.tokens) - 1 if trace.latest == 0 else t
    return last + series_of(trace).ahead


@lru_cache(maxsize=8)
def target_curve(trace: Trace) -> Array:
    """The target column from the first reading to the forecast's time: (T + ahead,).

    Unknown values are NaN.
    """
    series, T = series_of(trace), len(trace.tokens)
    curve = np.full(T + series.ahead, np.nan)
    window = readings(trace)[:, series.target]
    curve[:T] = window[::-1] if trace.latest == 0 else window
    curve[T : T + len(series.after)] = series.after
    curve[-1] = np.nan if series.truth is None else series.truth
    return curve


def time_at(trace: Trace, at: int) -> str:
    """The time of an index of :func:`target_curve`, such as "2015-07-06 18:40"."""
    series, T = series_of(trace), len(trace.tokens)
    if at < T:
        return series.times[time_index(trace, at)]
    if not has_times(trace):
        return row_text(_row(series.moment) + at - T)
    start, end = (datetime.strptime(s, TIME_FORMAT) for s in (series.moment, series.foreseen))
    each = (end - start) / max(1, series.ahead - 1)
    return (start + (at - T) * each).strftime(TIME_FORMAT)


def has_times(trace: Trace) -> bool:
    """Whether the readings have times; the rows of a table without them are counted."""
    return not series_of(trace).moment.startswith(ROW)


def _row(name: str) -> int:
    return int(name.removeprefix(ROW))


@dataclass(frozen=True)
class ForecastSpan:
    """The hours between the last reading, the moment of the window, and the forecast's time.

    In a series without times they are rows.
    """

    gap: float  # from the last reading to the moment
    delay: float  # from the moment to the time of the forecast

    @property
    def ahead(self) -> float:
        """From the last reading to the time of the forecast."""
        return self.gap + self.delay


def forecast_span(trace: Trace) -> ForecastSpan:
    """How far ahead the forecast after the whole window is."""
    series = series_of(trace)
    if not has_times(trace):
        rows = [_row(s) for s in (series.times[trace.latest], series.moment, series.foreseen)]
        return ForecastSpan(rows[1] - rows[0], rows[2] - rows[1])
    last, moment, foreseen = (
        datetime.strptime(s, TIME_FORMAT)
        for s in (series.times[trace.latest], series.moment, series.foreseen)
    )
    hour = timedelta(hours=1)
    return ForecastSpan((moment - last) / hour, (foreseen - moment) / hour)


def naive_name(trace: Trace, lang: str) -> str:
    """The naive forecast in words, by how far ahead it is: "as today", "as 6 hours before"."""
    span = forecast_span(trace)
    ahead = span.ahead
    # A day after the last reading, or after the moment that follows it.
    if has_times(trace) and 24 in (round(span.delay), round(ahead)):
        return text("page.series.today", lang)
    unit = "hours" if has_times(trace) else "rows"
    return text(
        "page.series.before", lang, ahead=text(f"page.series.{unit}", lang, n=f"{ahead:.4g}")
    )


def readings_per_day(trace: Trace) -> int:
    """The number of readings per day; of a series without times, a tenth of the window."""
    if not has_times(trace):
        return max(1, len(trace.tokens) // 10)
    times = [datetime.strptime(s, TIME_FORMAT) for s in series_of(trace).times[:2]]
    apart = abs(times[-1] - times[0]) or timedelta(days=1)
    return max(1, round(timedelta(days=1) / apart))


@dataclass(frozen=True)
class ForecastChange:
    """How one reading changed the forecast, in total and by unit."""

    exact: bool  # whether ``by_unit`` is in the unit of the target column, or the change of h
    by_unit: Array  # (H)
    before: float  # the forecast before the reading; 0 if not exact
    after: float


@lru_cache(maxsize=512)
def forecast_change(trace: Trace, t: int) -> ForecastChange:
    """How much each unit changed the forecast at token t: (h − h₋) · W, in the target's unit.

    The parts add up to the change of the forecast. If the head also reads a backward layer they
    would not; ``by_unit`` is then the change of the top layer's h.
    """
    moved = prediction_change(trace, t, 0)
    if moved.units is None or moved.before is None:
        top = trace.layers[-1]
        change = (top.values["h"][t] - top.state_before(t, "h")).astype(np.float64)
        return ForecastChange(False, change, 0.0, float(forecasts(trace)[t]))
    series = series_of(trace)
    before, after = series.restored(moved.before), forecasts(trace)[t]
    by_unit = moved.units.values * series.std[series.target]
    return ForecastChange(True, by_unit, float(before), float(after))
