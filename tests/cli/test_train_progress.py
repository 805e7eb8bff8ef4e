"""How a training is told on a terminal: with a bar, or plainly."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pseudo import COLOUR, Terminal

TRAIN = ("train", "sentiment-rnn", "--data", "sample", "--limit", "50", "--units", "2")
#: The command with stdout elsewhere, as in ``folder=$(rnnviz train)``: its stderr is the terminal.
CAPTURED = (
    "import subprocess, sys\n"
    "command = [sys.executable, '-m', 'rnnviz', *sys.argv[1:]]\n"
    "sys.exit(subprocess.run(command, stdout=subprocess.PIPE).returncode)\n"
)


def told(*args: str, **environ: str) -> bytes:
    """All that is written to the terminal."""
    it = Terminal(*args, width=40, **environ)
    while it.read(0, 30):
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(it.pid, 0)[1])
    os.close(it.fd)
    assert code == 0, it.log
    return it.log


@pytest.mark.parametrize(
    ("flags", "environ"),
    [
        (("--plain",), {}),
        (("--plain", "--color", "never"), {}),
        (("--plain",), {"NO_COLOR": "1"}),
        ((), {"TERM": "dumb"}),
    ],
)
def test_plain_is_lines_without_escapes_that_nothing_wraps(
    flags: tuple[str, ...], environ: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "a-folder-with-a-name-longer-than-the-line-of-the-terminal"
    said = told("-m", "rnnviz", *TRAIN, "--epochs", "1", "--out", str(out), *flags, **environ)
    assert b"\x1b" not in said
    lines = said.decode().splitlines()
    assert next(line for line in lines if line.startswith("epoch 1/1")).endswith("*")
    assert str(out) in lines
    assert "" not in lines  # what is left of a bar


def test_the_bar_has_no_colour_when_none_is_wanted_and_wraps_nothing(tmp_path: Path) -> None:
    args = ("-c", CAPTURED, *TRAIN, "--epochs", "1", "--out", str(tmp_path / "run"))
    assert COLOUR.search(told(*args))
    said = told(*args[:-1], str(tmp_path / "other"), "--color", "never")
    assert b"\x1b" in said
    assert not COLOUR.search(said)
    lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", said).decode().splitlines()
    assert any(line.startswith("epoch 1/1") and line.endswith("*") for line in lines), lines
