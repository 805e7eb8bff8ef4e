"""The page of a net by hand: its numbers, what its keys change, and what it shows of it."""

from __future__ import annotations

import asyncio
import re
import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnviz import i18n
from rnnviz.analysis import toy_net
from rnnviz.clamps import Clamp
from rnnviz.cursor import fitted
from rnnviz.equations import number
from rnnviz.explore import explorer
from rnnviz.query import Query
from rnnviz.toy_net import CELLS, ToyNet, WeightEntry, model_of
from rnnviz.toy_net.default_nets import default_net, example
from rnnviz.toy_net.net_files import open_net
from rnnviz.toy_net.number_text import input_text
from rnnviz.trace import Trace
from rnnviz.tracer import tracer
from rnnviz.tui.pages.toy_net import ToyNetPage, ToyNetState
from rnnviz.tui.pages.toy_net.entries import choices
from rnnviz.tui.render.theme import THEMES, ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import SIZES, lines
from tests.tui.small_models import made, moment

TEXT = "1 0 0.5 -1"
READ = tracer()
EDITED = {"lstm": "b_f", "gru": "b_z", "gru-2014": "b_z", "rnn": "b"}


def asking(cell: str = "lstm", units: int = 1, text: str = TEXT) -> Query:
    return Query(text, model_of(cell), hand=default_net(cell, units))


def at(t: int, query: Query | None = None, **changed: Any) -> ViewState:
    """A moment of a net by hand after token t."""
    query = query or asking()
    return moment(READ(query), t, query=query, **changed)


def pressed(m: ViewState, *keys: str) -> ViewState:
    """The moment after these keys, with every query read and every question answered."""
    for key in keys:
        if key in ("undo", "redo"):
            history = m.queries.undone(m.cursor) if key == "undo" else m.queries.redone(m.cursor)
            query = history.current.query
            m = moment_of(replace(m, history=history), READ(query), query)
            continue
        done = ToyNetPage(m).press(m, key)
        if isinstance(done, Prompt):
            raise AssertionError("a line was opened")
        m = after(m, done)
    return m


def after(m: ViewState, done: Change | None) -> ViewState:
    if done is None:
        return m
    m = asked(m, done)
    if done.query is not None:
        m = moment_of(m, READ(done.query), done.query)
    answers = {q: READ(q) for q in ToyNetPage(m).questions(m) if isinstance(q, Query)}
    return replace(m, answers={**m.answers, **answers})


def asked(m: ViewState, done: Change) -> ViewState:
    """The moment after a change, before its query has been read."""
    m = replace(m, **done.updates(m))
    if done.query is None:
        return m
    return replace(m, history=m.queries.pushed(done.query, m.cursor, edit=done.edit))


def moment_of(m: ViewState, trace: Trace, query: Query) -> ViewState:
    """The moment when another trace has been read."""
    return replace(m, trace=trace, query=query, cursor=fitted(m.cursor, trace))


def typed(m: ViewState, said: str) -> ViewState:
    """The moment after a line was typed."""
    line = ToyNetPage(m).press(m, "type")
    assert isinstance(line, Prompt)
    return after(m, line.on_submit(m, said))


def chosen_is(m: ViewState) -> str:
    """The entry the page says is chosen, as it is typed."""
    said = next(line for line in lines(ToyNetPage, m, 120, 36) if line.startswith(" ▸ "))
    return said.removeprefix(" ▸ ").partition(" = ")[0]


