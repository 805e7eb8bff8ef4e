"""A run directory: what was trained, on what, how it went, and the best weights.

``spec.json`` (recipe, model, fit, data files and hashes, seed, versions) · ``history.jsonl`` (a
line an epoch) · ``best.safetensors`` · ``vocabulary.json``. Every file is written by temporary
file and rename, except the history, to which whole lines are appended.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.engine.model import Model, initialise
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import InterruptedTraining, MissingError, UsageError
from rnnviz.files import write_atomically
from rnnviz.recipes import Recipe, Task, find
from rnnviz.store import Stored, assets, load, pack, save
from rnnviz.training.events import Epoch, Event, Note
from rnnviz.training.fit import fit
from rnnviz.version import VERSION


@dataclass(frozen=True)
class Options:
    """What a user may change about a recipe; None leaves it as it is."""

    epochs: int | None = None
    batch_size: int | None = None
    units: int | None = None
    cell: str | None = None
    dropout: float | None = None
    recurrent_dropout: float | None = None
    limit: int | None = None  # rows of each data set
    seed: int = 0


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training on disk."""

    path: Path

    def history(self) -> list[dict[str, Any]]:
        """The lines of ``history.jsonl``, an epoch each."""
        lines = (self.path / "history.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def load(self) -> Stored:
        """The model with its best weights."""
        return load(str(self.path))


def runs_folder() -> Path:
    """Where runs go when no folder is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "runs"


def runs() -> list[Path]:
    """Run directories with weights, newest first."""
    found = [p.parent for p in runs_folder().glob("*/spec.json")]
    found = [path for path in found if (path / "best.safetensors").is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def data_path(data: str | Path | None) -> Path:
    """The folder of data sets: as named, "sample" for the package's own, or RNNVIZ_DATA."""
    if data is not None and str(data) == "sample":
        return assets() / "samples"
    folder = Path(data or os.environ.get("RNNVIZ_DATA", "")).expanduser()
    if (data or os.environ.get("RNNVIZ_DATA")) and folder.is_dir():
        return folder
    named = f"There is no data folder {folder}. " if str(folder) != "." else ""
    raise MissingError(
        f"{named}Name the folder with the data sets: --data DIR (or RNNVIZ_DATA=DIR), "
        "or train on the sample in the package: --data sample"
    )


def train(
    recipe: str,
    options: Options,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    watch: Callable[[Event], None] | None = None,
) -> Run:
    """Train a recipe into a run directory; the best (or, if it says so, the last) epoch is kept.

    UsageError for an unknown recipe or option, MissingError if its data is not there. An exception
    raised by ``watch``, or KeyboardInterrupt, leaves the run with its best weights so far.
    """
    say = watch or (lambda event: None)
    chosen = find(recipe)
    folder = data_path(data)
    path = _directory(chosen, out)
    task = chosen.prepare(folder, options.limit, options.seed, lambda text: say(Note(text)))
    spec, fit_spec = _changed(chosen, options, task)
    params = initialise(spec, options.seed)
    model = Model(spec, params)
    record: dict[str, Any] = {
        "schema": "rnnviz.run/1",
        "recipe": chosen.name,
        "title": chosen.title,
        "trained_on": task.trained_on,
        "example": chosen.example,
        "config": spec.to_json(),
        "labels": list(task.labels),
        "fit": asdict(fit_spec),
        "options": asdict(options),
        "data": task.files,
        "preparation": task.preparation,
        "licence": task.licence,
        "seed": options.seed,
        "device": "cpu",
        "versions": _versions(),
    }
    path.mkdir(parents=True, exist_ok=True)
    write_atomically(path / "vocabulary.json", json.dumps({"words": task.vocabulary.to_json()}))
    write_atomically(path / "spec.json", json.dumps(record, indent=1, ensure_ascii=False))
    (path / "history.jsonl").touch()
    best = -np.inf
    try:
        for event in fit(model, task.draw, task.valid, fit_spec):
            if isinstance(event, Epoch):
                if fit_spec.keep == "last" or event.valid["accuracy"] >= best:
                    best = event.valid["accuracy"]
                    write_atomically(path / "best.safetensors", pack(dict(event.params)))
                _append(path / "history.jsonl", event)
            say(event)
    except KeyboardInterrupt:
        kept = "its best epoch so far is kept" if np.isfinite(best) else "no epoch was finished"
        raise InterruptedTraining(f"Interrupted: {kept} in {path}") from None
    return Run(path)


def _directory(recipe: Recipe, out: str | Path | None) -> Path:
    if out is None:
        return runs_folder() / f"{recipe.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    path = Path(out).expanduser()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} is there already and not empty. Name a new folder with --out.")
    return path


def _changed(recipe: Recipe, options: Options, task: Task) -> tuple[ModelSpec, FitSpec]:
    spec = recipe.model(len(task.vocabulary))
    layers = spec.layers
    changes = {
        "cell": options.cell,
        "units": options.units,
        "dropout": options.dropout,
        "recurrent_dropout": options.recurrent_dropout,
    }
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    layers = tuple(replace(layer, **given) for layer in layers)
    try:
        spec = ModelSpec.from_json(json.loads(json.dumps(replace(spec, layers=layers).to_json())))
    except ValueError as error:
        raise UsageError(f"This net cannot be built: {error}.") from error
    changed = replace(recipe.fit, seed=options.seed)
    if options.epochs is not None:
        changed = replace(changed, epochs=options.epochs)
    if options.batch_size is not None:
        changed = replace(changed, batch_size=options.batch_size)
    return spec, changed


def _versions() -> dict[str, str]:
    return {
        "rnnviz": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _append(path: Path, epoch: Epoch) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(epoch.to_json()) + "\n")
        file.flush()
        os.fsync(file.fileno())


def export(name: str, path: Path) -> None:
    """Write a model as ``path`` (a .json) and its .safetensors in float16.

    A run's record becomes the model's: how it was trained, on which files, what it reached in each
    epoch.
    """
    stored = load(name)
    record: dict[str, Any] = {"name": path.stem}
    for key in ("title", "trained_on", "example", "licence", "metrics", "training"):
        if key in stored.record:
            record[key] = stored.record[key]
    if "recipe" in stored.record:
        history = Run(Path(name).expanduser()).history()
        if not history:
            raise UsageError(f"{name} has no finished epoch yet.")
        last = stored.record["fit"]["keep"] == "last"
        kept = history[-1] if last else max(reversed(history), key=_accuracy)
        record["metrics"] = {
            "validation_accuracy": kept["valid"]["accuracy"],
            "validation_loss": kept["valid"]["loss"],
            "epoch": kept["epoch"],
        }
        record["training"] = {
            "command": _command(stored.record),
            "epochs": len(history),
            "history": history,
            **{k: stored.record[k] for k in ("fit", "data", "preparation", "seed", "versions")},
        }
    save(path, stored.model, stored.vocabulary, stored.labels, record)


def _accuracy(line: Mapping[str, Any]) -> float:
    return float(line["valid"]["accuracy"])


def _command(record: Mapping[str, Any]) -> str:
    """The command that makes this run again."""
    given = {k: v for k, v in record["options"].items() if v is not None}
    flags = [f"--{k.replace('_', '-')} {v}" for k, v in given.items()]
    return " ".join(["rnnviz train", record["recipe"], *flags])
