"""One run of a reproduction, in this process or another: arguments and results are plain data."""

from __future__ import annotations

import os
import platform
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz import runs
from rnnviz.display import json_text
from rnnviz.engine.param_count import parameters
from rnnviz.engine.spec import ModelSpec
from rnnviz.errors import InterruptedTraining, InvalidFileError, RnnvizError
from rnnviz.files import read_json, write_atomically
from rnnviz.messages import N_, _, set_language
from rnnviz.version import VERSION

#: Files of a run that was killed before spec.json was written.
_BEFORE_SPEC = ("history.jsonl", "vocabulary.json", "series.json", ".*.*.*")


#: How the runs shared a machine, as ``machine.json`` has it.
ONE_AT_A_TIME = N_("one at a time")


@dataclass(frozen=True)
class ReproduceJob:
    """What to train, on which data, into which run directory."""

    recipe: str  # NAME or NAME:VARIANT
    seed: int
    epochs: int | None
    limit: int | None
    data: str
    path: str

    @property
    def finished(self) -> bool:
        """Whether it has a result."""
        return (Path(self.path) / "result.json").is_file()

    def options(self) -> runs.Options:
        """The changes to the recipe."""
        variant = self.recipe.partition(":")[2] or None
        return runs.Options(epochs=self.epochs, limit=self.limit, seed=self.seed, variant=variant)

    def training(self, *, resume: bool) -> runs.TrainingJob:
        """The training of this run, or of the rest of it."""
        if resume:
            return runs.TrainingJob(data=self.data, resume=self.path)
        return runs.TrainingJob(self.name, self.options(), self.data, self.path, device="cpu")

    @property
    def name(self) -> str:
        """The recipe without its variant."""
        return self.recipe.partition(":")[0]


def run(job: ReproduceJob, stop: str | None = None, manner: str = ONE_AT_A_TIME) -> dict[str, Any]:
    """Train, resume, or only read a run; "recipe", "seed", "state", "message" and results in "run".

    The state is "finished", "reused", "interrupted" or "failed". The run is saved and ends as soon
    as the file ``stop`` exists. ``manner`` says how many runs shared the machine.
    """
    outcome: dict[str, Any] = {"recipe": job.recipe, "seed": job.seed, "message": ""}
    try:
        state = _train(job, None if stop is None else Path(stop), manner)
        return {**outcome, "state": state, "run": results(Path(job.path))}
    except (InterruptedTraining, KeyboardInterrupt) as error:
        return {**outcome, "state": N_("interrupted"), "message": str(error), "run": None}
    except RnnvizError as error:
        return failure(job, str(error))
    except Exception as error:
        # The other runs continue.
        return failure(job, f"{type(error).__name__}: {error}")


def run_in_worker(job: ReproduceJob, stop: str, manner: str, lang: str) -> dict[str, Any]:
    """``run`` in a process that ignores ctrl+c: only the file ``stop`` stops it.

    ``lang`` is the language of its messages.
    """
    set_language(lang)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return run(job, stop, manner)


def failure(job: ReproduceJob, message: str) -> dict[str, Any]:
    """The outcome of a failed job; folders of this machine are removed from the message."""
    public = message.replace(job.path, _("the run")).replace(job.data, _("the data folder"))
    outcome = {"recipe": job.recipe, "seed": job.seed, "message": public}
    return {**outcome, "state": N_("failed"), "run": None}


def _train(job: ReproduceJob, stop: Path | None, manner: str) -> str:
    path = Path(job.path)
    if job.finished:
        return "reused"
    stopped = stop.exists if stop is not None else lambda: False
    resumed = (path / "spec.json").is_file()
    if not resumed:
        for name in _BEFORE_SPEC:
            for leftover in path.glob(name):
                leftover.unlink()
    runs.run_job(job.training(resume=resumed), stop=stopped)
    write_atomically(path / "machine.json", json_text(machine(manner)) + "\n")
    return "finished"


def machine(manner: str) -> dict[str, Any]:
    """Properties of this machine, without its name."""
    try:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (AttributeError, ValueError, OSError):  # not on Windows
        memory = None
    usable = getattr(os, "sched_getaffinity", None)
    return {
        "cores": len(usable(0)) if usable else os.cpu_count(),
        "architecture": platform.machine(),
        "memory_gib": memory,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "rnnviz": VERSION,
        "runs": manner,
    }


def results(path: Path) -> dict[str, Any]:
    """The results of a finished run, by the metric that was published."""
    run = runs.Run(path)
    record, result, history = run.record(), run.result(), run.history()
    assert result is not None
    published = record["published"] or {}
    name = published.get("metric") or record["metric"]["name"]
    of = published.get("of") or "validation"
    test = (result["test"] or {}).get(name)
    best_of = max if record["metric"]["better"] == "high" else min
    best = best_of(epoch.valid[name] for epoch in history)
    return {
        "metric": {"name": name, "of": of, "better": record["metric"]["better"]},
        "published": {key: published.get(key) for key in ("value", "source")},
        "ours": test if of == "test" else best,
        "test": test,
        "parameters": _count(record["config"]),
        "data": record["trained_on"],
        "seconds": result["seconds"],
        "epochs": result["epochs"] if record["config"] else None,
        "machine": _machine_of(path),
    }


def _count(config: Any) -> int:
    return 0 if config is None else sum(r.count for r in parameters(ModelSpec.from_json(config)))


def _machine_of(path: Path) -> Mapping[str, Any] | None:
    # Missing if the run was killed after its result, or trained by another command.
    try:
        machine = read_json(path / "machine.json")
    except InvalidFileError:
        return None
    return machine if isinstance(machine, dict) else None
