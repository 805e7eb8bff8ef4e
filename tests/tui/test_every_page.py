"""What holds on every page: nothing is cut, every key can be clicked, hostile text, no timer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from rich.cells import cell_len
from textual.timer import Timer

from rnnviz import i18n
from rnnviz.clamps import parse
from rnnviz.explore import explorer
from rnnviz.query import Explorer, Query
from rnnviz.tui.keymap import ACTIONS, PAGE_KEYS
from rnnviz.tui.render import segments
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.step.key_bar import KeyBar
from rnnviz.tui.view.second_sentence import SecondSentence
from tests.hostile import KINDS
from tests.tui.small_models import TEXT, screen_text

PLACES = ["", *PAGE_KEYS]
SIZES = ((80, 24), (100, 30), (120, 36))
#: The model a page is about, where it is not the default one.
MODELS = {
    "padding": "imdb-lstm", "net": "agnews-bilstm", "series": "jena-gru",
    "scan": "sentiment-mingru",
}  # fmt: skip
#: Of every kind of text that could break a line or reach the terminal.
HOSTILE = " ".join(
    ["\u05e9\u05dc", "👩\u200d👩\u200d👧", "这部电影", "e\u0301\u0323", "İıŞğ", "🙂"]
    + [KINDS[kind] for kind in ("colour", "bell", "bidi override", "rich markup", "invisible")]
    + ["w" * 90, "not", "good"]
)  # fmt: skip


@cache
def explore() -> Explorer:
    return explorer()


def app_on(page: str, text: str = TEXT, **options: object) -> RnnvizApp:
    """The app on a page, with the model that the page is about."""
    held = (parse("f[*]=1"),) if page == "clamp" else ()
    model = MODELS.get(page, "sentiment-lstm")
    query = Query("" if page == "series" else text, model, clamps=held)
    states = {"against": SecondSentence(text.replace("not ", ""))} if page == "against" else {}
    return RnnvizApp(
        explore(), query, explore()(query), page=page, page_states=states, **options,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("page", PLACES)
async def test_no_label_title_or_key_is_cut(
    page: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts: list[str] = []
    cut = segments.cut

    def noted(text: str, width: int) -> str:
        if cell_len(text) > width and text not in words:
            cuts.append(f"{text!r} in {width}")
        return cut(text, width)

    monkeypatch.setattr(segments, "cut", noted)
    found = {}
    it = app_on(page, lang=lang)
    labels = it.step_screen.view_state.trace.head.labels  # of the model, not of the screen
    words = {*labels, *it.step_screen.view_state.trace.localized(lang).head.labels}
    async with it.run_test(size=SIZES[0]) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for key in ("home", "right", "end", "enter", "enter", "escape", "escape"):
                if key == "escape" and it.step_screen.view_state.page:
                    continue
                cuts.clear()
                await pilot.press(key)
                await settled(it, pilot)
                if cuts:
                    found[size, key] = sorted(set(cuts))
    assert found == {}


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("page", PLACES)
async def test_every_entry_of_the_key_bar_can_be_seen_and_clicked(page: str, lang: str) -> None:
    it = app_on(page, lang=lang)
    runs = {action.run for action in ACTIONS}
    async with it.run_test(size=(80, 24)) as pilot:
        await settled(it, pilot)
        bar = it.step_screen.query_one(KeyBar)
        view_state = it.step_screen.view_state
        pieces = bar._pieces(view_state, bar.size.width)
        assert sum(cell_len(piece.text) for piece, action in pieces if action) <= bar.size.width
        x, clicked = 0, set()
        for piece, action in pieces:
            message = bar.picked(view_state, x, 0)
            assert (message.action if message else None) == action
            clicked |= {action} - {None}
            x += cell_len(piece.text)
        assert 4 <= len(clicked) <= 16
        assert clicked <= runs


#: Characters that need AltGr on the Q keyboards of these countries.
ALT_GR = {
    "Turkish": "@#$[]{}\\|~`€₺£", "German": "@[]{}\\|~€µ", "French": "@#[]{}\\|~`^€¤",
}  # fmt: skip


@pytest.mark.parametrize("layout", ALT_GR)
def test_no_key_needs_alt_gr(layout: str) -> None:
    from textual.keys import _character_to_key

    needed = {_character_to_key(char): char for char in ALT_GR[layout]}
    keys = {key for action in ACTIONS for key in action.keys}
    assert {needed[key] for key in keys & set(needed)} == set()
    assert not {key for key in keys if "+" in key} - {"ctrl+p", "ctrl+c", "shift+tab"}


@pytest.mark.parametrize("page", PLACES)
async def test_hostile_text_breaks_no_line(page: str) -> None:
    if page == "series":
        pytest.skip("its tokens are hours")
    it = app_on(page, HOSTILE)
    async with it.run_test(size=(100, 30)) as pilot:
        for size in ((80, 24), (120, 36)):
            await pilot.resize_terminal(*size)
            for key in ("home", "right", "right", "right", "end"):
                await pilot.press(key)
                await settled(it, pilot)
                assert_whole(it)


def assert_whole(it: RnnvizApp) -> None:
    """Every line of the screen has its width, and no character that is a command."""
    for strip in it.screen._compositor.render_strips():
        assert strip.text.isprintable(), strip.text
        assert strip.cell_length == it.size.width == cell_len(strip.text), strip.text


@pytest.mark.parametrize("page", PLACES)
async def test_in_ascii_every_page_is_ascii(page: str) -> None:
    it = app_on(page, HOSTILE if page not in MODELS else TEXT, ascii_only=True, lang="tr")
    async with it.run_test(size=(100, 30)) as pilot:
        for key in ("home", "right", "end"):
            await pilot.press(key)
            await settled(it, pilot)
            assert [line for line in screen_text(it) if not line.isascii()] == []


def running_timers(it: RnnvizApp) -> Iterator[Timer]:
    """The timers of the app and its screen that would fire."""
    for pump in (it, it.step_screen, *it.step_screen.walk_children()):
        for timer in pump._timers:
            if timer._active.is_set() and timer is not it.step_screen._update_timer:
                yield timer


@pytest.mark.parametrize("page", ["", "backward", "hand"])
async def test_nothing_blinks_and_no_timer_runs_while_nobody_presses_a_key(page: str) -> None:
    it = app_on(page)
    async with it.run_test(size=(100, 30)) as pilot:
        await settled(it, pilot)
        for key in ("right", "t"):
            await pilot.press(key)
            await settled(it, pilot)
            await pilot.pause(0.3)
            assert list(running_timers(it)) == []
            styles = [s.style for strip in it.screen._compositor.render_strips() for s in strip]
            assert not any(style and (style.blink or style.blink2) for style in styles)
        await pilot.press("escape", "space")
        assert list(running_timers(it))  # playing is the only thing that takes time
