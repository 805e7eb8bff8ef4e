"""The content of an HDF5 file, as the process that reads it sends it."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count, takewhile
from typing import IO, Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.files import parse_json
from rnnviz.interop.contents import FileTensor, IgnoredEntry
from rnnviz.interop.keras.hdf5_process import MAX_RATIO, MOST_OBJECTS, TOTAL_EXEMPT
from rnnviz.messages import N_

_HEAD: Final = struct.Struct("<IQ")
#: The largest JSON object of a frame in bytes: one group with all its attributes.
_MAX_TEXT: Final = 64_000_000
_DTYPES: Final = frozenset(
    f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)
)


@dataclass(frozen=True, eq=False)
class Hdf5Tree:
    """Groups and arrays by path, ``model_weights/lstm_1``; the root is "".

    ``addresses`` of both rise in the order in which they were written, but for those in the place
    of something deleted. ``slots`` are the arrays of optimizers, which were not read: their number
    and their elements.
    """

    attributes: Mapping[str, Mapping[str, Any]]
    arrays: Mapping[str, FileTensor]
    addresses: Mapping[str, int]
    ignored: tuple[IgnoredEntry, ...] = ()
    slots: tuple[int, int] = (0, 0)

    @cached_property
    def _inside(self) -> dict[str, list[str]]:
        return _by_folder(self.attributes)

    @cached_property
    def _arrays_inside(self) -> dict[str, list[str]]:
        return _by_folder(self.arrays)

    def groups_in(self, path: str) -> list[str]:
        """The names of the groups directly in a group."""
        return self._inside.get(path, [])

    def arrays_in(self, path: str) -> list[str]:
        """The names of the arrays directly in a group."""
        return self._arrays_inside.get(path, [])

    def text(self, path: str, name: str) -> str:
        """An attribute that is a text; "" where there is none."""
        value = self.attributes.get(path, {}).get(name)
        return value if isinstance(value, str) else ""

    def texts(self, path: str, name: str) -> list[str]:
        """An attribute that is a list of texts; Keras cuts long ones into name0, name1 …"""
        found = self.attributes.get(path, {})
        if name in found:
            parts = [found[name]]
        else:
            cut = (f"{name}{k}" for k in count())
            parts = [found[part] for part in takewhile(found.__contains__, cut)]
        return [str(text) for part in parts if isinstance(part, list) for text in part]


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """The last parts of paths by what stands before them."""
    found: dict[str, list[str]] = {}
    for path in filter(None, paths):
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, []).append(name)
    return found


class FrameReader:
    """Collects frames; every length is checked before anything is allocated."""

    def __init__(self, size: int) -> None:
        self._left = max(TOTAL_EXEMPT, MAX_RATIO * size)
        self._attributes: dict[str, Mapping[str, Any]] = {}
        self._addresses: dict[str, int] = {}
        self._arrays: dict[str, FileTensor] = {}
        self._ignored: list[IgnoredEntry] = []
        self._slots, self._slot_numbers = 0, 0

    def read(self, frames: IO[bytes]) -> Hdf5Tree:
        """All frames; EOFError if they end early, ValueError for what no frame says."""
        for _ in range(2 * MOST_OBJECTS):
            text, nbytes = _HEAD.unpack(_exactly(frames, _HEAD.size))
            if text > _MAX_TEXT or nbytes > self._left:
                raise ValueError(N_("a part of it is far too large"))
            record = parse_json(_exactly(frames, text).decode())
            kind = record["kind"]
            if kind == "end":
                return Hdf5Tree(
                    self._attributes, self._arrays, self._addresses, tuple(self._ignored),
                    (self._slots, self._slot_numbers),
                )  # fmt: skip
            if kind == "error":
                raise ValueError(str(record["reason"]).rstrip("."))
            self._add(kind, record, frames, nbytes)
        raise ValueError(N_("it has too many parts"))

    def _add(self, kind: str, record: Any, frames: IO[bytes], nbytes: int) -> None:
        path = str(record["path"])
        if kind == "group":
            self._attributes[path] = dict(record["attributes"])
            self._addresses[path] = int(record["address"])
        elif kind == "skipped":
            self._ignored.append(IgnoredEntry(path, str(record["reason"])))
        elif record["read"]:
            self._left -= nbytes
            shape = tuple(int(n) for n in record["shape"])
            self._addresses[path] = int(record["address"])
            self._arrays[path] = _tensor(path, shape, str(record["dtype"]), frames, nbytes)
        else:
            self._slots += 1
            self._slot_numbers += math.prod(int(n) for n in record["shape"])


def _tensor(
    path: str, shape: tuple[int, ...], dtype: str, frames: IO[bytes], nbytes: int
) -> FileTensor:
    stored = (
        np.dtype("<u2") if dtype == "bfloat16" else np.dtype(dtype if dtype in _DTYPES else "V")
    )
    if stored.kind == "V" or min(shape, default=0) < 0:
        raise ValueError(
            N_("numbers of the kind {dtype} are not supported").format(dtype=dtype[:20])
        )
    if math.prod(shape) * stored.itemsize != nbytes:
        raise ValueError(N_("the size of {name} is not that of its shape").format(name=path[:80]))
    values: Array = np.frombuffer(_exactly(frames, nbytes), stored.newbyteorder("<"))
    if dtype == "bfloat16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return FileTensor(path, shape, dtype, values.reshape(shape))


def _exactly(frames: IO[bytes], count: int) -> bytes:
    data = frames.read(count)
    if len(data) != count:
        raise EOFError
    return data


def json_attribute(tree: Hdf5Tree, name: str) -> Any:
    """A root attribute that holds JSON, such as ``model_config``; None without it.

    Raises ValueError for one that is not JSON.
    """
    text = tree.text("", name)
    try:
        return parse_json(text) if text else None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(N_("its {name} is not JSON").format(name=name)) from error
