"""Where models are, by the names they go by."""

from __future__ import annotations

from pathlib import Path

from rnnviz.errors import UsageError, nearest
from rnnviz.files import assets, user_path

DEFAULT = "sentiment-lstm"


def shipped() -> dict[str, Path]:
    """The shipped models: name to JSON path."""
    return {path.stem: path for path in sorted((assets() / "models").glob("*.json"))}


def locate(name: str) -> tuple[Path, Path]:
    """The JSON and the weights of a model.

    Of a run directory: its best weights, or any other file of weights in it, named by its path.
    """
    if name in (known := shipped()):
        return known[name], weights_of(known[name])
    if not name:
        raise UsageError("A model needs a name. See what there is: rnnviz models")
    path = user_path(name)
    if path.is_dir() and (path / "spec.json").is_file():
        return path / "spec.json", weights_of(path / "spec.json")
    if path.is_file():
        record = path.with_suffix(".json") if path.suffix == ".safetensors" else path
        if record != path and not record.is_file() and path.with_name("spec.json").is_file():
            return path.with_name("spec.json"), path
        return record, weights_of(record)
    if "/" in name or "\\" in name or path.suffix:
        raise UsageError(f"There is no model file {name}. See what there is: rnnviz models")
    raise UsageError(
        f"Unknown model {name!r}.{nearest(name, known)} See what there is: rnnviz models"
    )


def weights_of(path: Path) -> Path:
    """The weight file that belongs to a model's JSON or a run's spec.json."""
    name = "best" if path.name == "spec.json" else path.stem
    return path.parent / f"{name}.safetensors"
