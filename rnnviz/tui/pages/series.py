"""What does it foresee? The measured curve, the forecast after each reading, and what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import series as series_analysis
from rnnviz.arrays import Array
from rnnviz.charts.axes import Axis, axis
from rnnviz.cursor import to_token
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import SeriesTrace, Trace
from rnnviz.tui.render.braille_plot import Canvas, runs
from rnnviz.tui.render.scales import Scale, ticks
from rnnviz.tui.render.segments import (
    Line,
    fit,
    heading,
    heat,
    length,
    log_range,
    log_spark,
    wrapped,
)
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.view_state import ViewState, saliency

GUTTER = 9
ENTRY = 40  # columns of one measurement with its gradient
WIDE = 110  # columns with room for the table's name in the title
TOP = 3.0  # deviations at the end of the scale of the measurements
STRONGEST = 3


class SeriesPage(Page):
    """The window's curve, forecasts, measurements, and what the last reading changed."""

    name = "series"
    alone = True
    keys = (
        PageKey("back", ("z",), "z"),
        PageKey("on", ("x",), "x"),
        PageKey("moment", ("m",), "m"),
    )

    @classmethod
    def applies(cls, moment: ViewState) -> bool:
        return moment.trace.series is not None

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        series = moment.trace.series
        if series is None:
            told = wrapped(self.say(moment, "words"), width - 2)
            return [self.head(moment, width), *([Segment(" " + s, moment.look.ink)] for s in told)]
        note = self.say(moment, "note", made=series.moment)
        note += f" · {visible(series.source)}" if width >= WIDE else ""
        said = list(self._said(moment, series, width))
        below = self._readings(moment, series, width)
        moved = [self._moved(moment, width)]
        rows = height - len(said) - len(below) - 4
        if rows < 6:
            moved, rows = [], rows + 1
        return [
            self.head(moment, width, note), *said,
            *self._picture(moment, series, width, max(2, rows)), *moved, *below,
        ]  # fmt: skip

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        if moment.trace.series is None:
            return Change(message=self.say(moment, "words"), failed=True)
        if key == "moment":
            return Prompt(self.say(moment, "type"), self._typed)
        step = series_analysis.readings_per_day(moment.trace) * (1 if key == "on" else -1)
        return Change(cursor=to_token(moment.cursor, moment.trace, moment.cursor.t + step))

    def _typed(self, moment: ViewState, said: str) -> Change:
        if not said:
            return Change(message=self.say(moment, "empty"), failed=True)
        return Change(query=replace(moment.query, text=said, target=None))

    # -- in words ---------------------------------------------------------------------------

    def _said(self, moment: ViewState, series: SeriesTrace, width: int) -> Iterator[Line]:
        """The reading now and the forecast, each on a line; their marks are those of the curve."""
        look, trace, t = moment.look, moment.trace, moment.cursor.t
        at, column = (
            series_analysis.forecast_index(trace, t),
            visible(series.columns[series.target]),
        )
        first = [
            Segment(f" {self.say(moment, 'now', time=series.times[t])}  ", look.ink),
            Segment(
                f"● {column} {number(series_analysis.readings(trace)[t, series.target], 2)}",
                look.source,
            ),
        ]
        told = moment.told(moment.cursor.t)
        forecast, came = (
            float(series_analysis.forecasts(trace)[t]),
            float(series_analysis.target_curve(trace)[at]),
        )
        naive = Segment(f"  · {self.say(moment, 'today')} {number(today(trace, t), 2)}", look.dim)
        second = [
            Segment(
                f" {self.say(moment, 'for', time=series_analysis.time_at(trace, at))}  ", look.ink
            ),
            Segment(self._value(moment, "◆", "forecast", forecast if told else None), look.now),
            Segment("  " + self._came(moment, came), look.bold),
        ]
        # What does not fit is left out whole: a number that is cut is another number.
        if length([*second, naive]) <= width:
            second.insert(2, naive)
        if told and np.isfinite(came):
            errors = [number(abs(said - came), 2) for said in (forecast, today(trace, t))]
            off = self.say(moment, "off", value=errors[0], today=errors[1])
            for line in (second, first):
                if length(line) + len(off) + 3 <= width:
                    line.append(Segment("   " + off, look.ink))
                    break
        yield first
        yield second

    def _came(self, moment: ViewState, came: float) -> str:
        if not np.isfinite(came):
            return f"○ {self.say(moment, 'unknown')}"
        return self._value(moment, "○", "came", None if moment.hidden else came)

    def _value(self, moment: ViewState, mark: str, word: str, value: float | None) -> str:
        said = "?" if value is None else number(value, 2)
        return f"{mark} {self.say(moment, word)} {said}"

    def _moved(self, moment: ViewState, width: int) -> Line:
        """Which units moved the forecast, the strongest first."""
        look, trace = moment.look, moment.trace
        if not moment.told(moment.cursor.t):
            return [Segment(" ?", look.dim)]
        step = series_analysis.forecast_change(trace, moment.cursor.t)
        end: Line = []
        said = self.say(moment, "moved_h", layer=trace.layers[-1].name)
        if step.exact:
            said = self.say(moment, "moved", before=number(step.before), after=number(step.after))
            whole = number(float(step.by_unit.sum()), 3, True)
            told = self.say(moment, "sum", n=len(step.by_unit), value=whole)
            end = [Segment("  " + told, look.dim)]
        line = [Segment(f" {said}", look.ink)]
        for unit in np.argsort(-np.abs(step.by_unit), kind="stable")[:8]:
            value = float(step.by_unit[unit])
            style = look.above if value > 0 else look.below
            piece = [Segment(f"  u{unit} ", look.dim), Segment(number(value, 3, True), style)]
            if length([*line, *piece, *end]) > width:
                break
            line += piece
        return line + end if length([*line, *end]) <= width else line

    # -- the curve ----------------------------------------------------------------------------

    def _picture(self, moment: ViewState, series: SeriesTrace, width: int, rows: int) -> list[Line]:
        """The curve with its axes, and below it how much each hour is felt; rows + 2 lines."""
        look, trace = moment.look, moment.trace
        course = series_analysis.target_curve(trace)
        y = y_axis(trace, max(2, rows // 3), moment.cursor.t if moment.hidden else None)
        scale = Scale(len(course), y, width - GUTTER - 1, rows)
        cells = self._curves(moment, scale, course).cells
        lines: list[Line] = [
            [Segment(edge, look.dim), *(Segment(text, style) for text, style in runs(row))]
            for edge, row in zip(ticks(scale, GUTTER), cells, strict=True)
        ]
        days = days_under(trace, scale.width)
        return [*lines, [Segment(" " * GUTTER, look.dim), Segment(days, look.dim)],
                self._felt(moment, scale)]  # fmt: skip

    def _curves(self, moment: ViewState, scale: Scale, course: Array) -> Canvas[Style]:
        look, trace, t = moment.look, moment.trace, moment.cursor.t
        plot = Canvas(scale.width, scale.rows, look.ink, covers=False)
        plain = look.ascii or not look.colour

        def line(at: Array, values: Array, style: Style, glyph: str) -> None:
            shares = scale.y.share(values)
            plot.line(scale.across(at), shares, style, glyph=glyph if plain else "")

        def mark(at: int, value: float, char: str, style: Style) -> None:
            if np.isfinite(value):
                plot.put(scale.row(value), scale.column(at), char, style)

        places = np.arange(len(course))
        now, at = series_analysis.time_index(trace, t), series_analysis.forecast_index(trace, t)
        read = places >= now if trace.latest == 0 else places <= now
        read &= places < len(trace.tokens)
        column = scale.column(now)
        # A line that moves repaints every row it is in: half of them say the same.
        for row in range(0, scale.rows, 2):
            plot.put(row, column, "│", look.rule)
        if not moment.hidden:
            line(places, np.where(read, np.nan, course), look.rule, ".")
        naive = today(trace, t)
        for between in range(column + 2, scale.column(at), 2):
            plot.put(scale.row(naive), between, "·", look.dim)
        line(places, np.where(read, course, np.nan), look.source, "*")
        known = np.arange(t + 1 if moment.told(moment.cursor.t) else t)
        aims = np.array([series_analysis.forecast_index(trace, int(k)) for k in known], int)
        told = series_analysis.forecasts(trace)[known]
        line(aims, told, look.above, "x")
        mark(now, course[now], "●", look.source)
        if moment.hidden:
            plot.put(scale.rows // 2, scale.column(at), "?", look.now)
            return plot
        mark(at, course[at], "○", look.bold)
        if len(known) > t:
            mark(at, float(told[-1]), "◆", look.now)
        return plot

    def _felt(self, moment: ViewState, scale: Scale) -> Line:
        look, t = moment.look, moment.cursor.t
        name = Segment(fit("|∂L/∂x|", GUTTER - 1, ">") + " ", look.dim)
        if moment.hidden:
            return [name, Segment(fit("?", scale.width + 1), look.dim)]
        blocks, _ = felt(moment.trace, scale.count, scale.width)
        column = scale.column(series_analysis.time_index(moment.trace, t))
        return [
            name,
            Segment(blocks[:column], look.dim),
            Segment(blocks[column : column + 1], look.now),
            Segment(blocks[column + 1 :], look.dim),
            Segment(" ", look.ink),
        ]

    # -- the measurements ---------------------------------------------------------------------

    def _readings(self, moment: ViewState, series: SeriesTrace, width: int) -> list[Line]:
        """Every measurement of the hour: value, deviation, gradient; the strongest marked."""
        t = moment.cursor.t
        columns = max(2, width // ENTRY)
        each = width // columns
        full = each >= ENTRY - 1
        note = self.say(moment, "readings_grad" if full else "readings_note", time=series.times[t])
        told = [self._reading(moment, series, d, each, full) for d in range(len(series.columns))]
        rows = -(-len(told) // columns)
        title = self.say(moment, "readings", n=len(told))
        lines = [heading(title, "", width, moment.look, note)]
        lines += [[piece for line in told[row::rows] for piece in line] for row in range(rows)]
        return lines

    def _reading(
        self, moment: ViewState, series: SeriesTrace, d: int, each: int, full: bool
    ) -> Line:
        look, trace, t = moment.look, moment.trace, moment.cursor.t
        grads = series_analysis.gradients(trace)[t]
        strongest = np.argsort(-np.abs(grads), kind="stable")[:STRONGEST]
        strong = d in strongest and not moment.hidden
        style = look.now if strong else look.ink
        value = float(series_analysis.readings(trace)[t, d])
        z = trace.layers[0].values["x"][t, d : d + 1]
        line = [
            Segment(f"{'▸' if strong else ' '}{fit(visible(series.columns[d]), 15)}", style),
            Segment(fit(number(value, 2), 8, ">") + " ", style),
            *heat(z, TOP, False, look, 4, None),
        ]
        if full:
            felt_here = "?" if moment.hidden else number(float(grads[d]), 3, True)
            line.append(Segment(fit(felt_here, 9, ">"), style))
        return [*line, Segment(" " * max(0, each - length(line)), look.ink)]


def today(trace: Trace, t: int) -> float:
    """The naive forecast: the latest reading that has been read."""
    latest = 0 if trace.latest == 0 else t
    return float(series_analysis.readings(trace)[latest, series_analysis.series_of(trace).target])


@lru_cache(maxsize=8)
def y_axis(trace: Trace, most: int, t: int | None = None) -> Axis:
    """The axis that holds everything measured and foreseen; ``t``: what was before that token."""
    course, told = series_analysis.target_curve(trace), series_analysis.forecasts(trace)[:t]
    if t is not None:
        course = series_analysis.readings(trace)[: t + 1, series_analysis.series_of(trace).target]
    everything = np.concatenate([course, told])
    return axis(everything[np.isfinite(everything)], most, 0.03)


@lru_cache(maxsize=8)
def days_under(trace: Trace, width: int) -> str:
    """The days below the columns: each where it begins, as far as there is room."""
    count = len(series_analysis.target_curve(trace))
    scale = Scale(count, Axis(0, 1, ()), width, 1)
    line = [" "] * width
    free, before = 0, ""
    for at in range(count):
        date = series_analysis.time_at(trace, at)[5:10]
        column = scale.column(at)
        if date != before and before and free <= column <= width - len(date) - 1:
            line[column : column + len(date) + 1] = "╵" + date
            free = column + len(date) + 2
        before = date
    return "".join(line)


@lru_cache(maxsize=8)
def felt(trace: Trace, count: int, width: int) -> tuple[str, tuple[int, int]]:
    """|∂L/∂x| of the readings below their columns, as blocks, and its powers of ten."""
    sizes = saliency(trace)[:: -1 if trace.latest == 0 else 1]
    scale = Scale(count, Axis(0, 1, ()), width, 1)
    columns = np.array([scale.column(at) for at in range(len(sizes))])
    strongest = np.zeros(width)
    np.maximum.at(strongest, columns, sizes)
    # Between two readings that are further apart than a column stands the earlier one.
    filled = np.maximum.accumulate(
        np.where(np.isin(np.arange(width), columns), np.arange(width), 0)
    )
    strongest = np.where(np.arange(width) <= columns.max(), strongest[filled], 0)
    low, high = log_range(sizes)
    return log_spark(strongest, low, high), (low, high)
