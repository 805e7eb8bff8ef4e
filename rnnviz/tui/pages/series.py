"""Page of a time series: the measured curve, the forecast after each reading, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import series as series_analysis
from rnnviz.analysis.readout import saliency
from rnnviz.arrays import Array
from rnnviz.charts.axes import Axis, axis
from rnnviz.cursor import to_token
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Question
from rnnviz.trace import ROW, SeriesTrace, Trace
from rnnviz.tui.panels import conclusion
from rnnviz.tui.render.braille_plot import Canvas, runs
from rnnviz.tui.render.marks import PREDICTED
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
from rnnviz.tui.view import predict_mode
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.view_state import ViewState

GUTTER = 9
ENTRY = 40  # columns of one measurement with its gradient
EXPLAINED = 22  # lines of the page with room for the explanation of the times
SPAN_HEIGHT = 20  # lines of the page with room for the errors over the test span
WIDE = 110  # columns with room for the table's name in the title
TOP = 3.0  # standard deviations at the end of the colour scale
STRONGEST = 3


class SeriesPage(Page):
    """The window's curve, forecasts, measurements, and the change by the last reading."""

    name = "series"
    full_screen = True
    actions = ("day_back", "day_on", "type")

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return view_state.trace.series is not None

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        return conclusion.clauses(view_state) if self.applies(view_state) else ()

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        return conclusion.questions(view_state) if self.applies(view_state) else ()

    def _not_a_series(self, view_state: ViewState) -> str:
        """What the model reads instead."""
        key = {"vectors": "numbers", "ids": "ids"}.get(view_state.trace.reads, "words")
        return self.page_text(view_state, "numbers" if view_state.trace.hand is not None else key)

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        series = view_state.trace.series
        if series is None:
            paragraph = wrapped(self._not_a_series(view_state), width - 2)
            return [
                self.head(view_state, width),
                *([Segment(" " + s, view_state.theme.ink)] for s in paragraph),
            ]
        last, T = series.times[view_state.trace.latest], len(view_state.trace.tokens)
        note = self.page_text(view_state, "note", T=T, last=last)
        note += f" · {visible(series.source)}" if width >= WIDE else ""
        text_lines = list(self._summary(view_state, series, width, height))
        if height >= EXPLAINED:
            text_lines += self._explained(view_state, series, width)
        below = self._readings(view_state, series, width)
        moved = [self._moved(view_state, width)]
        rows = height - len(text_lines) - len(below) - 4
        if rows < 6:
            moved, rows = [], rows + 1
        return [
            self.head(view_state, width, note), *text_lines,
            *self._picture(view_state, series, width, max(2, rows)), *moved, *below,
        ]  # fmt: skip

    def press(self, view_state: ViewState, key: str) -> Change | Prompt | None:
        if view_state.trace.series is None:
            return Change(message=self._not_a_series(view_state), failed=True)
        if key == "type":
            test = view_state.trace.series.test
            question = (
                self.page_text(view_state, "type")
                if test is None
                else self.page_text(view_state, "type_span", months=test.months)
            )
            return Prompt(question, self._typed)
        step = series_analysis.readings_per_day(view_state.trace) * (1 if key == "day_on" else -1)
        return Change(
            cursor=to_token(view_state.cursor, view_state.trace, view_state.cursor.t + step)
        )

    def _typed(self, view_state: ViewState, text: str) -> Change:
        if not text:
            return Change(message=self.page_text(view_state, "empty"), failed=True)
        return Change(query=replace(view_state.query, text=text, target=None))

    # -- summary ----------------------------------------------------------------------------

    def _summary(
        self, view_state: ViewState, series: SeriesTrace, width: int, height: int
    ) -> Iterator[Line]:
        """The current reading and the forecast, with the marks of the curve; the test errors."""
        theme, trace, t = view_state.theme, view_state.trace, view_state.cursor.t
        at, column = (
            series_analysis.forecast_index(trace, t),
            visible(series.columns[series.target]),
        )
        first = [
            Segment(f" {self.page_text(view_state, 'now', time=series.times[t])}  ", theme.ink),
            Segment(
                f"● {column} {number(series_analysis.readings(trace)[t, series.target], 2)}",
                theme.source,
            ),
        ]
        predicted = view_state.prediction_known(view_state.cursor.t)
        forecast, came = (
            float(series_analysis.forecasts(trace)[t]),
            float(series_analysis.target_curve(trace)[at]),
        )
        named = series_analysis.naive_name(trace, view_state.lang)
        naive = Segment(
            f"  · {named} {number(naive_forecast(trace, t), 2)}",
            theme.dim,
        )
        second = [
            Segment(
                f" {self.page_text(view_state, 'for', time=series_analysis.time_at(trace, at))}  ",
                theme.ink,
            ),
            Segment(
                self._value(view_state, "◆", "forecast", forecast if predicted else None), theme.now
            ),
            Segment("  " + self._came(view_state, came), theme.bold),
        ]
        # Leave out what does not fit: a truncated number would be a wrong number.
        if length([*second, naive]) <= width:
            second.insert(2, naive)
        if predicted and np.isfinite(came) and not view_state.hidden:
            errors = [
                number(abs(estimate - came), 2) for estimate in (forecast, naive_forecast(trace, t))
            ]
            off = self.page_text(view_state, "off", value=errors[0], today=errors[1], naive=named)
            for line in (second, first):
                if length(line) + len(off) + 3 <= width:
                    line.append(Segment("   " + off, theme.ink))
                    break
        yield first
        yield second
        if series.test is not None and height >= SPAN_HEIGHT:
            span = self.page_text(
                view_state, "span", months=series.test.months,
                error=number(series.test.forecast, 2), today=number(series.test.as_today, 2),
                naive=named,
            )  # fmt: skip
            if len(span) < width:
                yield [Segment(" " + span, theme.dim)]

    def _explained(self, view_state: ViewState, series: SeriesTrace, width: int) -> list[Line]:
        """When a forecast is made, what it is for, and why it is so many hours ahead."""
        span = series_analysis.forecast_span(view_state.trace)
        unit = "hours" if series_analysis.has_times(view_state.trace) else "rows"
        values = {
            name: self.page_text(view_state, unit, n=f"{getattr(span, name):.4g}")
            for name in ("gap", "delay", "ahead")
        }
        key = "explain_reversed" if view_state.trace.latest == 0 else "explain"
        text = self.page_text(
            view_state, key, **values, moment=series.moment, foreseen=series.foreseen
        )
        return [[Segment(f" {line}", view_state.theme.dim)] for line in wrapped(text, width - 2)]

    def _came(self, view_state: ViewState, came: float) -> str:
        if not np.isfinite(came):
            return f"○ {self.page_text(view_state, 'unknown')}"
        return self._value(view_state, "○", "came", None if view_state.hidden else came)

    def _value(self, view_state: ViewState, mark: str, word: str, value: float | None) -> str:
        text = "?" if value is None else number(value, 2)
        return f"{mark} {self.page_text(view_state, word)} {text}"

    def _moved(self, view_state: ViewState, width: int) -> Line:
        """The units that changed the forecast most, largest first."""
        theme, trace = view_state.theme, view_state.trace
        if not view_state.prediction_known(view_state.cursor.t):
            return [Segment(" ?", theme.dim)]
        step = series_analysis.forecast_change(trace, view_state.cursor.t)
        end: Line = []
        intro = self.page_text(view_state, "moved_h", layer=trace.layers[-1].name)
        if step.exact:
            intro = self.page_text(
                view_state, "moved", before=number(step.before), after=number(step.after)
            )
            whole = number(float(step.by_unit.sum()), 3, True)
            total = self.page_text(view_state, "sum", n=len(step.by_unit), value=whole)
            end = [Segment("  " + total, theme.dim)]
        line = [Segment(f" {intro}", theme.ink)]
        for unit in np.argsort(-np.abs(step.by_unit), kind="stable")[:8]:
            value = float(step.by_unit[unit])
            style = theme.above if value > 0 else theme.below
            piece = [Segment(f"  u{unit} ", theme.dim), Segment(number(value, 3, True), style)]
            if length([*line, *piece, *end]) > width:
                break
            line += piece
        return line + end if length([*line, *end]) <= width else line

    # -- the curve ----------------------------------------------------------------------------

    def _picture(
        self, view_state: ViewState, series: SeriesTrace, width: int, rows: int
    ) -> list[Line]:
        """The curve with its axes and |∂L/∂x| of each reading below it; rows + 2 lines."""
        theme, trace = view_state.theme, view_state.trace
        course = series_analysis.target_curve(trace)
        seen = (view_state.cursor.t, int(view_state.prediction_known(view_state.cursor.t)))
        y = y_axis(trace, max(2, rows // 3), seen if view_state.hidden else None)
        scale = Scale(len(course), y, width - GUTTER - 1, rows)
        cells = self._curves(view_state, scale, course).cells
        lines: list[Line] = [
            [Segment(edge, theme.dim), *(Segment(text, style) for text, style in runs(row))]
            for edge, row in zip(ticks(scale, GUTTER), cells, strict=True)
        ]
        days = days_under(trace, scale.width)
        return [*lines, [Segment(" " * GUTTER, theme.dim), Segment(days, theme.dim)],
                self._felt(view_state, scale)]  # fmt: skip

    def _curves(self, view_state: ViewState, scale: Scale, course: Array) -> Canvas[Style]:
        theme, trace, t = view_state.theme, view_state.trace, view_state.cursor.t
        plot = Canvas(scale.width, scale.rows, theme.ink, covers=False)
        plain = theme.ascii or not theme.colour

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
        # A moving line repaints each of its rows: draw it in every other row only.
        for row in range(0, scale.rows, 2):
            plot.put(row, column, "│", theme.rule)
        if not view_state.hidden:
            line(places, np.where(read, np.nan, course), theme.rule, ".")
        naive = naive_forecast(trace, t)
        for between in range(column + 2, scale.column(at), 2):
            plot.put(scale.row(naive), between, "·", theme.dim)
        line(places, np.where(read, course, np.nan), theme.source, "*")
        known = np.arange(t + 1 if view_state.prediction_known(view_state.cursor.t) else t)
        aims = np.array([series_analysis.forecast_index(trace, int(k)) for k in known], int)
        forecasts = series_analysis.forecasts(trace)[known]
        line(aims, forecasts, theme.above, "x")
        mark(now, course[now], "●", theme.source)
        for level, way in predict_mode.committed_levels(view_state, t):
            if not way:
                row = min(max(scale.row(level), 0), scale.rows - 1)
                plot.put(row, scale.column(at) + 1, PREDICTED, theme.now)
        if view_state.part_hidden:
            plot.put(scale.rows // 2, scale.column(at), "?", theme.now)
            return plot
        if not view_state.hidden:
            mark(at, course[at], "○", theme.bold)
        if len(known) > t:
            mark(at, float(forecasts[-1]), "◆", theme.now)
        return plot

    def _felt(self, view_state: ViewState, scale: Scale) -> Line:
        theme, t = view_state.theme, view_state.cursor.t
        name = Segment(fit(f"|{view_state.symbol('d_x')}|", GUTTER - 1, ">") + " ", theme.dim)
        if view_state.hidden:
            return [name, Segment(fit("?", scale.width + 1), theme.dim)]
        blocks, _ = gradient_blocks(view_state.trace, scale.count, scale.width)
        column = scale.column(series_analysis.time_index(view_state.trace, t))
        return [
            name,
            Segment(blocks[:column], theme.dim),
            Segment(blocks[column : column + 1], theme.now),
            Segment(blocks[column + 1 :], theme.dim),
            Segment(" ", theme.ink),
        ]

    # -- the measurements ---------------------------------------------------------------------

    def _readings(self, view_state: ViewState, series: SeriesTrace, width: int) -> list[Line]:
        """All measurements of a reading: value, deviation, gradient; the largest are marked."""
        t = view_state.cursor.t
        columns = max(2, width // ENTRY)
        each = width // columns
        full = each >= ENTRY - 1
        note = self.page_text(
            view_state, "readings_grad" if full else "readings_note", time=series.times[t]
        )
        cells = [
            self._reading(view_state, series, d, each, full) for d in range(len(series.columns))
        ]
        rows = -(-len(cells) // columns)
        title = self.page_text(view_state, "readings", n=len(cells))
        lines = [heading(title, "", width, view_state.theme, note)]
        lines += [[piece for line in cells[row::rows] for piece in line] for row in range(rows)]
        return lines

    def _reading(
        self, view_state: ViewState, series: SeriesTrace, d: int, each: int, full: bool
    ) -> Line:
        theme, trace, t = view_state.theme, view_state.trace, view_state.cursor.t
        grads = series_analysis.gradients(trace)[t]
        strongest = np.argsort(-np.abs(grads), kind="stable")[:STRONGEST]
        strong = d in strongest and not view_state.hidden
        style = theme.now if strong else theme.ink
        value = float(series_analysis.readings(trace)[t, d])
        z = trace.layers[0].values["x"][t, d : d + 1]
        line = [
            Segment(f"{'▸' if strong else ' '}{fit(visible(series.columns[d]), 15)}", style),
            Segment(fit(number(value, 2), 8, ">") + " ", style),
            *heat(z, TOP, False, theme, 4, None),
        ]
        if full:
            felt_here = "?" if view_state.hidden else number(float(grads[d]), 3, True)
            line.append(Segment(fit(felt_here, 9, ">"), style))
        return [*line, Segment(" " * max(0, each - length(line)), theme.ink)]


def naive_forecast(trace: Trace, t: int) -> float:
    """The naive forecast at token t: the latest reading so far."""
    latest = 0 if trace.latest == 0 else t
    return float(series_analysis.readings(trace)[latest, series_analysis.series_of(trace).target])


@lru_cache(maxsize=8)
def y_axis(trace: Trace, most: int, seen: tuple[int, int] | None = None) -> Axis:
    """The axis for all measurements and forecasts.

    ``seen``: a token, and 1 if its forecast is known; then only for those up to there.
    """
    course, forecasts = series_analysis.target_curve(trace), series_analysis.forecasts(trace)
    if seen is not None:
        t, forecasts = seen[0], forecasts[: sum(seen)]
        course = series_analysis.readings(trace)[: t + 1, series_analysis.series_of(trace).target]
    everything = np.concatenate([course, forecasts])
    return axis(everything[np.isfinite(everything)], most, 0.03)


@lru_cache(maxsize=8)
def days_under(trace: Trace, width: int) -> str:
    """The dates below the columns, each at its first reading, where there is room."""
    count = len(series_analysis.target_curve(trace))
    scale = Scale(count, Axis(0, 1, ()), width, 1)
    line = [" "] * width
    free, before = 0, ""
    for at in range(count):
        text = series_analysis.time_at(trace, at)
        date = text[5:10] if series_analysis.has_times(trace) else text[len(ROW) :]
        column = scale.column(at)
        if date != before and before and free <= column <= width - len(date) - 1:
            line[column : column + len(date) + 1] = "╵" + date
            free = column + len(date) + 2
        before = date
    return "".join(line)


@lru_cache(maxsize=8)
def gradient_blocks(trace: Trace, count: int, width: int) -> tuple[str, tuple[int, int]]:
    """|∂L/∂x| of the readings as blocks below their columns, and the powers of ten of the scale."""
    sizes = saliency(trace)[:: -1 if trace.latest == 0 else 1]
    scale = Scale(count, Axis(0, 1, ()), width, 1)
    columns = np.array([scale.column(at) for at in range(len(sizes))])
    strongest = np.zeros(width)
    np.maximum.at(strongest, columns, sizes)
    # Columns between two readings repeat the earlier one.
    filled = np.maximum.accumulate(
        np.where(np.isin(np.arange(width), columns), np.arange(width), 0)
    )
    strongest = np.where(np.arange(width) <= columns.max(), strongest[filled], 0)
    low, high = log_range(sizes)
    return log_spark(strongest, low, high), (low, high)
