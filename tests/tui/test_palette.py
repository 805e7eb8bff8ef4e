"""The palette of commands while it opens, is left, and on a terminal with no room for it."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.events import Click, Paste
from textual.widgets import OptionList
from tui.small_models import app, screen_text

from rnnviz.tui.app.help_screen import HelpScreen
from rnnviz.tui.app.palette import Palette


async def test_a_click_beside_everything_does_nothing() -> None:
    it = app(t=1)
    async with it.run_test(size=(20, 6)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        palette = it.screen
        assert isinstance(palette, Palette)
        click = Click(None, 300, 200, 0, 0, 1, False, False, False, 300, 200)
        palette.post_message(click)
        await pilot.pause(0.2)
        assert it.screen is palette
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert it.screen is it.step_screen
    assert it.fault is None


async def test_a_text_pasted_into_it_cannot_steer_the_terminal() -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        it.post_message(Paste("a\x1b]52;c;cm0=\x07\rb"))
        await pilot.pause(0.3)
        text = screen_text(it)
        assert any("a ]52;c;cm0=  b" in line for line in text)
        assert all(line.isprintable() for line in text)


@pytest.mark.parametrize("height", [1, 8])
async def test_it_stays_open_on_every_width(height: int) -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        for width in range(1, 12):
            await pilot.resize_terminal(width, height)
            await pilot.press("n", "backspace")
            await pilot.pause()
        assert isinstance(it.screen, Palette)
    assert it.fault is None


@pytest.mark.parametrize("key", ["ctrl+p", "question_mark"])
async def test_what_is_left_twice_is_left_once(key: str) -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press(key)
        await pilot.pause(0.3)
        top = it.screen
        assert isinstance(top, Palette | HelpScreen)
        top.dismiss()
        top.dismiss()
        await pilot.pause(0.2)
        assert it.screen is it.step_screen
    assert it.fault is None


async def test_a_key_that_comes_after_the_palette_was_left_is_ignored() -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        palette = it.screen
        assert isinstance(palette, Palette)
        await palette.remove_children()
        await pilot.press("pagedown", "down")
        palette.dismiss()
        palette._gather_commands("not")  # what was typed just before
        await pilot.pause(0.3)
        assert it.screen is it.step_screen
    assert it.fault is None


async def test_it_can_be_opened_before_the_one_that_was_left_is_gone() -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        it.action_command_palette()
        await pilot.pause(0.3)
        it.screen.dismiss()
        it.action_command_palette()
        await pilot.pause(0.3)
        assert isinstance(it.screen, Palette)
    assert it.fault is None


@pytest.mark.parametrize("key", ["ctrl+p", "m"])
async def test_a_click_on_a_row_that_was_filtered_out_is_ignored(key: str) -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press(key)
        await pilot.pause(0.3)
        top = it.screen
        rows = top.query_one(OptionList)
        click = Click(None, 3, 1, 0, 0, 1, False, False, False, 3, 1)
        click._style = Style(meta={"option": rows.option_count})
        rows.post_message(click)
        await pilot.pause(0.2)
        assert it.screen is top
    assert it.fault is None
