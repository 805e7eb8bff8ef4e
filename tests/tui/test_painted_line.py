"""Only what differs is painted again, and it is all that differs."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from rnnviz.cursor import to_part, to_token, to_unit
from rnnviz.tui.render.painted_line import NEAR, PaintedLine, changed_columns
from rnnviz.tui.render.theme import ViewTheme
from tests.tui.pages.stepping import drawn
from tests.tui.small_models import app

DARK = ViewTheme("dark")
WIDTH = 24
styles = st.sampled_from([DARK.ink, DARK.now, DARK.chosen, Style(underline=True), None])
texts = st.sampled_from(["a", "  ", "xyz", "▪▪", "abc", "", "    "])
lines = st.lists(st.builds(Segment, texts, styles), max_size=8)


def cells(painted: PaintedLine) -> list[tuple[str, Style | None]]:
    """A character and a style for every column."""
    return [(char, style) for text, style, _ in painted.strip for char in text]


@given(lines, lines)
def test_the_runs_are_what_differs_and_gaps_too_short_to_jump(old: list, new: list) -> None:
    before, after = PaintedLine(old, WIDTH, DARK), PaintedLine(new, WIDTH, DARK)
    pairs = enumerate(zip(cells(before), cells(after), strict=True))
    differ = {x for x, (a, b) in pairs if a != b}
    runs = changed_columns(before, after)
    covered = {x for start, end in runs for x in range(start, end)}
    assert differ <= covered
    for start, end in runs:
        assert {start, end - 1} <= differ
    for (_, end), (start, _) in pairwise(runs):
        assert start - end >= NEAR


@pytest.mark.parametrize("word", ["日本", "e\u0301"])
def test_a_line_with_wider_characters_is_painted_around_the_difference(word: str) -> None:
    one = PaintedLine([Segment("same", DARK.ink), Segment(word, DARK.now)], WIDTH, DARK)
    other = PaintedLine([Segment("same", DARK.ink), Segment("ab", DARK.now)], WIDTH, DARK)
    ((start, end),) = changed_columns(one, other)
    assert start == 4 and end >= 6


def test_ascii_is_as_wide_as_what_it_stands_for() -> None:
    look = ViewTheme("dark", ascii_only=True)
    painted = PaintedLine([Segment("日本 ▸ −ş", look.ink)], WIDTH, look)
    assert painted.strip.text.isascii() and len(painted.strip.text) == WIDTH


SIZE = (100, 30)


class Wire:
    """A terminal that is sent what the app writes."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(*SIZE)
        self.stream = pyte.Stream(self.screen)
        self.console = Console(
            file=io.StringIO(), force_terminal=True, color_system="truecolor", width=SIZE[0]
        )

    def feed(self, data: str) -> None:
        self.stream.feed(data)

    def shown(self) -> list[tuple]:
        """Every cell; a space has no ink."""
        buffer, (width, height) = self.screen.buffer, SIZE
        found = []
        for y in range(height):
            for c in (buffer[y][x] for x in range(width)):
                ink = (c.fg, c.bold) if c.data != " " else ()
                found.append((c.data, c.bg, c.reverse, c.underscore, *ink))
        return found


@pytest.mark.parametrize("theme", ["dark", "ansi"])
@pytest.mark.parametrize("page", ["", "backward", "lockstep"])
async def test_steps_come_to_the_same_picture_as_painting_it_all(page: str, theme: str) -> None:
    it = app("this movie 日本 was not good " * 3, page=page, theme=theme)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.pause(0.3)
        screen, sparing = it.step_screen, Wire()
        whole = screen._compositor.render_update(full=True)
        sparing.feed("\x1b[H" + whole.render_segments(sparing.console).replace("\n", "\r\n"))
        for step, n in ((to_token, 7), (to_part, 1), (to_unit, 1), (to_token, 3), (to_part, -1)):
            moment = screen.view_state
            screen.move(replace(step(moment.cursor, moment.trace, n)))
            sparing.feed(drawn(it, sparing.console))
            full = Wire()
            whole = screen._compositor.render_update(full=True)
            full.feed("\x1b[H" + whole.render_segments(full.console).replace("\n", "\r\n"))
            assert sparing.shown() == full.shown()
