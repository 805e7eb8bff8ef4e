"""A cell with other choices: relu where its lines say tanh, a z that renews where it keeps.

Everything comes from the lines of the cell's own module, so that equations, numbers and gradients
are said once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

from rnnviz.arrays import Array, Values
from rnnviz.cells.activations import FOR_GATE, FOR_STATE, USUAL, Activations
from rnnviz.equations import Line, turned
from rnnviz.equations.functions import IDENTITY

if TYPE_CHECKING:
    from rnnviz.cells import Cell, CellModule

#: How the cells' lines write the slopes of tanh and sigmoid: by their outputs.
TANH_SLOPE = re.compile(r"(?P<times> \* )\(1 - (?P<y>tanh\(\w+\)|\w+)\*\*2\)")
SIGMOID_SLOPE = re.compile(r"\b(?P<y>\w+) \* \(1 - (?P=y)\)")
#: A function of one name in a line.
CALL = re.compile(r"(?P<function>tanh|sigmoid)\((?P<of>\w+)\)")


@cache
def variant(
    cell: CellModule,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    output_activation: str | None = None,
    keeps: bool = True,
) -> Cell:
    """The cell with these choices; the cell itself where they are its own.

    ``output_activation`` is ``activation`` unless it is named, as in Keras. What a cell has no use
    for (a z in LSTM, a gated output in GRU) changes nothing. KeyError for what is not in
    ``FOR_STATE`` and ``FOR_GATE``.
    """
    state, output = FOR_STATE[activation], FOR_STATE[output_activation or activation]
    act = Activations(
        state,
        FOR_GATE[recurrent_activation],
        output if has_output(cell) else USUAL.output,
        keeps or not has_kept_share(cell),
    )
    return cell if act == USUAL else Variant(cell, act)


def has_output(cell: CellModule) -> bool:
    """Whether a state of the cell is bent once more on its way out: tanh(c) of LSTM."""
    calls = (call for line in cell.lines for call in CALL.finditer(line.formula))
    return any(call["of"] in cell.states for call in calls)


def has_kept_share(cell: CellModule) -> bool:
    """Whether z is the share of the old state that is kept, as in the lines of GRU."""
    return any(line.formula.startswith("z * h_prev + (1 - z)") for line in cell.lines)


@dataclass(frozen=True)
class Variant:
    """A cell module run with other choices; its lines say so, all else is the module's."""

    cell: CellModule
    act: Activations

    @property
    def name(self) -> str:
        """The module's: in files the activations stand beside it."""
        return self.cell.name

    @property
    def title(self) -> str:
        """The module's, and what is not as usual: ``GRU, relu``."""
        state, gate, output, keeps = self.act
        said = [a.name for a, usual in zip((state, gate), USUAL, strict=False) if a != usual]
        if has_output(self.cell) and output != state:
            said.append(f"{output.name} output")
        said += [] if keeps else ["z renews"]
        return ", ".join([self.cell.title, *said]).replace("_", " ")

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
        """The module's lines with these choices in them."""
        return tuple(
            self._shared(replace(n, formula=self._named(n.formula))) for n in self.cell.lines
        )

    @cached_property
    def back(self) -> tuple[Line, ...]:
        """The module's lines with the slopes of these choices in them."""
        return tuple(
            self._shared(replace(n, formula=self._named(self._sloped(n.formula))))
            for n in self.cell.back
        )

    def _sloped(self, formula: str) -> str:
        def own(found: re.Match[str]) -> str:
            y = found["y"]
            act = self.act.output if y.startswith("tanh(") else self.act.state
            return "" if act == IDENTITY else found["times"] + act.slope_formula.format(y=y)

        gate = self.act.gate.slope_formula.format(y=r"\g<y>")
        return TANH_SLOPE.sub(own, SIGMOID_SLOPE.sub(gate, formula))

    def _named(self, formula: str) -> str:
        def own(found: re.Match[str]) -> str:
            act = self.act.gate
            if found["function"] == "tanh":
                act = self.act.output if found["of"] in self.cell.states else self.act.state
            return found["of"] if act == IDENTITY else f"{act.name}({found['of']})"

        return CALL.sub(own, formula)

    def _shared(self, line: Line) -> Line:
        """The line, turned where z renews."""
        return line if self.act.keeps else turned(line)

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        """The module's: activations have no weights."""
        return self.cell.shapes(D, H)

    def forward(self, p: Values, v: Values, prev: Values) -> None:
        """The module's, with these choices."""
        self.cell.forward(p, v, prev, self.act)

    def backward(self, p: Values, v: Values, prev: Values, d: Values) -> None:
        """The module's, with these choices."""
        self.cell.backward(p, v, prev, d, self.act)

    def param_grads(self, x: Array, prev: Values, v: Values, d: Values) -> Values:
        """The module's."""
        return self.cell.param_grads(x, prev, v, d)
