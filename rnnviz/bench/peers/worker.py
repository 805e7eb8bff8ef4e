"""A worker: builds one net in one framework, and trains it for n steps on request.

Requests and answers are lines of JSON on stdin and stdout; what a framework prints goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class BenchJob:
    """A net, its optimizer, its initial weights, and N batches of one shape."""

    spec: dict[str, Any]  # a ModelSpec as JSON
    optimizer: str  # "rmsprop" or "adam", Keras's defaults
    rate: float
    weights: dict[str, Any]  # as in rnnviz's weight files
    inputs: Any  # (N, T, B) ids or (N, T, B, D) measurements
    y: Any  # (N, B), or (N, T, B) where the head reads every step

    @classmethod
    def read(cls, path: Path) -> BenchJob:
        """The job that :func:`rnnviz.bench.workloads.write` wrote."""
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        record = json.loads(str(arrays.pop("job")))
        inputs, y = arrays.pop("inputs"), arrays.pop("y")
        return cls(record["spec"], record["optimizer"], record["rate"], arrays, inputs, y)

    @property
    def every_step(self) -> bool:
        """Whether the head reads every step."""
        return bool(self.spec["head"].get("reads") == "steps")

    @property
    def masked(self) -> bool:
        """Whether the padding id 0 is skipped."""
        return bool(self.spec["source"].get("mask_zero"))


class Trainer(Protocol):
    """A net with its optimizer, made by ``build`` of each framework's module."""

    version: str

    def prepare(self, inputs: Any, y: Any) -> Any:
        """One batch as the framework's own arrays."""

    def train(self, batches: list[Any]) -> float:
        """One update per batch; the loss of the last one, after all are finished."""


def serve(build: Callable[[BenchJob], Trainer]) -> None:
    """Answer requests on stdin until it closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(record: dict[str, Any]) -> None:
        answers.write(json.dumps(record | {"peak_mb": peak_mb()}) + "\n")
        answers.flush()

    began = time.perf_counter()
    job = BenchJob.read(Path(json.loads(sys.stdin.readline())["job"]))
    trainer = build(job)
    batches = [trainer.prepare(x, y) for x, y in zip(job.inputs, job.y, strict=True)]
    # All frameworks have the same weights before the first update, so these losses must agree.
    loss = trainer.train(batches[:1])
    started = time.perf_counter() - began
    seconds, _ = _timed(trainer, batches)
    answer({
        "loss": loss, "start_s": started, "version": trainer.version,
        "seconds": seconds / len(batches),
    })  # fmt: skip
    for line in sys.stdin:
        steps = int(json.loads(line)["steps"])
        # The other workers have evicted the caches, which are warm in a training run.
        trainer.train(batches[:1])
        seconds, loss = _timed(trainer, [batches[n % len(batches)] for n in range(steps)])
        answer({"seconds": seconds, "loss": loss})


def _timed(trainer: Trainer, batches: list[Any]) -> tuple[float, float]:
    """Seconds, and the last loss."""
    began = time.perf_counter()
    loss = trainer.train(batches)
    return time.perf_counter() - began, loss


def peak_mb() -> float | None:
    """The peak resident memory of this process in MB (10⁶ bytes); None where unknown."""
    try:
        # Linux: getrusage would include the memory of the parent before exec.
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