# -- its numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("units", [1, 2, 4])
@pytest.mark.parametrize("cell", CELLS)
def test_every_number_is_that_of_the_trace(cell: str, units: int, size: tuple[int, int]) -> None:
    m = at(2, asking(cell, units))
    said = lines(ToyNetPage, m, *size)
    trace, layer = m.trace, m.layer
    row = next(line for line in said if line.startswith(" p(1)"))
    wanted = [number(float(trace.head.readout[t, 1]), 6) for t in range(3)]
    assert row.split()[1:] == [*wanted, "·"]
    part = toy_net.lines_at(trace, 2)
    beside = any("│" in line for line in said)
    right = [line.partition("│")[2] for line in said] if beside else said
    text = " ".join(" ".join(right).split())
    values = toy_net.values_at(trace, 2)
    small = size == (80, 24) and units == 4
    for line in part:
        worked = toy_net.written_out(line.formula, values, 0)
        if not small or line.part == "predict":
            assert worked.result in text
        if units == 1 or size == (200, 50):
            assert worked.text in text, line.name
    for name in ("W_f", "U_f", "b_f") if cell == "lstm" else ():
        value = default_net(cell, units).array(name)[0][0]
        assert toy_net.short_literal(value) in " ".join(said)
    assert layer.units == units


@pytest.mark.parametrize("cell", CELLS)
def test_the_table_has_every_weight_under_what_it_multiplies(cell: str) -> None:
    hand, n = default_net(cell, 2), 0
    for name in hand.names:
        for entry in hand.entries(name):
            n += 1
            hand = hand.changed(entry, n / 10)
    m = at(1, replace(asking(cell, 2), hand=hand))
    said = [line.partition("│")[0] for line in lines(ToyNetPage, m, 200, 50)]
    head = next(line for line in said if "h₁[0]" in line)
    ends = {name: head.index(name) + len(name) for name in head.split()}
    rows = [line for line in said if re.search(r"\d\.\d", line)]
    for name in hand.names:
        for entry in hand.entries(name):
            text = toy_net.short_literal(hand.value(entry))
            if name[0] in "Uh" or name in ("c", "W_y"):
                column = f"h₁[{entry.column if name in ('h', 'c') else entry.row}]"
            else:
                column = {
                    "W": "x₂",
                    "b": "b_r" if name.startswith("b_r") and len(name) > 3 else "b",
                }[name[0]]
            place = [line for line in rows if line[: ends[column]].endswith(f" {text}")
                     or line[: ends[column]].endswith(f"▸{text}")]  # fmt: skip
            assert place, (hand.written(entry), column)


def test_what_has_not_been_computed_is_not_shown() -> None:
    m = at(1, asking("lstm"))
    early = replace(m, cursor=replace(m.cursor, part=1))
    said = lines(ToyNetPage, early, 120, 36)
    line = {text.split()[0]: text for text in (s.partition("│")[2] for s in said) if text.strip()}
    assert line["f₂"].endswith(number(float(m.layer.values["f"][1, 0]), 6, signed=True))
    assert line["c₂"].split()[-1] == "·" and line["p₂"].split()[-1] == "·"
    hidden = lines(ToyNetPage, replace(m, hidden=True), 120, 36)
    assert "?" in next(text for text in hidden if "p₂" in text)


@pytest.mark.parametrize("cell", CELLS)
def test_the_values_over_the_tokens_are_those_of_the_chosen_unit(cell: str) -> None:
    m = at(3, asking(cell, 2))
    m = replace(m, cursor=replace(m.cursor, unit=1))
    said = lines(ToyNetPage, m, 200, 50)
    for name in m.quantities:
        row = next(line for line in said if re.match(rf" {name} +[+−]?\d\.", line))
        wanted = [number(float(v), 6) for v in m.layer.values[name][:, 1]]
        assert [text.lstrip("+") for text in row.split()[1:]] == wanted


# -- choosing and changing ------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_the_keys_reach_every_number_of_every_unit(cell: str) -> None:
    hand, reached = default_net(cell, 2), set()
    for unit in range(2):
        m = at(0, asking(cell, 2))
        m = replace(m, cursor=replace(m.cursor, unit=unit))
        for _ in range(len(choices(hand, m.cursor))):
            reached.add(chosen_is(m))
            m = pressed(m, "next")
        assert chosen_is(m) == "x[0]"
        assert chosen_is(pressed(m, "previous", "next")) == "x[0]"
    every = {hand.written(e) for name in hand.names for e in hand.entries(name)}
    assert every <= reached


