"""Completion: the scripts, the protocol of each shell, and the names that it offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cli.command_tree import commands

from rnnviz.bench.workloads import WORKLOADS
from rnnviz.cli import completions, run
from rnnviz.cli.completion import SHELLS
from rnnviz.model_files import shipped
from rnnviz.recipes import recipes
from rnnviz.reproduce import GROUPS
from rnnviz.tui.export.pictures import PANELS
from rnnviz.tui.pages import PAGES

#: Runs the command line and fails where something heavy was imported.
CODE = """
import sys
from rnnviz.cli import run
try:
    code = run([])
except SystemExit as end:
    code = end.code
heavy = {"numpy", "textual", "rich", "cupy", "numba"} & set(sys.modules)
sys.exit(str(sorted(heavy)) if heavy else code)
"""


def answer(shell: str, words: Sequence[str], home: Path) -> str:
    """What the program answers a shell that asks for the last of some words."""
    word = words[-1] if shell == "fish" else str(len(words))
    variables = {
        "_RNNVIZ_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(["rnnviz", *words]),
        "COMP_CWORD": word, "XDG_DATA_HOME": str(home), "HOME": str(home),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.rstrip("\n")


@pytest.mark.parametrize(
    ("shell", "written"),
    [("bash", "plain,imdb-gru\nplain,imdb-lstm\nplain,imdb-rnn"),
     ("zsh", "plain\nimdb-gru\n_\nplain\nimdb-lstm\n_\nplain\nimdb-rnn\n_"),
     ("fish", "plain,imdb-gru\nplain,imdb-lstm\nplain,imdb-rnn"),
     ("powershell", "plain\nimdb-gru\n_\nplain\nimdb-lstm\n_\nplain\nimdb-rnn\n_")],
)  # fmt: skip
def test_the_protocol_of_each_shell(shell: str, written: str, tmp_path: Path) -> None:
    assert answer(shell, ["models", "show", "imdb"], tmp_path) == written


def test_nothing_heavy_is_imported_for_any_name(tmp_path: Path) -> None:
    """One process asks for all of them: views, models, labels, runs and so on."""
    code = f"""
import sys
from click.shell_completion import BashComplete
from rnnviz.cli import cli
for words in {CASES!r}:
    found = BashComplete(cli, {{}}, "rnnviz", "_RNNVIZ_COMPLETE").get_completions(words[:-1], words[-1])
    print(*(item.value for item in found))
