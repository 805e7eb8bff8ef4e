"""Our cost as a function of sequence length, batch size, and number of batches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.bench.process import OURS
from rnnviz.bench.timing import TimingTask, measure
from rnnviz.bench.workloads import Workload, write
from rnnviz.errors import RnnvizError
from rnnviz.messages import N_, _, translated


@dataclass(frozen=True)
class ScalingCurve:
    """Median ms and peak memory at several values of one size."""

    workload: str
    varied: str
    sizes: tuple[int, ...]
    ms: tuple[float, ...]
    peak_mb: tuple[float | None, ...]

    @property
    def exponent(self) -> float:
        """The least-squares slope of log ms over log size: 1 means proportional."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.ms), 1)[0])

    def to_json(self) -> dict[str, Any]:
        """The fields and the exponent."""
        return asdict(self) | {"exponent": self.exponent}

    def line(self) -> str:
        """``batch  32: 20.1 ms, 80 MB   64: …   exponent 0.97``."""
        points = [
            f"{n}: {ms:.1f} ms" + ("" if mb is None else f", {mb:.0f} MB")
            for n, ms, mb in zip(self.sizes, self.ms, self.peak_mb, strict=True)
        ]
        line = _("  {varied:8}  {points}   exponent {exponent:.2f}")
        return line.format(
            varied=translated(self.varied), points="   ".join(points), exponent=self.exponent
        )


def measure_scaling(
    workload: Workload,
    rounds: int,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
) -> list[ScalingCurve]:
    """Vary T, B and the number of batches of a workload by a factor of four; ours only.

    The cost is that of a step for T and B, and of all batches for their number.
    """
    T, B = workload.steps, workload.batch
    longer = tuple(max(1, round(T * share)) for share in (0.25, 0.5, 1))
    wider = (max(1, B // 2), B, 2 * B)
    varied: dict[str, list[tuple[int, Workload, int | None]]] = {
        N_("steps"): [(n, workload.resized(n, B), None) for n in longer],
        N_("batch"): [(n, workload.resized(T, n), None) for n in wider],
        N_("batches"): [(n, workload, n) for n in (3, 6, 12)],
    }
    curves = []
    for name, cases in varied.items():
        say(f"{workload.name}: {translated(name)}")
        tasks = [
            TimingTask(OURS, _written(case, folder / f"{name}-{size}.npz"), count)
            for size, case, count in cases
        ]
        results = measure(tasks, sys.executable, rounds)
        for result in results:
            if result.ms is None or result.error:
                raise RnnvizError(result.error or _("Nothing was measured."))
        ms = tuple((r.ms or 0.0) * (t.steps or 1) for r, t in zip(results, tasks, strict=True))
        memory = tuple(r.peak_mb for r in results)
        curves.append(ScalingCurve(workload.name, name, tuple(n for n, _, _ in cases), ms, memory))
    return curves


def _written(workload: Workload, path: Path) -> Path:
    write(workload, path)
    return path