def to(m: ViewState, name: str) -> ViewState:
    for _ in range(60):
        if chosen_is(m) == name:
            return m
        m = pressed(m, "next")
    raise AssertionError(name)


@pytest.mark.parametrize("cell", CELLS)
def test_plus_is_the_trace_of_a_tenth_more(cell: str) -> None:
    name = EDITED[cell]
    m = pressed(to(at(2, asking(cell)), name), "raise", "raise", "lower")
    entry = WeightEntry(name, 0, 0)
    hand = default_net(cell).changed(entry, default_net(cell).value(entry) + 0.1)
    assert m.query.hand == hand
    assert m.trace.head.loss == READ(replace(asking(cell), hand=hand)).head.loss


def test_both_predictions_stand_below_each_other() -> None:
    m = typed(to(at(3), "b_f"), "-4")
    said = lines(ToyNetPage, m, 120, 36)
    old = next(line for line in said if line.startswith(" before"))
    new = next(line for line in said if line.startswith(" p(1)"))
    before = READ(asking()).head.readout[:, 1]
    assert old.split()[1:] == [number(float(p), 6) for p in before]
    assert new.split()[1:] == [number(float(p), 6) for p in m.trace.head.readout[:, 1]]
    assert old.split()[1:] != new.split()[1:]
    assert "−4.0*" in "".join(said) and "1 of 16 numbers changed" in "".join(said)
    assert "(was 4.0)" in "".join(said)


def test_an_x_can_be_changed_and_any_entry_by_name() -> None:
    m = typed(at(1), "0.7")
    assert m.trace.tokens == ("1", "0.7", "0.5", "-1")
    m = typed(m, "W_y=2")
    assert m.query.hand is not None and m.query.hand.array("W_y") == ((2.0,),)
    assert m.trace.tokens == ("1", "0.7", "0.5", "-1")


def test_what_cannot_be_read_changes_nothing_and_says_why() -> None:
    m = typed(at(1), "much")
    assert m.failed and "'much' is not a number" in m.status
    assert m.trace.tokens == tuple(TEXT.split())


def test_undo_redo_and_reset_go_through_what_was_there() -> None:
    first = asking()
    m = to(at(1, first), "b_f")
    states: list[ToyNet | None] = [first.hand]
    for _ in range(3):
        m = pressed(m, "raise")
        states.append(m.query.hand)
    for wanted in (*states[-2::-1], states[0]):
        m = pressed(m, "undo")
        assert m.query.hand == wanted
    for wanted in (*states[1:], states[-1]):
        m = pressed(m, "redo")
        assert m.query.hand == wanted
    m = pressed(m, "take_away")
    assert m.query.hand == first.hand
    assert pressed(m, "undo").query.hand == states[-1]


def test_keys_faster_than_the_reading_are_not_lost() -> None:
    m = to(at(1), "b_f")
    for _ in range(3):
        done = ToyNetPage(m).press(m, "raise")
        assert isinstance(done, Change) and done.query is not None
        m = asked(m, done)  # the trace is still that of the first query
    assert done.query.hand is not None and done.query.hand.array("b_f") == ((4.3,),)


@pytest.mark.parametrize("key", ["raise", "type", "next"])
def test_a_key_before_a_smaller_net_was_read_is_of_a_unit_that_it_has(key: str) -> None:
    m = at(3, asking(units=8))
    m = replace(m, cursor=replace(m.cursor, unit=7))
    for entry in range(len(choices(m.query.hand, m.cursor))):  # type: ignore[union-attr]
        done = ToyNetPage(m).press(m, "unit_count")
        assert isinstance(done, Change) and done.query is not None and done.query.hand is not None
        assert done.query.hand.units == 1
        early = asked(m, done)  # the trace is still that of eight units
        early = replace(early, page_states={"hand": ToyNetState(chosen=entry)})
        assert ToyNetPage(early).press(early, key) is not None


def test_another_number_of_units_comes_round() -> None:
    m = at(1)
    for wanted in (2, 3, 4, 5, 6, 7, 8, 1):
        m = pressed(m, "unit_count")
        assert m.layer.units == wanted
    assert pressed(m, "undo").layer.units == 8


