"""States before the first token: typed, from a file, and going on from a text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnviz.analysis.interventions import LeaveOutQuestion
from rnnviz.cli import run
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.explore import explorer
from rnnviz.initial_states import InitialState, parse, read_states
from rnnviz.query import Query
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.trace.states import last_states, write_states
from rnnviz.tracer import tracer

TEXT, REST = "this movie was", "not good"
MODELS = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru")


def test_typed_states_are_read() -> None:
    assert parse("h=0.1 0.2,c=0.3") == (InitialState("h", (0.1, 0.2)), InitialState("c", (0.3,)))
    assert parse(" lstm.1.h = -1e-3 ; lstm.1.backward.c=0,1") == (
        InitialState("h", (-1e-3,), "lstm.1"), InitialState("c", (0.0, 1.0), "lstm.1.backward"),
    )  # fmt: skip
    for state in parse("h=0.1 0.2,lstm.1.c=0.3"):
        assert parse(str(state)) == (state,)


@pytest.mark.parametrize("text", ["", "h", "h=", "h=x", "=1", "h=nan", "h=1e9", "h=inf"])
def test_what_is_no_state_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--initial"):
        parse(text)


@pytest.mark.parametrize("model", MODELS)
def test_a_text_goes_on_where_another_one_ended(model: str) -> None:
    read = tracer()
    whole = read(Query(f"{TEXT} {REST}", model))
    first = read(Query(TEXT, model))
    rest = read(Query(REST, model, initial=last_states(first)))
    for name in whole.layers[0].states:
        np.testing.assert_allclose(
            rest.layers[0].values[name], whole.layers[0].values[name][3:], atol=2e-6
        )
    np.testing.assert_allclose(rest.head.output, whole.head.output, atol=2e-6)
    assert rest.about.endswith("begins in given states")


def test_a_net_of_two_directions_goes_on_with_its_forward_layers(tmp_path: Path) -> None:
    read = tracer()
    first = read(Query("stocks fall", "agnews-bilstm"))
    write_states(tmp_path / "s.json", first)
    states = read_states(tmp_path / "s.json")
    assert {state.layer for state in states} == {"lstm.0", "lstm.1"}
    rest = read(Query("after the report", "agnews-bilstm", initial=states))
    for layer in rest.layers:
        source = next(each for each in first.layers if each.name == layer.name)
        expected = source.values["c"][-1] if layer.direction == "forward" else 0
        np.testing.assert_array_equal(layer.initial["c"], np.broadcast_to(expected, layer.units))
    np.testing.assert_allclose(rest.head.readout[-1], rest.head.output)


def test_the_prediction_without_a_word_begins_in_the_same_states() -> None:
    answer = explorer()
    first = answer(Query(TEXT, "sentiment-lstm"))
    query = Query(REST, "sentiment-lstm", initial=last_states(first))
    without = answer(LeaveOutQuestion(query))
    alone = answer(replace(query, text="good"))
    np.testing.assert_allclose(without.outputs[0], alone.head.output, atol=1e-6)


def test_the_command_writes_states_and_begins_in_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "s.json")
    assert run(["step", TEXT, "--save-state", file, "-q"]) == 0
    assert run(["step", "--state", file, REST, "--json"]) == 0
    rest = json.loads(capsys.readouterr().out)
    assert run(["step", f"{TEXT} {REST}", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(rest["head"]["output"], whole["head"]["output"], atol=2e-6)
    assert [state["name"] for state in rest["states"]] == ["h", "c"]
    assert run(["step", REST, "--initial", "c=0.5", "--json"]) == 0
    held = json.loads(capsys.readouterr().out)["layers"][0]["initial"]
    assert held == {"h": [0.0] * 32, "c": [0.5] * 32}


@pytest.mark.parametrize(
    ("initial", "said"),
    [
        ("x=1", "has no state 'x'; it has h, c"),
        ("h=1 2 3", "32 numbers in h; 3 are given"),
        ("lstm.1.h=1", "no layer 'lstm.1'"),
    ],
)
def test_states_that_the_model_does_not_have(
    initial: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", REST, "--initial", initial, "--plain"]) == 2
    assert said in capsys.readouterr().err


def test_a_saved_trace_keeps_its_given_states(tmp_path: Path) -> None:
    trace = tracer()(Query(REST, "sentiment-lstm", initial=parse("h=0.25")))
    save_trace(trace, tmp_path / "t.trace")
    assert open_trace(tmp_path / "t.trace").given_states == (InitialState("h", (0.25,)),)


@pytest.mark.parametrize(
    "document",
    ["[]", "{}", '{"schema": "rnnviz.state/1"}', '{"schema": "rnnviz.state/1", "layers": [1]}',
     '{"schema": "rnnviz.state/1", "layers": [{"name": "lstm", "states": {"h": ["1"]}}]}',
     '{"schema": "rnnviz.state/1", "layers": [{"name": 1, "states": {"h": [1]}}]}'],
)  # fmt: skip
def test_another_file_is_no_file_of_states(document: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(document)
    with pytest.raises(InvalidFileError, match="file of states"):
        read_states(tmp_path / "s.json")
