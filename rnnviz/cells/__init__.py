"""The cells, one short file each, and the registry that is all a new one has to join.

A cell is a module that satisfies :class:`Cell`. It is pointwise: the layer multiplies by the
kernels (``xw = x·W + b`` for all steps at once, ``hu = h_prev·U`` each step) and owns time, masks,
dropout and direction; the cell fills in, under their names, the values of one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells import gru, gru_2014, lstm, lstm_slide, rnn
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.cells.variants import variant
from rnnviz.equations import Line

__all__ = ["CELLS", "Cell", "CellModule", "variant", "weights_by_name"]


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
        """The trained arrays of a layer of H units over inputs of width D."""

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

    def forward(self, p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
        """The cell's forward, with ``act`` where its lines say tanh and sigmoid."""

    def backward(
        self, p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL
    ) -> None:
        """The cell's backward, with the slopes of ``act``."""


CELLS: Mapping[str, CellModule] = MappingProxyType(
    {cell.name: cell for cell in (rnn, lstm, gru, lstm_slide, gru_2014)}
)


def weights_by_name(cell: Cell, p: Mapping[str, Array]) -> dict[str, Array]:
    """The trained arrays under the names formulas use: ``W_f`` (D, H), ``b_rz`` (H), ``V_o`` ...

    They are views of the columns of one gate. A bias of two rows (GRU, reset_after) gives
    ``b_z`` from the input row and ``b_rz`` from the recurrent row.
    """
    found: dict[str, Array] = {}
    for key, array in p.items():
        if key not in ("W", "U", "b"):
            found[key] = array
            continue
        for gate, block in zip(cell.gates, blocks(array, len(cell.gates)), strict=True):
            suffix = f"_{gate}" if gate else ""
            if block.ndim == 2 and key == "b":
                found[f"b{suffix}"], found[f"b_r{gate}"] = block[0], block[1]
            else:
                found[key + suffix] = block
    return found
