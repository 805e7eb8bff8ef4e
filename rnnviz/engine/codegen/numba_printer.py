"""Formulas as calls of the vector operations in :mod:`rnnviz.engine.compiled.simd`."""

from __future__ import annotations

from rnnviz.engine.codegen.printer import Printer
from rnnviz.equations import FUNCTIONS

_OPERATIONS = {"+": "add", "-": "sub", "*": "mul", "/": "div"}


class NumbaPrinter(Printer):
    """Vectors of numbers; a variable ``zero`` tells constants which vectors they belong to."""

    def name(self, name: str) -> str:
        """With ``v_`` in front, so that no name is that of an operation."""
        return f"v_{name}"

    def constant(self, value: float) -> str:
        """The number in every lane."""
        return f"fill(zero, {value!r})"

    def negative(self, operand: str) -> str:
        """See :class:`Printer`."""
        return f"sub(zero, {operand})"

    def binary(self, operator: str, left: str, right: str) -> str:
        """See :class:`Printer`."""
        return f"{_OPERATIONS[operator]}({left}, {right})"

    def call(self, function: str, arguments: list[str]) -> str:
        """See :class:`Printer`."""
        return f"{function}({', '.join(arguments)})"


def function_sources(decorator: str) -> list[str]:
    """Each function that is no primitive, from its definition."""
    printer = NumbaPrinter()
    return [
        f"{decorator}\ndef {f.name}(v_a):\n"
        f"    zero = fill(v_a, 0.0)\n"
        f"    return {printer.expression(f.tree)}"
        for f in FUNCTIONS.values()
        if f.tree is not None
    ]
