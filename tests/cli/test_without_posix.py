"""Plain output and training where modules and signals of POSIX are missing, as on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Hides what Windows lacks, as far as Python itself runs without it on POSIX, and runs rnnviz.
RUNNER = """
import errno, importlib.abc, os, signal, sys

HIDDEN = {"fcntl", "termios", "resource", "pwd", "grp", "tty", "pty"}

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def delete(module, *names):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

for name in HIDDEN:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hide())
delete(os, "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "fchmod", "killpg", "getpgrp",
       "sched_getaffinity")
delete(signal, "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGCONT", "SIGWINCH", "SIGALRM", "SIGUSR1",
       "SIGUSR2", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGPOLL", "pthread_sigmask")
delete(errno, "EDQUOT")
from rnnviz.__main__ import main
main()
"""


def run_without_posix(*arguments: str, data_home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUNNER, *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        env={**os.environ, "XDG_DATA_HOME": str(data_home)},
    )  # fmt: skip


def test_the_runner_hides_modules(tmp_path: Path) -> None:
    code = RUNNER.replace("from rnnviz.__main__ import main\nmain()", "import termios")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "No module named 'termios'" in done.stderr


def test_step(tmp_path: Path) -> None:
    done = run_without_posix("step", "not good", "--plain", data_home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\nPrediction" in done.stdout
    saved = tmp_path / "trace.npz"
    done = run_without_posix("step", "not good", "--save", str(saved), data_home=tmp_path)
    assert done.returncode == 0 and saved.is_file(), done.stderr


def test_train_and_resume(tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = run_without_posix(
        "train", "--plain", "--epochs", "1", "--limit", "100", "--out", str(run),
        data_home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "epoch 1/1" in done.stdout + done.stderr and (run / "best.safetensors").is_file()
    done = run_without_posix(
        "train", "--plain", "--resume", str(run), "--epochs", "2", data_home=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "epoch 2/2" in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["runs", "models", "recipes", "data", "doctor"])
def test_tables(command: str, tmp_path: Path) -> None:
    done = run_without_posix(command, data_home=tmp_path)
    assert done.returncode == 0, done.stderr
