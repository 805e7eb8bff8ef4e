"""What a gate does, read from the lines of a cell: the share of which value goes where."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from rnnviz.equations.grammar import Line, parse
from rnnviz.equations.terms import Bias, Product, names_in, summands, terms

#: The mix of a GRU: z of one thing, the rest of the other; and the difference in z's gradient.
_SHARE = re.compile(r"\(1 - z\)|\bz\b")
_DIFFERENCE = re.compile(r"\((\w+) - (\w+)\)")


def turned(line: Line) -> Line:
    """A line of a GRU with z and 1 − z in each other's place: z renews where it kept.

    The line that computes z stays, and the gradient of z changes its sign.
    """
    if line.name in ("z", "a_z", "d_a_z"):
        return line
    if line.name == "d_z":
        return replace(line, formula=_DIFFERENCE.sub(r"(\2 - \1)", line.formula))
    swapped = _SHARE.sub(lambda found: "(1 - z)" if found[0] == "z" else "z", line.formula)
    return replace(line, formula=swapped)


@dataclass(frozen=True)
class GateShare:
    """A summand ``gate * of``, or ``(1 - gate) * of`` if ``rest``; ``of`` is a formula."""

    gate: str
    rest: bool
    of: str

    @property
    def reads(self) -> frozenset[str]:
        """The names in ``of``."""
        return frozenset(names_in(parse(self.of)))


@cache
def shares(formula: str) -> tuple[GateShare, ...]:
    """The summands that are a value times another one; the factor at the left is the share."""
    found = []
    for node in summands(parse(formula)):
        match node:
            case ast.BinOp(ast.Name(gate), ast.Mult(), of):
                found.append(GateShare(gate, False, ast.unparse(of)))
            case ast.BinOp(ast.BinOp(ast.Constant(1), ast.Sub(), ast.Name(gate)), ast.Mult(), of):
                found.append(GateShare(gate, True, ast.unparse(of)))
    return tuple(found)


def use_of(gate: str, lines: Sequence[Line]) -> tuple[Line, tuple[GateShare, ...]] | None:
    """The first line that takes a share by this gate, and its shares; None if none does."""
    for line in lines:
        found = tuple(share for share in shares(line.formula) if share.gate == gate)
        if found:
            return line, found
    return None


@cache
def argument(formula: str) -> str | None:
    """The name that a formula is a function of, clipped or not: a of ``tanh(a)``; or None."""
    match parse(formula):
        case (
            ast.Call(args=[ast.Name(name), *_])
            | ast.Call(args=[ast.Call(ast.Name("clip"), [ast.Name(name), *_])])
        ):
            return name
    return None


@dataclass(frozen=True)
class Origins:
    """The summands of a weighted sum by where they come from, each a formula or ""."""

    inputs: str  # from x
    states: str  # from the states before
    bias: str
    read: tuple[str, ...]  # what ``states`` reads: values that are multiplied by a weight, or terms


@cache
def origins(formula: str) -> Origins | None:
    """Where the summands of a weighted sum come from; None without a product with x."""
    inputs: list[str] = []
    states: list[str] = []
    bias: list[str] = []
    read: list[str] = []
    for node, term in zip(summands(parse(formula)), terms(formula), strict=True):
        where = states
        if isinstance(term, Bias):
            where = bias
        elif isinstance(term, Product) and term.value == "x":
            where = inputs
        else:
            read.append(term.value if isinstance(term, Product) else ast.unparse(node))
        where.append(ast.unparse(node))
    if not inputs:
        return None
    return Origins(" + ".join(inputs), " + ".join(states), " + ".join(bias), tuple(read))
