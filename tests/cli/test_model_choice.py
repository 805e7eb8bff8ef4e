"""Where no model is named, the default net that knows more words reads the text.

A lecture's net stands for the second default one: it knows "ultra" and "pseudo", which the first
does not, and not "theres".
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rnnviz
from rnnviz.analysis.model_choice import KnownWords
from rnnviz.cli import config_file, run
from rnnviz.explore import explorer
from rnnviz.query import Query
from rnnviz.tracer import known_words
from rnnviz.tracer.known_words import choose_model
from rnnviz.tui.step import trace_requests
from rnnviz.tui.step.app import RnnvizApp

DEFAULT, OTHER = "sentiment-lstm", "imdb-lstm"
TEXT = "ultra pseudo good"


@pytest.fixture(autouse=True)
def two_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (known_words, trace_requests):
        monkeypatch.setattr(module, "DEFAULTS", (DEFAULT, OTHER))


def model_of(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert run(["step", *args, "--json"]) == 0
    name: str = json.loads(capsys.readouterr().out)["model"]
    return name


def test_the_words_that_each_net_knows_are_counted() -> None:
    choice = choose_model(f"{TEXT} - theres")
    assert choice.chosen == KnownWords(OTHER, 3, 4)
    assert choice.others == (KnownWords(DEFAULT, 2, 4),)


@pytest.mark.parametrize("text", ["good", "ultra theres", "zxqv", "", "- -"])
def test_the_first_net_reads_what_no_other_knows_better(text: str) -> None:
    assert choose_model(text).model == DEFAULT


def test_a_text_chooses_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", TEXT, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["model"] == OTHER
    assert f"{OTHER} reads this: it knows 3 of 3 words, {DEFAULT} 1." in shown.err
    assert run(["step", TEXT, "--json", "-q"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_language_of_the_screen_does_not_choose(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model_of(capsys, "not good", "--lang", language) == DEFAULT


@pytest.mark.parametrize(
    ("options", "model"),
    [
        (["-m", DEFAULT], DEFAULT),
        (["--cell", "lstm"], DEFAULT),
        (["--cell", "gru"], "sentiment-gru"),
    ],
)
def test_a_model_that_is_named_stays(
    options: list[str], model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model_of(capsys, TEXT, *options) == model


@pytest.mark.parametrize(
    ("options", "text", "hint"),
    [
        (["--cell", "gru"], "bu film güzel değil", "sentiment-gru-tr knows 4 of the 4 words"),
        (["-m", "sentiment-mingru"], "bu film güzel", "sentiment-lstm-tr knows 3 of the 3 words"),
        (["-m", "sentiment-lstm-tr"], "this movie was bad", "sentiment-lstm knows 4 of the 4"),
        (["--cell", "gru"], "this movie was zxqv", ""),
        (["-m", "imdb-lstm"], "bu film güzel", ""),
    ],
)
def test_a_named_model_reads_and_the_one_that_knows_more_is_named(
    options: list[str], text: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", *options, text, "--json"]) == 0
    said = capsys.readouterr().err
    assert (hint in said and said.count("\n") == 1) if hint else said == ""
    assert run(["step", *options, text, "--json", "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_a_model_of_the_environment_the_config_or_python_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rnnviz.step(TEXT).model == DEFAULT
    path = tmp_path / "config.toml"
    monkeypatch.setattr(config_file, "config_path", lambda: path)
    assert model_of(capsys, TEXT) == OTHER
    path.write_text(f'model = "{DEFAULT}"\n')
    assert model_of(capsys, TEXT) == DEFAULT
    path.unlink()
    monkeypatch.setenv("RNNVIZ_MODEL", DEFAULT)
    assert model_of(capsys, TEXT) == DEFAULT


@pytest.mark.parametrize("chooses", [True, False])
async def test_a_typed_sentence_chooses_aloud_and_goes_back(chooses: bool) -> None:
    answer, query = explorer(), Query("not good", DEFAULT)
    app = RnnvizApp(answer, query, answer(query), chooses_model=chooses)
    async with app.run_test(size=(120, 36)) as pilot:
        for text, model in ((TEXT, OTHER if chooses else DEFAULT), ("not good", DEFAULT)):
            app.step_screen.requests.ask_sentence(text)
            while app.step_screen.requests.is_reading:
                await pilot.pause(0.01)
            view_state = app.step_screen.view_state
            assert (view_state.query.text, view_state.query.model) == (text, model)
            assert (f"{model} reads this" in view_state.status) == chooses
