"""What a first-class terminal program does: undo, go to, copy, choose a model, type again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from rnnviz import i18n
from rnnviz.analysis.model_family import SWITCH_MODELS
from rnnviz.analysis.model_list import ModelEntry, ModelListQuestion
from rnnviz.clamps import parse
from rnnviz.errors import UsageError
from rnnviz.explore import explorer
from rnnviz.query import Query, Question
from rnnviz.tui.app.choice_list import ChoiceList
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.step.model_picker import ModelPicker
from tests.tui.small_models import CELLS, TEXT, made, read, screen_text

LANGS = i18n.LANGUAGES
ENTRIES = (
    ModelEntry("lstm", "shipped", "words", "LSTM(6)", "a seed", TEXT, ("negative", "positive")),
    ModelEntry("gru", "run", "words", "GRU(6)", "a seed", TEXT, ("negative", "positive")),
    ModelEntry("jena-gru", "shipped", "series", "GRU(32)", "Jena 2009–2016"),
    ModelEntry("bad.json", "file", "words", "", "", damage="it is not JSON"),
)


def explore(question: Question) -> Any:
    if isinstance(question, ModelListQuestion):
        return ENTRIES
    if not isinstance(question, Query):
        raise UsageError("not asked here")
    if question.model == "jena-gru":
        return read(Query("one two three", "gru"))
    return read(replace(question, clamps=()))


def app(**more: Any) -> RnnvizApp:
    answer = more.pop("explorer", explore)
    return RnnvizApp(answer, Query(TEXT, "lstm"), made(), switch=CELLS, unit=2, **more)


async def settle(pilot: Pilot[int], it: RnnvizApp) -> None:
    await pilot.pause()
    while it.is_running and (
        it.step_screen.page_host.pending
        # The worker that listens for other terminals ends with the app.
        or any(not worker.is_finished for worker in it.workers if worker.group != "events")
    ):
        await pilot.pause(0.01)
    await pilot.pause()


async def typed(pilot: Pilot[int], it: RnnvizApp, *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot, it)


# -- undo and redo ---------------------------------------------------------------------------


async def test_every_change_of_the_query_is_undone_and_redone_in_order() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        screen = it.step_screen
        queries = [screen.view_state.query]
        await pilot.press("right", "right", "down")
        await typed(pilot, it, "t", *"not good", "enter")
        queries.append(screen.view_state.query)
        await typed(pilot, it, "3")  # the model on this key
        queries.append(screen.view_state.query)
        screen.ask(replace(queries[-1], clamps=(parse("z[*]=1"),)), quiet=True)
        await settle(pilot, it)
        queries.append(screen.view_state.query)
        assert len(set(queries)) == 4
        for query in queries[-2::-1]:
            await typed(pilot, it, "z")
            assert screen.view_state.query == query
        # The cursor is where it was when the first text was left.
        assert (screen.view_state.cursor.t, screen.view_state.cursor.unit) == (2, 3)
        await typed(pilot, it, "z")
        assert screen.view_state.status == screen.view_state.text("undo.nothing")
        assert screen.view_state.query == queries[0]
        for query in queries[1:]:
            await typed(pilot, it, "Z")
            assert screen.view_state.query == query
        await typed(pilot, it, "Z")
        assert screen.view_state.status == screen.view_state.text("undo.nothing_undone")


@pytest.mark.parametrize("lang", LANGS)
async def test_it_says_what_was_undone(lang: str) -> None:
    it = app(lang=lang)
    async with it.run_test(size=(120, 36)) as pilot:
        say = it.step_screen.view_state.text
        await typed(pilot, it, "t", *"not good", "enter")
        await typed(pilot, it, "z")
        what = say("undo.sentence", text=TEXT)
        assert it.step_screen.view_state.status == say("undo.undone", what=what)
        await typed(pilot, it, "Z")
        what = say("undo.sentence", text="not good")
        assert it.step_screen.view_state.status == say("undo.redone", what=what)


async def test_a_change_after_an_undo_takes_the_place_of_what_was_undone() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "t", *"not good", "enter")
        await typed(pilot, it, "z")
        await typed(pilot, it, "t", *"good", "enter")
        await typed(pilot, it, "Z")
        assert it.step_screen.view_state.query.text == "good"
        await typed(pilot, it, "z")
        assert it.step_screen.view_state.query.text == TEXT


async def test_what_could_not_be_read_is_no_step() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "t", *"refuse", "enter")
        await typed(pilot, it, "escape")
        await typed(pilot, it, "z")
        assert it.step_screen.view_state.status == it.step_screen.view_state.text("undo.nothing")
        assert it.step_screen.view_state.trace.tokens == tuple(TEXT.split())


async def test_two_changes_at_once_are_two_steps() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        screen = it.step_screen
        await pilot.pause()
        first = screen.view_state.query
        screen.ask(replace(first, text="good"), quiet=True)
        screen.ask(replace(screen.view_state.latest_query, model="gru"), quiet=True)
        await settle(pilot, it)
        assert screen.view_state.query == replace(first, text="good", model="gru")
        await typed(pilot, it, "z")
        assert screen.view_state.query == replace(first, text="good")
        await typed(pilot, it, "z")
        assert screen.view_state.query == first


async def test_undo_before_the_trace_is_there_wins() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        screen = it.step_screen
        await pilot.pause()
        first = screen.view_state.query
        screen.ask(replace(first, text="good"), quiet=True)
        screen.action_undo()
        await settle(pilot, it)
        assert screen.view_state.query == first
        assert screen.view_state.trace.tokens == tuple(TEXT.split())


# -- the line --------------------------------------------------------------------------------


async def test_the_present_sentence_is_edited_or_replaced() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.press("t")
        line = it.step_screen.input
        assert line is not None and line.value == TEXT
        await pilot.press("end", *" at all")
        assert line.value == TEXT + " at all"
        await pilot.press("escape", "t", *"good")
        line = it.step_screen.input
        assert line is not None and line.value == "good"


async def test_the_sentences_before_come_back_also_in_another_app(tmp_path: Path) -> None:
    for n, sentence in enumerate(("not good", "good")):
        it = app()
        it.state_folder = tmp_path
        async with it.run_test(size=(120, 36)) as pilot:
            await typed(pilot, it, "t", *sentence, "enter")
            assert it.step_screen.view_state.query.text == sentence
            await pilot.press("t", *"x", "up", *["up"] * n)
            line = it.step_screen.input
            assert line is not None and line.value == "not good"
            await pilot.press(*["down"] * (n + 2))
            assert line.value == "x"
    assert (tmp_path / "sentences.txt").read_text() == "not good\ngood\n"


async def test_what_was_refused_is_not_kept(tmp_path: Path) -> None:
    it = app()
    it.state_folder = tmp_path
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "t", *"refuse", "enter")
    assert not (tmp_path / "sentences.txt").exists()


# -- go to -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
async def test_go_to_a_word_and_what_is_not_there(lang: str) -> None:
    it = app(lang=lang)
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "j", *"not 4", "enter")
        cursor = it.step_screen.view_state.cursor
        assert (cursor.t, cursor.unit) == (3, 4) and it.step_screen.input is None
        await typed(pilot, it, "j", *"goof", "enter")
        view_state = it.step_screen.view_state
        assert view_state.failed and it.step_screen.input is not None
        assert view_state.text("goto.nearest", word="good") in view_state.status
        await typed(pilot, it, "backspace", *"d", "enter")
        assert it.step_screen.view_state.cursor.t == 4


async def test_the_line_completes_a_word() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.press("j", *"mo")
        await settle(pilot, it)
        await pilot.press("right")
        line = it.step_screen.input
        assert line is not None and line.value == "movie"
        await typed(pilot, it, "enter")
        assert it.step_screen.view_state.cursor.t == 1


# -- copy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
async def test_the_same_key_twice_copies_the_command(lang: str) -> None:
    it = app(lang=lang)
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.press("right", "y")
        await pilot.pause(0.1)
        assert isinstance(it.screen, ChoiceList)
        await pilot.press("y")
        await pilot.pause(0.1)
        words = shlex.split(it.clipboard)
        assert words == ["rnnviz", "step", TEXT, "-m", "lstm", "--at", "2", "--unit", "2"]
        assert it.clipboard in it.step_screen.view_state.status


async def test_the_equation_and_the_view_are_copied_as_text() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.press("y", "down", "y")
        await pilot.pause(0.1)
        assert "h₁" in it.clipboard and "=" in it.clipboard
        await pilot.press("enter", "y", "down", "down", "enter")
        await pilot.pause(0.1)
        assert "┌" in it.clipboard and "\x1b" not in it.clipboard
        await pilot.press("escape", "escape", "w", "y", "down", "down", "enter")
        await pilot.pause(0.1)
        page = it.step_screen.page_host.page
        assert page is not None and page.strips()[0].text.rstrip() in it.clipboard


async def test_escape_copies_nothing() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.press("y", "escape")
        await pilot.pause(0.1)
        assert it.clipboard == "" and it.screen is it.step_screen


async def test_codes_in_a_text_do_not_reach_the_clipboard() -> None:
    text = "good\x1b]52;c;AAAA\x07 \x9b31m\nrm -rf"
    trace = made(text)
    it = RnnvizApp(explore, Query(text, "lstm"), trace, switch=CELLS, unit=2)
    async with it.run_test(size=(120, 36)) as pilot:
        for letter in "yev":
            await pilot.press("y", letter)
            await pilot.pause(0.1)
            assert it.clipboard
            assert all(c.isprintable() or (c == "\n" and letter != "y") for c in it.clipboard)


# -- models ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
async def test_a_model_is_chosen_by_typing_and_keeps_text_and_unit(lang: str) -> None:
    it = app(lang=lang, t=3)
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "m")
        assert isinstance(it.screen, ModelPicker)
        shown = "\n".join(screen_text(it))
        assert i18n.text("models.run", lang) in shown
        assert i18n.text("models.now", lang) in shown
        assert i18n.word("model_use", "jena-gru", lang) in " ".join(shown.split())
        await typed(pilot, it, *"gru(6", "enter")
        view_state = it.step_screen.view_state
        assert it.screen is it.step_screen
        assert view_state.query == Query(TEXT, "gru")
        assert (view_state.cursor.t, view_state.cursor.unit) == (3, 2)


async def test_a_model_of_another_kind_begins_with_its_example_and_says_so() -> None:
    answer, query = explorer(), Query("", "jena-gru")
    it = RnnvizApp(answer, query, answer(query), switch=())
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "right", "m", *"agnews", "enter")
        view_state = it.step_screen.view_state
        assert view_state.query == Query("Cup final goes to extra time as the champions fight back",
                                         "agnews-bilstm")  # fmt: skip
        assert view_state.status == view_state.text("models.example", model="agnews-bilstm")
        assert view_state.others == SWITCH_MODELS
        await typed(pilot, it, "m", *"jena", "enter")
        view_state = it.step_screen.view_state
        assert view_state.status == view_state.text("models.series", model="jena-gru")
        assert view_state.query == query and view_state.others == ()
        await typed(pilot, it, "z")
        await typed(pilot, it, "1")
        assert it.step_screen.view_state.query.model == SWITCH_MODELS[0]


async def test_a_list_that_cannot_be_made_offers_the_models_of_the_keys() -> None:
    it = app(explorer=read)
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "m")
        rows = it.screen.query_one(OptionList)
        assert rows.option_count == len(CELLS)
        await typed(pilot, it, "down", "enter")
        assert it.step_screen.view_state.query.model == CELLS[2]


async def test_a_click_chooses_and_nothing_found_chooses_nothing() -> None:
    it = app()
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, "m", *"zzz", "enter")
        assert isinstance(it.screen, ModelPicker)
        await typed(pilot, it, *["backspace"] * 3)
        await pilot.click(OptionList, offset=(5, 2))
        await settle(pilot, it)
        assert it.screen is it.step_screen
        assert it.step_screen.view_state.query.model == "gru"


# -- every screen in front of another one ------------------------------------------------------


@pytest.mark.parametrize("key", ["m", "y", "question_mark"])
@pytest.mark.parametrize("lang", LANGS)
async def test_it_stands_in_every_terminal_and_escape_goes_back(key: str, lang: str) -> None:
    it = app(lang=lang)
    async with it.run_test(size=(120, 36)) as pilot:
        await typed(pilot, it, key)
        top = it.screen
        assert top is not it.step_screen
        for size in ((20, 6), (1, 1), (60, 20), (200, 50), (12, 3)):
            await pilot.resize_terminal(*size)
            await pilot.press("down", "pagedown", "up")
            assert it.screen is top
        await pilot.resize_terminal(20, 6)
        lines = [line for line in screen_text(it) if line.strip()]
        assert lines
        await pilot.press("escape", "escape", "escape")
        await pilot.pause(0.1)
        assert it.screen is it.step_screen and it.is_running
    assert it.fault is None


@pytest.mark.parametrize("key", ["m", "y", "question_mark"])
async def test_it_is_left_once(key: str) -> None:
    it = app()
    async with it.run_test(size=(100, 30)) as pilot:
        await typed(pilot, it, key)
        top: Any = it.screen
        top.dismiss()
        top.dismiss()
        await pilot.pause(0.2)
        assert it.screen is it.step_screen
    assert it.fault is None


async def test_a_list_in_ascii_has_no_other_character() -> None:
    it = app(ascii_only=True)
    async with it.run_test(size=(100, 30)) as pilot:
        for key in ("m", "y", "question_mark"):
            await typed(pilot, it, key)
            strange = [line for line in screen_text(it) if not line.isascii()]
            assert not strange, key
            await typed(pilot, it, "escape")
