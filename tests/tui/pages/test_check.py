"""The page of the gradient check: the numbers of the check, what is mended, what is hidden."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from rnnviz.analysis.gradient_check import CheckedGradients, GradientCheck
from rnnviz.cursor import Cursor
from rnnviz.equations import number
from rnnviz.explore import explorer
from rnnviz.lookup import BUGGY_COPIES
from rnnviz.model_files.bugs import BUGS
from rnnviz.query import Query
from rnnviz.tui.pages.check import EQUAL, UNEQUAL, CheckPage, CheckState
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.page import Change
from rnnviz.tui.view.view_state import ViewState
from tests.test_bugs import FLIPS
from tests.tui.pages.reading import SIZES, lines

EXPLORE = explorer()


@cache
def moment(model: str, text: str = "this movie was not good", lang: str = "en") -> ViewState:
    query = Query(text, model)
    question = GradientCheck(query)
    return ViewState(
        EXPLORE(query), Cursor(), ViewTheme("dark"), lang, query=query, page="check",
        answers={question: EXPLORE(question)},
    )  # fmt: skip


def found(now: ViewState) -> CheckedGradients:
    answer: CheckedGradients = now.answers[GradientCheck(now.query)]
    return answer


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "tr"])
def test_every_entry_has_a_row_with_its_numbers(size: tuple[int, int], lang: str) -> None:
    for model in ("sentiment-lstm", "bug-2"):
        now = moment(model, lang=lang)
        said = lines(CheckPage, now, size[0], size[1] - 2)
        for entry in found(now).entries:
            row = next(row for row in said if number(entry.difference, 5, True, 11) in row)
            assert number(entry.backward, 5, True, 11) in row
            assert f"{EQUAL} {number(entry.error, 2)}" in row
            if entry.original is not None and abs(entry.original) > 0:
                assert number(entry.original, 5, True, 11) in row and UNEQUAL in row
        assert number(found(now).backward_error, 2) in "".join(said[-3:])


def test_only_the_layer_of_the_cursor_has_rows() -> None:
    now = moment("bug-4", "Cup final")
    here = replace(now, cursor=replace(now.cursor, layer=3))
    for state, layer in ((now, 0), (here, 3)):
        said = "\n".join(lines(CheckPage, state, 120, 34))
        for entry in found(state).entries:
            place = f" {entry.name} {','.join(map(str, entry.index))} "
            if entry.layer == layer:
                assert place in said
    assert f"{UNEQUAL} backward" in "\n".join(lines(CheckPage, here, 120, 34))


@pytest.mark.parametrize("name", BUGS)
@pytest.mark.parametrize("lang", ["en", "tr"])
def test_a_copy_is_mended_and_its_bug_named_only_then(name: str, lang: str) -> None:
    now = moment(name, FLIPS[name], lang)
    page = CheckPage(now)
    change = page.press(now, "exchange")
    assert isinstance(change, Change) and change.query is not None
    assert change.query.model == BUGGY_COPIES[name] and change.query.text == FLIPS[name]
    said = change.message
    assert BUGGY_COPIES[name] in said and "{" not in said
    shown = "\n".join(lines(CheckPage, now, 120, 34))
    told = said.split(":", 1)[1]
    assert told not in shown
    # The same key goes back to the copy.
    assert change.state is not None
    mended = replace(
        moment(BUGGY_COPIES[name], FLIPS[name], lang), page_states={"check": change.state}
    )
    back = CheckPage(mended).press(mended, "exchange")
    assert back.query is not None and back.query.model == name


def test_another_net_has_nothing_to_mend() -> None:
    now = moment("sentiment-lstm")
    change = CheckPage(now).press(now, "exchange")
    assert change.query is None and "bug-1" in change.message
    other = replace(now, page_states={"check": CheckState("bug-2")})
    assert CheckPage(other).press(other, "exchange").query is None


def test_hidden_and_missing_answers() -> None:
    now = replace(moment("bug-2"), hidden=True)
    said = "\n".join(lines(CheckPage, now, 80, 22))
    assert "hidden" in said and "U_" not in said and "0." not in said
    waiting = replace(moment("bug-2"), answers={})
    assert "moving one weight" in "\n".join(lines(CheckPage, waiting, 80, 22))
    failed = replace(waiting, failures={GradientCheck(waiting.query): "No."})
    assert " No." in lines(CheckPage, failed, 80, 22)
