"""Toy nets: the net of a small trace, and its arithmetic with every product written out."""

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
from rnnviz.toy_net import CELLS, LABELS, LOSSES, MOST, Named, Rows, ToyNet
from rnnviz.toy_net.net_record import NetFile
from rnnviz.toy_net.number_text import inputs
from rnnviz.trace import Trace

#: Separates the name of an array from an index in it; no recorded name contains it.
_SEPARATOR = "__"
#: Decimals of the computed numbers of a toy net.
DIGITS = 6


@lru_cache(maxsize=8)
def toy_net_of(trace: Trace) -> ToyNet | None:
    """The toy net of a trace, or None if the trace is of another model.

    Traces saved by versions that did not store the net are recognised by their size and labels.
    """
    if trace.hand is not None:
        return trace.hand
    layer = trace.layers[0]
    one_number = layer.values["x"].shape[1] == 1
    plain = len(trace.layers) == 1 and layer.cell in CELLS and trace.head.labels == LABELS
    if not (plain and one_number and layer.units <= MOST):
        return None
    used = [n for line in layer.lines for n in names(line.formula) if is_weight(n)]
    gates = list(dict.fromkeys(gate_of_weight(name) for name in used))
    order = sorted(
        layer.weights, key=lambda n: (gates.index(gate_of_weight(n)), "WUb".index(n[0]), len(n))
    )
    named: Named = tuple((n, _rows(np.atleast_2d(layer.weights[n]))) for n in order)
    head: Named = (("W_y", _rows(trace.head.W)), ("b_y", _rows(trace.head.b[None])))
    initial: Named = tuple((s, _rows(layer.initial[s][None])) for s in layer.states)
    return ToyNet(layer.cell, layer.units, (*named, *head), initial)


def net_file_of(trace: Trace) -> NetFile | None:
    """The toy net with its inputs and clamps, ready to be saved, or None."""
    net = toy_net_of(trace)
    if net is None:
        return None
    return NetFile(net, inputs(" ".join(trace.tokens), net.inputs), trace.clamps)


def gate_of_weight(name: str) -> str:
    """The gate of a weight: f of U_f, z of b_rz, y of W_y; "" in a cell without gates."""
    return name[-1] if "_" in name else ""


def _rows(array: Array) -> Rows:
    return tuple(tuple(float(v) for v in row) for row in array)


def head_lines(trace: Trace) -> tuple[Line, ...]:
    """The head's equations in the notation of the cells."""
    if trace.head.is_number:
        return (Line("y", "predict", "h @ W_y + b_y"),)
    return (Line("s", "predict", "h @ W_y + b_y"), Line("p", "predict", "sigmoid(s)"))


def loss_line(trace: Trace) -> Line | None:
    """The equation of the squared error of the last output; None without a numeric target."""
    net = toy_net_of(trace)
    if net is None or net.form.head != "linear" or net.form.target is None:
        return None
    target = net.form.target
    apart = f"y - {target!r}" if target >= 0 else f"y + {-target!r}"
    half = "0.5 * " if net.form.loss == LOSSES[0] else ""
    return Line("L", "predict", f"{half}({apart})**2")


def values_at(trace: Trace, t: int) -> dict[str, Array]:
    """The arrays that the equations of the cell and the head read at token t, by name."""
    head = trace.head
    values = trace.layers[0].at(t) | {"W_y": head.W, "b_y": head.b, "L": np.array([head.loss])}
    if head.is_number:
        return values | {"y": head.readout[t]}
    return values | {"s": head.logits[t], "p": head.readout[t, 1:]}


def lines_at(trace: Trace, t: int) -> tuple[Line, ...]:
    """The equations of the cell and the head, and at the last token that of the loss, if any."""
    loss = loss_line(trace) if t == len(trace.tokens) - 1 else None
    return (*trace.layers[0].lines, *head_lines(trace), *([] if loss is None else [loss]))


def is_head_line(line: Line) -> bool:
    """Whether an equation is the head's, which reads all units at once."""
    return line.part == "predict"


#: The key of an interface text, and the values to fill in.
TextKey = tuple[str, dict[str, object]]


def convention_texts(trace: Trace) -> list[TextKey]:
    """Texts on the conventions of the net that differ between libraries and textbooks."""
    net = toy_net_of(trace)
    if net is None:
        return []
    formulas = {line.name: _symbols(line.formula) for line in trace.layers[0].lines}
    choices, texts = net.form, list[TextKey]()
    if net.cell.startswith("gru"):
        reset = "before" if net.cell == "gru-2014" else "after"
        texts.append((f"form_z_{choices.z}", {"h": formulas["h"]}))
        texts.append((f"form_reset_{reset}", {"a": formulas["a_g"]}))
    else:
        texts.append(("form_state", {"formula": f"h = {formulas['h']}"}))
    if net.cell != "rnn":
        texts.append(("form_state", {"formula": f"g = {formulas['g']}"}))
    if choices.gate_activation != "sigmoid":
        gate = next(name for name in formulas if name in net.cell or name in "ifoz")
        texts.append(("form_state", {"formula": f"{gate} = {formulas[gate]}"}))
    loss = loss_line(trace)
    if loss is not None:
        texts.append(("form_squared", {"loss": trace.head.objective}))
    else:
        texts.append((f"form_{choices.head}", {}))
    if net.units > 1:
        texts.append((f"form_layout_{choices.layout}", {}))
    return texts


def _symbols(formula: str) -> str:
    return "".join(text for text, _ in symbols(formula))


# -- arithmetic ---------------------------------------------------------------------------------


def written_out(formula: str, values: Mapping[str, Array], unit: int) -> Arithmetic:
    """The arithmetic of a formula for one unit, with matrix products written out term by term.

    The printed operands give the printed result. Numbers that need fewer decimals lose their
    trailing zeros: 1 × 0.5, not 1.000000 × 0.500000.
    """
    scalars: dict[str, float] = {}
    formula = ast.unparse(_WriteOut(values, unit, scalars).visit(parse(formula)))
    result = numbers(formula, scalars, 0, DIGITS)
    return Arithmetic(
        [_without_trailing_zeros(span, scalars) for span in result.spans],
        result.result,
        result.digits,
    )


class _WriteOut(ast.NodeTransformer):
    """Replaces array names by names of single elements, ``h_prev @ U_f`` by a sum of products."""

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
        self.scalars[element_name(name, k)] = value
        return ast.Name(element_name(name, k), ast.Load())


def element_name(name: str, k: int) -> str:
    """The name of element k of an array in the spans of :func:`written_out`."""
    return f"{name}{_SEPARATOR}{k}"


def array_name(name: str | None) -> str | None:
    """The name of the array of an element's name."""
    return None if name is None else name.partition(_SEPARATOR)[0]


def _without_trailing_zeros(span: Span, scalars: Mapping[str, float]) -> Span:
    text, name = span
    if name is None or "." not in text or "e" in text:
        return span
    bare = text.strip("()")
    if float(bare.replace(MINUS, "-")) not in (scalars[name], -scalars[name]):
        return span
    return text.replace(bare, bare.rstrip("0").rstrip(".")), name


def short_literal(value: float) -> str:
    """A number with at least one decimal (0.5, 1.0, −10.0) and at most six."""
    exact = repr(float(value)).replace("-", MINUS)
    return exact if len(exact.strip(MINUS)) <= DIGITS + 4 else number(value, DIGITS)


def full_literal(value: float) -> str:
    """A number with all its digits."""
    return repr(float(value)).replace("-", MINUS)
