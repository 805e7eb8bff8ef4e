"""``rnnviz train`` on a terminal: the dashboard, its silence, and what it leaves behind."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pseudo import COLOUR, Terminal

TRAIN = (
    "-m",
    "rnnviz",
    "train",
    "sentiment-rnn",
    "--data",
    "sample",
    "--limit",
    "20",
    "--units",
    "4",
)


def test_stopping_saves_says_how_to_go_on_and_exits_with_130(tmp_path: Path) -> None:
    run = tmp_path / "run"
    it = Terminal(*TRAIN, "--epochs", "10000", "--out", str(run), NO_COLOR="1")
    it.until(b"samples/s", 60)
    assert not COLOUR.search(it.log)
    it.press(b"q", 1)
    assert any("Stop after this batch and save?" in line for line in it.picture())
    code = it.leave(b"q")
    os.close(it.fd)
    assert code == 130
    after = it.log[it.log.rindex(b"\x1b[?1049l") :]  # the terminal is given back
    said = re.sub(r"\s+", "", after.decode())  # the terminal breaks long lines
    assert f"rnnviztrain--resume{run}" in said
    assert (run / "last.safetensors").is_file()


def test_a_finished_training_is_silent_and_leaves_with_its_result(tmp_path: Path) -> None:
    run = tmp_path / "run"
    it = Terminal(*TRAIN, "--epochs", "1", "--out", str(run))
    it.until(b"Finished.", 60)
    it.read(0.5, 2)
    assert it.read(0.1, 2) == b""
    assert it.leave(b"q") == 0
    os.close(it.fd)
    assert str(run) in it.log.decode().splitlines()[-1]


def test_a_wrong_name_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    it = Terminal("-m", "rnnviz", "train", "sentiment-rn", "--data", "sample")
    it.until(b"Did you mean 'sentiment-rnn'?", 60)
    _, status = os.waitpid(it.pid, 0)
    os.close(it.fd)
    assert os.waitstatus_to_exitcode(status) == 2
