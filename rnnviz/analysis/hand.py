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
    symbols,
)  # fmt: skip
from rnnviz.hand import CELLS, LABELS, LOSSES, MOST, Hand, Named, Rows
from rnnviz.hand.document import NetFile
from rnnviz.hand.typed import inputs
from rnnviz.trace import Trace

#: Between the name of an array and the place in it; no recorded name has it.
_AT = "__"
#: Digits behind the point of what a net by hand comes to.
DIGITS = 6


@lru_cache(maxsize=8)
def of_trace(trace: Trace) -> Hand | None:
    """The net a trace was read with, where its numbers were given; else None.

    Traces that were saved before they said so are known by their size and their labels.
    """
    if trace.hand is not None:
        return trace.hand
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


def net(trace: Trace) -> NetFile | None:
    """The net with what it read and what was held, as a file has it; None where it is none."""
    hand = of_trace(trace)
    if hand is None:
        return None
    return NetFile(hand, inputs(" ".join(trace.tokens), hand.inputs), trace.clamps)


def gate(name: str) -> str:
    """The gate a weight belongs to: f of U_f, z of b_rz, y of W_y; "" where there is one block."""
    return name[-1] if "_" in name else ""


def _rows(array: Array) -> Rows:
    return tuple(tuple(float(v) for v in row) for row in array)


def head_lines(trace: Trace) -> tuple[Line, ...]:
    """The prediction in the same notation: the head is one more product."""
    if trace.head.kind == "linear":
        return (Line("y", "predict", "h @ W_y + b_y"),)
    return (Line("s", "predict", "h @ W_y + b_y"), Line("p", "predict", "sigmoid(s)"))


def loss_line(trace: Trace) -> Line | None:
    """The squared error of the last output; None where the head is told no number."""
    hand = of_trace(trace)
    if hand is None or hand.form.head != "linear" or hand.form.target is None:
        return None
    target = hand.form.target
    apart = f"y - {target!r}" if target >= 0 else f"y + {-target!r}"
    half = "0.5 * " if hand.form.loss == LOSSES[0] else ""
    return Line("L", "predict", f"{half}({apart})**2")


def at(trace: Trace, t: int) -> dict[str, Array]:
    """Every name a formula or the head's lines may use at token t."""
    head = trace.head
    said = {"W_y": head.W, "b_y": head.b, "L": np.array([head.loss])}
    if head.kind == "linear":
        return trace.layers[0].at(t) | said | {"y": head.readout[t]}
    return trace.layers[0].at(t) | said | {"s": head.logits[t], "p": head.readout[t, 1:]}


def lines(trace: Trace, t: int) -> tuple[Line, ...]:
    """The cell's lines and the head's at token t; at the last one its loss, if it has a target."""
    loss = loss_line(trace) if t == len(trace.tokens) - 1 else None
    return (*trace.layers[0].lines, *head_lines(trace), *([] if loss is None else [loss]))


def of_head(line: Line) -> bool:
    """Whether a line is the head's: it reads all units at once."""
    return line.part == "predict"


Said = tuple[str, dict[str, object]]


def form(trace: Trace) -> list[Said]:
    """What may be otherwise in other people's nets: keys of texts, and formulas for them."""
    hand = of_trace(trace)
    if hand is None:
        return []
    formulas = {line.name: _symbols(line.formula) for line in trace.layers[0].lines}
    choices, found = hand.form, list[Said]()
    if hand.cell.startswith("gru"):
        reset = "before" if hand.cell == "gru-2014" else "after"
        found.append((f"form_z_{choices.z}", {"h": formulas["h"]}))
        found.append((f"form_reset_{reset}", {"a": formulas["a_g"]}))
    else:
        found.append(("form_state", {"formula": f"h = {formulas['h']}"}))
    if hand.cell != "rnn":
        found.append(("form_state", {"formula": f"g = {formulas['g']}"}))
    if choices.gate_activation != "sigmoid":
        gate = next(name for name in formulas if name in hand.cell or name in "ifoz")
        found.append(("form_state", {"formula": f"{gate} = {formulas[gate]}"}))
    loss = loss_line(trace)
    if loss is not None:
        found.append(("form_squared", {"loss": trace.head.objective}))
    else:
        found.append((f"form_{choices.head}", {}))
    if hand.units > 1:
        found.append((f"form_layout_{choices.layout}", {}))
    return found


def _symbols(formula: str) -> str:
    return "".join(text for text, _ in symbols(formula))


# -- arithmetic ---------------------------------------------------------------------------------


def whole(formula: str, values: Mapping[str, Array], unit: int) -> Arithmetic:
    """A formula at one unit with every product of a matrix written out term by term.

    The arithmetic as printed gives the result as printed. A number that is exact as it stands
    loses its closing zeros: 1 × 0.5, not 1.000000 × 0.500000.
    """
    scalars: dict[str, float] = {}
    spread = ast.unparse(_Spread(values, unit, scalars).visit(parse(formula)))
    done = numbers(spread, scalars, 0, DIGITS)
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
    """A literal number with at least one decimal: 0.5, 1.0, −10.0; of long ones six."""
    exact = repr(float(value)).replace("-", MINUS)
    return exact if len(exact.strip(MINUS)) <= DIGITS + 4 else number(value, DIGITS)


def entire(value: float) -> str:
    """A literal number with every digit that it has."""
    return repr(float(value)).replace("-", MINUS)
