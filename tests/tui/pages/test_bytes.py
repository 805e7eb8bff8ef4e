"""A step to the next token is few bytes: over a slow line it is there at once."""

from __future__ import annotations

import statistics

import pytest

from rnnviz.tui.app import settled
from tests.tui.pages.stepping import NAMES, opened, steps

MOST = 10 * 1024
SIZES = ((80, 24), (120, 36), (200, 50))
#: Whose windows of tokens turn within the sentence: looked at in every run of the tests.
TURNING = [("", (120, 36)), ("lockstep", (120, 36)), ("against", (120, 36)), ("clamp", (200, 50))]
REST = [(n, s) for n in NAMES for s in SIZES if (n, s) not in TURNING and n != "hand"]


async def measured(name: str, size: tuple[int, int], lang: str = "en") -> list[int]:
    app = opened(name, lang)
    if app is None:
        pytest.skip("nothing to say about this text")
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        return steps(app)


@pytest.mark.parametrize("name, size", TURNING, ids=str)
async def test_no_step_of_sixty_is_more_than_ten_kilobytes(
    name: str, size: tuple[int, int]
) -> None:
    assert max(await measured(name, size)) <= MOST


@pytest.mark.speed
@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("name, size", [*TURNING, *REST], ids=str)
async def test_nor_on_any_page_at_any_size(name: str, size: tuple[int, int], lang: str) -> None:
    sizes = await measured(name, size, lang)
    said = f"{name or 'panels':10} {size[0]}x{size[1]} {lang}"
    print(f"\n{said}: median {statistics.median(sizes):6.0f}, most {max(sizes):6}")
    assert max(sizes) <= MOST
