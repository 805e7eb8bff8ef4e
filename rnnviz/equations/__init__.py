"""A formula stated once and read in many ways: symbols, live numbers, names, arithmetic.

A cell states each of its steps as a :class:`Line`. The formula is a Python expression over the
recorded names, so the screen prints it, highlights its inputs and puts numbers into it, the
compiled loops and CUDA kernels are written from it, and tests evaluate it against what the engine
recorded.
"""

from rnnviz.equations.arithmetic import EXACT, Arithmetic, number, numbers
from rnnviz.equations.functions import (
    ACTIVATIONS,
    FUNCTIONS,
    Function,
    hard_sigmoid,
    relu,
    sigmoid,
    slope,
    step,
)
from rnnviz.equations.grammar import (
    LARGEST,
    LONGEST,
    Line,
    evaluate,
    inputs,
    is_weight,
    names,
    parse,
)
from rnnviz.equations.notation import (
    MINUS,
    SUBSCRIPTS,
    Span,
    TokenNumber,
    matrix_entry,
    product,
    symbol,
    symbols,
)
from rnnviz.equations.shares import (
    GateShare,
    Origins,
    argument,
    origins,
    shares,
    turned,
    use_of,
)
from rnnviz.equations.symbol_table import (
    DEFAULT_NOTATION,
    NOTATIONS,
    SymbolNames,
    SymbolTable,
    notation_title,
    symbol_table,
)
from rnnviz.equations.terms import Bias, Elementwise, Product, matrices, terms

__all__ = [
    "ACTIVATIONS",
    "DEFAULT_NOTATION",
    "EXACT",
    "FUNCTIONS",
    "LARGEST",
    "LONGEST",
    "MINUS",
    "NOTATIONS",
    "SUBSCRIPTS",
    "Arithmetic",
    "Bias",
    "Elementwise",
    "Function",
    "GateShare",
    "Line",
    "Origins",
    "Product",
    "Span",
    "SymbolNames",
    "SymbolTable",
    "TokenNumber",
    "argument",
    "evaluate",
    "hard_sigmoid",
    "inputs",
    "is_weight",
    "matrices",
    "matrix_entry",
    "names",
    "notation_title",
    "number",
    "numbers",
    "origins",
    "parse",
    "product",
    "relu",
    "shares",
    "sigmoid",
    "slope",
    "step",
    "symbol",
    "symbol_table",
    "symbols",
    "terms",
    "turned",
    "use_of",
]  # fmt: skip
