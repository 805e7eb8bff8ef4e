"""Every page counts the tokens of a long sentence that lie outside its drawing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rnnviz import i18n
from rnnviz.explore.padding import compare as padded
from rnnviz.query import Query
from rnnviz.toy_net import model_of
from rnnviz.toy_net.default_nets import default_net
from rnnviz.tracer import tracer
from rnnviz.tui.pages import load
from rnnviz.tui.pages.clamp import ClampPage
from rnnviz.tui.pages.compare_sentences import CompareSentencesPage
from rnnviz.tui.pages.padding import PaddingPage
from rnnviz.tui.pages.toy_net import ToyNetPage
from rnnviz.tui.view.off_screen import off_left_right, off_rows
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from tests.tui.small_models import TEXT, made, moment, stored

LONG = " ".join(TEXT.split() * 12)
T = 60
SIZES = ((80, 22), (100, 28), (120, 34))
langs = pytest.mark.parametrize("lang", i18n.LANGUAGES)
sizes = pytest.mark.parametrize("size", SIZES, ids=str)
places = pytest.mark.parametrize("t", [0, 30, T - 1])


def drawn(page: object, state: ViewState, size: tuple[int, int]) -> list[str]:
    lines = page.lines(state, *size)  # type: ignore[attr-defined]
    return ["".join(segment.text for segment in line) for line in lines]


def counts(text: str) -> int:
    """The tokens that signs count: "↑3 ↓40 more", "‹ 3  40 ›"."""
    found = re.findall(r"[↑↓](\d+)", text) + re.findall(r"‹ (\d+)", text)
    return sum(map(int, found + re.findall(r"(\d+) ›", text)))


@langs
@sizes
@places
def test_clamps(lang: str, size: tuple[int, int], t: int) -> None:
    query = Query(LONG, "lstm")
    trace = made(LONG)
    state = moment(trace, t, query=query, lang=lang, answers={query: trace})
    page = ClampPage(state)
    lines = drawn(page, state, (size[0], size[1] - 7))
    shown = page.visible_tokens
    assert shown is not None and t in shown
    assert counts(lines[0]) == T - len(shown) > 0


@langs
@sizes
@places
def test_two_sentences(lang: str, size: tuple[int, int], t: int) -> None:
    trace, other = made(LONG), f"{LONG} good"
    query = Query(LONG, "lstm")
    state = moment(
        trace, t, query=query, lang=lang, answers={replace(query, text=other): made(other)},
        page_states={"against": SecondSentence(other)},
    )  # fmt: skip
    lines = drawn(CompareSentencesPage(state), state, size)
    rows = [line for line in lines if re.match(r"[ ▸][=≠−+] ", line)]
    assert counts(lines[0]) == T + 1 - len(rows) > 0


@langs
@sizes
@places
def test_padding(lang: str, size: tuple[int, int], t: int) -> None:
    trace, query = made(LONG), Query(LONG, "lstm")
    state = moment(trace, t, query=query, lang=lang)
    page = PaddingPage(state)
    (asked,) = page.questions(state)
    state = replace(state, answers={asked: padded(stored(), LONG)})
    lines = drawn(page, state, size)
    words = lines[2].split()
    named = [word for word in words if word in TEXT.split()]
    assert counts(lines[2]) == T - len(named) > 0
    shown = page.visible_tokens
    if shown is not None:
        heading = next(line for line in lines[3:] if line.startswith("─"))
        assert counts(heading) == T - len(shown)


@langs
@places
def test_a_net_by_hand(lang: str, t: int) -> None:
    query = Query(" ".join("1 0 -1 1 0".split() * 12), model_of("lstm"), hand=default_net("lstm"))
    trace = tracer()(query)
    state = moment(trace, t, query=query, lang=lang)
    lines = drawn(ToyNetPage(state), state, (80, 22))
    row = next(line for line in lines if line.startswith(" x "))
    named = re.sub(r"‹ \d+|\d+ ›", "", row[3:]).replace("▐", " ").replace("▌", " ").split()
    assert counts(row) == T - len(named) > 0


@pytest.mark.parametrize("name", ["lockstep", "clamp", "backward", "net", "reach", "padding"])
def test_a_short_sentence_has_no_sign(name: str) -> None:
    query = Query(TEXT, "lstm")
    trace = made()
    state = moment(trace, 2, query=query, answers={query: trace})
    page = load(name)(state)
    for question in page.questions(state):
        if type(question).__name__ == "PaddingQuestion":
            state = replace(state, answers={question: padded(stored(), TEXT)})
    assert counts("\n".join(drawn(page, state, (100, 28)))) == 0


@langs
def test_the_forms_of_the_signs(lang: str) -> None:
    state = moment(made(LONG), 30, lang=lang)
    more = i18n.text("view.more", lang, n="↑20 ↓30")
    assert off_rows(state, range(20, 30), 40) == more.replace("↓30", "↓30")
    assert off_rows(state, range(20, 30), 8) == "↑20 ↓30"
    assert off_rows(state, range(T), 40) == ""
    assert (off_left_right(2, 0), off_left_right(0, 3)) == ("‹ 2", "3 ›")
    assert off_left_right(2, 3) == "‹ 2  3 ›" and off_left_right(0, 0) == ""
