"""A trace small enough to calculate: its numbers as a net by hand, every product written out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import (
    MINUS,
    Arithmetic,
    Line,
    Span,
    is_weight,
    names,
    number,
    numbers,
    parse,
)  # fmt: skip
from rnnviz.hand import CELLS, LABELS, MOST, Hand, Named, Rows
from rnnviz.hand.typed import DECIMALS
from rnnviz.trace import Trace

#: Between the name of an array and the place in it; no recorded name has it.
_AT = "__"
#: The prediction in the same notation: the head is one more product.
HEAD = (Line("s", "predict", "h @ W_y + b_y"), Line("p", "predict", "sigmoid(s)"))


@lru_cache(maxsize=8)
def of_trace(trace: Trace) -> Hand | None:
    """The net a trace was read with, where it is small enough: one input, at most MOST units."""
    layer = trace.layers[0]
    one_number = layer.values["x"].shape[1] == 1
    plain = len(trace.layers) == 1 and layer.cell in CELLS and trace.head.labels == LABELS
    if not (plain and one_number and layer.units <= MOST):
        return None
    used = [n for line in layer.lines for n in names(line.formula) if is_weight(n)]
    gates = list(dict.fromkeys(gate(name) for name in used))
    order = sorted(layer.weights, key=lambda n: (gates.index(gate(n)), "WUb".index(n[0]), len(n)))
    named: Named = tuple((n, _rows(np.atleast_2d(layer.weights[n]))) for n in order)
    head: Named = (("W_y", _rows(trace.head.W)), ("b_y", _rows(trace.head.b[None])))
    initial: Named = tuple((s, _rows(layer.initial[s][None])) for s in layer.states)
    return Hand(layer.cell, layer.units, (*named, *head), initial)


def gate(name: str) -> str:
    """The gate a weight belongs to: f of U_f, z of b_rz, y of W_y; "" where there is one block."""
    return name[-1] if "_" in name else ""


def _rows(array: Array) -> Rows:
    return tuple(tuple(float(v) for v in row) for row in array)


def at(trace: Trace, t: int) -> dict[str, Array]:
    """Every name a formula or the head's lines may use at token t."""
    head = trace.head
    said = {"W_y": head.W, "b_y": head.b, "s": head.logits[t], "p": head.readout[t, 1:]}
    return trace.layers[0].at(t) | said


def lines(trace: Trace) -> tuple[Line, ...]:
    """The cell's lines and the head's."""
    return (*trace.layers[0].lines, *HEAD)


# -- arithmetic ---------------------------------------------------------------------------------


def whole(formula: str, values: Mapping[str, Array], unit: int) -> Arithmetic:
    """A formula at one unit with every product of a matrix written out term by term.

    The arithmetic as printed gives the result as printed. A number that is exact as it stands
    loses its closing zeros: 1 × 0.5, not 1.000 × 0.500.
    """
    scalars: dict[str, float] = {}
    spread = ast.unparse(_Spread(values, unit, scalars).visit(parse(formula)))
    done = numbers(spread, scalars, 0)
    return Arithmetic([_exact(span, scalars) for span in done.spans], done.result, done.digits)


class _Spread(ast.NodeTransformer):
    """Every name becomes that of one number, ``h_prev @ U_f`` a sum of products."""

    def __init__(self, values: Mapping[str, Array], unit: int, scalars: dict[str, float]) -> None:
        self.values, self.unit, self.scalars = values, unit, scalars

    def visit_Call(self, node: ast.Call) -> Any:
        return ast.Call(node.func, [self.visit(arg) for arg in node.args], [])

    def visit_Name(self, node: ast.Name) -> Any:
        return self._number(node.id, self.unit, float(self.values[node.id][self.unit]))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return ast.UnaryOp(node.op, self.visit(node.operand))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if not isinstance(node.op, ast.MatMult):
            return ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))
        assert isinstance(node.left, ast.Name) and isinstance(node.right, ast.Name)
        row, column = self.values[node.left.id], self.values[node.right.id][:, self.unit]
        terms = [
            ast.BinOp(
                self._number(node.left.id, k, float(value)), ast.Mult(),
                self._number(node.right.id, k, float(weight)),
            )
            for k, (value, weight) in enumerate(zip(row, column, strict=True))
        ]  # fmt: skip
        total: ast.expr = terms[0]
        for term in terms[1:]:
            total = ast.BinOp(total, ast.Add(), term)
        return total

    def _number(self, name: str, k: int, value: float) -> ast.Name:
        self.scalars[place(name, k)] = value
        return ast.Name(place(name, k), ast.Load())


def place(name: str, k: int) -> str:
    """How the spans of :func:`whole` name the k-th number of a name that a product or sum uses."""
    return f"{name}{_AT}{k}"


def base(name: str | None) -> str | None:
    """The recorded name behind the name of one of its numbers."""
    return None if name is None else name.partition(_AT)[0]


def _exact(span: Span, scalars: Mapping[str, float]) -> Span:
    text, name = span
    if name is None or "." not in text or "e" in text:
        return span
    bare = text.strip("()")
    if float(bare.replace(MINUS, "-")) not in (scalars[name], -scalars[name]):
        return span
    return text.replace(bare, bare.rstrip("0").rstrip(".")), name


def written(value: float) -> str:
    """A literal number with at least one decimal: 0.5, 1.0, −10.0; others with three."""
    for digits in (2, 3, DECIMALS):
        text = number(value, digits)
        if "e" not in text and float(text.replace(MINUS, "-")) == value:
            return text[:-1] if digits == 2 and text.endswith("0") else text
    return number(value)
