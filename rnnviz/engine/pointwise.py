"""What a cell's lines do to one unit at one step, when the matrix products are left out.

A layer multiplies by W for all steps at once and by U once a step. What is then left of a line is
arithmetic on single numbers, the same for every unit: what a compiled loop or a GPU kernel computes
between two products. This reads it out of the lines that the screen shows, forward and backward, so
that whoever adds a cell has written its kernel too.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from rnnviz.cells import Cell
from rnnviz.equations import Line, parse


class NotPointwiseError(Exception):
    """A line does something else than the two products and arithmetic unit by unit."""


@dataclass(frozen=True)
class Statement:
    """``name`` = ``value``, for one unit."""

    name: str
    value: ast.expr


@dataclass(frozen=True)
class Gate:
    """A column block of W and U, and where its two products go.

    Where both meet in one sum, with nothing else, the statements read that as ``sum_NAME``;
    otherwise the input's product, its bias included, is ``xw_NAME`` and the recurrent one
    ``hu_NAME``.
    """

    name: str
    reads_input: bool
    reads_state: bool
    joint: bool
    activation: str  # set if the sum is read by this function alone: then ``value`` is its result
    value: str
    d_xw: str  # the gradients that walk back through the two products; "" where there is none
    d_hu: str


@dataclass(frozen=True)
class Pointwise:
    """A cell, unit by unit.

    ``forward`` reads the gates' sums, ``NAME_prev`` of the states and ``weights``, and makes the
    states. ``backward`` reads ``saved``, the states, ``NAME_prev`` of them and ``weights``; of
    gradients it reads ``d_h_out``, ``d_h_next`` and ``d_NAME_next`` of the other states, and makes
    those of the gates and ``d_NAME_prev`` of the states in ``around``: of h what does not come
    through U, of another state everything.
    """

    gates: tuple[Gate, ...]
    states: tuple[str, ...]
    weights: tuple[str, ...]  # trained vectors (H) that the statements read, a peephole for example
    forward: tuple[Statement, ...]
    backward: tuple[Statement, ...]
    saved: tuple[str, ...]  # values of forward that backward reads, beside the states
    around: tuple[str, ...]  # states of which backward makes NAME_prev's gradient


def pointwise(cell: Cell) -> Pointwise:
    """The cell unit by unit; NotPointwiseError, with the term, if it is more than that."""
    return _read(cast(Hashable, cell))


# -- expressions ----------------------------------------------------------------------------------


def terms(node: ast.expr) -> Iterator[ast.expr]:
    """The summands of an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from terms(node.left)
        yield from terms(node.right)
    else:
        yield node


def summed(nodes: list[ast.expr]) -> ast.expr:
    """The sum of some expressions, from left to right."""
    found = nodes[0]
    for node in nodes[1:]:
        found = ast.BinOp(found, ast.Add(), node)
    return found


def names_in(node: ast.expr) -> set[str]:
    """The values an expression reads."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called}


def gate_of(weight: str) -> str:
    """ "W_f" belongs to gate f, "U" to the gate without a name."""
    return weight[2:]


@dataclass(frozen=True)
class LineProducts:
    """A line's products, by the gate whose weights they are of, and what is left of it."""

    inputs: tuple[str, ...]  # x @ W
    recurrent: tuple[str, ...]
    rest: tuple[ast.expr, ...]


def forward_split(cell: Cell, line: Line) -> LineProducts:
    """Gates whose products the line sums; their biases belong to them."""
    inputs, recurrent, rest = [], [], []
    for term in terms(parse(line.formula)):
        match term:
            case ast.BinOp(ast.Name(id="x"), ast.MatMult(), ast.Name(id=w)) if w[0] == "W":
                inputs.append(gate_of(w))
            case ast.BinOp(ast.Name(id="h_prev"), ast.MatMult(), ast.Name(id=u)) if u[0] == "U":
                recurrent.append(gate_of(u))
            case ast.Name(id=b) if b == "b" or b.startswith("b_"):
                pass
            case _:
                rest.append(_plain(cell, term))
    return LineProducts(tuple(inputs), tuple(recurrent), tuple(rest))


