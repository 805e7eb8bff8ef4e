"""No text from a file, the command line or the environment reaches a terminal as a command."""

from __future__ import annotations

import ast
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import hostile
import pytest

import rnnviz.cli
from rnnviz.cli import run
from rnnviz.display import json_text, markup, visible
from rnnviz.errors import LINE, LINES, QUOTED, brief
from rnnviz.trace.file import open_trace, save_trace

SHORT = {name: text for name, text in hostile.KINDS.items() if len(text) < 1000}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files with all kinds of text in all their fields, by name."""
    folder = tmp_path_factory.mktemp("hostile")
    data = folder / "data"
    (data / "runs").mkdir(parents=True)
    return {
        "TRACE": str(hostile.trace(folder / "a.trace", hostile.ALL)),
        "MODEL": str(hostile.model(folder / "m.json", hostile.ALL)),
        "RUN": str(hostile.a_run(data / "runs" / "one", hostile.ALL)),
        "DATA": str(data),
        "FOLDER": str(folder),
        "ALL": hostile.TYPED.replace("/", "_"),
        "TEXT": hostile.TYPED,
    }


def printed(capfd: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command, as the terminal would get them."""
    capfd.readouterr()
    code = run(list(args))
    said = capfd.readouterr()
    return code, said.out, said.err


