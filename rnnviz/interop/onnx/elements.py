"""Values of a graph as arrays of element numbers.

Every operation whose result is not known gives a block of new numbers, one for each element of its
output at a small batch and length. What only moves elements (Transpose, Reshape, Slice, Concat …)
is then NumPy on these arrays, and where a layer's input is a layer's output, in whatever way it
came there, the numbers say so.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

import numpy as np

from rnnviz.arrays import Array

#: What an array of an operation's output is: its outputs at all steps (T, B, F), the state after
#: the last step (B, F), or anything else, with the axes of the graph.
FormKind = Literal["steps", "state", "raw"]
#: What a consumer reads: a form, or the outputs at the last token.
ReadKind = Literal["steps", "state", "end", "raw"]

#: The most elements of one value, and of all values whose numbers are stored: 64 MB.
MAX_ELEMENTS = 1_000_000
MAX_STORED = 8_000_000
#: The most elements that nodes read, all together: half a second.
MAX_SEARCHED = 8_000_000


class LongSequencesError(Exception):
    """Sequences, or batches, of a fixed size that is too large to number every element."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A value that does not depend on the net's input. ``origin``: the tensor it is stored in."""

    array: Array
    origin: str = ""


@dataclass(frozen=True)
class Fill:
    """A constant of unknown shape, with one number everywhere."""

    number: float


@dataclass(frozen=True)
class Unshaped:
    """The output of an operation whose shape is not known."""

    operation: str


@dataclass(frozen=True, eq=False)
class Numbered:
    """Elements of operations' outputs, by number. The numbers of a whole block are not stored.

    ``made_by`` is the operator that put them into this order.
    """

    shape: tuple[int, ...]
    start: int = 0
    moved: Array | None = None
    made_by: str = ""

    @property
    def size(self) -> int:
        """How many they are."""
        return math.prod(self.shape)

    @property
    def ids(self) -> Array:
        """The numbers, int64 of ``shape``."""
        if self.moved is not None:
            return self.moved
        return np.arange(self.start, self.start + math.prod(self.shape)).reshape(self.shape)


Value = Constant | Fill | Unshaped | Numbered


@dataclass(frozen=True, eq=False)
class Form:
    """One way in which an operation's output can be read, as numbers (…, F)."""

    operation: str
    kind: FormKind
    value: Numbered


@dataclass(eq=False)
class Block:
    """The numbers ``start`` to ``stop`` (not included): the output of an operation."""

    operation: str
    start: int
    stop: int
    forms: list[Form] = field(default_factory=list)
    #: For each row of its output the first number of the row that it was computed from.
    rows_from: Array | None = None


@dataclass(frozen=True, eq=False)
class Match:
    """What an array of numbers is: a form of an operation, and which of its rows stand where.

    ``rows`` (…) are indices of rows of the form's (·, F), of the last token's for "end".
    """

    form: Form
    reads: ReadKind
    rows: Array

    @property
    def in_order(self) -> bool:
        """Whether the rows stand as in the form: (T, B, F), or (B, F)."""
        return np.array_equal(self.rows.ravel(), np.arange(self.rows.size))


