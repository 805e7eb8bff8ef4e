"""A cell with other choices: relu where its lines say tanh, a z that renews where it keeps.

Everything comes from the lines of the cell's own module, so that equations, numbers and gradients
are said once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeVar

from rnnviz.arrays import Array, Values
from rnnviz.cells.activations import USUAL, Activations, clipped
from rnnviz.equations import ACTIVATIONS, Line, turned
from rnnviz.equations.functions import IDENTITY

if TYPE_CHECKING:
    from rnnviz.cells import Cell, CellModule

T = TypeVar("T")

#: How the cells' lines write the slopes of tanh and sigmoid: by their outputs.
SLOPE = re.compile(
    r" \* (?:\(1 - (?P<tanh>tanh\(\w+\)|\w+)\*\*2\)|(?P<sigmoid>\w+) \* \(1 - (?P=sigmoid)\))"
)
#: A function of one name in a line.
CALL = re.compile(r"(?P<function>tanh|sigmoid)\((?P<of>\w+)\)")
#: A bias in a line.
BIAS = re.compile(r" \+ b(_\w+)?\b")


@cache
def variant(
    cell: CellModule,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    output_activation: str | None = None,
    keeps: bool = True,
    clip: float | None = None,
    bias: bool = True,
    projection: int | None = None,
) -> Cell:
    """The cell with these choices; the cell itself where they are its own.

    ``output_activation`` is ``activation`` unless it is named, as in Keras. What a cell has no use
    for (a z in LSTM, a gated output in GRU) changes nothing. KeyError for what is not in
    ``ACTIVATIONS``; ValueError for a ``projection`` of a cell that has none.
    """
    if projection is not None and "V" not in cell.shapes(1, 1):
        raise ValueError(f"a projection to {projection}: {cell.name} has none")
    state, output = ACTIVATIONS[activation], ACTIVATIONS[output_activation or activation]
    act = Activations(
        state,
        ACTIVATIONS[recurrent_activation],
        output if has_output(cell) else USUAL.output,
        keeps or not has_kept_share(cell),
    )
    found = Variant(cell, act, None if clip is None else float(clip), bias, projection)
    return cell if found == Variant(cell, USUAL) else found


def has_output(cell: CellModule) -> bool:
    """Whether a state of the cell is bent once more on its way out: tanh(c) of LSTM."""
    calls = (call for line in cell.lines for call in CALL.finditer(line.formula))
    return any(call["of"] in cell.states for call in calls)


def has_kept_share(cell: CellModule) -> bool:
    """Whether z is the share of the old state that is kept, as in the lines of GRU."""
    return any(line.formula.startswith("z * h_prev + (1 - z)") for line in cell.lines)


@dataclass(frozen=True)
class Variant:
    """A cell module run with other choices; its lines say so, all else is the module's.

    ``clip`` bounds the arguments of the functions, but for that of a state on its way out, as
    ONNX Runtime does. ``projection``: the units of h where they are fewer than those of c.
    """

    cell: CellModule
    act: Activations
    clip: float | None = None
    bias: bool = True
    projection: int | None = None

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
        said += [] if self.clip is None else [f"clip {self._limit}"]
        said += [] if self.bias else ["no bias"]
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
            self._shared(replace(n, formula=self._named(self._biased(n.formula))))
            for n in self.cell.lines
        )

    @cached_property
    def back(self) -> tuple[Line, ...]:
        """The module's lines with the slopes of these choices in them."""
        return tuple(
            self._shared(replace(n, formula=self._named(self._sloped(n.formula))))
            for n in self.cell.back
        )

    @property
    def _limit(self) -> str:
        """The limit as lines write it."""
        return repr(self.clip).removesuffix(".0")

    @cached_property
    def _bent(self) -> dict[str, str]:
        """By name of a value that is a function of another one, the name of that."""
        calls = ((n.name, CALL.fullmatch(n.formula)) for n in self.cell.lines)
        return {name: call["of"] for name, call in calls if call}

    def _biased(self, formula: str) -> str:
        return formula if self.bias else BIAS.sub("", formula)

    def _sloped(self, formula: str) -> str:
        def own(found: re.Match[str]) -> str:
            y = found["tanh"] or found["sigmoid"]
            act = self.act.gate
            if found["tanh"]:
                act = self.act.output if y.startswith("tanh(") else self.act.state
            slope = "" if act == IDENTITY else " * " + act.slope_formula.format(y=y)
            if self.clip is None or y not in self._bent:
                return slope
            return f"{slope} * step({self._limit} - absolute({self._bent[y]}))"

        return SLOPE.sub(own, formula)

    def _named(self, formula: str) -> str:
        def own(found: re.Match[str]) -> str:
            act, of = self.act.gate, found["of"]
            is_state = of in self.cell.states
            if found["function"] == "tanh":
                act = self.act.output if is_state else self.act.state
            if self.clip is not None and not is_state:
                of = f"clip({of}, {self._limit})"
            return of if act == IDENTITY else f"{act.name}({of})"

        return CALL.sub(own, formula)

    def _shared(self, line: Line) -> Line:
        """The line, turned where z renews."""
        return line if self.act.keeps else turned(line)

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        """The module's, without the bias where there is none, and with the projection's width."""
        found = self._without_bias(self.cell.shapes(D, H))
        if (P := self.projection) is None:
            return found
        return {**found, "U": (P, found["U"][1]), "V": (H, P)}

    @cached_property
    def _computed(self) -> Activations:
        """The functions that the module's forward and backward compute with."""
        if self.clip is None:
            return self.act
        state, gate = (clipped(f, self.clip) for f in (self.act.state, self.act.gate))
        return self.act._replace(state=state, gate=gate)

    def forward(self, p: Values, v: Values, prev: Values) -> None:
        """The module's, with these choices."""
        self.cell.forward(p, v, prev, self._computed)

    def backward(self, p: Values, v: Values, prev: Values, d: Values) -> None:
        """The module's, with these choices."""
        self.cell.backward(p, v, prev, d, self._computed)

    def param_grads(self, x: Array, prev: Values, v: Values, d: Values) -> Values:
        """The module's, without the bias where there is none."""
        return self._without_bias(self.cell.param_grads(x, prev, v, d))

    def _without_bias(self, arrays: dict[str, T]) -> dict[str, T]:
        return arrays if self.bias else {key: a for key, a in arrays.items() if key != "b"}
