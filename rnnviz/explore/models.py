"""The list of models: read from their JSON files, without weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnviz.analysis.model_family import SWITCH_MODELS
from rnnviz.analysis.model_list import ModelEntry, ModelListQuestion, Origin
from rnnviz.cells import CELLS
from rnnviz.errors import RnnvizError, damage
from rnnviz.files import read_json
from rnnviz.lookup import imported, shipped, weights_of
from rnnviz.messages import _
from rnnviz.query import Tracer
from rnnviz.runs import trained_runs

#: The most model files of the working folder that are listed.
MOST_FILES = 100


def answer(question: ModelListQuestion, tracer: Tracer) -> tuple[ModelEntry, ...]:
    """Shipped models, imported ones, runs (newest first), files of the working folder."""
    return tuple(_entries())


def _entries() -> Iterator[ModelEntry]:
    known = shipped()
    first = [name for name in SWITCH_MODELS if name in known]
    for name in dict.fromkeys((*first, *known)):
        yield _entry(name, known[name], "shipped")
    for name, path in (own := imported()).items():
        yield _entry(name, path, "imported")
    taken = {*known, *own, "last"}
    for folder in trained_runs():
        # A run whose name another model has is opened by its path.
        name = str(folder) if folder.name in taken else folder.name
        yield _entry(name, folder / "spec.json", "run")
    files = sorted(Path().glob("*.json"))
    saved = [path for path in files if path.name != "spec.json" and weights_of(path).is_file()]
    for path in saved[:MOST_FILES]:
        yield _entry(str(path), path, "file")


def _entry(name: str, path: Path, origin: Origin) -> ModelEntry:
    try:
        record = read_json(path)
        if not isinstance(record, dict):
            raise ValueError(_("expected an object"))
        series = "series" in record or (origin == "run" and path.with_name("series.json").is_file())
        typed = any(name in record for name in ("ids", "vectors", "one_hot"))
        example, labels = record.get("example"), record.get("labels")
        return ModelEntry(
            name, origin, "series" if series else "own" if typed else "words", _net(record),
            str(record.get("trained_on") or record.get("title") or ""),
            example if isinstance(example, str) and not series else "",
            tuple(str(each) for each in labels) if isinstance(labels, list) else (),
        )  # fmt: skip
    except (RnnvizError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return ModelEntry(name, origin, "words", "", "", damage=damage(error, path))


def _net(record: Mapping[str, Any]) -> str:
    """The recurrent layers: ``BiLSTM(64) + BiLSTM(64)``."""
    layers = []
    for layer in record["config"]["layers"]:
        cell = CELLS[layer["cell"]].title if layer["cell"] in CELLS else str(layer["cell"])
        layers.append(f"{'Bi' if layer.get('bidirectional') else ''}{cell}({layer['units']})")
    return " + ".join(layers)
