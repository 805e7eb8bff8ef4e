"""Formulas as NumPy calls that write into arrays that are there already."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rnnviz.engine.codegen.printer import UnprintableError
from rnnviz.equations.terms import names_in

#: The functions of NumPy that the calls name.
UFUNCS = ("add", "subtract", "multiply", "divide", "negative", "sqrt")

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
}  # fmt: skip


class InPlacePrinter:
    """Statements that compute expressions of some variables without a new array.

    ``statements`` are in order; they use temporaries t0, t1, …, of which ``temporaries`` are
    needed at once.
    """

    def __init__(self, variables: Iterable[str]) -> None:
        self.variables = frozenset(variables)
        self.statements: list[str] = []
        self.temporaries = 0
        self._in_use = 0

    def assign(self, target: str, node: ast.expr) -> None:
        """Write the value of an expression into the variable ``target``."""
        before = self._in_use
        match node:
            case ast.Call(ast.Name("sqrt"), [argument]):
                self._call("sqrt", self._operand(argument, target), target)
            case ast.UnaryOp(ast.USub(), operand):
                self._call("negative", self._operand(operand, target), target)
            case ast.BinOp(left, op, right) if type(op) in _BINARY:
                # The left side may use the target unless the right side still reads it.
                a = self._operand(left, None if target in names_in(right) else target)
                b = self._operand(right, target if a != target else None)
                self._call(_BINARY[type(op)], f"{a}, {b}", target)
            case _:
                raise UnprintableError(ast.unparse(node))
        self._in_use = before

    def _operand(self, node: ast.expr, target: str | None) -> str:
        """The variable or number that an expression is, once computed (into ``target``)."""
        if isinstance(node, ast.Constant):
            return ast.unparse(node)
        if isinstance(node, ast.Name) and node.id in self.variables:
            return node.id
        place = target or self._temporary()
        self.assign(place, node)
        return place

    def _call(self, ufunc: str, arguments: str, target: str) -> None:
        self.statements.append(f"{ufunc}({arguments}, {target})")

    def _temporary(self) -> str:
        self._in_use += 1
        self.temporaries = max(self.temporaries, self._in_use)
        return f"t{self._in_use - 1}"
