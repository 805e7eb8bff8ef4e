"""An expression as text for one target: what all printers have in common.

A printer names the target's operations; walking the tree is done here once. As tinygrad's
renderers, a printer holds no state.
"""

from __future__ import annotations

import ast
from typing import cast

#: The operators between two expressions.
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
}  # fmt: skip


class UnprintableError(Exception):
    """An expression that a target has no text for; the message is the expression."""


class Printer:
    """Formulas as text; subclasses say how a target writes the pieces."""

    def expression(self, node: ast.expr) -> str:
        """The text of an expression; UnprintableError for what is not in the grammar."""
        match node:
            case ast.Name(id=name):
                return self.name(name)
            case ast.Constant(value=value):
                return self.constant(float(cast(float, value)))
            case ast.UnaryOp(ast.USub(), operand):
                return self.negative(self.expression(operand))
            case ast.BinOp(base, ast.Pow(), ast.Constant(value=2)):
                text = self.expression(base)
                return self.binary("*", text, text)
            case ast.BinOp(left, op, right) if type(op) in OPERATORS:
                return self.binary(
                    OPERATORS[type(op)], self.expression(left), self.expression(right)
                )
            case ast.Call(ast.Name("clip"), [clipped, ast.Constant(value=value)]):
                limit = self.constant(float(cast(float, value)))
                above = self.call("maximum", [self.expression(clipped), self.negative(limit)])
                return self.call("minimum", [above, limit])
            case ast.Call(ast.Name(id=function), arguments):
                return self.call(function, [self.expression(a) for a in arguments])
        raise UnprintableError(ast.unparse(node))

    def formula(self, text: str) -> str:
        """The text of a formula."""
        return self.expression(ast.parse(text, mode="eval").body)

    def name(self, name: str) -> str:
        """A recorded value."""
        raise NotImplementedError

    def constant(self, value: float) -> str:
        """A number."""
        raise NotImplementedError

    def negative(self, operand: str) -> str:
        """The operand with the other sign."""
        raise NotImplementedError

    def binary(self, operator: str, left: str, right: str) -> str:
        """``left operator right``; the operator is one of ``+ - * /``."""
        raise NotImplementedError

    def call(self, function: str, arguments: list[str]) -> str:
        """A function of :data:`rnnviz.equations.FUNCTIONS`, or a primitive."""
        raise NotImplementedError
