"""The page of a net that writes: its keys write, branch and go back; its numbers are the net's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from textual.events import Key

from rnnviz.analysis.writing import NextTokensQuestion, drawing_probabilities
from rnnviz.data.vocabulary import Encoding
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.events import PageStateEvent
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.tracer.text_writer import TextWriter
from rnnviz.tui.pages.writing import WritingPage
from rnnviz.tui.pages.writing.text_layout import _latest, text_layout
from rnnviz.tui.pages.writing.written_text import Branch, WritingState, current
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step import waiting_keys
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.step.view_differences import page_record, page_state_of
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import SIZES, lines
from tests.tui.small_models import made
from tests.tui.small_models import moment as small_moment
from tests.tui.small_writer import NAMES, TEXT, app, explorer, moment, writer

T = len(TEXT)


def written(length: int, seed: int = 0, temperature: float = 1.0) -> str:
    """The text with what ``rnnviz write`` adds to it."""
    out = TextWriter(writer(), seed=seed, temperature=temperature)
    out.read(TEXT)
    return TEXT + "".join(token.token for token in out.write(length))


def press(*keys: str, **options: Any) -> tuple[RnnvizApp, list[str]]:
    """The app on the page after some keys, each of them answered, and its text."""
    it = app(page="write", **options)

    async def run() -> list[str]:
        async with it.run_test(size=(100, 30)) as pilot:
            await settled(it, pilot)
            for key in keys:
                await pilot.press(key)
                await settled(it, pilot)
            await it.workers.wait_for_complete()
            await pilot.pause()
            page = it.step_screen.query_one("#page-write", WritingPage)
            return [strip.text.rstrip() for strip in page.strips()]

    return it, asyncio.run(run())


def state(it: RnnvizApp) -> WritingState:
    return current(it.step_screen.view_state)


def test_enter_writes_what_the_command_line_writes_and_the_trace_follows() -> None:
    it, said = press(*["enter"] * 6)
    assert state(it).text == written(6)
    view_state = it.step_screen.view_state
    assert view_state.query.text == written(6)
    assert "".join(view_state.trace.tokens) == written(6)
    assert view_state.cursor.t == T + 5
    assert any(f"token {T + 6} of {T + 6}" in line for line in said)


def test_going_back_and_choosing_otherwise_is_a_branch_that_can_be_returned_to() -> None:
    first = written(4)
    it, said = press(*["enter"] * 4, "left", "left", "1")
    other = state(it)
    found = explorer()(NextTokensQuestion(Query(first[:-2], "writer")))
    chosen = found.labels[int(np.argmax(found.logits[-1]))]
    if chosen == first[-2]:  # the likeliest is what came: nothing has changed but the cursor
        it, said = press(*["enter"] * 4, "left", "left", "2")
        other = state(it)
    assert other.text[:-1] == first[:-2] and other.text != first[:-1]
    assert [branch.text for branch in other.branches] == [first]
    assert any("2 branches" in line for line in said)
    keys = ["1" if chosen != first[-2] else "2", "tab", "end", "enter"]
    it, _ = press(*["enter"] * 4, "left", "left", *keys)
    back = state(it)
    assert back.text == written(5)  # with the same seed the same text
    assert [branch.text for branch in back.branches] == [other.text]


def test_a_choice_that_is_there_already_goes_over_it() -> None:
    it, _ = press("enter", "left", "equals_sign", "equals_sign")
    assert state(it).seed == 2 and state(it).text == written(1)
    found = explorer()(NextTokensQuestion(Query(TEXT, "writer")))
    order = np.argsort(-found.logits[-1])
    n = order.tolist().index(found.labels.index(written(1)[-1])) + 1
    it, _ = press("enter", "left", str(n))
    assert state(it).text == written(1) and state(it).at == T and not state(it).branches


def test_space_writes_until_it_is_pressed_again() -> None:
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            await pilot.press("space")
            assert it.step_screen.view_state.seconds == 0.2  # a second is long for a letter
            await pilot.press(*["f"] * 8)
            while len(state(it).text) < T + 5:
                await pilot.pause(0.02)
            await pilot.press("space")
            length = len(state(it).text)
            await settled(it, pilot)
            await pilot.pause(0.15)
            assert len(state(it).text) == length
            assert state(it).text == written(length - T)

    asyncio.run(run())


def test_the_temperature_changes_the_bars_at_once() -> None:
    found = explorer()(NextTokensQuestion(Query(TEXT, "writer")))

    def top(warm: float) -> str:
        page_states = {"write": WritingState(temperature=warm)}
        said = lines(WritingPage, moment(T - 1, page_states=page_states), 100, 30)
        return said[3]

    for warm in (0.0, 0.5, 1.0, 3.0):
        p = drawing_probabilities(found.logits[-1], warm)
        assert number(float(p.max()), 3) in top(warm)
    it, _ = press("plus", "plus", "minus")
    assert state(it).temperature == 1.2


@pytest.mark.parametrize("typed", ["e", "an", "a n"])
def test_letters_by_hand(typed: str) -> None:
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            await pilot.press("left", "o", *("space" if c == " " else c for c in typed), "enter")
            await settled(it, pilot)

    asyncio.run(run())
    assert state(it).text == TEXT[:-1] + typed
    assert [branch.text for branch in state(it).branches] in ([], [TEXT])


def test_a_token_that_the_net_does_not_have_is_refused() -> None:
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            await pilot.press("o", "é", "enter")
            await settled(it, pilot)
            assert "no token “é”" in it.step_screen.view_state.status

    asyncio.run(run())
    assert state(it).text == TEXT


def test_the_mark_of_the_end_ends_the_text() -> None:
    stored = writer(NAMES)
    found = explorer(stored)(NextTokensQuestion(Query("ann", "writer")))
    order = np.argsort(-found.drawable(-1)).tolist()
    n = order.index(found.end) + 1
    page, view_state = WritingPage(moment(3, "ann", stored=stored)), moment(3, "ann", stored=stored)
    change: Any = page.press(view_state, f"model_{n}")
    assert change.query is None and "ends the text" in change.message


def names_moment(text: str, **state: Any) -> ViewState:
    """The end of a text of a net that writes names."""
    page_states = {"write": WritingState(**state)}
    return moment(len(text), text, stored=writer(NAMES), page_states=page_states)


def until_ended(view_state: ViewState) -> ViewState:
    """The view state after drawing to the mark of the end."""
    for _n in range(200):
        view_state = walk(view_state, "zoom_in", stored=writer(NAMES))
        if current(view_state).ended:
            return view_state
    raise AssertionError("no text of 200 tokens ends")


def test_after_the_end_of_a_text_the_next_one_begins() -> None:
    first = until_ended(names_moment("an"))
    said = "\n".join(lines(WritingPage, answered(first, writer(NAMES)), 100, 30))
    assert "the end of the text" in said and "begins the next" in said
    text = current(first).text
    second = until_ended(walk(first, "zoom_in", stored=writer(NAMES)))
    state = current(second)
    assert [branch.text for branch in state.branches] == [text]
    # The first letter of the next text is drawn after the start mark, as the command line does.
    found = explorer(writer(NAMES))(NextTokensQuestion(Query(state.text, "writer")))
    drawn = drawing_probabilities(found.drawable(0), 1.0).cumsum()
    share = np.random.default_rng([0, 1]).random()
    assert state.text[0] == found.labels[int(np.searchsorted(drawn / drawn[-1], share, "right"))]
    third = current(until_ended(walk(second, "zoom_in", stored=writer(NAMES))))
    assert [branch.text for branch in third.branches] == [text, state.text]
    again = current(until_ended(walk(first, "play", stored=writer(NAMES))))
    assert (again.text, again.stream) == (state.text, state.stream)
    # A branch goes on with its own random numbers.
    back = current(walk(second, "next", stored=writer(NAMES)))
    assert (back.text, back.stream, back.start) == (text, 0, current(first).start)


def test_a_text_that_has_ended_can_be_written_on_otherwise() -> None:
    ended = until_ended(names_moment("an"))
    T = len(current(ended).text)
    found = explorer(writer(NAMES))(NextTokensQuestion(Query(current(ended).text, "writer")))
    order = np.argsort(-found.drawable(-1), kind="stable").tolist()
    end, other = order.index(found.end), order.index(next(k for k in order if k != found.end))
    longer = current(walk(ended, f"model_{other + 1}", stored=writer(NAMES)))
    assert longer.text == current(ended).text + found.labels[order[other]] and longer.at == T + 1
    chosen = current(walk(ended, f"model_{end + 1}", stored=writer(NAMES)))
    assert chosen.at == 0 and chosen.text == current(ended).text


def test_the_mark_of_the_end_can_be_typed() -> None:
    view_state = answered(names_moment("an"), writer(NAMES))
    prompt: Any = WritingPage(view_state).press(view_state, "type")
    change: Any = prompt.on_submit(view_state, "na\\n")
    assert change.state.text == change.state.ended == "anna" and "ends" in change.message
    change = prompt.on_submit(view_state, "n\\na")
    assert change.failed


def test_keys_pressed_before_the_answer_write_as_many_characters_in_order() -> None:
    keys = ["enter"] * 7 + ["1", "2", "enter", "left", "left", "left", "3", "enter"]
    slow, _ = press(*keys)
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            for key in keys:  # none of them waits for the answer before
                it.post_message(Key(key, key if len(key) == 1 else None))
            await settled(it, pilot)

    asyncio.run(run())
    assert state(it).text == state(slow).text and state(it).branches == state(slow).branches
    assert not it.step_screen.page_host.waiting_keys


def test_a_line_by_hand_waits_for_the_keys_before_it() -> None:
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            screen = it.step_screen
            for _n in range(5):
                screen.page_host.press("zoom_in")
            screen.page_host.press("type")
            screen.prompt.submit("ane")
            for _n in range(2):
                screen.page_host.press("zoom_in")
            screen.page_host.toggle("write")
            assert screen.view_state.page == "write"
            await settled(it, pilot)
            assert screen.view_state.page == "" and screen.input is None

    asyncio.run(run())
    text = it.step_screen.view_state.latest_query.text
    assert text[: T + 8] == written(5) + "ane" and len(text) == T + 10


def test_keys_do_not_wait_for_an_answer_that_there_will_not_be() -> None:
    """A text that cannot be read: its reason is said, and the page can be left."""
    it = app(page="write")
    answer = it.step_screen.page_host.explorer

    def refuse(question: Any) -> Any:
        query = question.query if isinstance(question, NextTokensQuestion) else question
        if len(query.text) > T + 2:
            raise UsageError("This text is too long.")
        return answer(question)

    it.step_screen.page_host.explorer = it.step_screen.requests.explorer = refuse

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            screen = it.step_screen
            for _n in range(5):
                screen.page_host.press("zoom_in")
            await settled(it, pilot)
            await it.workers.wait_for_complete()
            await pilot.pause()
            assert not screen.page_host.waiting_keys
            for _n in range(3):  # the text that can be read stays
                await pilot.press("enter")
                await settled(it, pilot)
                assert "too long" in screen.view_state.status
                assert state(it).text == written(2) and not screen.page_host.waiting_keys
            await pilot.press("escape", "escape")
            await settled(it, pilot)
            assert screen.view_state.page == ""

    asyncio.run(run())


def test_keys_that_do_not_fit_are_counted_and_another_text_drops_those_that_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_keys, "MOST", 3)
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            screen = it.step_screen
            for _n in range(6):  # the first needs no answer
                screen.page_host.press("zoom_in")
            await settled(it, pilot)
            assert state(it).text == written(4)
            assert screen.view_state.status.startswith("2 keys left out")
            for _n in range(3):
                screen.page_host.press("zoom_in")
            screen.ask(Query("no", "writer"))
            assert not screen.page_host.waiting_keys
            await settled(it, pilot)

    asyncio.run(run())
    assert state(it).text == "no"


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colour", ["", "surprise", "h", "c"])
def test_every_size_language_and_colour(lang: str, size: tuple[int, int], colour: str) -> None:
    for theme in (ViewTheme("dark"), ViewTheme("dark", colour=False, ascii_only=True)):
        page_states = {"write": WritingState(colour=colour)}
        view_state = moment(4, lang=lang, theme=theme, page_states=page_states)
        said = "\n".join(lines(WritingPage, view_state, size[0], size[1] - 2))
        assert "\\x0a" not in said and "an era" in said.replace("␣", " ")
        assert ("yazma" if lang == "tr" else "writing") in said


def test_what_it_would_have_written_stands_beside_what_came() -> None:
    view_state = moment(4)
    said = " ".join(lines(WritingPage, view_state, 120, 34))
    head = view_state.trace.head
    best = head.labels[int(np.argmax(head.readout[4]))]
    came = number(float(head.readout[4, head.labels.index(TEXT[5])]), 2)
    assert f"comes “{TEXT[5]}”" in said and came in said
    assert best == TEXT[5] or f"it would have written “{visible(best)}”" in said


@pytest.mark.parametrize("revealed", [False, True])
def test_what_is_hidden_is_not_drawn(revealed: bool) -> None:
    """Another continuation of the same length gives the same picture."""
    drawn = []
    for rest in ("era", "ono"):
        text = TEXT[:7] + rest
        view_state = moment(5, text, hidden=True, revealed=revealed)
        if not revealed:
            view_state = replace(view_state, cursor=replace(view_state.cursor, part=0))
        for page_states in ({}, {"write": WritingState(colour="surprise")}):
            state = replace(view_state, page_states=page_states)
            drawn.append(lines(WritingPage, state, 100, 28))
    assert drawn[0] == drawn[2] and drawn[1] == drawn[3]
    assert without_answer(view_state).trace.tokens[8:] == ("?", "?")


def test_nets_that_do_not_write_say_so() -> None:
    view_state = small_moment(made())
    said = " ".join(lines(WritingPage, view_state, 80, 24))
    assert "cannot write" in said and not WritingPage.applies(view_state)
    assert WritingPage(view_state).press(view_state, "zoom_in") is None


@pytest.mark.parametrize("width", [8, 12, 40])
def test_lines_hold_every_token_once(width: int) -> None:
    tokens: Sequence[str] = tuple("to be or not\n\nto be, that is thequestionwithoutspaces\n")
    layout = text_layout(tuple(tokens), "", width)
    assert [t for line in layout.lines for t in line] == list(range(len(tokens)))
    assert all(len(line) <= width + 1 for line in layout.lines)
    shown = ["".join(tokens[t] for t in line) for line in layout.lines]
    assert all("\n" not in line[:-1] for line in shown)
    if width == 40:
        assert shown[0] == "to be or not\n" and shown[1] == "\n"


@pytest.mark.parametrize("separator", ["", " "])
def test_a_text_that_goes_on_is_laid_out_as_if_it_were_new(separator: str) -> None:
    rng = np.random.default_rng(2)
    parts = ["a", "b", " ", " ", "\n", "w"] if not separator else ["to", "be", "\n", "ornotto"]
    tokens = tuple(rng.choice(parts, 300).tolist())
    for width in (9, 21):
        for end in range(1, len(tokens), 1 + width % 4):
            gone_on = text_layout(tokens[:end], separator, width)
            _latest.clear()
            assert gone_on == text_layout(tokens[:end], separator, width)


def test_texts_that_go_on_share_the_memory_of_their_logits() -> None:
    """Writing a thousand characters must not keep a thousand copies."""
    text, found = TEXT, explorer()(NextTokensQuestion(Query(TEXT, "writer")))
    for _n in range(40):
        text += "n"
        longer = explorer()(NextTokensQuestion(Query(text, "writer")))
        np.testing.assert_array_equal(longer.logits[: len(found.tokens)], found.logits)
        found = longer
    again = explorer()(NextTokensQuestion(Query(text, "writer")))
    shorter = explorer()(NextTokensQuestion(Query(text + "a", "writer")))
    assert np.shares_memory(again.logits, found.logits)
    assert np.shares_memory(shorter.logits, found.logits)
    kept = found.logits.copy()
    explorer()(NextTokensQuestion(Query(text[:-3] + "rrrr", "writer")))  # a branch
    np.testing.assert_array_equal(found.logits, kept)
    with pytest.raises(ValueError, match="read-only"):
        found.logits[0] = 0


def test_predict_mode_asks_for_the_next_token_and_marks_it() -> None:
    it = app(t=4)

    async def run() -> ViewState:
        async with it.run_test(size=(100, 30)) as pilot:
            await settled(it, pilot)
            await pilot.press("p", "o")
            await pilot.pause()
            await pilot.press("enter", "enter")
            await settled(it, pilot)
            made_here = it.step_screen.view_state.predictions.made
            assert [question.topic for question in made_here] == ["next"]
            await pilot.press("right")
            await settled(it, pilot)
            return it.step_screen.view_state

    view_state = asyncio.run(run())
    (marked,) = view_state.predictions.marked.values()
    head = view_state.trace.head
    assert head.labels[int(marked.key.right) - 1] == TEXT[5]
    assert view_state.predictions.score.asked == 1
    assert re.search("right|wrong", view_state.notice)


def answered(view_state: ViewState, stored: StoredModel | None = None) -> ViewState:
    """The view state with the answers that the page needs; older ones are not needed."""
    explore, questions = explorer(stored), WritingPage(view_state).questions(view_state)
    return replace(view_state, answers={each: explore(each) for each in questions})


def walk(view_state: ViewState, *keys: str, stored: StoredModel | None = None) -> ViewState:
    """The view state after keys of the page, each answered at once; no trace is asked for."""
    page = WritingPage(view_state)
    for key in keys:
        view_state = answered(view_state, stored)
        change: Any = page.press(view_state, key)
        view_state = replace(view_state, **change.updates(view_state))
    return view_state


def test_a_thousand_characters_back_branched_and_written_again() -> None:
    view_state = walk(moment(T - 1), *["play"] * 1000)
    whole = current(view_state)
    assert whole.text == written(1000)
    back = walk(view_state, *["token_back"] * 500)
    assert current(back).at == T - 1 + 500
    for key in ("model_1", "model_2"):  # one of them is not what came
        other = walk(back, key, *["zoom_in"] * 5)
        if current(other).branches:
            break
    assert current(walk(back, key, *["zoom_in"] * 5)).text == current(other).text
    assert current(other).text[: T + 500] == whole.text[: T + 500]
    assert [branch.text for branch in current(other).branches] == [whole.text]
    assert current(walk(other, "next", "last", "play")).text == written(1001)


def test_a_branch_before_the_start_takes_one_random_number_a_token() -> None:
    view_state = walk(moment(2), "raise", "raise", "raise", "raise", *["zoom_in"] * 8)
    state = current(view_state)
    found = explorer()(NextTokensQuestion(Query(state.text, "writer")))
    shares = np.random.default_rng([0, state.stream]).random(8)
    first = state.start
    assert len(state.text) - first > 3
    for t in range(first, len(state.text)):
        p = drawing_probabilities(found.drawable(t - 1), state.temperature).cumsum()
        chosen = int(np.searchsorted(p / p[-1], shares[t - first], "right"))
        assert found.labels[chosen] == state.text[t]


def test_the_state_of_the_page_goes_to_a_second_terminal_and_comes_back() -> None:
    state = WritingState(text="ab", branches=(Branch("ac", 1), Branch("a")), temperature=0.5)
    record = page_record(state)
    for sent in (record, json.loads(json.dumps(record))):
        assert page_state_of(PageStateEvent("write", sent)) == state


def test_a_click_on_a_token_moves_there() -> None:
    it = app(page="write")

    async def run() -> None:
        async with it.run_test(size=(80, 24)) as pilot:
            await settled(it, pilot)
            for row, line in enumerate(("no:", "an era")):
                for column, char in enumerate(line):
                    await pilot.click("#page-write", offset=(1 + column, 3 + row))
                    await settled(it, pilot)
                    t = it.step_screen.view_state.cursor.t
                    assert t == column + 4 * row and TEXT[t] == char
            await pilot.click("#page-write", offset=(30, 3))
            await pilot.click("#page-write", offset=(70, 4))
            assert it.step_screen.view_state.cursor.t == t

    asyncio.run(run())


def test_a_character_that_the_net_does_not_know_has_a_surprise_too() -> None:
    stored = writer(Encoding("characters"))
    said = "\n".join(lines(WritingPage, moment(2, "anéna", stored=stored), 100, 30))
    assert "comes “é”" not in said and "anéna" in said
    view_state = moment(1, "anéna", stored=stored)
    assert "comes “é”" in "\n".join(lines(WritingPage, view_state, 100, 30))
    assert "[UNK]" not in "\n".join(lines(WritingPage, view_state, 100, 30))
