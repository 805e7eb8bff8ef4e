"""Runs on disk: what one says of itself, and where the others are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnviz.errors import InvalidFileError
from rnnviz.files import read_json
from rnnviz.model_files import StoredModel, load
from rnnviz.model_files.places import begun, not_begun
from rnnviz.runs.result import read_result
from rnnviz.runs.spec_json import RunSetup, checked, settled
from rnnviz.training.history import read_history


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training on disk."""

    path: Path

    def history(self) -> list[dict[str, Any]]:
        """The whole lines of ``history.jsonl``, an epoch each, as ``read_history`` gives them."""
        return read_history(self.path / "history.jsonl")

    def record(self) -> dict[str, Any]:
        """``spec.json``; InvalidFileError if the run had not begun or the file is damaged.

        What is in it is checked, but a run of before may lack some of it: see ``settled``.
        """
        path = self.path / "spec.json"
        if not path.is_file():
            raise not_begun(self.path)
        found: dict[str, Any] = read_json(path)
        if not isinstance(found, dict) or found.get("schema") != "rnnviz.run/1":
            raise InvalidFileError(f"{path} is not the record of a run.")
        checked(path, found)
        return found

    def settled(self) -> RunSetup:
        """What was settled when it began; InvalidFileError if the record does not say all of it."""
        return settled(self.path / "spec.json", self.record())

    def result(self) -> dict[str, Any] | None:
        """``result.json``: what a finished run came to; None for one that is not finished."""
        path = self.path / "result.json"
        return read_result(path) if path.is_file() else None

    def kept(self) -> dict[str, Any] | None:
        """The line of the epoch whose weights are kept; None before the first one."""
        history = self.history()
        number = kept_epoch(self.record(), self.result(), history)
        return next((line for line in history if line["epoch"] == number), None)

    def load(self) -> StoredModel:
        """The model with the weights that were kept: of the best epoch, or of the last one."""
        return load(str(self.path))


def kept_epoch(
    record: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    history: Sequence[Mapping[str, Any]],
) -> int | None:
    """The epoch whose weights a run has kept in ``best.safetensors``; None before the first one.

    It is what the run is stepped through with, validated and tested; whether it is the best or the
    last epoch is a matter of the recipe.
    """
    if result is not None and result.get("best_epoch"):
        return int(result["best_epoch"])
    if not history:
        return None
    fit = record.get("fit") or {}
    if fit.get("keep") == "last":
        return int(history[-1]["epoch"])
    monitor = fit.get("monitor") or ("accuracy" if "accuracy" in history[0]["valid"] else "loss")
    best, kept = None, history[0]["epoch"]
    for line in history:  # as the training compares them
        value = line["valid"].get(monitor, math.nan)
        if best is None or (value > best if monitor == "accuracy" else value < best):
            best, kept = value, line["epoch"]
    return int(kept)


def runs() -> list[Path]:
    """Run directories with weights, newest first."""
    return [path for path in begun() if (path / "best.safetensors").is_file()]
