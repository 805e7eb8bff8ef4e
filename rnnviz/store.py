"""Models on disk: a safetensors file of weights and a JSON with everything else.

Shipped models live in the package's ``assets/models``; a model can also be named by the path of
its JSON file or of a run directory. Nothing is ever unpickled, and nothing is believed: shapes,
types, finiteness and the hash of the weights are checked against the JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import padded
from rnnviz.data.series import Scaling
from rnnviz.data.text import Vocabulary
from rnnviz.engine.model import Model, initialise, shapes
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec
from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.files import assets as assets
from rnnviz.files import write_atomically

SCHEMA = "rnnviz.model/1"
DEFAULT = "sentiment-lstm"
#: No model here is near this; a header that asks for more is damaged or hostile.
MAX_BYTES = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Stored:
    """A model with what is needed to use it."""

    name: str
    model: Model
    encoder: Vocabulary | Scaling  # how a text or a series becomes its input
    labels: tuple[str, ...]
    record: Mapping[str, Any]  # the JSON: training, metrics, versions, licence note ...
    weights_path: Path | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The words it knows; UsageError for a model that reads a series."""
        if isinstance(self.encoder, Scaling):
            raise UsageError(
                f"{self.name} reads a series ({len(self.encoder)} measurements a step), not text. "
                "Models of text: rnnviz models"
            )
        return self.encoder

    @property
    def masks(self) -> bool:
        """Whether it skips its padding."""
        source = self.model.spec.source
        return isinstance(source, EmbeddingSpec) and source.mask_zero

    @property
    def about(self) -> str:
        """What it was trained on, for the title line."""
        return str(self.record.get("trained_on", ""))

    @property
    def example(self) -> str:
        """The sentence to step through when none is given."""
        return str(self.record.get("example", "this movie was not good"))

    def tokenize(self, text: str) -> list[str]:
        """The text as this model's words."""
        return self.vocabulary.tokenize(text)

    def untrained(self, seed: int) -> Stored:
        """The same net with fresh weights, and a name that says so."""
        model = Model(self.model.spec, initialise(self.model.spec, seed))
        record = {**self.record, "trained_on": f"untrained, seed {seed}"}
        name = f"{self.name} (untrained, seed {seed})"
        return Stored(name, model, self.encoder, self.labels, record)

    def predict(self, texts: list[str]) -> Array:
        """(N, K) probabilities of each label for each text, padded as in training."""
        vocabulary = self.vocabulary
        length, padding = vocabulary.encoding.length, vocabulary.encoding.padding
        ids = [vocabulary.read(text)[1] or [vocabulary.encoding.unknown] for text in texts]
        if self.masks or length is not None:
            found = self.model.predict(padded(ids, length, padding))
        else:  # a net that reads its padding, which in training was as long as the batch asked for
            found = np.concatenate([self.model.predict(padded([row])) for row in ids])
        return np.concatenate([1 - found, found], -1) if found.shape[-1] == 1 else found


def shipped() -> dict[str, Path]:
    """The shipped models: name to JSON path."""
    return {path.stem: path for path in sorted((assets() / "models").glob("*.json"))}


def find(name: str) -> Path:
    """The JSON of a model named by its shipped name, a path, or a run directory."""
    return locate(name)[0]


def locate(name: str) -> tuple[Path, Path]:
    """The JSON and the weights of a model.

    Of a run directory: its best weights, or any other file of weights in it, named by its path.
    """
    if name in (known := shipped()):
        return known[name], weights_of(known[name])
    path = Path(name).expanduser()
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


def load(name: str = DEFAULT) -> Stored:
    """A model by shipped name, path of its JSON, run directory, or a file of weights in one.

    UsageError if there is none of that name; InvalidFileError if it cannot be believed.
    """
    path, weights = locate(name)
    run = path.name == "spec.json"
    shown = path.parent.name if run else path.stem
    record = _read_json(path)
    if run:
        _check_trained(path, record, weights)
    try:
        spec = ModelSpec.from_json(record.get("config"))
        encoder = _encoder(path, record)
        labels = tuple(_labels(record))
        _agree(spec, encoder, labels)
    except ValueError as error:
        raise InvalidFileError(f"{path}: {error}. {_remedy(path)}") from error
    expected = None if run else record.get("weights_sha256")
    params = read_weights(weights, shapes(spec), expected)
    return Stored(shown, Model(spec, params), encoder, labels, record, weights)


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


