"""A run directory read back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnviz.errors import InvalidFileError
from rnnviz.files import read_json
from rnnviz.lookup import no_spec_error, run_directories
from rnnviz.messages import _
from rnnviz.model_files import StoredModel, load
from rnnviz.progress import Epoch
from rnnviz.runs.history import read_history
from rnnviz.runs.result import read_result
from rnnviz.runs.snapshot_files import Snapshot, read_snapshots
from rnnviz.runs.spec_json import RunSetup, check_fields, parse_setup


@dataclass(frozen=True)
class Run:
    """A finished or interrupted run on disk; every call reads its file again."""

    path: Path

    def history(self) -> list[Epoch]:
        """``history.jsonl``; InvalidFileError if it is missing or damaged."""
        return read_history(self.path / "history.jsonl")

    def record(self) -> dict[str, Any]:
        """``spec.json``; InvalidFileError if it is missing or damaged.

        The fields in it are checked, but a run of an earlier version may lack some: see ``setup``.
        """
        path = self.path / "spec.json"
        if not path.is_file():
            raise no_spec_error(self.path)
        record: dict[str, Any] = read_json(path)
        if not isinstance(record, dict) or record.get("schema") != "rnnviz.run/1":
            raise InvalidFileError(_("{path} is not the record of a run.").format(path=path))
        check_fields(path, record)
        return record

    def setup(self) -> RunSetup:
        """Recipe, options, net and fit of the run; InvalidFileError if spec.json lacks any."""
        return parse_setup(self.path / "spec.json", self.record())

    def result(self) -> dict[str, Any] | None:
        """``result.json``; None for a run that is not finished."""
        path = self.path / "result.json"
        return read_result(path) if path.is_file() else None

    def snapshots(self) -> list[Snapshot]:
        """The weights that were kept while training, in the order of their steps.

        InvalidFileError if a file does not say of which moment it is.
        """
        return read_snapshots(self.path)

    def saved_epoch(self) -> Epoch | None:
        """The epoch whose weights are in best.safetensors; None before the first one."""
        return saved_epoch(self.record(), self.result(), self.history())

    def load(self) -> StoredModel:
        """The model with the weights in best.safetensors: of the best epoch, or of the last one."""
        return load(str(self.path))


def saved_epoch(
    record: Mapping[str, Any], result: Mapping[str, Any] | None, history: Sequence[Epoch]
) -> Epoch | None:
    """The epoch whose weights are in best.safetensors; None before the first one.

    It is the best or the last epoch, as the recipe says.
    """
    if result is not None and result.get("best_epoch"):
        return next((epoch for epoch in history if epoch.number == result["best_epoch"]), None)
    if not history:
        return None
    fit = record.get("fit") or {}
    if fit.get("keep") == "last":
        return history[-1]
    monitor = fit.get("monitor") or ("accuracy" if "accuracy" in history[0].valid else "loss")
    best, best_value = history[0], None
    for epoch in history:  # compared as in training
        value = epoch.valid.get(monitor, math.nan)
        better = best_value is None or (
            value > best_value if monitor == "accuracy" else value < best_value
        )
        if better:
            best, best_value = epoch, value
    return best


def trained_runs() -> list[Path]:
    """Run directories with weights, newest first."""
    return [path for path in run_directories() if (path / "best.safetensors").is_file()]
