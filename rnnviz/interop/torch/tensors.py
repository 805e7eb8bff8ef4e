"""From the record of a tensor to its numbers."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.named_arrays.modules import widened
from rnnviz.interop.torch.pickle_values import RAW_TYPES, StorageRecord, TensorRecord, item_size
from rnnviz.interop.torch.sources import CheckpointSource, PickleSequence
from rnnviz.messages import N_

#: Bytes that all tensors of any file may have together. Tensors may share numbers: a larger file
#: may have four times its own size.
_EXEMPT: Final = 60_000_000
#: Opcodes of all files inside the pickle together.
_PACKED_OPCODES: Final = 2_000_000


class TensorReader:
    """Reads the tensors of an open checkpoint."""

    def __init__(self, source: CheckpointSource) -> None:
        self._source = source
        self._raw: dict[str, bytes | memoryview] = {}
        self._opened: dict[int, tuple[StorageRecord, PickleSequence]] = {}
        self._left = 4 * source.size + _EXEMPT
        self._opcodes = _PACKED_OPCODES

    def array(self, record: TensorRecord) -> tuple[Array, str]:
        """A read-only array, and the name of its dtype in the file; bfloat16 becomes float32.

        Raises ValueError if the numbers are not all in the file.
        """
        storage, little = record.storage, self._source.little
        raw: bytes | memoryview | None = None
        if storage.packed is not None:
            storage, opened = self._open(storage)
            raw, little = opened.raw(storage), opened.little
        if storage.raw is not None:
            raw, little = storage.raw, True
        dtype = record.dtype or storage.dtype
        size = item_size(dtype)
        if raw is None:
            if storage.key not in self._raw:
                self._raw[storage.key] = self._source.raw(storage)
            raw = self._raw[storage.key]
        start = storage.start * item_size(storage.dtype)
        available = min(len(raw) - start, storage.count * item_size(storage.dtype)) // size
        if storage.count * item_size(storage.dtype) > len(raw) - start:
            raise ValueError(N_("a tensor's storage is larger than its part of the file"))
        return self._view(record, raw, start, available, dtype, little), dtype

    def _view(
        self, record: TensorRecord, raw: bytes | memoryview, start: int, available: int,
        dtype: str, little: bool,
    ) -> Array:  # fmt: skip
        shape, size = record.shape, item_size(dtype)
        numbers = math.prod(shape)
        kind = np.dtype(RAW_TYPES[dtype]).newbyteorder("<" if little else ">")
        if not numbers:
            return np.zeros(shape, kind.newbyteorder("="))
        needed = record.offset + 1
        needed += sum((n - 1) * step for n, step in zip(shape, record.strides, strict=True))
        if needed > available:
            raise ValueError(
                N_("a tensor of the shape {shape} is larger than its storage").format(shape=shape)
            )
        self._left -= numbers * max(size, 4)
        if self._left < 0:
            raise ValueError(N_("its tensors are larger than the file could hold"))
        flat = np.frombuffer(raw, kind, available, start)
        view = np.lib.stride_tricks.as_strided(
            flat[record.offset :], shape, [step * size for step in record.strides], writeable=False
        )
        native = view.astype(kind.newbyteorder("="), copy=False)
        return widened(native) if dtype == "bfloat16" else native

    def _open(self, storage: StorageRecord) -> tuple[StorageRecord, PickleSequence]:
        data = storage.packed or b""
        if id(data) not in self._opened:
            self._opcodes -= min(len(data), 1_000)
            if self._opcodes < 0:
                raise ValueError(N_("it has too many files inside its pickle"))
            opened = PickleSequence(data, 1_000)
            if not isinstance(opened.value, StorageRecord) or opened.value.packed is not None:
                raise ValueError(N_("a storage in its pickle is none"))
            self._opened[id(data)] = opened.value, opened
        return self._opened[id(data)]
