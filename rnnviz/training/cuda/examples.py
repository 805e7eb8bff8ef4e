"""Examples in GPU memory; per batch only the indices of its examples come from the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Batch, Examples, Texts, Windows, padded_length
from rnnviz.engine.backend import Backend
from rnnviz.engine.cuda.backend import THREADS, CudaBackend


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


class CudaTexts:
    """All texts concatenated, (tokens,) int32, and the offset of each."""

    def __init__(self, backend: CudaBackend, texts: Texts) -> None:
        self.backend, self.texts = backend, texts
        lengths = np.fromiter(map(len, texts.ids), np.int64, len(texts.ids))
        flat = np.fromiter((i for row in texts.ids for i in row), np.int32, int(lengths.sum()))
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        self.flat, self.starts = backend.asarray(flat), backend.asarray(starts)
        self.y = backend.asarray(texts.y.astype(np.float32))
        self.weight = backend.asarray(texts.weights().astype(np.float32))

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.texts)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """See :class:`rnnviz.data.batches.Texts`; the order is copied once per epoch."""
        groups = list(self.texts.groups(size, rng))
        if not groups:
            return
        order = self.backend.asarray(np.concatenate(groups).astype(np.int32))
        y, weight, at = self.y[order], self.weight[order], 0
        for group in groups:
            part = slice(at, at + len(group))
            at += len(group)
            yield self._ids(order[part], group), y[part], weight[part]

    def _ids(self, texts: Array, group: Array) -> Array:
        rows = [self.texts.ids[int(n)] for n in group] if self.texts.length is None else []
        T, B = padded_length(rows, self.texts.length), len(group)
        ids = np.empty_like(self.flat, shape=(T, B))
        front = self.texts.padding == "front"
        self.backend.launch(
            "padded_ids", -(-T * B // THREADS),
            (self.flat, self.starts, texts, ids, np.int32(T), np.int32(B), np.int32(front)),
        )  # fmt: skip
        return ids


class CudaWindows:
    """A series, and windows gathered from it on the GPU."""

    def __init__(self, backend: CudaBackend, windows: Windows) -> None:
        self.backend, self.windows = backend, windows
        self.data, self.offsets = backend.asarray(windows.data), backend.asarray(windows.offsets)

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.windows)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """See :class:`rnnviz.data.batches.Windows`; the order is copied once per epoch."""
        order = self.backend.asarray(self.windows.order(rng))
        y = self.data[order + self.windows.delay, self.windows.target]
        weight = np.ones_like(y)
        for at in range(0, len(order), size):
            part = slice(at, at + size)
            yield self.data[self.offsets[:, None] + order[part]], y[part], weight[part]


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
