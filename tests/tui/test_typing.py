"""The line that is typed into: it stays open until it has led to something."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from rnnviz.errors import UsageError
from rnnviz.query import Query, Question
from rnnviz.tui.step.app import RnnvizApp
from tests.tui.small_models import CELLS, TEXT, made, read, screen_text


def app(page: str = "", **more: Any) -> RnnvizApp:
    return RnnvizApp(explore, Query(TEXT, "lstm"), made(), page=page,
                     switch=CELLS, unit=2, **more)  # fmt: skip


def explore(question: Question) -> Any:
    if isinstance(question, Query):
        return read(question)
    raise UsageError("not asked here")


async def settle(pilot: Pilot[int], it: RnnvizApp) -> None:
    await it.workers.wait_for_complete()
    await pilot.pause()
    while it.step_screen.page_host.pending:
        await pilot.pause(0.01)
    await pilot.pause()


#: page, the key that opens a line, what cannot be used, how it is mended, what then is true.
LINES = [
    ("", "t", "refuse it", "not good", lambda m: m.trace.tokens == ("not", "good")),
    ("", "t", "break it", "not good", lambda m: m.trace.tokens == ("not", "good")),
    ("", "t", "  ", "good", lambda m: m.trace.tokens == ("good",)),
    ("clamp", "o", "f=x", "f[*]=1", lambda m: [str(c) for c in m.query.clamps] == ["f[*]=1"]),
    ("clamp", "o", "q[0]=1", "0.5", lambda m: len(m.query.clamps) == 1),
    (
        "lockstep",
        "o",
        "qrs",
        "rnn, gru",
        lambda m: m.page_states["lockstep"].models == ("rnn", "gru"),
    ),
    ("against", "o", "refuse", "not bad", lambda m: m.page_states["against"].text == "not bad"),
]


@pytest.mark.parametrize(("page", "key", "wrong", "right", "holds"), LINES)
async def test_after_an_error_the_line_stays_with_its_text_and_takes_the_keys(
    page: str, key: str, wrong: str, right: str, holds: Any
) -> None:
    it = app(page)
    async with it.run_test(size=(100, 30)) as pilot:
        await settle(pilot, it)
        await pilot.press(key, "end", *["backspace"] * 30, *wrong, "enter")
        await settle(pilot, it)
        line, moment = it.step_screen.input, it.step_screen.view_state
        assert line is not None and line.value == wrong
        assert moment.failed and any(row.startswith(" ! ") for row in screen_text(it))
        assert any(wrong.strip() in row for row in screen_text(it))
        # Letters that are commands elsewhere: quit, play, predict first, another page.
        await pilot.press(*"qpwu b")
        assert it.is_running and it.step_screen.view_state.page == page
        assert line.value == wrong + "qpwu b"
        assert not it.step_screen.view_state.failed and not it.step_screen.view_state.hidden
        await pilot.press(*["backspace"] * 30, *right, "enter")
        await settle(pilot, it)
        assert it.step_screen.input is None
        assert holds(it.step_screen.view_state)


async def test_escape_leaves_the_line_and_its_message() -> None:
    it = app()
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("t", *"refuse", "enter")
        await settle(pilot, it)
        assert it.step_screen.view_state.failed
        await pilot.press("escape")
        await pilot.pause()
        assert it.step_screen.input is None and not it.step_screen.view_state.status
        await pilot.press("right")
        assert it.step_screen.view_state.cursor.t == 1


async def test_tab_belongs_to_an_open_line_and_not_to_the_page() -> None:
    it = app("clamp")
    async with it.run_test(size=(100, 30)) as pilot:
        await settle(pilot, it)
        page_states = it.step_screen.view_state.page_states
        await pilot.press("o", "0", "tab", "shift+tab", ".", "5", "enter")
        await settle(pilot, it)
        assert [str(c) for c in it.step_screen.view_state.query.clamps] == ["h[0,2]=0.5"]
        assert it.step_screen.view_state.page_states == page_states
        await pilot.press("escape", "j", *TEXT.split()[2][:2])
        await settle(pilot, it)
        await pilot.press("tab")
        assert it.step_screen.input is not None
        assert it.step_screen.input.value == TEXT.split()[2]


async def test_a_number_is_for_the_value_that_the_prompt_names() -> None:
    it = app("clamp")
    async with it.run_test(size=(100, 30)) as pilot:
        await settle(pilot, it)
        await pilot.press("o")
        line = it.step_screen.input
        assert line is not None and line.value == ""
        assert line.placeholder.startswith("h of token 1 “")
        await pilot.press(*"0.25", "enter")
        await settle(pilot, it)
        assert [str(c) for c in it.step_screen.view_state.query.clamps] == ["h[0,2]=0.25"]


@pytest.mark.parametrize(
    ("page", "keys", "value"),
    [
        ("", "tnot q w", "not q w"),
        ("clamp", "of[*]=1", "f[*]=1"),
        ("lockstep", "oqu", "rnn, lstm, gruqu"),
    ],
)  # fmt: skip
async def test_keys_that_come_all_at_once_are_typed_in_their_order(
    page: str, keys: str, value: str
) -> None:
    it = app(page)
    async with it.run_test(size=(100, 30)) as pilot:
        await settle(pilot, it)
        for char in keys:
            it.post_message(events.Key({" ": "space"}.get(char) or _character_to_key(char), char))
        await settle(pilot, it)
        await settle(pilot, it)
        assert it.is_running and it.step_screen.view_state.page == page
        assert it.step_screen.input is not None and it.step_screen.input.value == value
