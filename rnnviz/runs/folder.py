"""Runs on disk: what one says of itself, and where the others are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.files import read_json, user_path
from rnnviz.runs.record import Settled, checked, settled
from rnnviz.runs.result import read_result
from rnnviz.store import Stored, load
from rnnviz.training.history import read_history

#: What a run has before its spec.json, the file with which it begins.
_BEFORE_IT_BEGAN = ("vocabulary.json", "series.json", "history.jsonl")


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
            raise InvalidFileError(
                f"{self.path} has no spec.json: this run had not begun when it was stopped.\n"
                "Delete the folder and start again: rnnviz train RECIPE"
            )
        found: dict[str, Any] = read_json(path)
        if not isinstance(found, dict) or found.get("schema") != "rnnviz.run/1":
            raise InvalidFileError(f"{path} is not the record of a run.")
        checked(path, found)
        return found

    def settled(self) -> Settled:
        """What was settled when it began; InvalidFileError if the record does not say all of it."""
        return settled(self.path / "spec.json", self.record())

    def result(self) -> dict[str, Any] | None:
        """``result.json``: what a finished run came to; None for one that is not finished."""
        path = self.path / "result.json"
        return read_result(path) if path.is_file() else None

    def load(self) -> Stored:
        """The model with its best weights."""
        return load(str(self.path))


def runs_folder() -> Path:
    """Where runs go when no folder is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "runs"


def begun() -> list[Path]:
    """Run directories in the runs folder that have begun, newest first."""
    found = {path.parent: _written(path.parent) for path in runs_folder().glob("*/spec.json")}
    return sorted(found, key=lambda path: found[path], reverse=True)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it was deleted in this moment
        return 0.0


def runs() -> list[Path]:
    """Run directories with weights, newest first."""
    return [path for path in begun() if (path / "best.safetensors").is_file()]


def find_run(name: str | Path) -> Path:
    """The run directory of that path, name, unique beginning of a name, or the newest ("last").

    UsageError with the nearest name otherwise.
    """
    known = {path.name: path for path in begun()}
    if str(name) == "last" and known:
        return next(iter(known.values()))
    if str(name) in known:
        return known[str(name)]
    path = user_path(name)
    for place in (path, runs_folder() / path):
        if any((place / file).is_file() for file in ("spec.json", *_BEFORE_IT_BEGAN)):
            return place
    if path.is_dir() and len(path.parts) > 1:
        raise UsageError(f"{path} is no run: there is no spec.json in it.")
    return _beginning(str(name), known)


def _beginning(name: str, known: dict[str, Path]) -> Path:
    fitting = [path for each, path in known.items() if name and each.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(path.name for path in fitting[:4])
        more = f" and {len(fitting) - 4} more" if len(fitting) > 4 else ""
        raise UsageError(
            f"{len(fitting)} runs begin with {name!r}: {names}{more}. Type more of it."
        )
    if not known:
        raise UsageError(f"There is no run {name!r}, and none in {runs_folder()}.\nrnnviz train")
    raise UsageError(
        f"There is no run {name!r}.{nearest(name, known)} See what there is: rnnviz runs"
    )
