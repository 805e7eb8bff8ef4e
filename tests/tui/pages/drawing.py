"""Pages drawn without an app, and the numbers read back from them."""

from __future__ import annotations

import re

from rich.cells import cell_len

from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState

#: What the room below the sentence is in terminals of 60×20, 80×24, 120×36 and 200×50.
SIZES = ((60, 12), (80, 16), (120, 27), (200, 41))

NUMBER = r"[+−]?\d+\.\d+(?:e−\d+)?"


def drawn(page: Page, moment: ViewState, width: int, height: int) -> list[str]:
    """The lines as text; none is too wide, and there are not too many."""
    lines = ["".join(s.text for s in line) for line in page.lines(moment, width, height)]
    assert len(lines) <= height
    for line in lines:
        assert cell_len(line.rstrip()) <= width, line
    return lines


def value(text: str) -> float:
    """A number as it is printed."""
    return float(text.replace("−", "-"))


def numbers_in(line: str) -> list[str]:
    """Every decimal of a line, as printed, from left to right."""
    return re.findall(NUMBER, line)


def computed(left: str) -> float:
    """What sums and products of printed numbers come to."""
    allowed = left.replace("−", "-").replace("×", "*").replace(" ", "")
    assert re.fullmatch(r"[-+*().\de]+", allowed), left
    return float(eval(allowed))