class ElementNumbers:
    """Gives out numbers and says which operations numbers belong to."""

    def __init__(self, *, shortened: bool = False) -> None:
        """``shortened``: whether the graph is followed with shorter sequences than it states."""
        self._shortened = shortened
        self._left = MAX_STORED
        self._searches = MAX_SEARCHED
        self._starts: list[int] = []
        self._blocks: list[Block] = []
        self._next = 0

    def new_block(self, operation: str, size: int) -> Block:
        """A block of ``size`` new numbers."""
        block = Block(operation, self._next, self._next + size)
        self._starts.append(block.start)
        self._blocks.append(block)
        self._next += max(size, 1)
        return block

    def store(self, size: int) -> None:
        """Count an array of numbers that is about to be stored.

        Raises LongSequencesError where it is too large; MemoryError where sequences are already
        shorter than the file states.
        """
        self._left -= size
        if size > MAX_ELEMENTS or self._left < 0:
            raise MemoryError if self._shortened else LongSequencesError

    def may_search(self, size: int) -> bool:
        """Count a search for numbers; whether there is still time for it.

        Raises LongSequencesError where shorter sequences may help.
        """
        self._searches -= size
        if self._searches < 0 and not self._shortened:
            raise LongSequencesError
        return self._searches >= 0

    def raw(self, operation: str, shape: tuple[int, ...]) -> Value:
        """The output of an operation whose axes have no known meaning."""
        if math.prod(shape) > MAX_ELEMENTS:
            return Unshaped(operation)
        block = self.new_block(operation, math.prod(shape))
        value = Numbered(shape, block.start)
        block.forms.append(Form(operation, "raw", value))
        return value

    def rowwise(self, operation: str, value: Numbered, match: Match | None, width: int) -> Value:
        """The output (…, ``width``) of an operation on each row of ``value`` (…, F).

        ``match`` is what the value is; the output has the same form.
        """
        shape = (*value.shape[:-1], width)
        self.store(math.prod(shape))
        source = value.ids[..., 0] if value.shape[-1] else None
        if match is None or match.reads == "raw":
            out = self.raw(operation, shape)
            if isinstance(out, Numbered) and source is not None:
                self._block(out.start).rows_from = source.ravel()
            return out
        steps = match.reads == "steps"
        leading = match.form.value.shape[:-1] if steps else match.form.value.shape[-2:-1]
        block = self.new_block(operation, math.prod(leading) * width)
        table = Numbered((*leading, width), block.start)
        block.forms.append(Form(operation, "steps" if steps else "state", table))
        return Numbered(shape, moved=table.ids.reshape(-1, width)[match.rows], made_by="")

    def graph_element(self, number: int) -> tuple[Block, int]:
        """The element that a row goes back to: a block, and the place in it."""
        block = self._block(number)
        while block.rows_from is not None:
            place = (number - block.start) * len(block.rows_from) // (block.stop - block.start)
            number = int(block.rows_from[place])
            block = self._block(number)
        return block, number - block.start

    def blocks(self, value: Numbered) -> list[Block]:
        """The blocks that its numbers belong to, in order of appearance."""
        if value.moved is None:
            return [self._block(value.start)]
        flat = value.moved.ravel()
        found: dict[int, Block] = {}
        while len(flat):
            block = self._block(int(flat[0]))
            found[block.start] = block
            flat = flat[(flat < block.start) | (flat >= block.stop)]
        return list(found.values())

    def _block(self, number: int) -> Block:
        return self._blocks[bisect_right(self._starts, number) - 1]


def match_forms(value: Numbered, forms: Iterator[Form] | list[Form]) -> Match | None:
    """The form that ``value`` (…, F) is all of, or the last token of; None where it is neither."""
    ids = value.ids
    if not ids.ndim or not ids.size:
        return None
    for form in forms:
        match = _match_raw(ids, form) if form.kind == "raw" else _match_rows(ids, form)
        if match is not None:
            return match
    return None


def _match_rows(ids: Array, form: Form) -> Match | None:
    table = form.value.ids
    F = table.shape[-1]
    if ids.shape[-1] != F:
        return None
    rows = table.reshape(-1, F)
    order = np.argsort(rows[:, 0])
    at = np.searchsorted(rows[:, 0], ids[..., 0], sorter=order)
    found = order[np.minimum(at, len(order) - 1)]
    if not np.array_equal(rows[found], ids):
        return None
    flat, count = found.ravel(), len(rows)
    if form.kind == "state":
        return Match(form, "state", found) if _is_all(flat, count) else None
    T, B = table.shape[:2]
    if T == 1 and ids.ndim < 3:
        return None  # the only step is the state as well
    if _is_all(flat, count):
        return Match(form, "steps", found)
    if np.array_equal(flat, np.arange(count - B, count)):
        return Match(form, "end", found - (count - B))
    return None


def _is_all(rows: Array, count: int) -> bool:
    return len(rows) == count and len(np.unique(rows)) == count


def _match_raw(ids: Array, form: Form) -> Match | None:
    """All of a value in any order of its axes; axes of length 1 may come and go."""
    table = form.value.ids
    if table.size != ids.size or not table.ndim:
        return None
    bare = ids.reshape([n for n in ids.shape if n > 1])
    plain = table.reshape([n for n in table.shape if n > 1])
    if bare.ndim != plain.ndim or bare.ndim > 5:
        return None
    if not any(np.array_equal(bare, plain.transpose(p)) for p in permutations(range(bare.ndim))):
        return None
    return Match(form, "raw", np.arange(ids[..., 0].size).reshape(ids.shape[:-1]))


def same_elements(a: Value, b: Value) -> bool:
    """Whether two values are the same elements, in axes of any number and order."""
    if isinstance(a, Numbered) and isinstance(b, Numbered):
        return np.array_equal(np.sort(a.ids, axis=None), np.sort(b.ids, axis=None))
    return isinstance(a, Unshaped) and a == b
