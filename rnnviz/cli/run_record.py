"""A training run read back from its directory, for the table and the charts."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rnnviz.errors import InvalidFileError


@dataclass(frozen=True)
class EpochLine:
    """One epoch of ``history.jsonl``; a value that is null or not finite in it is NaN here."""

    epoch: int
    train: Mapping[str, float]
    valid: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Record:
    """What a run directory says."""

    path: Path
    spec: Mapping[str, Any]
    result: Mapping[str, Any]  # {} while it is not finished
    history: tuple[EpochLine, ...]
    kept_epoch: int | None = None  # whose weights are in the directory

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name or self.path.resolve().name

    @property
    def kept(self) -> EpochLine | None:
        """The epoch whose weights are kept, which is the best or, if the recipe says so, the last.

        None before the first one.
        """
        return next((line for line in self.history if line.epoch == self.kept_epoch), None)

    @property
    def epochs(self) -> int:
        """How many epochs were asked for; 0 for a rule that is not trained."""
        trained = self.spec.get("config") is not None
        return int(self.spec["fit"]["epochs"]) if trained else 0

    @property
    def state(self) -> str:
        """ "finished", "stopped early", "running" or "interrupted".

        Interrupted is also who has all epochs but not its test: there is something left to do.
        """
        if self.result:
            return "stopped early" if self.result.get("stopped_early") else "finished"
        return "running" if _locked(self.path) else "interrupted"

    @property
    def metric(self) -> str:
        """The metric that counts: as the run says, else "accuracy" or "mae", else the loss."""
        said = _mapping(self.spec.get("metric")).get("name")
        return str(said) if said else next((m for m in self.metrics if m != "loss"), "loss")

    @property
    def metrics(self) -> list[str]:
        """What was measured, the loss first."""
        found = {name for line in self.history for name in (*line.train, *line.valid)}
        return sorted(found, key=lambda name: (name != "loss", name))

    def better(self, metric: str) -> Literal["high", "low"]:
        """Whether high or low values of a metric are good."""
        said = _mapping(self.spec.get("metric"))
        if said.get("name") == metric and "better" in said:
            return "high" if said["better"] == "high" else "low"
        return "high" if metric == "accuracy" else "low"

    @property
    def published(self) -> Mapping[str, Any]:
        """The number to reach: "metric", "value", "source", "of"; {} if there is none."""
        said = _mapping(self.spec.get("published"))
        value = said.get("value")
        return said if isinstance(value, int | float) and math.isfinite(value) else {}

    def values(self, part: Literal["train", "valid"], metric: str) -> list[float]:
        """(epochs) one metric; NaN where it was not measured."""
        return [getattr(line, part).get(metric, math.nan) for line in self.history]

    def best(self, metric: str) -> EpochLine | None:
        """The epoch with the best validation value, of equals the first."""
        from rnnviz.charts import best_of

        index = best_of(self.values("valid", metric), self.better(metric))
        return None if index is None else self.history[index]

    @property
    def when(self) -> float:
        """When something was last written, as a time stamp."""
        return (self.path / "history.jsonl").stat().st_mtime


def read(path: Path) -> Record:
    """The run in a directory; InvalidFileError if a file of it is missing or damaged."""
    from rnnviz.runs import Run, kept_epoch

    run = Run(path)
    spec = run.record()
    if "recipe" not in spec or "epochs" not in (spec.get("fit") or {}):
        raise InvalidFileError(f"{path / 'spec.json'} names no recipe or no number of epochs.")
    history, result = run.history(), run.result()
    lines = (
        EpochLine(line["epoch"], line["train"], line["valid"], line["seconds"]) for line in history
    )
    return Record(path, spec, result or {}, tuple(lines), kept_epoch(spec, result, history))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _locked(path: Path) -> bool:
    """Whether a process trains in the directory: it holds a lock on it while it does."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return False
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
