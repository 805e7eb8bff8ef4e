"""A cell with other activations: relu where its lines say tanh, hard_sigmoid for sigmoid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from rnnviz.arrays import Array, Values
from rnnviz.cells.activations import FOR_GATE, FOR_STATE, USUAL, Activations
from rnnviz.equations import Line

if TYPE_CHECKING:
    from rnnviz.cells import Cell, CellModule

#: How the cells' lines write the slopes of tanh and sigmoid: by their outputs.
TANH_SLOPE = re.compile(r"\(1 - (?P<y>tanh\(\w+\)|\w+)\*\*2\)")
SIGMOID_SLOPE = re.compile(r"\b(?P<y>\w+) \* \(1 - (?P=y)\)")


@cache
def variant(
    cell: CellModule, activation: str = "tanh", recurrent_activation: str = "sigmoid"
) -> Cell:
    """The cell with these activations; the cell itself where they are its own.

    KeyError for what is not in ``FOR_STATE`` and ``FOR_GATE``.
    """
    act = Activations(FOR_STATE[activation], FOR_GATE[recurrent_activation])
    return cell if act == USUAL else Variant(cell, act)


@dataclass(frozen=True)
class Variant:
    """A cell module run with other activations; its lines say so, all else is the module's."""

    cell: CellModule
    act: Activations

    @property
    def name(self) -> str:
        """The module's: in files the activations stand beside it."""
        return self.cell.name

    @property
    def title(self) -> str:
        """The module's, and what is not as usual: ``GRU, relu``."""
        other = (a.name for a, usual in zip(self.act, USUAL, strict=True) if a != usual)
        return ", ".join([self.cell.title, *other]).replace("_", " ")

    @property
    def gates(self) -> tuple[str, ...]:
        """The module's."""
        return self.cell.gates

    @property
    def recurrent(self) -> tuple[str, ...]:
        """The module's."""
        return self.cell.recurrent

    @property
    def states(self) -> tuple[str, ...]:
        """The module's."""
        return self.cell.states

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The module's lines with the other functions in them."""
        return tuple(Line(n.name, n.part, self._named(n.formula)) for n in self.cell.lines)

    @cached_property
    def back(self) -> tuple[Line, ...]:
        """The module's lines with the other slopes in them."""
        return tuple(
            Line(n.name, n.part, self._named(self._sloped(n.formula))) for n in self.cell.back
        )

    def _sloped(self, formula: str) -> str:
        for written, own in zip((TANH_SLOPE, SIGMOID_SLOPE), self.act, strict=True):
            formula = written.sub(own.slope_formula.format(y=r"\g<y>"), formula)
        return formula

    def _named(self, formula: str) -> str:
        for usual, own in zip(USUAL, self.act, strict=True):
            formula = formula.replace(f"{usual.name}(", f"{own.name}(")
        return formula

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        """The module's: activations have no weights."""
        return self.cell.shapes(D, H)

    def forward(self, p: Values, v: Values, prev: Values) -> None:
        """The module's, with these activations."""
        self.cell.forward(p, v, prev, self.act)

    def backward(self, p: Values, v: Values, prev: Values, d: Values) -> None:
        """The module's, with these activations."""
        self.cell.backward(p, v, prev, d, self.act)

    def param_grads(self, x: Array, prev: Values, v: Values, d: Values) -> Values:
        """The module's."""
        return self.cell.param_grads(x, prev, v, d)
