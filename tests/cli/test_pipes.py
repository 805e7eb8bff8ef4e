"""A reader that leaves early: quiet, no error, and no reason to end a training."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from rnnviz.cli import run

TRAIN = ("train", "sentiment-rnn", "--data", "sample", "--limit", "50", "--units", "2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with a curve to draw."""
    path = str(tmp_path_factory.mktemp("runs") / "small")
    assert run([*TRAIN, "--epochs", "1", "-q", "--out", path]) == 0
    return path


def called(
    *args: str, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> subprocess.CompletedProcess[bytes]:
    """The command with its own end of a pipe; nobody has the other one."""
    command = [sys.executable, "-m", "rnnviz", *args]
    return subprocess.run(command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL)


@pytest.fixture
def closed() -> IO[bytes]:
    """A pipe that nobody reads: unlike ``| head -1``, from the first character on."""
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "wb")


@pytest.mark.parametrize(
    "command",
    [
        "", "--help", "recipes", "data", "doctor", "runs plot RUN", "runs show RUN --json",
        "step good --json", "step good --jsonl",
    ],
)  # fmt: skip
def test_a_closed_pipe_is_quiet_and_no_error(command: str, trained: str, closed: IO[bytes]) -> None:
    args = command.replace("RUN", trained).split()
    with closed:
        done = called(*args, stdout=closed, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_error_keeps_its_code_when_nobody_hears_it(closed: IO[bytes]) -> None:
    with closed:
        done = called("recipse", stdout=subprocess.PIPE, stderr=closed)
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("plain", [(), ("--plain",)])
def test_a_training_goes_on_when_nobody_hears_of_it(
    plain: tuple[str, ...], tmp_path: Path, closed: IO[bytes]
) -> None:
    out = tmp_path / "run"
    with closed:
        done = called(
            *TRAIN, "--epochs", "2", "--out", str(out), *plain, stdout=closed, stderr=closed
        )
    assert done.returncode == 0
    assert (out / "result.json").is_file()


def test_losing_the_narration_leaves_what_is_printed(tmp_path: Path, closed: IO[bytes]) -> None:
    out = tmp_path / "run"
    with closed:
        done = called(
            *TRAIN, "--epochs", "1", "--out", str(out), stdout=subprocess.PIPE, stderr=closed
        )
    assert (done.returncode, done.stdout) == (0, f"{out}\n".encode())
