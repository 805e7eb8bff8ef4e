"""``rnnviz step --compare``: the same text read by several cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnviz.cli import run
from rnnviz.cli.step.compare_cells import models

SENTENCE = "this movie was not good"
SENTIMENT = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru", "sentiment-lstm-8")


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert run(["step", *args]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_json_holds_the_trace_of_each_cell(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(out(capsys, SENTENCE, "--compare", "rnn,gru", "--json"))
    assert list(found) == ["schema", "traces"]
    assert found["schema"] == "rnnviz.comparison/1"
    for trace, cell in zip(found["traces"], ("rnn", "gru"), strict=True):
        assert trace == json.loads(out(capsys, SENTENCE, "--cell", cell, "--json"))


def test_plain_is_a_table_of_predictions_and_then_each_cell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = out(capsys, SENTENCE, "--compare", "gru, lstm", "--plain", "--lang", "en").splitlines()
    assert told[0].split() == ["p(positive)", "sentiment-gru", "sentiment-lstm"]
    traces = [
        json.loads(out(capsys, SENTENCE, "--cell", cell, "--json")) for cell in ("gru", "lstm")
    ]
    for t, (line, token) in enumerate(zip(told[1:6], SENTENCE.split(), strict=True)):
        expected = [f"{trace['head']['readout'][t][1]:.3f}" for trace in traces]
        assert line.split() == [token, *expected]
    starts = [line for line in told if line.startswith("Model: ")]
    assert [line.split(",")[0] for line in starts] == [
        "Model: sentiment-gru",
        "Model: sentiment-lstm",
    ]


def test_untrained_and_a_target_hold_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    args = (SENTENCE, "--compare", "rnn,gru", "--random", "1", "--target", "positive", "--json")
    for trace in json.loads(out(capsys, *args))["traces"]:
        assert "untrained" in trace["model"] and trace["head"]["target"] == "positive"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--compare", "rnn,lsm"), "Did you mean 'lstm'?"),
        (("--compare", "sentiment-rnn,imdb-gru"), "imdb-gru 6: they cannot"),
        (("--compare", "sentiment-rnn,agnews-bilstm"), "4: they cannot stand side by side"),
        (("--compare", "sentiment-rnn,jena-gru"), "--compare jena-gru"),
        (("--compare", "rnn"), "2 to 4 cells"),
        (("--compare", ""), "2 to 4 cells"),
        (("--compare", "rnn,gru", "--csv"), "--json or --plain"),
        (("--compare", "rnn,gru", "--against", "good"), "--against"),
        (("--compare", "rnn,gru", "-m", "agnews-bilstm"), "beside agnews-bilstm"),
    ],
)
def test_what_cannot_be_compared_is_said(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in out(capsys, SENTENCE, *args, code=2)


def test_cells_are_found_in_the_family_of_the_model() -> None:
    assert models("gru,rnn", "sentiment-lstm", SENTIMENT) == ("sentiment-gru", "sentiment-rnn")
    assert models("lstm-8,rnn", "sentiment-lstm-8", SENTIMENT) == (
        "sentiment-lstm-8",
        "sentiment-rnn",
    )
    assert models("rnn,lstm", "imdb-gru", SENTIMENT) == ("imdb-rnn", "imdb-lstm")
    by_hand = tuple(f"{cell} by hand" for cell in ("rnn", "lstm", "gru"))
    assert models("rnn,gru", "lstm by hand", by_hand) == ("rnn by hand", "gru by hand")


def test_a_picture_opens_the_cells_side_by_side(tmp_path: Path) -> None:
    picture = tmp_path / "cells.svg"
    assert run(["step", SENTENCE, "--compare", "gru,rnn", "--screenshot", str(picture)]) == 0
    drawn = picture.read_text()
    assert "SimpleRNN" in drawn and "GRU" in drawn and "sentiment-gru" in drawn
    assert "LSTM" not in drawn


def test_any_models_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name outside the family, and the file of another framework."""
    copy = tmp_path / "copy.json"
    assert run(["models", "export", "sentiment-gru", str(copy)]) == 0
    capsys.readouterr()
    chosen = f"sentiment-rnn,{copy}"
    found = json.loads(out(capsys, SENTENCE, "--compare", chosen, "--json"))["traces"]
    assert [trace["layers"][0]["cell"] for trace in found] == ["rnn", "gru"]
    picture = tmp_path / "models.svg"
    args = ["step", SENTENCE, "--compare", chosen, "--screenshot", str(picture)]
    assert run(args) == 0
    assert "GRU" in picture.read_text()
