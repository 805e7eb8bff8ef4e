"""Loading models, with all their content checked. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnviz.data.encoders import Encoder, WordEncoder, read_encoder
from rnnviz.data.series import Scaling
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec
from rnnviz.errors import UsageError
from rnnviz.files import JSON_LIMIT, invalid_file_on_error, parse_json, read_limited, reason
from rnnviz.import_settings import split_name
from rnnviz.lookup import DEFAULT, locate
from rnnviz.model_files.bugs import BUGS
from rnnviz.model_files.stored_model import StoredModel
from rnnviz.model_files.weights import read_weights, remedy


def load(name: str = DEFAULT) -> StoredModel:
    """Load a model by its name or path; see ``locate``.

    A file of another framework is read as ``rnnviz models import`` reads it. Raises UsageError if
    there is none, InvalidFileError if its files are damaged or inconsistent.
    """
    path, weights = locate(name)
    settings = split_name(name)[1]
    run = path.name == "spec.json"
    shown = path.parent.name if run else path.stem
    record = {} if path == weights else _read_json(path)
    if path == weights or is_architecture(record):
        from rnnviz.model_files.foreign import open_foreign

        return open_foreign(path, settings).stored
    if settings:
        raise UsageError(
            f"{settings.options} is for files of other frameworks; {path.name} is one of rnnviz."
        )
    if run:
        _check_trained(path, record, weights)
    with invalid_file_on_error(path, "model", remedy(path)):
        spec = ModelSpec.from_json(record.get("config"))
        wanted = shapes(spec)
        encoder = _encoder(path, record)
        labels = tuple(_labels(record))
        _agree(spec, encoder, labels)
        _check_texts(record)
    expected = None if run else record.get("weights_sha256")
    params = read_weights(weights, wanted, expected)
    stored = StoredModel(shown, Model(spec, params), encoder, labels, record, weights)
    return stored.buggy_copy(name) if name in BUGS else stored


def is_own(path: Path, weights: Path) -> bool:
    """Whether what ``locate`` found is a model of rnnviz, not one of another framework."""
    return path != weights and not is_architecture(_read_json(path))


def is_architecture(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is the architecture of a net of Keras or TensorFlow.js."""
    return not {"modelTopology", "weightsManifest", "class_name"}.isdisjoint(record)


def _check_trained(path: Path, record: Mapping[str, Any], weights: Path) -> None:
    if "config" in record and record["config"] is None:
        raise UsageError(
            f"{path.parent} measured a rule ({record.get('title', '')}): there is no net in it."
        )
    if not weights.is_file():
        raise UsageError(
            f"{path.parent} has no {weights.name} yet: no epoch of it is finished. "
            f"Go on with it: rnnviz train --resume {path.parent}"
        )


def _read_json(path: Path) -> dict[str, Any]:
    with invalid_file_on_error(path, "model", remedy(path)):
        data = read_limited(path, JSON_LIMIT)
        try:
            record = parse_json(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is not JSON ({reason(error)})") from error
        if not isinstance(record, dict):
            raise ValueError("expected an object")
    return record


def _check_texts(record: Mapping[str, Any]) -> None:
    """Raise ValueError unless the fields that are displayed have the expected types."""
    for name in ("title", "trained_on", "example", "licence"):
        if not isinstance(record.get(name, ""), str):
            raise ValueError(f"{name}: expected a text")
    for name in ("metrics", "training"):
        if not isinstance(record.get(name, {}), dict):
            raise ValueError(f"{name}: expected an object")


def _encoder(path: Path, record: Mapping[str, Any]) -> Encoder:
    if path.name == "spec.json":
        series = path.with_name("series.json")
        if series.is_file():
            return Scaling.from_json(_read_json(series))
        record = _read_json(path.with_name("vocabulary.json"))
        return Vocabulary.from_json(record.get("words"), record.get("encoding"))
    return read_encoder(record)


def _labels(record: Mapping[str, Any]) -> list[str]:
    labels = record.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels: expected a list of names")
    return labels


def _agree(spec: ModelSpec, encoder: Encoder, labels: tuple[str, ...]) -> None:
    if isinstance(spec.source, EmbeddingSpec) != isinstance(encoder, WordEncoder):
        raise ValueError(
            "config.source: a net of words needs a vocabulary, one of numbers a series"
        )
    if isinstance(spec.source, EmbeddingSpec):
        # The embedding may have more rows than there are words, as in Keras.
        if spec.source.vocabulary < len(encoder):
            raise ValueError(
                f"config.source.vocabulary is {spec.source.vocabulary:,} but the vocabulary has "
                f"{len(encoder):,} words"
            )
    elif spec.source.width != len(encoder):
        raise ValueError(
            f"config.source.width is {spec.source.width} but the series has {len(encoder)} columns"
        )
    _agree_labels(spec.head, labels)


def _agree_labels(head: HeadSpec, labels: tuple[str, ...]) -> None:
    wanted = 2 if head.is_binary else head.outputs
    if len(labels) != wanted:
        raise ValueError(f"{len(labels)} labels for a head of {wanted} outputs")
