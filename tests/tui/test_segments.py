"""The drawing functions: numbers and words to lines, without an app."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.render import segments
from rnnviz.tui.render.theme import STEPS, ViewTheme, signed_glyph

HOSTILE = (
    "\x1b[31mred\x1b[0m", "\x07bell", "a\tb\nc", "日本語", "👩‍👩‍👧", "🇹🇷", "👍🏽", "❤️",
    "e\u0301te\u0301",
    "\u0301", "\u202eleft", "\ud800", "[bold]x[/bold]", "", "İıĞğŞş", "a\u200bb", "\x9b31m",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", range(12))
def test_fit_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    assert cell_len(segments.fit(visible(text), width)) == width


@given(st.text(st.characters(), max_size=12), st.integers(0, 20))
def test_no_text_at_all_breaks_a_column(text: str, width: int) -> None:
    said = visible(text)
    assert cell_len(segments.fit(said, width)) == width
    assert all(c.isprintable() or c == " " for c in said)


def test_control_characters_are_shown_escaped() -> None:
    assert visible("\x1b[31m") == r"\x1b[31m"
    assert visible("\u202e") == r"\u202e"
    assert visible("good") == "good"


@pytest.mark.parametrize(
    "value, said",
    [(0.714, "+.71"), (-0.04, "−.04"), (1.23, "+1.2"), (-12.3, "−12 "), (0, " .00"),
     (0.999, "+1.0"), (-0.001, "−.00"), (345.6, "+346")],
)  # fmt: skip
def test_short_numbers_take_four_columns(value: float, said: str) -> None:
    assert segments.short(value) == said
    assert len(segments.short(value)) == 4


def test_a_heat_row_says_sign_and_choice_without_any_style() -> None:
    row = segments.heat(
        np.array([0.9, 0.3, 0.0, -0.3, -0.9, 0.5]), 1.0, False, ViewTheme("dark"), 1, 5
    )
    assert "".join(s.text for s in row) == "+⁺ ⁻−◆"


def test_a_row_of_gates_says_value_and_choice_without_any_style() -> None:
    values = np.array([0.0, 0.03, 0.26, 0.52, 0.99, 0.5])
    row = segments.heat(values, 1.0, True, ViewTheme("dark"), 1, 5)
    assert "".join(s.text for s in row) == " ▁▂▄█◆"
    row = segments.heat(values, 1.0, True, ViewTheme("dark"), 3, 5)
    assert "".join(s.text for s in row) == "   ▁▁ ▂▂ ▄▄ ██ ◆  "


def test_signs_are_symmetric() -> None:
    for level in range(2, STEPS + 1):
        assert signed_glyph(level) in "+⁺"
        assert signed_glyph(-level) in "−⁻"
    assert signed_glyph(0) == signed_glyph(1) == " "


def test_levels_are_clipped_and_symmetric() -> None:
    assert segments.level(5.0, 1.0) == STEPS
    assert segments.level(-5.0, 1.0) == -STEPS
    assert segments.level(0.25, 1.0) == -segments.level(-0.25, 1.0) == 5
    assert segments.level(1.0, 0.0) == 0


def test_eight_units_print_their_numbers() -> None:
    row = segments.heat(np.array([0.51, -0.25]), 1.0, False, ViewTheme("dark"), 5, 0)
    assert "".join(s.text for s in row) == "+.51 −.25 "
    tight = segments.heat(np.array([0.51, -0.25]), 1.0, False, ViewTheme("dark"), 4, 0)
    assert "".join(s.text for s in tight) == "+.51−.25"


def test_bars_show_a_sliver_of_anything_above_zero() -> None:
    assert segments.bar(0.0, 2) == [" ", " "]
    assert segments.bar(1e-9, 2) == [" ", "▁"]
    assert segments.bar(0.5, 2) == [" ", "█"]
    assert segments.bar(1.0, 2) == ["█", "█"]


def test_the_log_range_holds_every_value() -> None:
    assert segments.log_range(np.array([0.02, 0.5])) == (-2, 0)
    assert segments.log_range(np.array([1.0, 1.0])) == (-1, 0)
    assert segments.log_range(np.array([0.0])) == (-1, 0)


def test_equal_factors_are_equal_steps() -> None:
    assert segments.log_spark(np.array([1e-7, 1e-3, 1.0, 0.0]), -7, 0) == "▁▅█ "


@pytest.mark.parametrize(
    ("count", "chosen", "room", "first"),
    [(5, 0, 9, 0), (50, 25, 10, 20), (50, 49, 10, 40), (50, 0, 10, 0)],
)
def test_the_window_holds_the_chosen_row(count: int, chosen: int, room: int, first: int) -> None:
    assert segments.window(count, chosen, room) == first
    assert first <= chosen < first + room


@pytest.mark.parametrize("room", range(1, 9))
def test_a_page_shows_the_row_its_neighbours_and_seldom_turns(room: int) -> None:
    firsts = [segments.page(50, chosen, room) for chosen in range(50)]
    for chosen, first in enumerate(firsts):
        assert 0 <= first <= chosen < first + room <= 50
        if room > 3:
            assert first <= max(0, chosen - 1)
            assert min(49, chosen + 1) < first + room
    if room > 3:
        assert len(set(firsts)) <= 50 // (room - 2) + 1


def test_flowed_lines_break_before_operators() -> None:
    pieces = [Segment("a"), Segment(" + "), Segment("bbbb"), Segment(" + "), Segment("cc")]
    lines = segments.flowed(pieces, 9, 2)
    assert ["".join(s.text for s in line) for line in lines] == ["a + bbbb", "   + cc"]


def test_trimmed_never_splits_a_wide_character() -> None:
    line = segments.trimmed([Segment("日本語")], 4, ViewTheme("dark").ink)
    assert segments.length(line) == 4
