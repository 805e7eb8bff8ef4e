"""``rnnviz step`` away from a terminal: forms of output, errors and exit codes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnviz.cells import CELLS
from rnnviz.cli import run
from rnnviz.model_files import load, shipped

MODELS = sorted(name for name in shipped() if not name.startswith("jena"))  # those of text
SENTENCE = "this movie was not good"
NAMES = {name: {"x", *(line.name for line in cell.lines)} for name, cell in CELLS.items()}


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    """Run the command line and give its stdout."""
    assert run(list(args)) == code
    return capsys.readouterr().out


#: Nets that write, whose tokens are characters.
WRITING = [name for name in MODELS if name.startswith(("names-", "shakespeare-"))]


@pytest.mark.parametrize("model", MODELS)
def test_json_keeps_the_schema_for_every_shipped_model(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = json.loads(out(capsys, "step", SENTENCE, "-m", model, "--json"))
    assert list(trace) == [
        "schema", "model", "device", "dtype", "tokens", "ids", "unknown", "layers", "head",
    ]  # fmt: skip
    assert trace["schema"] == "rnnviz.trace/1"
    assert trace["model"] == model
    assert trace["tokens"] == read_by(model)
    assert (trace["device"], trace["dtype"]) == ("cpu", "float32")
    T = len(trace["tokens"])
    assert len(trace["layers"]) == (4 if model == "agnews-bilstm" else 1)
    for layer in trace["layers"]:
        assert set(layer["values"]) == set(layer["grads"]) == NAMES[layer["cell"]]
        for group in ("values", "grads"):
            for name, rows in layer[group].items():
                width = len(layer["values"]["x"][0]) if name == "x" else layer["units"]
                assert np.array(rows).shape == (T, width)
        assert len(layer["reach"]) == len(layer["mask"]) == T
        last = 0 if layer["direction"] == "backward" else -1
        assert layer["reach"][last] == pytest.approx(1)
    head = trace["head"]
    assert head["labels"] == list(load(model).labels)
    assert head["readout"][-1] == head["output"]
    assert sum(head["output"]) == pytest.approx(1)
    if model in WRITING:
        following = [*trace["ids"][1:], head["labels"].index(head["target"])]
        p = np.array(head["readout"])[np.arange(T), following]
        np.testing.assert_allclose(head["step_losses"], -np.log(p), 1e-4)
        assert head["objective"] == "log-loss of every next token"
        assert head["loss"] == pytest.approx(sum(head["step_losses"]), rel=1e-5)
        return
    assert head["objective"] == f"log-loss of '{head['target']}'"
    assert head["loss"] == pytest.approx(-np.log(max(head["output"])), rel=1e-4)


def read_by(model: str) -> list[str]:
    """The tokens of SENTENCE, with the start mark if any."""
    if model in WRITING:
        known = load(model).vocabulary.known
        start = ["\n"] if model.startswith("names-") else []
        return start + [character for character in SENTENCE if known(character)]
    return (["[START]"] if model.startswith("imdb-") else []) + SENTENCE.split()


def test_target_changes_what_the_gradients_are_of(capsys: pytest.CaptureFixture[str]) -> None:
    negative = json.loads(out(capsys, "step", SENTENCE, "--target", "negative", "--json"))
    positive = json.loads(out(capsys, "step", SENTENCE, "--target", "positive", "--json"))
    p = negative["head"]["output"][1]
    a = np.array(negative["layers"][0]["grads"]["x"])
    b = np.array(positive["layers"][0]["grads"]["x"])
    # dL/dlogit is p for the one and p − 1 for the other; everything below is linear in it.
    np.testing.assert_allclose(a * (p - 1), b * p, rtol=1e-3, atol=1e-9)
    assert positive["head"]["loss"] == pytest.approx(-np.log(p), rel=1e-4)


def test_csv_and_jsonl_carry_the_same_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(out(capsys, "step", SENTENCE, "--json"))
    layer = whole["layers"][0]
    rows = list(csv.DictReader(io.StringIO(out(capsys, "step", SENTENCE, "--csv"))))
    assert len(rows) == 5 * sum(len(layer["values"][name][0]) for name in layer["values"])
    for row in rows[::97]:
        t, unit = int(row["t"]), int(row["unit"])
        assert float(row["value"]) == layer["values"][row["name"]][t][unit]
        assert float(row["grad"]) == layer["grads"][row["name"]][t][unit]
        assert row["token"] == whole["tokens"][t]
    lines = [json.loads(line) for line in out(capsys, "step", SENTENCE, "--jsonl").splitlines()]
    assert [line["token"] for line in lines] == whole["tokens"]
    for t, line in enumerate(lines):
        assert line["layers"][0]["values"]["c"] == layer["values"]["c"][t]
        assert line["readout"] == whole["head"]["readout"][t]


def test_plain_shows_the_numbers_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(out(capsys, "step", SENTENCE, "--json"))
    text = out(capsys, "step", SENTENCE, "--plain", "--unit", "3")
    lines = text.splitlines()
    assert lines[1] == f"Tokens: {SENTENCE}."
    for t, token in enumerate(whole["tokens"]):
        readout = whole["head"]["readout"][t]
        (line,) = [found for found in lines if found.startswith(f"Token {t + 1} of 5, {token}:")]
        assert f"{max(readout):.3f}" in line
        f = whole["layers"][0]["values"]["f"][t][3]
        (values,) = [found for found in lines if found.startswith(f"Token {t + 1}, {token}:")]
        # At least two significant digits, and three decimals.
        shown = float(values.partition(" f +")[2].partition(",")[0])
        assert shown == pytest.approx(f, abs=0.0005 if f > 0.01 else 0.00005)
    assert "\x1b" not in text


def test_random_weights_are_untrained_and_repeatable(capsys: pytest.CaptureFixture[str]) -> None:
    first = out(capsys, "step", SENTENCE, "--random", "7", "--json")
    assert first == out(capsys, "step", SENTENCE, "--random", "7", "--json")
    assert first != out(capsys, "step", SENTENCE, "--random", "8", "--json")
    assert "untrained" in json.loads(first)["model"]


def test_saved_trace_opens_as_the_same_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "not good.trace"
    whole = out(capsys, "step", SENTENCE, "--json", "--save", str(path))
    assert out(capsys, "step", "--open", str(path), "--json") == whole


BAD = [
    (("step", ""), 2, "no word"),
    (("step", "!!!", "--json"), 2, "no word"),
    (("step", "x " * 10_001), 2, "at most 10,000"),
    (("step", "hi", "-m", "sentiment-lsmt"), 2, "Did you mean 'sentiment-lstm'"),
    (("step", "hi", "--cell", "ltsm"), 2, "Did you mean 'lstm'"),
    (("step", "hi", "--cell", "lstm", "-m", "sentiment-gru"), 2, "not both"),
    (("step", "hi", "--target", "positiv"), 2, "Did you mean 'positive'"),
    (("step", "hi", "--at", "2"), 2, "tokens 1 to 1"),
    (("step", "hi", "--unit", "32"), 2, "units 0 to 31"),
    (("step", "hi", "--device", "cuda"), 3, "--device cpu"),
    (("step", "hi", "--screenshot", "x.gif"), 2, ".svg"),
    (("step", "hi", "--screenshot", "x.svg", "--size", "big"), 2, "expected WIDTHxHEIGHT"),
    (("step", "hi", "--screenshot", "x.svg", "--size", "10x5"), 2, "20 to 500 characters wide"),
    (("step", "hi", "--screenshot", "x.svg", "--size", "80x4"), 2, "5 to 300 characters high"),
    (("step", "hi", "--screenshot", "x.svg", "--view", "sentense"), 2, "sentence"),
    (("step", "hi", "--view", "padings"), 2, "padding"),
    (("step", "hi", "--report", "x.pdf"), 2, ".html"),
    (("step", "hi", "--report", "nowhere/x.html"), 2, "mkdir -p"),
    (("step", "hi", "-m", "nowhere/model.json"), 2, "rnnviz models"),
    (("step", "--open", "nowhere.trace"), 4, "nowhere.trace"),
    (("stpe", "hi"), 2, "Did you mean 'step'"),
    (("step", "--jsn"), 2, "--json"),
    (("completion", "tcsh"), 2, "bash"),
    (("train", "sentiment-ltsm", "--data", "sample"), 2, "Did you mean 'sentiment-lstm'"),
    (("train", "sentiment-lstm", "--data", "nowhere"), 3, "--data sample"),
]


@pytest.mark.parametrize(("args", "code", "said"), BAD)
def test_bad_input_gets_a_clear_error_and_the_right_code(
    args: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(list(args)) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert len(captured.err.splitlines()) <= 2


ODD = [
    "🙂 🙂🙃", "这部电影 不好", "e\u0301te\u0301 cafe\u0301", "a\x1b[31mred\x07 b",
    "[bold]not[/] good",
    "\u202eevil\u202c good", "%s {0} $HOME `ls`", "İSTANBUL ığüşöç", "a\u200db",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("form", ["--plain", "--json", "--jsonl", "--csv"])
def test_odd_text_is_read_and_never_reaches_the_terminal_raw(
    text: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = out(capsys, "step", text, form)
    if form == "--json":
        assert len(json.loads(printed)["tokens"]) == len(json.loads(printed)["ids"]) > 0
    if form != "--csv":  # CSV is data for a program and carries the token as it is
        assert "\x1b" not in printed
        assert "\x07" not in printed


def test_five_thousand_words_are_traced(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(["good", "not", "film", "zzyzx"] * 1250)
    lines = out(capsys, "step", words, "-m", "sentiment-lstm-8", "--jsonl").splitlines()
    assert len(lines) == 5000
    reach = [json.loads(line)["layers"][0]["reach"] for line in lines]
    assert np.isfinite(reach).all()
    assert reach[0] < 1e-3


def test_a_closed_pipe_is_quiet() -> None:
    command = f'"{sys.executable}" -m rnnviz step "{SENTENCE}" --csv | head -n 1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.stdout == "t,token,layer,name,unit,value,grad\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("form", ["--json", "--jsonl", "--csv", "--plain"])
def test_bytes_that_are_no_text_are_shown_as_escapes(form: str) -> None:
    command = [sys.executable.encode(), b"-m", b"rnnviz", b"step", b"\xff\xfe good", form.encode()]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert rb"\udcff\udcfe" in done.stdout
    if form == "--json":
        assert json.loads(done.stdout)["tokens"] == ["\udcff\udcfe", "good"]


def test_text_comes_from_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rnnviz", "step", "--plain"], input=b"i loved it\n",
        capture_output=True,
    )  # fmt: skip
    assert b"Tokens: i loved it." in done.stdout


def test_help_imports_no_numpy_textual_or_cupy() -> None:
    code = (
        "import sys\nfrom rnnviz.cli import run\n"
        "for args in (['--help'], ['step', '--help'], ['train', '--help'], ['--version'],\n"
        "             ['completion', 'bash']):\n    assert run(args) == 0, args\n"
        "heavy = {'numpy', 'textual', 'cupy', 'torch', 'keras', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import rnnviz, sys; sys.exit(str({'numpy', 'click', 'textual'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_importing_the_engine_imports_no_screen() -> None:
    code = (
        "import rnnviz.engine.model, rnnviz.tracer, sys\n"
        "sys.exit(str({'textual', 'rich', 'click', 'cupy'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_a_target_of_white_space_may_be_its_sign(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["step", "-m", "names-rnn", "ann", "--json", "--target"]
    assert run([*args, "↵"]) == 0
    found = json.loads(capsys.readouterr().out)["head"]
    assert found["target"] == "\n"
    assert run([*args, "ü"]) == 2
    said = capsys.readouterr().err
    assert "Use one of: ↵, a, b" in said  # the padding has no name


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_a_target_may_be_in_a_language_of_the_screens(
    lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", "not good", "--target", "olumlu", "--json", "--lang", lang]) == 0
    assert json.loads(capsys.readouterr().out)["head"]["target"] == "positive"
    assert run(["step", "not good", "--target", "iyi", "--lang", lang]) == 2
    names = {"en": "negative, positive", "tr": "olumsuz, olumlu"}
    assert names[lang] in capsys.readouterr().err
