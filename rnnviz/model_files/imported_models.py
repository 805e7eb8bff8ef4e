"""The folder of imported models: adding one, removing one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.display import json_text
from rnnviz.errors import RnnvizError, UsageError, nearest
from rnnviz.files import JSON_LIMIT, read_json, read_limited, write_output
from rnnviz.lookup import BUGGY_COPIES, imported, imported_folder, runs_folder, shipped, weights_of
from rnnviz.model_files.foreign import ForeignModel
from rnnviz.model_files.loader import load
from rnnviz.model_files.weights import MAX_BYTES
from rnnviz.model_files.writer import save

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def usual_name(path: Path, part: str = "") -> str:
    """The name of a model from that of its file, and of its part: ``lstm_model``."""
    stem = path.parent.name if path.name == "model.json" else path.stem
    stem = stem.removesuffix(".pth").removesuffix(".weights")
    joined = f"{stem}-{part}" if part else stem
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", joined).strip("-._")[:60]
    name = plain or "model"
    return f"{name}-imported" if name in _taken() else name


def check_name(name: str, sha256: str = "") -> None:
    """UsageError for a name that cannot be one, or that another model has.

    An imported model of a file with this SHA-256 is replaced.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--as {name}: a name has letters, digits, dots, - and _, and begins with a letter or "
            "a digit."
        )
    if name in _taken():
        raise UsageError(f"--as {name}: another model has this name. Choose another one.")
    own = imported().get(name)
    if own is not None and _source(own).get("sha256") != sha256:
        raise UsageError(
            f"There is an imported model {name} already, of another file. Choose another name: "
            f"--as NAME\nor remove it: rnnviz models remove {name}"
        )


def add(found: ForeignModel, name: str) -> Path:
    """Save a net of another framework as float32; the path of its JSON."""
    stored = found.stored
    check_name(name, stored.record["imported"]["sha256"])
    path = _folder() / f"{name}.json"
    record = {"name": name, **stored.record}
    save(path, stored.model, stored.encoder, stored.labels, record, dtype=np.float32)
    return path


def add_copy(record: Path, name: str) -> Path:
    """Copy a model of rnnviz, its JSON and weights, into the folder; the path of its JSON."""
    load(str(record))  # damage is reported before anything is written
    document = read_json(record)
    check_name(name, str(document.get("weights_sha256", "")))
    weights = read_limited(weights_of(record), MAX_BYTES)
    path = _folder() / f"{name}.json"
    write_output(weights_of(path), weights)
    document |= {
        "name": name, "weights": weights_of(path).name,
        "imported": {"file": record.name, "sha256": document.get("weights_sha256", "")},
    }  # fmt: skip
    text = json_text(document, indent=1) + "\n"
    if len(text.encode()) > JSON_LIMIT:
        raise RnnvizError(f"{record} is too large to be copied.")
    write_output(path, text)
    return path


def remove(name: str) -> tuple[Path, ...]:
    """Delete an imported model; its files. UsageError if there is none of that name."""
    known = imported()
    if name not in known:
        origin = "It is not an imported one. " if name in _taken() else ""
        raise UsageError(
            f"There is no imported model {name!r}. {origin}{nearest(name, known).strip()} "
            "See what there is: rnnviz models"
        )
    # The JSON first: weights without one are no model.
    files = (known[name], weights_of(known[name]))
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RnnvizError(f"{path} cannot be deleted: {error.strerror or error}.") from error
    return files


def _folder() -> Path:
    folder = imported_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RnnvizError(f"{folder} cannot be made: {error.strerror or error}.") from error
    return folder


def _taken() -> set[str]:
    """The names of models that are not imported."""
    runs = runs_folder()
    named = {path.name for path in runs.iterdir()} if runs.is_dir() else set()
    return {*shipped(), *BUGGY_COPIES, *named, "last"}


def _source(path: Path) -> dict[str, Any]:
    """What the record of an imported model says about its file; {} for a damaged one."""
    try:
        record = read_json(path)
    except RnnvizError:
        return {}
    found = record.get("imported") if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}
