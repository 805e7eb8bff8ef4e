"""Charts: every point is in the frame, nothing is hidden, and no colour is needed to read them."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnviz.charts import (
    Chart,
    ChartLine,
    ColourSpan,
    Level,
    Spot,
    figure,
    learning_curves,
    plain,
    svg,
    text,
)
from rnnviz.charts.axes import axis
from rnnviz.charts.canvas import NO_INK, BrailleCanvas
from rnnviz.charts.raster import DASHES, is_drawn

SIZES = [(60, 12), (80, 20), (120, 30)]
SVG = "{http://www.w3.org/2000/svg}"

finite = st.floats(-1e6, 1e6)
anything = st.floats(allow_nan=True, allow_infinity=True)
words = st.text(alphabet="aZ0 <&>\"'\x1b\n\x00é猫👍🏽\u0301\u202e", max_size=12)


@st.composite
def charts(draw: st.DrawFn, values: st.SearchStrategy[float] = anything) -> Chart:
    """Any chart: no line, no point, constants, gaps, enormous and tiny values."""
    lines = []
    for _ in range(draw(st.integers(0, 3))):
        y = draw(st.lists(values, max_size=12))
        x = sorted(draw(st.lists(st.integers(-5, 40), min_size=len(y), max_size=len(y))))
        style = draw(st.sampled_from(["line", "dots"]))
        lines.append(ChartLine(draw(words), x, y, style))  # type: ignore[arg-type]
    marks: list[Level | Spot] = [Level(y, draw(words)) for y in draw(st.lists(values, max_size=2))]
    marks += [Spot(1, y, draw(words)) for y in draw(st.lists(values, max_size=1))]
    return Chart(draw(words), lines, draw(words), draw(words), marks)


def picture(chart: Chart, width: int = 60, height: int = 12, **more: bool) -> list[str]:
    """The rows as strings."""
    return ["".join(s.text for s in row) for row in text(chart, width, height, **more)]


def frame(rows: list[str]) -> list[str]:
    """What is inside the axes, a string a row."""
    left = next(row for row in rows if "└" in row).index("└")
    return [row[left + 1 :] for row in rows if row[left] in "│┤"]


def where(rows: list[str], marker: str) -> list[tuple[int, int]]:
    """(column, row from below) of a marker, left to right."""
    inside = frame(rows)
    found = [
        (column, len(inside) - row)
        for row, line in enumerate(inside)
        for column, char in enumerate(line)
        if char == marker
    ]
    return sorted(found)


# -- the page -------------------------------------------------------------------------------------


@given(charts(), st.integers(0, 130), st.integers(0, 32), st.booleans())
def test_a_page_has_exactly_the_size_that_was_asked_for(
    chart: Chart, width: int, height: int, ascii_only: bool
) -> None:
    rows = text(chart, width, height, ascii_only=ascii_only)
    assert len(rows) == height
    assert all(sum(cell_len(span.text) for span in row) == width for row in rows)
    written = "".join(span.text for row in rows for span in row)
    assert written.isprintable() or not written
    assert not ascii_only or written.isascii()


@pytest.mark.parametrize("size", SIZES)
@given(st.lists(finite, min_size=1, max_size=8))
def test_every_dot_is_in_the_frame_and_higher_values_are_not_lower(
    size: tuple[int, int], y: list[float]
) -> None:
    dots = where(picture(Chart("", [ChartLine("", range(len(y)), y, "dots")]), *size), "●")
    assert len(dots) == len(y)
    rows = [row for _, row in dots]
    by_value = np.argsort(y, kind="stable")
    assert all(rows[a] <= rows[b] for a, b in pairwise(by_value))


@given(st.lists(finite, min_size=2, max_size=30, unique=True))
def test_a_rising_line_never_falls_on_the_page(y: list[float]) -> None:
    # What axis() takes for a constant is a flat line.
    assume(max(y) - min(y) > max(1e-12 * max(map(abs, y)), 1e-290))
    rows = frame(picture(Chart("", [ChartLine("", range(len(y)), sorted(y))]), ascii_only=False))
    lowest = [
        max(r for r, row in enumerate(rows) if row[c] != " ")
        for c in range(len(rows[0]))
        if any(row[c] != " " for row in rows)
    ]
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[0] > lowest[-1]


def test_a_line_is_drawn_without_holes_from_the_first_to_the_last_point() -> None:
    inside = frame(picture(Chart("", [ChartLine("", [0, 10], [0, 1])])))
    columns = [any(row[c] != " " for row in inside) for c in range(len(inside[0]))]
    assert "".join("#" if c else " " for c in columns).strip().count(" ") == 0
    assert sum(columns) > 0.9 * len(columns)


def test_title_axes_names_and_ticks_are_written() -> None:
    chart = Chart("A title", [ChartLine("temp", [0, 100], [-1, 1])], "day", "°C")
    rows = picture(chart, 80, 20)
    assert rows[0].startswith("A title")
    assert "°C" in rows[1]
    assert "temp" in rows[1]
    assert rows[-1].startswith("day")
    assert [tick for tick in rows[-1].split() if tick.isdigit()] == ["0", "20", "40", "60", "80",
                                                                      "100"]  # fmt: skip
    ticks = [match.group(1) for row in rows if (match := re.match(r" *(\S+) ┤", row))]
    assert ticks[0] == "1.0"
    assert ticks[-1] == "−1.0"


def test_a_chart_that_fills_up_keeps_its_x_axis_and_still_holds_every_point() -> None:
    def ticks(epochs: int) -> str:
        x = range(1, epochs + 1)
        chart = Chart("", [ChartLine("l", list(x), [0.5] * epochs)], x_range=(1, 10))
        return plain(text(chart, 60, 12)).splitlines()[-1]

    assert ticks(1) == ticks(2) == ticks(10)
    assert ticks(1).split()[-1] == "10"
    assert ticks(20).split()[-1] == "20"


def test_whole_numbers_get_whole_ticks() -> None:
    rows = picture(Chart("", [ChartLine("", [1, 2, 3], [0, 1, 2])], "epoch"), 120, 12)
    assert rows[-1].split() == ["epoch", "1", "2", "3"]


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=4), st.integers(1, 12))
def test_ticks_are_in_range_rising_and_written_differently(values: list[float], most: int) -> None:
    found = axis(np.array(values), most, 0.05)
    numbers = [number for number, _ in found.ticks]
    assert found.low < min(values) <= max(values) < found.high
    assert all(found.low <= n <= found.high for n in numbers)
    assert len({label for _, label in found.ticks}) == len(numbers) >= 1
    assert numbers == sorted(numbers)
    assert len(numbers) <= most + 2


# -- without colour -------------------------------------------------------------------------------


def test_lines_differ_in_their_dashes_and_by_a_letter_at_their_end() -> None:
    x = range(10)
    lines = [ChartLine(f"run {k}", x, np.full(10, float(k))) for k in range(4)]
    rows = picture(Chart("", lines), 80, 20)
    inside = [row for row in frame(rows) if row.strip()]
    patterns = [re.sub(r"[A-Z ]*$", "", row).strip() for row in inside]
    assert len(set(patterns)) == 4
    assert [row.rstrip()[-1] for row in inside] == ["D", "C", "B", "A"]
    assert re.search(r"A ⠒+ run 0 +B", rows[0])


def test_ends_that_meet_keep_their_letters() -> None:
    lines = [ChartLine(str(k), [0, 1], [k, 5]) for k in range(3)]
    assert any(row.rstrip().endswith("ABC") for row in picture(Chart("", lines)))


def test_no_dash_hides_a_point() -> None:
    y = np.zeros(30)
    y[15] = 1.0
    steady = ChartLine("a", range(30), np.zeros(30))
    for place in range(1, len(DASHES)):
        lines = [steady] * place + [ChartLine("peak", range(30), y)]
        assert frame(picture(Chart("", lines)))[0].strip(), place
        assert not is_drawn(np.arange(40), place).all()


def test_dots_are_told_apart_and_are_not_hidden_by_a_line() -> None:
    dots = [ChartLine("a", [1, 2], [1, 1], "dots"), ChartLine("b", [1, 2], [2, 2], "dots")]
    rows = picture(Chart("", [*dots, ChartLine("c", [1, 2], [1, 1])]))
    assert len(where(rows, "●")) == 2
    assert len(where(rows, "○")) == 2


def test_spans_say_what_they_are_and_which_line() -> None:
    lines = [ChartLine("a", [1, 2], [1, 2], "dots"), ChartLine("b", [1, 2], [2, 1], hue=4)]
    chart = Chart("T", lines, marks=[Level(1.5, "L"), Spot(2, 2, "S")])  # fmt: skip
    spans = [span for row in text(chart, 60, 14) for span in row]
    assert {span.hue for span in spans if span.role == "data"} == {0, 4}
    assert {span.hue for span in spans if "●" in span.text} == {0}
    assert {span.role for span in spans if "◆" in span.text} == {"spot"}
    assert {span.role for span in spans if "╌" in span.text} == {"level"}
    assert ColourSpan("T", "title", None) in spans


# -- marks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_a_level_is_in_range_dashed_and_named_once(size: tuple[int, int]) -> None:
    chart = Chart("", [ChartLine("a", [1, 2], [0.1, 0.2])], marks=[Level(0.9, "published 0.9")])
    rows = picture(chart, *size)
    line = next(row for row in frame(rows) if "╌" in row)
    assert "published 0.9" in line
    assert line == frame(rows)[frame(rows).index(line)]
    assert "".join(rows).count("published") == 1


def test_a_mark_without_room_beside_it_is_in_the_legend() -> None:
    rng = np.random.default_rng(0)
    line = ChartLine("noise", range(5000), rng.uniform(-1, 1, 5000))
    rows = picture(Chart("", [line], marks=[Level(0, "zero"), Spot(2500, 0, "middle")]), 60, 12)
    assert "╌╌╌ zero" in rows[0]
    assert "◆ middle" in rows[0]


def test_a_level_that_is_no_number_is_left_out() -> None:
    chart = Chart(
        "", [ChartLine("a", [1, 2], [0, 1])], marks=[Level(np.nan, "no"), Spot(1, np.inf, "no")]
    )
    assert "no" not in "".join(picture(chart))
    assert "no<" not in svg(chart)


def test_learning_curves_mark_best_epoch_and_published_number() -> None:
    chart = learning_curves("accuracy", [1, 2, 3], [0.6, 0.7, 0.8], [0.7, 0.9, 0.8], better="high",
                     published=0.846)  # fmt: skip
    assert [line.style for line in chart.lines] == ["dots", "line"]
    assert Spot(2, 0.9, "best 0.9, epoch 2") in chart.marks
    assert Level(0.846, "published 0.846") in chart.marks
    lower = learning_curves("mae", [1, 2, 3], [np.nan] * 3, [0.7, np.nan, 0.6])
    assert [line.style for line in lower.lines] == ["line"]
    assert lower.marks == [Spot(3, 0.6, "best 0.6, epoch 3")]
    assert learning_curves("mae", [1], [np.nan], [np.nan]).marks == []


# -- truth ----------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(0, 52_695), st.sampled_from([-50.0, 50.0]))
def test_a_spike_of_one_point_in_fifty_thousand_is_seen(place: int, height: float) -> None:
    y = np.sin(np.arange(52_696) / 1000)
    y[place] = height
    inside = frame(picture(Chart("", [ChartLine("", range(len(y)), y)]), 60, 12))
    spike = inside[0] if height > 0 else inside[-1]
    expected = (place / 52_695 * 0.94 + 0.03) * 56
    assert spike.strip()
    assert abs(len(spike) - len(spike.lstrip()) - expected) < 3
    ends = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", curve_of(svg(Chart("", [
        ChartLine("", range(len(y)), y)])))[0])]  # fmt: skip
    assert max(ends) - min(ends) > 250


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_long_line_is_drawn_as_if_every_point_were(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(3000).cumsum()
    x = np.sort(rng.integers(0, 500, 3000))
    rows = frame(picture(Chart("", [ChartLine("", x, y)], "", ""), 30, 16))
    inside = np.array([list(row) for row in rows])
    x_share = 0.03 / 1.06 + (x - x.min()) / (x.max() - x.min()) / 1.06
    y_share = 0.06 / 1.12 + (y - y.min()) / (y.max() - y.min()) / 1.12
    columns = np.minimum((x_share * inside.shape[1]).astype(int), inside.shape[1] - 1)
    lines = np.minimum(((1 - y_share) * inside.shape[0]).astype(int), inside.shape[0] - 1)
    for column in np.unique(columns):
        high, low = lines[columns == column].min(), lines[columns == column].max()
        assert (inside[high : low + 1, column] != " ").all(), column


def test_a_gap_is_a_gap_and_is_told() -> None:
    y = [0.0] * 5 + [np.nan, np.inf] + [0.0] * 5
    rows = picture(Chart("", [ChartLine("loss", range(12), y)]))
    inside = next(row for row in frame(rows) if row.strip())
    assert re.fullmatch(r" *\S+ {10,}\S+ *", inside)
    assert "loss (2 not finite)" in rows[0]
    drawn = curve_of(svg(Chart("", [ChartLine("loss", range(12), y)])))
    assert drawn[0].count("M") == 2


def test_a_point_between_gaps_is_drawn() -> None:
    chart = Chart("", [ChartLine("", [1, 2, 3], [np.nan, 1, np.nan])])
    assert sum(row.strip() != "" for row in frame(picture(chart))) == 1
    assert "<circle" in svg(chart)


def test_wrong_lines_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'a': x falls"):
        text(Chart("", [ChartLine("a", [2, 1], [1, 2])]), 60, 12)
    with pytest.raises(ValueError, match="'a': x is"):
        svg(Chart("", [ChartLine("a", [1, 2], [1])]))


@pytest.mark.speed
def test_fifty_thousand_points_take_less_than_a_tenth_of_a_second() -> None:
    chart = Chart("", [ChartLine("", range(52_696), np.sin(np.arange(52_696)))])
    start = time.perf_counter()
    text(chart, 120, 30)
    assert time.perf_counter() - start < 0.1


# -- ASCII ----------------------------------------------------------------------------------------


def test_ascii_has_a_character_for_all_that_is_drawn() -> None:
    lines = [ChartLine("a", [1, 2, 3], [1, 2, 3], "dots"), ChartLine("b", [1, 2, 3], [-3, 2, 1])]
    chart = Chart("T", lines, "epoch", "y", [Level(2.5, "L"), Spot(1, -3, "S")])
    rows = picture(chart, 60, 16, ascii_only=True)
    assert "?" not in "".join(rows)
    assert sum(row.count("o") for row in rows[2:-1]) == 3
    assert any("^" in row for row in rows)
    assert any("---" in row for row in rows)


# -- SVG ------------------------------------------------------------------------------------------


def curve_of(document: str) -> list[str]:
    """The steps of the paths that are curves."""
    return re.findall(r'<path d="([^"]*)" fill="none" stroke="#1b5fb0"', document)[-1:]


@given(charts(), st.booleans())
def test_svg_is_well_formed_and_the_same_each_time(chart: Chart, dark: bool) -> None:
    document = svg(chart, dark=dark)
    assert document == svg(chart, dark=dark)
    root = ElementTree.fromstring(document)
    assert root.get("viewBox") == "0 0 800 400"
    numbers = re.findall(r'"[^"]*\b(nan|inf)\b[^"]*"', document)
    assert not numbers


@given(charts(), st.sampled_from([(800, 400), (400, 240)]))
def test_everything_in_svg_is_in_the_frame(chart: Chart, size: tuple[int, int]) -> None:
    root = ElementTree.fromstring(svg(chart, *size))
    axes = next(e for e in root.iter(SVG + "path") if e.get("class") == "frame")
    steps = re.findall(r"([\d.]+) ([\d.]+)", axes.attrib["d"])
    (left, top), (_, foot), (right, _) = [(float(x), float(y)) for x, y in steps]
    assert 0 < left < right <= size[0]
    assert 0 < top < foot <= size[1]
    for circle in root.iter(SVG + "circle"):
        x, y = float(circle.attrib["cx"]), float(circle.attrib["cy"])
        if y > top - 10:  # the others are in the legend
            assert left <= x <= right
            assert top <= y <= foot


def test_text_in_svg_is_data() -> None:
    evil = '</text><script>alert("x")</script>&\x1b[31m'
    lines = [ChartLine(evil, [1, 2], [1, 2]), ChartLine(evil, [1, 2], [2, 1])]
    chart = Chart(evil, lines, evil, evil, [Level(1, evil), Spot(1, 1, evil)])  # fmt: skip
    document = svg(chart)
    assert "<script" not in document
    assert "\x1b" not in document
    root = ElementTree.fromstring(document)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} == {
        "svg", "title", "rect", "g", "text", "path", "circle",
    }  # fmt: skip
    shown = evil.replace("\x1b", "\\x1b")
    assert shown in [e.text for e in root.iter(SVG + "text")]


def test_text_on_a_terminal_is_data() -> None:
    evil = "\x1b]0;x\x07\r\n"
    rows = text(Chart(evil, [ChartLine(evil, [1], [1])], evil, evil, [Level(1, evil)]), 120, 30)
    assert plain(rows).replace("\n", "").isprintable()


def test_svg_has_the_look_of_the_lecture() -> None:
    document = svg(learning_curves("accuracy", [1, 2, 3], [0.6, 0.7, 0.8], [0.7, 0.9, 0.8],
                            better="high", published=0.846))  # fmt: skip
    root = ElementTree.fromstring(document)
    dots = [e for e in root.iter(SVG + "circle") if e.get("fill") == "#1b5fb0"]
    rings = [e for e in root.iter(SVG + "circle") if e.get("fill") == "none"]
    assert len(dots) == 1 + 3
    assert len(rings) == 1 + 1
    dashes = [e for e in root.iter(SVG + "path") if e.get("stroke-dasharray")]
    assert len(dashes) == 1 + 1
    assert "published 0.846" in document
    assert "best 0.9, epoch 2" in document


def test_texts_in_svg_are_cut_where_the_drawing_ends() -> None:
    long = "long " * 60
    chart = Chart(long, [ChartLine(long, [1, 2], [1, 2])], marks=[Level(1, long)])
    root = ElementTree.fromstring(svg(chart, 400, 240))
    texts = [e.text or "" for e in root.iter(SVG + "text")]
    assert [text.endswith("…") for text in texts if "long" in text] == [True] * 3
    assert max(map(len, texts)) < 60


def test_names_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    lines = [ChartLine(f"run {k}", [0, 1], [k, 10 + 0.001 * k]) for k in range(6)]
    root = ElementTree.fromstring(svg(Chart("", lines)))
    ends = [e for e in root.iter(SVG + "text") if (e.text or "").startswith("run")][-6:]
    heights = sorted(float(e.attrib["y"]) for e in ends)
    assert min(np.diff(heights)) >= 14.9


def test_a_figure_holds_its_charts_below_each_other() -> None:
    one, other = (Chart(name, [ChartLine("", [1, 2], [1, 2])]) for name in ("first", "second"))
    root = ElementTree.fromstring(figure([one, other], 500, 250))
    assert root.get("height") == "500"
    moved = [e.get("transform") for e in root.iter(SVG + "g")]
    assert moved == ["translate(0 0)", "translate(0 250)"]


def test_half_of_a_wide_character_overwritten_leaves_a_blank_for_the_other_half() -> None:
    for column, shown in ((0, "x b"), (1, " xb")):
        canvas = BrailleCanvas(3, 1)
        canvas.put(0, 0, "猫b", NO_INK)
        canvas.put(0, column, "x", NO_INK)
        assert "".join(text for text, _ in canvas.spans()[0]) == shown
