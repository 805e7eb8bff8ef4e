"""The help: what one is looking at comes first, and the search in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.containers import VerticalScroll

from rnnviz import i18n
from rnnviz.display import folded
from rnnviz.tui.app.help_screen import HelpScreen, HelpSection, SearchInput, help_text
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.help import sections
from tests.tui.small_models import app, moment, screen_text

LANGS = i18n.LANGUAGES


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", [entry.name for entry in PAGES])
def test_the_open_page_and_its_own_keys_come_first(name: str, lang: str) -> None:
    found = sections(moment(page=name, lang=lang))
    title = i18n.text(f"page.{name}.title", lang)
    assert found[0].title.startswith(f"{title} [")
    assert len([key for key, _ in found[0].rows if key]) == len(load(name).available(moment()))
    others = [s for s in found[1:] if s.title.startswith(f"{title} [")]
    assert others == []


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("zoom", ["sentence", "cell", "equation"])
def test_without_a_page_the_panels_of_the_zoom_level_come_first(zoom: str, lang: str) -> None:
    from dataclasses import replace

    view_state = moment(lang=lang)
    view_state = replace(view_state, cursor=replace(view_state.cursor, zoom=zoom))
    assert sections(view_state)[0].title.startswith(i18n.text(f"panel.{zoom}", lang))


@pytest.mark.parametrize("page", ["", "clamp"])
def test_nothing_is_left_out_and_nothing_stands_twice(page: str) -> None:
    titles = [section.title for section in sections(moment(page=page))]
    assert len(titles) == len(set(titles)) == len(PAGES) + 7 + 3


@pytest.mark.parametrize("lang", LANGS)
async def test_typing_shows_what_has_the_words_in_it(lang: str) -> None:
    it = app(lang=lang)
    word = {"en": "screen", "tr": "ekran"}[lang]
    async with it.run_test(size=(100, 40)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        await pilot.press(*word)
        await pilot.pause(0.1)
        text, count = help_text(sections(it.step_screen.view_state), it.view_theme, word)
        assert count > 1
        say = it.step_screen.view_state.text
        assert say("help.found", n=count) in "\n".join(screen_text(it))
        assert i18n.text("action.screenshot", lang) in text.plain
        assert i18n.text("action.play", lang) not in text.plain
        shown = [line for line in screen_text(it) if folded(word) in folded(line)]
        assert len(shown) > 2
        # Escape leaves the search first, then the help.
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert isinstance(it.screen, HelpScreen)
        assert say("help.leave") in "\n".join(screen_text(it))
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert it.screen is it.step_screen


@pytest.mark.parametrize("key", ["q", "question_mark", "f1", "escape"])
async def test_keys_that_leave_it(key: str) -> None:
    it = app()
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        assert isinstance(it.screen, HelpScreen)
        await pilot.press(key)
        await pilot.pause(0.1)
        assert it.screen is it.step_screen and it.is_running


async def test_after_a_slash_every_letter_is_searched_for() -> None:
    it = app()
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        await pilot.press("slash", *"qu")
        await pilot.pause(0.1)
        assert it.screen.query_one(SearchInput).value == "qu"


@pytest.mark.parametrize("size", [(100, 30), (20, 6)])
async def test_arrows_and_the_wheel_scroll(size: tuple[int, int]) -> None:
    it = app()
    async with it.run_test(size=(100, 30)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        await pilot.resize_terminal(*size)
        await pilot.pause(0.1)
        scroll = it.screen.query_one(VerticalScroll)
        places = [scroll.scroll_y]
        for key in ("down", "pagedown", "enter"):
            await pilot.press(key)
            await pilot.pause(0.05)
            places.append(scroll.scroll_y)
        assert places == sorted(set(places))
        await pilot.press("up")
        await pilot.pause(0.05)
        assert scroll.scroll_y == places[-1] - 1


@pytest.mark.parametrize("typed", ["ışık", "IŞIK", "işik", "İŞIK"])
def test_the_four_turkish_i_are_one_letter(typed: str) -> None:
    section = HelpSection("başlık", (("A", "farkları ışıklandır"), ("b", "geri")))
    text, count = help_text([section], ViewTheme("dark"), typed)
    assert count == 1
    assert "geri" not in text.plain
    span = text.spans[-1]
    assert text.plain[span.start : span.end] == "ışık"


@given(st.text(max_size=40), st.text(min_size=1, max_size=3))
def test_every_place_is_highlighted_where_it_is(row: str, words: str) -> None:
    text, count = help_text([HelpSection("t", (("", row),))], ViewTheme("dark"), words)
    chosen = [s for s in text.spans if s.style == ViewTheme("dark").chosen]
    assert len(chosen) == count == folded(text.plain).count(folded(words))
    assert all(folded(text.plain[s.start : s.end]) == folded(words) for s in chosen)
