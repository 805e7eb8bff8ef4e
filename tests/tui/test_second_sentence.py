"""A second sentence in every view: its words, its numbers and what moved, as the traces say."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from rnnviz.analysis.shared_weights import pre_activation
from rnnviz.clamps import parse
from rnnviz.equations import number
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tracer import trace
from rnnviz.tui.pages.backward import BackwardPage
from rnnviz.tui.pages.clamp import ClampPage
from rnnviz.tui.pages.compare_cells import CompareCellsPage
from rnnviz.tui.pages.net import NetPage
from rnnviz.tui.pages.net.layer_diagram import DiagramState
from rnnviz.tui.pages.units import UnitsPage
from rnnviz.tui.pages.units.word_context import coloured, flow
from rnnviz.tui.pages.weights import WeightsPage
from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.heatmap import Heatmap, HeatmapWords
from rnnviz.tui.panels.prediction_bars import eighths
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.panels.word_columns import window
from rnnviz.tui.render.segments import short
from rnnviz.tui.render.theme import BARS, THEMES, ViewTheme
from rnnviz.tui.step.app import settled
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.second_sentence import CHANGED, SecondSentence
from rnnviz.tui.view.view_state import ViewState, scale
from rnnviz.tui.view.widget import View
from tests.tui.small_models import app, made, moment, screen_text, stored

A, B = "this movie was not good", "this movie good was was good"
CELLS = ("rnn", "lstm", "gru")


def at(t: int, cell: str = "lstm", a: str = A, b: str = B, **changed: Any) -> ViewState:
    """A moment with the second sentence read."""
    query, own = Query(a, cell), changed.pop("second", SecondSentence(b))
    answers = {replace(query, text=b): made(b, cell)}
    found = moment(made(a, cell), t, query=query, answers=answers, page_states={"against": own})
    return replace(found, **changed)


def texts(view: View, m: ViewState, width: int, height: int) -> list[str]:
    """What a view draws; every line fits."""
    said = ["".join(s.text for s in line) for line in view.lines(m, width, height)]
    for line in said:
        assert cell_len(line) <= width, line
    return said


def other(m: ViewState) -> Trace:
    (answer,) = m.answers.values()
    return answer


def aligned(m: ViewState) -> dict[int, int]:
    """Token of a: token of b."""
    found = second_sentence.difference(m)
    assert found is not None
    return {i: j for i, j in found.pairs if i is not None and j is not None}


def test_marks_say_what_became_of_every_word() -> None:
    m = at(3, b="movie was bad good this")
    strip = texts(Sentence(m), m, 120, 8)
    assert strip[1].split() == ["−this", "movie", "was", "▐≠not▌", "+good"]
    assert strip[2].split() == ["the", "other", "−", "=", "=", "≠bad", "=", "+this"]
    assert [line[:5] for line in texts(HeatmapWords(m), m, 10, 8)[2:]] == [
        "−this", " movi", " was ", "≠not ", "+good"
    ]  # fmt: skip


@pytest.mark.parametrize("width, height", [(80, 7), (120, 8), (200, 10), (80, 3), (120, 6)])
def test_the_strip_says_both_predictions_as_the_traces_have_them(width: int, height: int) -> None:
    for t, j in aligned(at(0)).items():
        m = at(t)
        said = texts(Sentence(m), m, width, height)
        assert len(said) <= height
        k = m.shown_class()
        assert f"● {number(float(m.trace.head.readout[t, k]))}" in said[0]
        assert f"◇ {number(float(other(m).head.readout[j, k]))}" in said[0]


def test_the_other_prediction_is_a_narrow_bar_beside_the_own_one() -> None:
    for t in range(5):
        m = at(t)
        said = texts(Sentence(m), m, 120, 9)
        pairs = aligned(m)
        for column in window(m, 120).columns:
            found = [_height(said[4:7], x) for x in range(column.x - 1, column.x + column.slot - 1)]
            bars = [height for height, _ in groupby(found) if height]
            if column.t > t:
                assert not bars
                continue
            assert bars[0] == eighths(float(m.trace.head.readout[column.t, 1]), 3)
            assert len(bars) == 1 + (column.t in pairs)
            if column.t in pairs:
                value = float(other(m).head.readout[pairs[column.t], 1])
                assert bars[1] == eighths(value, 3)
                assert f"◇{number(value, 2)}" in said[3]


def _height(rows: list[str], x: int) -> int:
    return sum(max(0, BARS.find(row.ljust(120)[x])) for row in rows)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_lit_exactly_where_the_traces_differ_by_more_than_is_said(cell: str) -> None:
    m = at(4, cell)
    pairs = aligned(m)
    for slot, name in enumerate(m.quantities):
        said = texts(Heatmap(m, slot), m, 60, 9)
        _, end = scale(m.layer, name)
        assert f"lit > {CHANGED * end:.2g}" in said[0]
        a, b = m.layer.values[name], other(m).layers[0].values[name]
        for t, line in enumerate(Heatmap(m, slot).lines(m, 60, 9)[2:]):
            if t not in pairs:
                continue
            apart = np.abs(a[t].astype(float) - b[pairs[t]]) > CHANGED * end
            # Six units are wide enough for their numbers: put out, they have no background.
            drawn = [
                s.style is not None and (s.style.bgcolor is not None or s.style.underline)
                for s in line[1:] for _ in s.text
            ]  # fmt: skip
            wide, row = len(drawn) // m.layer.units, "".join(s.text for s in line[1:])
            assert row.split() == [short(float(v)).strip() for v in a[t]]
            for unit, moved in enumerate(apart):
                cells = drawn[unit * wide : (unit + 1) * wide]
                value = abs(a[t, unit]) / end
                if not moved:
                    assert not any(cells[1:]), (name, t, unit)
                elif value > 0.1:
                    assert all(cells), (name, t, unit)


def test_of_many_units_those_that_did_not_move_are_equals_signs() -> None:
    a, b = made(A, units=32), made("this movie was good", units=32)
    query = Query(A, "lstm")
    m = moment(
        a, 4, query=query, page_states={"against": SecondSentence("b")},
        answers={replace(query, text="b"): b}, theme=ViewTheme("dark", colour=False),
    )  # fmt: skip
    m = replace(m, cursor=replace(m.cursor, unit=0))
    slot = m.quantities.index("h")
    said = texts(Heatmap(m, slot), m, 37, 9)
    apart = np.abs(a.layers[0].values["h"][4].astype(float) - b.layers[0].values["h"][3]) > CHANGED
    assert said[0].count(f"{int(apart.sum())}/32") == 1
    row = said[6][5:]
    assert [c == "=" for c in row[1:]] == [not moved for moved in apart[1:]]
    assert set(said[2][6:]) == {"="}


@pytest.mark.parametrize("cell", CELLS)
def test_the_equation_and_the_cell_say_the_other_value_beside_their_own(cell: str) -> None:
    for t, j in aligned(at(0, cell)).items():
        for part in range(1, len(at(0, cell).layer.parts) - 1):
            m = at(t, cell)
            m = replace(m, cursor=replace(m.cursor, part=part, zoom="cell"))
            layer, unit = other(m).layers[0], m.cursor.unit
            equations = "\n".join(texts(Equations(m), m, 90, 30))
            drawn = "\n".join(texts(CellView(m), m, 90, 30))
            for line in m.lines:
                said = number(float(layer.values[line.name][j, unit]), 3, True)
                assert f"◇ {said}" in equations
                if not line.name.startswith("a_"):
                    assert f"{said}" in drawn.split("◇", 1)[1]


#: What the room of a page is in terminals of 120×36 and 200×50.
ROOMS = [(120, 27), (200, 41)]


def page_text(page: type[Page], m: ViewState, room: tuple[int, int]) -> str:
    return "\n".join(texts(page(m), m, *room))


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_weights_say_the_other_sum_and_gate(cell: str, room: tuple[int, int]) -> None:
    for t, j in aligned(at(0, cell)).items():
        m = at(t, cell)
        page, layer, unit = WeightsPage(m), other(m).layers[0], m.cursor.unit
        gate, said = page.gate(m), page_text(WeightsPage, m, room)
        for name in (gate or "h", pre_activation(layer, gate)):
            value = float(layer.values[name][j, unit])
            assert f"◇ {number(value, 3, True)}" in said, name


@pytest.mark.parametrize("room", ROOMS)
def test_the_units_say_the_other_value(room: tuple[int, int]) -> None:
    for t, j in aligned(at(0)).items():
        m = at(t)
        value = float(other(m).layers[0].values["h"][j, m.cursor.unit])
        assert page_text(UnitsPage, m, room).count(f"◇ {number(value, 3, True)}") == 1


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_walk_back_says_the_other_norm_and_of_which_loss(
    cell: str, room: tuple[int, int]
) -> None:
    for t, j in aligned(at(0, cell)).items():
        m = at(t, cell)
        m = replace(m, cursor=replace(m.cursor, part=0))
        head, *_ = texts(BackwardPage(m), m, *room)
        norm = float(np.linalg.norm(other(m).layers[0].grads["h"][j].astype(np.float64)))
        own = float(np.linalg.norm(m.layer.grads["h"][t].astype(np.float64)))
        assert f"{number(own)}  ◇ {number(norm)}" in head
        same = m.trace.head.target == other(m).head.target
        assert (f"of the loss for {other(m).head.target}" in head) != same
        waiting = replace(m, cursor=replace(m.cursor, part=len(m.layer.parts) - 1))
        assert "◇" not in texts(BackwardPage(waiting), waiting, *room)[0]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("clamps", [(), ("h[1]=0.5",)])
def test_the_clamps_say_the_other_prediction_and_the_other_numbers(
    clamps: tuple[str, ...], room: tuple[int, int]
) -> None:
    for t, j in aligned(at(0)).items():
        query = Query(A, "lstm", clamps=tuple(map(parse, clamps)))
        held, b = trace(stored(), query), trace(stored(), replace(query, text=B))
        free = replace(query, clamps=())
        answers = {replace(query, text=B): b, free: trace(stored(), free)}
        m = moment(
            held, t, query=query, answers=answers, page_states={"against": SecondSentence(B)}
        )
        said, k = page_text(ClampPage, m, room), m.shown_class()
        (bar,) = [line for line in said.splitlines() if "◇ the other " in line and "█" in line]
        assert number(float(b.head.output[k])) in bar
        for name in m.quantities:
            value = float(b.layers[0].values[name][j, m.cursor.unit])
            assert f"◇ {number(value, 3, True)}" in said
        small = page_text(ClampPage, m, (80, 16))
        assert "◇ the other" not in small


@pytest.mark.parametrize("room", [(120, 34), (200, 48)])
def test_each_cell_in_step_says_its_own_other_prediction(room: tuple[int, int]) -> None:
    for t, j in aligned(at(0)).items():
        m = at(t, others=CELLS)
        answers = {q: made(q.text, q.model) for q in CompareCellsPage(m).questions(m)}
        m = replace(m, answers=answers)
        _, *panels = texts(CompareCellsPage(m), m, *room)[1].split("│")
        for cell, panel in zip(CELLS, panels, strict=True):
            p = float(made(B, cell).head.readout[j, 1])
            assert panel.rstrip().endswith(f"◇ {number(p, 2)}")
    unlit = at(1, others=CELLS, second=SecondSentence(B, highlighted=False))
    assert {q.text for q in CompareCellsPage(unlit).questions(unlit)} == {A}


@pytest.mark.parametrize("room", [(120, 34), (200, 48)])
def test_the_net_says_the_other_output_and_states(room: tuple[int, int]) -> None:
    shape = {"layers": 2, "bidirectional": True}
    query, b = Query(A, "lstm"), made(B, **shape)
    answers = {replace(query, text=B): b}
    page_states = {"against": SecondSentence(B), "net": DiagramState(whole=True)}
    m = moment(made(A, **shape), 2, query=query, answers=answers, page_states=page_states)
    m = replace(m, cursor=replace(m.cursor, layer=1))
    said = texts(NetPage(m), m, *room)
    scores, states = [line for line in said if "◇ the other" in line]
    assert scores.split()[3:] == [number(float(p)) for p in b.head.output]
    h = b.layers[1].values["h"][:, m.cursor.unit]
    wanted = [number(float(h[j]), 2, signed=True) for j in aligned(m).values()]
    assert states.split("other")[1].split() == wanted
    walking = replace(
        m, page_states={"against": SecondSentence(B)}, cursor=replace(m.cursor, layer=0)
    )
    early = texts(NetPage(walking), walking, *room)
    assert not any("other" in line for line in early[:5]) and len(early) == len(said)


def test_what_has_no_counterpart_is_not_compared() -> None:
    m = at(3, b="this movie was good")
    assert "◇" not in texts(Sentence(m), m, 120, 8)[0]
    m = replace(m, cursor=replace(m.cursor, part=1))
    assert "◇" not in "".join(texts(Equations(m), m, 90, 30))


def test_predicting_first_hides_the_other_value_too() -> None:
    m = replace(at(4), hidden=True)
    for view in (Equations(m), CellView(m), WeightsPage(m), BackwardPage(m)):
        assert "◇ " not in "".join(texts(view, m, 120, 30))
    assert "◇" not in texts(Sentence(m), m, 120, 8)[0]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_title_says_what_it_is_compared_with(width: int) -> None:
    m = at(1)
    m = replace(m, cursor=replace(m.cursor, part=0))
    assert B[:3] in texts(TitleBar(m), m, width, 1)[0]
    off = at(1, second=SecondSentence(B, highlighted=False))
    assert B[:12] not in texts(TitleBar(off), off, width, 1)[0]


@pytest.mark.parametrize("look", [ViewTheme("dark", colour=False), *map(ViewTheme, THEMES)])
def test_switched_off_every_view_is_as_without_a_second_sentence(look: ViewTheme) -> None:
    off = at(4, theme=look, second=SecondSentence(B, highlighted=False))
    without = replace(off, page_states={})
    views = [TitleBar, Sentence, HeatmapWords, CellView, Equations]
    for view in [make(off) for make in views] + [Heatmap(off, 0)]:
        assert view.lines(off, 120, 12) == view.lines(without, 120, 12)
        on = at(4, theme=look)
        if not isinstance(view, CellView):
            assert view.lines(on, 120, 12) != view.lines(without, 120, 12)


def test_the_words_in_a_units_colours_are_marked() -> None:
    m = at(0, b="this movie was bad good")
    (line,) = coloured(m, flow(m.trace.tokens, 80), 0, 1)
    assert "≠not" in "".join(s.text for s in line)


async def test_a_key_switches_it_and_without_a_second_sentence_says_how() -> None:
    it = app(A, page_states={"against": SecondSentence(B)})
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        assert "compared with" in screen_text(it)[0]
        await pilot.press("A")
        await pilot.pause(0.1)
        assert "compared with" not in screen_text(it)[0]
        assert any("A lights again" in line for line in screen_text(it))
        await pilot.press("A")
        await settled(it, pilot)
        assert "compared with" in screen_text(it)[0]
    it = app(A)
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        await pilot.press("A")
        await pilot.pause(0.1)
        assert any("There is no second sentence" in line for line in screen_text(it))


@pytest.mark.parametrize("page", ["lockstep", "clamp", "backward", "net"])
async def test_the_words_of_the_pages_are_marked_too(page: str) -> None:
    it = app(
        A,
        page_states={"against": SecondSentence("this movie was bad good")},
        page=page,
    )
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        await settled(it, pilot)
        assert any("≠not" in line or "≠ not" in line for line in screen_text(it)), screen_text(it)
