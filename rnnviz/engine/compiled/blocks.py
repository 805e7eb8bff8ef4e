"""The sequences of a batch in blocks, and where the values of each block are in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.compiled.loop_arguments import BlockLayout
from rnnviz.engine.compiled.memory import pack_fields, zeros

#: Sequences that a product takes at a time.
ROWS = 2

#: (batch size, most sequences of a block) for batches of at least that size. Weights are read once
#: per block and step, so large blocks are faster; small ones keep more cores busy.
SIZES = ((128, 32), (64, 16), (0, 14))
#: Up to so many sequences are one block. Other batches have an even number of blocks, so that two
#: cores take equally long.
ONE_BLOCK = 8


@dataclass(frozen=True, eq=False)
class Blocks:
    """The layout of a batch in blocks, and the sizes of its arrays."""

    layout: BlockLayout
    gate_row_count: int
    state_row_count: int
    entry_count: int  # tokens read

    @cached_property
    def fields(self) -> Array:
        """The layout as the loops take it."""
        return pack_fields(self.layout)

    def by_slot(self, array: Array, width: int) -> Array:
        """Rows by sequence, (n, B, ·), as rows by slot, (n, slots, width), padded with zeros."""
        rows = zeros((len(array), len(self.layout.sequences), width), array.dtype)
        rows[:, self._used_slots, : array.shape[2]] = array[:, self._sequences]
        return rows

    def by_sequence(self, rows: Array, width: int) -> Array:
        """Rows by slot as rows by sequence, (n, B, width)."""
        array = np.empty((len(rows), self.layout.batch, width), rows.dtype)
        array[:, self._sequences] = rows[:, self._used_slots, :width]
        return array

    @cached_property
    def output_rows(self) -> Array:
        """(T, B): the row of states after each token; -1 where none is read."""
        layout, r = self.layout, np.arange(int(self.layout.sequence_count.max(initial=0)))
        rows = np.full((layout.steps, layout.batch), -1)
        for k, count in enumerate(layout.sequence_count):
            sequences = layout.sequences[layout.first_slot[k] + r[:count]]
            after = layout.state_rows[k, 1:, None] + r[:count]
            active = r[:count] < layout.active_count[k][:, None]
            rows[layout.token_order[:, None], sequences] = np.where(active, after, -1)
        return rows

    @cached_property
    def _used_slots(self) -> Array:
        return np.flatnonzero(self.layout.sequences >= 0)

    @cached_property
    def _sequences(self) -> Array:
        return self.layout.sequences[self._used_slots]


def longest_first(mask: Array) -> Array:
    """The indices of the sequences (B), those that read most tokens first."""
    return np.argsort(-mask.sum(0), kind="stable")


def is_nested(mask: Array) -> bool:
    """Whether at every step the sequences that read are the first of ``longest_first``."""
    ordered = mask[:, longest_first(mask)]
    return bool((ordered[:, 1:] <= ordered[:, :-1]).all())


def make_blocks(
    T: int, B: int, reverse: bool, mask: Array | None, lead: Array | None, keep: bool
) -> Blocks:
    """The blocks of a batch; without ``keep`` all steps of a block share the same memory.

    The result is read-only: layers that read a batch in the same way share it.
    """
    reads = None if mask is None else mask.tobytes()
    return _make_blocks(T, B, reverse, reads, None if lead is None else lead.tobytes(), keep)


@lru_cache(maxsize=4)
def _make_blocks(
    T: int, B: int, reverse: bool, reads: bytes | None, leads: bytes | None, keep: bool
) -> Blocks:
    mask = None if reads is None else np.frombuffer(reads, bool).reshape(T, B)
    lead = None if leads is None else np.frombuffer(leads, np.int64)
    token_order = np.arange(T)[::-1].copy() if reverse else np.arange(T)
    order, counts = np.arange(B), np.full(T, B)
    if mask is not None:
        order, counts = longest_first(mask), mask[token_order].sum(1)
    elif lead is not None:
        order = np.argsort(lead, kind="stable")
        counts = np.searchsorted(lead[order], np.arange(T), "right")
    members = _members(B, uniform=mask is None and lead is None)
    sequence_count = np.array([len(positions) for positions in members])
    slot_count = _round_up(sequence_count)
    first_slot = np.cumsum(slot_count) - slot_count
    sequences = np.full(slot_count.sum(), -1)
    for start, positions in zip(first_slot, members, strict=True):
        sequences[start : start + len(positions)] = order[positions]
    active_count = np.stack([np.searchsorted(positions, counts) for positions in members])
    at_both_ends = np.zeros((len(members), T + 2), np.int64)
    at_both_ends[:, 1:-1] = active_count
    before, after = at_both_ends[:, :-1], at_both_ends[:, 1:]
    gate_rows, gate_row_count = _first_rows(_round_up(active_count), keep)
    state_rows, state_row_count = _first_rows(_round_up(np.maximum(before, after)), keep)
    entries = active_count.sum(1)
    slot_of_sequence = np.empty(B, np.int64)
    slot_of_sequence[sequences[sequences >= 0]] = np.flatnonzero(sequences >= 0)
    layout = BlockLayout(
        steps=T,
        batch=B,
        slots=len(sequences),
        hold_state=int(lead is None),
        sequences=sequences,
        token_order=token_order,
        first_slot=first_slot,
        sequence_count=sequence_count,
        active_count=active_count,
        gate_rows=gate_rows,
        state_rows=state_rows,
        slot_of_sequence=slot_of_sequence,
        first_entry=np.cumsum(entries) - entries,
    )
    return Blocks(layout, gate_row_count, state_row_count, int(entries.sum()))


def _round_up(n: Array) -> Array:
    """n rounded up to multiples of ROWS."""
    return -(-n // ROWS) * ROWS


def _members(B: int, *, uniform: bool) -> list[Array]:
    """For each block, positions in the order of the sequences, in groups of ROWS.

    Adjacent ones where the batch is ``uniform``: their inputs are adjacent in memory, too.
    Otherwise groups are distributed back and forth, so that all blocks take equally long.
    """
    size = next(size for least, size in SIZES if least <= B)
    groups = np.array_split(np.arange(B), range(ROWS, B, ROWS))
    n = 1 if B <= ONE_BLOCK else -(-B // (2 * size)) * 2
    if uniform:
        ends = [k * len(groups) // n * ROWS for k in range(1, n)]
        return np.array_split(np.arange(B), ends)
    members: list[list[Array]] = [[] for _ in range(n)]
    for k, group in enumerate(groups):
        round_number, position = divmod(k, n)
        members[position if round_number % 2 == 0 else n - 1 - position].append(group)
    return [np.concatenate(positions) for positions in members if positions]


def _first_rows(sizes: Array, keep: bool) -> tuple[Array, int]:
    """The first rows of areas with so many rows (blocks, steps), and the number of all rows."""
    if keep:
        ends = np.cumsum(sizes).reshape(sizes.shape)
        return ends - sizes, int(ends[-1, -1]) if ends.size else 0
    largest = int(sizes.max(initial=0))
    # Two areas alternate: a step reads the states before it and writes those after it.
    alternate = np.arange(sizes.shape[1]) % 2
    return (2 * np.arange(len(sizes))[:, None] + alternate) * largest, 2 * len(sizes) * largest