def test_another_sentence_or_cell_is_a_new_beginning_that_can_be_undone() -> None:
    m = pressed(to(at(1), "b_f"), "raise")
    edited = m.query
    other = replace(m.query, model="gru by hand")
    m = after(m, Change(query=other))
    assert ToyNetPage(m).questions(m) == ()
    m = pressed(to(m, "b_z"), "raise")
    assert m.layer.cell == "gru"
    m = pressed(m, "undo", "undo")
    assert m.query == edited and m.layer.cell == "lstm"


def test_the_last_number_is_not_left() -> None:
    m = typed(to(at(1), "b_f"), "1e6")
    m = pressed(m, "raise")
    assert m.failed and "1,000,000" in m.status


def test_a_large_net_gives_way_to_one_by_hand_and_comes_back() -> None:
    large = Query("this movie was not good", "sentiment-gru")
    m = moment(made(cell="gru"), 1, query=large)
    said = lines(ToyNetPage, m, 80, 24)
    assert any("too many numbers" in line for line in said)
    m = after(m, ToyNetPage(m).press(m, "type"))  # type: ignore[arg-type]
    assert m.trace.model == "gru by hand"
    assert m.queries.undone(m.cursor).current.query == large


def test_a_saved_trace_can_be_changed_too() -> None:
    query = asking("lstm", 2)
    m = moment(READ(query), 1, query=Query(TEXT, "lstm by hand", "1"))
    m = pressed(to(m, "b_f[0]"), "raise")
    assert m.query.hand is not None and m.query.hand.array("b_f") == ((4.1, 4.0),)


# -- how it looks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("cell", CELLS)
def test_it_fits_with_every_number_of_units(cell: str, lang: str, size: tuple[int, int]) -> None:
    for units in range(1, 5):
        m = at(2, asking(cell, units, "1 -0.25 0.5 -1 1 1 0 0 0 0 0 1.125 3 4 5 6 7 8"), lang=lang)
        m = pressed(m, "lower")
        for part in range(len(m.layer.parts)):
            moved = replace(m, cursor=replace(m.cursor, part=part))
            said = lines(ToyNetPage, moved, size[0], size[1] - 2)
            assert len(said) == size[1] - 2
            assert any("▸" in line for line in said)


@pytest.mark.parametrize("theme", [*THEMES, "none", "ascii"])
def test_the_chosen_entry_is_seen_in_every_theme(theme: str) -> None:
    plain = {"none": ViewTheme("dark", colour=False), "ascii": ViewTheme("dark", ascii_only=True)}
    look = plain.get(theme) or ViewTheme(theme)
    m = to(replace(at(2), theme=look), "U_i")
    assert any("▸−10.0" in line for line in lines(ToyNetPage, m, 120, 34))


def drive(*keys: Sequence[str] | str) -> tuple[RnnvizApp, list[str]]:
    """The app on a net by hand, with the page open."""
    query = asking()
    read = explorer()
    app = RnnvizApp(read, query, READ(query), page="hand", t=1)

    async def run() -> list[str]:
        async with app.run_test(size=(120, 36)) as pilot:
            for key in ("", *keys):
                if key:
                    await pilot.press(str(key))
                await pilot.pause()
                await app.workers.wait_for_complete()
                await pilot.pause()
            page = app.step_screen.query("#page-hand").first(ToyNetPage)
            return [strip.text.rstrip() for strip in page.strips()]

    return app, asyncio.run(run())


def test_keys_reach_the_page_and_every_view_follows() -> None:
    app, said = drive("tab", "plus", "plus", "minus", "plus")
    m = app.step_screen.view_state
    assert m.query.hand is not None and m.query.hand.array("W_f") == ((8.2,),)
    assert m.trace.layers[0].weights["W_f"][0, 0] == 8.2
    assert any("8.2*" in line for line in said)
    assert any(line.startswith(" before") for line in said)
    assert isinstance(m.page_states["hand"], ToyNetState)


