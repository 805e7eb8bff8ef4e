"""Saving models: the weights, then the JSON that names them, each written atomically."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.encoders import Encoder, encoder_fields
from rnnviz.data.series import Scaling
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.display import json_text
from rnnviz.engine.model import Model
from rnnviz.files import write_output

SCHEMA = "rnnviz.model/1"


def save(
    path: Path,
    model: Model,
    encoder: Encoder,
    labels: tuple[str, ...],
    record: Mapping[str, Any],
    dtype: type = np.float16,
) -> None:
    """Write ``path`` (a .json file) and the .safetensors file beside it.

    Raises UsageError or RnnvizError if one cannot be written.
    """
    data = pack({name: a.astype(dtype) for name, a in model.params.items()})
    write_output(path.with_suffix(".safetensors"), data)
    document = {
        "schema": SCHEMA,
        **record,
        "config": model.spec.to_json(),
        "labels": list(labels),
        "weights": path.with_suffix(".safetensors").name,
        "weights_dtype": np.dtype(dtype).name,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        **encoder_fields(encoder),
    }
    write_output(path, json_text(document, indent=1) + "\n")


def encoder_json(encoder: Vocabulary | Scaling) -> tuple[str, dict[str, Any]]:
    """The name and content of the file that stores an encoder in a run directory."""
    if isinstance(encoder, Scaling):
        return "series.json", encoder.to_json()
    return "vocabulary.json", {"words": encoder.to_json(), "encoding": encoder.encoding.to_json()}


def pack(arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """Serialize arrays in the safetensors format."""
    from safetensors.numpy import save as to_bytes

    contiguous = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    return bytes(to_bytes(contiguous, dict(metadata) if metadata else None))
