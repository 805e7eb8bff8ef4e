"""Weights read back: complete, of the shapes wanted, finite, and those the JSON describes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnnviz.arrays import Values
from rnnviz.errors import InvalidFileError
from rnnviz.files import assets

#: No model here is near this; a header that asks for more is damaged or hostile.
MAX_BYTES = 2_000_000_000


def read_weights(
    path: Path, wanted: Mapping[str, tuple[int, ...]], sha256: object = None
) -> Values:
    """The arrays of a safetensors file as float32; InvalidFileError unless they are as wanted."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFileError(f"{path} is larger than any model here. {remedy(path)}")
        data = path.read_bytes()
        found: Values = from_bytes(data)
    except OSError as error:
        raise InvalidFileError(f"Cannot read {path}: {error.strerror}. {remedy(path)}") from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InvalidFileError(
            f"{path} is not a complete safetensors file: {error}. {remedy(path)}"
        ) from error
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise InvalidFileError(
            f"{path} is not the file its JSON describes (its SHA-256 differs): it was damaged or "
            f"edited. {remedy(path)}"
        )
    for name, shape in wanted.items():
        if name not in found:
            raise InvalidFileError(f"{path}: no array {name!r}. {remedy(path)}")
        if found[name].shape != shape:
            raise InvalidFileError(
                f"{path}: {name} has shape {found[name].shape}, its JSON says {shape}. "
                f"{remedy(path)}"
            )
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise InvalidFileError(f"{path}: {name} is not all finite numbers. {remedy(path)}")
    return {name: found[name].astype(np.float32) for name in wanted}


def remedy(path: Path) -> str:
    """What to do about a file of a model that cannot be used."""
    inside = assets() in path.parents
    return "Install rnnviz again." if inside else "See what there is: rnnviz models"
