"""The device a model computes on: where its arrays are, and which scans it trains with.

A model is arithmetic on arrays, NumPy's or CuPy's. What differs from device to device is behind the
protocol :class:`Backend`: the scans for training, copies to and from the device, and how the
gradients of an embedding's rows are summed. It is chosen once a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import Cell
from rnnviz.engine import packed_scan
from rnnviz.engine.directions import DirectionInput, concat_directions
from rnnviz.engine.embedding import Lookup, WordRows, summed_rows
from rnnviz.engine.head_step import HeadFeatures, HeadStep, Targets
from rnnviz.engine.scan import Scan, ScanGradients, scan, scan_backward
from rnnviz.engine.spec import HeadSpec

if TYPE_CHECKING:
    from rnnviz.engine.optimizers import Optimizer


class ScanOutput(Protocol):
    """The outputs of one direction of a layer."""

    @property
    def last(self) -> Values:
        """The states after the step read last, (B, H)."""

    def stack(self, name: str) -> Array:
        """The outputs "h", (T, B, H)."""


@dataclass(frozen=True, eq=False)
class LayerGradients:
    """The gradients of each direction's arrays, and of the layer's input.

    ``x`` (T, B, D) is the sum over the directions. Where the input is looked up in a table there is
    instead the gradient of the ``table`` (V, D), or ``rows`` has, for each direction, ids and
    gradients of the table's rows.
    """

    params: tuple[Values, ...]
    x: Array | None
    rows: tuple[tuple[Array, Array], ...] = ()
    table: Array | None = None
    initial: tuple[Values, ...] = ()  # of each direction's states before the first token, (B, H)


class Backend(Protocol):
    """The arrays and the scans of one device."""

    name: str
    on_host: bool  # whether its arrays are NumPy's

    def asarray(self, a: Array) -> Array:
        """A host array on the device."""

    def host(self, a: Array) -> Array:
        """A device array on the host; synchronizes."""

    def floats(self, numbers: Sequence[Array]) -> list[float]:
        """Arrays of one number each as Python floats; synchronizes once."""

    def scan(
        self,
        cell: Cell,
        passes: Sequence[DirectionInput],
        x: Array | Lookup,
        mask: Array | None,
        keep: bool,
    ) -> tuple[ScanOutput, ...]:
        """Read ``x`` (T, B, D) in every direction; ``keep`` what the backward pass needs."""

    def outputs(self, scans: Sequence[Any]) -> Array:
        """The outputs of a layer's n directions side by side, (T, B, n·H)."""

    def scan_backward(
        self, cell: Cell, params: Sequence[Values], done: Sequence[Any], d_h: Array | None,
        d_last: Array | None, need_x: bool, out: LayerGradients | None = None,
    ) -> LayerGradients:  # fmt: skip
        """Backpropagate through the scans of a layer, n directions side by side.

        Given the gradient of every output, ``d_h`` (T, B, n·H), or of the last h, ``d_last``
        (B, n·H). ``out``: arrays that the gradients may be written to, ``table`` zero before.
        """

    def table_gradient(self, ids: Array, d: Array, vocabulary: int) -> WordRows | Array:
        """The gradient (V, E) of a table from those of its uses, (P, E); or its rows that occur."""

    def head_step(
        self, head: HeadSpec, params: Values, below: HeadFeatures, targets: Targets
    ) -> HeadStep | None:
        """The loss of a batch and the gradients of its head; None where NumPy is to compute them.

        As :func:`rnnviz.engine.head_step.head_step` does.
        """

    def step(
        self, optimizer: Optimizer, params: Values, grads: Values, embedding: WordRows | None
    ) -> None:
        """One update of every parameter that has a gradient.

        ``embedding`` are the gradients of those rows of the table "embedding" that a batch used.
        """


def concat_outputs(scans: Sequence[ScanOutput]) -> Array:
    """The outputs of a layer's directions side by side, (T, B, n·H)."""
    return concat_directions([s.stack("h") for s in scans])


class ScanImplementation(NamedTuple):
    """Scans for training, of all directions of a layer."""

    supports: Callable[[Cell, Array | None], bool]  # of a cell and a mask
    #: (cell, directions, x, mask, keep): the scan of each direction.
    scan: Callable[..., tuple[Any, ...]]
    #: (cell, params, scans, d_h, d_last, need_x), of each direction: its gradients.
    scan_backward: Callable[..., tuple[Any, ...]]
    output: type  # of a scan
    #: (scans): their outputs side by side, (T, B, n·H).
    outputs: Callable[[Sequence[Any]], Array] = concat_outputs


