"""Sequences dealt into blocks, and where each block's numbers stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.compiled.job import Places
from rnnviz.engine.compiled.memory import addresses, zeros

#: Sequences that a product takes at a time.
ROWS = 4

#: Sequences of a block, by the sequences there are at least. Weights are read once a block and a
#: step, so large ones are quicker; small ones keep more cores busy.
SIZES = ((128, 32), (64, 16), (0, 8))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Batches in blocks."""

    places: Places
    gate_rows: int  # rows of all gates that are kept
    state_rows: int
    entries: int  # tokens read

    @cached_property
    def words(self) -> Array:
        """The places as the loops take them."""
        return addresses(self.places)

    def of(self, array: Array, width: int) -> Array:
        """Rows by sequence, (n, B, ·), as rows by place, (n, places, width)."""
        found = zeros((len(array), len(self.places.rows), width), array.dtype)
        found[:, self._used, : array.shape[2]] = array[:, self._sequences]
        return found

    def back(self, found: Array, width: int) -> Array:
        """Rows by place as rows by sequence, (n, B, width)."""
        array = np.empty((len(found), self.places.batch, width), found.dtype)
        array[:, self._sequences] = found[:, self._used, :width]
        return array

    @cached_property
    def _used(self) -> Array:
        return np.flatnonzero(self.places.rows >= 0)

    @cached_property
    def _sequences(self) -> Array:
        return self.places.rows[self._used]


def reading_order(mask: Array) -> Array:
    """Sequences (B), those that read most first."""
    return np.argsort(-mask.sum(0), kind="stable")


def nested(mask: Array) -> bool:
    """Whether at every step the first so many, in that order, are those that read."""
    ordered = mask[:, reading_order(mask)]
    return bool((ordered[:, 1:] <= ordered[:, :-1]).all())


def dealt(
    T: int, B: int, reverse: bool, mask: Array | None, lead: Array | None, keep: bool
) -> Blocks:
    """The blocks of a batch; without ``keep`` every step's numbers stand in the same place.

    Nobody writes to them: batches of one shape in which all sequences are equally long share them.
    """
    if mask is None and lead is None:
        return _equally_long(T, B, reverse, keep)
    return _dealt(T, B, reverse, mask, lead, keep)


@lru_cache(maxsize=16)
def _equally_long(T: int, B: int, reverse: bool, keep: bool) -> Blocks:
    return _dealt(T, B, reverse, None, None, keep)


def _dealt(
    T: int, B: int, reverse: bool, mask: Array | None, lead: Array | None, keep: bool
) -> Blocks:
    tokens = np.arange(T)[::-1].copy() if reverse else np.arange(T)
    order, counts = np.arange(B), np.full(T, B)
    if mask is not None:
        order, counts = reading_order(mask), mask[tokens].sum(1)
    elif lead is not None:
        order = np.argsort(lead, kind="stable")
        counts = np.searchsorted(lead[order], np.arange(T), "right")
    hands = _hands(B, alike=mask is None and lead is None)
    real = np.array([len(hand) for hand in hands])
    room = _up(real)
    first = np.cumsum(room) - room
    rows = np.full(room.sum(), -1)
    for start, hand in zip(first, hands, strict=True):
        rows[start : start + len(hand)] = order[hand]
    active = np.stack([np.searchsorted(hand, counts) for hand in hands])
    at_both_ends = np.zeros((len(hands), T + 2), np.int64)
    at_both_ends[:, 1:-1] = active
    before, after = at_both_ends[:, :-1], at_both_ends[:, 1:]
    gates, gate_rows = _laid(_up(active), keep)
    states, state_rows = _laid(_up(np.maximum(before, after)), keep)
    read = active.sum(1)
    place = np.empty(B, np.int64)
    place[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    sizes = (T, B, len(rows), int(lead is None))
    laid = (first, real, active, gates, states, place, np.cumsum(read) - read)
    places = Places(*sizes, rows, tokens, *laid)
    return Blocks(places, gate_rows, state_rows, int(read.sum()))


def _up(n: Array) -> Array:
    return -(-n // ROWS) * ROWS


def _hands(B: int, *, alike: bool) -> list[Array]:
    """Positions by block, in groups of four.

    Neighbours together where all are ``alike`` (their inputs are neighbours in memory, too), else
    dealt to and fro, so that blocks are equally long.
    """
    size = next(size for least, size in SIZES if least <= B)
    groups = np.array_split(np.arange(B), range(ROWS, B, ROWS))
    n = -(-B // size)
    if alike:
        ends = [k * len(groups) // n * ROWS for k in range(1, n)]
        return np.array_split(np.arange(B), ends)
    hands: list[list[Array]] = [[] for _ in range(n)]
    for k, group in enumerate(groups):
        there, back = divmod(k, n)
        hands[back if there % 2 == 0 else n - 1 - back].append(group)
    return [np.concatenate(hand) for hand in hands if hand]


def _laid(sizes: Array, keep: bool) -> tuple[Array, int]:
    """Where stretches of these sizes (blocks, steps) begin, and how long they are together."""
    if keep:
        ends = np.cumsum(sizes).reshape(sizes.shape)
        return ends - sizes, int(ends[-1, -1]) if ends.size else 0
    widest = int(sizes.max(initial=0))
    # Two in turn: a step reads the states of the one before.
    turn = np.arange(sizes.shape[1]) % 2
    return (2 * np.arange(len(sizes))[:, None] + turn) * widest, 2 * len(sizes) * widest