def backward_split(
    cell: Cell, line: Line
) -> tuple[dict[str, str], dict[str, str], tuple[ast.expr, ...]]:
    """By gate, the gradients that go back through W, and through U, in this line; and the rest."""
    through: dict[str, dict[str, str]] = {"W": {}, "U": {}}
    rest = []
    for term in terms(parse(line.formula)):
        match term:
            case ast.BinOp(ast.Name(id=d), ast.MatMult(), ast.Attribute(ast.Name(id=w), "T")):
                if gate_of(w) not in cell.gates or w[0] not in through:
                    raise NotPointwiseError(f"{cell.name}: {ast.unparse(term)}")
                through[w[0]][gate_of(w)] = d
            case _:
                rest.append(_plain(cell, term))
    return through["W"], through["U"], tuple(rest)


def _plain(cell: Cell, term: ast.expr) -> ast.expr:
    if any(isinstance(n, ast.MatMult) for n in ast.walk(term)):
        raise NotPointwiseError(f"{cell.name}: {ast.unparse(term)}")
    return term


# -- from lines to statements ---------------------------------------------------------------------


@cache
def _read(cell: Any) -> Pointwise:
    splits = {line.name: forward_split(cell, line) for line in cell.lines}
    input_line = {g: name for name, s in splits.items() for g in s.inputs}
    state_line = {g: name for name, s in splits.items() for g in s.recurrent}
    d_xw: dict[str, str] = {}
    d_hu: dict[str, str] = {}
    backward: list[Statement] = []
    for line in cell.back:
        through_w, through_u, rest = backward_split(cell, line)
        d_xw |= through_w
        d_hu |= through_u
        if rest:
            backward.append(Statement(line.name, summed(list(rest))))
    joint = {g for g in cell.gates if input_line.get(g, "") == state_line.get(g, " ")}
    forward = tuple(
        Statement(name, summed(_sums(split, joint) + list(split.rest)))
        for name, split in splits.items()
    )
    bends = {g: _activation(cell, input_line[g], splits, forward) for g in joint}
    gates = tuple(
        Gate(
            g, g in input_line, g in state_line, g in joint, *bends.get(g, ("", "")),
            d_xw.get(g, ""), d_hu.get(g, ""),
        )
        for g in cell.gates
    )  # fmt: skip
    read = set().union(*(names_in(s.value) for s in (*forward, *backward)))
    made = {s.name for s in (*forward, *backward)}
    states = set(cell.states) | {f"{s}_prev" for s in cell.states}
    given = {f"{p}_{g}" for g in cell.gates for p in ("sum", "xw", "hu")}
    weights = sorted(n for n in read - made - states - given if not n.startswith("d_"))
    wanted = set().union(*(names_in(s.value) for s in backward))
    saved = tuple(s.name for s in forward if s.name in wanted and s.name not in states)
    around = tuple(s for s in cell.states if f"d_{s}_prev" in made)
    return Pointwise(gates, cell.states, tuple(weights), forward, tuple(backward), saved, around)


def _sums(split: LineProducts, joint: set[str]) -> list[ast.expr]:
    """The products of a line as names."""
    found: list[ast.expr] = [
        ast.Name(f"sum_{g}" if g in joint else f"xw_{g}") for g in split.inputs
    ]
    return found + [ast.Name(f"hu_{g}") for g in split.recurrent if g not in joint]


def _activation(
    cell: Cell, line: str, splits: dict[str, LineProducts], forward: tuple[Statement, ...]
) -> tuple[str, str]:
    """The function that alone reads a gate's sum, and the name of what it gives; or two ""."""
    split = splits[line]
    if split.rest or len(split.inputs) + len(split.recurrent) > 2:
        return "", ""
    users = [s for s in forward if line in names_in(s.value)]
    if len(users) != 1 or line in {n for s in cell.back for n in names_in(parse(s.formula))}:
        return "", ""
    match users[0].value:
        case ast.Call(ast.Name(id=function), [ast.Name(id=argument)]) if argument == line:
            return function, users[0].name
    return "", ""
