"""Predict mode: nothing on the screen depends on the answer, the reveal, marks and the score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnviz.analysis.padding import PaddingComparison
from rnnviz.analysis.turning_token import direction, turning_token
from rnnviz.analysis.units import UnitQuestion
from rnnviz.cursor import part_of, start
from rnnviz.explore import explorer
from rnnviz.lessons.predictions import Prediction
from rnnviz.query import Explorer, Query, Question
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.app.choice_list import ChoiceList, RowList
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.panels.presenter.headline import Headline
from rnnviz.tui.panels.presenter.large_belief import LargeBelief
from rnnviz.tui.panels.presenter.large_cell import LargeCell
from rnnviz.tui.panels.presenter.large_equations import LargeEquations
from rnnviz.tui.panels.presenter.large_units import LargeUnits
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step import go_to
from rnnviz.tui.step.app import RnnvizApp, step_commands
from rnnviz.tui.step.command_line import command_line
from rnnviz.tui.step.key_bar import StepStatus
from rnnviz.tui.step.screen import StepScreen
from rnnviz.tui.view import predict_mode, predict_notice
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.predict_first import token_read_with
from rnnviz.tui.view.predict_session import PredictQuestion, PredictSession
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View
from tests.tui.small_models import app, made, screen_text
from tests.tui.test_predict_first import beside, drawn, other_padding

SENTENCES = (
    "this movie was not good",
    "i loved every minute of it",
    "not bad at all",
    "the plot is thin but the acting is great",
    "Cup final goes to extra time",
    "oil prices fall as stocks rise in new york",
    "boring",
    "what a waste of two hours",
    "it is hard to say that i did not enjoy zxqwv",
    "the new phone has a faster chip and a better camera",
)
MODELS = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru", "imdb-lstm", "agnews-bilstm")
SIZES = ((80, 24), (120, 36))
PAGES_OF_WORDS = [entry.name for entry in PAGES if entry.name not in ("hand", "series")]
BESIDE_A_PAGE = ("title", "sentence", "conclusion", "keys")
LARGE = (Headline, LargeBelief, LargeCell, LargeEquations, LargeUnits)
ON = PredictSession(on=True)


@cache
def explore() -> Explorer:
    return explorer()


@cache
def answered(question: Question) -> Any:
    return explore()(question)


# -- nothing depends on the answer ----------------------------------------------------------------


def states(trace: Trace, query: Query, n: int, layer: int, page: str) -> Iterator[ViewState]:
    """Hidden at a part of a token, and revealed at one; with predictions made about both."""
    T, first = len(trace.tokens), start(trace)
    parts = len(trace.layers[layer].parts)
    t = n % T
    cursor = replace(
        first,
        layer=layer,
        t=t,
        part=n % parts,
        unit=3,
        zoom=("sentence", "cell", "equation")[n % 3],
    )
    second = SecondSentence("this movie was good") if trace.series is None else SecondSentence()
    now = ViewState(
        trace, cursor, ViewTheme("dark"), lang=("en", "tr")[n % 2], backward=n % 4 == 3, page=page,
        query=query, page_states={"against": second},
    )  # fmt: skip
    session = ON
    for question in predict_mode.questions(replace(now, hidden=True)):
        answer = {"direction": 1.0, "word": float(T), "output": 0.6, "value": 0.6}[question.topic]
        session = session.committed(question, Prediction(answer, "so it seems"))
    order = trace.layers[layer].order
    yield replace(now, hidden=True, predictions=replace(session, frontier=order.index(t)))
    if t < T - 1 and trace.layers[layer].direction == "forward":
        last = replace(cursor, part=parts - 1)
        revealed = replace(session, frontier=t + 1)
        yield replace(now, cursor=last, hidden=True, revealed=True, predictions=revealed)


def with_another_answer(now: ViewState) -> ViewState:
    """The same past, and a future that differs in every number and in the predicted class."""
    answers = {question: other_answer(now, found) for question, found in now.answers.items()}
    return replace(now, trace=swapped(now, now.trace), answers=answers)


def other_answer(now: ViewState, answer: Any) -> Any:
    if isinstance(answer, PaddingComparison):
        return other_padding(answer, now.cursor.t, now.revealed)
    return swapped(now, answer) if isinstance(answer, Trace) else beside(now, answer)


def swapped(now: ViewState, trace: Trace) -> Trace:
    """A trace that differs in every value that is not known at the cursor.

    Values become normal random numbers of three times the usual size, labels lead that did not.
    """
    rng, t, n = np.random.default_rng(1), now.cursor.t, now.cursor.layer
    # A token of another text is known with the token of this one that it is aligned with.
    read_with = np.array(token_read_with(now.trace.tokens, trace.tokens))
    here, order = read_with == t, np.argsort(np.array(now.layer.order))
    later = order[read_with] > order[t]

    def changed(own: LayerTrace, k: int) -> LayerTrace:
        values = {}
        for name, array in own.values.items():
            unknown = np.full(len(array), k > n) if k != n else later
            if k == n and not now.revealed:
                in_part = part_of(own, name) >= now.cursor.part or own.cell != now.layer.cell
                unknown = unknown | (here & (in_part and name != "x"))
            given = np.array_equal(array, trace.layers[0].values["x"])
            if name == "x" and given:
                unknown = read_with > t if trace.series is not None else np.full(len(array), False)
            noise = rng.normal(0, 3, array.shape).astype(array.dtype)
            values[name] = np.where(unknown[:, None], noise, array)
        grads = {name: 5 * rng.normal(0, 3, a.shape) for name, a in own.grads.items()}
        return replace(own, values=values, grads=grads, reach=rng.uniform(1, 99, own.reach.shape))

    head, told = trace.head, read_with <= t if now.revealed else read_with < t
    labels = [label for label in head.labels if label != head.target] or [head.target]
    head = replace(
        head,
        output=head.output[::-1] ** 0.1 if head.kind != "linear" else head.output * -7,
        readout=np.where(told[:, None], head.readout, np.abs(head.readout[:, ::-1]) ** 0.1),
        logits=np.where(told[:, None], head.logits, -3 * head.logits),
        target=labels[-1], loss=head.loss + 123.4, objective="log-loss of something else",
    )  # fmt: skip
    series = trace.series
    if series is not None:
        after = tuple(value - 17.5 for value in series.after)
        truth = None if series.truth is None else series.truth + 21.5
        series = replace(series, after=after, truth=truth)
    layers = tuple(changed(own, k) for k, own in enumerate(trace.layers))
    return replace(trace, layers=layers, head=head, series=series)


def shown(now: ViewState, size: tuple[int, int]) -> dict[str, Any]:
    """All that can be seen: every view with its styles, the message, and what keys would show."""
    now = replace(now, notice=predict_notice.notice(now))
    found: dict[str, Any] = {}
    screen = StepScreen(explore(), now)
    page = [load(now.page)(now)] if now.page else []
    panels = {view.id: view for view in screen.compose() if isinstance(view, View)}
    if page:
        panels = {name: view for name, view in panels.items() if name in BESIDE_A_PAGE}
    large = [] if now.page else [view(now) for view in LARGE]
    for n, view in enumerate((*page, *panels.values(), *large)):
        found[f"{type(view).__name__} {n}"] = drawn(view, now, size)
    found["message"] = StepStatus(now).lines(now, *size)
    found["copy"] = command_line(now)
    found["questions"] = predict_mode.questions(now)
    found["go to"] = go_to.prompt(now).label
    if now.page:
        for action in load(now.page).actions:
            found[f"press {action}"] = result(load(now.page)(now).press(now, action))
    return found


def result(pressed: Change | Prompt | None) -> Any:
    if isinstance(pressed, Prompt):
        return pressed.label, pressed.initial, pressed.words
    return None if pressed is None else (pressed.message, pressed.failed, pressed.cursor)


def leaks(now: ViewState, size: tuple[int, int]) -> list[str]:
    """What differs between two answers."""
    one, other = shown(now, size), shown(with_another_answer(now), size)
    return [name for name in one if one[name] != other[name]]


def asked(now: ViewState) -> ViewState:
    """With the questions of the page, and of the second sentence, answered."""
    questions: list[Question] = list(load(now.page)(now).questions(now)) if now.page else []
    if now.trace.series is None:
        questions.append(replace(now.query, text="this movie was good"))
    # Reading the texts of the page on units takes half a minute with two layers.
    quick = [q for q in questions if len(now.trace.layers) == 1 or not isinstance(q, UnitQuestion)]
    return replace(now, answers={question: answered(question) for question in quick})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", MODELS)
def test_no_view_shows_which_answer_is_hidden(model: str, size: tuple[int, int]) -> None:
    found = {}
    for n, text in enumerate(SENTENCES):
        query = Query(text, model)
        trace = answered(query)
        # Two pages for a sentence: with ten sentences every page comes with several of them.
        pages = [
            "",
            PAGES_OF_WORDS[n % len(PAGES_OF_WORDS)],
            PAGES_OF_WORDS[(n + 4) % len(PAGES_OF_WORDS)],
        ]
        for page in pages:
            # The page on padding draws a backward layer in the order of the words.
            layer = n % len(trace.layers) if page != "padding" else 0
            for now in states(trace, query, n, layer, page):
                now = asked(replace(now, others=MODELS[:3]))
                if told := leaks(now, size):
                    found[text, page, now.revealed] = told
    assert found == {}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", ["", "series"])
def test_no_view_of_a_series_does_either(page: str, size: tuple[int, int]) -> None:
    query = Query("2015-07-05 19:00", "jena-gru")
    trace = answered(query)
    for n in (0, 7, 100, 237):
        for now in states(trace, query, n, 0, page):
            assert not leaks(now, size), (n, now.revealed)


def test_the_comparison_finds_a_leak() -> None:
    """Without the protection the same comparison fails."""
    query = Query(SENTENCES[0], "sentiment-lstm")
    now = next(states(answered(query), query, 2, 0, ""))
    open_to_all = replace(now, hidden=False, predictions=ON)
    assert leaks(now, SIZES[0]) == []
    assert len(leaks(open_to_all, SIZES[0])) > 5


# -- the mode -------------------------------------------------------------------------------------


Played = tuple[RnnvizApp, Pilot[int]]


async def keys(pilot: Pilot[int], *pressed: str) -> None:
    for key in pressed:
        await pilot.press(key)
        await pilot.pause()


def place(it: RnnvizApp) -> tuple[int, int, bool, bool]:
    now = it.step_screen.view_state
    return now.cursor.t, now.cursor.part, now.hidden, now.part_hidden


def last_part(it: RnnvizApp) -> int:
    return len(it.step_screen.view_state.layer.parts) - 1


async def test_the_mode_stays_on_through_everything_until_it_is_left() -> None:
    it = app(t=1)
    async with it.run_test(size=(100, 30)) as pilot:
        await keys(pilot, "p")
        last = last_part(it)
        assert place(it) == (1, 0, True, True)
        await keys(pilot, "right")
        assert place(it) == (2, 0, True, True)
        await keys(pilot, "left")  # it has been revealed
        assert place(it) == (1, last, True, False)
        await keys(pilot, "right")
        assert place(it) == (2, 0, True, True)
        for n in range(1, last + 1):
            await keys(pilot, "full_stop")
            assert place(it) == (2, n, True, True)
        await keys(pilot, "full_stop")  # the prediction comes last
        assert place(it) == (2, last, True, False)
        await keys(pilot, "full_stop")
        assert place(it) == (3, 0, True, True)
        await keys(pilot, "comma")
        assert place(it) == (2, last, True, False)
        await keys(pilot, "c")
        assert it.step_screen.view_state.page == "clamp" and place(it) == (2, last, True, False)
        await keys(pilot, "escape", "3")
        while it.step_screen.view_state.trace.model != "gru":
            await pilot.pause(0.01)
        # Another net has not said anything about this word.
        assert place(it) == (2, 0, True, True)
        await keys(pilot, "end", "right")
        assert place(it) == (4, last_part(it), False, False)
        assert it.step_screen.view_state.predictions.on
        assert predict_notice.badge(it.step_screen.view_state) in screen_text(it)[0]
        await keys(pilot, "t", *"bad good", "enter")
        while len(it.step_screen.view_state.trace.tokens) != 2:
            await pilot.pause(0.01)
        assert place(it) == (0, 0, True, True)
        await keys(pilot, "p")
        assert place(it) == (0, last_part(it), False, False)
        assert it.step_screen.view_state.notice == ""
        assert "predict first" not in screen_text(it)[0]


async def rows(it: RnnvizApp) -> list[str]:
    screen = it.screen
    assert isinstance(screen, ChoiceList)
    return [row.name for row in screen.choices]


async def choose(it: RnnvizApp, pilot: Pilot[int], name: str) -> None:
    at = [name in row for row in await rows(it)].index(True)
    it.screen.query_one(RowList).highlighted = at
    await keys(pilot, "enter")


async def test_a_number_is_committed_changed_revealed_and_scored() -> None:
    it = app(t=2)
    trace = it.step_screen.view_state.trace
    async with it.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "p", "o")
        await choose(it, pilot, "a number")
        await keys(pilot, *"oops", "enter")
        assert it.step_screen.view_state.failed and it.step_screen.input is not None
        it.step_screen.input.value = "1.5"
        await keys(pilot, "enter")
        assert "from 0 to 1" in it.step_screen.view_state.status
        it.step_screen.input.value = ".99"
        await keys(pilot, "enter", *"it is a good word", "enter")
        assert it.step_screen.input is None
        assert "p(positive) .99, because it is a good word" in it.step_screen.view_state.notice
        assert "◀.99" in "\n".join(screen_text(it))
        await keys(pilot, "o")
        await choose(it, pilot, "a number")
        right = float(trace.head.readout[2, 1])
        it.step_screen.input.value = f"{right + 0.03:.2f}"
        await keys(pilot, "enter", "enter")
        before = screen_text(it)
        await keys(pilot, "right")
        assert place(it) == (2, last_part(it), True, False)
        now = it.step_screen.view_state
        assert str(now.predictions.score) == "1/1"
        assert now.notice.startswith(f"you {right + 0.03:.2f}".replace("0.", "."))
        assert "too high · right (±.1)" in now.notice
        after = screen_text(it)
        marks = [line.index("◀") for line in before if "◀" in line]
        assert marks == [line.index("◀") for line in after if "◀" in line] != []
        assert "score 1/1" in after[0]
        # What was seen is asked once, marked, and not counted.
        await keys(pilot, "o")
        seen = predict_mode.observed(now, 2, 1)
        await keys(pilot, *["down"] * (seen - 1), "enter")
        assert "right" in it.step_screen.view_state.notice.rpartition("you saw")[2]
        assert str(it.step_screen.view_state.predictions.score) == "1/1"
        assert not predict_mode.asks_what_was_seen(it.step_screen.view_state)
        await keys(pilot, "right")
        assert place(it) == (3, 0, True, True)


async def test_what_was_seen_can_be_skipped_with_esc() -> None:
    it = app(t=2)
    async with it.run_test(size=(100, 30)) as pilot:
        await keys(pilot, "p", "o", "enter", "escape", "right")
        assert predict_mode.asks_what_was_seen(it.step_screen.view_state)
        await keys(pilot, "escape")
        assert not predict_mode.asks_what_was_seen(it.step_screen.view_state)
        assert it.step_screen.view_state.predictions.score.asked == 1
        assert it.step_screen.view_state.predictions.on


async def test_the_word_that_turns_it_is_marked_at_the_end() -> None:
    it = app(t=1)
    trace = it.step_screen.view_state.trace
    async with it.run_test(size=(100, 30)) as pilot:
        await keys(pilot, "p", "o")
        await choose(it, pilot, "which word")
        assert "crosses .5" in it.screen.heading
        right = turning_token(trace, 1, 1)
        await choose(it, pilot, trace.tokens[right])
        await keys(pilot, "enter")
        assert "turns" in "\n".join(screen_text(it)[3:10])
        await keys(pilot, "right", "right", "right")
        assert it.step_screen.view_state.predictions.score.asked == 0
        await keys(pilot, "right")
        assert place(it)[0] == 4
        assert str(it.step_screen.view_state.predictions.score) == "1/1"
        assert "which word:" in it.step_screen.view_state.notice


async def test_a_gate_is_revealed_before_the_prediction() -> None:
    it = app(t=2)
    async with it.run_test(size=(100, 30)) as pilot:
        await keys(pilot, "p", "o")
        await choose(it, pilot, "f[2]")
        await keys(pilot, *".5", "enter", "enter", "full_stop")
        assert it.step_screen.view_state.predictions.score.asked == 0
        await keys(pilot, "full_stop")
        now = it.step_screen.view_state
        assert now.known(2, "f") and not now.prediction_known(2)
        (mark,) = now.predictions.marked.values()
        assert mark.key.right == pytest.approx(float(now.layer.values["f"][2, 2]))
        await keys(pilot, "o")
        # What is on the screen already is not asked.
        assert not any("f[2]" in row for row in await rows(it))


async def test_on_a_page_the_key_offers_the_page_s_own_line_too() -> None:
    it = app(t=2)
    async with it.run_test(size=(100, 30)) as pilot:
        await keys(pilot, "p", "c", "o")
        await choose(it, pilot, "for the page")
        assert it.step_screen.input is not None
        await keys(pilot, "escape", "right", "left", "o")  # a word that has been revealed
        assert it.step_screen.input is not None


async def test_the_palette_lists_the_key_in_the_mode() -> None:
    it = app()
    async with it.run_test(size=(100, 30)) as pilot:
        assert "o" not in {command.help for command in step_commands(it.step_screen)}
        await keys(pilot, "p")
        assert "o" in {command.help for command in step_commands(it.step_screen)}


# -- what is right --------------------------------------------------------------------------------


def test_rising_staying_and_falling_as_printed() -> None:
    assert direction(0.39, 0.44) == 1
    assert direction(0.394, 0.436) == 1 or direction(0.394, 0.436) == 2
    assert direction(0.39, 0.43) == 2
    assert direction(0.39, 0.18) == 3


def test_the_word_that_turns_is_the_last_to_cross_or_the_largest_change() -> None:
    trace = made()

    def of(*p: float) -> Trace:
        readout = np.array([[1 - v, v] for v in p])
        return replace(trace, head=replace(trace.head, readout=readout))

    assert turning_token(of(0.6, 0.4, 0.7, 0.8, 0.2), 1) == 4
    assert turning_token(of(0.6, 0.4, 0.7, 0.8, 0.9), 1) == 2
    assert turning_token(of(0.6, 0.7, 0.95, 0.96, 0.97), 1, 1) == 2
    assert turning_token(of(0.6, 0.4, 0.3, 0.1, 0.12), 1, 2) == 3


def test_a_marked_prediction_cannot_be_changed() -> None:
    query = Query("a", "b")
    question = PredictQuestion(query, "output", 0, 1)
    session = ON.committed(question, Prediction(0.3)).committed(question, Prediction(0.4))
    assert session.made[question].answer == 0.4
    now = ViewState(made(), start(made(), 4), ViewTheme("dark"), query=query)
    now = replace(now, predictions=session)
    marked = predict_mode.settled(now).predictions
    assert marked.score.asked == 1 and not marked.made
    assert marked.committed(question, Prediction(0.9)) is marked


def test_tolerances_are_in_the_unit_of_the_series() -> None:
    query = Query("2015-07-05 19:00", "jena-gru")
    now = next(states(answered(query), query, 7, 0, ""))
    assert predict_mode.within(now) == pytest.approx(0.9, abs=0.2)
    topics = {question.topic for question in predict_mode.questions(now)}
    assert topics >= {"direction", "output"} and "word" not in topics


async def test_another_notation_hides_nothing_again() -> None:
    it = app(t=1, cell="gru")
    async with it.run_test(size=(100, 30)) as pilot:
        await keys(pilot, "p", "full_stop", "full_stop", "Y")
        assert place(it) == (1, 2, True, True)
        await keys(pilot, "right", "left", "Y")
        assert place(it) == (1, last_part(it), True, False)
