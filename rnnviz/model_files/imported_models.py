"""The folder of imported models: adding one, removing one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.data.encoders import encoder_fields
from rnnviz.display import json_text
from rnnviz.errors import RnnvizError, UsageError, nearest, system_reason
from rnnviz.files import JSON_LIMIT, read_json, read_limited, write_output
from rnnviz.lookup import BUGGY_COPIES, imported, imported_folder, runs_folder, shipped, weights_of
from rnnviz.messages import _
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


def check_name(name: str) -> None:
    """UsageError for a name that cannot be one, or that a model has that is not imported."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            _(
                "--as {name}: a name has letters, digits, dots, - and _, and begins with a "
                "letter or a digit."
            ).format(name=name)
        )
    if name in _taken():
        raise UsageError(
            _("--as {name}: another model has this name. Choose another one.").format(name=name)
        )


def _check_replaced(name: str, document: dict[str, Any]) -> None:
    """UsageError where an imported model of that name has other content than ``document``."""
    own = imported().get(name)
    if own is None:
        return
    try:
        there = read_json(own)
    except RnnvizError:  # damaged
        there = None
    new = json.loads(json_text(document))
    if not isinstance(there, dict) or any(there.get(key) != new[key] for key in new):
        raise UsageError(
            _(
                "There is an imported model {name} already, with other content. Replace it "
                "with --replace, choose another name with --as NAME, or remove it:\n"
                "rnnviz models remove {name}"
            ).format(name=name)
        )


def add(found: ForeignModel, name: str, *, replace: bool = False) -> Path:
    """Save a net of another framework as float32; the path of its JSON.

    UsageError where the name is taken: an imported model of other content is only replaced if
    ``replace``.
    """
    stored = found.stored
    check_name(name)
    path = _folder() / f"{name}.json"
    record = {"name": name, **stored.record}
    if not replace:
        words = encoder_fields(stored.encoder)
        _check_replaced(name, {**record, "labels": list(stored.labels), **words})
    save(path, stored.model, stored.encoder, stored.labels, record, dtype=np.float32)
    return path


def add_copy(record: Path, name: str, *, replace: bool = False) -> Path:
    """Copy a model of rnnviz, its JSON and weights, into the folder; the path of its JSON.

    Names and ``replace`` as in :func:`add`.
    """
    load(str(record))  # damage is reported before anything is written
    document = read_json(record)
    check_name(name)
    weights = read_limited(weights_of(record), MAX_BYTES)
    path = _folder() / f"{name}.json"
    document |= {
        "name": name, "weights": weights_of(path).name,
        "imported": {"file": record.name, "sha256": document.get("weights_sha256", "")},
    }  # fmt: skip
    if not replace:
        _check_replaced(name, document)
    text = json_text(document, indent=1) + "\n"
    if len(text.encode()) > JSON_LIMIT:
        raise RnnvizError(_("{file} is too large to be copied.").format(file=record))
    write_output(weights_of(path), weights)
    write_output(path, text)
    return path


def remove(name: str) -> tuple[Path, ...]:
    """Delete an imported model; its files. UsageError if there is none of that name."""
    known = imported()
    if name not in known:
        origin = _("It is not an imported one. ") if name in _taken() else ""
        raise UsageError(
            _(
                "There is no imported model {name!r}. {origin}{similar} See what there is: "
                "rnnviz models"
            ).format(name=name, origin=origin, similar=nearest(name, known).strip())
        )
    # The JSON first: weights without one are no model.
    files = (known[name], weights_of(known[name]))
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RnnvizError(
                _("{path} cannot be deleted: {reason}.").format(
                    path=path, reason=system_reason(error)
                )
            ) from error
    return files


def _folder() -> Path:
    folder = imported_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RnnvizError(
            _("{folder} cannot be made: {reason}.").format(
                folder=folder, reason=system_reason(error)
            )
        ) from error
    return folder


def _taken() -> set[str]:
    """The names of models that are not imported."""
    runs = runs_folder()
    named = {path.name for path in runs.iterdir()} if runs.is_dir() else set()
    return {*shipped(), *BUGGY_COPIES, *named, "last"}
