"""The page of the parallel scan: its numbers are the cell's, level by level, word by word."""

from __future__ import annotations

from dataclasses import replace

import pytest

import rnnviz
from rnnviz.analysis.parallel_scan import parallel_scan
from rnnviz.cursor import Cursor
from rnnviz.equations import number
from rnnviz.tui.pages.scan import ScanPage, ScanState
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.drawing import computed, value
from tests.tui.pages.reading import SIZES, lines

TEXT = "this movie was not good"


def moment(
    text: str = TEXT, t: int = 4, model: str = "sentiment-mingru", lang: str = "en", unit: int = 9
) -> ViewState:
    trace = rnnviz.step(text, model=model)
    part = len(trace.layers[0].parts) - 1
    return ViewState(trace, Cursor(t=t, part=part, unit=unit), ViewTheme("dark"), lang)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unit", [0, 9, 31])
def test_the_last_level_is_the_state_of_the_loop(size: tuple[int, int], unit: int) -> None:
    now = moment(unit=unit)
    said = lines(ScanPage, now, size[0], size[1] - 2)
    scan = parallel_scan(now.layer)
    for t in range(5):
        row = next(row for row in said if row[1:].startswith(now.trace.tokens[t]))
        h = number(float(now.layer.values["h"][t, unit]), 3, True, 7)
        assert row.split()[-1] == h
        assert row.split()[-2] == number(float(scan.levels[-1].b[t, unit]), 3, True, 7) == h


@pytest.mark.parametrize("t", range(5))
def test_every_combination_is_true_as_printed(t: int) -> None:
    said = [row for row in lines(ScanPage, moment(t=t), 120, 34) if row.startswith(" level ")]
    assert len(said) == (0, 1, 2, 2, 3)[t]
    for row in said:
        _, _, arithmetic, result = row.rsplit(" = ", 3)
        assert computed(arithmetic) == pytest.approx(value(result), abs=6e-4)
    if said:
        assert said[-1].split()[2].startswith("h")


def test_a_word_that_was_not_read_has_no_number() -> None:
    said = lines(ScanPage, moment(t=2), 120, 34)
    for word in ("not", "good"):
        row = next(row for row in said if row[1:].startswith(word))
        assert set(row.split()[1:]) == {"·"}
    hidden = replace(moment(), hidden=True)
    hidden = replace(hidden, cursor=replace(hidden.cursor, part=hidden.layer.parts.index("hidden")))
    row = next(row for row in lines(ScanPage, hidden, 120, 34) if row.startswith("▸good"))
    assert set(row.split()[1:]) == {"?"}


def test_the_key_computes_one_level_after_the_other() -> None:
    now = moment()
    for level in (0, 1, 2, 3, 0):
        change = ScanPage(now).press(now, "next")
        assert change.state == ScanState(level)
        now = replace(now, page_states={"scan": change.state})
        said = lines(ScanPage, now, 120, 34)
        row = next(row for row in said if row.startswith("▸good"))
        assert row.split().count("·") == 3 - level
        assert sum(row.startswith(" level ") for row in said) == level


def test_a_long_text_has_nine_levels_that_fit() -> None:
    now = moment(" ".join([TEXT] * 100), t=499)
    for width, height in SIZES:
        said = lines(ScanPage, now, width, height - 2)
        assert "256" in said[1] and "512" in said[1]
        assert any(row.startswith("▸good") for row in said)
        assert any("500 steps in 9 levels" in row for row in [" ".join(" ".join(said).split())])


@pytest.mark.parametrize(
    ("model", "name"), [("sentiment-lstm", "a_f"), ("sentiment-gru", "a_r"), ("sentiment-rnn", "a")]
)
def test_another_cell_says_which_line_has_to_wait(model: str, name: str) -> None:
    now = moment(model=model)
    said = lines(ScanPage, now, 80, 22)
    assert any(row.startswith(f" {name}₅ = x₅·W") for row in said)
    assert any(row.startswith(f" {name} reads the state before") for row in said)
    assert " this → movie → was → not → good" in said
    assert not ScanPage.applies(now) and ScanPage.applies(moment())
