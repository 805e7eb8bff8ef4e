"""Environments that are nonsense: 0, 2 or 3, at most three lines, never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rnnviz.cli import run
from rnnviz.tui.app.themed_app import ThemedApp

NEVER = re.compile(r"Traceback|Internal error|Warning|site-packages|Exception ignored")
VALUES = [
    "", "nonsense", "-1", "0", "99999999999999999999", "\x1b[2J", "/dev/zero", "~nosuchuser/x",
    "relative/path", "x" * 5_000, "\udcff", "a\nb", "../../..", "%s{}",
]  # fmt: skip
#: The variables that are read, each with commands that read it.
READ = {
    "RNNVIZ_MODEL": (["step", "good", "--plain"],),
    "RNNVIZ_DATA": (["data", "--json"], ["data", "show", "imdb"], ["data", "path"], ["doctor"]),
    "RNNVIZ_LANG": (["step", "good", "--plain"],),
    "RNNVIZ_THEME": (["step", "good", "--plain"],),
    "RNNVIZ_COLOR": (["step", "good", "--plain"], ["doctor"]),
    "RNNVIZ_DEVICE": (["step", "good", "--plain"],),
    "RNNVIZ_OFFLINE": (["data", "fetch", "jena", "--data", "sample"],),
    "RNNVIZ_BENCH_PYTHON": (["bench", "--help"],),
    "LANG": (["step", "good", "--plain"], ["doctor"]),
    "LC_ALL": (["step", "good", "--plain"],),
    "TERM": (["step", "good", "--plain"], ["doctor"]),
    "COLUMNS": (["models"], ["doctor"], ["--help"], ["data", "show", "jena", "--data", "sample"]),
    "LINES": (["doctor"],),
    "NO_COLOR": (["doctor"],),
    "FORCE_COLOR": (["doctor"],),
    "COLORTERM": (["doctor"],),
    "TMPDIR": (["doctor"], ["models"]),
    "HOME": (["doctor"], ["runs"], ["models", "--json"], ["data"]),
    "XDG_CONFIG_HOME": (["doctor"], ["recipes"]),
    "XDG_DATA_HOME": (["doctor"], ["runs"], ["models", "--json"], ["data"]),
    "XDG_CACHE_HOME": (["doctor"], ["step", "good", "--plain"]),
}


def judged(code: int, err: str, what: str, codes: tuple[int, ...] = (0, 2, 3)) -> None:
    """Fail unless a command ended as it may."""
    assert code in codes, f"{what}: {code}\n{err[-800:]}"
    assert not NEVER.search(err) and len(err.splitlines()) <= 3, f"{what}:\n{err[-800:]}"
    assert "\x1b" not in err, what


@pytest.mark.parametrize("variable", READ)
def test_a_variable_with_any_value(
    variable: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    one_shipped_model: None,
) -> None:  # fmt: skip
    for value in VALUES:
        monkeypatch.setenv(variable, value)
        for args in READ[variable]:
            code = run(args)
            err = capsys.readouterr().err
            # A model may be a file, and what is no model file ends with 4.
            codes = (0, 2, 3, 4) if variable == "RNNVIZ_MODEL" else (0, 2, 3)
            judged(code, err, f"{variable}={value[:20]!r} {args}", codes)
            if args == ["doctor"] and variable not in ("RNNVIZ_COLOR",):
                assert code == 0, err


def test_there_are_enough_of_them() -> None:
    assert len(VALUES) * sum(map(len, READ.values())) >= 400


@pytest.mark.parametrize("what", ["file", "closed", "folder in the way", "dangling"])
@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"])
def test_a_home_that_is_none(
    variable: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, one_shipped_model: None,
) -> None:  # fmt: skip
    home = tmp_path / "home"
    if what == "file":
        home.write_text("x")
    elif what == "dangling":
        home.symlink_to(tmp_path / "nowhere")
    else:
        for name in (".config/rnnviz/config.toml", "rnnviz/config.toml", "rnnviz/runs/x/spec.json",
                     ".local/share/rnnviz/runs/x/spec.json"):  # fmt: skip
            (home / name).mkdir(parents=True)
    if what == "closed":
        home.chmod(0)
    monkeypatch.setenv(variable, str(home))
    if variable == "HOME":
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            monkeypatch.delenv(name, raising=False)
    for args in (["doctor"], ["recipes"], ["runs"], ["models", "--json"], ["data"], ["--help"]):
        code = run(args)
        judged(code, capsys.readouterr().err, f"{variable} {what} {args}", (0, 2))
        assert code == 0 or args[0] not in ("doctor", "--help")
    home.chmod(0o700) if what == "closed" else None


def command(*args: str, shell: str = "", **variables: str) -> tuple[int, str]:
    """A command in a process of its own, in that environment: exit code and stderr."""
    line = '"$0" -m rnnviz "$@" ' + shell
    given = {**os.environ, **variables}
    done = subprocess.run(
        ["sh", "-c", line, sys.executable, *args], capture_output=True, timeout=120, check=False,
        env={k: v for k, v in given.items() if k != "PYTEST_CURRENT_TEST"},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stderr.decode(errors="replace")


@pytest.mark.parametrize(
    "closed",
    ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/null <&-"],
)
@pytest.mark.parametrize("args", [["doctor"], ["step", "-", "--plain"], ["models", "show", "xx"]])
def test_closed_streams(closed: str, args: list[str]) -> None:
    code, err = command(*args, shell=closed)
    expected = {"doctor": 0, "step": 2, "models": 2}[args[0]]
    judged(code, err, f"{args} {closed}", (expected,))


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PYTHONIOENCODING", "ascii"), ("PYTHONIOENCODING", "latin-1"), ("PYTHONUTF8", "0"),
     ("LC_ALL", "C"), ("LC_ALL", "xx_XX.nonsense"), ("LANG", "tr_TR.ISO-8859-9"),
     ("TERM", "no-such-terminal"), ("TERM", "dumb"), ("TMPDIR", "/nowhere"),
     ("COLUMNS", "-1"), ("COLUMNS", "0"), ("COLUMNS", "1000000"), ("COLUMNS", "x"),
     ("PYTHONWARNINGS", "error"), ("PYTHONDEVMODE", "1"), ("OPENBLAS_NUM_THREADS", "x")],
)  # fmt: skip
def test_what_python_reads_before(variable: str, value: str) -> None:
    code, err = command("step", "çok güzel", "--plain", **{variable: value})
    judged(code, err, f"{variable}={value}", (0,))


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TEXTUAL_DRIVER", "nonsense"), ("TEXTUAL_DRIVER", "os:path"), ("TEXTUAL_DRIVER", ":"),
     ("TEXTUAL_DRIVER", "rnnviz:load"), ("TEXTUAL_COLOR_SYSTEM", "nonsense"),
     ("TEXTUAL_FPS", "x"), ("TEXTUAL_LOG", "/nowhere/log"), ("TEXTUAL_THEME", "nonsense"),
     ("TEXTUAL_ANIMATIONS", "x"), ("TEXTUAL_SCREENSHOT", "x"), ("TEXTUAL", "devtools,debug")],
)  # fmt: skip
def test_variables_of_textual(variable: str, value: str, tmp_path: Path) -> None:
    """Said with the way out, or without effect."""
    picture = tmp_path / "a.txt"
    code, err = command("step", "good", "--screenshot", str(picture), **{variable: value})
    judged(code, err, f"{variable}={value}", (0, 2))
    assert picture.exists() if code == 0 else f"unset {variable}" in err


class Broken(ThemedApp[int]):
    """An app that fails while it starts."""

    def on_mount(self) -> None:
        raise KeyError("a fault")


def test_an_app_that_breaks_prints_nothing_itself(capsys: pytest.CaptureFixture[str]) -> None:
    app = Broken("dark", colour=True, ascii_only=False)
    assert app.run(headless=True) is None
    out, err = capsys.readouterr()
    assert "KeyError" not in out + err
    assert isinstance(app.fault, KeyError)


@pytest.mark.parametrize("debug", [False, True])
def test_an_app_that_breaks_ends_as_a_command_does(
    debug: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines and 1; the traceback after --debug only."""
    from rnnviz.cli import options
    from rnnviz.cli.step import app as step_app

    app = Broken("dark", colour=True, ascii_only=False)
    monkeypatch.setattr(app, "run", partial(ThemedApp.run, app, headless=True))
    monkeypatch.setattr(options, "stdout_is_terminal", lambda: True)
    monkeypatch.setattr(step_app, "make_app", lambda *given: app)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert run(["step", "good", *(["--debug"] if debug else [])]) == 1
    err = capsys.readouterr().err
    assert "Internal error: KeyError: 'a fault'" in err
    assert ("Traceback" in err) == debug
    assert debug or len(err.splitlines()) == 2


def test_a_stepper_that_breaks_says_how_to_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    from rnnviz.cli.step.app import run_app
    from rnnviz.explore import explorer
    from rnnviz.query import Query
    from rnnviz.tui.step.app import RnnvizApp

    class BrokenStepper(RnnvizApp):
        def run(self, **options: Any) -> None:
            self._exception = KeyError("a fault")

    query, read = Query("not good", "sentiment-lstm"), explorer()
    app = BrokenStepper(read, query, read(query), t=1, unit=4)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyError):
        patch.setattr(sys.stdin, "isatty", lambda: True)
        run_app(app)
    err = capsys.readouterr().err
    assert "rnnviz step 'not good' -m sentiment-lstm --at 2 --unit 4\n" in err
