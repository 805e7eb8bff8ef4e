"""Where the views stand, at every size: nothing overlaps, nothing leaves the screen."""

from __future__ import annotations

from itertools import combinations

import pytest

from rnnviz.tui.panels.arrangement import Shape, arrange
from rnnviz.tui.panels.heatmap import Heatmap
from tests.tui.small_models import made, moment

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


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("units", [1, 2, 3, 6, 32])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_title_of_a_heatmap_is_whole_or_its_symbol(width: int, units: int, lang: str) -> None:
    for cell in ("lstm", "gru"):
        state = moment(made(cell=cell, units=units), 2, lang=lang)
        shape = Shape(5, units, len(state.quantities), (54, 20))
        places = arrange(width, 24 if width < 100 else 36, zoom="sentence", shape=shape)
        for slot, name in enumerate(state.quantities):
            place = places.get(f"heat-{slot}")
            if place is not None:
                drawn = Heatmap(state, slot).lines(state, place.width, place.height)
                title = "".join(segment.text for segment in drawn[0])
                assert title.startswith(f"─ {name} ") and not title.rstrip("─ ").endswith("…")
                assert state.word("name", name) in title or place.width < 23
