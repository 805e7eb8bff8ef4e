"""Whatever is pressed, on whatever model and page, at whatever size: the stepper stands."""

from __future__ import annotations

import asyncio
import random
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnviz.cursor import fitted
from rnnviz.explore import explorer
from rnnviz.query import Explorer, Query
from rnnviz.tui.keymap import ACTIONS, PAGE_KEYS
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.small_models import TEXT, made, read

#: What ends the app, opens another screen, or writes a file is left out.
LEFT_OUT = ("quit", "palette", "help", "screenshot", "textshot", "sentence", "interrupt")
KEYS = sorted(key for a in ACTIONS if a.name not in LEFT_OUT for key in a.keys)
SIZES = ((80, 24), (120, 36), (200, 50), (60, 20), (100, 30), (40, 10))
SHIPPED = {
    "sentiment-rnn": TEXT, "sentiment-lstm": TEXT, "sentiment-gru": TEXT,
    "sentiment-lstm-8": TEXT, "sentiment-lstm-slide": TEXT, "sentiment-mingru": TEXT,
    "imdb-rnn": TEXT, "imdb-lstm": TEXT, "imdb-gru": TEXT,
    "agnews-bilstm": "Cup final goes to extra time", "jena-gru": "",
}  # fmt: skip


def drawn(seed: int) -> list[str | tuple[int, int]]:
    """200 keys, one in eight of them another size instead; pages are opened often."""
    chance = random.Random(seed)
    pages = list(PAGE_KEYS.values())
    found: list[str | tuple[int, int]] = []
    for _ in range(200):
        kind = chance.random()
        found.append(chance.choice(SIZES if kind < 0.12 else pages if kind < 0.25 else KEYS))
    return found


@cache
def explore() -> Explorer:
    return explorer()


@pytest.mark.parametrize("model", SHIPPED)
@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_two_hundred_keys_on_every_model(model: str, seed: int) -> None:
    query = Query(SHIPPED[model], model)
    switch = tuple(SHIPPED)[:5]
    app = RnnvizApp(explore(), query, explore()(query), switch=switch)  # type: ignore[arg-type]
    asyncio.run(play(app, drawn(seed)))


def test_keys_that_once_broke_it() -> None:
    query = Query(TEXT, "imdb-rnn")  # a net by hand with another number of units than before
    app = RnnvizApp(explore(), query, explore()(query), switch=tuple(SHIPPED)[:5])  # type: ignore[arg-type]
    asyncio.run(play(app, drawn(15)))


async def play(app: RnnvizApp, pressed: list[str | tuple[int, int]]) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        screen = app.step_screen
        for what in pressed:
            if isinstance(what, tuple):
                await pilot.resize_terminal(*what)
            else:
                app.simulate_key(what)
                await pilot._wait_for_screen()
            if screen.input is not None:
                app.simulate_key("escape")
                await pilot._wait_for_screen()
            moment = screen.view_state
            assert fitted(moment.cursor, moment.trace) == moment.cursor
        await settled(app, pilot)
        assert app.is_running


def text_of(app: RnnvizApp) -> list[str]:
    """The lines of the open page, without the line for messages."""
    page = app.step_screen.page_host.page
    assert page is not None
    return [strip.text for strip in page.strips()]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
async def test_undoing_what_is_held_brings_the_same_screen_back(cell: str) -> None:
    app = RnnvizApp(read, Query(TEXT, cell), made(cell=cell), page="clamp")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("end")
        await settled(app, pilot)
        before, trace = text_of(app), app.step_screen.view_state.trace
        await pilot.press("x")
        await settled(app, pilot)
        await pilot.pause(0.2)
        assert app.step_screen.view_state.query.clamps
        assert text_of(app) != before
        await pilot.press("z")
        await settled(app, pilot)
        await pilot.pause(0.2)
        after = app.step_screen.view_state
        assert not after.query.clamps
        assert (after.trace.head.readout == trace.head.readout).all()
        # "redo" is offered now; every number and every cell is as it was.
        assert text_of(app)[:-2] == before[:-2]
