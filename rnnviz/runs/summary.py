"""All of a run directory at one moment, for tables and charts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rnnviz.errors import InvalidFileError
from rnnviz.messages import _
from rnnviz.progress import Epoch, net_writes
from rnnviz.runs.lock import is_locked
from rnnviz.runs.run import Run, saved_epoch


@dataclass(frozen=True)
class RunSummary:
    """The files of a run directory."""

    path: Path
    spec: Mapping[str, Any]
    result: Mapping[str, Any]  # {} while it is not finished
    history: tuple[Epoch, ...]
    saved: Epoch | None = None  # the epoch whose weights are in best.safetensors

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name or self.path.resolve().name

    @property
    def epochs(self) -> int:
        """The number of epochs asked for; 0 for a rule that is not trained."""
        trained = self.spec.get("config") is not None
        return int(self.spec["fit"]["epochs"]) if trained else 0

    @property
    def state(self) -> str:
        """ "finished", "stopped early", "running" or "interrupted".

        A run that has all its epochs but no test result yet is interrupted too.
        """
        if self.result:
            return "stopped early" if self.result.get("stopped_early") else "finished"
        return "running" if is_locked(self.path) else "interrupted"

    @property
    def metric(self) -> str:
        """The main metric: as the run says, else "accuracy" or "mae", else the loss."""
        name = _mapping(self.spec.get("metric")).get("name")
        return str(name) if name else next((m for m in self.metrics if m != "loss"), "loss")

    @property
    def shown_metric(self) -> str:
        """The main metric in tables and charts: the bits a token of a net that writes."""
        return "bits" if net_writes(self.spec.get("config")) else self.metric

    @property
    def metrics(self) -> list[str]:
        """All metrics in the history, the loss first."""
        names = {name for epoch in self.history for name in (*epoch.train, *epoch.valid)}
        return sorted(names, key=lambda name: (name != "loss", name))

    def better(self, metric: str) -> Literal["high", "low"]:
        """Whether high or low values of a metric are good."""
        record = _mapping(self.spec.get("metric"))
        if record.get("name") == metric and "better" in record:
            return "high" if record["better"] == "high" else "low"
        return "high" if metric == "accuracy" else "low"

    @property
    def published(self) -> Mapping[str, Any]:
        """The published number: "metric", "value", "source", "of"; {} if there is none."""
        record = _mapping(self.spec.get("published"))
        value = record.get("value")
        return record if isinstance(value, int | float) and math.isfinite(value) else {}

    def values(self, part: Literal["train", "valid"], metric: str) -> list[float]:
        """(epochs) one metric; NaN where it was not measured."""
        return [getattr(epoch, part).get(metric, math.nan) for epoch in self.history]

    def best(self, metric: str) -> Epoch | None:
        """The epoch with the best validation value, of equals the first."""
        from rnnviz.charts import best_of

        index = best_of(self.values("valid", metric), self.better(metric))
        return None if index is None else self.history[index]

    @property
    def modified(self) -> float:
        """When the history was last written, as a time stamp."""
        return (self.path / "history.jsonl").stat().st_mtime


def read_summary(path: Path) -> RunSummary:
    """The run in a directory; InvalidFileError if a file of it is missing or damaged."""
    run = Run(path)
    spec = run.record()
    if "recipe" not in spec or "epochs" not in (spec.get("fit") or {}):
        raise InvalidFileError(
            _("{file} names no recipe or no number of epochs.").format(file=path / "spec.json")
        )
    history, result = run.history(), run.result()
    if net_writes(spec.get("config")):
        history = [epoch.with_bits() for epoch in history]
    saved = saved_epoch(spec, result, history)
    return RunSummary(path, spec, result or {}, tuple(history), saved)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
