"""Formulas as CUDA C, with brackets wherever the order of operations could be in doubt."""

from __future__ import annotations

import ast

from rnnviz.engine.codegen.printer import Printer
from rnnviz.equations import FUNCTIONS

#: How primitives are called; every other function by its own name.
_PRIMITIVES = {
    "tanh": "fast_tanh", "sqrt": "sqrtf", "maximum": "fmaxf", "minimum": "fminf", "exp": "expf",
    "log": "logf", "log1p": "log1pf", "absolute": "fabsf",
}  # fmt: skip


class CudaPrinter(Printer):
    """Single numbers in float32."""

    def name(self, name: str) -> str:
        """With ``n_`` in front, so that no name is one of CUDA's."""
        return f"n_{name}"

    def constant(self, value: float) -> str:
        """See :class:`Printer`."""
        return f"{value!r}f"

    def negative(self, operand: str) -> str:
        """See :class:`Printer`."""
        return f"(-{operand})"

    def binary(self, operator: str, left: str, right: str) -> str:
        """See :class:`Printer`."""
        return f"({left} {operator} {right})"

    def call(self, function: str, arguments: list[str]) -> str:
        """See :class:`Printer`."""
        return f"{_PRIMITIVES.get(function, function)}({', '.join(arguments)})"


def function_sources() -> list[str]:
    """Each function that is no primitive, from its definition."""
    printer = CudaPrinter()
    return [
        f"__device__ __forceinline__ float {f.name}(float n_a) "
        f"{{ return {printer.expression(f.tree)}; }}"
        for f in FUNCTIONS.values()
        if f.tree is not None
    ]


def scaled_tanh(function: str) -> tuple[float, float, float] | None:
    """(α, β, γ) of a function that is α·tanh(β·a) + γ; None for others."""
    if function == "tanh":
        return 1.0, 1.0, 0.0
    match FUNCTIONS[function].tree if function in FUNCTIONS else None:
        case ast.BinOp(
            ast.BinOp(
                ast.Constant(alpha),
                ast.Mult(),
                ast.Call(
                    ast.Name("tanh"), [ast.BinOp(ast.Constant(beta), ast.Mult(), ast.Name("a"))]
                ),
            ),
            ast.Add(),
            ast.Constant(gamma),
        ):
            return float(alpha), float(beta), float(gamma)  # type: ignore[arg-type]
    return None
