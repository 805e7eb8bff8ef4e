"""The events of a step screen: what one publishes leads another to the same screen."""

from __future__ import annotations

import asyncio
import random
from functools import cache
from pathlib import Path

import pytest
from textual.pilot import Pilot

from rnnviz.events import (
    ActionEvent,
    CursorEvent,
    Event,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    SessionEvent,
    ViewEvent,
    line_of,
    parse_line,
)
from rnnviz.events.client import connect
from rnnviz.explore import explorer
from rnnviz.query import Explorer, Query
from rnnviz.toy_net.default_nets import default_net
from rnnviz.tui.keymap import ACTIONS
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.step.event_stream import UNSTEERED
from tests.tui.small_models import CELLS, TEXT, app, screen_text

#: Keys that type, open something, end the app or play by themselves; language and theme are each
#: screen's own.
LEFT_OUT = UNSTEERED | {"play", "language", "theme", "faster", "slower", "travel"}
KEYS = sorted(action.keys[0] for action in ACTIONS if action.name not in LEFT_OUT)
TYPED = (
    "not good at all",
    "bad",
    "this movie was good",
    "refuse this",
    "f 2 = 0",
    "i * = 1",
    "0.5",
)


@cache
def explore() -> Explorer:
    return explorer()


def shipped(model: str, text: str = TEXT) -> RnnvizApp:
    query = Query(text, model)
    return RnnvizApp(explore(), query, explore()(query), switch=(model, "sentiment-gru"))


def received(events: list[Event]) -> list[Event]:
    """The events as they arrive on the other side of a socket."""
    parsed = [parse_line(line_of(event, 0)) for event in events]
    return [event[1] for event in parsed if event is not None]


async def read_all(app: RnnvizApp, pilot: Pilot[int]) -> None:
    """Wait for traces and answers, and for what was held up by them."""
    await settled(app, pilot)
    while app.step_screen.requests.is_reading or app.step_screen.event_stream._pending:
        await pilot.pause(0.02)
    await settled(app, pilot)


async def drawn(app: RnnvizApp, pilot: Pilot[int]) -> list[str]:
    """The screen without a message: that is about what was pressed, and is not published."""
    app.step_screen.show(status="", failed=False)
    await pilot.pause()
    return screen_text(app)


async def play(app: RnnvizApp, pilot: Pilot[int], seed: int, count: int) -> None:
    """Random keys, and lines that are typed."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.15:
            # What is predicted in predict mode stays on the screen where it was typed.
            predicts = app.step_screen.view_state.predictions.on
            await pilot.press("t" if predicts else chance.choice("to"))
            if app.step_screen.is_typing:
                for input_ in app.step_screen.query("Input"):
                    input_.value = chance.choice(TYPED)  # type: ignore[attr-defined]
                await pilot.press("enter")
                await read_all(app, pilot)
                if app.step_screen.is_typing:
                    await pilot.press("escape")
        else:
            await pilot.press(chance.choice(KEYS))
    await read_all(app, pilot)
    await pilot.press("escape")
    await read_all(app, pilot)


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where random keys save screenshots."""
    monkeypatch.chdir(tmp_path)


async def same_after(first: RnnvizApp, second: RnnvizApp, seed: int, count: int) -> list[Event]:
    """Record random keys on one app, apply the events to the other; both end up the same."""
    events: list[Event] = []
    async with first.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        first.step_screen.event_stream.subscribe(events.append)
        await play(first, pilot, seed, count)
        expected, state = await drawn(first, pilot), first.step_screen.view_state
    async with second.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        for event in received(events):
            second.step_screen.event_stream.apply(event)
        await read_all(second, pilot)
        await pilot.pause()
        now = second.step_screen.view_state
        assert (now.cursor, now.page, now.query) == (state.cursor, state.page, state.query)
        assert dict(now.page_states) == dict(state.page_states)
        assert await drawn(second, pilot) == expected
    return events


@pytest.mark.parametrize("seed", range(6))
def test_events_of_random_keys_lead_to_the_same_screen(seed: int) -> None:
    cell = CELLS[seed % len(CELLS)]
    asyncio.run(same_after(app(cell=cell), app(cell=cell), seed, 60))


@pytest.mark.parametrize(
    ("model", "text"), [("sentiment-lstm", TEXT), ("agnews-bilstm", "oil falls"), ("jena-gru", "")]
)
def test_events_of_random_keys_on_shipped_models(model: str, text: str) -> None:
    asyncio.run(same_after(shipped(model, text), shipped(model, text), 7, 60))


def by_hand() -> RnnvizApp:
    query = Query("1 0 1", "lstm", hand=default_net("lstm"))
    return RnnvizApp(explore(), query, explore()(query), page="hand")


