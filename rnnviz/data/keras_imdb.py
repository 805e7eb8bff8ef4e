"""Keras's ``imdb.npz``: the reviews as numbers, word ranks without text.

Its lists of numbers are stored as a pickle, and a pickle is a program. Here nothing of it runs:
each name that such a file may mention stands for a few lines below, which only keep what they are
given, and every other name is an error. What comes out is checked number by number.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from rnnviz.arrays import Array, read_array
from rnnviz.data.file_search import file_of, missing
from rnnviz.data.tables import DAMAGE
from rnnviz.files import open_member, open_zip

SPLITS: Final = ("train", "test")
FILE: Final = "imdb/imdb.npz"
#: Many times what the file holds; what asks for more memory is not it.
_MAX_BYTES: Final = 100_000_000
_MAX_RANK: Final = 1_000_000
#: Of a split; the reviews have six million. One list may stand in a pickle many times.
_MOST_RANKS: Final = 20_000_000


@dataclass(frozen=True, eq=False)
class RankedReviews:
    """A split as Keras ships it: each review's word ranks, and (N,) labels, 1 for positive.

    The order is that of the file; ``imdb.load_data`` shuffles it with
    ``np.random.RandomState(113)`` and adds three to every rank.
    """

    ranks: tuple[tuple[int, ...], ...]
    labels: Array


def keras_file(folder: Path) -> Path:
    """The npz file; FileNotFoundError if it is not there."""
    found = file_of(folder, "imdb", "imdb.npz")
    if found is None:
        raise missing(folder, FILE, "imdb.npz")
    return found


def read_keras_imdb(folder: Path, split: str) -> RankedReviews:
    """Read a split ("train" or "test"). Raises ValueError if the file holds anything else."""
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SPLITS))}")
    return ranked_in(keras_file(folder), split)


def ranked_in(path: Path, split: str) -> RankedReviews:
    """A split in one file."""
    try:
        with open_zip(path, _MAX_BYTES) as archive:
            lists = _lists(_member(archive, f"x_{split}.npy"))
            labels = read_array(_member(archive, f"y_{split}.npy"), f"y_{split}")
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]}") from error
    except (*DAMAGE, ValueError, MemoryError) as error:
        raise ValueError(f"{path}: {error}") from error
    if labels.shape != (len(lists),) or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"{path}: y_{split} must be {len(lists)} labels, each 0 or 1")
    return RankedReviews(lists, labels.astype(np.int64))


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    with open_member(archive, name, _MAX_BYTES) as file:
        return io.BytesIO(file.read())


def _lists(file: IO[bytes]) -> tuple[tuple[int, ...], ...]:
    """An ``.npy`` of an (N,) array of lists of whole numbers."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"an array of version {version} is not known here")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype != np.dtype(object) or len(shape) != 1:
        raise ValueError(f"lists are needed, not an array of {dtype} of shape {shape}")
    try:
        found = _OnlyLists(file, encoding="latin1").load()
    except ValueError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(f"the lists cannot be read: {error}") from error
    lists = getattr(found, "items", None)
    if not isinstance(found, _Kept) or not isinstance(lists, list) or len(lists) != shape[0]:
        raise ValueError(f"{shape[0]} lists are needed")
    if sum(len(row) for row in lists if type(row) is list) > _MOST_RANKS:
        raise ValueError(f"more than {_MOST_RANKS:,} word ranks are not read")
    for n, row in enumerate(lists):
        if type(row) is not list or not all(type(v) is int and 0 <= v < _MAX_RANK for v in row):
            raise ValueError(f"review {n} is not a list of word ranks")
    return tuple(map(tuple, lists))


class _Kept:
    """What stands for an array or a type of numpy: it keeps the state it is given."""

    items: object = None

    def __init__(self, *given: object) -> None:
        """What it is made of does not matter: shape and type are in the file's header."""

    def __setstate__(self, state: object) -> None:
        """An array's state is (version, shape, type, order, items)."""
        if isinstance(state, tuple) and len(state) == 5:
            self.items = state[4]


def _text_as_bytes(text: str, encoding: str) -> bytes:
    """How the second pickle protocol writes bytes."""
    if encoding != "latin1":
        raise ValueError(f"the encoding {encoding!r} has no place in a list of numbers")
    return text.encode(encoding)


_STANDINS: Final[dict[tuple[str, str], Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Kept,
    ("numpy._core.multiarray", "_reconstruct"): _Kept,
    ("numpy", "ndarray"): _Kept,
    ("numpy", "dtype"): _Kept,
    ("_codecs", "encode"): _text_as_bytes,
}


class _OnlyLists(pickle.Unpickler):
    """Reads a pickle of lists and numbers; no name in it leads to anything outside this module."""

    def find_class(self, module: str, name: str, /) -> Any:
        """The stand-in for a name; ValueError for every other."""
        if (module, name) not in _STANDINS:
            raise ValueError(
                f"it wants to run {module[:60]}.{name[:60]}, which no list of numbers needs"
            )
        return _STANDINS[module, name]
