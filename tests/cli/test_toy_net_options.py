"""``rnnviz step --units``: a net by hand away from a terminal."""

from __future__ import annotations

import json
from math import exp, tanh
from pathlib import Path

import pytest

from rnnviz.cli import run


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    """Run the command line and give its stdout."""
    assert run(["step", *args]) == code
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a wrong command line is told."""
    assert run(["step", *args]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    return found.err


def test_json_is_a_trace_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    trace = json.loads(out(capsys, "--units", "2", "--cell", "gru", "1 0 1", "--json"))
    assert trace["schema"] == "rnnviz.trace/1"
    assert (trace["model"], trace["dtype"]) == ("gru by hand", "float64")
    assert trace["tokens"] == ["1", "0", "1"] and len(trace["ids"]) == 3
    assert trace["layers"][0]["units"] == 2
    assert trace["layers"][0]["values"]["x"] == [[1.0], [0.0], [1.0]]
    assert trace["head"]["labels"] == ["0", "1"]


def test_set_changes_weights_states_and_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    edits = ("--set", "W=2", "--set", "U=-1", "--set", "b=0.5", "--set", "h=0.3", "--set", "x[1]=3")
    trace = json.loads(out(capsys, "--units", "1", "--cell", "rnn", "1 0", *edits, "--json"))
    h = tanh(2 + -0.3 + 0.5)
    after = tanh(6 - h + 0.5)
    values = trace["layers"][0]["values"]["h"]
    assert values[0][0] == pytest.approx(h, abs=1e-12)
    assert values[1][0] == pytest.approx(after, abs=1e-12)
    assert trace["tokens"] == ["1", "3"]
    p = 1 / (1 + exp(3 - 8 * after))
    assert trace["head"]["output"][1] == pytest.approx(p, abs=1e-12)


def test_the_cell_is_an_lstm_and_the_text_an_example_unless_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnviz.cli.stdin.is_piped", lambda: False)
    # A model from the environment does not stand in the way.
    monkeypatch.setenv("RNNVIZ_MODEL", "sentiment-gru")
    trace = json.loads(out(capsys, "--units", "1", "--json"))
    assert trace["layers"][0]["cell"] == "lstm" and trace["tokens"] == "1 0 0 1 0".split()


def test_plain_has_the_weights_and_the_whole_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    said = out(capsys, "--units", "1", "--cell", "rnn", "1 0", "--plain", "--clamp", "h[1]=0.5")
    assert "By hand: W = 1.0, U = 0.5, b = 0.0, W_y = 8.0, b_y = −3.0, h = 0.0." in said
    assert "a₁ = 1 × 1 + 0 × 0.5 + 0 = +1.000000" in said
    assert "h₂: held at 0.500" in said
    assert "s₂ = 0.5 × 8 − 3 = +1.000000" in said
    turkish = out(capsys, "--units", "1", "--cell", "rnn", "1 0", "--plain", "--lang", "tr")
    assert "Elle: W = 1.0" in turkish


def test_a_saved_net_opens_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(tmp_path / "a.trace")
    out(capsys, "--units", "1", "1 0", "--set", "b_f=1", "--save", file, "-q")
    again = out(capsys, "--open", file, "--plain")
    assert "b_f = 1.0" in again


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--set", "W=1", "1 0"), "rnnviz step --units 1 --set 'W=1'"),
        (("--units", "1", "not good"), "reads numbers"),
        (("--units", "1", "1,0"), "with a point"),
        (("--units", "9", "1"), "1<=x<=8"),
        (("--units", "1", "-m", "sentiment-gru", "1"), "not both"),
        (("--units", "1", "--cell", "lstm-slide", "1"), "rnn, lstm, gru"),
        (("--units", "1", "1", "--set", "W_x=1"), "Did you mean"),
        (("--units", "2", "1", "--set", "U_f[2,2]=1"), "U_f[0,0] to U_f[1,1]"),
        (("--units", "1", "1", "--target", "positive"), "0, 1"),
        (("--open", "a.trace", "--units", "1"), "--units"),
    ],
)
def test_what_does_not_go_together_is_told(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in told(capsys, *args)


# -- files, forms, several inputs -----------------------------------------------------------------


def test_the_json_has_the_definition_of_the_net_and_every_digit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trace = json.loads(out(capsys, "--net", "gru-2-units-renew", "--json"))
    assert trace["layers"][0]["values"]["h"][0] == pytest.approx([0.299655, 0.197324], abs=6e-7)
    net = trace["net"]
    assert (net["cell"], net["z"], net["layout"], net["inputs"]) == ("gru-2014", "renew", "xh", 2)
    assert net["weights"]["W_z"] == [[0.3, 0.2, 0.1, 0.4], [0.1, 0.5, 0.3, 0.2]]
    assert net["x"] == [[1.0, 0.5]] and net["head"]["kind"] == "linear"
    h = trace["layers"][0]["values"]["h"][0][0]
    z, g = 1 / (1 + exp(-0.4)), tanh(0.55)
    assert h == pytest.approx(z * g, rel=1e-14)


def test_a_net_goes_from_options_to_a_file_and_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = str(tmp_path / "mine.toml")
    args = (
        "--units", "2", "--inputs", "3", "--cell", "gru-2014", "1 2 3; -1e-3 .5 0",
        "--set", "layout=xh", "--set", "W_z=[1 2 3 4 5; 6 7 8 9 10]", "--set", "z=renew",
        "--set", "activation=relu", "--set", "head=linear", "--target", "0.25",
        "--set", "loss=squared error", "--initial", "h=0.5 -0.5", "--clamp", "r[0,1]=1",
    )  # fmt: skip
    first = json.loads(out(capsys, *args, "--json", "--save-net", file, "-q"))
    again = json.loads(out(capsys, "--net", file, "--json"))
    assert first == again
    assert first["head"]["objective"] == "(y − 0.25)²"
    assert first["layers"][0]["initial"]["h"] == [0.5, -0.5]
    assert first["clamps"] and first["net"]["hold"] == ["gru-2014.r[0,1]=1"]
    other = json.loads(out(capsys, "--net", file, "9 9 9", "--set", "h=0", "--json"))
    assert other["tokens"] == ["(9, 9, 9)"] and other["layers"][0]["initial"]["h"] == [0, 0]


def test_plain_names_the_conventions_and_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    said = out(capsys, "--net", "gru-2-units-renew", "--plain")
    assert "z renews (Cho et al. 2014, as often printed): h = (1 − z) ⊙ h₋ + z ⊙ g" in said
    assert "h₁ = (1 − 0.598688) × 0 + 0.598688 × 0.500520 = +0.299655" in said
    said = out(capsys, "--net", "gru-2-units", "--plain")
    assert "z keeps the old state (Keras, PyTorch): h = z ⊙ h₋ + (1 − z) ⊙ g" in said
    said = out(capsys, "--net", "rnn-keras-weights", "--plain")
    assert "W[4,1] = −0.28507388" in said
    said = out(capsys, "--net", "lstm-1-unit", "--plain", "--lang", "tr")
    assert "Çıktı: y = 0.771981" in said and "½(y − 1.25)²" in said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--net", "lstm-2-unit"), "Did you mean 'lstm-2-units'?"),
        (("--net", "rnn-sum", "--units", "2"), "--set units=2"),
        (("--net", "rnn-sum", "--cell", "gru"), "--set cell=gru"),
        (("--net", "rnn-sum", "-m", "sentiment-gru"), "--net (a net by hand) or --model"),
        (("--inputs", "2", "1"), "rnnviz step --units 1 --inputs 2"),
        (("--units", "1", "--initial", "c", "1"), "expected h=… and c=…"),
        (("--units", "1", "--cell", "gru", "--initial", "c=1", "1"), "has no 'c'"),
        (("--units", "1", "--inputs", "2", "1 2 3"), "reads 2 numbers a token; found 3 numbers"),
        (("--units", "1", "1 2; 3 4"), "--inputs 2"),
        (("--save-net", "a.toml", "good"), "--units 1 --save-net a.toml"),
        (("--net", "rnn-sum", "--target", "much"), "'much' is not a number"),
        (("--units", "1", "--set", "z=renew", "1"), "a lstm does not have it; it belongs to gru"),
        (("--units", "1", "--cell", "gru", "--set", "z=renewed", "1"), "Did you mean 'renew'?"),
    ],
)
def test_what_a_net_cannot_be_is_told(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in told(capsys, *args)


def test_a_wrong_file_is_exit_4_in_two_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('cell = "lstm"\nunits = 1\n[weights]\nW_f = [1, 2]\n')
    assert run(["step", "--net", str(file)]) == 4
    found = capsys.readouterr()
    assert found.out == "" and len(found.err.splitlines()) == 2
    assert "W_f: expected 1 × 1" in found.err