def one_by_one(
    supports: Callable[[Cell, Array | None], bool], scan: Callable[..., Any],
    scan_backward: Callable[..., Any], output: type,
) -> ScanImplementation:  # fmt: skip
    """Scans that read one direction after the other, each as :mod:`rnnviz.engine.packed_scan`."""

    def every_scan(
        cell: Cell, directions: Sequence[DirectionInput], x: Any, mask: Array | None, *, keep: bool
    ) -> tuple[Any, ...]:
        return tuple(
            scan(
                cell, a.p, x, mask, reverse=a.reverse, initial=a.initial, keep=keep,
                recurrent_mask=a.recurrent_mask, input_mask=a.input_mask, lead=a.lead,
            )
            for a in directions
        )  # fmt: skip

    def every_backward(
        cell: Cell, params: Any, done: Any, d_h: Any, d_last: Any, *, need_x: bool
    ) -> tuple[Any, ...]:
        each = zip(params, done, d_h, d_last, strict=True)
        return tuple(scan_backward(cell, *of, need_x=need_x) for of in each)

    return ScanImplementation(supports, every_scan, every_backward, output)


#: NumPy alone, for every cell and mask.
PACKED = one_by_one(
    lambda cell, mask: True, packed_scan.scan, packed_scan.scan_backward, packed_scan.PackedScan
)


def _recorded_backward(
    cell: Cell, p: Values, forward: Scan, d_h: Array | None, d_last: Values | None, need_x: bool
) -> ScanGradients:
    return scan_backward(cell, p, forward, d_h, d_last)


#: A recording scan: never chosen here, but it can be backpropagated through. A card uses it for
#: layers that it has no kernel for.
RECORDED = one_by_one(lambda cell, mask: False, scan, _recorded_backward, Scan)


def step_all(
    optimizer: Optimizer, params: Values, grads: Values, embedding: WordRows | None
) -> None:
    """See :meth:`Backend.step`."""
    optimizer.step(params, grads)
    if embedding is not None:
        optimizer.step_rows("embedding", params["embedding"], embedding)


class HostBackend:
    """NumPy arrays, and the first of some scans that supports a layer; the last is the packed one.

    ``sum_rows`` sums the gradients of an embedding's rows, ``step`` updates the parameters, and
    ``head_step`` computes the gradients of heads for which it does not return None.
    """

    on_host = True

    def __init__(
        self, name: str, *scans: ScanImplementation,
        sum_rows: Callable[[Array, Array, int], WordRows] = summed_rows,
        step: Callable[[Optimizer, Values, Values, WordRows | None], None] = step_all,
        head_step: Callable[..., HeadStep | None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self.name, self.scans = name, (*scans, PACKED, RECORDED)
        self._sum_rows, self._step, self._head_step = sum_rows, step, head_step

    def asarray(self, a: Array) -> Array:
        """The array itself."""
        return a

    def host(self, a: Array) -> Array:
        """The array itself."""
        return a

    def floats(self, numbers: Sequence[Array]) -> list[float]:
        """See :class:`Backend`."""
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
        chosen = next(s for s in self.scans if s.supports(cell, mask))
        return chosen.scan(cell, passes, x, mask, keep=keep)

    def outputs(self, scans: Sequence[Any]) -> Array:
        """See :class:`Backend`."""
        return self._implementation(scans).outputs(scans)

    def _implementation(self, scans: Sequence[Any]) -> ScanImplementation:
        """The one that the scans of a layer come from."""
        return next(s for s in self.scans if isinstance(scans[0], s.output))

    def scan_backward(
        self, cell: Cell, params: Sequence[Values], done: Sequence[Any], d_h: Array | None,
        d_last: Array | None, need_x: bool, out: LayerGradients | None = None,
    ) -> LayerGradients:  # fmt: skip
        """See :class:`Backend`."""
        grads: list[Values] = []
        rows: list[tuple[Array, Array]] = []
        d_x: Array | None = None
        n = len(done)
        outs = [None] * n if d_h is None else blocks(d_h, n)
        lasts = [None] * n if d_last is None else [{"h": d} for d in blocks(d_last, n)]
        used = self._implementation(done)
        backs = used.scan_backward(cell, params, done, outs, lasts, need_x=need_x)
        for forward, back in zip(done, backs, strict=True):
            grads.append(back.params)
            if isinstance(forward.x, Lookup):
                rows.append(back.rows())
            elif need_x:
                d_x = back.x if d_x is None else d_x + back.x
        initial = tuple(back.initial for back in backs)
        return LayerGradients(tuple(grads), d_x, tuple(rows), initial=initial)

    def table_gradient(self, ids: Array, d: Array, vocabulary: int) -> WordRows:
        """The rows that occur."""
        return self._sum_rows(ids, d, vocabulary)

    def head_step(
        self, head: HeadSpec, params: Values, below: HeadFeatures, targets: Targets
    ) -> HeadStep | None:
        """See :class:`Backend`."""
        return self._head_step(head, params, below, targets)

    def step(
        self, optimizer: Optimizer, params: Values, grads: Values, embedding: WordRows | None
    ) -> None:
        """See :class:`Backend`."""
        self._step(optimizer, params, grads, embedding)


#: NumPy alone: the reference.
HOST = HostBackend("cpu")
