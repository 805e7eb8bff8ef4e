"""The trainings of lessons, each done once for all tests."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from rnnviz.cli import lesson_training
from rnnviz.progress import Event


def trained_once(
    wanted: Mapping[str, object],
    watch: Callable[[Event], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Train as a lesson says, unless a test of this or of another process has done so."""
    folder = Path(os.environ["RNNVIZ_TEST_RUNS"])
    name = hashlib.sha256(repr(sorted(wanted.items())).encode()).hexdigest()[:16]
    run = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "result.json").exists():
            lesson_training.train(wanted, watch, stop, run)
    return str(run)
