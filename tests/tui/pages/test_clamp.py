"""The page of clamps says what the two traces say, and its keys hold what they name."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis.clamp_effects import clamp_effect, is_comparable, largest_effect
from rnnviz.clamps import Clamp, parse
from rnnviz.engine.model import Model
from rnnviz.equations import number, symbol
from rnnviz.equations.functions import SIGMOIDS
from rnnviz.errors import MissingError
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tracer import trace
from rnnviz.tui.pages.clamp import ClampPage, ClampState
from rnnviz.tui.pages.clamp.explanation import role
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.render.segments import short
from rnnviz.tui.render.theme import THEMES, ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.view_state import ViewState, scale
from tests.tui.pages.reading import SIZES, ending, lines
from tests.tui.small_models import TEXT, moment, stored

HELD = {"rnn": "h[1]=0.5", "lstm": "f[*]=1", "gru": "z[*]=0"}


@cache
def read(query: Query) -> Trace:
    """The small nets, with what the query holds."""
    shape = {"layers": 2, "bidirectional": True} if query.model == "deep" else {}
    cell = "lstm" if query.model == "deep" else query.model
    return trace(stored(cell, **shape), query)


def at(t: int, cell: str = "lstm", *clamps: str, **changed: Any) -> ViewState:
    """A moment of a reading with these values held, the free one at hand."""
    query = Query(TEXT, cell, clamps=tuple(map(parse, clamps)))
    free = replace(query, clamps=())
    return moment(read(query), t, query=query, answers={free: read(free)}, **changed)


def press(m: ViewState, key: str) -> Change:
    done = ClampPage(m).press(m, key)
    assert isinstance(done, Change)
    return done


def after(m: ViewState, done: Change) -> ViewState:
    """The moment after a change, its query read."""
    query = done.query or m.query
    return replace(m, **done.updates(m), query=query, trace=read(query))


def clamps(done: Change) -> list[str]:
    assert done.query is not None
    return [str(clamp) for clamp in done.query.clamps]


# -- what is drawn --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", HELD)
def test_every_number_is_that_of_the_traces(cell: str, size: tuple[int, int]) -> None:
    m = at(4, cell, HELD[cell])
    (free,) = m.answers.values()
    width, height = size
    said = lines(ClampPage, m, width, height - 8)
    text = "\n".join(said)
    assert parse(HELD[cell]).counted(m.trace.tokens) in text
    before, after = float(free.head.output[1]), float(m.trace.head.output[1])
    bar = next(line for line in said if re.match(r" p\(positive\) +free", line))
    assert number(before) in bar
    assert any(number(after) in line and number(after - before, 3, True) in line for line in said)
    start = next(n for n, line in enumerate(said) if "▼" in line) + 1
    difference = clamp_effect(m.trace, free, 0, "h")
    unit = m.cursor.unit
    for t, line in enumerate(said[start : start + 5]):
        assert line[1:].startswith(m.trace.tokens[t])
        told = line.split()
        assert told[1] == number(float(free.head.readout[t, 1]))
        assert told[2] == number(float(m.trace.head.readout[t, 1]))
        assert short(float(difference[t, unit])).strip() in line[20:32]
    shown = ["h"] if width < 100 else m.quantities
    for name in shown:
        one, two = (x.layers[0].values[name][4, unit] for x in (free, m.trace))
        numbers = [number(float(v), 3, True) for v in (one, two)]
        numbers.append(number(float(two) - float(one), 3, True))
        (line,) = [x for x in said if f"{symbol(name, 5)} " in x or f"{symbol(name, 5)}[" in x]
        assert all(each in line for each in numbers), (name, line)


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("look", [ViewTheme("dark", colour=False), *map(ViewTheme, THEMES)])
def test_it_fits_at_every_size_and_theme(size: tuple[int, int], look: ViewTheme) -> None:
    for lang in ("en", "tr"):
        many = [f"f[{t},{u}]=0" for t in range(4) for u in range(4)]
        m = at(2, "lstm", "f[*]=1", "x[2,3]=-1", *many, theme=look, lang=lang)
        said = lines(ClampPage, m, size[0], size[1] - 8)
        assert any("▸was" in line for line in said)
        lines(ClampPage, at(0, "lstm", theme=look, lang=lang), size[0], size[1] - 8)


def test_differences_are_heat_with_its_sign_and_later_tokens_are_dots() -> None:
    m = at(2, "lstm", "f[*]=0", theme=ViewTheme("dark", colour=False))
    said = lines(ClampPage, m, 80, 20)
    start = next(n for n, line in enumerate(said) if "▼" in line) + 1
    assert set(said[start + 3][20:].strip()) == {"·", " "}
    (free,) = m.answers.values()
    row = clamp_effect(m.trace, free, 0, "h")[2]
    # Six units are drawn wide enough for a number each.
    told = said[start + 2][1:].split()[3:]
    assert told == [short(float(v)).strip() for v in (row[m.cursor.unit], *row)]


def test_what_is_to_be_guessed_is_not_told() -> None:
    for clamps in ((), ("f[*]=1", "i[*]=0.3")):
        told = number(float(at(4, "lstm", *clamps).trace.head.output[1]))
        assert told in "\n".join(lines(ClampPage, at(4, "lstm", *clamps), 120, 28))
        text = "\n".join(lines(ClampPage, at(4, "lstm", *clamps, hidden=True), 120, 28))
        assert told not in text and "?" in text


def test_with_nothing_held_it_shows_the_values_and_says_what_to_press() -> None:
    m = at(4)
    said = lines(ClampPage, m, 120, 28)
    text = "\n".join(said)
    assert "Nothing is held" in text and "X and O hold the forget gate f" in text
    value = float(m.trace.layers[0].values["h"][4, m.cursor.unit])
    assert number(value, 3, True) in text and short(value).strip() in text


def test_the_title_of_every_page_says_that_something_is_held() -> None:
    m = at(2, "lstm", "i[1]=0", "f[*]=1")
    (line,) = ["".join(s.text for s in li) for li in TitleBar(m).lines(m, 120, 1)]
    assert "held: f * = 1 +1 more" in line
    free = at(2)
    assert "held" not in "".join(s.text for s in TitleBar(free).lines(free, 120, 1)[0])


def test_the_title_counts_tokens_from_1_and_names_their_word() -> None:
    for clamp, name in (("f[3]=0", "f 4 “not” = 0"), ("h[*,2]=0.5", "h * 2 = 0.5"),
                        ("i[1,4]=1", "i 2 “movie” 4 = 1")):  # fmt: skip
        m = at(2, "lstm", clamp)
        (line,) = ["".join(s.text for s in li) for li in TitleBar(m).lines(m, 120, 1)]
        assert f"held: {name} " in line


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_the_title_has_room_for_a_whole_clamp_in_80_columns(lang: str) -> None:
    m = at(3, "lstm", "f[3]=0", lang=lang)
    m = replace(m, trace=replace(m.trace, model="sentiment-lstm"))
    (line,) = ["".join(s.text for s in li) for li in TitleBar(m).lines(m, 80, 1)]
    assert "f 4 “not” = 0 " in line and len(line) == 80


def norm(read_by: Trace, state: str) -> str:
    return number(float(np.linalg.norm(read_by.layers[0].values[state][-1].astype(np.float64))))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize(
    ("cell", "clamp", "state", "said"),
    [
        ("lstm", "f=1", "c", ("nothing is forgotten", "hiçbir şey unutulmuyor")),
        ("lstm", "f=0", "c", ("everything is forgotten", "her şey unutuluyor")),
        ("lstm", "i=1", "c", ("is written into c whole", "olduğu gibi yazılıyor")),
        ("lstm", "i=0", "c", ("nothing is written", "hiçbir şey yazılmıyor")),
        ("lstm", "o=1", "c", ("shows all of tanh(c)", "tümünü gösteriyor")),
        ("lstm", "o=0", "c", ("h is 0", "h sıfır")),
        ("gru", "z=1", "h", ("no word gets in", "hiçbir sözcük içeri girmiyor")),
        ("gru", "z=0", "h", ("h before is not kept", "önceki h tutulmuyor")),
        ("gru", "r=0", "h", ("reads nothing of h before", "bir şey okumuyor")),
        ("gru-2014", "r=1", "h", ("reads all of h before", "tümünü okuyor")),
        ("mingru", "z=1", "h", ("h before is not kept", "önceki h tutulmuyor")),
        ("lstm-slide", "f=1", "c", ("nothing is forgotten", "hiçbir şey unutulmuyor")),
        ("lstm", "h[*,2]=0", "", ("Unit 2 is cut out", "Birim 2 çıkarıldı")),
    ],
)
def test_the_page_says_what_a_held_gate_does_and_what_becomes_of_the_prediction(
    cell: str, clamp: str, state: str, said: tuple[str, str], lang: str, size: tuple[int, int]
) -> None:
    m = at(4, cell, clamp, lang=lang)
    (free,) = m.answers.values()
    # The left half only: beside it stand the numbers of the unit.
    half = size[0] if size[0] < 100 else size[0] // 2 - 1
    text = " ".join(" ".join(x[:half] for x in lines(ClampPage, m, size[0], size[1] - 8)).split())
    assert said[lang == "tr"] in text
    before, after = (float(x.head.output[1]) for x in (free, m.trace))
    end = ending(ClampPage, m, *size)
    assert f"{number(before)} → {number(after)}." in end
    turned = np.argmax(free.head.output) != np.argmax(m.trace.head.output)
    assert ({"en": "prediction turns", "tr": "oluyor:"}[lang] in end) == turned
    if state:
        a, b = norm(free, state), norm(m.trace, state)
        assert (f"{a} → {b}." in text) or (a == b and f"{a}." in text)


def test_a_number_for_one_value_is_not_explained_as_a_gate() -> None:
    for clamp in ("f[3]=1", "f=0.5", "f[*,2]=1", "x[2,3]=-1"):
        text = "\n".join(lines(ClampPage, at(4, "lstm", clamp), 120, 28))
        assert "always" not in text
        assert "→" in ending(ClampPage, at(4, "lstm", clamp), 120)


def test_an_equation_does_not_pretend_to_have_computed_what_is_held() -> None:
    m = at(2, "lstm", "f[*]=0.25")
    cursor = replace(m.cursor, part=m.layer.parts.index("forget"))
    m = replace(m, cursor=cursor)
    text = "\n".join("".join(s.text for s in li) for li in Equations(m).lines(m, 100, 12))
    assert "f₃  held at 0.250" in text
    assert "a_f₃ = x₃·W_f" in text and "σ(a_f" not in text
    back = replace(m, backward=True)
    told = ["".join(s.text for s in li) for li in Equations(back).lines(back, 100, 20)]
    n = next(n for n, line in enumerate(told) if "∂L/∂a_f₃ =" in line)
    assert "= +0.000" in "".join(told[n : n + 2])
    assert "nothing goes on" in "\n".join(told)


# -- what the keys do -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "gate"), [("lstm", "f"), ("gru", "z"), ("lstm-slide", "f"), ("gru-2014", "z")]
)
def test_0_and_1_hold_the_gate_everywhere_and_again_let_it_go(cell: str, gate: str) -> None:
    m = at(4, cell)
    shut = press(m, "shut_gate")
    assert clamps(shut) == [f"{gate}[*]=0"]
    m = after(m, shut)
    assert (m.trace.layers[0].values[gate] == 0).all()
    assert clamps(press(m, "open_gate")) == [f"{gate}[*]=1"]
    assert clamps(press(m, "shut_gate")) == []


def test_the_gate_is_that_of_the_part_or_the_drawn_one() -> None:
    m = at(4)
    part = replace(m.cursor, part=m.layer.parts.index("output"))
    assert ClampPage(m).gate(replace(m, cursor=part)) == "o"
    m = replace(m, page_states={"clamp": ClampState("i")})
    assert ClampPage(m).gate(replace(m, cursor=part)) == "i"


@pytest.mark.parametrize("clip", [None, 0.7])
@pytest.mark.parametrize("function", SIGMOIDS)
def test_a_hard_or_clipped_sigmoid_is_a_gate_as_well(function: str, clip: float | None) -> None:
    soft = stored()
    layers = tuple(
        replace(layer, recurrent_activation=function, activation="softsign", clip=clip)
        for layer in soft.model.spec.layers
    )
    spec = replace(soft.model.spec, layers=layers)
    hard = replace(soft, model=Model(spec, dict(soft.model.params)))
    query = Query(TEXT, "lstm")
    m = moment(trace(hard, query), 4, query=query, answers={query: trace(hard, query)})
    scales = {name: scale(m.layer, name) for name in ("f", "i", "o", "g")}
    assert scales == {"f": (True, 1.0), "i": (True, 1.0), "o": (True, 1.0), "g": (False, 1.0)}
    assert clamps(press(m, "shut_gate")) == ["f[*]=0"]
    assert [role(m.layer, gate) for gate in "fio"] == ["forget", "write", "show"]


def test_a_cell_without_gates_says_so() -> None:
    done = press(at(4, "rnn"), "shut_gate")
    assert done.failed and "no gate" in done.message and done.query is None


def test_x_cuts_out_the_chosen_unit() -> None:
    m = at(4)
    m = after(m, press(m, "cut_unit"))
    unit = m.cursor.unit
    assert (m.trace.layers[0].values["h"][:, unit] == 0).all()
    assert [str(c) for c in m.query.clamps] == [f"h[*,{unit}]=0"]


def typed(m: ViewState, said: str) -> Change:
    asked = ClampPage(m).press(m, "type")
    assert isinstance(asked, Prompt)
    return asked.on_submit(m, said)


def test_a_typed_line_holds_what_it_says_and_a_number_holds_the_chosen_place() -> None:
    m = at(3)
    asked = ClampPage(m).press(m, "type")
    assert isinstance(asked, Prompt) and asked.initial == ""
    assert asked.label.startswith(f"h of token 4 “not”, unit {m.cursor.unit} = ")
    assert "f 4 = 0, f not = 0, f * = 1" in asked.label
    assert clamps(typed(m, "i[1,2]=0.5")) == ["i[1,2]=0.5"]
    assert clamps(typed(m, "-.5")) == [f"h[3,{m.cursor.unit}]=-0.5"]
    again = after(m, typed(m, "f[*]=1"))
    assert clamps(typed(again, "f[*]=0")) == ["f[*]=0"]
    assert clamps(typed(again, "f[2]=0")) == ["f[*]=1", "f[2]=0"]
    assert clamps(typed(again, "f 3 = 0")) == ["f[*]=1", "f[2]=0"]
    assert clamps(typed(again, "f was 1 = 0")) == ["f[*]=1", "f[2,1]=0"]


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("cell", HELD)
def test_every_example_of_the_prompt_can_be_typed(cell: str, lang: str) -> None:
    m = at(3, cell, lang=lang)
    asked = ClampPage(m).press(m, "type")
    assert isinstance(asked, Prompt)
    examples = asked.label.split(" or " if lang == "en" else " ya da ")[1].split(", ")
    assert len(examples) == 3
    gate = "z" if cell == "gru" else "f" if cell == "lstm" else "h"
    held = [clamps(asked.on_submit(m, example)) for example in examples]
    assert held == [[f"{gate}[3]=0"], [f"{gate}[3]=0"], [f"{gate}[*]=1"]]


@pytest.mark.parametrize(
    ("typed_text", "said"),
    [
        ("f 6 = 0", "Clamp 'f 6 = 0': tokens count from 1 (“this”) to 5 (“good”)"),
        ("f[5]=0", "Clamp 'f[5]=0': this text has tokens 0 to 4 (“this” to “good”)"),
        ("f 1 9 = 0", "Clamp 'f 1 9 = 0': f has units 0 to 5"),
        ("f god = 0", "there is no word “god” in this text. Did you mean 'good'?"),
        ("1e9", "Clamp 'h 4 0 = 1e9': 1e9 is not a number"),
    ],
)
def test_an_error_counts_as_what_was_typed_counts(typed_text: str, said: str) -> None:
    done = typed(at(3), typed_text)
    assert done.failed and said in done.message


@pytest.mark.parametrize(
    "said",
    [
        "",
        "f",
        "z[*]=1",
        "f[5]=1",
        "f[*,6]=1",
        "lstm.1.f=0",
        "f[*]=x",
        "f 6 = 0",
        "f 0 = 0",
        "f what = 0",
        "f 1 6 = 0",
    ],
)
def test_a_line_that_means_nothing_changes_nothing(said: str) -> None:
    done = typed(at(3), said)
    assert done.failed and done.message.startswith("Clamp") and done.query is None
    assert done.state is None


def test_in_a_deep_net_the_layer_of_the_cursor_is_held() -> None:
    m = at(3, "deep")
    m = replace(m, cursor=replace(m.cursor, layer=3))
    assert clamps(press(m, "shut_gate")) == ["lstm.1.backward.f[*]=0"]
    assert clamps(typed(m, "i[1]=0")) == ["lstm.1.backward.i[1]=0"]
    assert clamps(typed(m, "lstm.0.i[1]=0")) == ["lstm.0.i[1]=0"]
    said = lines(ClampPage, at(3, "deep", "lstm.1.backward.f[*]=0"), 120, 28)
    assert any("lstm.1.backward.f * = 0" in line for line in said)


def test_a_key_before_the_trace_is_there_holds_beside_what_is_held() -> None:
    m = at(3)
    first = press(m, "shut_gate")
    assert first.query is not None
    m = replace(m, history=m.queries.pushed(first.query, m.cursor))
    assert clamps(press(m, "cut_unit")) == ["f[*]=0", "h[*,0]=0"]
    assert clamps(press(m, "take_away")) == []


def test_next_draws_the_next_quantity() -> None:
    m, names = at(3), []
    for _ in range(7):
        names.append(ClampPage(m).quantity(m))
        m = after(m, press(m, "next"))
    assert names == ["h", "f", "i", "g", "c", "o", "h"]


def test_a_saved_trace_whose_net_is_not_here_says_that_it_cannot() -> None:
    query = Query(TEXT, "gone")
    m = moment(read(Query(TEXT, "lstm")), 3, query=query, failures={query: "There is no gone."})
    said = "\n".join(lines(ClampPage, m, 120, 28))
    assert "saved trace" in said and "There is no gone." in said
    for key in ("shut_gate", "type", "cut_unit", "take_away"):
        assert press(m, key).failed


def test_a_saved_trace_of_other_weights_is_not_compared() -> None:
    mine, other = read(Query(TEXT, "lstm")), trace(stored("lstm").untrained(3), Query(TEXT, "lstm"))
    assert is_comparable(mine, mine) and not is_comparable(mine, other)
    query = Query(TEXT, "lstm")
    m = moment(other, 3, query=query, answers={query: mine})
    assert "is not the one" in "\n".join(lines(ClampPage, m, 120, 28))


def test_the_largest_difference_of_nothing_is_not_zero() -> None:
    mine = read(Query(TEXT, "lstm"))
    assert largest_effect(mine, mine, 0, "h") == 1 and not np.any(clamp_effect(mine, mine, 0, "h"))


# -- in the app -----------------------------------------------------------------------------------


async def test_keys_hold_and_let_go_in_the_app() -> None:
    def explore(question: Question) -> Any:
        assert isinstance(question, Query)
        return read(question)

    query = Query(TEXT, "lstm")
    app = RnnvizApp(explore, query, read(query), page="clamp")
    async with app.run_test(size=(120, 36)) as pilot:

        async def press(*keys: str) -> ViewState:
            for key in keys:
                await pilot.press(key)
                await app.workers.wait_for_complete()
                await pilot.pause()
            return app.step_screen.view_state

        assert (await press("end", "X")).trace.clamps == (Clamp("f", 0, layer="lstm"),)
        m = await press("o", *"f=x", "enter")
        assert m.failed and m.query.clamps == (Clamp("f", 0),)
        m = await press(*["backspace"] * 3, "0", "full_stop", "5", "enter")
        held = f"h 5 “good” {m.cursor.unit} = 0.5"
        assert str(m.query.clamps[-1]) == f"h[4,{m.cursor.unit}]=0.5"
        assert m.trace.layers[0].values["h"][4, m.cursor.unit] == 0.5
        page = app.step_screen.query("#page-clamp").first(Page)
        text = "\n".join(strip.text for strip in page.strips())
        assert held in text and number(float(m.trace.head.output[1])) in text
        assert (await press("z")).query.clamps == (Clamp("f", 0),)
        assert (await press("Z", "delete")).trace.clamps == ()
        assert (await press("escape")).page == ""


@pytest.mark.parametrize(
    ("said", "held"),
    [("f[*]=1", "f[*]=1"), ("i[3,2]=0", "i[3,2]=0"), ("0.5", "h[4,2]=0.5"), ("c=0", "c[*]=0"),
     (" lstm.f[ 1 ]=-1 ", "f[1]=-1"), ("lstm.h[*,3]=.5", "h[*,3]=0.5"), ("f 3 = 0", "f[2]=0"),
     ("i not 2 = 0", "i[3,2]=0"), ("f * = 1", "f[*]=1")],
)  # fmt: skip
async def test_the_line_takes_what_its_help_and_the_option_take(said: str, held: str) -> None:
    query = Query(TEXT, "lstm")
    app = RnnvizApp(read, query, read(query), page="clamp", unit=2, t=4)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("o")
        await pilot.press(*said)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        m = app.step_screen.view_state
        assert [str(replace(c, layer=None)) for c in m.query.clamps] == [held]
        assert app.step_screen.input is None and not m.failed


async def test_a_net_that_cannot_be_read_is_told_on_the_page() -> None:
    def explore(question: Question) -> Any:
        raise MissingError("There is no model lstm here.")

    query = Query(TEXT, "lstm")
    app = RnnvizApp(explore, query, read(query), page="clamp")
    async with app.run_test(size=(120, 36)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        page = app.step_screen.query("#page-clamp").first(Page)
        assert "There is no model lstm here." in "\n".join(s.text for s in page.strips())


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_every_key_has_words(lang: str) -> None:
    keys = [f"key_{action}" for action in ClampPage.actions]
    for key in ("title", "question", "action", "help", *keys):
        assert ClampPage(at(0)).page_text(at(0, lang=lang), key)
