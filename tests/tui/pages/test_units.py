"""The page of units says what the corpus and the trace say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from rnnviz.analysis.units import (
    CorpusStates,
    UnitQuestion,
    active_units,
    extremes,
    matches,
    most_saturated,
)
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.explore.units import corpus_states
from rnnviz.query import Query, Question
from rnnviz.toy_net import ToyNet
from rnnviz.tui.pages.units import THRESHOLDS, UnitsPage, UnitsState
from rnnviz.tui.render.theme import THEMES, ViewTheme
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import SIZES, drive, lines
from tests.tui.small_models import TEXT, made, moment, read, stored

CELLS = ("rnn", "lstm", "gru")
CORPUS = [
    "this movie was good", "good good movie", "was this not good", "not movie", "good",
    "movie was was not good", "this not this not this not", "was a good movie was", "not",
]  # fmt: skip


@cache
def corpus(cell: str) -> CorpusStates:
    return corpus_states(stored(cell), 0, "made", CORPUS)


def at(t: int, cell: str = "lstm", text: str = TEXT, **changed: Any) -> ViewState:
    query = changed.pop("query", Query(text, cell))
    answers = {UnitQuestion(cell): corpus(cell)}
    made_so = moment(made(text, cell), t, query=query, answers=answers, **changed)
    return replace(made_so, cursor=replace(made_so.cursor, unit=2))


def section(said: list[str], title: str) -> list[str]:
    """The lines of one part."""
    start = next(n for n, line in enumerate(said) if line.startswith(f"─ {title}"))
    rest = said[start + 1 :]
    end = next((n for n, line in enumerate(rest) if line.startswith("─ ")), len(rest))
    return rest[:end]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", CELLS)
def test_contexts_are_the_places_with_the_highest_and_lowest_values(
    cell: str, size: tuple[int, int]
) -> None:
    m, it = at(4, cell), corpus(cell)
    unit = m.cursor.unit
    told = section(lines(UnitsPage, m, *size), "highest")
    half = (size[0] - 2) // 2
    for highest, column in ((True, slice(0, half)), (False, slice(half + 2, None))):
        found = extremes(it, unit, len(told), highest)
        for line, place in zip(told, found, strict=False):
            said = line[column].split()
            assert said[0] == number(float(it.h[place, unit]), 2, True)
            assert it.context(place)[1].rstrip() in line[column]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("threshold", [0.1, 0.05])
def test_matching_places_come_with_their_overlap(cell: str, threshold: float) -> None:
    m, it = at(3, cell, page_states={"units": UnitsState(threshold)}), corpus(cell)
    state = m.layer.values["h"][3]
    told = section(lines(UnitsPage, m, 120, 36), "the same pattern")
    here = active_units(state, threshold)
    if not here:
        assert "No unit is above" in told[0]
        return
    assert told[0].split() == list(map(str, here))
    found = matches(it, tuple(map(float, state)), threshold, len(told) - 1)
    assert found
    for line, match in zip(told[1:], found, strict=False):
        assert line.split()[:2] == [number(match.overlap, 2), f"{match.both}/{match.either}"]


@pytest.mark.parametrize("size", SIZES)
def test_saturated_gates_are_the_shares_of_the_corpus(size: tuple[int, int]) -> None:
    m, it = at(4), corpus("lstm")
    told = section(lines(UnitsPage, m, *size), "saturated gates")
    for line, gate in zip(told, it.right_saturated, strict=True):
        assert line.split()[0] == gate
        for shares, side in ((it.right_saturated, "right"), (it.left_saturated, "left")):
            own = number(float(shares[gate][m.cursor.unit]))
            assert f"▸{m.cursor.unit} {own}" in line
            for unit, share in most_saturated(it, gate, side, 1):
                assert f" {unit} {number(share)}" in line or unit == m.cursor.unit


def test_a_cell_without_gates_says_so() -> None:
    assert "no gates" in section(lines(UnitsPage, at(4, "rnn"), 120, 36), "saturated gates")[0]


def test_the_text_is_coloured_by_the_values_of_the_unit() -> None:
    m = at(3)
    page = UnitsPage(m)
    _, title, drawn, *_ = page.lines(m, 120, 36)
    value = float(m.layer.values["h"][3, m.cursor.unit])
    assert number(value, 3, True) in "".join(s.text for s in title)
    segments = [s for s in drawn if s.text.strip(" ▸")]
    assert [s.text.strip(" +−⁺⁻") for s in segments] == TEXT.split()
    for t, segment in enumerate(segments):
        if t > 3:
            assert segment.style == m.theme.dim
            continue
        level = round(20 * float(m.layer.values["h"][t, m.cursor.unit]))
        assert segment.style == m.theme.number_on(level, False)


def test_what_is_not_read_yet_matches_nothing() -> None:
    m = at(2)
    early = replace(m, cursor=replace(m.cursor, part=0))
    assert "not yet" in section(lines(UnitsPage, early, 120, 36), "the same pattern")[0]


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("look", [ViewTheme("dark", colour=False), *map(ViewTheme, THEMES)])
def test_it_fits_at_every_size(look: ViewTheme, size: tuple[int, int]) -> None:
    m = at(30, text=f"{TEXT} " * 20, theme=look)
    said = lines(UnitsPage, m, size[0], size[1] - 2)
    assert any("▸" in line for line in said[2:9])


def test_no_text_reaches_the_terminal_as_a_command() -> None:
    # What a text is cut into has no such characters; what a page is given may have them.
    m, it = at(4), corpus("lstm")
    nasty = replace(it, texts=tuple(tuple(f"\x1b[31m{w}" for w in text) for text in it.texts))
    said = "".join(lines(UnitsPage, replace(m, answers={UnitQuestion("lstm"): nasty}), 200, 50))
    assert "\x1b" not in said and "\\x1b" in said


def test_turkish_has_no_english_in_it() -> None:
    said = " ".join(lines(UnitsPage, at(4, lang="tr"), 120, 36)).split()
    assert "doymuş" in said and not {"units", "highest", "above", "places", "unit"} & set(said)


# -- in the app ---------------------------------------------------------------------------


def explore(question: Question) -> Any:
    if isinstance(question, UnitQuestion):
        if question.model == "gru":
            raise UsageError("no texts for this one")
        return corpus(question.model)
    assert isinstance(question, Query)
    return read(question)


def test_the_key_goes_through_the_thresholds() -> None:
    app, said = drive("units", TEXT, "lstm", explore, "H")
    assert app.step_screen.view_state.page_states["units"] == UnitsState(THRESHOLDS[1])
    assert any(number(THRESHOLDS[1], 2) in line for line in said if "pattern" in line)


def test_another_unit_has_other_contexts() -> None:
    _, one = drive("units", TEXT, "lstm", explore)
    _, other = drive("units", TEXT, "lstm", explore, "down")
    assert section(one, "highest") != section(other, "highest")


def test_a_model_without_a_corpus_says_why_and_still_colours_the_text() -> None:
    _, said = drive("units", TEXT, "gru", explore)
    assert any("no texts for this one" in line for line in said)
    assert "this" in said[2]


def test_a_net_by_hand_is_not_asked_for() -> None:
    m = at(2)
    hand = replace(m, query=replace(m.query, hand=object.__new__(ToyNet)))
    assert UnitsPage(hand).questions(hand) == ()
    assert any("made by hand" in line for line in lines(UnitsPage, hand, 120, 36))


def test_a_click_on_a_word_goes_there() -> None:
    app, _ = drive("units", TEXT, "lstm", explore, click=(8, 2))
    assert app.step_screen.view_state.cursor.t == 1
