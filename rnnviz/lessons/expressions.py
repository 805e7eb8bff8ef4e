"""Evaluate the expressions of lesson files: a small part of Python, without attributes.

Files come from strangers, so nothing is compiled: the syntax tree is walked, and any node that is
not listed here is an error.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from rnnviz.errors import UsageError, nearest, shortened
from rnnviz.messages import _

#: The longest expression, and the largest exponent: 9**9**9 would not end.
MAX_LENGTH, MAX_EXPONENT = 500, 64

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


class ExpressionError(UsageError):
    """An expression that cannot be read or evaluated."""


@lru_cache(maxsize=1024)
def parse(expression: str) -> ast.expr:
    """The syntax tree of an expression; ExpressionError if it is not one."""
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(
            _("an expression has at most {most} characters.").format(most=MAX_LENGTH)
        )
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(
            _("{expression!r} is not an expression.").format(expression=shortened(expression))
        ) from None


def evaluate(expression: str, functions: Mapping[str, Callable[..., Any]]) -> Any:
    """The value of an expression that calls ``functions`` by name; ExpressionError."""
    try:
        return _Evaluator(functions).value(parse(expression))
    except UsageError as error:
        raise ExpressionError(f"{shortened(expression)}: {error}") from None
    except (ArithmeticError, ValueError, TypeError, LookupError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise ExpressionError(f"{shortened(expression)}: {reason}") from None


def constants(expression: str) -> tuple[float, ...]:
    """The numbers that are written in an expression."""
    values = [node.value for node in ast.walk(parse(expression)) if isinstance(node, ast.Constant)]
    return tuple(float(value) for value in values if isinstance(value, int | float))


class _Evaluator:
    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.functions = functions

    def value(self, node: ast.expr) -> Any:
        """The value of a node; ExpressionError for one that is not part of the language."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise ExpressionError(
                _("{expression!r} is not allowed in an expression.").format(
                    expression=ast.unparse(node)
                )
            )
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        if node.value is None or type(node.value) in (int, float, bool, str):
            return node.value
        raise ExpressionError(
            _("{value!r} is not allowed in an expression.").format(value=node.value)
        )

    def _list(self, node: ast.List) -> list[Any]:
        return [self.value(element) for element in node.elts]

    _tuple = _list

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if any(isinstance(value, str | list) for value in (left, right)):
            raise ExpressionError(_("texts and lists have no arithmetic."))
        if isinstance(node.op, ast.Pow) and not abs(right) <= MAX_EXPONENT:
            raise ExpressionError(_("an exponent is at most {most}.").format(most=MAX_EXPONENT))
        return self._operator(_BINARY, node.op)(left, right)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return self._operator(_UNARY, node.op)(self.value(node.operand))

    def _boolop(self, node: ast.BoolOp) -> bool:
        values = (bool(self.value(each)) for each in node.values)
        return all(values) if isinstance(node.op, ast.And) else any(values)

    def _compare(self, node: ast.Compare) -> Any:
        left, result = self.value(node.left), None
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            holds = self._operator(_COMPARISONS, op)(left, right)
            result = holds if result is None else np.logical_and(result, holds)
            left = right
        return result if isinstance(result, np.ndarray) and result.ndim else bool(result)

    def _subscript(self, node: ast.Subscript) -> Any:
        index = self.value(node.slice)
        if type(index) is not int:
            raise ExpressionError(_("an index is an integer."))
        return self.value(node.value)[index]

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            raise ExpressionError(
                _("{function!r} is not a function here.").format(function=ast.unparse(node.func))
            )
        name = node.func.id
        if name not in self.functions:
            raise ExpressionError(
                _("there is no function {name!r}.{hint}").format(
                    name=name, hint=nearest(name, self.functions)
                )
            )
        if any(isinstance(a, ast.Starred) for a in node.args) or None in [
            keyword.arg for keyword in node.keywords
        ]:
            raise ExpressionError(_("* and ** are not allowed in a call."))
        named = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        return self.functions[name](*map(self.value, node.args), **named)

    @staticmethod
    def _operator(table: Mapping[Any, Callable[..., Any]], op: ast.AST) -> Callable[..., Any]:
        if type(op) not in table:
            raise ExpressionError(
                _("{operator} is not allowed in an expression.").format(operator=type(op).__name__)
            )
        return table[type(op)]
