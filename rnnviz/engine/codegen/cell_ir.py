"""A cell's lines without their matrix products: arithmetic on one unit at one step.

A layer multiplies by W for all steps at once and by U once a step. What is left of a line is
arithmetic on single numbers, the same for every unit: what a compiled loop or a CUDA kernel
computes between two products. It is read from the lines that the screen shows, forward and
backward, so a new cell needs no kernel of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from rnnviz.cells import Cell
from rnnviz.equations import Bias, Elementwise, Line, Product, terms
from rnnviz.equations.terms import names_in


class NotPointwiseError(Exception):
    """A line does more than the two products and arithmetic unit by unit; with the term."""


@dataclass(frozen=True)
class Assignment:
    """``name`` = ``value``, for one unit."""

    name: str
    value: ast.expr


@dataclass(frozen=True)
class Gate:
    """A column block of W and U, and where its two products go.

    Where both meet in one sum, with nothing else, the assignments read that as ``sum_NAME``;
    otherwise the input's product, its bias included, is ``xw_NAME`` and the recurrent one
    ``hu_NAME``.
    """

    name: str
    reads_input: bool
    reads_state: bool
    joint: bool
    activation: str  # set if the sum is read by this function alone: then ``value`` is its result
    value: str
    d_xw: str  # the gradients that go back through the two products; "" where there is none
    d_hu: str


@dataclass(frozen=True)
class CellIR:
    """A cell, unit by unit.

    ``forward`` reads the gates' sums, ``NAME_prev`` of the states and ``vectors``, and computes the
    states. ``backward`` reads ``saved``, the states, ``NAME_prev`` of them and ``vectors``; of
    gradients it reads ``d_h_out``, ``d_h_next`` and ``d_NAME_next`` of the other states. It
    computes those of the gates and ``d_NAME_prev`` of the states in ``around``: of h what does not
    come through U, of another state everything.
    """

    gates: tuple[Gate, ...]
    states: tuple[str, ...]
    vectors: tuple[str, ...]  # trained (H) that the assignments read, of peepholes for example
    forward: tuple[Assignment, ...]
    backward: tuple[Assignment, ...]
    saved: tuple[str, ...]  # values of forward that backward reads, beside the states
    around: tuple[str, ...]  # states of which backward computes NAME_prev's gradient


def read_cell(cell: Cell) -> CellIR:
    """The cell unit by unit; NotPointwiseError, with the term, if it is more than that."""
    return _read(cast(Hashable, cell))


@dataclass(frozen=True)
class _ForwardLine:
    """The gates whose products a line sums, their biases included, and its other summands."""

    inputs: tuple[str, ...]  # x @ W
    recurrent: tuple[str, ...]  # h_prev @ U
    rest: tuple[Elementwise, ...]


def _forward_line(cell: Cell, line: Line) -> _ForwardLine:
    inputs, recurrent, rest = [], [], []
    for term in terms(line.formula):
        match term:
            case Product("x", weight, transposed=False) if weight[0] == "W":
                inputs.append(_gate_of(weight))
            case Product("h_prev", weight, transposed=False) if weight[0] == "U":
                recurrent.append(_gate_of(weight))
            case Bias(weight) if weight[0] == "b":
                pass
            case Elementwise(mixes=False):
                rest.append(term)
            case _:
                raise _not_pointwise(cell, line)
    return _ForwardLine(tuple(inputs), tuple(recurrent), tuple(rest))


def _backward_line(
    cell: Cell, line: Line
) -> tuple[dict[str, str], dict[str, str], tuple[Elementwise, ...]]:
    """By gate, the gradients that go back through W, and through U, in this line; and the rest."""
    through: dict[str, dict[str, str]] = {"W": {}, "U": {}}
    rest = []
    for term in terms(line.formula):
        match term:
            case Product(d, weight, transposed=True) if (
                weight[0] in through and _gate_of(weight) in cell.gates
            ):
                through[weight[0]][_gate_of(weight)] = d
            case Elementwise(mixes=False):
                rest.append(term)
            case _:
                raise _not_pointwise(cell, line)
    return through["W"], through["U"], tuple(rest)


def _not_pointwise(cell: Cell, line: Line) -> NotPointwiseError:
    return NotPointwiseError(f"{cell.name}: {line.name} = {line.formula}")


def _gate_of(weight: str) -> str:
    """ "W_f" belongs to gate f, "U" to the gate without a name."""
    return weight[2:]


@cache
def _read(cell: Any) -> CellIR:
    lines = {line.name: _forward_line(cell, line) for line in cell.lines}
    input_line = {g: name for name, read in lines.items() for g in read.inputs}
    state_line = {g: name for name, read in lines.items() for g in read.recurrent}
    joint = {g for g in cell.gates if input_line.get(g, "") == state_line.get(g, " ")}
    forward = tuple(
        Assignment(name, _sum([*_products(read, joint), *_expressions(read.rest)]))
        for name, read in lines.items()
    )
    d_xw: dict[str, str] = {}
    d_hu: dict[str, str] = {}
    backward: list[Assignment] = []
    vectors = {v for read in lines.values() for term in read.rest for v in term.vectors}
    for line in cell.back:
        through_w, through_u, rest = _backward_line(cell, line)
        d_xw |= through_w
        d_hu |= through_u
        vectors |= {v for term in rest for v in term.vectors}
        if rest:
            backward.append(Assignment(line.name, _sum(_expressions(rest))))
    read_back = set().union(*(names_in(s.value) for s in backward))
    activations = {
        g: _activation(lines[input_line[g]], input_line[g], forward, read_back) for g in joint
    }
    gates = tuple(
        Gate(
            g, g in input_line, g in state_line, g in joint, *activations.get(g, ("", "")),
            d_xw.get(g, ""), d_hu.get(g, ""),
        )
        for g in cell.gates
    )  # fmt: skip
    saved = tuple(s.name for s in forward if s.name in read_back and s.name not in cell.states)
    # A gate whose argument is saved, because it was clipped, is computed again.
    again = [s for s in forward if s.name in saved and names_in(s.value) <= {*saved} - {s.name}]
    saved = tuple(name for name in saved if name not in {s.name for s in again})
    backward = [*again, *backward]
    computed = {s.name for s in backward}
    around = tuple(s for s in cell.states if f"d_{s}_prev" in computed)
    return CellIR(
        gates, cell.states, tuple(sorted(vectors)), forward, tuple(backward), saved, around
    )


def _expressions(rest: tuple[Elementwise, ...]) -> list[ast.expr]:
    return [term.expression for term in rest]


def _sum(nodes: list[ast.expr]) -> ast.expr:
    """The sum of some expressions, from left to right."""
    total = nodes[0]
    for node in nodes[1:]:
        total = ast.BinOp(total, ast.Add(), node)
    return total


def _products(line: _ForwardLine, joint: set[str]) -> list[ast.expr]:
    """The products of a line as names."""
    sums: list[ast.expr] = [ast.Name(f"sum_{g}" if g in joint else f"xw_{g}") for g in line.inputs]
    return sums + [ast.Name(f"hu_{g}") for g in line.recurrent if g not in joint]


def _activation(
    line: _ForwardLine, name: str, forward: tuple[Assignment, ...], read_back: set[str]
) -> tuple[str, str]:
    """The function that alone reads a gate's sum, and the name of its result; or two ""."""
    if line.rest or len(line.inputs) + len(line.recurrent) > 2 or name in read_back:
        return "", ""
    readers = [s for s in forward if name in names_in(s.value)]
    if len(readers) != 1:
        return "", ""
    match readers[0].value:
        case ast.Call(ast.Name(id=function), [ast.Name(id=argument)]) if argument == name:
            return function, readers[0].name
    return "", ""
