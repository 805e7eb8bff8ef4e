"""What the quick loops work on: stretches of time, and the sequences that are computed in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnnviz.arrays import Array, Values, aligned
from rnnviz.cells import Cell
from rnnviz.engine.program import Program

#: Bytes of one chunk's gates: a few arrays of this size have to fit the cache.
CHUNK_BYTES = 1_300_000
CHUNK_STEPS = 28
#: Steps of a chunk with shared padding, and how many numbers may be computed in it for sequences
#: that have not begun: about half of what the calls of a chunk cost.
SHORTEST, LONGEST = 8, 80
EARLY = 6_000


@dataclass(frozen=True, eq=False)
class Lookup:
    """Rows of a table by id: what an embedding hands over without making it."""

    table: Array  # (V, D)
    ids: Array  # (T, B)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, D)."""
        return (*self.ids.shape, self.table.shape[1])

    @property
    def dtype(self) -> np.dtype:
        """That of the table."""
        return self.table.dtype


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some steps of reading: ``R`` sequences that differ, and one for all others if ``shared``."""

    tokens: range  # in the order they are read
    R: int
    shared: bool
    counts: list[int] | None  # sequences that read at each step, where a mask leaves some out

    @property
    def stretch(self) -> slice:
        """The tokens as a slice of the time axis."""
        end = self.tokens.stop if self.tokens.stop >= 0 else None
        return slice(self.tokens.start, end, self.tokens.step)


@dataclass(frozen=True, eq=False)
class Chunk:
    """What a stretch left: C = R + shared sequences over L steps."""

    part: Stretch
    x: Array  # (L, C, D)
    A: Array  # (L, G·H, C): the gates
    hx: Array  # (L + 1, H + 1 + D, C): what each step read: h_prev, a one, x
    S: list[Array]  # (L + 1, H, C): the states, before and after each step
    V: list[Array]  # (L, H, C): what else the way back reads
    idle: Array  # (H, B − R): h of the sequences that are left out


@dataclass(frozen=True, eq=False)
class FastScan:
    """What a pass kept: enough to walk back, and every output."""

    cell: Cell
    x: Array | Lookup
    chunks: list[Chunk]
    last: Values  # (B, H) by state
    recurrent_mask: Array | None
    input_mask: Array | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, B, H)."""
        T, B, _ = self.x.shape
        return T, B, self.last["h"].shape[1]

    def stack(self, name: str) -> Array:
        """The outputs, (T, B, H); only "h" is to be had."""
        if name != "h":
            raise KeyError(f"{name}: the fast pass keeps no values by name")
        T, B, H = self.shape
        out = np.empty((T, H, B), self.last["h"].dtype)
        for chunk in self.chunks:
            h, part = chunk.S[0][1:], out[chunk.part.stretch]
            part[:, :, : chunk.part.R] = h[:, :, : chunk.part.R]
            if chunk.part.R < B:
                rest = h[:, :, chunk.part.R :] if chunk.part.shared else chunk.idle
                part[:, :, chunk.part.R :] = rest
        return out.transpose(0, 2, 1)


def cuts(T: int, B: int, width: int, lead: Array | None) -> list[int]:
    """Where the chunks of T steps of (B, width) numbers end.

    A sequence that begins within a chunk is computed from its start. So where many sequences are
    still in their ``lead``, chunks are long as long as none begins; each chunk costs some dozens of
    calls whatever is in it.
    """
    if lead is None:
        L = int(np.clip(CHUNK_BYTES // (4 * width * B), 1, CHUNK_STEPS))
        return [*range(L, T, L), T] if T else []
    begins = np.sort(lead)
    sums = np.concatenate([[0], np.cumsum(begins)])
    found, at = [], 0
    while at < T:
        ends = np.arange(at + 1, min(at + LONGEST, T) + 1)
        before, begun = np.searchsorted(begins, at, "right"), np.searchsorted(begins, ends)
        early = sums[begun] - sums[before] - at * (begun - before)  # steps before their own
        fits = (early * width <= EARLY) & ((begun + 1) * (ends - at) * 4 * width <= CHUNK_BYTES)
        at += max(SHORTEST, int(fits.sum())) if fits.any() else SHORTEST
        at = min(at, T)
        found.append(at)
    return found


def stretches(
    shape: tuple[int, ...], ends: list[int], reverse: bool, mask: Array | None, lead: Array | None
) -> Iterator[Stretch]:
    """T steps of B sequences in chunks with these ends, with the sequences to compute in each."""
    T, B = shape[:2]
    order = range(T)[::-1] if reverse else range(T)
    for at, end in pairwise([0, *ends]):
        tokens = order[at:end]
        if mask is not None:
            reads = mask[list(tokens)].sum(1)  # (L); they stand in front, see able()
            R = int(reads.max())
            yield Stretch(tokens, R, False, None if (reads == R).all() else reads.tolist())
        elif lead is not None:
            begun = np.flatnonzero(lead < at + len(tokens))
            R = int(begun[-1]) + 1 if len(begun) else 0
            # The last sequence is in its padding; if it is not, all are computed.
            yield Stretch(tokens, R, R < B, None)
        else:
            yield Stretch(tokens, B, False, None)


def constants(dtype: np.dtype) -> tuple[Array, Array]:
    """1 and ½ as the loops want them: a Python number is turned into an array at every call."""
    return np.array(1, dtype), np.array(0.5, dtype)


def spare_rows(height: int, C: int) -> int:
    """Rows that nobody reads, for every step of C columns to begin aligned."""
    return 0 if C % 16 == 0 else -height % 16


def columns(x: Array | Lookup, part: Stretch) -> Array:
    """The inputs (or ids) of the sequences that are computed, (L, C, D)."""
    which = x.ids[part.stretch] if isinstance(x, Lookup) else x[part.stretch]
    if part.shared:
        which = np.concatenate([which[:, : part.R], which[:, -1:]], axis=1)
    elif part.R < which.shape[1]:
        which = which[:, : part.R]
    return x.table.take(which, 0) if isinstance(x, Lookup) else which


class Room:
    """Arrays the loops write to and nobody reads later: one stretch of memory for each use.

    Chunks differ in their columns; in the same memory the next one finds the cache warm.
    """

    def __init__(self, plan: Program, H: int) -> None:
        self.plan, self.H = plan, H
        self._made: dict[str, Array] = {}

    def _get(self, what: str, shape: tuple[int, ...], dtype: np.dtype) -> Array:
        size = math.prod(shape)
        if what not in self._made or self._made[what].size < size:
            self._made[what] = aligned((size,), dtype)
        return self._made[what][:size].reshape(shape)

    def step(self, C: int, dtype: np.dtype) -> Array:
        """Temporaries of a step, (·, H, C)."""
        return self._get("step", (self.plan.temporaries, self.H, C), dtype)

    def chunk(self, what: str, n: int, L: int, C: int, dtype: np.dtype) -> Array:
        """n arrays of a chunk, (n, L, H, C)."""
        return self._get(what, (n, L, self.H, C), dtype)
