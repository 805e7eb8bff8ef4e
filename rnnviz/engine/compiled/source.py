"""A cell's compiled module as text: its own lines, the products, and the loops around them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType, ModuleType

from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import CellIR, Gate, read_cell
from rnnviz.engine.codegen.numba_printer import NumbaPrinter, function_sources
from rnnviz.engine.compiled import loops, sums
from rnnviz.engine.optimizers import Formulas
from rnnviz.equations.terms import names_in, summands


class NotCompiledError(Exception):
    """The cell does something that the loops have no place for."""


@dataclass(frozen=True)
class LoopSource:
    """Where a cell's values stand in a row of gates, and its module's text.

    A row has the blocks: products with W of gates that are not joint, joint sums, products with U
    of gates that are not joint.
    """

    cell: CellIR
    inputs: tuple[str, ...]  # gates in the order of x·W: those that are not joint, joint
    recurrent: tuple[str, ...]  # gates in the order of h_prev·U: joint, not joint
    vectors: tuple[str, ...]  # trained vectors of the cell's own
    source: str

    @property
    def blocks(self) -> int:
        """Blocks of a row of gates."""
        return len(self.inputs) + sum(not g.joint and g.reads_state for g in self.cell.gates)


def loop_source(cell: Cell) -> LoopSource:
    """NotPointwiseError or NotCompiledError if these loops cannot run the cell."""
    read = read_cell(cell)
    joint = [g.name for g in read.gates if g.joint]
    apart = [g.name for g in read.gates if not g.joint]
    recurrent = [g.name for g in read.gates if not g.joint and g.reads_state]
    columns = _columns(read.gates, apart, joint)
    if len(read.saved) > len(columns):
        raise NotCompiledError(f"{cell.name}: {len(read.saved)} values to save")
    text = [
        *(HEAD, "from {common} import *", *function_sources(_INLINE)),
        *(_forward_row(read, columns), _backward_row(read, columns)),
        *map(_compiled, (loops.forward, loops.backward)),
    ]
    return LoopSource(read, (*apart, *joint), (*joint, *recurrent), read.vectors, _module(text))


def common() -> str:
    """The text of what all cells' modules share."""
    parts = [f for f in _functions_of(loops) if f not in (loops.forward, loops.backward)]
    return _module([HEAD, *_products(), *map(_compiled, parts)])


def summing() -> str:
    """The text of the module that sums up rows by word."""
    return _module([HEAD, "from {common} import *", *map(_compiled, _functions_of(sums))])


