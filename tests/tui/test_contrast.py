"""Every character of every screen can be read on what is behind it, in every theme."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from rich.style import Style
from textual.command import CommandInput, CommandList

from rnnviz.tui.pages import PAGES
from rnnviz.tui.render.theme import BARS, PALETTES, ColourPalette, contrast
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.small_models import app, made, screen_text

#: Contrast of text and of marks that carry meaning, as WCAG 2.1 asks for (1.4.3, 1.4.11).
TEXT, MARK = 4.5, 3.0


def faint(
    it: RnnvizApp, palette: ColourPalette, lines: slice = slice(None)
) -> Iterator[tuple[str, str, str, float]]:
    """The characters that cannot be read: character, colour, colour behind it, contrast."""
    for strip in it.screen._compositor.render_strips()[lines]:
        for text, style, _ in strip:
            style = style or Style()
            colours = [
                palette.ink if style.color is None else style.color.get_truecolor().hex,
                palette.background if style.bgcolor is None else style.bgcolor.get_truecolor().hex,
            ]
            ink, paper = reversed(colours) if style.reverse else colours
            # Lines between panels and dots for tokens that are not read yet may be faint.
            least = 1.0 if ink == palette.rule else MARK
            least = TEXT if any(c.isalnum() for c in text) else least
            if text.strip() and contrast(ink, paper) < least:
                yield text, ink, paper, round(contrast(ink, paper), 2)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
@pytest.mark.parametrize("units", [8, 32])
def test_every_page_can_be_read(palette: ColourPalette, units: int) -> None:
    it = app(trace=made("it was not good xyzzy", units=units), theme=palette.name, t=2)

    async def run() -> None:
        async with it.run_test(size=(120, 36)) as pilot:
            for page in ("", *(entry.name for entry in PAGES)):
                if page:
                    it.step_screen.action_page(page)
                await settled(it, pilot)
                assert list(faint(it, palette)) == [], page
                for key in () if page else ("comma", "comma", "b"):
                    await pilot.press(key)
                    assert list(faint(it, palette)) == [], key
                if page:
                    it.step_screen.action_page(page)

    asyncio.run(run())


def texts_of_pages(theme: str, colour: bool) -> dict[str, list[str]]:
    """The text of the panels and of every page, without any style."""
    trace = made("it was not good xyzzy", units=32)
    it = app(trace=trace, theme=theme, t=2, unit=27, colour=colour)
    found = {}

    async def run() -> None:
        async with it.run_test(size=(120, 36)) as pilot:
            for page in ("", *(entry.name for entry in PAGES)):
                if page:
                    it.step_screen.action_page(page)
                await settled(it, pilot)
                found[page] = screen_text(it)
                if page:
                    it.step_screen.action_page(page)

    asyncio.run(run())
    return found


def test_nothing_is_said_by_colour_alone() -> None:
    """The text is the same in every theme and without colours; it has sign, size and choice."""
    dark = texts_of_pages("dark", True)
    for theme, colour in (("light", True), ("ansi", True), ("dark", False)):
        assert texts_of_pages(theme, colour) == dark, theme
    panels = "\n".join(dark[""])
    heights = [height for height in BARS[1:] if height in panels]
    assert len(heights) >= 4 and all(sign in panels for sign in "+−⁺⁻")
    assert "▸not" in panels and "▼" in panels and panels.count("◆") >= 3 * 6


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
@pytest.mark.parametrize("key", ["question_mark", "ctrl+p", "t", "p", "b"])
def test_help_palette_and_prompt_can_be_read(palette: ColourPalette, key: str) -> None:
    it = app(theme=palette.name, t=2)

    async def run() -> None:
        async with it.run_test(size=(120, 36)) as pilot:
            await pilot.press(key)
            await settled(it, pilot)
            lines = slice(None)
            if key == "ctrl+p":  # the screen under the palette is dim on purpose
                await pilot.pause(0.1)
                entry, found = it.screen.query_one(CommandInput), it.screen.query_one(CommandList)
                lines = slice(entry.region.y, found.region.bottom - 1)
                assert len(found.options) > 9
            assert list(faint(it, palette, lines)) == []

    asyncio.run(run())
