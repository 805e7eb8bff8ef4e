"""Formulas as the field writes them: subscripts for time, σ, ⊙ and ∂L/∂."""

from __future__ import annotations

import ast

from rnnviz.equations.functions import FUNCTIONS
from rnnviz.equations.grammar import function_name, is_weight, parse
from rnnviz.equations.symbol_table import PLAIN, SymbolTable

#: A piece of rendered text and the recorded name it stands for (None for operators).
Span = tuple[str, str | None]

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MINUS = "−"

_OPERATORS = {ast.Add: " + ", ast.Sub: f" {MINUS} ", ast.Mult: " ⊙ ", ast.MatMult: "·"}
PRECEDENCE = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.MatMult: 3, ast.Pow: 4}


class TokenNumber(int):
    """A token's number, from 1, that knows ``before``: the token that was read before it."""

    before: int

    def __new__(cls, t: int, before: int) -> TokenNumber:
        made = super().__new__(cls, t)
        made.before = before
        return made


def symbol(name: str, t: int | None = None, table: SymbolTable = PLAIN) -> str:
    """How a recorded name is written: ``h_prev`` at token 4 is h₃, without a token h₋.

    ``t`` counts tokens from 1, as the screen does; the state after token t has subscript t. Where
    the text is read from its end, ``t`` is a :class:`TokenNumber`: then ``h_prev`` at token 4 is
    h₅. ``table`` has the symbols of another notation.
    """
    if name == "p_after":
        name = "p"
    if name.startswith("d_"):
        return _gradient_symbol(name[2:], t, table)
    if is_weight(name):
        return table.weight(name)
    base = name.removesuffix("_prev")
    written = table.value(base)
    if t is None:
        return written + ("₋" if base != name else "")
    before = t.before if isinstance(t, TokenNumber) else t - 1
    return written + str(int(before if base != name else t)).translate(SUBSCRIPTS)


def _gradient_symbol(name: str, t: int | None, table: SymbolTable) -> str:
    for suffix, mark in (("_next", "⟵"), ("_out", "↓")):
        if name.endswith(suffix):
            return f"∂L/∂{symbol(name.removesuffix(suffix), t, table)}{mark}"
    return f"∂L/∂{symbol(name, t, table)}"


def matrix_entry(name: str, row: object, column: object, table: SymbolTable = PLAIN) -> str:
    """One entry of a trained matrix; a notation that stores (out, in) has the indices exchanged."""
    first, second = (row, column) if table.product == "row" else (column, row)
    return f"{symbol(name, None, table)}[{first},{second}]"


def product(value: str, weight: str, table: SymbolTable = PLAIN) -> str:
    """A matrix product of a value's symbol and a weight's name: ``x₄·W_f``, ``W_if·x₄``."""
    written = symbol(weight, None, table)
    if table.product == "column":
        return f"{written}·{value}"
    return f"{value}·{written}{'ᵀ' if table.product == 'transposed' else ''}"


def symbols(formula: str, t: int | None = None, table: SymbolTable = PLAIN) -> list[Span]:
    """The formula in the field's notation, as spans."""
    return _symbols(parse(formula), t, 0, table)


def _symbols(node: ast.expr, t: int | None, rank: int, table: SymbolTable) -> list[Span]:
    match node:
        case ast.Name(id=name):
            return [(symbol(name, t, table), name)]
        case ast.Constant(value=value):
            return [(str(value), None)]
        case ast.UnaryOp(operand=operand):
            return [(MINUS, None), *_symbols(operand, t, 2, table)]
        case ast.Attribute(value=value):
            return [*_symbols(value, t, 4, table), ("ᵀ", None)]
        case ast.Call(args=[argument, *_]):
            return call_spans(node, _symbols(argument, t, 0, table))
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            return [*base_of_square(_symbols(left, t, 4, table), left), ("²", None)]
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            inside = _product(left, right, t, table)
            return bracketed(inside) if PRECEDENCE[ast.MatMult] < rank else inside
        case ast.BinOp(left=left, op=op, right=right):
            own = PRECEDENCE[type(op)]
            tight = own + isinstance(op, ast.Sub)
            inside = [*_symbols(left, t, own, table), (_OPERATORS[type(op)], None)]
            inside += _symbols(right, t, tight, table)
            return bracketed(inside) if own < rank else inside
    raise ValueError(f"not in the grammar: {ast.dump(node)}")


def _product(left: ast.expr, right: ast.expr, t: int | None, table: SymbolTable) -> list[Span]:
    """A matrix product, with the matrix where the notation has it, and as it stores it.

    The lines have ``value @ W`` with W (in, out). PyTorch and the paper write W·value and ONNX
    value·Wᵀ, both with the transpose of that W.
    """
    own = PRECEDENCE[ast.MatMult]
    value, dot = _symbols(left, t, own, table), (_OPERATORS[ast.MatMult], None)
    if table.product == "row":
        return [*value, dot, *_symbols(right, t, own, table)]
    if table.product == "column":
        return [*_symbols(right, t, own, table), dot, *value]
    if isinstance(right, ast.Attribute):
        return [*value, dot, *_symbols(right.value, t, own, table)]
    return [*value, dot, *_symbols(right, t, own, table), ("ᵀ", None)]


def call_spans(node: ast.Call, argument: list[Span]) -> list[Span]:
    """A call with its first argument as written; the others are numbers: ``clip(a_f, 3)``."""
    constants = "".join(f", {n.value!s}" for n in node.args[1:] if isinstance(n, ast.Constant))
    return [(f"{FUNCTIONS[function_name(node)].symbol}(", None), *argument, (f"{constants})", None)]


def base_of_square(spans: list[Span], node: ast.expr) -> list[Span]:
    # tanh(c)² reads well; a product under a power does not.
    return spans if isinstance(node, ast.Name | ast.Call) else bracketed(spans)


def bracketed(spans: list[Span]) -> list[Span]:
    return spans if _isbracketed(spans) else [("(", None), *spans, (")", None)]


def _isbracketed(spans: list[Span]) -> bool:
    """Does the first bracket close at the very end? ``(a)·(b)`` is no bracketed whole."""
    depth = 0
    for n, (text, _) in enumerate(spans):
        depth += text.count("(") - text.count(")")
        if depth == 0:
            return n > 0 and n == len(spans) - 1 and spans[0][0] == "("
    return False
