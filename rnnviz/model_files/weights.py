"""Weights read back: complete, of the shapes wanted, finite, and those the JSON describes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import MOST, Array, Values, in_range
from rnnviz.files import assets, invalid_file_on_error, open_regular

#: The most bytes of a file of weights, and of its header, which has some 100 for each array.
LARGEST, _HEADER = 250_000_000, 1_000_000


def read_weights(
    path: Path, wanted: Mapping[str, tuple[int, ...]], sha256: object = None
) -> Values:
    """The arrays of a safetensors file as float32; InvalidFileError unless they are as wanted."""
    with invalid_file_on_error(path, "file of weights", remedy(path)):
        if sha256 is not None and _sha256(path) != sha256:
            raise ValueError(
                "it is not the file its JSON describes (its SHA-256 differs): it was damaged or "
                "edited"
            )
        check_header(path, LARGEST)
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            inside = set(file.keys())
            return {name: _array(file, inside, name, shape) for name, shape in wanted.items()}


def _array(file: Any, inside: set[str], name: str, shape: tuple[int, ...]) -> Array:
    """One array, as float32; ValueError unless it is there, of that shape, and finite."""
    if name not in inside:
        raise ValueError(f"no array {name!r}")
    found = tuple(file.get_slice(name).get_shape())
    if found != shape:
        raise ValueError(f"{name} has shape {found}, its JSON says {shape}")
    array = file.get_tensor(name)
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite in it
        array = array.astype(np.float32) if array.dtype.kind == "f" else np.full(1, np.nan)
    if not in_range(array):
        raise ValueError(f"{name} is not all finite numbers of at most {MOST:g}")
    return array


def check_header(path: Path, limit: int) -> None:
    """ValueError unless a safetensors file begins with the length of a header of usual size.

    Its other claims safetensors checks itself. InvalidFileError for a file of over ``limit`` bytes.
    """
    with open_regular(path, limit) as file:
        (size,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
    if not 0 < size <= _HEADER:
        raise ValueError("it does not begin as a safetensors file")


def _sha256(path: Path) -> str:
    with open_regular(path, LARGEST) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remedy(path: Path) -> str:
    """What to do about a file of a model that cannot be used."""
    inside = assets() in path.parents
    return "Install rnnviz again." if inside else "See what there is: rnnviz models"
