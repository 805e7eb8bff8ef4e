"""What is written style by style shows the same picture as what is written line by line."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from rnnviz.tui.terminal.compositor import Piece, Pieces
from rnnviz.tui.terminal.output import compact
from tests.tui.test_wire import HEIGHT, WIDTH, shown

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
    data = Pieces(pieces).render_segments(console)
    wanted = shown(one_by_one(pieces))
    assert shown(data) == wanted
    for erases in (True, False):
        assert shown(compact(data, erases=erases)) == wanted


def test_many_cells_of_two_colours_are_two_codes() -> None:
    line = [Segment("▪", Style(bgcolor=PAPERS[k % 2])) for k in range(60)]
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    sent = compact(Pieces([(0, 0, Strip(line), 0, 60)]).render_segments(console))
    assert sent.count("48;2;") == 2
    assert sent.count("▪") == 60


@pytest.mark.parametrize("mark", ["underline", "reverse", "strike"])
def test_spaces_that_are_marked_stay_marked(mark: str) -> None:
    paper = Style(bgcolor=PAPERS[0])
    line = [Segment("a", paper), Segment("  ", paper + Style(**{mark: True})), Segment("b", paper)]
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    pieces = [(0, 0, Strip(line), 0, 4)]
    data = Pieces(pieces).render_segments(console)
    assert shown(data) == shown(one_by_one(pieces))
    assert data.count("48;2;16;20;27") == 2
