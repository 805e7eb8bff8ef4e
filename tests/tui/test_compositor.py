"""What is written style by style shows the same picture as what is written line by line."""

from __future__ import annotations

import io
import re
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from rnnviz.tui.terminal import ansi_encoding
from rnnviz.tui.terminal.ansi_encoding import Piece
from rnnviz.tui.terminal.compositor import FullUpdate, PartialUpdate
from tests.tui.test_no_colour import HEIGHT, WIDTH, shown

INKS, PAPERS = ["#10141b", "#ffd75f", "#62b4ff", None], ["#10141b", "#2e4767", None]
styles = st.one_of(
    st.none(),
    st.builds(
        Style,
        color=st.sampled_from(INKS), bgcolor=st.sampled_from(PAPERS),
        bold=st.booleans(), underline=st.booleans(), reverse=st.booleans(),
    ),
)  # fmt: skip
texts = st.sampled_from(["a", " ", "  ", "xy z", "⁺", "猫", "é", " " * 15, "b" + " " * 20, ""])
lines = st.lists(st.tuples(texts, styles).map(lambda it: Segment(*it)), min_size=1, max_size=6)
#: For each line, what it shows and which spans of it are written.
pictures = st.lists(st.tuples(lines, st.lists(st.integers(0, WIDTH), max_size=4)), max_size=HEIGHT)


def pieces_of(picture: list) -> list[Piece]:
    found = []
    for y, (line, edges) in enumerate(picture):
        strip = Strip(line)
        wide = min(WIDTH, strip.cell_length)
        inside = sorted({edge % (wide + 1) for edge in [*edges, wide]})
        found += [(y, a, strip, a, b) for a, b in zip(inside[::2], inside[1::2], strict=False)]
    return found


def one_by_one(pieces: list[Piece]) -> str:
    """Every piece at its place, every segment in its own style."""
    out = []
    for y, x, strip, start, end in pieces:
        out.append(f"\x1b[{y + 1};{x + 1}H")
        out += [(s.style or Style()).render(s.text) for s in strip.crop(start, end)]
    return "".join(out)


@given(pictures)
def test_style_by_style_shows_the_same_picture(picture: list) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    pieces = pieces_of(picture)
    for erases in (True, False):
        with mock.patch.object(ansi_encoding, "erases_in_colour", lambda erases=erases: erases):
            data = PartialUpdate(pieces).render_segments(console)
        assert shown(data) == shown(one_by_one(pieces))


@given(pictures)
def test_a_whole_screen_shows_the_same_picture(picture: list) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    rows = [[Strip(line).crop(0, 40), Strip(line).crop(40, WIDTH)] for line, _ in picture]
    update = FullUpdate(rows, Region(0, 0, WIDTH, HEIGHT))
    pieces = [(y, 0, strip := Strip.join(row), 0, strip.cell_length) for y, row in enumerate(rows)]
    assert shown(update.render_segments(console)) == shown(one_by_one(pieces))


def test_many_cells_of_two_colours_are_two_codes() -> None:
    line = [Segment("▪", Style(bgcolor=PAPERS[k % 2])) for k in range(60)]
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    sent = PartialUpdate([(0, 0, Strip(line), 0, 60)]).render_segments(console)
    assert sent.count("48;2;") == 2
    assert sent.count("▪") == 60


@pytest.mark.parametrize("mark", ["", "underline", "reverse", "strike"])
def test_a_long_gap_is_erased_unless_it_is_marked(mark: str) -> None:
    style = Style(bgcolor=PAPERS[0], **({mark: True} if mark else {}))
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    with mock.patch.object(ansi_encoding, "erases_in_colour", lambda: True):
        strip = Strip([Segment("a" + " " * 40 + "b", style)])
        data = PartialUpdate([(0, 0, strip, 0, 42)]).render_segments(console)
    assert ("a\x1b[40X\x1b[40Cb" in data) == (mark == "")
    assert (" " * 40 in data) == (mark != "")


@pytest.mark.parametrize("mark", ["underline", "reverse", "strike"])
def test_spaces_that_are_marked_stay_marked(mark: str) -> None:
    paper = Style(bgcolor=PAPERS[0])
    line = [Segment("a", paper), Segment("  ", paper + Style(**{mark: True})), Segment("b", paper)]
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    pieces = [(0, 0, Strip(line), 0, 4)]
    data = PartialUpdate(pieces).render_segments(console)
    assert shown(data) == shown(one_by_one(pieces))
    assert data.count("48;2;16;20;27") == 1
    assert len(re.findall("\x1b\\[[479]m", data)) == 1
