"""Reading weight files, checking that arrays are complete, finite and of the expected shapes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import MAX_VALUE, Array, Values, in_range
from rnnviz.files import assets, invalid_file_on_error, open_regular
from rnnviz.interop import safetensors_layout
from rnnviz.messages import _

#: Largest weight file and largest header in bytes; an array takes some 100 bytes of the header.
MAX_BYTES, _MAX_HEADER = 250_000_000, 1_000_000


def read_weights(
    path: Path, wanted: Mapping[str, tuple[int, ...]], sha256: object = None
) -> Values:
    """Read arrays of a safetensors file as float32, by name.

    ``wanted`` gives the shape of each array; ``sha256`` is the expected hash of the file. Raises
    InvalidFileError if the file does not agree.
    """
    with invalid_file_on_error(path, _("file of weights"), remedy(path)):
        if sha256 is not None and _sha256(path) != sha256:
            raise ValueError(
                _(
                    "it is not the file its JSON describes (its SHA-256 differs): it was damaged "
                    "or edited"
                )
            )
        check_header(path, MAX_BYTES)
        with _opened(path) as file:
            inside = set(file.keys())
            return {name: _array(file, inside, name, shape) for name, shape in wanted.items()}


def _opened(path: Path) -> Any:
    """A file whose tensors can be read; in a browser, where the library is not, as it reads."""
    try:
        from safetensors import safe_open
    except ImportError:
        return PlainFile(path)
    return safe_open(path, framework="numpy")


class PlainFile:
    """What is used here of the library's ``safe_open``, without the library."""

    def __init__(self, path: Path) -> None:
        self._file = open_regular(path, MAX_BYTES)
        try:
            self._stored = {each.name: each for each in safetensors_layout.tensors(self._file)[0]}
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> PlainFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def keys(self) -> list[str]:
        """The names of the tensors."""
        return list(self._stored)

    def get_slice(self, name: str) -> PlainTensor:
        """A tensor whose shape can be asked for."""
        return PlainTensor(self._stored[name].shape)

    def get_tensor(self, name: str) -> Array:
        """The numbers of a tensor; bfloat16, which NumPy lacks, as integers."""
        array = self._stored[name].read(self._file)
        return np.zeros(0, np.int8) if array is None else array


@dataclass(frozen=True)
class PlainTensor:
    """The shape of a tensor in a file."""

    shape: tuple[int, ...]

    def get_shape(self) -> tuple[int, ...]:
        """As the library has it."""
        return self.shape


def _array(file: Any, inside: set[str], name: str, shape: tuple[int, ...]) -> Array:
    """Read an array as float32; ValueError unless it exists, has the shape, and is finite."""
    if name not in inside:
        raise ValueError(_("no array {name!r}").format(name=name))
    found = tuple(file.get_slice(name).get_shape())
    if found != shape:
        raise ValueError(
            _("{name} has shape {found}, its JSON says {shape}").format(
                name=name, found=found, shape=shape
            )
        )
    array = file.get_tensor(name)
    with np.errstate(over="ignore"):  # overflow gives infinity, which is rejected below
        array = array.astype(np.float32) if array.dtype.kind == "f" else np.full(1, np.nan)
    if not in_range(array):
        raise ValueError(
            _("{name} has numbers that are not finite or exceed {most:g}").format(
                name=name, most=MAX_VALUE
            )
        )
    return array


def check_header(path: Path, limit: int) -> None:
    """Raise ValueError unless a safetensors file begins with a plausible header length.

    The rest is checked by safetensors. Raises InvalidFileError for more than ``limit`` bytes.
    """
    with open_regular(path, limit) as file:
        (size,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
    if not 0 < size <= _MAX_HEADER:
        raise ValueError(_("it does not begin as a safetensors file"))


def _sha256(path: Path) -> str:
    with open_regular(path, MAX_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remedy(path: Path) -> str:
    """What to do about an unusable model file, as a sentence for an error message."""
    shipped = assets() in path.parents
    return _("Install rnnviz again.") if shipped else _("See what there is: rnnviz models")
