"""Presenter mode: its keys, its views at every size and theme, its clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from tui.small_models import DRAWN, app, made, moment, screen_text

from rnnviz.equations import number
from rnnviz.tui.panels.presenter import Clock, views
from rnnviz.tui.render.large_text import LARGE, MEDIUM, fitting_face, large_text, large_width
from rnnviz.tui.render.theme import THEMES, ViewTheme
from rnnviz.tui.step.panel_layout import panel_places
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.view_state import THINGS, ViewState

SIZES = [(60, 20), (80, 24), (100, 30), (120, 36), (200, 50)]
WORDS = "Güneş ŞIK ığdır 0.18 −1.05 it's “not” é?"


def presented(view_state: ViewState, thing: str) -> ViewState:
    cursor = replace(view_state.cursor, zoom=THINGS[thing])
    return replace(view_state, presenter=thing, cursor=cursor)


def drawn(view_state: ViewState, size: tuple[int, int]) -> dict[str, list[str]]:
    """The text of the views of presenter mode, by id."""
    places = panel_places(view_state, *size, typing=False, full_screen=False)
    found = {}
    for view in views(view_state):
        if region := places.get(view.id or ""):
            strips = view.strips_at(view_state, region.width, region.height)
            assert all(strip.cell_length == region.width for strip in strips)
            found[view.id or ""] = [strip.text.rstrip() for strip in strips]
    return found


def holds(lines: list[str], text: str, *faces: object) -> bool:
    """Whether the lines have the text in large letters of one of the faces."""
    for face in faces:
        picture = [row.strip() for row in large_text(text, face)]  # type: ignore[arg-type]
        inked = [k for k, row in enumerate(picture) if row]
        picture = picture[inked[0] : inked[-1] + 1]
        for n in range(len(lines) - len(picture) + 1):
            if all(row in lines[n + k] for k, row in enumerate(picture)):
                return True
    return False


# -- letters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("face", [MEDIUM, LARGE])
def test_every_letter_of_both_languages_has_a_glyph(face: object) -> None:
    for text in (WORDS, "abcçdefgğhıijklmnoöprsştuüvyzqwx", "ABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZ"):
        assert fitting_face(text, 1000, 10, [face]) is face  # type: ignore[list-item]
    # Letters that are told apart by their dots differ, and so do all digits.
    for group in ("0123456789", "iıl", "oö", "uü", "sş", "cç", "gğ"):
        pictures = {tuple(large_text(char, face)) for char in group}  # type: ignore[arg-type]
        assert len(pictures) == len(group), group


def test_lines_are_equally_wide_and_as_wide_as_told() -> None:
    for face in (MEDIUM, LARGE):
        lines = large_text(WORDS, face)
        assert {len(line) for line in lines} == {large_width(WORDS, face)}
        assert len(lines) == face.lines


def test_in_ascii_large_letters_are_ascii() -> None:
    assert all(line.isascii() for line in large_text("not 0.18", LARGE, ascii_only=True))


def test_a_character_without_a_glyph_leaves_the_text_plain() -> None:
    now = presented(moment(made("好 movie")), "belief")
    assert any("好" in line for line in drawn(now, (120, 36))["headline"])


# -- the things -----------------------------------------------------------------------------------


def test_the_word_and_the_prediction_are_large() -> None:
    trace = made()
    now = presented(moment(trace, 3), "belief")
    found = drawn(now, (120, 36))
    value = number(float(trace.head.readout[3, 1]), 2)
    for k in range(4):
        each = number(float(trace.head.readout[k, 1]), 2)
        assert holds(found["large-belief"], each, MEDIUM, LARGE), each
    cut = [line[: -large_width(value, LARGE) * 2 - 2] for line in found["headline"]]
    assert any("█" in line for line in cut)
    for text in ("not", value):
        face = fitting_face(text, 58, 10)
        assert face is not None and face.lines >= 5
        assert holds(found["headline"], text, face), text


@pytest.mark.parametrize("cell", DRAWN)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("thing", THINGS)
def test_every_thing_is_drawn_at_every_part(thing: str, size: tuple[int, int], cell: str) -> None:
    trace = made(cell=cell)
    for part in range(len(trace.layers[0].parts)):
        now = moment(trace, 1, lang="tr" if part % 2 else "en", backward=part % 3 == 2)
        now = presented(replace(now, cursor=replace(now.cursor, part=part)), thing)
        found = drawn(now, size)
        assert f"large-{thing}" in found
        assert sum(bool(line) for line in found[f"large-{thing}"]) > 3


@pytest.mark.parametrize("cell", DRAWN)
def test_the_values_of_the_diagram_are_in_large_digits(cell: str) -> None:
    trace = made(cell=cell)
    now = presented(moment(trace, 1), "cell")
    lines = drawn(now, (120, 36))["large-cell"]
    for name in trace.layers[0].states:
        value = float(trace.layers[0].values[name][1, now.cursor.unit])
        texts = (number(value, 3, True), number(value, 2, True), number(value, 2, True, 5))
        assert any(holds(lines, text, MEDIUM) for text in texts), name


def test_every_unit_is_in_digits() -> None:
    trace = made(units=32)
    now = presented(moment(trace, 1), "units")
    now = replace(now, cursor=replace(now.cursor, part=1))
    lines = drawn(now, (120, 36))["large-units"]
    for value in trace.layers[0].values["f"][1]:
        text = number(float(value), 2, False, 5)
        assert holds(lines, text, MEDIUM, LARGE), text


def test_nothing_of_the_hidden_answer_is_drawn() -> None:
    one, other = made(), made("this movie was not this")
    for thing in THINGS:
        pictures = []
        for trace in (one, other):
            trace = replace(trace, tokens=one.tokens, ids=one.ids, unknown=one.unknown)
            now = presented(moment(trace, 3, hidden=True), thing)
            pictures.append(drawn(now, (120, 36)))
            assert without_answer(now).trace is not trace
        assert pictures[0] == pictures[1], thing


@pytest.mark.parametrize("theme", THEMES)
def test_themes_and_ascii_draw_the_same_things(theme: str) -> None:
    for thing in THINGS:
        now = presented(moment(t=2), thing)
        plain = drawn(replace(now, theme=ViewTheme(theme, colour=False)), (100, 30))
        assert drawn(replace(now, theme=ViewTheme(theme)), (100, 30)) == plain
        ascii_lines = drawn(replace(now, theme=ViewTheme(theme, ascii_only=True)), (100, 30))
        assert all(line.isascii() for lines in ascii_lines.values() for line in lines)


# -- the keys -------------------------------------------------------------------------------------


async def pressed(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def test_keys_go_through_the_things_and_back_to_the_panels() -> None:
    it = app(t=2)
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        before = screen_text(it)
        await pressed(pilot, "f5")
        screen = it.step_screen
        seen = [screen.view_state.thing]
        for _ in THINGS:
            await pressed(pilot, "v")
            seen.append(screen.view_state.thing)
        assert seen == [*THINGS, "belief"]
        await pressed(pilot, "escape")
        assert screen.view_state.thing == "belief"
        for key, thing in (("enter", "cell"), ("enter", "units"), ("enter", "equation"),
                           ("enter", "equation"), ("escape", "units")):  # fmt: skip
            await pressed(pilot, key)
            assert screen.view_state.thing == thing
        await pressed(pilot, "w")
        assert screen.query_one("#page-weights").size.area
        await pressed(pilot, "escape", "v", "v", "f5")
        assert screen_text(it) == before


async def test_a_zoom_level_that_something_else_sets_decides_what_is_shown() -> None:
    it = app(t=2)
    async with it.run_test(size=(120, 36)) as pilot:
        await pressed(pilot, "f5")
        screen = it.step_screen
        screen.show(cursor=replace(screen.view_state.cursor, zoom="equation"))
        assert screen.view_state.thing == "equation"


async def test_it_opens_in_presenter_mode_and_takes_a_sentence() -> None:
    it = app(presenter=True)
    async with it.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert it.step_screen.view_state.thing == "belief"
        await pressed(pilot, "t")
        assert isinstance(it.focused, Input)
        await pressed(pilot, "g", "o", "o", "d", "enter")
        await pilot.pause(0.1)
        assert it.step_screen.view_state.trace.tokens == ("good",)
        assert it.step_screen.view_state.thing == "belief"


async def test_the_clock_counts_from_the_start_and_repaints_few_columns() -> None:
    it = app(presenter=True)
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        clock = it.step_screen.query_one("#clock", Clock)
        assert not screen_text(it)[0][-16:].strip()
        now = 1000.0
        clock.monotonic = lambda: now  # type: ignore[method-assign]
        clock.time_of_day = lambda: "14:05"  # type: ignore[method-assign]
        clock.start(0.0)
        clock.tick()
        await pilot.pause()
        assert screen_text(it)[0].endswith("16:40  14:05 ")
        now = 1001.0
        assert [region.width for region in clock._changes()] == [1]
