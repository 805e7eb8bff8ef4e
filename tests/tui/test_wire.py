"""What is sent with fewer attributes shows the same picture."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.tui.terminal.output import compact

WIDTH, HEIGHT = 96, 6
COLOURS = ["2;16;20;27", "2;18;18;18", "2;168;168;168", "2;255;215;95", "2;98;180;255", "5;240"]
MARKS = ["", "1", "2", "4", "7", "1;4", "3"]

places = st.tuples(st.integers(1, HEIGHT - 1), st.integers(1, WIDTH - 65))
pieces = st.tuples(
    st.sampled_from(MARKS),
    st.sampled_from(["", *(f"38;{c}" for c in COLOURS), "33"]),
    st.sampled_from(["", *(f"48;{c}" for c in COLOURS), "44"]),
    st.sampled_from(["a", "  ", "xy z", "▪", " ", "    ", " " * 15, "a" + " " * 14 + "b"]),
)
runs = st.lists(st.tuples(places, st.lists(pieces, min_size=1, max_size=4)), max_size=8)


def written(run: list) -> str:
    """As Textual writes: a move, then pieces with all their attributes and a reset behind each."""
    out = []
    for (y, x), line in run:
        out.append(f"\x1b[{y};{x}H")
        for mark, ink, paper, text in line:
            codes = ";".join(code for code in (mark, ink, paper) if code)
            out.append(f"\x1b[{codes}m{text}\x1b[0m" if codes else text)
    return "".join(out)


def shown(data: str) -> list[tuple]:
    """Every cell as an eye sees it: a space shows its paper, its underline and nothing else."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    pyte.Stream(screen).feed(data)
    cells = []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            c = screen.buffer[y][x]
            seen = (c.data, c.bg, c.reverse, c.underscore)
            ink = (c.fg, c.bold, c.italics)
            cells.append(seen if c.data == " " and not c.reverse else (*seen, *ink))
    return cells


@given(runs)
def test_the_compact_form_shows_the_same_picture(run: list) -> None:
    data = written(run)
    assert shown(compact(data)) == shown(data)


@given(runs)
def test_a_terminal_that_erases_in_colour_shows_the_same_picture(run: list) -> None:
    assert shown(compact(written(run), erases=True)) == shown(written(run))


def test_a_long_gap_is_erased_unless_it_is_underlined() -> None:
    gap = " " * 40
    said = compact(f"\x1b[44ma{gap}b\x1b[0m", erases=True)
    assert said == "\x1b[44ma\x1b[40X\x1b[40Cb\x1b[m"
    for mark in ("4", "7"):
        assert gap in compact(f"\x1b[{mark};44ma{gap}b\x1b[0m", erases=True)


@given(runs)
def test_without_colour_only_the_colours_are_gone(run: list) -> None:
    plain = [(place, [(m, "", "", text) for m, _, _, text in line]) for place, line in run]
    assert shown(compact(written(run), colour=False)) == shown(written(plain))
