"""The sentence at the end of the panels and of every page, against readings made one at a time.

Whatever a sentence says of a unit, a gate, a layer or a word is read again here with
``rnnviz.step`` and a clamp, or with another text, and has to be the number that is printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

import rnnviz
from rnnviz import i18n
from rnnviz.analysis.readout import saliency
from rnnviz.clamps import Clamp, parse
from rnnviz.cursor import start
from rnnviz.equations import number
from rnnviz.errors import RnnvizError
from rnnviz.explore import explorer
from rnnviz.query import Explorer, Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.panels import conclusion
from rnnviz.tui.panels.arrangement import conclusion_height
from rnnviz.tui.panels.change_row import signed
from rnnviz.tui.panels.conclusion import WordLeftOut
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.conclusion import Clause, fitted, sentence
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from tests.tui import small_writer
from tests.tui.pages import test_learning

SENTENCES = (
    "this movie was not good", "this movie was not bad", "a truly great film",
    "i did not like it at all", "it is neither funny nor clever", "nothing here is boring",
    "the plot is thin but the cast is wonderful", "what a waste of time", "not bad at all",
    "never again",
)  # fmt: skip
#: Models of the sentences in turn.
MODELS = ("sentiment-lstm", "sentiment-gru", "sentiment-rnn", "sentiment-lstm-8", "imdb-lstm")
EVERY = tuple(enumerate(SENTENCES))
#: Pages that end with a verdict of their own: of finite differences, of a training.
OWN_VERDICT = {"check", "training"}
NAMES = ["", *(entry.name for entry in PAGES if entry.name not in OWN_VERDICT)]


@cache
def explore() -> Explorer:
    found = explorer()
    return cache(lambda question: found(question))


def at(page: str, query: Query, t: int, lang: str = "en", **changes: Any) -> ViewState:
    """A moment on a page."""
    trace: Trace = explore()(query)
    unit = trace.leading_unit()
    theme = ViewTheme("dark")
    view_state = ViewState(trace, start(trace, t, unit), theme, lang, query=query, page=page)
    others = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru")
    if page == "against":
        words = query.text.split()
        states = {"against": SecondSentence(" ".join(words[:1] + words[2:]))}
        changes = {"page_states": states, **changes}
    return replace(view_state, others=others, **changes)


def answered(view_state: ViewState, questions: Sequence[Question]) -> ViewState:
    answers, failures = dict(view_state.answers), dict(view_state.failures)
    for question in (q for q in questions if q not in answers):
        try:
            answers[question] = explore()(question)
        except RnnvizError as error:
            failures[question] = str(error)
    return replace(view_state, answers=answers, failures=failures)


def concluded(view_state: ViewState) -> tuple[ViewState, list[Clause]]:
    """All clauses, with every answer there; the state in the language of the screen."""
    if not view_state.page:
        done = localized(without_answer(answered(view_state, conclusion.questions(view_state))))
        return done, list(conclusion.clauses(done))
    page = load(view_state.page)(view_state)
    done = answered(view_state, page.questions(view_state))
    done = localized(answered(done, page.conclusion_questions(done)))
    return done, list(page.conclusion(done))


def query_of(n: int, text: str, page: str) -> Query:
    model = MODELS[n % len(MODELS)]
    clamps = (parse("h[1]=0"), parse("h[0,2]=1")) if page == "clamp" else ()
    if page == "series":
        return Query("", "jena-gru")
    if page == "hand":
        return Query("1 0 .5 1", toy())
    return Query(text, model, clamps=clamps)


def toy() -> str:
    from rnnviz.toy_net import model_of

    return model_of("lstm")


def moments(page: str, lang: str = "en") -> Iterator[ViewState]:
    if page == "learning":  # shipped models have no snapshots
        yield from (test_learning.at(step, t, lang=lang) for step in (0, 9, 20) for t in (2, 4))
        return
    if page == "write":  # shipped nets that write are no models of sentences
        yield from (small_writer.moment(t, lang=lang, page="write") for t in (0, 5, 9))
        return
    every = EVERY if page not in ("series", "hand") else EVERY[:1]
    for n, text in every:
        query = query_of(n, text, page)
        T = len(explore()(query).tokens)
        for t in {T - 1, T // 2}:
            yield at(page, query, t, lang)


#: What a clause says that was found by holding, cutting or leaving out something.
CAUSAL = re.compile(
    r"held|hold|without|leav|cut out|cutting|silent|average|alone|does it|paddings|because|"
    r"tutul|olmasa|onsuz|olmadan|çıkar|susunca|yerine|yerinde|tek başına|tek birim|dolgu|çünkü"
)


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("page", NAMES)
def test_what_implies_a_cause_is_checked_and_every_sentence_fits(page: str, lang: str) -> None:
    found = 0
    for view_state in moments(page, lang):
        done, clauses = concluded(view_state)
        assert clauses or page == "hand", (page, view_state.query)
        for clause in clauses:
            for text in clause.texts:
                if CAUSAL.search(text) and page != "reach":
                    assert clause.checked, text
                assert "{" not in text
            asked = set(clause.checked) - set(done.answers)
            assert not asked, clause
            found += bool(clause.checked)
        for width, height in ((80, 24), (100, 30), (120, 36), (200, 50)):
            own = load(page)(view_state).conclusion_rows(width, height) if page else None
            rows = (conclusion_height(width, height - 1, page) or 1) if own is None else own
            lines = fitted(clauses, width - 2, rows)
            assert len(lines) <= rows and all(cell_len(line) <= width - 2 for line in lines)
            assert lines and not "".join(lines).endswith("…"), lines
    assert found or page in ("reach", "hand", "write")


# -- the panels -----------------------------------------------------------------------------------


def step(text: str, query: Query, *clamps: Clamp) -> Trace:
    return rnnviz.step(text, model=query.model, clamps=[*query.clamps, *clamps])


@pytest.mark.parametrize(("n", "text"), EVERY)
def test_the_panels_name_what_the_readings_say(n: int, text: str) -> None:
    query = query_of(n, text, "")
    T = len(explore()(query).tokens)
    for t in range(max(1, T - len(text.split())), T):
        _, clauses = concluded(at("", query, t))
        whole = "\n".join(text for clause in clauses for text in clause.texts)
        trace = step(text, query)
        p = trace.head.readout[:, 1].astype(float)
        assert f"{number(p[t - 1], 2)} → {number(p[t], 2)}" in whole or "changed nothing" in whole
        layer, state = trace.layers[0], "c" if "c" in trace.layers[0].states else "h"
        for unit, value in re.findall(
            r"unit (\d+), the strongest, leaves ([\d.e−]+)$", whole, re.M
        ):
            clamp = Clamp(state, float(layer.state_before(t, state)[int(unit)]), t, int(unit))
            held = step(text, query, clamp).head.readout[t, 1]
            assert value == number(float(held), 2)
            assert (held - p[t]) / (p[t - 1] - p[t]) < 0.5
        for unit, value in re.findall(
            r"unit (\d+) alone does most of it: .*?([\d.e−]+)$", whole, re.M
        ):
            clamp = Clamp(state, float(layer.state_before(t, state)[int(unit)]), t, int(unit))
            held = step(text, query, clamp).head.readout[t, 1]
            assert value == number(float(held), 2)
            assert (held - p[t]) / (p[t - 1] - p[t]) >= 0.5
        for word, value in re.findall(r"without “(\w+)” the end would be ([\d.e−]+)$", whole, re.M):
            words = text.split()
            assert words[t - T] == word
            rest = " ".join(w for k, w in enumerate(words) if k != t - T + len(words))
            assert value == number(float(step(rest, query).head.output[1]), 2)
        for word, value in re.findall(
            r"all words “(\w+)” changes the end most by its absence: ([\d.e−]+)$", whole, re.M
        ):
            ends = [
                float(step(" ".join(rest), query).head.output[1])
                for k in range(len(text.split()))
                for rest in [text.split()[:k] + text.split()[k + 1 :]]
            ]
            most = int(np.argmax(np.abs(np.array(ends) - p[-1])))
            assert (word, value) == (text.split()[most], number(ends[most], 2))
            largest = trace.tokens[int(np.argmax(saliency(trace)))]
            assert (f"largest at “{largest}”" in whole) == (largest != word)


def test_where_no_single_unit_does_it_the_sentence_says_so() -> None:
    """The same word of the same sentence in two nets of the package."""
    said = {}
    for model in ("sentiment-lstm", "sentiment-lstm-8"):
        _, clauses = concluded(at("", Query(SENTENCES[0], model), 3))
        said[model] = sentence([clause.texts[0] for clause in clauses])
    assert "no single unit does it: holding c of unit 0" in said["sentiment-lstm"]
    assert "unit 1 alone does most of it" in said["sentiment-lstm-8"]


def test_a_word_that_changes_nothing_is_said_to_change_nothing() -> None:
    found = 0
    for n, text in EVERY:
        query = query_of(n, text, "")
        readout = explore()(query).head.readout[:, 1].astype(float)
        for t in range(1, len(readout)):
            _, clauses = concluded(at("", query, t))
            same = number(readout[t - 1], 2) == number(readout[t], 2)
            assert ("changed nothing" in clauses[0].texts[0]) == same
            assert not same or not any("unit" in clause.texts[0] for clause in clauses)
            found += same
    assert found


# -- pages ----------------------------------------------------------------------------------------


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+\.\d+(?:e−\d+)?", text)


def longest(clauses: Sequence[Clause], *, checked: bool = True) -> list[str]:
    return [clause.texts[0] for clause in clauses if bool(clause.checked) == checked]


@pytest.mark.parametrize(("n", "text"), EVERY)
def test_weights_say_what_a_gate_does(n: int, text: str) -> None:
    query = query_of(n, text, "weights")
    view_state, clauses = concluded(at("weights", query, 1))
    unit = view_state.cursor.unit
    (said,) = longest(clauses)
    gate = re.match(r"At “\S+” (\w+) of unit", clauses[0].texts[0])
    assert gate is not None
    is_gate = gate[1] in ("i", "f", "o", "z", "r")
    held = [
        number(float(step(text, query, Clamp(gate[1], v, 1, unit)).head.readout[1, 1]), 2)
        for v in ((0.0, 1.0) if is_gate else (0.0,))
    ]
    now = number(float(step(text, query).head.readout[1, 1]), 2)
    assert numbers(said) == ([now] if set(held) == {now} else [*held, now])


@pytest.mark.parametrize(("n", "text"), EVERY)
def test_units_and_net_say_what_is_cut(n: int, text: str) -> None:
    query = query_of(n, text, "units")
    T = len(explore()(query).tokens)
    view_state, clauses = concluded(at("units", query, T - 1))
    unit = view_state.cursor.unit
    (said,) = longest(clauses)
    held = float(step(text, query, Clamp("h", 0.0, None, unit)).head.output[1])
    end = float(step(text, query).head.output[1])
    assert numbers(said) == (
        ["0.02"] if abs(held - end) < 0.02 else [number(held, 2), number(end, 2)]
    )
    _, clauses = concluded(at("net", query, T - 1))
    assert numbers(longest(clauses)[0]) == [
        number(float(step(text, query, Clamp("h", 0.0)).head.output[1]), 2)
    ]


@pytest.mark.parametrize(("n", "text"), EVERY)
def test_backward_says_that_the_gradient_is_not_the_effect(n: int, text: str) -> None:
    query = query_of(n, text, "backward")
    T = len(explore()(query).tokens)
    words = text.split()
    _, clauses = concluded(at("backward", query, T - 2))
    effect, both = longest(clauses)
    ends = [
        float(step(" ".join(words[:k] + words[k + 1 :]), query).head.output[1])
        for k in range(len(words))
    ]
    end = float(step(text, query).head.output[1])
    here = ends[len(words) - 2]
    expected = ["0.02"] if abs(here - end) < 0.02 else [number(end, 2), number(here, 2)]
    assert numbers(effect) == expected
    largest = step(text, query).tokens[int(np.argmax(saliency(step(text, query))))]
    best = words[int(np.argmax(np.abs(np.array(ends) - end)))]
    assert re.findall("“(.*?)”", both) == ([best] if largest == best else [largest, best])


@pytest.mark.parametrize(("n", "text"), EVERY)
def test_clamps_and_cells_and_two_sentences(n: int, text: str) -> None:
    query = query_of(n, text, "clamp")
    _, clauses = concluded(at("clamp", query, 1))
    free = replace(query, clamps=())
    held, fewer, none = (
        float(step(text, q).head.output[1])
        for q in (query, replace(query, clamps=query.clamps[:1]), free)
    )
    assert numbers(clauses[0].texts[0]) == [number(none), number(held)]
    assert numbers(clauses[1].texts[0])[-1:] == [number(fewer, 2)]
    if not free.model.startswith("imdb"):
        words = text.split()
        rest = " ".join(words[:1] + words[2:])
        _, clauses = concluded(at("lockstep", Query(text, "sentiment-lstm"), 1))
        ends = [
            number(float(rnnviz.step(rest, model=f"sentiment-{cell}").head.output[1]), 2)
            for cell in ("rnn", "lstm", "gru")
        ]
        assert numbers(longest(clauses)[0]) == ends
        T = len(words)
        _, clauses = concluded(at("against", free, T - 1))
        other = float(step(rest, free).head.output[1])
        assert {number(none), number(other)} <= set(numbers(clauses[1].texts[0]))


@pytest.mark.parametrize(("n", "text"), EVERY[:5])
def test_padding_says_what_it_does(n: int, text: str) -> None:
    query = Query(text, "sentiment-lstm")
    _, clauses = concluded(at("padding", query, 1))
    end = number(float(rnnviz.step(text).head.output[1]), 2)
    assert numbers(clauses[0].texts[0]) == [end]  # masked: no padding is read
    assert "change nothing" in clauses[0].texts[0]


# -- leaving a word out ---------------------------------------------------------------------------


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize(("n", "text"), EVERY)
def test_without_this_word_the_shorter_sentence_is_read(n: int, text: str, lang: str) -> None:
    query = query_of(n, text, "")
    words, T = text.split(), len(explore()(query).tokens)
    for k in range(len(words)):
        view_state = at("", query, T - len(words) + k, lang)
        states = {WordLeftOut.page: WordLeftOut(True)}
        _, clauses = concluded(replace(view_state, page_states=states))
        (clause,) = clauses
        rest = words[:k] + words[k + 1 :]
        value = number(float(step(" ".join(rest), query).head.output[1]), 2)
        assert f"“{' '.join(rest)}”" in clause.texts[0]
        assert all(value in text for text in clause.texts) and clause.checked
        end = number(float(step(text, query).head.output[1]), 2)
        assert (end in numbers(clause.texts[-1])) or value == end


def test_a_hidden_word_has_no_sentence_and_asks_nothing() -> None:
    for page in NAMES:
        for t in (1, 4):
            view_state = at(page, query_of(0, SENTENCES[0], ""), t, hidden=True)
            if page not in ("series", "hand"):
                known = answered(
                    view_state, conclusion.questions(replace(view_state, hidden=False))
                )
                clauses = conclusion.clauses(without_answer(known))
                assert [numbers(text) for clause in clauses for text in clause.texts] == [[]]
                assert conclusion.questions(view_state) == []


def test_changes_have_two_digits_and_a_sign() -> None:
    assert [signed(v) for v in (0.0961, -0.2118, 0.004, -0.004, 1.5)] == [
        "+0.10", "−0.21", "0", "0", "+1.50",
    ]  # fmt: skip


# -- fitting --------------------------------------------------------------------------------------


def test_clauses_are_left_out_by_rank_and_lengthened_where_there_is_room() -> None:
    clauses = [
        Clause(("a long first clause", "first"), steady=True),
        Clause(("second, longer", "second"), rank=1),
        Clause(("third",), rank=3),
    ]
    assert fitted(clauses, 10, 1) == ["first."]
    assert fitted(clauses, 15, 1) == ["first; second."]
    assert fitted(clauses, 22, 1) == ["first; second, longer."]
    assert fitted(clauses, 30, 1) == ["first; second, longer; third."]
    assert fitted(clauses, 200, 1) == ["a long first clause; second, longer; third."]
    assert fitted([Clause(("far too long for it",))], 8, 1) == ["far too…"]
    assert fitted([Clause(("One.",)), Clause(("Two.",), rank=1)], 20, 1) == ["One. Two."]
