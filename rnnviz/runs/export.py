"""Export of a run, or of any model, as a JSON file and its weights."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.data.batches import Texts
from rnnviz.data.folders import require_folder
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.files import require_distinct
from rnnviz.lookup import run_of
from rnnviz.messages import _
from rnnviz.model_files import StoredModel, load, locate, save
from rnnviz.runs.run import Run
from rnnviz.runs.setup import prepare_function
from rnnviz.training.fit import evaluate

#: Names of options that differ from those of the fields.
FLAGS = {"language": "text-lang"}
_EXPORTED = (
    "title", "trained_on", "example", "licence", "metric", "published", "metrics", "training",
    "imported", "notes",
)  # fmt: skip


def export(name: str, path: Path, words: int | None = None) -> None:
    """Write a model as ``path`` (a .json) and its .safetensors in float16.

    The record of a run goes into the JSON: how it was trained, on which files, and the metrics of
    each epoch. ``words`` keeps that many of the most frequent words of the vocabulary; the others
    become unknown, and a run's model is validated again on the data of the run.
    UsageError if there are not so many, or if a file would replace the model it is made of;
    MissingError if the data is not available.
    """
    weights = path.with_suffix(".safetensors")
    require_distinct({_("The model"): path, _("Its weights"): weights}, locate(name))
    stored = load(name)
    if "recipe" in stored.record:
        _run(stored).setup()  # damage is reported before any work is done
    stored = stored if words is None else truncate_vocabulary(stored, words)
    record: dict[str, Any] = {"name": path.stem}
    for key in _EXPORTED:
        if key in stored.record:
            record[key] = stored.record[key]
    if "recipe" in stored.record:
        record |= _training_record(name, stored)
    if words is not None:
        record["words_kept"] = words
        if "recipe" in stored.record:
            record["metrics_with_all_words"] = record["metrics"]
            record["metrics"] = {
                **{f"validation_{key}": value for key, value in _validate(stored).items()},
                "epoch": record["metrics"].get("epoch"),
            }
    save(path, stored.model, stored.encoder, stored.labels, record)


def truncate_vocabulary(stored: StoredModel, words: int) -> StoredModel:
    """The model with the first ``words`` ids of its vocabulary, which are sorted by frequency."""
    vocabulary, source = stored.vocabulary, stored.model.spec.source
    assert isinstance(source, EmbeddingSpec)
    if not isinstance(vocabulary, Vocabulary):
        raise UsageError(
            _("{model} has no words, only ids: leave --words out.").format(model=stored.name)
        )
    special = len([w for w in vocabulary.words[:5] if not w or w.startswith("[")])
    if not special < words <= len(vocabulary):
        raise UsageError(
            _(
                "{model} has {count:,} words, {special} of them special; it cannot keep {words:,}."
            ).format(model=stored.name, count=len(vocabulary), special=special, words=words)
        )
    spec = replace(stored.model.spec, source=replace(source, vocabulary=words))
    params = {**stored.model.params, "embedding": stored.model.params["embedding"][:words]}
    stems = vocabulary.encoding.stems
    kept = None if stems is None else tuple(k for k in stems if k < words)
    shorter = Vocabulary(vocabulary.words[:words], replace(vocabulary.encoding, stems=kept))
    return replace(stored, model=Model(spec, params), encoder=shorter)


def _validate(stored: StoredModel) -> dict[str, float]:
    """Loss and accuracy on the validation texts of the run, with the truncated vocabulary."""
    setup, folder = _run(stored).setup(), require_folder(stored.record.get("folder"))
    options = setup.options
    prepare = prepare_function(setup.recipe, options.variant)
    task = prepare(folder, options.limit, options.seed, lambda text: None)
    texts = task.valid
    assert isinstance(texts, Texts)
    known, unknown = len(stored.vocabulary), stored.vocabulary.encoding.unknown
    assert unknown is not None, "the vocabulary of a run has an unknown word"
    rows = [[i if i < known else unknown for i in row] for row in texts.ids]
    # Rounded as in the file.
    params = stored.model.params.items()
    rounded = {key: a.astype(np.float16).astype(np.float32) for key, a in params}
    model = replace(stored, model=Model(stored.model.spec, rounded)).model_for(sum(map(len, rows)))
    return evaluate(model, replace(texts, ids=rows))


def _training_record(name: str, stored: StoredModel) -> dict[str, Any]:
    """The metrics and the training of a run, for the JSON of its model."""
    assert stored.weights_path is not None
    run = _run(stored)
    history, result = run.history(), run.result()
    if not history:
        raise UsageError(_("{name} has no finished epoch yet.").format(name=name))
    fit = run.setup().fit
    if fit.keep == "best" and any(fit.monitor not in epoch.valid for epoch in history):
        raise InvalidFileError(
            _("{file} has an epoch without {metric}.").format(
                file=run.path / "history.jsonl", metric=fit.monitor
            )
        )
    metrics: dict[str, Any] = {}
    if stored.weights_path.name == "best.safetensors":  # other weights were not evaluated
        saved = run.saved_epoch() or history[-1]
        metrics = {f"validation_{key}": value for key, value in saved.valid.items()}
        metrics["epoch"] = saved.number
        tested = {} if result is None else result.get("test") or {}
        metrics |= {f"test_{key}": value for key, value in tested.items()}
    notes = list(run.setup().recipe.notes)
    keys = ("fit", "data", "preparation", "seed", "versions")
    training = {
        "command": _command(stored.record),
        "epochs": len(history),
        "history": [epoch.to_json() for epoch in history],
        **{key: stored.record[key] for key in keys if key in stored.record},
    }
    return {"metrics": metrics, "training": training, **({"notes": notes} if notes else {})}


def _run(stored: StoredModel) -> Run:
    """The run that a model was read from."""
    assert stored.weights_path is not None
    return Run(run_of(stored.weights_path))


def _command(record: Mapping[str, Any]) -> str:
    """The command that repeats this run."""
    given = {k: v for k, v in record["options"].items() if v is not None}
    if record.get("sample"):
        given = {"data": "sample", **given}
    table = given.pop("table", None) or {}
    flags = [_flag(k, v) for k, v in ((k, v) for k, v in table.items() if k != "file")]
    flags += [_flag(k, v) for k, v in given.items()]
    return " ".join(["rnnviz train", shlex.quote(record["recipe"]), *filter(None, flags)])


def _flag(name: str, value: Any) -> str:
    """An option of ``rnnviz train`` as it is typed; "" for one that is not given."""
    option = f"--{FLAGS.get(name, name).replace('_', '-')}"
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(f"{option} {shlex.quote(str(each))}" for each in value)
    if isinstance(value, bool):
        return option if value else option.replace("--", "--no-", 1)
    return f"{option} {shlex.quote(str(value))}"
