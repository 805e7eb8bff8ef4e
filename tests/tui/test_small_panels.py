"""The reach and weights panels: words at bars, products, and states of zeros."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tui.small_models import made, moment

from rnnviz.equations import number
from rnnviz.tui.panels.reach import Reaches
from rnnviz.tui.panels.weights import WeightsView
from rnnviz.tui.view.view_state import Reach, ViewState


def reach(view_state: ViewState, width: int, height: int) -> list[str]:
    return [strip.text for strip in Reaches(view_state).strips_at(view_state, width, height)]


def weights(view_state: ViewState, width: int, height: int) -> list[str]:
    return [strip.text for strip in WeightsView(view_state).strips_at(view_state, width, height)]


def test_a_high_reach_panel_has_a_line_for_each_word() -> None:
    view_state = moment(made(units=32), t=3)
    lines = reach(view_state, 57, 7)
    for t, (word, value) in enumerate(
        zip(view_state.trace.tokens, view_state.layer.reach, strict=True)
    ):
        row = lines[1 + t]
        assert row.startswith(f"{'▸' if t == 3 else ' '}{word} ")
        assert number(float(value)) in row
    lengths = [line.count("█") for line in lines[1:6]]
    order = sorted(range(5), key=lambda t: view_state.layer.reach[t])
    assert [lengths[t] for t in order] == sorted(lengths)


@pytest.mark.parametrize("compared", [0, 2])
def test_a_low_reach_panel_has_the_words_below_the_bars(compared: int) -> None:
    view_state = moment(made(units=32), t=3)
    more = {f"other-{k}": Reach(f"other {k}", view_state.layer.reach) for k in range(compared)}
    view_state = replace(view_state, reaches=more)
    lines = reach(view_state, 80, 3 + compared)
    bars, axis = lines[1], lines[2 + compared]
    for t, word in enumerate(view_state.trace.tokens):
        column = axis.index(word)
        assert bars[column] in "▁▂▃▄▅▆▇█", (t, word)
        assert (axis[column - 1] == "▸") == (t == 3)


def test_a_narrow_reach_panel_names_the_chosen_word() -> None:
    text = " ".join(["this movie was not good"] * 8)
    view_state = moment(made(text, units=32), t=3)
    lines = reach(view_state, 80, 3)
    assert lines[2].strip() == "↑ not"


@pytest.mark.parametrize(("t", "zero"), [(0, True), (1, False)])
def test_a_state_of_zeros_is_said_to_add_nothing(t: int, zero: bool) -> None:
    for lang, text in (("en", "h₀ is 0: U_o adds nothing"), ("tr", "h₀ sıfırdır: U_o")):
        drawn = weights(moment(made(units=32), t=t, lang=lang), 60, 20)
        assert any(text in line for line in drawn) == zero


def test_the_products_of_the_weights_are_those_of_the_printed_numbers() -> None:
    view_state = moment(made(units=32), t=3)
    rows = [line for line in weights(view_state, 60, 20) if " × " in line]
    assert len(rows) >= 8
    for row in rows:
        weight, value, product = (
            float(part.split()[k].replace("−", "-"))
            for part, k in zip(row.replace(" = ", " × ").split(" × "), (1, 0, 0), strict=True)
        )
        assert weight * value == pytest.approx(product, abs=6e-4)
        assert number(weight * value, 3, True) == number(product, 3, True) or abs(product) < 5e-4
    # The same weights at every token, with as many digits as their products need.
    again = [line for line in weights(moment(made(units=32), t=4), 60, 20) if " × " in line]
    assert [_weight(row) for row in again] == pytest.approx(
        [_weight(row) for row in rows], abs=1e-3
    )


def _weight(row: str) -> float:
    return float(row.split(" × ")[0].split()[1].replace("−", "-"))
