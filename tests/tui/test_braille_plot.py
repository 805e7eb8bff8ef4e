"""Curves over tokens: marks where the values are, a scale whose ticks are true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.tui.render.braille_plot import (
    Canvas,
    TokenCurve,
    centres,
    level_bar,
    plot,
    row_of,
    runs,
)
from rnnviz.tui.render.scales import log_scale

SHARES = np.array([0.0, 0.5, np.nan, 1.0])


def test_every_mark_stands_at_its_value_and_a_gap_has_none() -> None:
    columns = centres(4, 40)
    cells = plot([TokenCurve(SHARES, "●")], columns, 40, 9)
    found = {(y, x) for y, row in enumerate(cells) for x, cell in enumerate(row) if cell[0] == "●"}
    assert found == {(8, columns[0]), (4, columns[1]), (0, columns[3])}


def test_a_line_joins_neighbours_and_not_what_is_beyond_a_gap() -> None:
    columns = centres(4, 40)
    cells = plot([TokenCurve(SHARES, "●")], columns, 40, 9)
    drawn = {x for row in cells for x, cell in enumerate(row) if cell[0] != " "}
    assert set(range(columns[0], columns[1] + 1)) <= drawn
    assert not drawn & set(range(columns[1] + 1, columns[3]))


def test_a_later_curve_covers_an_earlier_one_and_runs_say_whose_each_piece_is() -> None:
    flat = np.array([0.5, 0.5])
    cells = plot([TokenCurve(flat, "a"), TokenCurve(flat, "b")], [1, 8], 10, 3)
    assert [n for _, n in runs(cells[1])] == [None, 1, None]


@pytest.mark.parametrize("covers, dots", [(True, 2), (False, 4)])
def test_two_lines_in_one_character_cover_one_another_or_share_it(covers: bool, dots: int) -> None:
    canvas = Canvas(1, 1, "", covers)
    for name, share in (("a", 1.0), ("b", 0.0)):
        canvas.line(np.array([0.0, 1.0]), np.array([share, share]), name)
    char, whose = canvas.cells[0][0]
    assert whose == "b" and (ord(char) - 0x2800).bit_count() == dots


def test_in_ascii_only_the_marks_are_drawn() -> None:
    cells = plot([TokenCurve(SHARES, "R")], centres(4, 40), 40, 9, plain=True)
    assert {cell[0] for row in cells for cell in row} == {" ", "R"}


def test_tokens_that_stand_close_have_marks_at_their_ends_only() -> None:
    cells = plot([TokenCurve(np.full(30, 0.5), "●")], centres(30, 40), 40, 5)
    marks = [x for x, cell in enumerate(cells[2]) if cell[0] == "●"]
    assert marks == [centres(30, 40)[0], centres(30, 40)[-1]]


positive = st.floats(1e-250, 1e6)


@given(st.lists(positive, min_size=1, max_size=9), st.integers(4, 40))
def test_a_scale_holds_its_values_and_its_ticks_are_true(values: list[float], rows: int) -> None:
    scale = log_scale(np.array(values), rows)
    assert max(values) <= scale.high * 1.001
    assert min(values) * 1.001 >= scale.low or any(t.startswith("≤") for _, t in scale.ticks)
    assert len(scale.ticks) <= max(3, rows // 2 + 2)
    shares = scale.shares(np.array(values))
    assert ((shares >= 0) & (shares <= 1)).all()
    powers = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    for value, label in scale.ticks:
        plain = label.lstrip("≤")
        factor, _, power = plain.rpartition("·") if "·" in plain else ("1", "", plain)
        raised = power.startswith("10") and power != "10" and power[2:3] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
        read = float(f"{factor}e{power[2:].translate(powers)}") if raised else float(plain)
        assert read == pytest.approx(value)


def test_what_lies_below_the_scale_is_said_to() -> None:
    scale = log_scale(np.array([1.0, 1e-80, 0.0]), 20)
    assert scale.ticks[-1][1].startswith("≤")
    assert scale.shares(np.array([1e-80, 0.0])).tolist() == [0, 0]


def test_the_middle_of_two_decades_is_in_the_middle() -> None:
    scale = log_scale(np.array([0.1, 1.0]), 20)
    assert scale.shares(np.array([10**-0.5]))[0] == pytest.approx(0.5)
    assert row_of(1, 10) == 0 and row_of(0, 10) == 9


@pytest.mark.parametrize(
    ("share", "text"), [(0, "    "), (0.01, "▌   "), (0.5, "██  "), (0.9, "███▌"), (2, "████")]
)
def test_a_bar_is_as_long_as_its_share(share: float, text: str) -> None:
    assert level_bar(share, 4) == text
