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
from rnnviz.data.text import UNKNOWN_ID, Vocabulary, tokenize
from rnnviz.engine.model import Model, initialise, shapes
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.files import write_atomically

SCHEMA = "rnnviz.model/1"
DEFAULT = "sentiment-lstm"
#: No model here is near this; a header that asks for more is damaged or hostile.
MAX_BYTES = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Stored:
    """A model with what is needed to use it on text."""

    name: str
    model: Model
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    record: Mapping[str, Any]  # the JSON: training, metrics, versions, licence note ...
    weights_path: Path | None = None

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
        return tokenize(text)

    def untrained(self, seed: int) -> Stored:
        """The same net with fresh weights, and a name that says so."""
        model = Model(self.model.spec, initialise(self.model.spec, seed))
        record = {**self.record, "trained_on": f"untrained, seed {seed}"}
        name = f"{self.name} (untrained, seed {seed})"
        return Stored(name, model, self.vocabulary, self.labels, record)

    def predict(self, texts: list[str]) -> Array:
        """(N, K) probabilities of each label for each text."""
        ids = [self.vocabulary.encode(self.tokenize(text)) or [UNKNOWN_ID] for text in texts]
        source = self.model.spec.source
        if isinstance(source, EmbeddingSpec) and source.mask_zero:
            found = self.model.predict(padded(ids))
        else:  # a net that reads its padding must not be given any
            found = np.concatenate([self.model.predict(padded([row])) for row in ids])
        return np.concatenate([1 - found, found], -1) if found.shape[-1] == 1 else found


def assets() -> Path:
    """Where the shipped files are: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "assets"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "assets"


def shipped() -> dict[str, Path]:
    """The shipped models: name to JSON path."""
    return {path.stem: path for path in sorted((assets() / "models").glob("*.json"))}


def find(name: str) -> Path:
    """The JSON of a model named by its shipped name, a path, or a run directory."""
    if name in (known := shipped()):
        return known[name]
    path = Path(name).expanduser()
    if path.is_dir() and (path / "spec.json").is_file():
        return path / "spec.json"
    if path.is_file():
        return path.with_suffix(".json") if path.suffix == ".safetensors" else path
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
    """A model by shipped name, path of its JSON, or run directory.

    UsageError if there is none of that name; InvalidFileError if it cannot be believed.
    """
    path = find(name)
    shown = path.parent.name if path.name == "spec.json" else path.stem
    record = _read_json(path)
    try:
        spec = ModelSpec.from_json(record.get("config"))
        vocabulary = _vocabulary(path, record)
        labels = tuple(_labels(record))
        _agree(spec, vocabulary, labels)
    except ValueError as error:
        raise InvalidFileError(f"{path}: {error}. {_remedy(path)}") from error
    weights = weights_of(path)
    expected = record.get("weights_sha256") if path.name != "spec.json" else None
    params = read_weights(weights, shapes(spec), expected)
    return Stored(shown, Model(spec, params), vocabulary, labels, record, weights)


def save(
    path: Path,
    model: Model,
    vocabulary: Vocabulary,
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
        "vocabulary": vocabulary.to_json(),
    }
    write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


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


def _vocabulary(path: Path, record: Mapping[str, Any]) -> Vocabulary:
    if path.name == "spec.json":
        return Vocabulary.from_json(_read_json(path.with_name("vocabulary.json")).get("words"))
    return Vocabulary.from_json(record.get("vocabulary"))


def _labels(record: Mapping[str, Any]) -> list[str]:
    labels = record.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels: expected a list of names")
    return labels


def _agree(spec: ModelSpec, vocabulary: Vocabulary, labels: tuple[str, ...]) -> None:
    if not isinstance(spec.source, EmbeddingSpec):
        raise ValueError("config.source: only models of text can be stepped through so far")
    if spec.source.vocabulary != len(vocabulary.words):
        raise ValueError(
            f"config.source.vocabulary is {spec.source.vocabulary:,} but the vocabulary has "
            f"{len(vocabulary.words):,} words"
        )
    wanted = 2 if spec.head.kind == "sigmoid" else spec.head.outputs
    if len(labels) != wanted:
        raise ValueError(f"{len(labels)} labels for a head of {wanted} classes")
    if spec.head.kind == "sigmoid" and spec.head.outputs != 1:
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
