"""A formula said once and read many ways: as symbols, as live numbers, as names, as arithmetic.

A cell states each of its steps as a :class:`Line`. The formula is a Python expression over the
recorded names, so the screen can print it, light up its inputs, and put numbers into it, and a
test can evaluate it against what the engine recorded.

Grammar: names, numbers, ``+ - * @ **2``, unary minus and calls of :data:`FUNCTIONS`.
``*`` is the elementwise product (shown as ⊙), ``@`` the matrix product with the vector on the
left (shown as ·) and the name of a matrix, or ``NAME.T``, on the right. ``h_prev`` is the state
after the token before; ``d_c`` is the gradient of the objective with respect to ``c``;
``d_c_next`` is the part of it that comes back from later tokens.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from rnnviz.arrays import Array

#: A piece of rendered text and the recorded name it stands for (None for operators).
Span = tuple[str, str | None]


@dataclass(frozen=True)
class Line:
    """One named step of a cell.

    ``name`` is the recorded value the line defines, ``part`` the group of lines that a class
    sees happen together ("forget", "cell", ...), ``formula`` the expression that gives it.
    """

    name: str
    part: str
    formula: str


def sigmoid(a: Any) -> Any:
    """1 / (1 + e⁻ᵃ), written with tanh so that no argument overflows."""
    half = np.tanh(0.5 * a)
    half *= 0.5
    half += 0.5
    return half


def relu(a: Any) -> Any:
    """max(a, 0)."""
    return np.maximum(a, 0)


def step(y: Any) -> Any:
    """1 where y > 0, else 0: the slope of relu told from its output y, in y's precision."""
    return np.sign(relu(y))


def hard_sigmoid(a: Any) -> Any:
    """min(max(0.2·a + 0.5, 0), 1): sigmoid in three straight pieces, as in Keras 1 and 2.

    The published numbers of that time used this one. Keras 3 and PyTorch call another function by
    the same name, min(max(a/6 + 0.5, 0), 1).
    """
    return np.minimum(relu(0.2 * a + 0.5), 1)


def slope(y: Any) -> Any:
    """0.2 where 0 < y < 1, else 0: the slope of :func:`hard_sigmoid` told from its output y."""
    return 0.2 * step(y * (1 - y))


#: What a formula may call, and how each is written on screen.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "sigmoid": (sigmoid, "σ"),
    "tanh": (np.tanh, "tanh"),
    "relu": (relu, "relu"),
    "step": (step, "step"),
    "hard_sigmoid": (hard_sigmoid, "hardσ"),
    "slope": (slope, "slope"),
}

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MINUS = "−"


#: The most characters of a formula, and the largest number in one.
LONGEST, LARGEST = 400, 1e6


@cache
def parse(formula: str) -> ast.expr:
    """The expression tree of a formula; ValueError if it leaves the grammar.

    What comes out can be evaluated, and written in every way, whatever the values are.
    """
    if len(formula) > LONGEST:
        raise ValueError(f"formula {formula[:40]!r}…: it has more than {LONGEST} characters")
    try:
        tree = ast.parse(formula, mode="eval").body
    except (SyntaxError, MemoryError, RecursionError) as error:
        said = error.msg if isinstance(error, SyntaxError) else "nested too deep"
        raise ValueError(f"formula {formula!r}: {said}") from None
    _check(tree, formula)
    return tree


def _check(node: ast.AST, formula: str) -> None:
    """ValueError unless the node and all below it are in the grammar."""
    for below in _operands(node, formula):
        _check(below, formula)


def _operands(node: ast.AST, formula: str) -> tuple[ast.expr, ...]:
    """What must be in the grammar below a node that is; ValueError if it is not."""
    match node:
        case ast.Name():
            return ()
        case ast.Constant(value=value) if type(value) in (int, float) and value <= LARGEST:  # type: ignore[operator]
            return ()
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return (operand,)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return (argument,)
        case ast.BinOp(op=ast.Pow(), left=left, right=ast.Constant(value=2)):
            return (left,)
        case ast.BinOp(op=ast.MatMult(), left=left, right=ast.Name()):
            return (left,)
        case ast.BinOp(
            op=ast.MatMult(), left=left, right=ast.Attribute(value=ast.Name(), attr="T")
        ):
            return (left,)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult(), left=left, right=right):
            return (left, right)
    said = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
    raise ValueError(f"formula {formula!r}: {said} is not in the grammar")


