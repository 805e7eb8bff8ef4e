"""A worker: builds one net in one framework, then trains it for n steps whenever it is told to.

A line of JSON comes in, a line of JSON goes out. Everything a framework prints goes to stderr.
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
    """A net, how it is trained, its starting weights, and N batches of one shape."""

    spec: dict[str, Any]  # a ModelSpec as JSON
    optimizer: str  # "rmsprop" or "adam", Keras's defaults
    rate: float
    weights: dict[str, Any]  # by the names and in the layout of rnnviz's weight files
    inputs: Any  # (N, T, B) ids or (N, T, B, D) measurements
    y: Any  # (N, B)

    @classmethod
    def read(cls, path: Path) -> BenchJob:
        """The job that :func:`rnnviz.bench.workloads.write` wrote."""
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        record = json.loads(str(arrays.pop("job")))
        inputs, y = arrays.pop("inputs"), arrays.pop("y")
        return cls(record["spec"], record["optimizer"], record["rate"], arrays, inputs, y)

    @property
    def masked(self) -> bool:
        """Whether the padding id 0 is skipped."""
        return bool(self.spec["source"].get("mask_zero"))


class Trainer(Protocol):
    """What every framework's module builds; ``others``, where it has that, are more processes."""

    version: str

    def prepare(self, inputs: Any, y: Any) -> Any:
        """One batch in the framework's own form."""

    def train(self, batches: list[Any]) -> float:
        """An update a batch; the loss of the last one, which exists only when all is done."""


def serve(build: Callable[[BenchJob], Trainer]) -> None:
    """Answer requests on stdin until it closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(record: dict[str, Any]) -> None:
        others = getattr(trainer, "others", ())
        memory = [peak_mb(), *(peak_mb(pid) for pid in others)]
        # What they share is counted in each.
        peak = None if None in memory else sum(mb or 0.0 for mb in memory)
        answers.write(json.dumps(record | {"peak_mb": peak, "processes": len(memory)}) + "\n")
        answers.flush()

    began = time.perf_counter()
    job = BenchJob.read(Path(json.loads(sys.stdin.readline())["job"]))
    trainer = build(job)
    batches = [trainer.prepare(x, y) for x, y in zip(job.inputs, job.y, strict=True)]
    # Before its first update every framework has the same weights: the losses must agree.
    loss = trainer.train(batches[:1])
    started = time.perf_counter() - began
    seconds, _ = _timed(trainer, batches)
    answer({
        "loss": loss, "start_s": started, "version": trainer.version,
        "seconds": seconds / len(batches),
    })  # fmt: skip
    for line in sys.stdin:
        steps = int(json.loads(line)["steps"])
        # The turns of the others have emptied the caches; a training run finds them filled.
        trainer.train(batches[:1])
        seconds, loss = _timed(trainer, [batches[n % len(batches)] for n in range(steps)])
        answer({"seconds": seconds, "loss": loss})


def _timed(trainer: Trainer, batches: list[Any]) -> tuple[float, float]:
    """Seconds, and the last loss."""
    began = time.perf_counter()
    loss = trainer.train(batches)
    return time.perf_counter() - began, loss


def peak_mb(pid: int | None = None) -> float | None:
    """The most memory this process ever had resident, in MB (10⁶ bytes); None where unknown.

    ``pid``: of that process.
    """
    try:
        # Linux: getrusage would count what the parent had when it started this process.
        for line in Path(f"/proc/{pid or 'self'}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    if pid is not None:
        return None
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
