"""The page of a series: every number on it is the trace's, and the future is not told early."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pytest
from rich.cells import cell_len

import rnnviz
from rnnviz import i18n
from rnnviz.analysis import series as series_analysis
from rnnviz.cursor import start
from rnnviz.data.series import Scaling
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.equations import number
from rnnviz.model_files import StoredModel, load
from rnnviz.query import Query
from rnnviz.trace import Trace, frozen
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.pages.series import SeriesPage, y_axis
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.heatmap import HeatmapWords
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.word_columns import window
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState
from tests.tui.small_models import made

MOMENT = "2015-07-05 18:40"
END = "2016-12-31 23:50"
#: The room of the page at 60×20, 80×24, 120×36 and 200×50.
SIZES = [(60, 18), (80, 22), (120, 34), (200, 48)]


@cache
def traced(cell: str = "gru", both: bool = False, moment: str = MOMENT) -> Trace:
    """The shipped model, or a fresh net with another cell, on the same window."""
    stored = load("jena-gru")
    if cell == "gru" and not both:
        return rnnviz.step(moment, model="jena-gru")
    spec = ModelSpec(SeriesSpec(12), (RecurrentSpec(cell, 5, both),), HeadSpec("linear", 1))
    net = Model(spec, initialise(spec, 2))
    return trace_of(StoredModel(cell, net, stored.encoder, stored.labels, {}), Query(moment, cell))


def at(
    t: int = 239, trace: Trace | None = None, look: ViewTheme | None = None, **more: object
) -> ViewState:
    trace = trace or traced()
    return replace(ViewState(trace, start(trace, t), look or ViewTheme("dark")), **more)  # type: ignore[arg-type]


def drawn(moment: ViewState, width: int = 120, height: int = 34) -> list[str]:
    lines = SeriesPage(moment).lines(moment, width, height)
    told = ["".join(segment.text for segment in line) for line in lines]
    assert len(told) <= height
    for line in told:
        assert cell_len(line.rstrip()) <= width, line
    return told


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("t", [0, 100, 239])
def test_the_numbers_are_the_traces(size: tuple[int, int], cell: str, t: int) -> None:
    trace = traced(cell)
    lines = drawn(at(t, trace), *size)
    whole = "\n".join(lines)
    assert f"● T (degC) {number(series_analysis.readings(trace)[t, 1], 2)}" in whole
    assert f"◆ forecast {number(series_analysis.forecasts(trace)[t], 2)}" in whole
    came = series_analysis.target_curve(trace)[series_analysis.forecast_index(trace, t)]
    assert f"○ came {number(came, 2)}" in whole
    top = next(k for k, line in enumerate(lines) if "12 measurements" in line)
    table = "\n".join(lines[top:])
    for d, name in enumerate(series_analysis.series_of(trace).columns):
        named = r"(?m)(?:^|[^.] |▸)" + re.escape(name)
        shown = re.search(named + r" +([−\d.]+) *([+−]?[\d.]+) *([^ \n]*)", table)
        assert shown is not None, table
        assert shown[1] == number(series_analysis.readings(trace)[t, d], 2)
        z = trace.layers[0].values["x"][t, d]
        assert float(shown[2].replace("−", "-")) == pytest.approx(z, abs=0.051)
        if size[0] >= 80:
            assert shown[3] == number(float(series_analysis.gradients(trace)[t, d]), 3, True)


def test_the_three_largest_gradients_are_marked() -> None:
    lines = drawn(at(150))
    marked = {name for line in lines for name in re.findall(r"▸(.+?) +[−\d]+\.", line)}
    grads = np.abs(series_analysis.gradients(traced())[150])
    columns = series_analysis.series_of(traced()).columns
    assert marked == {columns[d] for d in np.argsort(-grads)[:3]}


def test_what_is_not_read_yet_is_not_told_by_the_forecasts() -> None:
    """The same forecasts in another order after the cursor draw the same picture."""
    trace, t = traced(), 120
    readout = trace.head.readout.copy()
    readout[t + 1 :] = readout[t + 1 :][::-1]
    other = replace(trace, head=replace(trace.head, readout=frozen(readout)))
    assert y_axis(trace, 7) == y_axis(other, 7)
    assert drawn(at(t, trace)) == drawn(at(t, other))
    assert drawn(at(t + 1, trace)) != drawn(at(t + 1, other))


def test_predict_first_hides_the_forecast_and_everything_that_came() -> None:
    trace, t = traced(), 120
    shown = drawn(at(t, trace, hidden=True))
    assert "◆ forecast ?" in shown[2] and "○ came ?" in shown[2]
    assert number(series_analysis.forecasts(trace)[t], 2) not in "\n".join(shown)
    after = tuple(value + 1 for value in series_analysis.series_of(trace).after)
    other = replace(trace, series=replace(series_analysis.series_of(trace), after=after))
    assert drawn(at(239, trace, hidden=True)) == drawn(at(239, other, hidden=True))
    assert drawn(at(239, trace)) != drawn(at(239, other))


def test_before_the_prediction_of_the_hour_its_forecast_is_not_told() -> None:
    moment = at(100)
    moment = replace(moment, cursor=replace(moment.cursor, part=0))
    assert "◆ forecast ?" in drawn(moment)[2]


def test_the_marks_stand_at_their_values() -> None:
    trace, t, width, height = traced(), 100, 120, 34
    lines = drawn(at(t), width, height)
    first = next(k for k, line in enumerate(lines) if line[8:9] in ("│", "┤"))
    plot = lines[first : next(k for k, line in enumerate(lines) if "|∂L/∂x|" in line) - 1]
    axis = y_axis(trace, max(2, len(plot) // 3))
    wanted = {
        "●": (t, series_analysis.readings(trace)[t, 1]),
        "◆": (t + 25, series_analysis.forecasts(trace)[t]),
        "○": (t + 25, series_analysis.readings(trace)[t + 25, 1]),
    }
    for mark, (place, value) in wanted.items():
        [(row, column)] = [(r, line.index(mark)) for r, line in enumerate(plot) if mark in line]
        assert abs((1 - axis.share(value)) * len(plot) - row - 0.5) <= 0.51
        assert column == pytest.approx(9 + place / 264 * (width - 10), abs=1.01)


def test_the_units_told_are_those_that_moved_the_forecast_most() -> None:
    lines, step = drawn(at(100)), series_analysis.forecast_change(traced(), 100)
    [line] = [line for line in lines if "by unit" in line]
    told = re.findall(r"u(\d+) ([+−][\d.]+)", line)
    order = np.argsort(-np.abs(step.by_unit), kind="stable")
    assert [int(u) for u, _ in told] == order[: len(told)].tolist()
    for unit, value in told:
        assert value == number(float(step.by_unit[int(unit)]), 3, True)
    assert f"{number(step.before)} → {number(step.after)}" in line


def test_the_errors_over_the_test_span_are_told_in_one_line() -> None:
    """Those of the shipped record: the net's and the naive forecast's, in degrees."""
    record, scaling = load("jena-gru").record, load("jena-gru").encoder
    assert isinstance(scaling, Scaling)
    errors = (
        record["metrics"]["test_mae"], record["training"]["preparation"]["as today"]["test"],
    )  # fmt: skip
    net, naive = (number(mae * scaling.std[1], 2) for mae in errors)
    assert errors[0] < errors[1]
    lines = drawn(at(239))
    (line,) = [line for line in lines if "09.2014–12.2016" in line]
    assert f"off by {net} on average, as today {naive}" in line
    assert not any("09.2014" in line for line in drawn(at(239), 60, 18))
    fresh = rnnviz.step(MOMENT, model="jena-gru", random=1)
    assert not any("09.2014" in line for line in drawn(at(239, fresh)))


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
@pytest.mark.parametrize("t", [0, 239])
def test_the_page_says_why_the_forecast_is_25_hours_ahead(
    lang: str, size: tuple[int, int], t: int
) -> None:
    text = " ".join(" ".join(drawn(at(t, lang=lang), *size)).split())
    said = {
        "en": ("reading “now” and is for 25 hours later", "1 hour + 24 hours"),
        "tr": ("25 saat sonrası içindir", "1 saat + 24 saat"),
    }[lang]
    assert all(words in text for words in said) and MOMENT in text
    series = series_analysis.series_of(traced())
    last, moment, foreseen = (
        datetime.strptime(time, series_analysis.TIME_FORMAT)
        for time in (series.times[-1], series.moment, series.foreseen)
    )
    span = series_analysis.forecast_span(traced())
    assert (span.gap, span.delay) == (1, 24)
    assert (moment - last, foreseen - moment) == (timedelta(hours=1), timedelta(hours=24))


def test_both_directions_and_an_open_end_are_drawn() -> None:
    both = at(239, traced("gru", True, END))
    lines = drawn(both)
    assert "unknown yet" in lines[2]
    assert any("h moved" in line for line in lines)


@pytest.mark.parametrize(
    "look", [ViewTheme("dark", False), ViewTheme("dark", True, True)], ids=["grey", "ascii"]
)
def test_measured_and_foreseen_differ_without_colour(look: ViewTheme) -> None:
    plot = "\n".join(drawn(at(200, theme=look))[3:24])
    assert "*" in plot and "x" in plot and not re.search("[⠁-⣿]", plot)


def test_a_day_is_24_readings_and_a_time_can_be_typed() -> None:
    page, moment = SeriesPage(at(100)), at(100, query=Query(MOMENT, "jena-gru"))
    on, back = page.press(moment, "day_on"), page.press(moment, "day_back")
    assert isinstance(on, Change) and on.cursor is not None and on.cursor.t == 124
    assert isinstance(back, Change) and back.cursor is not None and back.cursor.t == 76
    asked = page.press(moment, "type")
    assert isinstance(asked, Prompt)
    assert asked.on_submit(moment, "2015-06-20 11:40").query == Query(
        "2015-06-20 11:40", "jena-gru"
    )
    assert asked.on_submit(moment, "").failed


def test_a_model_of_words_is_told_which_model_reads_a_series() -> None:
    words = made()
    moment = at(0, words)
    assert "rnnviz step -m jena-gru" in drawn(moment)[1]
    assert (
        isinstance(change := SeriesPage(moment).press(moment, "day_on"), Change) and change.failed
    )


def test_both_languages_have_the_same_texts_and_placeholders() -> None:
    english, turkish = (i18n.page_catalogue("series")[lang] for lang in ("en", "tr"))
    assert set(english) == set(turkish)
    for key in english:
        asked = [set(re.findall(r"{(\w+)[:}]", told[key])) for told in (english, turkish)]
        assert asked[0] == asked[1], key
        assert english[key] != turkish[key] or not english[key], key


# -- the panels of every trace, on a series --------------------------------------------------------


def text_of(lines: list) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


def test_the_strip_tells_the_forecasts_in_degrees() -> None:
    moment = at(100)
    lines = text_of(Sentence(moment).lines(moment, 120, 8))
    told = re.findall(r"\d+\.\d\d", lines[2])
    shown = [c.t for c in window(moment, 120).columns if c.t <= 100]
    values = series_analysis.forecasts(traced())[shown]
    assert told == [number(v, 2) for v in values]
    high, low = (float(re.findall(r"(\S+) ┤", lines[k])[0]) for k in (3, 5))
    assert low <= values.min() and values.max() <= high
    assert high - low <= 2 * (values.max() - values.min())


def test_the_equation_of_the_forecast_ends_in_degrees() -> None:
    moment = at(100)
    lines = text_of(Equations(moment).lines(moment, 70, 12))
    [line] = [line for line in lines if "T (degC)" in line and "×" in line]
    said = re.search(r"T \(degC\) ([\d.]+) = ([−\d.]+) × ([\d.]+) \+ ([\d.]+)", line)
    assert said is not None, line
    result, s, d, m = (float(part.replace("−", "-")) for part in said.groups())
    assert result == pytest.approx(series_analysis.forecasts(traced())[100], abs=0.005)
    assert round(s * d + m, 2) == result


def test_a_narrow_heatmap_names_the_hour_whole() -> None:
    moment = at(239)
    for width in (6, 8, 12):
        lines = text_of(HeatmapWords(moment).lines(moment, width, 8))
        assert any(line.strip().endswith("17:40") for line in lines), lines
