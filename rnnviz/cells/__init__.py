"""The cells, one short file each, and the registry: a new cell adds its name here.

A cell is a module that satisfies :class:`Cell`; the file of ``gru-2014`` is ``gru_2014.py``. It is
pointwise: the layer multiplies by the kernels (``xw = x·W + b`` for all steps at once,
``hu = h_prev·U`` each step) and owns time, masks, dropout and direction; the cell computes, by
name, the values of one step.

Names of cells are read without importing NumPy: a cell's module is imported when it is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from rnnviz.arrays import Array, Values
    from rnnviz.cells.activations import Activations
    from rnnviz.equations import Line

__all__ = ["CELLS", "Cell", "CellModule"]


class Cell(Protocol):
    """What the engine, the trace and the screen ask of a cell."""

    @property
    def name(self) -> str:
        """The cell's name on the command line and in files."""

    @property
    def title(self) -> str:
        """The cell's name on screen."""

    @property
    def gates(self) -> tuple[str, ...]:
        """The column blocks of W, U and b, in Keras's order; ("",) for a single block."""

    @property
    def recurrent(self) -> tuple[str, ...]:
        """The gates, leading ones, whose columns of U multiply h_prev: the layer does that.

        A cell that multiplies the columns of another gate by something else does that itself, with
        ``p["keep_NAME"]`` (B, H), while it is there, on what that gate sees of h_prev (dropout).
        """

    @property
    def states(self) -> tuple[str, ...]:
        """The values carried along time; "h" first."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """Forward, in the order it happens."""

    @property
    def back(self) -> tuple[Line, ...]:
        """Backward, in the order it happens."""

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        """The trained arrays of a layer of H units over inputs of width D.

        W has H columns for each gate, and U a row for each unit of h.
        """

    def forward(self, p: Values, v: Values, prev: Values) -> None:
        """One step: ``v`` arrives with xw and hu (B, ·) and leaves with every named value."""

    def backward(self, p: Values, v: Values, prev: Values, d: Values) -> None:
        """Undo one step: ``d`` arrives with h and, for each other state, NAME_next (B, H).

        It leaves with the gradient of every named value, of xw and hu (B, ·), and of each
        carried state NAME_prev *apart from* the way through ``hu``, which the layer adds.
        """

    def param_grads(self, x: Array, prev: Values, v: Values, d: Values) -> Values:
        """Gradients of the trained arrays over all steps at once; rows are (T·B, ·)."""


class CellModule(Cell, Protocol):
    """What a cell's file offers: the same, and the choice of other activations."""

    def forward(self, p: Values, v: Values, prev: Values, act: Activations = ...) -> None:
        """The cell's forward, with ``act`` where its lines say tanh and sigmoid."""

    def backward(
        self, p: Values, v: Values, prev: Values, d: Values, act: Activations = ...
    ) -> None:
        """The cell's backward, with the slopes of ``act``."""


class CellRegistry(Mapping[str, CellModule]):
    """Cells by name; a module is imported when its cell is looked up."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getitem__(self, name: str) -> CellModule:
        if name not in self._names:
            raise KeyError(name)
        return cast(Any, import_module(f"{__name__}.{name.replace('-', '_')}"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


CELLS = CellRegistry(
    "rnn", "lstm", "gru", "lstm-slide", "gru-2014", "mingru", "lstm-peephole", "lstm-projection"
)
