"""A step to the next token is few bytes: over a slow line it is there at once."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from rnnviz.tui.step.app import settled
from tests.tui.pages.stepping import NAMES, opened, steps, wired

MOST = 10 * 1024
SIZES = ((80, 24), (120, 36), (200, 50))
#: The page, the layer of the cursor: of a net of two directions the one that reads backwards too.
PLACES = [*((name, 0) for name in NAMES if name != "hand"), ("net", 1)]
#: Whose windows of tokens turn within the sentence: looked at in every run of the tests.
TURNING = [
    (("lockstep", 0), (120, 36), True), (("clamp", 0), (200, 50), True),
    (("backward", 0), (200, 50), True), (("net", 1), (200, 50), False),
]  # fmt: skip


async def measured(
    place: tuple[str, int], size: tuple[int, int], onward: bool, lang: str = "en"
) -> list[int]:
    name, layer = place
    app = opened(name, lang)
    if app is None:
        pytest.skip("nothing to say about this text")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        app.step_screen.move(replace(app.step_screen.view_state.cursor, layer=layer))
        return steps(app, onward)


@pytest.mark.parametrize("place, size, onward", TURNING, ids=str)
async def test_no_step_of_sixty_is_more_than_ten_kilobytes(
    place: tuple[str, int], size: tuple[int, int], onward: bool
) -> None:
    sizes = await measured(place, size, onward)
    assert max(sizes) <= MOST


@pytest.mark.speed
@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("onward", [True, False], ids=["onward", "back"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0] or 'panels'}-{place[1]}")
async def test_nor_on_any_page_at_any_size_in_either_direction(
    place: tuple[str, int], size: tuple[int, int], onward: bool, lang: str
) -> None:
    sizes = await measured(place, size, onward, lang)
    said = f"{place[0] or 'panels':10} layer {place[1]} {size[0]}x{size[1]} {lang}"
    said += f" {'onward' if onward else 'back':6}"
    print(f"\n{said}: median {statistics.median(sizes):6.0f}, most {max(sizes):6}", end="")
    assert max(sizes) <= MOST


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("name", ["", "backward"])
async def test_nor_does_the_first_picture(name: str, lang: str) -> None:
    app = opened(name, lang)
    assert app is not None
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(app, pilot)
        update = app.step_screen._compositor.render_update(full=True)
        assert len(update.render_segments(wired(app)).encode()) <= MOST  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["V", "W"])
async def test_nor_where_the_whole_net_is_shown_at_once(key: str) -> None:
    app = opened("net")
    assert app is not None
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(app, pilot)
        await pilot.press(key)
        await settled(app, pilot)
        sizes = steps(app)
    assert max(sizes) <= MOST