def matrices(formula: str) -> frozenset[str]:
    """The names that the formula multiplies by as matrices; they must be nothing else in it."""
    found = set()
    for node in ast.walk(parse(formula)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            found |= {n.id for n in ast.walk(node.right) if isinstance(n, ast.Name)}
    return frozenset(found)


def _function(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)  # parse() lets nothing else through
    return node.func.id


@cache
def names(formula: str) -> tuple[str, ...]:
    """Every name in the formula, values and weights, in reading order, once each."""
    tree = parse(formula)
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    found = (n for n in _in_order(tree) if isinstance(n, ast.Name) and id(n) not in called)
    return tuple(dict.fromkeys(n.id for n in found))


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


def is_weight(name: str) -> bool:
    """True for the names of trained arrays (W_f, U, b_rz, V_o), false for recorded values."""
    return name[0] in "WUbV"


def inputs(line: Line) -> tuple[str, ...]:
    """The recorded values the line reads: what to light up when it runs."""
    return tuple(n for n in names(line.formula) if not is_weight(n))


def evaluate(formula: str, values: Mapping[str, Any]) -> Any:
    """The formula's value, over arrays or scalars; KeyError for a name that is not there yet.

    What leaves the range of its numbers is infinite, without a warning.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _evaluate(parse(formula), values.__getitem__)


def _evaluate(node: ast.expr, leaf: Callable[[str], Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return leaf(name)
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(operand=operand):
            return -_evaluate(operand, leaf)
        case ast.Attribute(value=value):
            return _evaluate(value, leaf).T
        case ast.Call(args=[argument]):
            return FUNCTIONS[_function(node)][0](_evaluate(argument, leaf))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, leaf), _evaluate(right, leaf)
            return _apply(op, a, b)
    raise ValueError(f"not in the grammar: {ast.dump(node)}")


def _apply(op: ast.operator, a: Any, b: Any) -> Any:
    match op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.MatMult():
            return a @ b
        case _:
            return np.square(a)


# -- as symbols ---------------------------------------------------------------------------------

_OPERATORS = {ast.Add: " + ", ast.Sub: f" {MINUS} ", ast.Mult: " ⊙ ", ast.MatMult: "·"}
_RANK = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.MatMult: 3, ast.Pow: 4}


class TokenNumber(int):
    """A token's number, from 1, that knows ``before``: the token that was read before it."""

    before: int

    def __new__(cls, t: int, before: int) -> TokenNumber:
        made = super().__new__(cls, t)
        made.before = before
        return made


def symbol(name: str, t: int | None = None) -> str:
    """How a recorded name is written: ``h_prev`` at token 4 is h₃, without a token h₋.

    ``t`` counts tokens from 1, as the screen does; the state after token t has subscript t. Where
    the text is read from its end, ``t`` is a Step: then ``h_prev`` at token 4 is h₅.
    """
    if name == "p_after":
        name = "p"
    if name.startswith("d_"):
        return _gradient_symbol(name[2:], t)
    if is_weight(name):
        return name
    base = name.removesuffix("_prev")
    if t is None:
        return base + ("₋" if base != name else "")
    before = t.before if isinstance(t, TokenNumber) else t - 1
    return base + str(int(before if base != name else t)).translate(SUBSCRIPTS)


def _gradient_symbol(name: str, t: int | None) -> str:
    for suffix, mark in (("_next", "⟵"), ("_out", "↓")):
        if name.endswith(suffix):
            return f"∂L/∂{symbol(name.removesuffix(suffix), t)}{mark}"
    return f"∂L/∂{symbol(name, t)}"


def symbols(formula: str, t: int | None = None) -> list[Span]:
    """The formula in the field's notation, as spans."""
    return _symbols(parse(formula), t, 0)


def _symbols(node: ast.expr, t: int | None, rank: int) -> list[Span]:
    match node:
        case ast.Name(id=name):
            return [(symbol(name, t), name)]
        case ast.Constant(value=value):
            return [(str(value), None)]
        case ast.UnaryOp(operand=operand):
            return [(MINUS, None), *_symbols(operand, t, 2)]
        case ast.Attribute(value=value):
            return [*_symbols(value, t, 4), ("ᵀ", None)]
        case ast.Call(args=[argument]):
            written = FUNCTIONS[_function(node)][1]
            return [(f"{written}(", None), *_symbols(argument, t, 0), (")", None)]
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            return [*_powered(_symbols(left, t, 4), left), ("²", None)]
        case ast.BinOp(left=left, op=op, right=right):
            own = _RANK[type(op)]
            tight = own + isinstance(op, ast.Sub)
            inside = [*_symbols(left, t, own), (_OPERATORS[type(op)], None)]
            inside += _symbols(right, t, tight)
            return _bracketed(inside) if own < rank else inside
    raise ValueError(f"not in the grammar: {ast.dump(node)}")


def _powered(spans: list[Span], node: ast.expr) -> list[Span]:
    # tanh(c)² reads well; a product under a power does not.
    return spans if isinstance(node, ast.Name | ast.Call) else _bracketed(spans)


def _bracketed(spans: list[Span]) -> list[Span]:
    return spans if _is_bracketed(spans) else [("(", None), *spans, (")", None)]


def _is_bracketed(spans: list[Span]) -> bool:
    """Does the first bracket close at the very end? ``(a)·(b)`` is no bracketed whole."""
    depth = 0
    for n, (text, _) in enumerate(spans):
        depth += text.count("(") - text.count(")")
        if depth == 0:
            return n > 0 and n == len(spans) - 1 and spans[0][0] == "("
    return False


# -- as numbers ---------------------------------------------------------------------------------


def number(value: float, digits: int = 3, signed: bool = False) -> str:
    """A decimal with a true minus sign; ``signed`` writes the plus as well.

    A value that three decimals would show as zero is written in powers of ten, with ``digits - 1``
    significant digits, so that no gradient that exists is shown as zero.
    """
    value = float(value)
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else ("+∞" if value > 0 else f"{MINUS}∞")
    if value != 0 and abs(value) < SMALL:
        mantissa, exponent = f"{abs(value):.{digits - 2}e}".split("e")
        text = f"{mantissa}e{MINUS}{abs(int(exponent))}"
    else:
        text = f"{abs(value):.{digits}f}"
    sign = MINUS if value < 0 else ("+" if signed else "")
    return sign + text


#: Below this a number is written in powers of ten.
SMALL = 0.0005
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
            row = np.asarray(_evaluate(left, values.__getitem__), np.float64)
            column = np.asarray(_evaluate(right, values.__getitem__), np.float64)[:, unit]
            leaves[id(node)] = float(row @ column)
            return leaves[id(node)]
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.UnaryOp(operand=operand):
            return -_fill(operand, values, unit, leaves)
        case ast.Call(args=[argument]):
            inner = _fill(argument, values, unit, leaves)
            return float(FUNCTIONS[_function(node)][0](inner))
        case ast.BinOp(left=left, op=op, right=right):
            a = _fill(left, values, unit, leaves)
            return float(_apply(op, a, _fill(right, values, unit, leaves)))
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
        case ast.Call(args=[argument]):
            return float(FUNCTIONS[_function(node)][0](_recompute(argument, leaves, digits)))
        case ast.BinOp(left=left, op=op, right=right):
            a = _recompute(left, leaves, digits)
            return float(_apply(op, a, _recompute(right, leaves, digits)))
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
        case ast.Call(args=[argument]):
            written = FUNCTIONS[_function(node)][1]
            inside = _numbers(argument, leaves, digits, 0, first=True)
            return [(f"{written}(", None), *inside, (")", None)]
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            return [*_powered(_numbers(left, leaves, digits, 4), left), ("²", None)]
        case ast.BinOp(left=left, op=op, right=right):
            own = _RANK[type(op)]
            tight = own + isinstance(op, ast.Sub)
            inside = _numbers(left, leaves, digits, own, first)
            inside += _joined(op, _numbers(right, leaves, digits, tight))
            return _bracketed(inside) if own < rank else inside
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
