"""Keras's ``imdb.npz``: the reviews as lists of word ranks, without text.

The lists are stored as a pickle, which could run arbitrary code. Here it cannot: the few names
that such a file may refer to are replaced by the stand-ins below, which only store their state;
any other name is an error. The result is checked number by number.
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
from rnnviz.data.file_search import find_file, missing_error
from rnnviz.data.tables import DAMAGE_ERRORS
from rnnviz.files import open_member, open_zip
from rnnviz.messages import _

SPLITS: Final = ("train", "test")
FILE: Final = "imdb/imdb.npz"
#: Limits of the file, many times its actual sizes.
_MAX_BYTES: Final = 100_000_000
_MAX_RANK: Final = 1_000_000
#: Ranks in a split; the real ones have six million. A pickle can repeat one list many times.
_MAX_RANKS: Final = 20_000_000


@dataclass(frozen=True, eq=False)
class RankedReviews:
    """A split: the word ranks of each of N reviews, and labels (N,), 1 for positive.

    The order is that of the file; ``imdb.load_data`` shuffles it with
    ``np.random.RandomState(113)`` and adds three to every rank.
    """

    ranks: tuple[tuple[int, ...], ...]
    labels: Array


def keras_file(folder: Path) -> Path:
    """The npz file; FileNotFoundError if it does not exist."""
    path = find_file(folder, "imdb", "imdb.npz")
    if path is None:
        raise missing_error(folder, FILE, "imdb.npz")
    return path


def read_keras_imdb(folder: Path, split: str) -> RankedReviews:
    """Read a split ("train" or "test"); ValueError if the file contains anything else."""
    if split not in SPLITS:
        raise ValueError(
            _("no split {split!r}: there are {names}").format(
                split=split, names=_(" and ").join(map(repr, SPLITS))
            )
        )
    path = keras_file(folder)
    try:
        with open_zip(path, _MAX_BYTES) as archive:
            lists = _lists(_member(archive, f"x_{split}.npy"))
            labels = read_array(_member(archive, f"y_{split}.npy"), f"y_{split}")
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]}") from error
    except (*DAMAGE_ERRORS, ValueError, MemoryError) as error:
        raise ValueError(f"{path}: {error}") from error
    if labels.shape != (len(lists),) or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            _("{path}: y_{split} must be {count} labels, each 0 or 1").format(
                path=path, split=split, count=len(lists)
            )
        )
    return RankedReviews(lists, labels.astype(np.int64))


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    with open_member(archive, name, _MAX_BYTES) as file:
        return io.BytesIO(file.read())


def _lists(file: IO[bytes]) -> tuple[tuple[int, ...], ...]:
    """Read an ``.npy`` file of an (N,) object array of lists of whole numbers."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(_("arrays of version {version} are not supported").format(version=version))
    shape, _order, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype != np.dtype(object) or len(shape) != 1:
        raise ValueError(
            _("lists are needed, not an array of {dtype} of shape {shape}").format(
                dtype=dtype, shape=shape
            )
        )
    try:
        found = _ListUnpickler(file, encoding="latin1").load()
    except ValueError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(_("the lists cannot be read: {reason}").format(reason=error)) from error
    lists = getattr(found, "items", None)
    if not isinstance(found, _ArrayStandIn) or not isinstance(lists, list):
        raise ValueError(_("{count} lists are needed").format(count=shape[0]))
    if len(lists) != shape[0]:
        raise ValueError(_("{count} lists are needed").format(count=shape[0]))
    if sum(len(row) for row in lists if type(row) is list) > _MAX_RANKS:
        raise ValueError(_("there are more than {most:,} word ranks").format(most=_MAX_RANKS))
    for n, row in enumerate(lists):
        if type(row) is not list or not all(type(v) is int and 0 <= v < _MAX_RANK for v in row):
            raise ValueError(_("review {n} is not a list of word ranks").format(n=n))
    return tuple(map(tuple, lists))


class _ArrayStandIn:
    """Replaces NumPy's array and dtype while unpickling; stores the items of an array's state."""

    items: object = None

    def __init__(self, *arguments: object) -> None:
        """Ignore the arguments: shape and type are in the file's header."""

    def __setstate__(self, state: object) -> None:
        """Store the items of an array's state, (version, shape, type, order, items)."""
        if isinstance(state, tuple) and len(state) == 5:
            self.items = state[4]


def _encode_latin1(text: str, encoding: str) -> bytes:
    """``codecs.encode`` as pickle protocol 2 uses it to store bytes."""
    if encoding != "latin1":
        raise ValueError(
            _("the encoding {encoding!r} is not used in a list of numbers").format(
                encoding=encoding
            )
        )
    return text.encode(encoding)


_STAND_INS: Final[dict[tuple[str, str], Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _ArrayStandIn,
    ("numpy._core.multiarray", "_reconstruct"): _ArrayStandIn,
    ("numpy", "ndarray"): _ArrayStandIn,
    ("numpy", "dtype"): _ArrayStandIn,
    ("_codecs", "encode"): _encode_latin1,
}


class _ListUnpickler(pickle.Unpickler):
    """Unpickles lists of numbers; names resolve only to the stand-ins of this module."""

    def find_class(self, module: str, name: str, /) -> Any:
        """The stand-in for a name; ValueError for any other name."""
        if (module, name) not in _STAND_INS:
            raise ValueError(
                _("it wants to run {module}.{name}, which no list of numbers needs").format(
                    module=module[:60], name=name[:60]
                )
            )
        return _STAND_INS[module, name]
