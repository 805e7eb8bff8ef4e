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
from rnnviz.lookup import DEFAULT, SNAPSHOTS, locate
from rnnviz.messages import _
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
    shown = path.stem
    if run:
        at = f"@{weights.stem}" if weights.parent.name == SNAPSHOTS else ""
        shown = path.parent.name + at
    record = {} if path == weights else _read_json(path)
    if path == weights or is_architecture(record):
        from rnnviz.model_files.foreign import open_foreign

        return open_foreign(path, settings).stored
    if settings:
        raise UsageError(
            _("{options} is for files of other frameworks; {file} is one of rnnviz.").format(
                options=settings.options, file=path.name
            )
        )
    if run:
        _check_trained(path, record, weights)
    with invalid_file_on_error(path, _("model"), remedy(path)):
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
            _("{folder} measured a rule ({title}): there is no net in it.").format(
                folder=path.parent, title=record.get("title", "")
            )
        )
    if not weights.is_file() and weights.parent.name != SNAPSHOTS:
        raise UsageError(
            _(
                "{folder} has no {file} yet: no epoch of it is finished. "
                "Go on with it: rnnviz train --resume {folder}"
            ).format(folder=path.parent, file=weights.name)
        )


def _read_json(path: Path) -> dict[str, Any]:
    with invalid_file_on_error(path, _("model"), remedy(path)):
        data = read_limited(path, JSON_LIMIT)
        try:
            record = parse_json(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(_("it is not JSON ({reason})").format(reason=reason(error))) from error
        if not isinstance(record, dict):
            raise ValueError(_("expected an object"))
    return record


def _check_texts(record: Mapping[str, Any]) -> None:
    """Raise ValueError unless the fields that are displayed have the expected types."""
    for name in ("title", "trained_on", "example", "licence"):
        if not isinstance(record.get(name, ""), str):
            raise ValueError(_("{name}: expected a text").format(name=name))
    notes = record.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise ValueError(_("{name}: expected a list of texts").format(name="notes"))
    for name in ("metrics", "training"):
        if not isinstance(record.get(name, {}), dict):
            raise ValueError(_("{name}: expected an object").format(name=name))


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
        raise ValueError(_("labels: expected a list of names"))
    return labels


def _agree(spec: ModelSpec, encoder: Encoder, labels: tuple[str, ...]) -> None:
    if isinstance(spec.source, EmbeddingSpec) != isinstance(encoder, WordEncoder):
        raise ValueError(
            _("config.source: a net of words needs a vocabulary, one of numbers a series")
        )
    if isinstance(spec.source, EmbeddingSpec):
        # The embedding may have more rows than there are words, as in Keras.
        if spec.source.vocabulary < len(encoder):
            raise ValueError(
                _(
                    "config.source.vocabulary is {given:,} but the vocabulary has {count:,} words"
                ).format(given=spec.source.vocabulary, count=len(encoder))
            )
    elif spec.source.width != len(encoder):
        raise ValueError(
            _("config.source.width is {given} but the series has {count} columns").format(
                given=spec.source.width, count=len(encoder)
            )
        )
    _agree_labels(spec.head, labels)


def _agree_labels(head: HeadSpec, labels: tuple[str, ...]) -> None:
    wanted = 2 if head.is_binary else head.outputs
    if len(labels) != wanted:
        raise ValueError(
            _("{count} labels for a head of {wanted} outputs").format(
                count=len(labels), wanted=wanted
            )
        )
