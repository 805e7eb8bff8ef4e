"""Without colour codes the same picture is shown, and none of its colours."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.tui.terminal.driver_class import without_colour

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
def test_without_colour_only_the_colours_are_gone(run: list) -> None:
    plain = [(place, [(m, "", "", text) for m, _, _, text in line]) for place, line in run]
    assert shown(without_colour(written(run))) == shown(written(plain))


def test_colours_are_dropped_and_marks_kept() -> None:
    for whole, plain in (
        ("\x1b[1;38;2;255;0;0;48;2;0;0;9mA\x1b[0m", "\x1b[1mA\x1b[0m"),
        ("\x1b[7;31;92;103;48;5;3mA\x1b[0mB", "\x1b[7mA\x1b[0mB"),
        ("\x1b[0;38;5;9;4mA\x1b[39;49mB", "\x1b[0;4mAB"),
        ("\x1b[mA", "\x1b[mA"),
    ):
        assert without_colour(whole) == plain


def test_everything_else_stays_as_it_is() -> None:
    for data in ("plain", "\x1b[?2026h\x1b[3;4H", "\x1b[2J"):
        assert without_colour(data) == data
