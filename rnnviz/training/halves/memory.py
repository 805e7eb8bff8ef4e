"""The memory that two processes see: weights, one half's batch, and what comes back."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import ALIGNMENT, Array, Values
from rnnviz.engine.model import shapes
from rnnviz.engine.spec import ModelSpec

#: Bytes for a half's inputs and logits. What is never written to takes no memory.
ROOM = 64 * 2**20

#: How many arrays an optimizer has for each parameter, at most.
GATHERED = 2

#: An array in the room: its type, shape and first byte. Plain data, for a message.
Place = tuple[str, list[int], int]


class Shared:
    """Memory laid out for a net; the same arrays in each process that maps it."""

    def __init__(self, handle: int, spec: ModelSpec, dtype: str) -> None:
        arrays, size = _layout(spec, np.dtype(dtype))
        if os.fstat(handle).st_size < size:
            os.ftruncate(handle, size)
        # It stays mapped for as long as one of its arrays is in use.
        whole = np.frombuffer(mmap.mmap(handle, size), np.uint8)
        found = {name: _view(whole, place) for name, place in arrays}
        self.params = _behind("params.", found)  # what is trained
        self.read = _behind("read.", found)  # other weights, to be evaluated
        self.grads = _behind("grads.", found)  # of every array but the embedding
        self.words: Array | None = found.get("words")  # (V): those of the second half
        self.rows: Array | None = found.get("rows")  # (V, E)
        #: What an optimizer gathers for the embedding: (V, E) each.
        self.gathered = list(_behind("gathered.", found).values())
        self._room = found["room"]

    def put(self, arrays: Sequence[Array]) -> list[Place] | None:
        """Copy arrays into the room, over what was there; None if they are too many."""
        places, end = _places([(a.dtype, a.shape) for a in arrays])
        if end > ROOM:
            return None
        for a, place in zip(arrays, places, strict=True):
            _view(self._room, place)[...] = a
        return places

    def take(self, places: Sequence[Place]) -> list[Array]:
        """The arrays that ``put`` placed there."""
        return [_view(self._room, place) for place in places]


def _layout(spec: ModelSpec, dtype: np.dtype[Any]) -> tuple[list[tuple[str, Place]], int]:
    """Name and place of every array, and the size of all."""
    wanted: list[tuple[str, np.dtype[Any], tuple[int, ...]]] = []
    for name, shape in shapes(spec).items():
        wanted += [(f"params.{name}", dtype, shape), (f"read.{name}", dtype, shape)]
        if name == "embedding":
            wanted += [("words", np.dtype(np.int64), shape[:1]), ("rows", dtype, shape)]
            wanted += [(f"gathered.{k}", dtype, shape) for k in range(GATHERED)]
        else:
            wanted.append((f"grads.{name}", dtype, shape))
    wanted.append(("room", np.dtype(np.uint8), (ROOM,)))
    places, end = _places([(kind, shape) for _, kind, shape in wanted])
    return list(zip((name for name, _, _ in wanted), places, strict=True)), end


def _places(
    wanted: Sequence[tuple[np.dtype[Any], tuple[int, ...]]],
) -> tuple[list[Place], int]:
    """One behind the other, each beginning aligned; and the end."""
    found, end = [], 0
    for dtype, shape in wanted:
        found.append((dtype.str, list(shape), end))
        end += dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        end += -end % ALIGNMENT
    return found, end


def _view(memory: Array, place: Place) -> Array:
    dtype, shape, start = place
    size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
    return memory[start : start + size].view(dtype).reshape(shape)


def _behind(prefix: str, found: Values) -> Values:
    return {n.removeprefix(prefix): a for n, a in found.items() if n.startswith(prefix)}
