"""A training that is killed again and again comes to the weights of one that was not."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

SCRIPT = Path(__file__).with_name("tiny.py")
EPOCHS = 12


def start(out: Path) -> subprocess.Popen[str]:
    """The training in a process of its own, as soon as it is past its imports."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(out), str(EPOCHS)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(out: Path) -> None:
    """Let it go to its end."""
    _, said = start(out).communicate(timeout=120)
    assert (out / "result.json").is_file(), said


def result(
    out: Path,
) -> tuple[dict[str, np.ndarray], list[dict[str, object]], dict[str, object], dict[str, bytes]]:
    """Weights, optimizer and averages at the end; history; result; snapshots: but for the time."""
    arrays = load_file(out / "last.safetensors")
    arrays |= {f"best {name}": a for name, a in load_file(out / "best.safetensors").items()}
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    ended = json.loads((out / "result.json").read_text())
    kept = {file.name: file.read_bytes() for file in (out / "snapshots").iterdir()}
    timeless = {**ended, "seconds": 0, "snapshot_seconds": 0}
    return arrays, [{**line, "seconds": 0} for line in lines], timeless, kept


def kill_often(folder: Path, kills: int, seed: int) -> int:
    """Kill trainings at random moments ``kills`` times; the number that came to their end."""
    whole = folder / "whole"
    began = time.monotonic()
    finish(whole)
    span = time.monotonic() - began
    wanted, rng = result(whole), random.Random(seed)
    assert len(wanted[3]) == 24
    done, ended = 0, 0
    out = folder / "killed"
    while done < kills or out.exists():
        process = start(out)
        if done < kills:
            try:
                process.wait(rng.uniform(0, span / 3))
            except subprocess.TimeoutExpired:
                process.kill()
                done += 1
        _, said = process.communicate(timeout=120)
        assert "Error" not in said, said
        if out.is_dir() and not (out / "spec.json").is_file():
            shutil.rmtree(out)  # it had not begun; a resume says so
        if (out / "result.json").is_file():
            found = result(out)
            assert found[1:] == wanted[1:]
            assert set(found[0]) == set(wanted[0])
            for name, a in found[0].items():
                np.testing.assert_array_equal(a, wanted[0][name])
            assert not list(out.glob(".*")), "halves of files are left"
            shutil.rmtree(out)
            ended += 1
    return ended


def test_six_kills_change_nothing(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 6, seed=1) >= 1


@pytest.mark.kills
def test_fifty_kills_change_nothing(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 50, seed=2) >= 1