def save(
    path: Path,
    model: Model,
    encoder: Vocabulary | Scaling,
    labels: tuple[str, ...],
    record: Mapping[str, Any],
    dtype: type = np.float16,
) -> None:
    """Write ``path`` (a .json) and its .safetensors, weights first, each atomically."""
    data = pack({name: a.astype(dtype) for name, a in model.params.items()})
    write_atomically(path.with_suffix(".safetensors"), data)
    document = {
        "schema": SCHEMA,
        **record,
        "config": model.spec.to_json(),
        "labels": list(labels),
        "weights": path.with_suffix(".safetensors").name,
        "weights_dtype": np.dtype(dtype).name,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        **_encoder_fields(encoder),
    }
    write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _encoder_fields(encoder: Vocabulary | Scaling) -> dict[str, Any]:
    if isinstance(encoder, Scaling):
        return {"series": encoder.to_json()}
    return {"vocabulary": encoder.to_json(), "encoding": encoder.encoding.to_json()}


def encoder_json(encoder: Vocabulary | Scaling) -> tuple[str, dict[str, Any]]:
    """The file of a run directory that an encoder goes to, and what is in it."""
    if isinstance(encoder, Scaling):
        return "series.json", encoder.to_json()
    return "vocabulary.json", {"words": encoder.to_json(), "encoding": encoder.encoding.to_json()}


def pack(arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """Arrays as the bytes of a safetensors file."""
    from safetensors.numpy import save as to_bytes

    contiguous = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    return bytes(to_bytes(contiguous, dict(metadata) if metadata else None))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidFileError(f"Cannot read {path}: {error.strerror}. {_remedy(path)}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path} is not JSON: {error}. {_remedy(path)}") from error
    if not isinstance(record, dict):
        raise InvalidFileError(f"{path}: expected an object. {_remedy(path)}")
    return record


def _remedy(path: Path) -> str:
    inside = assets() in path.parents
    return "Install rnnviz again." if inside else "See what there is: rnnviz models"


def _encoder(path: Path, record: Mapping[str, Any]) -> Vocabulary | Scaling:
    if path.name == "spec.json":
        series = path.with_name("series.json")
        if series.is_file():
            return Scaling.from_json(_read_json(series))
        record = _read_json(path.with_name("vocabulary.json"))
        return Vocabulary.from_json(record.get("words"), record.get("encoding"))
    if "series" in record:
        return Scaling.from_json(record["series"])
    return Vocabulary.from_json(record.get("vocabulary"), record.get("encoding"))


def _labels(record: Mapping[str, Any]) -> list[str]:
    labels = record.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels: expected a list of names")
    return labels


def _agree(spec: ModelSpec, encoder: Vocabulary | Scaling, labels: tuple[str, ...]) -> None:
    if isinstance(spec.source, EmbeddingSpec) != isinstance(encoder, Vocabulary):
        raise ValueError(
            "config.source: a net of words needs a vocabulary, one of numbers a series"
        )
    if isinstance(spec.source, EmbeddingSpec):
        # A table may have more rows than there are words: Keras makes it before it counts them.
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
    wanted = 2 if head.kind == "sigmoid" else head.outputs
    if len(labels) != wanted:
        raise ValueError(f"{len(labels)} labels for a head of {wanted} outputs")
    if head.kind == "sigmoid" and head.outputs != 1:
        raise ValueError("config.head: a sigmoid head has one output")


def read_weights(
    path: Path, wanted: Mapping[str, tuple[int, ...]], sha256: object = None
) -> Values:
    """The arrays of a safetensors file as float32; InvalidFileError unless they are as wanted."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFileError(f"{path} is larger than any model here. {_remedy(path)}")
        data = path.read_bytes()
        found: Values = from_bytes(data)
    except OSError as error:
        raise InvalidFileError(f"Cannot read {path}: {error.strerror}. {_remedy(path)}") from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InvalidFileError(
            f"{path} is not a complete safetensors file: {error}. {_remedy(path)}"
        ) from error
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise InvalidFileError(
            f"{path} is not the file its JSON describes (its SHA-256 differs): it was damaged or "
            f"edited. {_remedy(path)}"
        )
    for name, shape in wanted.items():
        if name not in found:
            raise InvalidFileError(f"{path}: no array {name!r}. {_remedy(path)}")
        if found[name].shape != shape:
            raise InvalidFileError(
                f"{path}: {name} has shape {found[name].shape}, its JSON says {shape}. "
                f"{_remedy(path)}"
            )
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise InvalidFileError(f"{path}: {name} is not all finite numbers. {_remedy(path)}")
    return {name: found[name].astype(np.float32) for name in wanted}