#: Every command that prints something of a file, of the command line or of the environment.
COMMANDS = [
    "step --open TRACE --plain", "step --open TRACE --plain --lang tr",
    "step --open TRACE --json", "step --open TRACE --jsonl",
    "step --open TRACE --against good --plain", "step --open TRACE --against TEXT --plain",
    "step --open TRACE --at 99", "step --open TRACE --view TEXT",
    "step -m MODEL --plain", "step -m MODEL --json", "step -m MODEL TEXT --plain",
    "step -m MODEL --against TEXT --plain", "step -m MODEL --target TEXT --plain",
    "step -m MODEL --against bad --json", "step -m TEXT good", "step --cell TEXT good",
    "step TEXT --plain", "step TEXT --json", "step TEXT --compare rnn,lstm --plain",
    "step good --compare TEXT", "step good --target TEXT", "step good --clamp TEXT",
    "step good --size TEXT", "step good --view TEXT", "step --units 1 TEXT",
    "step --units 1 --set TEXT 1", "step good --save FOLDER/ALL/x", "step --open TEXT",
    "step good --screenshot TEXT", "step -m jena-gru TEXT", "step -m jena-gru --data TEXT",
    "handout TEXT -o FOLDER/x.html", "handout -m MODEL TEXT -o FOLDER/x.html",
    "handout TRACE -o FOLDER/x.html", "handout not -o FOLDER/ALL/x.html", "handout not -o TEXT",
    "models show MODEL", "models show MODEL --json", "models show TEXT", "models", "models --json",
    "models export TEXT FOLDER/x",
    "runs", "runs --json", "runs show RUN", "runs show RUN --json", "runs show TEXT",
    "runs plot RUN", "runs plot RUN --color always", "runs compare RUN RUN",
    "runs compare RUN RUN --json", "runs plot RUN --metric TEXT", "runs plot TEXT",
    "data --data TEXT", "data path --data TEXT", "data show imdb --data TEXT", "data show TEXT",
    "data fetch TEXT", "data fetch imdb --offline --data FOLDER/ALL",
    "recipes show TEXT", "train TEXT", "train --resume TEXT", "train --resume RUN",
    "train sentiment-rnn --data TEXT", "train sentiment-rnn --variant TEXT --data sample",
    "reproduce TEXT", "reproduce imdb-rnn:TEXT", "reproduce imdb-rnn --data TEXT --out FOLDER/o",
    "bench --workload TEXT", "bench --peers TEXT", "bench --python TEXT --peers torch",
    "doctor", "doctor --json", "completion TEXT", "TEXT", "--TEXT",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_no_control_character(
    command: str,
    files: dict[str, str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: files["DATA"])
    for name in ("COLORTERM", "LC_ALL", "RNNVIZ_MODEL"):
        monkeypatch.setenv(name, files["TEXT"].encode("utf-8", "ignore").decode())
    monkeypatch.setenv("TERM", "\x1b[31mxterm\n")
    monkeypatch.setenv("RNNVIZ_COLOR", "never")
    args = []
    for word in command.split():
        for name, value in files.items():
            word = word.replace(name, value)
        args.append(word)
    _, out, err = printed(capfd, *args)
    if "--color always" in command:
        out = hostile_colours_removed(out)
    assert hostile.is_safe(out), repr(out)[:2000]
    assert hostile.is_safe(err), repr(err)[:2000]
    assert "Internal error" not in err and "Traceback" not in err
    if "--json" in command:
        for line in out.splitlines():
            json.loads(line, parse_constant=pytest.fail)


def hostile_colours_removed(text: str) -> str:
    """The text without the codes of colours that charts may use."""
    return re.sub(r"\x1b\[(?:0|1|2|[39][0-7])m", "", text)


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_each_kind_is_escaped_and_the_json_gives_it_back(
    kind: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = hostile.KINDS[kind]
    path = str(hostile.trace(tmp_path / "a.trace", text))
    for form in ("--plain", "--against=good --plain", "--json", "--jsonl"):
        code, out, err = printed(capfd, "step", "--open", path, *form.split())
        assert code == 0 or "--against" in form, err
        assert hostile.is_safe(out) and hostile.is_safe(err), repr(out)[:500]
    code, out, err = printed(capfd, "step", "--open", path, "--json")
    found = json.loads(out)
    assert found["model"] == text and found["tokens"][0] == text
    assert found["head"]["labels"][0] == f"{text}0" and found["head"]["objective"] == text
    code, _, err = printed(capfd, "models", "show", str(hostile.model(tmp_path / "m.json", text)))
    assert code == 0 and hostile.is_safe(err), err


def test_the_csv_is_data_for_a_program_and_escaped_for_a_terminal(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(hostile.trace(tmp_path / "a.trace", "\x1b[31m\x9bm"))
    _, out, _ = printed(capfd, "step", "--open", path, "--csv")
    assert "0,\x1b[31m\x9bm,lstm,x,0," in out
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: True, raising=False)
    _, out, _ = printed(capfd, "step", "--open", path, "--csv")
    assert hostile.is_safe(out) and r"0,\x1b[31m\x9bm,lstm,x,0," in out


def test_a_path_is_data_for_a_program(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``$(rnnviz data path)`` gives must be the folder, whatever signs its name has."""
    for name in ("film ❤️ 映画", "a\u00a0b", "şöyle"):
        _, out, _ = printed(capfd, "data", "path", "--data", f"/tmp/{name}")
        assert out == f"/tmp/{name}\n"
    _, out, _ = printed(capfd, "data", "path", "--data", "/tmp/a\x1b[31m\nb")
    assert out == "/tmp/a\\x1b[31m\\x0ab\n"


# -- one door -----------------------------------------------------------------------------------

#: Who may write to a terminal without the door: the door itself, and texts of the program alone.
PRINTERS = {"stdout.py", "stderr.py"}
PAST = ("print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write", "json.dumps",
        "traceback.print_exc")  # fmt: skip
OWN_TEXT = {("__init__.py", "_invoke"), ("completion.py", "command")}


def test_no_command_prints_past_the_door() -> None:
    """``click.echo``, ``print`` and the streams are for rnnviz/cli/stdout.py and stderr.py."""
    found = []
    for file in sorted(Path(rnnviz.cli.__file__).parent.rglob("*.py")):
        if file.name in PRINTERS:
            continue
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
                if name in PAST and (file.name, function.name) not in OWN_TEXT:
                    found.append(f"{file.name}:{call.lineno}: {name}")  # type: ignore[attr-defined]
    assert not found


# -- JSON, HTML ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [*hostile.KINDS.values(), "şöyle 映画", "\U000e0041", "\U0001f600"]
)
def test_json_is_printable_and_gives_the_same_text_back(text: str) -> None:
    written = json_text({text: [text]}, indent=1)
    assert hostile.is_safe(written)
    assert json.loads(written) == {text: [text]}


def test_json_keeps_what_can_be_read() -> None:
    assert json_text("şöyle 映画 é") == '"şöyle 映画 é"'


def test_json_has_null_for_what_is_not_finite() -> None:
    found = {"a": [math.nan, 1.5], "b": {"c": math.inf}, "d": (-math.inf,)}
    assert json_text(found) == '{"a": [null, 1.5], "b": {"c": null}, "d": [null]}'


@pytest.mark.parametrize("text", hostile.KINDS.values())
def test_visible_text_stays_as_it_is(text: str) -> None:
    once = visible(text)
    assert once.isprintable() and visible(once) == once
    inside = ElementTree.fromstring(f'<p title="{markup(text)}">{markup(text)}</p>').text
    assert inside == once


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_makes_no_trace(
    loss: float, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    usual = open_trace(hostile.trace(tmp_path / "a.trace", "a"))
    save_trace(replace(usual, head=replace(usual.head, loss=loss)), tmp_path / "b.trace")
    code, out, err = printed(capfd, "step", "--open", str(tmp_path / "b.trace"), "--json")
    assert (code, out) == (4, "") and "head.loss" in err and len(err.splitlines()) <= 2


# -- messages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["step --cell X good", "step --view X good", "step --target X good", "step -m X/y good",
     "step --clamp X good", "step --size X good", "step --units 1 X", "step --compare X good",
     "step --color X good", "step --lang X good", "step --at X good", "step --X good",
     "step --open X", "models show X/y", "runs show X/y", "runs plot last --metric X",
     "data show X", "data fetch X", "recipes show X", "train X", "train --time-budget X",
     "reproduce X", "reproduce imdb-rnn:X", "bench --workload X", "bench --peers X",
     "completion X", "X"],
)  # fmt: skip
@pytest.mark.parametrize("piece", ["x", "x y ", "\x1b[31m", "ş"])
def test_a_message_quotes_at_most_200_characters(
    command: str, piece: str, capfd: pytest.CaptureFixture[str]
) -> None:
    long = piece * (5000 // len(piece))
    code, _, err = printed(capfd, *(word.replace("X", long) for word in command.split()))
    is_text = command == "step --X good" and " " in piece  # as in: rnnviz step "- not good"
    assert code in (1, 2, 3, 4) or is_text
    assert hostile.is_safe(err)
    lines = err.splitlines()
    assert len(lines) <= LINES + 1
    for line in lines:
        assert line.count(visible(piece)) <= QUOTED / len(piece) + 12, line


def test_a_message_keeps_its_own_words() -> None:
    own = "There is no view 'x'. Did you mean 'y'? Views: " + ", ".join("abcdefgh" * 5)
    assert brief(own) == [own]
    assert brief("one\ntwo\nthree\nfour") == ["one", "two", "three"]
    assert len(brief("a b " * 1000)[0]) == LINE
    assert brief("of a\nb here", ["a\nb"]) == ["of a\\x0ab here"]
    cut = brief(f"No '{'x' * 5000}' here; {'y' * 5000} neither.")[0]
    assert cut.startswith("No 'xxx") and cut.endswith("yyy neither.") and " here; " in cut
    assert cut.count("x") == cut.count("y") == QUOTED - 1
