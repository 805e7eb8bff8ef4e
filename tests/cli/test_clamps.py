"""``rnnviz step --clamp`` and ``rnnviz.step(clamps=...)``: what if a value were held?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rnnviz
from rnnviz.clamps import Clamp
from rnnviz.cli import run
from rnnviz.equations import number

SENTENCE = "this movie was not good"
STEP = ("step", SENTENCE, "-m", "sentiment-lstm-8")


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert run(list(args)) == code
    return capsys.readouterr().out


def test_the_json_carries_the_clamps_and_the_prediction_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    free = json.loads(out(capsys, *STEP, "--json"))
    held = json.loads(out(capsys, *STEP, "--json", "--clamp", "f[*]=1", "--clamp", "i[3,7]=0"))
    layer = held["layers"][0]
    assert layer["values"]["f"] == [[1.0] * 8] * 5
    assert layer["values"]["i"][3][7] == 0
    assert [c["name"] for c in held["clamps"]] == ["f", "i"]
    assert held["head"]["unclamped"] == free["head"]["output"] != held["head"]["output"]
    assert list(held) == [*free, "clamps"]
    first = json.loads(out(capsys, *STEP, "--jsonl", "--clamp", "f[*]=1").splitlines()[0])
    assert first["clamps"][0]["value"] == 1


WORDS = "this movie was not good but the acting is great and i loved it so much".split()


@pytest.mark.parametrize(
    "model", ["sentiment-rnn", "sentiment-lstm", "sentiment-lstm-8", "sentiment-gru"]
)
def test_the_prediction_without_is_the_plain_one_to_the_bit(model: str) -> None:
    # Of sixteen lengths: which of them rounds differently in another product depends on the BLAS.
    for length in range(1, len(WORDS) + 1):
        text = " ".join(WORDS[:length])
        free, held = rnnviz.step(text, model), rnnviz.step(text, model, clamps=["h[0,0]=0.5"])
        assert held.head.unclamped is not None
        assert held.head.unclamped.tolist() == free.head.output.tolist(), text


def test_plain_text_says_what_was_held_and_computes_nothing_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    free = rnnviz.step(SENTENCE, "sentiment-lstm-8").head
    lines = out(capsys, *STEP, "--plain", "--unit", "7", "--clamp", "i[3,7]=0").splitlines()
    best = int(free.output.argmax())
    (said,) = [line for line in lines if "Held instead of computed: i 4 “not” 7 = 0." in line]
    assert f"{free.labels[best]} {number(free.output[best])}." in said
    assert lines.index(said) == 3
    assert "i₄: held at 0.000" in lines
    assert sum(line.startswith("i₄ =") for line in lines) == 0
    assert sum(line.startswith("i₃ =") for line in lines) == 1


def test_python_takes_them_typed_or_made() -> None:
    typed = rnnviz.step(SENTENCE, "sentiment-lstm-8", clamps=["c[*,2]=0.5"])
    made = rnnviz.step(SENTENCE, "sentiment-lstm-8", clamps=[Clamp("c", 0.5, unit=2)])
    assert typed.clamps == made.clamps == (Clamp("c", 0.5, unit=2, layer="lstm"),)
    assert (typed.layers[0].values["c"][:, 2] == 0.5).all()
    assert typed.to_json() == made.to_json()


def test_a_saved_trace_is_shown_with_what_was_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "t.npz")
    held = out(capsys, *STEP, "--clamp", "f[*]=1", "--save", path, "--json")
    assert out(capsys, "step", "--open", path, "--json") == held
    assert run(["step", "--open", path, "--clamp", "f[*]=0"]) == 2
    assert "--clamp, --initial and --state out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("clamp", "said"),
    [
        ("f[*]", "expected [LAYER.]NAME[TOKEN,UNIT]=VALUE"),
        ("f[*]=much", "not a number from -1000000 to 1000000"),
        ("z[*]=1", "LSTM has no value 'z'. Values: x, "),
        ("c_i[0]=1", "Did you mean 'a_i'?"),
        ("f[5]=1", "this text has tokens 0 to 4"),
        ("f[0,8]=1", "f has units 0 to 7"),
        ("gru.f[0]=1", "there is no layer 'gru'."),
    ],
)
def test_a_wrong_clamp_ends_with_2_and_says_what_is_there(
    clamp: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*STEP, "--clamp", clamp, "--json"]) == 2
    told = capsys.readouterr()
    assert said in told.err and "Traceback" not in told.err and not told.out


def test_a_screenshot_shows_the_page_with_what_is_held(tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    args = ["--clamp", "f[*]=0", "--view", "clamp", "--screenshot", str(path)]
    assert run([*STEP, *args]) == 0
    assert "f * = 0" in path.read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
