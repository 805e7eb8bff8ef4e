"""Formulas with live numbers in them: arithmetic that adds up as printed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations.grammar import apply_operator, call_function, evaluate_tree, parse
from rnnviz.equations.notation import (
    MINUS,
    PRECEDENCE,
    Span,
    base_of_square,
    bracketed,
    call_spans,
)


def number(value: float, digits: int = 3, signed: bool = False, room: int | None = None) -> str:
    """A value as every screen, table and line of text writes it: 0.756, 0.0014, −1.7e−4.

    The one rule: ``digits`` decimals; more, as many as it takes, if that were fewer than two
    significant digits; and below 0.001 powers of ten, with two significant digits or
    ``digits - 1``. So no value that exists is shown as zero or by one digit, and with two or three
    decimals a value between 1e−9 and 10 takes at most six columns. The minus is a true one;
    ``signed`` writes the plus as well, a column more.

    Where a column is narrower than that, ``room`` says how wide it is: what does not fit is
    written with fewer decimals, because a number that is cut would be another one. The cells of
    heat maps are four columns wide, see :func:`rnnviz.tui.render.segments.short`.
    """
    value = float(value)
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else ("+∞" if value > 0 else f"{MINUS}∞")
    size = abs(value)
    text = f"{size:.{digits}f}"
    if 0 < size < 0.1:
        # The exponent after rounding to two digits: 0.00998 is 0.010.
        exponent = int(f"{size:.1e}".split("e")[1])
        if exponent < SMALLEST:
            mantissa, _, power = f"{size:.{max(1, digits - 2)}e}".partition("e-")
            text = f"{mantissa}e{MINUS}{int(power)}"
        elif digits < 1 - exponent:
            text = f"{size:.{1 - exponent}f}"
    sign = MINUS if value < 0 else ("+" if signed else "")
    while room is not None and len(sign + text) > room and digits >= 0:
        text = f"{size:.{digits}f}"
        digits -= 1
    return sign + text


#: The smallest power of ten that is written with decimals.
SMALLEST = -3
#: Digits with which every float64 is written exactly enough to be read back.
EXACT = 17


@dataclass(frozen=True)
class Arithmetic:
    """A line with numbers in it: the operands as shown, and what they come to."""

    spans: list[Span]
    result: str
    digits: int

    @property
    def text(self) -> str:
        """The whole line: operands = result."""
        return "".join(s for s, _ in self.spans) + " = " + self.result


def numbers(
    formula: str, values: Mapping[str, Array | float], unit: int, digits: int = 3
) -> Arithmetic:
    """The formula at one unit with its live numbers.

    ``values`` maps names to vectors ``(H)``, weight matrices ``(·, H)`` or scalars. A matrix
    product is shown as the one number it comes to for this unit. Operands get as many digits as
    it takes (3 to 17) for the arithmetic *as printed* to give the result *as printed*.
    """
    tree = parse(formula)
    leaves: dict[int, float] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        true = float(_fill(tree, values, unit, leaves))
        result = number(true, digits, signed=True)
        for shown in range(digits, EXACT + 1):
            again = _recompute(tree, leaves, shown)
            if number(again, digits, signed=True) == result:
                break
    return Arithmetic(_numbers(tree, leaves, shown, 0, first=True), result, shown)


def _fill(
    node: ast.expr, values: Mapping[str, Array | float], unit: int, leaves: dict[int, float]
) -> float:
    """Evaluate at one unit; remember the number each leaf (name or matrix product) stands for."""
    match node:
        case ast.Name(id=name):
            value = np.asarray(values[name], np.float64)
            leaves[id(node)] = float(value if value.ndim == 0 else value[unit])
            return leaves[id(node)]
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            row = np.asarray(evaluate_tree(left, values.__getitem__), np.float64)
            column = np.asarray(evaluate_tree(right, values.__getitem__), np.float64)[:, unit]
            leaves[id(node)] = float(row @ column)
            return leaves[id(node)]
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.UnaryOp(operand=operand):
            return -_fill(operand, values, unit, leaves)
        case ast.Call(args=[argument, *_]):
            return float(call_function(node, _fill(argument, values, unit, leaves)))
        case ast.BinOp(left=left, op=op, right=right):
            a = _fill(left, values, unit, leaves)
            return float(apply_operator(op, a, _fill(right, values, unit, leaves)))
    raise ValueError(f"not in the grammar: {ast.dump(node)}")


def _as_shown(value: float, digits: int) -> float:
    return float(number(value, digits).replace(MINUS, "-").replace("+∞", "inf").replace("∞", "inf"))


def _recompute(node: ast.expr, leaves: Mapping[int, float], digits: int) -> float:
    if id(node) in leaves:
        return _as_shown(leaves[id(node)], digits)
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.UnaryOp(operand=operand):
            return -_recompute(operand, leaves, digits)
        case ast.Call(args=[argument, *_]):
            return float(call_function(node, _recompute(argument, leaves, digits)))
        case ast.BinOp(left=left, op=op, right=right):
            a = _recompute(left, leaves, digits)
            return float(apply_operator(op, a, _recompute(right, leaves, digits)))
    raise ValueError(f"not in the grammar: {ast.dump(node)}")


def _numbers(
    node: ast.expr, leaves: Mapping[int, float], digits: int, rank: int, first: bool = False
) -> list[Span]:
    if id(node) in leaves:
        text = number(leaves[id(node)], digits)
        name = node.id if isinstance(node, ast.Name) else _product_name(node)
        # A negative operand inside an expression needs brackets to be read as one number.
        return [(text if first or text[0] != MINUS else f"({text})", name)]
    match node:
        case ast.Constant(value=value):
            return [(str(value), None)]
        case ast.UnaryOp(operand=operand):
            return [(MINUS, None), *_numbers(operand, leaves, digits, 2)]
        case ast.Call(args=[argument, *_]):
            return call_spans(node, _numbers(argument, leaves, digits, 0, first=True))
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            return [*base_of_square(_numbers(left, leaves, digits, 4), left), ("²", None)]
        case ast.BinOp(left=left, op=op, right=right):
            own = PRECEDENCE[type(op)]
            tight = own + isinstance(op, ast.Sub)
            inside = _numbers(left, leaves, digits, own, first)
            inside += _joined(op, _numbers(right, leaves, digits, tight))
            return bracketed(inside) if own < rank else inside
    raise ValueError(f"not in the grammar: {ast.dump(node)}")


def _joined(op: ast.operator, right: list[Span]) -> list[Span]:
    """The operator and its right side; ``+ (−0.3)`` becomes ``− 0.3`` and ⊙ becomes ×."""
    text, name = right[0]
    lone = len(right) == 1 and text.startswith(f"({MINUS}")
    if lone and isinstance(op, ast.Add | ast.Sub):
        flipped = MINUS if isinstance(op, ast.Add) else "+"
        return [(f" {flipped} ", None), (text[2:-1], name)]
    written = {ast.Add: " + ", ast.Sub: f" {MINUS} ", ast.Mult: " × "}[type(op)]
    return [(written, None), *right]


def _product_name(node: ast.expr) -> str | None:
    """The value a matrix product reads: x for ``x @ W_f``."""
    left = node.left if isinstance(node, ast.BinOp) else None
    return left.id if isinstance(left, ast.Name) else None
