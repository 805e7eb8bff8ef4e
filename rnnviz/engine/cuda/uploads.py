"""Copies to the GPU that the host does not wait for."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnviz.arrays import Array


class PinnedUploads:
    """Copies arrays to others that are in GPU memory already, in the order of the launches.

    The GPU reads page-locked memory by itself while the host continues; from other memory the
    driver copies more than 64 KB only when all launches before are done.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self._held: list[Array] = []

    def copy(self, host: Array, target: Any) -> None:
        """Copy to an array of the same shape and type; ``host`` may change afterwards."""
        cuda = self._xp.cuda
        memory = cuda.alloc_pinned_memory(host.nbytes)
        pinned = np.frombuffer(memory, host.dtype, host.size).reshape(host.shape)
        pinned[...] = host
        target.set(pinned, stream=cuda.get_current_stream())
        self._held.append(pinned)

    def release(self) -> None:
        """Reuse the page-locked memory; after the host has waited for the GPU."""
        self._held.clear()
