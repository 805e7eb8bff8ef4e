"""The page of units of a net that writes says what the trace and the scores say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis.unit_properties import CONTROLS, Ablation, PropertyScores
from rnnviz.tui.pages.units import UnitsPage
from rnnviz.tui.pages.units.property_questions import (
    ablation_question,
    next_questions,
    property_rows,
    score_question,
)
from rnnviz.tui.pages.units.property_table import signed, three
from rnnviz.tui.pages.units.unit_text import unit_values
from rnnviz.tui.pages.units.units_state import UnitsState
from rnnviz.tui.render.segments import level
from rnnviz.tui.render.theme import THEMES, ViewTheme, signed_glyph
from rnnviz.tui.step.app import settled
from rnnviz.tui.view.page import Change
from rnnviz.tui.view.view_state import ViewState
from tests.tui import small_writer
from tests.tui.pages.reading import SIZES, ending, lines
from tests.tui.small_models import screen_text
from tests.tui.small_writer import HELD_OUT, TEXT

answer = cache(small_writer.explorer())


def at(t: int = 8, text: str = TEXT, nets: int = 2, **changed: Any) -> ViewState:
    """A moment on the page with the scores beside some untrained nets, and the ablation."""
    now = small_writer.moment(t, text, page="units", **changed)
    asked = [score_question(now, nets), ablation_question(now)]
    return replace(now, answers={question: answer(question) for question in asked})


def found(now: ViewState, nets: int = 2) -> tuple[PropertyScores, Ablation]:
    scores, without = now.answers[score_question(now, nets)], now.answers[ablation_question(now)]
    return scores, without


@pytest.mark.parametrize("size", SIZES)
def test_each_property_has_its_best_unit_the_control_and_the_loss(size: tuple[int, int]) -> None:
    now = at()
    said, (scores, without) = lines(UnitsPage, now, *size), found(now)
    table = said[next(n for n, line in enumerate(said) if line.startswith(" property")) + 1 :]
    assert [row.name for row in property_rows(now)] == scores.by_margin()
    for line, name in zip(table, scores.by_margin(), strict=False):
        best, lost, control = scores.best(name), without.lost(name), scores.control(name)
        assert best is not None and lost is not None and control is not None
        assert f" {best.state} {best.unit} " in line and three(best.strength) in line
        own = scores.of_unit(name, now.cursor.unit, "h")
        assert own is not None
        rest = line.split(three(best.strength), 1)[1].split()
        assert rest[:4] == [three(control), three(own.strength), *map(signed, lost)]
    whole = table[len(scores.by_margin())]
    assert whole.startswith(" there, else: ") and f"{without.everywhere[1]:.2f}" in whole


def test_the_text_has_the_colours_of_the_state_shown_as_far_as_it_is_known() -> None:
    for state in ("h", "c"):
        now = at(5, page_states={"units": UnitsState(shown=state)})
        values = now.layer.values[state][:, now.cursor.unit]
        assert unit_values(now) == pytest.approx(values[:6])
        drawn = UnitsPage(now).lines(now, 120, 36)
        styles = [s.style for line in drawn[2:4] for s in line for _ in s.text[: len(s.text)]]
        shown = "".join(s.text for line in drawn[2:4] for s in line)
        assert shown.replace("↵", "\n").replace(" ", "") == TEXT.replace(" ", "")
        top = float(np.abs(values).max())
        n = shown.index("o")
        assert styles[n] == now.theme.number_on(level(float(values[1]), top), False)
        assert styles[shown.index("r")] == now.theme.dim  # after the cursor


def test_without_colours_each_character_has_its_sign_below() -> None:
    now = at(8, theme=ViewTheme("dark", colour=False))
    said, values = lines(UnitsPage, now, 80, 24), unit_values(now)
    assert said[2].startswith(" no:")
    top = float(np.abs(now.layer.values["h"][:, now.cursor.unit]).max())
    signs = [signed_glyph(level(float(value), top)) for value in values[:4]]
    assert said[3].ljust(5)[1:5] == "".join(signs)


def test_enter_goes_to_the_best_unit_and_tab_to_another_property() -> None:
    now, page = at(), UnitsPage(at())
    rows = property_rows(now)
    change = page.press(now, "zoom_in")
    assert isinstance(change, Change) and change.cursor is not None
    assert change.cursor.unit == rows[0].best.unit
    assert change.state == UnitsState(shown=rows[0].best.state, chosen=rows[0].name)
    for key, name in (("next", rows[1].name), ("previous", rows[-1].name)):
        change = page.press(now, key)
        assert isinstance(change, Change) and change.state == UnitsState(chosen=name)


def test_scores_are_never_shown_without_untrained_nets_and_more_are_asked_for() -> None:
    now = replace(at(), answers={})
    for nets in (*range(1, CONTROLS + 1), CONTROLS):
        (question,) = next_questions(now)
        assert question == score_question(now, nets)
        now = replace(now, answers={**now.answers, question: answer(question)})
    assert "best of 10 untrained nets" in " ".join(lines(UnitsPage, now, 120, 36))
    paper = replace(now, paper=True, answers={})
    assert next_questions(paper) == (score_question(now, CONTROLS),)


def test_the_sentence_names_the_control_and_what_is_lost() -> None:
    now = at()
    row = property_rows(now)[0]
    assert row.control is not None and row.lost is not None
    said = ending(UnitsPage, now, 200, 50)
    assert three(row.control) in said and three(row.best.strength) in said
    assert signed(row.lost[0]) in said and signed(row.lost[1]) in said


def test_what_is_hidden_is_not_shown() -> None:
    now = at(5, hidden=True, page_states={"units": UnitsState(own=True)})
    said = " ".join(lines(UnitsPage, now, 120, 36))
    assert score_question(now, 2).text is None
    assert "era" not in said and "an" in said
    change = UnitsPage(now).press(now, "scored_text")
    assert isinstance(change, Change) and change.failed


@pytest.mark.parametrize("size", [(60, 20), (100, 30), *SIZES])
@pytest.mark.parametrize("look", [ViewTheme("dark", colour=False), *map(ViewTheme, THEMES)])
def test_it_fits_at_every_size(look: ViewTheme, size: tuple[int, int]) -> None:
    for lang in ("en", "tr"):
        now = at(40, "no road\n" * 40, theme=look, lang=lang)
        said = lines(UnitsPage, now, size[0], size[1] - 4)
        assert any("▸" in line for line in said)


async def test_the_text_itself_is_scored_with_a_key_and_a_short_one_refused() -> None:
    long = HELD_OUT[:200]
    it = small_writer.app(long, page="units")
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        assert it.step_screen.view_state.cursor.t == len(long) - 1
        await pilot.press("colon")
        await settled(it, pilot)
        assert "this text, 199 places" in screen_text(it)[1]
        await pilot.press("enter", "asterisk")
        await settled(it, pilot)
        assert "by h of unit" in screen_text(it)[2] or "by c of unit" in screen_text(it)[2]
    it = small_writer.app(page="units")
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        await pilot.press("colon")
        await settled(it, pilot)
        assert "has 9 characters that the net knows" in " ".join(screen_text(it))


async def test_a_click_picks_a_character_or_the_unit_of_a_property() -> None:
    it = small_writer.app(page="units")
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        await pilot.click("#page-units", offset=(2, 2))
        assert it.step_screen.view_state.cursor.t == 1
        rows = property_rows(it.step_screen.view_state)
        said = screen_text(it)
        y = next(n for n, line in enumerate(said) if line.startswith(" property"))
        await pilot.click("#page-units", offset=(40, y + 1))
        assert it.step_screen.view_state.cursor.unit == rows[1].best.unit


def test_turkish_has_no_english_in_it() -> None:
    said = " ".join(lines(UnitsPage, at(lang="tr"), 120, 36)).split()
    assert "eğitilmemiş" in said and not {"unit", "untrained", "letter", "there"} & set(said)