heavy = {{"numpy", "textual", "rich", "cupy", "numba"}} & set(sys.modules)
sys.exit(str(sorted(heavy)) if heavy else 0)
"""  # noqa: E501
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    for words, wanted, line in zip(CASES, WANTED, lines, strict=False):
        assert wanted <= set(line.split()), words


CASES = [
    ["st"], ["step", "-m", ""], ["step", "--view", ""], ["step", "--target", ""],
    ["step", "-m", "agnews-bilstm", "--target", "S"], ["step", "--cell", ""],
    ["step", "--theme", ""], ["step", "--compare", "rnn,"], ["step", "--net", "lstm"],
    ["train", "imdb-"], ["train", "x", "--variant", ""], ["recipes", "show", "jena"],
    ["reproduce", ""], ["reproduce", "jena-gru:"], ["data", "show", ""], ["bench", "--peers", ""],
    ["bench", "--workload", "imdb-rnn,"], ["config", ""], ["completion", ""],
    ["step", "--lang", ""],
]  # fmt: skip
WANTED = [
    {"step"}, set(shipped()), {"panels", *PANELS, *(page.name for page in PAGES)},
    {"negative", "positive"}, {"Sports", "Sci/Tech"}, {"rnn", "lstm", "gru"},
    {"dark", "light"}, {"rnn,lstm", "rnn,gru"}, {"lstm-2-units"},
    {"imdb-lstm", "imdb-stacked"}, {"quarters", "buckets"}, {"jena-naive"},
    {*GROUPS, *recipes()}, {"jena-gru:quarters"}, {"imdb", "jena"}, {"torch", "none"},
    {"imdb-rnn,jena-gru"}, {"path", "show", "edit", "validate"}, set(SHELLS), {"en", "tr"},
]  # fmt: skip


def test_the_names_are_those_that_there_are() -> None:
    found = recipes()
    assert list(completions.RECIPES) == list(found)
    assert completions.GROUPS == GROUPS
    assert completions.WORKLOADS == tuple(WORKLOADS)
    assert completions.PANELS == tuple(PANELS)
    for recipe in found.values():
        group = completions.VARIANTS.get(recipe.name.partition("-")[0], ())
        assert set(recipe.variants) <= set(group)
    used = {name for recipe in found.values() for name in recipe.variants}
    assert used == set(sum(completions.VARIANTS.values(), ()))


def test_runs_are_offered_newest_first_and_else_paths(tmp_path: Path) -> None:
    assert answer("bash", ["runs", "show", ""], tmp_path) == "dir,"
    for age, name in enumerate(("older", "newer")):
        folder = tmp_path / "rnnviz" / "runs" / name
        folder.mkdir(parents=True)
        (folder / "spec.json").write_text("{}")
        os.utime(folder, (1_700_000_000 + age,) * 2)
    assert answer("bash", ["runs", "show", ""], tmp_path).split() == [
        "plain,last", "plain,newer", "plain,older",
    ]  # fmt: skip
    assert answer("bash", ["train", "--resume", "old"], tmp_path) == "plain,older"
    assert answer("bash", ["step", "-m", "new"], tmp_path) == "plain,newer"
    assert answer("bash", ["step", "-m", "./x"], tmp_path) == "file,./x"


def test_what_is_no_name_is_answered_with_nothing(tmp_path: Path) -> None:
    assert answer("bash", ["nonsense", "x"], tmp_path) == ""
    assert answer("bash", ["step", "-m", "nonsense", "--target", ""], tmp_path) == ""


def test_a_broken_config_file_does_not_stop_completion(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "rnnviz"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("them = 1")
    assert answer("bash", ["st"], tmp_path) == "plain,step"


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_the_script_of_a_shell(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", shell]) == 0
    assert "_RNNVIZ_COMPLETE" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_works_in_bash(tmp_path: Path) -> None:
    program = tmp_path / "rnnviz"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rnnviz "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(rnnviz completion bash)"\n'
        "COMP_WORDS=(rnnviz step -m imdb); COMP_CWORD=3; _rnnviz_completion rnnviz\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert done.stdout.split() == ["imdb-gru", "imdb-lstm", "imdb-rnn"], done.stderr


@pytest.mark.speed
def test_help_version_and_completion_are_quick(tmp_path: Path) -> None:
    """Each takes at most 0.15 s on two cores that do nothing else: the fastest of nine."""
    import time

    asked = {
        "_RNNVIZ_COMPLETE": "bash_complete",
        "COMP_WORDS": "rnnviz step -m s",
        "COMP_CWORD": "3",
    }
    for args, variables in ((["--help"], {}), (["--version"], {}), ([], asked)):
        took = []
        for _ in range(9):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "rnnviz", *args], env={**os.environ, **variables},
                check=True, capture_output=True,
            )  # fmt: skip
            took.append(time.perf_counter() - began)
        print(args or "completion", f"{min(took):.3f} s")
        assert min(took) <= 0.15, (args, took)


def test_every_name_argument_is_completed() -> None:
    """Arguments and options that take a name have one of these functions."""
    free = {"words", "file", "data", "out", "dask", "python", "edits", "initial", "against",
            "clamps", "size", "limit", "time_budget", "files"}  # fmt: skip
    for name, command in commands().items():
        for param in command.params:
            metavar = getattr(param, "metavar", None) or ""
            is_name = "NAME" in metavar or "RUN" in metavar or "LABEL" in metavar
            is_name |= param.param_type_name == "argument" and param.name not in free
            if is_name and param.name not in free and param.name != "shell":
                assert param._custom_shell_complete is not None, f"{name} {param.name}"


def test_after_a_run_and_an_at_sign_its_snapshots_are_offered(tmp_path: Path) -> None:
    kept = tmp_path / "rnnviz" / "runs" / "mine" / "snapshots"
    kept.mkdir(parents=True)
    (kept.parent / "spec.json").write_text("{}")
    for name in ("0", "120", "x"):
        (kept / f"{name}.safetensors").write_bytes(b"")
    assert answer("fish", ["step", "-m", "mine@"], tmp_path) == "plain,mine@0\nplain,mine@120"
    assert answer("fish", ["step", "-m", "last@1"], tmp_path) == "plain,last@120"
    assert "mine@" not in answer("fish", ["step", "-m", "mine"], tmp_path)
    assert "file" in answer("fish", ["step", "-m", "other@"], tmp_path)
    shutil.copytree(kept.parent, kept.parents[1] / "mine@home")
    found = answer("fish", ["step", "-m", "mine@"], tmp_path).splitlines()
    assert found == ["plain,mine@0", "plain,mine@120", "plain,mine@home"]
    assert answer("fish", ["step", "-m", "mine@home@1"], tmp_path) == "plain,mine@home@120"