def test_a_value_is_typed_into_a_line() -> None:
    app, _ = drive("tab", "o", "minus", "2", "enter")
    assert app.step_screen.view_state.trace.layers[0].weights["W_f"][0, 0] == -2
    app, _ = drive("tab", "o", "z", "enter")
    assert app.step_screen.view_state.failed


def test_the_texts_have_the_same_keys_and_places_in_every_language() -> None:
    said = i18n.page_catalogue("hand")
    assert set(said["en"]) == set(said["tr"])
    for key, text in said["en"].items():
        places = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        other = {name for _, name, _, _ in string.Formatter().parse(said["tr"][key]) if name}
        assert places == other, key
    for action in ToyNetPage.actions:
        assert said["tr"][f"key_{action}"]


def test_a_held_value_is_not_calculated() -> None:
    query = replace(asking(), clamps=(Clamp("f", 0.25),))
    said = "".join(lines(ToyNetPage, at(1, query), 120, 36))
    assert "held at 0.250000" in said and "0.25 × 0.918308" in said


# -- as textbooks print them ----------------------------------------------------------------------


def of_file(name: str, t: int = 0, unit: int = 0, **changed: Any) -> ViewState:
    """A moment of a shipped net, with what its file reads."""
    net = open_net(name)
    assert net.x is not None
    query = Query(input_text(net.x), model_of(net.hand.cell), clamps=net.hold, hand=net.hand)
    m = at(t, query, **changed)
    return replace(m, cursor=replace(m.cursor, unit=unit))


def shows(m: ViewState, width: int, height: int, *keys: str) -> str:
    return "\n".join(lines(ToyNetPage, pressed(m, *keys), width, height))


PUBLISHED = {
    ("lstm-2-units", 0): (
        "0.657010 0.574443 0.562177 0.598688 0.462117 0.421899 0.562177 0.610639 0.259791 "
        "0.252586 0.142849 0.151040"
    ),
    ("gru-2-units", 0): ("0.598688 0.586618 0.598688 0.610639 0.500520 0.336376 0.200865 0.139052"),
    ("gru-2-units-renew", 0): "0.500520 0.336376 0.299655 0.197324",
    ("lstm-1-unit", 0): "0.536313 0.785726",
    ("lstm-1-unit", 1): "0.771981 1.517633",
    ("rnn-keras-weights", 0): "0.173123 −0.601329",
    ("rnn-keras-weights", 1): "0.681609 −0.945665",
    ("rnn-keras-weights", 2): "0.924783 −0.986114",
    ("rnn-sum", 2): "6.000000",
}


@pytest.mark.parametrize("size", [(120, 34), (200, 48)])
@pytest.mark.parametrize(("name", "t"), PUBLISHED)
def test_what_was_published_is_on_the_page_to_six_digits(
    name: str, t: int, size: tuple[int, int]
) -> None:
    said = shows(of_file(name, t), *size)
    for value in PUBLISHED[name, t].split():
        assert re.search(rf"(?<![\d.]){value}(?!\d)", said), value


@pytest.mark.parametrize(("name", "t"), PUBLISHED)
def test_a_small_page_shows_it_behind_a_key(name: str, t: int) -> None:
    said = shows(of_file(name, t), 80, 22, "all_values")
    for value in PUBLISHED[name, t].split():
        assert re.search(rf"(?<![\d.]){value}(?!\d)", said), value


def test_the_conventions_are_named() -> None:
    for size in ((80, 22), (120, 34)):
        said = shows(of_file("gru-2-units"), *size)
        assert "z keeps the old state (Keras, PyTorch): h = z ⊙ h₋ + (1 − z) ⊙ g" in said
        said = shows(of_file("gru-2-units-renew"), *size)
        assert "z renews (Cho et al. 2014, as often printed): h = (1 − z) ⊙ h₋ + z ⊙ g" in said
    said = " ".join(shows(of_file("gru-2-units-renew"), 200, 48).split())
    assert "r before the product" in said and "over [x; h]: a row a unit" in said
    last = shows(of_file("lstm-1-unit", 1), 120, 34)
    assert "L = ½(y − 1.25)²" in last and "L₂   = 0.5 × (0.771981 − 1.25)² = +0.114251" in last
    assert "L₁" not in shows(of_file("lstm-1-unit", 0), 120, 34)