async def test_events_of_a_net_by_hand() -> None:
    events: list[Event] = []
    first, second = by_hand(), by_hand()
    async with first.run_test(size=(120, 36)) as pilot:
        await read_all(first, pilot)
        first.step_screen.event_stream.subscribe(events.append)
        for key in ("plus", "plus", "C", "K", "right", "down", "minus", "z", "z", "Z"):
            await pilot.press(key)
            await read_all(first, pilot)
        expected = await drawn(first, pilot)
    steps = [event.step for event in events if isinstance(event, QueryEvent) and event.net]
    assert steps == ["edit"] * 4 + ["undo", "undo", "redo"]
    async with second.run_test(size=(120, 36)) as pilot:
        await read_all(second, pilot)
        for event in received(events):
            second.step_screen.event_stream.apply(event)
        await read_all(second, pilot)
        assert await drawn(second, pilot) == expected


async def test_a_snapshot_leads_to_the_same_screen() -> None:
    first, second = app(), app(text="bad", cell="gru")
    async with first.run_test(size=(120, 36)) as pilot:
        await play(first, pilot, 5, 40)
        await pilot.press("c", "g", "left")
        await read_all(first, pilot)
        events, expected = (
            first.step_screen.event_stream.snapshot("7"),
            first.step_screen.view_state,
        )
    assert isinstance(events[0], SessionEvent)
    async with second.run_test(size=(120, 36)) as pilot:
        for event in received(events):
            second.step_screen.event_stream.apply(event)
        await read_all(second, pilot)
        now = second.step_screen.view_state
        assert (now.cursor, now.page, now.query) == (
            expected.cursor, expected.page, expected.query
        )  # fmt: skip
        assert (now.hidden, now.backward) == (expected.hidden, expected.backward)


async def test_what_cannot_be_applied_changes_nothing() -> None:
    it = app()
    bad: list[Event] = [
        PageEvent("no such page"), PageStateEvent("clamp", {"quantity": "zz"}),
        PageStateEvent("clamp", {"quantity": 3}), PageStateEvent("nowhere", {}),
        PageStateEvent("hand", {"chosen": 10**9}), ViewEvent({"hidden": 3}),
        ViewEvent({"trace": 3, "theme": "x"}), ViewEvent({"notation": "x"}),
        ViewEvent({"presenter": "x"}), ViewEvent({"hidden": 1}), ViewEvent({"presenter": []}),
        ActionEvent("quit"), ActionEvent("rm"),
        ActionEvent("sentence"), QueryEvent("refuse", "lstm"), QueryEvent("break", "lstm"),
        QueryEvent("good", "lstm", clamps=("f=?",)), QueryEvent("good", "lstm", net={"cell": 3}),
    ]  # fmt: skip
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.press("right", "c")
        await read_all(it, pilot)
        before = it.step_screen.view_state
        for event in bad:
            it.step_screen.event_stream.apply(event)
            await read_all(it, pilot)
        after = it.step_screen.view_state
        assert it.is_running and it.fault is None
        assert (after.cursor, after.page, after.query, after.hidden) == (
            before.cursor, before.page, before.query, before.hidden
        )  # fmt: skip


async def test_a_cursor_from_elsewhere_is_fitted() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        for event in (CursorEvent(99, "nowhere", 99, 9, "cell", 99), CursorEvent(-5, "read", -3)):
            it.step_screen.event_stream.apply(event)
            await read_all(it, pilot)
            cursor = it.step_screen.view_state.cursor
            assert 0 <= cursor.t < len(TEXT.split()) and 0 <= cursor.unit < 6
        assert it.fault is None


async def test_actions_steer() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        for name in ("token_on", "token_on", "page_clamp"):
            it.step_screen.event_stream.apply(ActionEvent(name))
            await pilot.pause()
        state = it.step_screen.view_state
        assert (state.cursor.t, state.page) == (2, "clamp")


async def test_a_second_terminal_follows_and_steers(tmp_path: Path) -> None:
    it = app()
    it.state_folder = tmp_path
    async with it.run_test(size=(120, 36)) as pilot:
        client = None
        for _ in range(100):
            await pilot.pause(0.02)
            client = client or await connect(state=tmp_path)
        assert client is not None
        client.send(ActionEvent("token_on"))
        async with asyncio.timeout(5):
            async for _, event in client.events():
                if isinstance(event, CursorEvent) and event.t == 1:
                    break
        assert it.step_screen.view_state.cursor.t == 1
    async with asyncio.timeout(5):
        async for _ in client.events():
            pass
    client.close()
    assert await connect(state=tmp_path) is None
