"""The page of two sentences says what the two traces say."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from rnnviz.analysis.difference import (
    THRESHOLD,
    TraceDifference,
    compare,
    logit_contributions,
    value_changes,
)
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.pages.compare_sentences import CompareSentencesPage
from rnnviz.tui.render.segments import short
from rnnviz.tui.render.theme import THEMES, ViewTheme
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import SIZES, drive, ending, lines
from tests.tui.small_models import app, made, moment, read, screen_text

A, B = "this movie was not good", "movie was good good not"
CELLS = ("rnn", "lstm", "gru")


def at(t: int, cell: str = "lstm", a: str = A, b: str = B, **changed: Any) -> ViewState:
    """A moment with the second sentence read."""
    one, other = made(a, cell), made(b, cell)
    query, second = Query(a, cell), changed.pop("second", SecondSentence(b))
    answers = {replace(query, text=b): other}
    return moment(one, t, query=query, answers=answers, page_states={"against": second}, **changed)


def rows(said: list[str]) -> list[str]:
    """The lines of the table."""
    start = next(n for n, line in enumerate(said) if line.startswith("   a ")) + 1
    end = next(n for n, line in enumerate(said) if line.startswith("─ units"))
    return said[start:end]


def found_at(m: ViewState) -> TraceDifference:
    (answer,) = m.answers.values()
    return compare(m.trace, answer)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_number_is_that_of_the_traces(cell: str, size: tuple[int, int]) -> None:
    m = at(4, cell)
    found, said = found_at(m), lines(CompareSentencesPage, m, *size)
    told = rows(said)
    assert len(told) == len(found.pairs)
    traces: tuple[Trace, Trace] = (found.a, found.b)
    for row, (line, pair) in enumerate(zip(told, found.pairs, strict=True)):
        assert line[1] == found.mark(row)
        for trace, t in zip(traces, pair, strict=True):
            if t is not None:
                assert trace.tokens[t] in line
                assert number(float(trace.head.readout[t, 1])) in line
        far = found.distances[row]
        if far is None:
            assert " – " in line + " "
            continue
        assert (number(far) if far > THRESHOLD else " same ") in line
        value = value_changes(found, 0, "h")[row, m.cursor.unit]
        assert short(float(value)).strip() in line
    whole = logit_contributions(found, len(found.pairs) - 1, 1)
    assert whole is not None
    text = "\n".join(said)
    assert number(float(whole.values.sum()), 3, True) in text
    for place in whole.largest(2):
        assert re.search(rf"unit {place} .*{re.escape(whole.arithmetic(place).text)}", text)
    end = ending(CompareSentencesPage, m, *size)
    assert number(found.final_distance) in end
    assert number(float(found.b.head.output[1])) in end


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("t", [0, 9, 19])
def test_signs_tell_how_many_pairs_lie_off(t: int, size: tuple[int, int]) -> None:
    a = " ".join(f"word{k}" for k in range(20))
    line = lines(CompareSentencesPage, at(t, a=a, b=a), size[0], size[1] - 2)[1]
    shown = [int(w) for w in re.findall(r"word(\d+)", line)]
    left, right = re.search(r"‹ (\d+) +a ", line), re.search(r" (\d+) ›", line)
    assert t in shown
    assert (int(left[1]) if left else 0) == shown[0]
    assert (int(right[1]) if right else 0) == 19 - shown[-1]


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("look", [ViewTheme("dark", colour=False), *map(ViewTheme, THEMES)])
def test_it_fits_at_every_size_and_marks_stand_without_colour(
    look: ViewTheme, size: tuple[int, int]
) -> None:
    m = at(2, theme=look, a="this movie was not good and " * 4, b="movie was " * 9)
    said = lines(CompareSentencesPage, m, size[0], size[1] - 2)
    assert sum(line.startswith("▸") for line in rows(said)) == 1
    found = found_at(m)
    assert rows(said)[0][1] in {found.mark(row) for row in range(len(found.pairs))}


def test_what_is_not_read_yet_is_not_told() -> None:
    m = at(1)
    found, said = found_at(m), "\n".join(lines(CompareSentencesPage, m, 120, 36))
    later = [number(float(p)) for p in found.a.head.readout[2:, 1]]
    later += [number(d) for d in found.distances[3:] if d is not None]
    for told in later:
        assert told not in said
    assert "What did not change" not in said


def test_hiding_hides_the_prediction_at_the_cursor() -> None:
    m = at(4, hidden=True)
    (line,) = [
        line for line in rows(lines(CompareSentencesPage, m, 120, 36)) if line.startswith("▸")
    ]
    assert "?" in line and number(float(m.trace.head.output[1])) not in line


def test_layout_stands_still_while_one_steps() -> None:
    starts = set()
    for t in range(5):
        said = lines(CompareSentencesPage, at(t), 120, 36)
        starts.add(tuple(n for n, line in enumerate(said) if line.startswith(("   a ", "─ un"))))
    assert len(starts) == 1


def test_it_says_where_they_part_and_what_stayed() -> None:
    said = ending(CompareSentencesPage, at(4, b="this movie was good"), 120)
    assert "Up to “was” every state is the same; the first difference is − “not”" in said
    assert "the weights and 4 of 5 pairs" in said
    same = ending(CompareSentencesPage, at(4, b=A), 120)
    assert "Nothing differs" in same


def test_turkish_has_no_english_in_it() -> None:
    m = at(4, b="this movie was good", lang="tr")
    said = " ".join(
        [*lines(CompareSentencesPage, m, 120, 36), ending(CompareSentencesPage, m, 120)]
    )
    assert "“was” sözcüğüne kadar bütün durumlar aynı" in said
    assert not {"units", "same", "apart", "logit of"} & set(said.split())


@pytest.mark.parametrize("name", ["f", "i", "o", "g", "c"])
def test_each_quantity_can_be_compared(name: str) -> None:
    m = at(4, second=SecondSentence(B, name))
    found = found_at(m)
    line = next(li for li in rows(lines(CompareSentencesPage, m, 80, 24)) if li.startswith("▸"))
    row = found.row_of_token[4]
    assert short(float(value_changes(found, 0, name)[row, m.cursor.unit])).strip() in line


# -- keys ---------------------------------------------------------------------------------


def explore(question: object) -> Trace:
    assert isinstance(question, Query)
    if "wrong" in question.text:
        raise UsageError("no such words")
    return read(question)


def test_without_a_second_sentence_it_says_which_key_to_press() -> None:
    _, said = drive("against", A, "lstm", explore)
    assert "Press o and type one" in said[1]


def test_a_second_sentence_is_typed_and_read() -> None:
    it, said = drive("against", A, "lstm", explore, "o", *["backspace"] * 8, "b", "a", "d", "enter")
    assert it.step_screen.view_state.page_states["against"].text == "this movie was bad"
    assert any("bad" in line and "≠" in line for line in said)


def test_a_word_is_dropped_and_the_two_are_swapped() -> None:
    it, said = drive("against", A, "lstm", explore, "right", "D", "E")
    m = it.step_screen.view_state
    assert m.query.text == "this was not good" and m.page_states["against"].text == A
    assert any(line.startswith(" +") and "movie" in line for line in said)


def test_the_quantity_goes_round() -> None:
    page_states = {"against": SecondSentence(B)}
    names = [*"fiogch"]
    seen = []
    for presses in range(len(names)):
        it, _ = drive(
            "against", A, "lstm", explore, *["tab"] * (presses + 1), page_states=page_states
        )
        seen.append(it.step_screen.view_state.page_states["against"].quantity)
    assert sorted(seen) == sorted(names) and seen[-1] == "h"


def test_a_second_sentence_that_cannot_be_read_says_why() -> None:
    _, said = drive(
        "against", A, "lstm", explore, page_states={"against": SecondSentence("wrong \x1b[31m")}
    )
    assert "no such words" in said[1]


def test_a_click_on_a_cell_goes_to_its_pair_and_unit() -> None:
    _, before = drive("against", A, "lstm", explore, page_states={"against": SecondSentence(B)})
    line = next(n for n, li in enumerate(before) if li.startswith(" ≠ not"))
    it, said = drive(
        "against", A, "lstm", explore, page_states={"against": SecondSentence(B)}, click=(90, line)
    )
    assert said[line].startswith("▸") and it.step_screen.view_state.cursor.t == 3
    arrow = next(li for li in said if "▼" in li).index("▼")
    assert abs(arrow - 90) <= 4


async def test_a_page_that_was_put_away_is_painted_anew() -> None:
    it = app(A, page_states={"against": SecondSentence(B)}, explorer=explore, page="against")
    async with it.run_test(size=(120, 36)) as pilot:
        for key in ("a", "L", "a"):
            await pilot.pause(0.1)
            await pilot.press(key)
        await pilot.pause(0.1)
        assert "iki cümle" in screen_text(it)[1]


def test_a_difference_of_nothing_has_no_bar() -> None:
    m = at(4, a=A, b=A)
    units = lines(CompareSentencesPage, m, 160, 40)
    start = next(n for n, line in enumerate(units) if line.startswith("─ units"))
    told = [line for line in units[start:] if "+0.000" in line.split("(h_a")[0][1:24]]
    assert told and not any("█" in line for line in told)
