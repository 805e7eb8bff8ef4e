"""Where the views stand, at every size: nothing overlaps, nothing leaves the screen."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tui.small_models import DRAWN, made, moment, panels

from rnnviz.tui.panels.arrangement import arrange
from rnnviz.tui.panels.heat_grid import Shape
from rnnviz.tui.panels.heatmap import Heatmap
from rnnviz.tui.step.panel_layout import panel_places
from rnnviz.tui.view.view_state import ViewState

SIZES = (
    (60, 20),
    (79, 24),
    (80, 24),
    (99, 30),
    (100, 30),
    (120, 36),
    (179, 60),
    (180, 40),
    (200, 50),
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("zoom", ["sentence", "cell", "equation"])
@pytest.mark.parametrize("units", [1, 8, 32, 128])
@pytest.mark.parametrize("tokens", [1, 5, 5000])
@pytest.mark.parametrize("status", [0, 2])
def test_views_fit_and_do_not_overlap(
    size: tuple[int, int], zoom: str, units: int, tokens: int, status: int
) -> None:
    for quantities in (1, 5, 6):
        shape = Shape(tokens, units, quantities, (59, 12))
        places = arrange(*size, zoom=zoom, shape=shape, status=status)
        assert {"title", "keys", "sentence"} <= set(places)
        for name, region in places.items():
            assert 0 <= region.x and region.right <= size[0], name
            assert 0 <= region.y and region.bottom <= size[1], name
        for (one, a), (other, b) in combinations(places.items(), 2):
            assert not a.overlaps(b), (one, other, a, b)


@pytest.mark.parametrize("size", [(59, 30), (80, 19), (1, 1)])
def test_too_small_is_one_view(size: tuple[int, int]) -> None:
    assert set(arrange(*size, zoom="sentence", shape=Shape(5, 6, 6, (59, 12)))) == {"small"}


@pytest.mark.parametrize(("size", "needed"), [
    ((80, 24), {"heat-0", "heat-5"}),
    ((120, 36), {"heat-0", "heat-5", "cell", "equation", "backward", "reach"}),
    ((200, 50), {"heat-0", "heat-5", "cell", "equation", "backward", "reach", "weights"}),
])  # fmt: skip
def test_what_a_size_shows(size: tuple[int, int], needed: set[str]) -> None:
    places = arrange(*size, zoom="sentence", shape=Shape(5, 32, 6, (59, 12)))
    assert needed <= set(places)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
def test_thirty_two_units_fit(size: tuple[int, int]) -> None:
    places = arrange(*size, zoom="sentence", shape=Shape(5, 32, 6, (59, 12)))
    assert all(r.width >= 32 + 5 for name, r in places.items() if name.startswith("heat"))


# -- every quantity, at every size from 80×24 -----------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(80, 220),
    height=st.integers(24, 60),
    tokens=st.integers(1, 60),
    units=st.sampled_from([1, 2, 6, 8, 32, 64]),
    quantities=st.integers(1, 6),
    status=st.integers(0, 1),
)
def test_every_quantity_has_a_place_with_the_current_row(
    width: int, height: int, tokens: int, units: int, quantities: int, status: int
) -> None:
    shape = Shape(tokens, units, quantities, (59, 12))
    places = arrange(width, height, zoom="sentence", shape=shape, status=status)
    for k in range(quantities):
        region = places[f"heat-{k}"]
        assert region.height >= 1 + min(tokens, 2), (k, region)
        assert region.width >= 24, (k, region)
    for (one, a), (other, b) in combinations(places.items(), 2):
        assert not a.overlaps(b), (one, other, a, b)
    assert all(r.right <= width and r.bottom <= height for r in places.values())


@pytest.mark.parametrize("cell", DRAWN)
def test_every_quantity_is_drawn_from_80_by_24(cell: str) -> None:
    """All widths and heights up to 120×40, the current row and the number of the unit in each."""
    view_state = moment(made(cell=cell, units=32), t=4)
    for width in range(80, 121, 8):
        for height in range(24, 41, 4):
            drawn = panels(view_state, (width, height))
            for k, name in enumerate(view_state.quantities):
                lines = drawn[f"heat-{k}"]
                assert f" {name} " in lines[0], (width, height, name, lines[0])
                assert any(line.startswith("▸") for line in lines), (width, height, name)
            for name in drawn:
                if name.startswith("words-"):
                    assert any(line.startswith("▸good") for line in drawn[name])


@pytest.mark.parametrize("cell", DRAWN)
@pytest.mark.parametrize("units", [1, 2, 6, 32])
@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 50)])
def test_the_unit_is_marked_and_named_over_every_heat_map(
    cell: str, units: int, size: tuple[int, int]
) -> None:
    trace = made(cell=cell, units=units)
    for lang in ("en", "tr"):
        for unit in range(0, units, 1 if size == (80, 24) else 5):
            view_state = _of_unit(moment(trace, t=2, lang=lang), unit)
            for k, name in enumerate(view_state.quantities):
                top = _heat_map(view_state, size, k)
                marks = [line for line in top[:2] if "▼" in line]
                assert len(marks) == 1, (unit, name, top)
                assert f"▼{unit}" in marks[0] or f"{unit}▼" in marks[0]
                # The title is whole: the symbol with its word, or the symbol alone.
                assert f" {name} " in top[0], top[0]
                assert "…" not in top[0].replace("0…1", ""), top[0]
                row = next(line for line in top if line.startswith("▸"))
                if "◆" in row:  # cells with numbers have none
                    assert row.index("◆") == marks[0].index("▼"), (unit, row, marks[0])


def _of_unit(view_state: ViewState, unit: int) -> ViewState:
    return replace(view_state, cursor=replace(view_state.cursor, unit=unit))


def _heat_map(view_state: ViewState, size: tuple[int, int], slot: int) -> list[str]:
    region = panel_places(view_state, *size, typing=False, full_screen=False)[f"heat-{slot}"]
    strips = Heatmap(view_state, slot).strips_at(view_state, region.width, region.height)
    return [strip.text for strip in strips]


# -- no panel twice, no empty halves ---------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 50)])
@pytest.mark.parametrize("zoom", ["sentence", "cell", "equation"])
def test_backward_stands_on_the_screen_once(size: tuple[int, int], zoom: str) -> None:
    view_state = moment(t=4, backward=True)
    view_state = replace(view_state, cursor=replace(view_state.cursor, zoom=zoom))
    drawn = panels(view_state, size)
    assert "backward" not in drawn
    forward = panels(replace(view_state, backward=False), size)
    if "equation" in drawn:
        assert len(drawn["equation"]) >= len(forward["equation"])


@pytest.mark.parametrize("cell", DRAWN)
@pytest.mark.parametrize("zoom", ["cell", "equation"])
@pytest.mark.parametrize("size", [(120, 36), (200, 50)])
def test_a_zoom_leaves_no_large_part_of_the_screen_empty(
    cell: str, zoom: str, size: tuple[int, int]
) -> None:
    """Below the sentence no rectangle of a quarter by a third of the screen is blank."""
    view_state = moment(made(cell=cell, units=32), t=4)
    view_state = replace(view_state, cursor=replace(view_state.cursor, zoom=zoom))
    places = panel_places(view_state, *size, typing=False, full_screen=False)
    screen = [[" "] * size[0] for _ in range(size[1])]
    for name, lines in panels(view_state, size).items():
        region = places[name]
        for y, line in enumerate(lines, region.y):
            text = line if name != "cell" else "#" * len(line)
            screen[y][region.x : region.x + len(line)] = text
    wide, high = size[0] // 4, size[1] // 3
    for y in range(places["sentence"].bottom, size[1] - high):
        for x in range(0, size[0] - wide, 4):
            block = (char for row in screen[y : y + high] for char in row[x : x + wide])
            assert any(char != " " for char in block), (x, y)
