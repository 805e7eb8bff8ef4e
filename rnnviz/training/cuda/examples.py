"""Examples in GPU memory; per batch only the indices of its examples come from the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Batch, Examples, Texts, Windows, padded_length
from rnnviz.engine.backend import Backend
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.cuda.shared_kernels import THREADS


def to_device(backend: Backend, examples: Examples) -> Examples:
    """The same examples in GPU memory; themselves if they are there already."""
    assert isinstance(backend, CudaBackend)
    if isinstance(examples, CudaTexts | CudaWindows | StreamedExamples):
        return examples
    if isinstance(examples, Texts):
        return CudaTexts(backend, examples)
    if isinstance(examples, Windows):
        return CudaWindows(backend, examples)
    return StreamedExamples(backend, examples)


class GatheredBatch:
    """A batch of examples in GPU memory, gathered there when it is read.

    As a :data:`~rnnviz.data.batches.Batch` it is inputs, targets (B) and weights (B).
    """

    def __init__(self, source: CudaTexts | CudaWindows, order: Array, at: int, T: int, B: int):
        self.source, self.order, self.at, self.T, self.B = source, order, at, T, B

    def __iter__(self) -> Iterator[Array]:
        part = self.order[self.at : self.at + self.B]
        yield from self.source.gather(part, self.source.zero, self.T, self.B)


class _Gathered:
    """Examples in GPU memory that are gathered from an order of an epoch."""

    def __init__(self, backend: CudaBackend) -> None:
        self.backend = backend
        self.zero = backend.asarray(np.zeros(1, np.int32))
        self._order: Array | None = None  # of the epoch that is placed
        self._placed: Array | None = None

    def placed(self, order: Array) -> Array:
        """The order of an epoch, copied to where that of every epoch is; (N) int32."""
        if self._placed is None:
            self._placed = order.copy()
        elif order is not self._order:
            self._placed[...] = order
        self._order = order
        return self._placed


class CudaTexts(_Gathered):
    """All texts concatenated, (tokens,) int32, and the offset of each."""

    def __init__(self, backend: CudaBackend, texts: Texts) -> None:
        super().__init__(backend)
        self.texts = texts
        lengths = np.fromiter(map(len, texts.ids), np.int64, len(texts.ids))
        flat = np.fromiter((i for row in texts.ids for i in row), np.int32, int(lengths.sum()))
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        self.flat, self.starts = backend.asarray(flat), backend.asarray(starts)
        self.y = backend.asarray(texts.y.astype(np.float32))
        self.weight = backend.asarray(texts.weights().astype(np.float32))

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.texts)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Any]:
        """See :class:`rnnviz.data.batches.Texts`; the order is copied once per epoch."""
        groups = list(self.texts.groups(size, rng))
        if not groups:
            return
        order, at = self.backend.asarray(np.concatenate(groups).astype(np.int32)), 0
        for group in groups:
            fixed = self.texts.length
            rows = [self.texts.ids[int(n)] for n in group] if fixed is None else []
            yield GatheredBatch(self, order, at, padded_length(rows, fixed), len(group))
            at += len(group)

    def gather(self, order: Array, first: Array, T: int, B: int) -> Batch:
        """The batch of the texts order[first], order[first + 1], …; ``first`` is (1) int32."""
        ids = np.empty_like(self.flat, shape=(T, B))
        y, weight = np.empty_like(self.y, shape=B), np.empty_like(self.y, shape=B)
        self.backend.shared.launch(
            "gather_texts", (-(-T * B // THREADS),),
            (self.flat, self.starts, self.y, self.weight, order, first, ids, y, weight,
             np.int32(T), np.int32(B), np.int32(self.texts.padding == "front")),
        )  # fmt: skip
        return ids, y, weight


class CudaWindows(_Gathered):
    """A series, and windows gathered from it on the GPU."""

    def __init__(self, backend: CudaBackend, windows: Windows) -> None:
        super().__init__(backend)
        self.windows = windows
        self.data = backend.asarray(windows.data.astype(np.float32))
        self.offsets = backend.asarray(windows.offsets.astype(np.int32))

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.windows)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Any]:
        """See :class:`rnnviz.data.batches.Windows`; the order is copied once per epoch."""
        order = self.backend.asarray(self.windows.order(rng).astype(np.int32))
        for at in range(0, len(order), size):
            B = min(size, len(order) - at)
            yield GatheredBatch(self, order, at, len(self.offsets), B)

    def gather(self, order: Array, first: Array, T: int, B: int) -> Batch:
        """The batch of the windows of rows order[first], …; ``first`` is (1) int32."""
        D, w = self.data.shape[1], self.windows
        x = np.empty_like(self.data, shape=(T, B, D))
        y, weight = np.empty_like(self.data, shape=B), np.empty_like(self.data, shape=B)
        self.backend.shared.launch(
            "gather_windows", (-(-T * B * D // THREADS),),
            (self.data, self.offsets, order, first, x, y, weight,
             *map(np.int32, (T, B, D, w.delay, w.target))),
        )  # fmt: skip
        return x, y, weight


class StreamedExamples:
    """Any other examples, copied batch by batch."""

    def __init__(self, backend: CudaBackend, examples: Examples) -> None:
        self.backend, self.examples = backend, examples

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.examples)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """The batches of the examples."""
        for inputs, y, weight in self.examples.batches(size, rng):
            dtype = np.int32 if inputs.dtype.kind == "i" else np.float32
            copy = self.backend.asarray
            yield (
                copy(inputs.astype(dtype)),
                copy(y.astype(np.float32)),
                copy(weight.astype(np.float32)),
            )
