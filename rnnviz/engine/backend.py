"""Who walks through time for a model, and on which device: the choice is made once a model.

A model is arithmetic on arrays, and those say themselves where they live. What differs from device
to device is behind this one small protocol: the walks over time, how an array gets there and back,
and how the gradients of looked-up words are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import Cell
from rnnviz.engine import packed
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.embedding import Lookup, WordRows, summed_rows
from rnnviz.engine.optimizers import Optimizer
from rnnviz.engine.recurrent import Scan, scan, unscan


@dataclass(frozen=True, eq=False)
class DirectionInput:
    """One direction of a layer, to be read."""

    p: Values
    reverse: bool = False
    initial: Values | None = None  # states before the first token, (B, H); None: zeros
    input_mask: Array | None = None  # dropout of x, (1 or G, B, D)
    recurrent_mask: Array | None = None  # dropout of h_prev, (G, B, H)
    lead: Array | None = None  # steps that each sequence shares with the last one, (B)


def plainly(
    cell: Cell, passes: Sequence[DirectionInput], x: Array, mask: Array | None,
    held: Sequence[Clamping | None] | None = None,
) -> tuple[Scan, ...]:  # fmt: skip
    """The passes by the plain loop, on whichever device the arrays are; every value recorded."""
    return tuple(
        scan(
            cell, a.p, x, mask, reverse=a.reverse, initial=a.initial,
            recurrent_mask=a.recurrent_mask, input_mask=a.input_mask, held=h,
        )
        for a, h in zip(passes, held or [None] * len(passes), strict=True)
    )  # fmt: skip


class ScanOutput(Protocol):
    """What a walk left behind."""

    @property
    def last(self) -> Values:
        """The states after the step read last, (B, H)."""

    def stack(self, name: str) -> Array:
        """The outputs "h", (T, B, H)."""


@dataclass(frozen=True, eq=False)
class LayerGradients:
    """What walking back through a layer gave: of each direction's arrays, and of the input.

    ``x`` (T, B, D) is of all directions together; ``looked`` are ids and gradients of rows where
    the input was looked up in a table instead.
    """

    params: tuple[Values, ...]
    x: Array | None
    looked: tuple[tuple[Array, Array], ...] = ()


class Backend(Protocol):
    """The walks over time of one device."""

    name: str
    on_host: bool  # whether its arrays are NumPy's

    def asarray(self, a: Array) -> Array:
        """A host array on the device."""

    def host(self, a: Array) -> Array:
        """A device array on the host; waits for it."""

    def floats(self, numbers: Sequence[Array]) -> list[float]:
        """Single numbers of the device as Python's; waits for it once."""

    def scan(
        self,
        cell: Cell,
        passes: Sequence[DirectionInput],
        x: Array | Lookup,
        mask: Array | None,
        keep: bool,
    ) -> tuple[ScanOutput, ...]:
        """Read ``x`` (T, B, D) in every direction; without ``keep`` there is no way back."""

    def unscan(
        self, cell: Cell, params: Sequence[Values], done: Sequence[Any], d_h: Array | None,
        d_last: Array | None, need_x: bool,
    ) -> LayerGradients:  # fmt: skip
        """Walk back, given the gradients of every output (T, B, n·H), or of the last h (B, n·H).

        The n directions side by side.
        """

    def table_gradient(self, ids: Array, d: Array, vocabulary: int) -> WordRows | Array:
        """The gradient (V, E) of a table from those of its uses, (P, E); or its rows that occur."""

    def step_rows(self, optimizer: Optimizer, key: str, table: Array, found: WordRows) -> None:
        """An optimizer's step on a table of which a batch used only some rows."""


class TimeWalk(NamedTuple):
    """A way to walk through time, as :mod:`rnnviz.engine.packed` has it."""

    able: Callable[[Cell, Array | None], bool]
    scan: Callable[..., Any]
    unscan: Callable[..., Any]
    made: type  # what ``scan`` gives


#: The walk of NumPy alone, for every cell and mask.
PACKED = TimeWalk(lambda cell, mask: True, packed.scan, packed.unscan, packed.PackedScan)


class HostBackend:
    """NumPy arrays, and the first of some walks that can read a layer; if none can, the packed one.

    ``summed`` sums the gradients of words, ``stepped`` moves the rows of a table.
    """

    on_host = True

    def __init__(
        self, name: str, *walks: TimeWalk,
        summed: Callable[[Array, Array, int], WordRows] = summed_rows,
        stepped: Callable[[Optimizer, str, Array, WordRows], None] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.walks = name, (*walks, PACKED)
        self._summed, self._stepped = summed, stepped

    def asarray(self, a: Array) -> Array:
        """As it is."""
        return a

    def host(self, a: Array) -> Array:
        """As it is."""
        return a

    def floats(self, numbers: Sequence[Array]) -> list[float]:
        """As they are."""
        return [float(n) for n in numbers]

    def scan(
        self,
        cell: Cell,
        passes: Sequence[DirectionInput],
        x: Array | Lookup,
        mask: Array | None,
        keep: bool,
    ) -> tuple[ScanOutput, ...]:
        """See :class:`Backend`."""
        walk = next(w for w in self.walks if w.able(cell, mask))
        return tuple(
            walk.scan(
                cell, a.p, x, mask, reverse=a.reverse, initial=a.initial, keep=keep,
                recurrent_mask=a.recurrent_mask, input_mask=a.input_mask, lead=a.lead,
            )
            for a in passes
        )  # fmt: skip

    def unscan(
        self, cell: Cell, params: Sequence[Values], done: Sequence[Any], d_h: Array | None,
        d_last: Array | None, need_x: bool,
    ) -> LayerGradients:  # fmt: skip
        """See :class:`Backend`."""
        grads: list[Values] = []
        looked: list[tuple[Array, Array]] = []
        d_x: Array | None = None
        for n, (p, s) in enumerate(zip(params, done, strict=True)):
            out = None if d_h is None else blocks(d_h, len(done))[n]
            last = None if d_last is None else {"h": blocks(d_last, len(done))[n]}
            walk = next((w for w in self.walks if isinstance(s, w.made)), None)
            if walk is None:  # a pass that recorded every value
                back: Any = unscan(cell, p, s, out, last)
            else:
                back = walk.unscan(cell, p, s, out, last, need_x=need_x)
            grads.append(back.params)
            if walk is not None and isinstance(s.x, Lookup):
                looked.append(back.rows())
            elif need_x:
                below = back.below if walk is None else back.x
                d_x = below if d_x is None else d_x + below
        return LayerGradients(tuple(grads), d_x, tuple(looked))

    def table_gradient(self, ids: Array, d: Array, vocabulary: int) -> WordRows:
        """The rows that occur."""
        return self._summed(ids, d, vocabulary)

    def step_rows(self, optimizer: Optimizer, key: str, table: Array, found: WordRows) -> None:
        """See :class:`Backend`."""
        (self._stepped or type(optimizer).step_rows)(optimizer, key, table, found)


#: The reference: NumPy alone.
HOST = HostBackend("cpu")