@pytest.mark.parametrize("size", [(80, 22), (120, 34)])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lang", ["en", "tr"])
def test_what_does_not_fit_is_counted_and_can_be_reached(
    cell: str, lang: str, size: tuple[int, int]
) -> None:
    query = Query(example(8), model_of(cell), hand=default_net(cell, 8, 8))
    m = at(1, query, lang=lang)
    hand, reached = default_net(cell, 8, 8), set()
    for _ in range(len(choices(hand, m.cursor))):
        said = lines(ToyNetPage, m, *size)
        assert any(re.search(r"▸[−\d]", line) for line in said), chosen_line(said)
        names = next(line for line in said if re.search(r"(x₂|h₁)\[\d\]| b ", line[:80]))
        shown = re.findall(r"(?:x₂|h₁)\[\d\]|\bb(?:_r)?\b", names)
        hidden = [int(a or b) for a, b in re.findall(r"◂(\d+)|(\d+)▸", names)]
        assert len(shown) + sum(hidden) == 16 + (2 if cell == "gru" else 1), names
        reached.add(chosen_line(said))
        m = pressed(m, "next")
    assert len(reached) == len(choices(hand, m.cursor))


def chosen_line(said: list[str]) -> str:
    return next(line for line in said if line.startswith(" ▸ "))


def test_everything_is_edited_by_typing() -> None:
    m = at(0, asking("gru", 1, "1 0"))
    for said in (
        "cell=gru-2014", "units=2", "inputs=2", "layout=xh", "W_z=[1 2 3 4; 5 6 7 8]", "z=renew",
        "activation=relu", "head=linear", "target=0.5", "loss=squared error", "h=[.1, .2]",
        "x=(1, 2), (3, 4), (5, 6)", "bias=none", "W_y=[1, 2]", "b_y=0.25",
    ):  # fmt: skip
        m = typed(m, said)
        assert not m.failed, m.status
    hand = m.query.hand
    assert hand is not None and (hand.cell, hand.units, hand.inputs) == ("gru-2014", 2, 2)
    assert hand.array("W_z") == ((1, 5), (2, 6)) and hand.array("U_z") == ((3, 7), (4, 8))
    assert m.trace.tokens == ("(1, 2)", "(3, 4)", "(5, 6)")
    assert m.trace.head.objective == "(y − 0.5)²" and m.layer.initial["h"].tolist() == [0.1, 0.2]
    for wrong in ("units=9", "W_z=[1 2]", "z=other", "target=much", "x=1 2 3", "cell=cnn"):
        other = typed(m, wrong)
        assert other.failed and other.query == m.query and other.status
    for _ in range(15):
        m = pressed(m, "undo")
    assert m.query.hand == default_net("gru") and m.trace.tokens == ("1", "0")


def test_a_class_that_was_asked_for_gives_way_to_another_head() -> None:
    m = at(0, replace(asking("rnn"), target="0"))
    m = typed(m, "head=linear")
    assert m.trace.head.objective == "y"
    m = typed(typed(m, "head=sigmoid"), "target=1")
    assert m.trace.head.target == "1"


def test_the_net_is_written_to_a_file_and_not_over_one(tmp_path: Path) -> None:
    m = typed(to(at(1), "b_f"), "0.125")
    file = tmp_path / "mine.toml"
    line = ToyNetPage(m).press(m, "save_net")
    assert isinstance(line, Prompt) and line.initial == "lstm.toml"
    done = line.on_submit(m, str(file))
    assert not done.failed and "rnnviz step --net" in done.message
    net = open_net(str(file))
    assert net.hand == m.query.hand and input_text(net.x or ()) == TEXT
    assert line.on_submit(m, str(file)).failed
    assert line.on_submit(m, str(tmp_path / "none" / "a.toml")).failed
