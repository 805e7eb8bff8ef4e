"""Formulas as calls that write in place: what NumPy computes without making new arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rnnviz.engine.pointwise import names_in

#: What the calls are named after; whoever compiles them puts NumPy's functions under these names.
UFUNCS = (
    "add", "subtract", "multiply", "divide", "sqrt", "tanh", "maximum", "negative", "copyto",
)  # fmt: skip


class Emitter:
    """Statements that compute an expression without a new array."""

    def __init__(self, where: Mapping[str, str], first: int = 0) -> None:
        self.where = dict(where)  # recorded name, or expression as text -> variable
        self.lines: list[str] = []
        self.free = self.used = first  # temporaries t0, t1, ...

    def temporary(self) -> str:
        self.free += 1
        self.used = max(self.used, self.free)
        return f"t{self.free - 1}"

    def into(self, node: ast.expr, target: str) -> None:
        """Leave the value of an expression in ``target``."""
        before = self.free
        match node:
            case ast.Name():
                self.lines.append(f"copyto({target}, {self.value(node)})")
            case ast.Call(ast.Name(id=function), [argument]):
                self._call(function, self.value(argument, target), target)
            case ast.UnaryOp(ast.USub(), operand):
                self.lines.append(f"negative({self.value(operand, target)}, {target})")
            case ast.BinOp(base, ast.Pow(), _):
                a = self.value(base, target)
                self.lines.append(f"multiply({a}, {a}, {target})")
            case ast.BinOp(left, op, right):
                # The left side may use the target unless the right side still reads it.
                a = self.value(left, None if self._reads(right, target) else target)
                b = self.value(right, target if a != target else None)
                self.lines.append(f"{_OPERATIONS[type(op)]}({a}, {b}, {target})")
            case _:
                raise ValueError(f"{ast.unparse(node)}: there is no call in place for it")
        self.free = before

    def value(self, node: ast.expr, target: str | None = None) -> str:
        """The variable that holds an expression, after computing it (into ``target``)."""
        said = ast.unparse(node)
        if isinstance(node, ast.Constant):
            return {"1": "ONE", "0.5": "HALF"}.get(said, said)
        if said not in self.where or self.where[said].startswith("="):
            place = self.where.get(said, "=")[1:] or target or self.temporary()
            self.into(node, place)
            if said in self.where:
                self.where[said] = place  # to be kept: from now on it is there
            return place
        return self.where[said]

    def _reads(self, node: ast.expr, target: str) -> bool:
        return any(self.where.get(name) == target for name in names_in(node))

    def _call(self, function: str, value: str, target: str) -> None:
        match function:
            case "tanh":
                self.lines.append(f"tanh({value}, {target})")
            case "relu":
                self.lines.append(f"maximum({value}, 0, out={target})")
            case "sigmoid":
                self.lines += [
                    f"multiply({value}, HALF, {target})", f"tanh({target}, {target})",
                    f"multiply({target}, HALF, {target})", f"add({target}, HALF, {target})",
                ]  # fmt: skip
            case "sqrt":
                self.lines.append(f"sqrt({value}, {target})")
            case _:
                self.lines.append(f"copyto({target}, F_{function}({value}))")


_OPERATIONS: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
}  # fmt: skip
