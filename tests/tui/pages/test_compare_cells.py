"""Cells in step: aligned rows, numbers of each cell's own trace, one cursor."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from rnnviz.equations import number
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.pages.compare_cells import CompareCellsPage, CompareCellsState
from rnnviz.tui.pages.compare_cells.cell_panel import SAID, TURNED, UNIT
from rnnviz.tui.render.segments import levels, short
from rnnviz.tui.render.theme import ViewTheme, signed_glyph
from rnnviz.tui.view.page import Prompt
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import ending
from tests.tui.small_models import CELLS, TEXT, made, moment

SIZES = ((60, 18), (80, 22), (120, 34), (200, 48))
TRIO = ("rnn", "lstm", "gru")


def shown(t: int = 2, cell: str = "lstm", text: str = TEXT, **changes: object) -> ViewState:
    bare = moment(made(text, cell), t, query=Query(text, cell), others=CELLS, **changes)
    asked = CompareCellsPage(bare).questions(bare)
    return replace(bare, answers={q: made(q.text, q.model) for q in asked})  # type: ignore[attr-defined]


def lines(m: ViewState, width: int = 120, height: int = 34) -> list[str]:
    drawn = CompareCellsPage(m).lines(m, width, height)
    assert len(drawn) <= height
    found = ["".join(segment.text for segment in line) for line in drawn]
    assert all(cell_len(line) <= width for line in found)
    return found


def panels(line: str) -> list[str]:
    return line.split("│")[1:]


def row(text: list[str], token: str) -> str:
    return next(line for line in text[3:] if line[1:].startswith(token))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", TRIO)
def test_each_panel_shows_the_numbers_of_its_own_trace(cell: str, size: tuple[int, int]) -> None:
    m = shown(2, cell)
    text, unit = lines(m, *size), m.cursor.unit
    traces: list[Trace] = [made(cell=other) for other in TRIO]
    for k, token in enumerate(TEXT.split()[:3]):
        for trace, panel in zip(traces, panels(row(text, token)), strict=True):
            assert panel.startswith(number(float(trace.head.readout[k, 1]), 2))
            assert short(float(trace.layers[0].values["h"][k, unit])) in panel
            if size[0] >= 120:
                assert panel.split()[-1] == number(float(trace.layers[0].reach[k]), 2)


def marks(text: list[str]) -> int:
    """The marks of the cells in the curves."""
    return sum(line.count(mark) for line in text for mark in "●■▲")


def test_rows_stand_below_one_another_and_the_chosen_one_is_marked() -> None:
    text = lines(shown(2))
    marked = [line for line in text if line.startswith("▸")]
    assert len(marked) == 1 and marked[0].startswith("▸was")


def test_what_comes_later_is_dots() -> None:
    text = lines(shown(1))
    for token in ("was", "not", "good"):
        assert not any(c.isdigit() for c in row(text, token))


def test_predict_first_hides_the_present_row_the_curve_and_the_words() -> None:
    m = shown(2, hidden=True)
    text = lines(m)
    assert [panel.split()[0] for panel in panels(row(text, "was"))] == ["?"] * 3
    assert not any(c.isdigit() for c in row(text, "was"))
    assert ending(CompareCellsPage, m, 120) == ""
    revealed = marks(lines(replace(m, hidden=False))[13:])
    assert 0 < marks(text[13:]) < revealed


def test_a_token_that_is_half_computed_has_no_prediction_yet() -> None:
    m = shown(2)
    m = replace(m, cursor=replace(m.cursor, part=0))
    assert not any(c.isdigit() for c in row(lines(m), "was"))


def test_the_words_say_what_each_believes_and_whether_they_agree() -> None:
    for t in range(5):
        said = ending(CompareCellsPage, shown(t), 120)
        labels = []
        for cell in TRIO:
            trace = made(cell=cell)
            leading = int(np.argmax(trace.head.readout[t]))
            labels.append(trace.head.labels[leading])
            p = number(float(trace.head.readout[t, leading]), 2)
            assert f"{trace.layers[0].title} {labels[-1]} {p}" in said
        assert ("They agree" in said) == (len(set(labels)) == 1)
        assert ("do not agree" in said) == (len(set(labels)) == 2)


def test_a_short_sentence_has_a_curve_and_a_long_one_is_paged() -> None:
    assert any("▲" in line for line in lines(shown(4))[13:])
    long = " ".join([TEXT] * 12)
    text = lines(shown(37, text=long), 80, 22)
    assert sum(line.startswith("▸") for line in text) == 1


def test_the_chosen_unit_stays_in_sight_where_there_is_no_room_for_all() -> None:
    trace = made(units=40)
    m = moment(trace, 2, query=Query(TEXT, "lstm"), others=())
    m = replace(
        m,
        cursor=replace(m.cursor, unit=39),
        page_states={"lockstep": CompareCellsState(("lstm", "gru"))},
    )
    text = lines(m, 80, 22)
    assert "h39" in text[2] and "▼" in text[2]
    at = text.index(row(text, "was"))
    assert "◆" in "".join(text[at : text.index(row(text, "not"))])
    assert "reading" in "\n".join(text)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unit", [0, 17, 31])
def test_all_units_are_drawn_or_the_title_says_which(size: tuple[int, int], unit: int) -> None:
    trace = made(units=32)
    bare = moment(trace, 2, query=Query(TEXT, "lstm"), others=CELLS)
    bare = replace(bare, cursor=replace(bare.cursor, unit=unit))
    asked = CompareCellsPage(bare).questions(bare)
    m = replace(bare, answers={q: made(q.text, q.model, units=32) for q in asked})  # type: ignore[attr-defined]
    text = lines(m, *size)
    note = re.search(r"units (\d+)–(\d+) of 32", text[0])
    first, last = (int(note[1]), int(note[2])) if note else (0, 31)
    assert first <= unit <= last and (note is not None) == (size[0] < 100)
    glyphs = [signed_glyph(at) for at in levels(trace.layers[0].values["h"][2], 1.0)]
    glyphs[unit] = "◆"
    found = "".join(
        part[SAID + UNIT + (8 if size[0] >= 200 else 4) :]
        for line in text[text.index(row(text, "was")) : text.index(row(text, "not"))]
        for part in panels(line)[1:2]
    )
    drawn = "".join(c for c in found if c in "⁺⁻+−◆")
    expected = "".join(glyphs[first : last + 1]).replace(" ", "")
    assert drawn in (expected, expected * 2)  # a line of units may be two lines tall


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_of_more_units_fits_beside_one_of_few(size: tuple[int, int]) -> None:
    bare = moment(made(units=6), 2, query=Query(TEXT, "lstm"), others=CELLS)
    asked = CompareCellsPage(bare).questions(bare)
    m = replace(bare, answers={q: made(q.text, q.model, units=40) for q in asked})  # type: ignore[attr-defined]
    text = lines(m, *size)
    assert all(row(text, token) for token in TEXT.split())


def test_tokens_above_and_below_the_rows_are_counted() -> None:
    long = " ".join([TEXT] * 12)
    m = shown(37, text=long)
    page = CompareCellsPage(m)
    text = ["".join(s.text for s in line) for line in page.lines(m, 80, 22)]
    shown_tokens = page.visible_tokens
    assert shown_tokens is not None and 0 < shown_tokens.start and shown_tokens.stop < 60
    assert text[2].startswith(f"↑{shown_tokens.start} ↓{60 - shown_tokens.stop}")
    assert not lines(shown(2), 80, 22)[2].startswith("↑")


@pytest.mark.parametrize(
    ("said", "models"), [("rnn, gru", ("rnn", "gru")), ("gru lstm", ("gru", "lstm"))]
)
def test_other_cells_can_be_typed(said: str, models: tuple[str, ...]) -> None:
    m = shown()
    prompt = CompareCellsPage(m).press(m, "type")
    assert isinstance(prompt, Prompt) and prompt.initial == "rnn, lstm, gru"
    m = replace(m, **prompt.on_submit(m, said).updates(m))
    titles = lines(m)[1]
    assert [made(cell=cell).layers[0].title in titles for cell in TRIO] == [
        cell in models for cell in TRIO
    ]


@pytest.mark.parametrize("said", ["", "rnn", "rnn, transformer", "rnn rnn"])
def test_what_cannot_stand_side_by_side_is_said(said: str) -> None:
    m = shown()
    change = CompareCellsPage(m).press(m, "type").on_submit(m, said)
    assert change.failed and "gru" in change.message and change.state is None


def test_an_untrained_net_is_compared_with_untrained_ones() -> None:
    m = moment(made(), 1, query=Query(TEXT, "lstm", random=3), others=CELLS)
    assert [q.random for q in CompareCellsPage(m).questions(m)] == [3, 3]


def test_a_cell_that_cannot_be_read_says_why() -> None:
    bare = moment(made(), 1, query=Query(TEXT, "lstm"), others=CELLS)
    (first, *_) = CompareCellsPage(bare).questions(bare)
    text = "\n".join(lines(replace(bare, failures={first: "weights are gone"})))
    assert "weights are gone" in text and "reading" in text


def test_without_colour_the_cells_and_signs_are_still_told_apart() -> None:
    text = lines(shown(4, theme=ViewTheme("dark", colour=False, ascii_only=True)))
    assert all(mark in text[1] for mark in "RLG")
    assert any(sign in "".join(text[3:13]) for sign in "+−")


@pytest.mark.parametrize("size", [(200, 46), (120, 32)])
def test_rows_that_turn_leave_the_curves_where_they_are(size: tuple[int, int]) -> None:
    text = " ".join([TEXT] * 12)
    turned = []
    for t, first in ((3, 0), (50, 50)):
        m = shown(t, text=text, first=first)
        drawn = lines(m, *size)
        page = CompareCellsPage(m)
        page.lines(m, *size)
        assert (
            page.visible_tokens is not None
            and len(page.visible_tokens) <= TURNED
            and t in page.visible_tokens
        )
        turned.append([y for y, line in enumerate(drawn) if "positive│" in line])
    assert turned[0] == turned[1]
    assert bool(turned[0]) == (size[1] > 40)
