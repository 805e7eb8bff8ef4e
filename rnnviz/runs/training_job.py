"""A training as data: what to train, or which run to resume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnviz.runs.control import Watch
from rnnviz.runs.options import Options
from rnnviz.runs.resume_run import resume
from rnnviz.runs.run import Run
from rnnviz.runs.train_recipe import train


@dataclass(frozen=True)
class TrainingJob:
    """The arguments of ``train``, or of ``resume`` if ``resume`` names a run."""

    recipe: str | None = None
    options: Options = field(default_factory=Options)
    data: str | Path | None = None
    out: str | Path | None = None
    resume: str | Path | None = None  # of the recipe and options only ``options.epochs`` counts
    time_budget: float | None = None  # seconds
    device: str = "auto"


def run_job(
    job: TrainingJob,
    *,
    stop: Callable[[], bool] | None = None,
    snapshot: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Train or resume; arguments and errors as in ``train`` and ``resume``."""
    common: dict[str, Any] = {
        "data": job.data, "time_budget": job.time_budget, "device": job.device,
        "stop": stop, "snapshot": snapshot, "watch": watch,
    }  # fmt: skip
    if job.resume is not None:
        return resume(job.resume, epochs=job.options.epochs, **common)
    if job.recipe is None:
        raise ValueError("a job needs a recipe, or a run to resume")
    return train(job.recipe, job.options, out=job.out, **common)
