"""What a well-behaved program for the terminal does: colours, plain lines, doctor, languages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pseudo import COLOUR, Terminal
from rich.cells import cell_len

from rnnviz.cli import run

STEP = ("-m", "rnnviz", "step")
SENTENCE = "this movie was not good"
BOXES = re.compile("[\u2500-\u259f]")


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    capsys.readouterr()
    assert run(list(args)) == 0
    return capsys.readouterr().out


def on_a_terminal(*args: str, width: int = 120, **environ: str) -> bytes:
    """What a command writes that ends by itself."""
    terminal = Terminal("-m", "rnnviz", *args, width=width, **environ)
    while terminal.read(0.5, 30):
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0
    os.close(terminal.fd)
    return terminal.log


# -- colours ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "flags", "coloured"),
    [({}, (), False), ({"FORCE_COLOR": "1"}, (), True), ({"FORCE_COLOR": ""}, (), False),
     ({"FORCE_COLOR": "1"}, ("--color", "never"), False), ({}, ("--color", "always"), True),
     ({"NO_COLOR": "1"}, ("--color", "always"), True), ({"NO_COLOR": "1"}, (), False)],
)  # fmt: skip
def test_colours_in_a_pipe_are_those_that_were_asked_for(
    environ: dict[str, str], flags: tuple[str, ...], coloured: bool,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("NO_COLOR", "FORCE_COLOR", "RNNVIZ_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert bool(COLOUR.search(printed(capsys, "doctor", *flags).encode())) == coloured


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({"NO_COLOR": ""}, True), ({"NO_COLOR": "0"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_on_a_terminal(environ: dict[str, str], coloured: bool) -> None:
    assert bool(COLOUR.search(on_a_terminal("doctor", **environ))) == coloured


# -- lines of text ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["sentiment-lstm", "sentiment-gru", "agnews-bilstm"])
def test_plain_lines_have_the_numbers_of_the_json(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("step", SENTENCE, "-m", model)
    whole = json.loads(printed(capsys, *args, "--json"))
    text = printed(capsys, *args, "--plain", "--unit", "2")
    assert not BOXES.search(text) and "\x1b" not in text
    sections = dict(re.findall(r"^Unit 2 of \d+, layer (\S+):\n((?:(?!Unit ).*\n?)*)", text, re.M))
    assert list(sections) == [layer["name"] for layer in whole["layers"]]
    for layer in whole["layers"]:
        lines = sections[layer["name"]].splitlines()
        for t, token in enumerate(whole["tokens"]):
            for source, start in (("values", "Token"), ("grads", "Gradients at token")):
                (line,) = [x for x in lines if x.startswith(f"{start} {t + 1}, {token}: ")]
                shown = dict(pair.rsplit(" ", 1) for pair in line.split(": ", 1)[1].split(", "))
                for name in sorted(set(layer[source]) - {"x"}):
                    value = layer[source][name][t][2]
                    label = name if source == "values" else f"∂L/∂{name}"
                    assert near(shown[label], value), (t, label, value, shown)


def near(shown: str, value: float) -> bool:
    """Whether a number as it is shown is this one, rounded to its digits."""
    mantissa, _, exponent = shown.rstrip(".,").replace("−", "-").partition("e")
    power = 10.0 ** int(exponent or 0)
    decimals = len(mantissa.partition(".")[2])
    return abs(float(mantissa) * power - value) <= 0.5001 * 10**-decimals * power


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = on_a_terminal("step", SENTENCE, TERM="dumb")
    assert b"\x1b" not in written
    lines = written.decode().replace("\r\n", "\n")
    assert lines == printed(capsys, "step", SENTENCE, "--plain", "--lang", "en")


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize(
    "args", ["models", "recipes", "data", "models show agnews-bilstm", "recipes show jena-stacked"]
)
def test_tables_fit_the_terminal(args: str, width: int) -> None:
    written = on_a_terminal(*args.split(), width=width, XDG_DATA_HOME="/x", RNNVIZ_DATA="sample")
    lines = written.decode().splitlines()
    paths = ("weights: ", "Folder: ")  # one word each
    assert len(lines) > 5
    for line in lines:
        assert cell_len(line) <= width or line.startswith(paths), line


# -- doctor -------------------------------------------------------------------------------------


def test_doctor_says_all_that_a_report_of_a_fault_needs() -> None:
    environ = {"TMUX": "x,1,0", "SSH_CONNECTION": "", "LC_ALL": "C.UTF-8"}
    written = on_a_terminal("doctor", TERM="xterm-256color", COLORTERM="truecolor", **environ)
    text = written.decode()
    for line in ("TERM: xterm-256color", "size: 120x40", "colours: 16 million", "unicode: yes",
                 "encoding: utf-8", "tmux: yes", "ssh: no",
                 "stdout is a terminal: True"):  # fmt: skip
        assert f"  {line}" in text, line
    for key in ("locale", "Python", "numpy", "GPU", "rnnviz", "textual", "config", "runs", "data"):
        assert re.search(rf"^  {key}: \S", text, re.M), key
    ramp = re.findall(r"\x1b\[48;2;(\d+);(\d+);(\d+)m", text)
    assert len(ramp) == 41 and len(set(ramp)) == 41
    fewer = on_a_terminal("doctor", TERM="xterm-256color", COLORTERM="").decode()
    assert "colours: 256" in fewer


# -- pictures -----------------------------------------------------------------------------------


def test_a_screenshot_says_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.svg"
    assert run(["step", "good", "--screenshot", str(path)]) == 0
    assert capsys.readouterr().err == f"Written: {path}\n"
    assert path.read_text("utf-8").startswith("<svg")
    assert run(["step", "good", "--screenshot", str(path), "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_the_same_command_makes_the_same_picture_and_numbers(tmp_path: Path) -> None:
    made = []
    for seed in ("1", "2"):  # of Python's hashes: sets have another order
        path = tmp_path / f"{seed}.svg"
        args = (sys.executable, *STEP, SENTENCE, "--screenshot", str(path), "--json")
        done = subprocess.run(
            args, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        made.append((path.read_bytes(), done.stdout))
    assert made[0] == made[1]


# -- languages ----------------------------------------------------------------------------------


def test_turkish_has_the_numbers_of_english_with_a_dot(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = [
        re.findall(r"\d+\.\d+", printed(capsys, "step", SENTENCE, "--plain", "--lang", lang))
        for lang in ("en", "tr")
    ]
    assert sorted(numbers[0]) == sorted(numbers[1]) and len(numbers[0]) > 100
    assert not re.search(r"\d,\d", printed(capsys, "step", SENTENCE, "--plain", "--lang", "tr"))


@pytest.mark.parametrize(
    ("variables", "turkish"),
    [({"LANG": "tr_TR.UTF-8"}, True), ({"LANG": "tr_TR.UTF-8", "LC_ALL": "C"}, False),
     ({"LC_MESSAGES": "tr_TR"}, True), ({"LANG": "de_DE.UTF-8"}, False), ({}, False)],
)  # fmt: skip
def test_the_language_is_that_of_the_locale_unless_named(
    variables: dict[str, str], turkish: bool, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "RNNVIZ_LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("Tahmin:" in printed(capsys, "step", "good", "--plain")) == turkish
    assert "Tahmin:" in printed(capsys, "step", "good", "--plain", "--lang", "tr")
    assert "Tahmin:" not in printed(capsys, "step", "good", "--plain", "--lang", "en")


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "meant"),
    [("stpe", "step"), ("runs shwo", "show"), ("config vlaidate", "validate"),
     ("step x --theme ligth", "light"), ("step x --cell ltsm", "lstm"),
     ("step x --view reech", "reach"), ("step x --compare rnn,lstn", "lstm"),
     ("step x --target postive", "positive"), ("step x -m sentiment-lsmt", "sentiment-lstm"),
     ("step x --lang rt", "tr"), ("step x --device cdua", "cuda"), ("step x --color nevr", "never"),
     ("step x --net lstm-2-unit", "lstm-2-units"), ("step x --clamp ff[3]=0", "f"),
     ("step --units 1 --set actvation=relu 1", "activation"), ("step x --lnag tr", "--lang"),
     ("models show sentiment-tr", "sentiment-lstm-tr"),
     ("models show sentiment-lsmt", "sentiment-lstm"), ("recipes show imdb-lsmt", "imdb-lstm"),
     ("train imdb-lsmt", "imdb-lstm"), ("reproduce imbd", "imdb"), ("data show imbd", "imdb"),
     ("data fetch jenna", "jena"), ("bench -q --workload imdb-lsmt", "imdb-lstm"),
     ("bench -q --peers tourch", "torch"), ("runs plot x --metric acuracy", "accuracy"),
     ("completion bahs", "bash"), ("train agnews-lstm --data sample --variant bucket", "buckets")],
)  # fmt: skip
def test_the_nearest_name_is_said_for_a_wrong_one(
    args: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(args.split()) == 2
    err = capsys.readouterr().err
    assert re.search(f"Did you mean.*'{re.escape(meant)}'", err), err
    assert len(err.splitlines()) <= 2
