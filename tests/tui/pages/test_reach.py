"""The reach page: every number is the trace's or the answer's, every sentence borne out by them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from rich.cells import cell_len

from rnnviz import i18n
from rnnviz.analysis.model_family import query_for, trio_with
from rnnviz.analysis.reach import SpectrumQuestion, keep_gate_product
from rnnviz.clamps import Clamp
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.explore import reach as explored
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.pages.reach import ALL, NONE, ReachPage, ReachState
from rnnviz.tui.pages.reach.curve_summary import ReachFacts, sentences
from rnnviz.tui.render.braille_plot import centres
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import ending
from tests.tui.small_models import CELLS, TEXT, made, moment, stored

SIZES = ((60, 11), (80, 16), (120, 27), (200, 41))
UNTRAINED = {cell: stored(cell).untrained(0) for cell in CELLS}


def read(query: Query) -> Trace:
    if query.random is None:
        return made(query.text, query.model)
    return trace_of(UNTRAINED[query.model], query)


def explore(question: Question) -> object:
    if isinstance(question, SpectrumQuestion):
        return explored.answer(question, read)
    assert isinstance(question, Query)
    return read(question)


def shown(cell: str, t: int = 1, text: str = TEXT, **changes: object) -> ViewState:
    """A moment with everything the page asks for answered."""
    bare = moment(made(text, cell), t, query=Query(text, cell), others=CELLS, **changes)
    asked = ReachPage(bare).questions(bare)
    return replace(bare, answers={q: explore(q) for q in asked})


def lines(m: ViewState, width: int = 120, height: int = 27) -> list[str]:
    drawn = ReachPage(m).lines(m, width, height)
    assert len(drawn) <= height
    found = ["".join(segment.text for segment in line) for line in drawn]
    assert all(cell_len(line) <= width for line in found)
    return found


def reached(cell: str, t: int, random: int | None = None) -> str:
    return number(float(read(Query(TEXT, cell, random=random)).layers[0].reach[t]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("t", [0, 3, 4])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_every_number_is_the_traces_or_the_answers(
    cell: str, t: int, size: tuple[int, int]
) -> None:
    m = shown(cell, t)
    numbers = [line[: {60: 30, 80: 30, 120: 40, 200: 52}[size[0]]] for line in lines(m, *size)]
    cells = (("●", "SimpleRNN", "rnn"), ("■", "LSTM", "lstm"), ("▲", "GRU", "gru"))
    for mark, title, other in cells:
        table = next(line for line in numbers[2:5] if line[1:].startswith(title))
        expected = [title, mark, reached(other, t)]
        if other == cell:
            expected += ["○□△"["●■▲".index(mark)], reached(cell, t, random=0)]
        assert table[1:].split() == expected
        assert table.startswith("▸") == (other == cell)
    if cell != "rnn":
        passed = keep_gate_product(m.layer)[t]
        mean, top = [x for x in numbers if x.startswith(" Π")]
        assert mean.split()[-2:] == ["×", number(float(passed.mean()))]
        assert top.split()[-1] == number(float(passed.max()))
    values, step = explore(SpectrumQuestion(m.query, 0, 0)).at(t)  # type: ignore[attr-defined]
    assert next(x for x in numbers[2:] if "‖" in x).split()[-1] == number(step)
    assert any(f"{int((values > 0.1).sum())} of {len(values)}" in line for line in numbers)
    bars = [x for x in numbers if x[:3].strip().isdigit() and " of " not in x]
    assert bars or size[1] < 12
    for k, bar in enumerate(bars):
        assert bar.split()[0] == str(k + 1) and bar.split()[-1] == number(float(values[k]))


def test_the_largest_singular_value_is_the_number_in_the_table() -> None:
    m = shown("lstm", 2)
    text = lines(m)
    first = next(line for line in text if line.startswith("  1 "))
    assert number(float(m.layer.reach[2])) in first


def test_marks_stand_where_the_values_are() -> None:
    m = replace(shown("lstm", 4), others=(), page_states={"reach": ReachState(NONE, gates=False)})
    text = lines(m)
    marks = {(y, x) for y, line in enumerate(text[1:], 1) for x, c in enumerate(line) if c == "■"}
    heights = [y for y, x in sorted(marks, key=lambda place: place[1]) if x > 47]
    order = np.argsort(-m.layer.reach, kind="stable")
    assert len(heights) == 5
    assert all(heights[a] <= heights[b] for a, b in pairwise(order))


def test_the_key_of_the_untrained_nets_goes_round() -> None:
    m = shown("lstm")
    page, seen = ReachPage(m), []
    for _ in range(4):
        change = page.press(m, "untrained")
        assert change is not None
        m = replace(m, **change.updates(m))
        asked = [q for q in page.questions(m) if isinstance(q, Query)]
        seen.append(sum(q.random == 0 for q in asked))
    assert seen == [3, 0, 1, 3]


def test_the_key_goes_on_where_what_was_chosen_is_not_there_any_more() -> None:
    """All untrained nets were drawn, and then a net is read that stands alone."""
    m = moment(made(), 2)
    page = ReachPage(m)
    assert len(page._models(m)) == 1
    m = replace(m, page_states={"reach": ReachState(untrained="all")})
    change = page.press(m, "untrained")
    assert change is not None
    assert isinstance(change.state, ReachState)
    assert change.state.untrained == "none"


def test_untrained_nets_are_drawn_hollow_and_told() -> None:
    m = shown("gru", page_states={"reach": ReachState(ALL)})
    text = "\n".join(lines(m))
    assert all(mark in text for mark in "○□△●■▲")
    for cell in ("rnn", "lstm", "gru"):
        assert number(float(read(Query(TEXT, cell, random=0)).layers[0].reach[1])) in text


def test_an_untrained_net_on_the_screen_is_not_called_trained() -> None:
    query = Query(TEXT, "lstm", random=7)
    trace = trace_of(stored("lstm").untrained(7), query)
    m = moment(trace, 1, query=query, others=())
    asked = [q for q in ReachPage(m).questions(m) if isinstance(q, Query)]
    assert asked == [Query(TEXT, "lstm")]
    text = lines(m)
    assert any(f"□ {number(float(trace.layers[0].reach[1]))}" in line for line in text)
    assert not any("■" in line for line in text)


def test_without_gates_there_is_no_product() -> None:
    m = shown("lstm")
    assert "Π" in "\n".join(lines(m)) and "×" in "\n".join(lines(m))
    change = ReachPage(m).press(m, "gate_product")
    assert change is not None
    text = "\n".join(lines(replace(m, **change.updates(m))))
    assert "Π" not in text and "×" not in text
    assert "Π" not in "\n".join(lines(shown("rnn")))


def test_what_is_not_known_yet_is_said() -> None:
    bare = moment(made(), 1, query=Query(TEXT, "lstm"), others=CELLS)
    assert sum("computing" in line for line in lines(bare)) == 2
    asked = ReachPage(bare).questions(bare)
    refused = replace(bare, failures=dict.fromkeys(asked, "no such thing."))
    assert any("lstm: no such thing" in line for line in lines(refused))


def test_a_trace_from_nowhere_asks_nothing() -> None:
    m = moment(made(), 1)
    assert ReachPage(m).questions(m) == ()
    assert "LSTM" in "\n".join(lines(m))


def test_a_long_text_asks_about_the_block_of_the_cursor() -> None:
    long = " ".join([TEXT] * 30)
    m = moment(made(long), 3, query=Query(long, "lstm"))
    (spectrum,) = (q for q in ReachPage(m).questions(m) if isinstance(q, SpectrumQuestion))
    assert spectrum.block == 2
    text = lines(replace(m, answers={spectrum: explore(spectrum)}), 80, 16)
    assert any("▸not" in line and " ›" in line for line in text)


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_sentences_are_whole_in_both_languages(cell: str, lang: str) -> None:
    for size in SIZES:
        for t in range(5):
            text = ending(ReachPage, shown(cell, t, lang=lang), *size)
            assert "{" not in text
            assert text.endswith((".", ")."))


def felt(reach: list[float], t: int, untrained: float = 0.5) -> ReachFacts:
    """Three cells with made-up reaches."""
    traces = {cell: made(cell=cell) for cell in ("rnn", "lstm", "gru")}
    own = replace(traces["lstm"].layers[0], reach=np.array(reach))
    trained = {"LSTM": own, **{c: traces[c].layers[0] for c in ("rnn", "gru")}}
    other = {"LSTM": replace(own, reach=np.full(5, untrained))}
    return ReachFacts(traces["lstm"], own, t, trained, other, "forget")


def told(f: ReachFacts) -> dict[str, dict[str, object]]:
    return dict(sentences(f))


def test_less_and_more_are_said_where_they_hold() -> None:
    assert told(felt([0.4, 2, 1, 1, 1], 0))["say_less"]["value"] == "0.400"
    assert told(felt([0.4, 2, 1, 1, 1], 1))["say_more"]["value"] == "2.000"
    assert "say_end" in told(felt([0.4, 2, 1, 1, 1], 4))


def test_the_stretch_that_fades_is_the_one_at_the_start() -> None:
    found = told(felt([0.001, 0.005, 0.02, 0.5, 1], 2))["say_faded"]
    assert found == {"token": "movie", "t": 2, "level": "1/100"}
    found = told(felt([0.05, 0.5, 0.02, 0.5, 1], 2))["say_faded"]
    assert found == {"token": "this", "t": 1, "level": "1/10"}


def test_that_it_fades_nowhere_is_said_only_if_so() -> None:
    assert told(felt([0.3, 0.2, 0.7, 0.5, 1], 2))["say_nowhere"]["value"] == "0.200"
    assert told(felt([3, 2, 1.5, 1.2, 1], 2))["say_nowhere"]["value"] == "1.200"
    dip = told(felt([0.3, 0.05, 0.7, 0.5, 1], 2))
    assert "say_nowhere" not in dip and "say_faded" not in dip


def test_the_other_paths_are_spoken_of_only_where_they_add() -> None:
    top = float(keep_gate_product(made().layers[0])[2].max())
    assert "say_above" in told(felt([1, 1, top * 1.5, 1, 1], 2))
    mean = float(keep_gate_product(made().layers[0])[2].mean())
    below = told(felt([1, 1, (mean + top) / 2, 1, 1], 2))
    assert "say_below" in below and "say_above" not in below
    assert "say_above" not in told(felt([1, 1, top * 1.00001, 1, 1], 2))


def test_an_order_needs_three_cells_that_differ_as_shown() -> None:
    f = felt([1, 1, 1, 1, 1], 2)
    highest = max(f.trained, key=lambda title: f.trained[title].reach[2])
    assert told(f)["say_order"]["most"] == highest
    same = {title: replace(layer, reach=np.ones(5)) for title, layer in f.trained.items()}
    assert "say_order" not in told(replace(f, trained=same))
    assert "say_order_untrained" not in told(f)


def test_models_stand_beside_their_like() -> None:
    offered = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru", "sentiment-lstm-8")
    assert trio_with("sentiment-gru", offered) == offered[:3]
    assert trio_with("sentiment-lstm-8", offered) == ("sentiment-lstm-8",)
    assert trio_with("imdb-lstm", offered) == ("imdb-rnn", "imdb-lstm", "imdb-gru")
    assert trio_with("agnews-bilstm", offered) == ("agnews-bilstm",)
    assert trio_with("/runs/my-lstm", offered) == ("/runs/my-lstm",)


def test_a_like_reads_the_same_text_and_nothing_is_held_there() -> None:
    own = Query("so good", "lstm", "positive", None, (Clamp("f", 1.0),))
    assert query_for(own, "gru", 3) == Query("so good", "gru", random=3)


def test_no_colour_and_ascii_still_tell_the_curves_apart() -> None:
    m = shown("lstm", 1, theme=ViewTheme("dark", colour=False, ascii_only=True))
    text = "\n".join(lines(m))
    assert all(mark in text for mark in "RLlG*")


def test_the_page_opens_asks_and_closes() -> None:
    from rnnviz.tui.step.app import RnnvizApp

    def refusing(question: Question) -> object:
        if question == Query(TEXT, "gru"):
            raise UsageError("not this one")
        return explore(question)

    app = RnnvizApp(refusing, Query(TEXT, "lstm"), made(), switch=CELLS)

    async def run() -> list[str]:
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press("R")
            await pilot.pause()
            while app.step_screen.page_host.pending:
                await pilot.pause(0.01)
            await pilot.press("right")
            await pilot.pause()
            page = app.step_screen.query_one("#page-reach", ReachPage)
            return [strip.text for strip in page.strips()]

    text = "\n".join(asyncio.run(run()))
    assert "gru: not this one" in text
    assert number(float(made(cell="rnn").layers[0].reach[1])) in text


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_page_answers_whether_a_gated_cell_vanishes(cell: str, lang: str) -> None:
    first, other = reached(cell, 0), reached("rnn", 0)
    fades = float(first) < 1
    for size in ((80, 24), (120, 36), (200, 50)):
        text = ending(ReachPage, shown(cell, 3, lang=lang), *size)
        says = {
            "en": ("fades", f"to {first}.", "it does not fade", f"{first} times"),
            "tr": ("iniyor", f"{first} katına iniyor", "sönmüyor", f"{first} kat."),
        }[lang]
        assert (says[0] in text and says[1] in text) == fades
        assert (says[2] in text and says[3] in text) == (not fades)
        gate = {"lstm": "f<1", "gru": "z<1", "rnn": None}[cell]
        assert gate is None or gate in text
        if cell != "rnn" and size[0] >= 120:
            more = {"en": "That is more", "tr": "hücresinden çok"}[lang]
            assert (more in text) == (float(first) > float(other))
            assert f"({other})" in text


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_axis_names_words_along_the_curves(width: int) -> None:
    words = [f"word{k}" for k in range(24)]
    for t in (0, 11, 23):
        m = moment(made(" ".join(words)), t)
        text = lines(m, width, 27)
        line = next(x for x in text if "word" in x and "“" not in x)
        named = [int(n) for n in re.findall(r"word(\d+)", line)]
        assert f"▸word{t}" in line and named == sorted(set(named)) and len(named) >= 5
        curve = next(x for x in text if "│" in x)
        gutter, room = curve.index("│") + 1, width - 1 - curve.index("│") - 1
        for n in named:  # below its column, or at an end of the line
            at = line.index(f"word{n}") - (n == t) - gutter
            wide = len(f"word{n}") + (n == t)
            middle = centres(24, room)[n]
            assert at <= middle <= at + wide
