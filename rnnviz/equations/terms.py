"""The one reader of a cell's lines: the summands of a formula, by what each does with a weight.

The weights page, the compiled loops, the CUDA kernels and the checks of a trace read lines through
:func:`terms`; which weight meets which value is written nowhere else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from rnnviz.equations.grammar import is_weight, parse


@dataclass(frozen=True)
class Product:
    """``value @ weight``, or ``value @ weight.T`` where a gradient goes back through the weight."""

    value: str
    weight: str
    transposed: bool


@dataclass(frozen=True)
class Bias:
    """A trained vector that is added: ``b_f``."""

    weight: str


@dataclass(frozen=True)
class Elementwise:
    """Arithmetic unit by unit; ``vectors`` are the trained ones in it, of a peephole for example.

    ``mixes`` is true for an expression with a matrix product inside, which is none of a cell's
    kinds of summands.
    """

    expression: ast.expr
    vectors: tuple[str, ...]
    mixes: bool


Term = Product | Bias | Elementwise


@cache
def terms(formula: str) -> tuple[Term, ...]:
    """The summands of a formula, in the order in which they are written."""
    return tuple(_term(node) for node in summands(parse(formula)))


def _term(node: ast.expr) -> Term:
    match node:
        case ast.BinOp(ast.Name(value), ast.MatMult(), ast.Name(weight)):
            return Product(value, weight, transposed=False)
        case ast.BinOp(ast.Name(value), ast.MatMult(), ast.Attribute(ast.Name(weight), "T")):
            return Product(value, weight, transposed=True)
        case ast.Name(weight) if is_weight(weight):
            return Bias(weight)
    mixes = any(isinstance(n, ast.MatMult) for n in ast.walk(node))
    vectors = () if mixes else tuple(sorted(n for n in names_in(node) if is_weight(n)))
    return Elementwise(node, vectors, mixes)


def summands(node: ast.expr) -> Iterator[ast.expr]:
    """The summands of an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from summands(node.left)
        yield from summands(node.right)
    else:
        yield node


def names_in(node: ast.expr) -> set[str]:
    """The names an expression reads, without those of functions."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called}


@cache
def matrices(formula: str) -> frozenset[str]:
    """The names that a formula multiplies by as matrices; they must be nothing else in it."""
    found: set[str] = set()
    for node in ast.walk(parse(formula)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            found |= names_in(node.right)
    return frozenset(found)
