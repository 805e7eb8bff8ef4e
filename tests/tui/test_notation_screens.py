"""Every symbol on every view is of the chosen notation; the key and the option choose it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnviz.cli import run
from rnnviz.equations import NOTATIONS, notation_title, symbol, symbol_table
from rnnviz.lessons.predictions import Prediction
from rnnviz.query import Query
from rnnviz.toy_net.default_nets import default_net
from rnnviz.tui.keymap import PAGE_KEYS
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.step.command_line import command_line
from rnnviz.tui.view.predict_session import PredictQuestion
from tests.tui.small_models import app, screen_text
from tests.tui.test_every_page import app_on, explore

OTHERS = NOTATIONS[1:]
SUBSCRIPT = "[₀-₉₋]"


def symbols_of(
    notation: str, cell: str, weights: frozenset[str], values: frozenset[str]
) -> set[str]:
    table = symbol_table(notation, cell, any(len(n) > 3 and n[:3] == "b_r" for n in weights))
    found = {symbol(name, None, table) for name in weights}
    found = {part for each in found for part in each.strip("()").split("+")}
    return found | {table.value(name) for name in values}


def foreign(notation: str, it: RnnvizApp) -> Iterator[re.Pattern[str]]:
    """What would be a symbol of another notation: a weight anywhere, a value with a subscript."""
    layers = it.step_screen.view_state.trace.layers
    own: set[str] = {"W", "b", "p", "s", "y", "A", "kernel", "bias"}
    others: set[str] = set()
    for layer in layers:
        weights, values = frozenset(layer.weights), frozenset(layer.values) - {"x"} | {"x"}
        own |= symbols_of(notation, layer.cell, weights, values)
        for other in NOTATIONS:
            others |= symbols_of(other, layer.cell, weights, values)
    for each in sorted(others - own):
        name = re.escape(each)
        if "_" in each or len(each) > 2:
            yield re.compile(rf"(?<![\w̃]){name}(?![\w̃])")
        else:
            yield re.compile(rf"(?<![\w̃]){name}{SUBSCRIPT}|∂{name}(?![\w̃])|‖{name}‖")
            if each not in ("x", "h", "c"):
                yield re.compile(rf"(?<![\w̃]){name} (candidate|aday)")


PLACES = ["", *(page for page in PAGE_KEYS if page not in ("hand",))]


@pytest.mark.parametrize("page", PLACES)
async def test_every_symbol_on_a_page_is_of_its_notation(page: str) -> None:
    await nothing_foreign(app_on(page, lang="en" if len(page) % 2 else "tr", t=3))


@pytest.mark.parametrize("model", ["sentiment-gru", "sentiment-rnn"])
@pytest.mark.parametrize("page", ["", "weights", "backward", "clamp"])
async def test_in_other_cells_as_well(page: str, model: str) -> None:
    query = Query("this movie was not good", model)
    await nothing_foreign(RnnvizApp(explore(), query, explore()(query), page=page, t=3))


async def nothing_foreign(it: RnnvizApp) -> None:
    """Go through the notations, and through parts and zoom levels in each."""
    wrong: set[str] = set()
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        for notation in OTHERS:
            await pilot.press("Y")
            patterns = list(foreign(notation, it))
            assert patterns
            for key in ("end", "b", "comma", "v"):
                await pilot.press(key)
                await settled(it, pilot)
                for line in screen_text(it)[1:]:
                    wrong |= {f"{p.pattern}: {line.strip()}" for p in patterns if p.search(line)}
    assert wrong == set()


async def test_the_key_goes_through_the_notations_and_comes_back() -> None:
    it = app(cell="gru")
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        before = screen_text(it)
        trace = it.step_screen.view_state.trace
        for notation in (*OTHERS, NOTATIONS[0]):
            await pilot.press("Y")
            await settled(it, pilot)
            view_state = it.step_screen.view_state
            assert view_state.notation == notation == view_state.layer.notation
            assert notation_title(notation) in view_state.status
            told = "renewed" in view_state.status
            assert told == (notation == "paper")
            chosen = f"--notation {notation}" in command_line(view_state)
            assert chosen == (notation != "rnnviz")
        assert it.step_screen.view_state.trace is trace
        await pilot.press("escape")
        await pilot.pause()
        assert screen_text(it) == before


async def test_a_predicted_z_is_turned_with_the_notation() -> None:
    it = app(cell="gru")
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        screen = it.step_screen
        question = PredictQuestion(screen.view_state.query, "value", 4, unit=2, name="z")
        await pilot.press("p")
        predictions = screen.view_state.predictions.committed(question, Prediction(0.3))
        screen.show(predictions=predictions)
        for notation in (*OTHERS, NOTATIONS[0]):
            await pilot.press("Y")
            answer = screen.view_state.predictions.made[question].answer
            assert answer == pytest.approx(0.7 if notation == "paper" else 0.3)


async def test_another_sentence_and_the_second_one_are_written_in_the_notation_too() -> None:
    it = app_on("against", notation="pytorch")
    async with it.run_test(size=(120, 36)) as pilot:
        await settled(it, pilot)
        await pilot.press("t", *"good", "enter")
        await it.workers.wait_for_complete()
        await settled(it, pilot)
        view_state = it.step_screen.view_state
        assert view_state.trace.tokens == ("good",)
        traces = [view_state.trace, *view_state.answers.values()]
        assert {layer.notation for each in traces for layer in each.layers} == {"pytorch"}


async def test_a_net_by_hand_keeps_its_symbols() -> None:
    query = Query("1 0", "lstm", hand=default_net("lstm", 1))
    it = RnnvizApp(explore(), query, explore()(query))
    async with it.run_test(size=(100, 30)) as pilot:
        await settled(it, pilot)
        await pilot.press("Y")
        assert it.step_screen.view_state.failed
        assert it.step_screen.view_state.layer.notation == "rnnviz"


def test_the_option_the_variable_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["step", "not good", "--cell", "gru"]
    assert run([*asked, "--json"]) == 0
    plain_json = capsys.readouterr().out
    assert run([*asked, "--json", "--notation", "paper"]) == 0
    assert capsys.readouterr().out == plain_json
    assert run([*asked, "--plain", "--notation", "paper", "--clamp", "z[*]=0"]) == 0
    said = capsys.readouterr().out
    assert "h₂ = (1 − z₂) ⊙ h₁ + z₂ ⊙ h̃₂" in said and "z * = 1" in said
    monkeypatch.setenv("RNNVIZ_NOTATION", "onnx")
    assert run([*asked, "--plain"]) == 0
    assert "H₂ = z₂ ⊙ H₁ + (1 − z₂) ⊙ h₂" in capsys.readouterr().out
    monkeypatch.setenv("RNNVIZ_NOTATION", "pytroch")
    assert run([*asked, "--plain"]) == 2
    assert "pytorch" in capsys.readouterr().err