def stepping(formulas: Formulas, gathered: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """The text of the module with a step of an optimizer; rows without a gradient have zeros."""
    arrays = ("p", *gathered)
    head = [f"    {n} = floats(like, words[{k}])" for k, n in enumerate(arrays, 2)]
    said = [f"v_{n} = fill(like, numbers[{k}])" for k, n in enumerate(numbers)]
    lines = [f"v_{n} = get({n}, i)" for n in arrays]
    lines += [f"v_{n} = {_PRINTER.formula(f)}" for n, f in formulas]
    lines += [f"put({n}, i, v_{n})" for n in dict(formulas)]
    text = [
        "@njit(nogil=True, cache=True)",
        "def step_rows(like, words, numbers, gradient, first, end):",
        "    E, g = words[0], floats(like, words[1])", *head,
        "    zero = fill(like, 0.0)", *(f"    {line}" for line in said),
        "    for row in range(first, end):",
        "        use = gradient[row]",
        "        for j in range(0, E, lanes(like)):",
        "            i = row * E + j",
        "            v_g = zero if use < 0 else get(g, use * E + j)",
        *(f"            {line}" for line in lines),
    ]  # fmt: skip
    return _module([HEAD, "\n".join(text)])


def _module(parts: Iterable[str]) -> str:
    return "\n\n\n".join(parts) + "\n"


#: What is called from Python. What that calls at every step is compiled once and called; smaller
#: functions become a part of where they stand.
ENTRIES = ("forward", "backward", "collect", "add_up", "add_up_products")
CALLED = ("look_input", "look_state", "change", "begin_gates", "read_apart", "arrive", "through",
          "sum_up", "give_input")  # fmt: skip

HEAD = '''"""Written by rnnviz, to be compiled once and kept. May be removed at any time."""

from __future__ import annotations

from numba import njit

from rnnviz.engine.compiled.opening import opened_job, opened_sum
from rnnviz.engine.compiled.simd import (
    add, assign, at, div, each, fill, floats, fma, get, lanes, maximum, minimum, mul, nothing, put,
    registers, sqrt, step, stream, sub, tanh,
)'''

_PART = "@njit(nogil=True, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)"
_INLINE = _PART.replace(")", ", forceinline=True)")


def _functions_of(module: ModuleType) -> list[FunctionType]:
    """In the order they are written."""
    found = (f for f in vars(module).values() if inspect.isfunction(f))
    return [f for f in found if f.__module__ == module.__name__]


def _compiled(function: Callable[..., object]) -> str:
    if function.__name__ in ENTRIES:
        how = "@njit(nogil=True, cache=True)"
    else:
        how = _PART if function.__name__ in CALLED else _INLINE
    return f"{how}\n{inspect.getsource(function)}".strip()


# -- products -------------------------------------------------------------------------------------

#: Rows and vectors of a product that are computed together, in as many registers as there are.
#: Wide ones first; of one width, high ones first.
TILES = ((4, 6), (8, 2), (4, 2), (4, 1))


def _products() -> list[str]:
    return [*(_tile(*tile) for tile in TILES), _product(), _PRODUCT]


_OPERANDS = "A, a, A_row, A_column, B, b, B_row"


def _tile(rows: int, vectors: int) -> str:
    """C = I + A·B for some rows and a few vectors of each, which stay in registers."""
    R, V = range(rows), range(vectors)
    name = f"tile_{rows}_{vectors}"
    lines = [_INLINE, f"def {name}(I, i, I_row, C, c, C_row, {_OPERANDS}, K):"]
    lines.append("    L = lanes(C)")
    lines += [f"    s{r}{v} = get(I, i + {r} * I_row + {v} * L)" for r in R for v in V]
    lines.append("    for k in range(K):")
    lines += [f"        b{v} = get(B, b + k * B_row + {v} * L)" for v in V]
    for r in R:
        lines.append(f"        x = each(A, a + {r} * A_row + k * A_column)")
        lines += [f"        s{r}{v} = fma(x, b{v}, s{r}{v})" for v in V]
    lines += [f"    put(C, c + {r} * C_row + {v} * L, s{r}{v})" for r in R for v in V]
    return "\n".join(lines)


def _product() -> str:
    """C = I + A·B, tile by tile, each in as few steps as there are registers for."""
    lines = [_PART, f"def product_from(I, i, I_row, C, c, C_row, {_OPERANDS}, rows, columns, K):"]
    lines.append('    """C (rows, columns) = I + A (rows, K) · B (K, columns); rows are fours."""')
    lines += ["    L = lanes(C)", "    j = 0"]
    for vectors in dict.fromkeys(v for _, v in TILES):
        heights = [r for r, v in TILES if v == vectors]
        least = _registers(min(heights), vectors)
        lines.append(f"    while registers(C) >= {least} and j + {vectors} * L <= columns:")
        lines.append("        r = 0")
        for rows in heights:
            needed = _registers(rows, vectors)
            lines += [
                f"        while registers(C) >= {needed} and r + {rows} <= rows:",
                f"            tile_{rows}_{vectors}(",
                "                I, i + r * I_row + j, I_row, C, c + r * C_row + j, C_row,",
                "                A, a + r * A_row, A_row, A_column, B, b + j, B_row, K)",
                f"            r += {rows}",
            ]
        lines.append(f"        j += {vectors} * L")
    return "\n".join(lines)


def _registers(rows: int, vectors: int) -> int:
    """Sums, a row of B, and a number of A."""
    return rows * vectors + vectors + 1


_PRODUCT = f'''{_INLINE}
def product(C, c, C_row, {_OPERANDS}, rows, columns, K):
    """C (rows, columns) += A (rows, K) · B (K, columns)."""
    product_from(C, c, C_row, C, c, C_row, {_OPERANDS}, rows, columns, K)'''


# -- lines ----------------------------------------------------------------------------------------


def _columns(gates: tuple[Gate, ...], apart: list[str], joint: list[str]) -> dict[str, int]:
    """The block of a row where each sum stands, and where its gradient belongs."""
    for g in gates:
        if not (g.reads_input and g.d_xw and g.reads_state == bool(g.d_hu)):
            raise NotCompiledError(f"gate {g.name!r} lacks a product")
        if g.joint and g.d_xw != g.d_hu:
            raise NotCompiledError(f"gate {g.name!r} has two gradients of one sum")
    recurrent = [g.name for g in gates if not g.joint and g.reads_state]
    names = [f"xw_{g}" for g in apart] + [f"sum_{g}" for g in joint]
    return {name: k for k, name in enumerate([*names, *(f"hu_{g}" for g in recurrent)])}


_PRINTER = NumbaPrinter()


def _loop(head: str, lines: list[str]) -> str:
    top = [_INLINE, head, "    for j in range(0, H, lanes(A)):", "        zero = fill(A, 0.0)"]
    return "\n".join([*top, *(f"        {line}" for line in lines)])


def _forward_row(cell: CellIR, columns: dict[str, int]) -> str:
    lines = [f"v_{name} = get(A, a + {k} * H + j)" for name, k in columns.items()]
    lines += [f"v_{s}_prev = get(S, {i} * S_size + before + j)" for i, s in enumerate(cell.states)]
    lines += [f"v_{w} = get(own, {k} * H + j)" for k, w in enumerate(cell.vectors)]
    lines += [f"v_{line.name} = {_PRINTER.expression(line.value)}" for line in cell.forward]
    lines += [f"stream(K, kept + {k} * H + j, v_{name})" for k, name in enumerate(cell.saved)]
    lines += [f"put(S, {i} * S_size + after + j, v_{s})" for i, s in enumerate(cell.states)]
    return _loop("def forward_row(A, a, K, kept, S, S_size, before, after, own, H):", lines)


def _backward_row(cell: CellIR, columns: dict[str, int]) -> str:
    lines = ["v_d_h_out = zero"]
    for i, s in enumerate(cell.states):
        lines.append(f"v_d_{s}_next = get(C, {i} * C_size + carry + j)")
        lines.append(f"v_d_{s}_next = sub(add(v_d_{s}_next, tiny), tiny)")
        lines.append(f"v_{s} = get(S, {i} * S_size + after + j)")
        lines.append(f"v_{s}_prev = get(S, {i} * S_size + before + j)")
    lines += [f"v_{name} = get(A, a + {k} * H + j)" for k, name in enumerate(cell.saved)]
    lines += [f"v_{w} = get(own, {k} * H + j)" for k, w in enumerate(cell.vectors)]
    lines += [f"v_{line.name} = {_PRINTER.expression(line.value)}" for line in cell.backward]
    for g in cell.gates:
        if g.joint:
            lines.append(f"put(D, d + {columns[f'sum_{g.name}']} * H + j, v_{g.d_xw})")
        else:
            lines.append(f"put(D, d + {columns[f'xw_{g.name}']} * H + j, v_{g.d_xw})")
            if g.reads_state:
                lines.append(f"put(D, d + {columns[f'hu_{g.name}']} * H + j, v_{g.d_hu})")
    for i, s in enumerate(cell.states):
        found = f"v_d_{s}_prev" if s in cell.around else "zero"
        lines.append(f"put(C, {i} * C_size + carry + j, {found})")
    for k, w in enumerate(cell.vectors):
        at = f"(k * {len(cell.vectors)} + {k}) * H + j"
        lines += [f"put(G, {at}, add(get(G, {at}), {term}))" for term in _sources(cell, w)]
    head = "def backward_row(A, a, S, S_size, before, after, C, C_size, carry, D, d, own, G, k, H):"
    return _loop(head, ["tiny = nothing(zero)", *lines])


def _sources(cell: CellIR, weight: str) -> list[str]:
    """What each line that multiplies by the vector adds to its gradient."""
    found = []
    for line in cell.forward:
        for term in summands(line.value):
            if weight not in names_in(term):
                continue
            match term:
                case ast.BinOp(ast.Name(id=name), ast.Mult(), factor) if name == weight:
                    pass
                case ast.BinOp(factor, ast.Mult(), ast.Name(id=name)) if name == weight:
                    pass
                case _:
                    raise NotCompiledError(f"{weight} in {ast.unparse(term)}")
            found.append(f"mul(v_d_{line.name}, {_PRINTER.expression(factor)})")
    return found
