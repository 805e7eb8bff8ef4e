"""The grammar of formulas: a line of a cell is parsed once, and read and evaluated from its tree.

Grammar: names, numbers, ``+ - * @ **2``, unary minus and calls of
:data:`~rnnviz.equations.functions.FUNCTIONS`, of which ``clip(a, 3)`` has a number as well. ``*``
is the elementwise product (shown as ⊙), ``@`` the matrix product with the vector on the left (shown
as ·) and the name of a matrix, or ``NAME.T``, on the right. ``h_prev`` is the state after the token
before; ``d_c`` is the gradient of the objective with respect to ``c``; ``d_c_next`` is the part of
it that comes back from later tokens.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from rnnviz.equations.functions import FUNCTIONS
from rnnviz.messages import _


@dataclass(frozen=True)
class Line:
    """One named step of a cell.

    ``name`` is the recorded value the line defines, ``part`` the group of lines that a class
    sees happen together ("forget", "cell", ...), ``formula`` the expression that gives it.
    """

    name: str
    part: str
    formula: str


#: The most characters of a formula, and the largest number in one.
LONGEST, LARGEST = 400, 1e6


@cache
def parse(formula: str) -> ast.expr:
    """The expression tree of a formula; ValueError if it leaves the grammar.

    What comes out can be evaluated, and written in every way, whatever the values are.
    """
    if len(formula) > LONGEST:
        raise ValueError(
            _("formula {formula!r}…: it has more than {most} characters").format(
                formula=formula[:40], most=LONGEST
            )
        )
    try:
        tree = ast.parse(formula, mode="eval").body
    except (SyntaxError, MemoryError, RecursionError) as error:
        said = error.msg if isinstance(error, SyntaxError) else _("nested too deep")
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
        case ast.Call(
            func=ast.Name(id="clip"), args=[argument, ast.Constant() as limit], keywords=[]
        ):
            return (argument, limit)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if (
            name in FUNCTIONS and name != "clip"
        ):
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
    raise ValueError(
        _("formula {formula!r}: {said} is not in the grammar").format(formula=formula, said=said)
    )


def function_name(node: ast.Call) -> str:
    """The name of the function that is called."""
    assert isinstance(node.func, ast.Name)  # parse() lets nothing else through
    return node.func.id


def call_function(node: ast.Call, argument: Any) -> Any:
    """The value of a call for the value of its first argument; others are numbers."""
    constants = [n.value for n in node.args[1:] if isinstance(n, ast.Constant)]
    return FUNCTIONS[function_name(node)](argument, *constants)  # type: ignore[arg-type]


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


#: The weights of peepholes. Other names with p are values: p and p_after of the head.
PEEPHOLES = ("p_i", "p_f", "p_o")


def is_weight(name: str) -> bool:
    """True for the names of trained arrays (W_f, U, b_rz, V_o, p_f), false for recorded values."""
    return name[0] in "WUbV" or name in PEEPHOLES


def inputs(line: Line) -> tuple[str, ...]:
    """The recorded values the line reads: what to light up when it runs."""
    return tuple(n for n in names(line.formula) if not is_weight(n))


def evaluate(formula: str, values: Mapping[str, Any]) -> Any:
    """The formula's value, over arrays or scalars; KeyError for a name that is not there yet.

    What leaves the range of its numbers is infinite, without a warning.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return evaluate_tree(parse(formula), values.__getitem__)


def evaluate_tree(node: ast.expr, leaf: Callable[[str], Any]) -> Any:
    """The value of an expression; ``leaf`` gives that of a name."""
    match node:
        case ast.Name(id=name):
            return leaf(name)
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(operand=operand):
            return -evaluate_tree(operand, leaf)
        case ast.Attribute(value=value):
            return evaluate_tree(value, leaf).T
        case ast.Call(args=[argument, *_]):
            return call_function(node, evaluate_tree(argument, leaf))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = evaluate_tree(left, leaf), evaluate_tree(right, leaf)
            return apply_operator(op, a, b)
    raise ValueError(_("not in the grammar: {dump}").format(dump=ast.dump(node)))


def apply_operator(op: ast.operator, a: Any, b: Any) -> Any:
    """The value of ``a op b``; every operator that is none of the four is a square of ``a``."""
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
