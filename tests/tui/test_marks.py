"""A mark means one thing: no two roles share one, and cells in charts have marks of their own."""

from __future__ import annotations

from tui.small_models import made, moment, panels

from rnnviz.tui.pages.cell_marks import MARKS as CELL_MARKS
from rnnviz.tui.pages.cell_marks import OTHER
from rnnviz.tui.render import marks
from rnnviz.tui.view import second_sentence


def test_no_two_roles_share_a_mark() -> None:
    of_cells = [mark for found in (*CELL_MARKS.values(), OTHER) for mark in found[:2]]
    every = [*marks.MARKS, *of_cells]
    assert len(every) == len(set(every))
    assert second_sentence.MARK == marks.SECOND_SENTENCE


def test_the_panels_have_no_marks_of_cells() -> None:
    """▲ is the GRU in a chart, and nothing on the panels."""
    for size in ((80, 24), (120, 36), (200, 50)):
        text = "".join(
            line for lines in panels(moment(made(units=32), t=3), size).values() for line in lines
        )
        assert not set(text) & set("▲△★☆")
