"""The source of a cell's compiled module: the cell's lines, matrix products, and the loops."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType, ModuleType

from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import CellIR, Gate, read_cell
from rnnviz.engine.codegen.numba_printer import NumbaPrinter, function_sources
from rnnviz.engine.compiled import (
    backward_loop,
    forward_loop,
    products,
    row_copies,
    softmax_loop,
    sums,
)
from rnnviz.engine.compiled.loop_arguments import LoopFunctions
from rnnviz.engine.losses import FORMULAS
from rnnviz.engine.optimizers import Formulas
from rnnviz.equations.terms import names_in, summands


class NotCompiledError(Exception):
    """The loops cannot run the cell; the message says why."""


@dataclass(frozen=True)
class CellSource:
    """The source of a cell's module, and the order of the blocks in a row of gates.

    The blocks are: x·W of gates that are not joint, sums of joint gates, h_prev·U of gates that are
    not joint.
    """

    cell: CellIR
    inputs: tuple[str, ...]  # gates in the order of x·W: not joint, joint
    recurrent: tuple[str, ...]  # gates in the order of h_prev·U: joint, not joint
    vectors: tuple[str, ...]  # further trained vectors, such as peepholes
    source: str

    @property
    def blocks(self) -> int:
        """The number of blocks in a row of gates."""
        return len(self.inputs) + sum(not g.joint and g.reads_state for g in self.cell.gates)


def cell_source(cell: Cell) -> CellSource:
    """The source of a cell's module.

    NotPointwiseError or NotCompiledError if the loops cannot run the cell.
    """
    ir = read_cell(cell)
    joint = [g.name for g in ir.gates if g.joint]
    separate = [g.name for g in ir.gates if not g.joint]
    recurrent = [g.name for g in ir.gates if not g.joint and g.reads_state]
    columns = _columns(ir.gates, separate, joint)
    if len(ir.saved) > len(columns):
        raise NotCompiledError(f"{cell.name}: {len(ir.saved)} values to save")
    parts = [
        *(MODULE_HEAD, *function_sources(_INLINE)),
        *(_forward_row(ir, columns), _backward_row(ir, columns)),
        *(_compiled(forward_loop.forward_rows), _compiled(backward_loop.backward_rows)),
    ]
    return CellSource(ir, (*separate, *joint), (*joint, *recurrent), ir.vectors, _module(parts))


def loop_source() -> str:
    """The source of the module that all cells share: the loops, products, and sums by word."""
    functions = [
        f
        for module in (products, row_copies, forward_loop, backward_loop, sums)
        for f in _functions_of(module)
        if f not in (forward_loop.forward_rows, backward_loop.backward_rows)
    ]
    return _module([MODULE_HEAD, _multiply(), *map(_compiled, functions)])


def softmax_source() -> str:
    """The source of the module with the softmax head, its loss and its gradients."""
    formulas = FORMULAS["softmax"]
    modules = (products, row_copies, softmax_loop)
    functions = [f for module in modules for f in _functions_of(module)]
    return _module([
        MODULE_HEAD,
        _function("softmax_loss", ("z", "m", "s"), formulas.loss),
        _function("softmax_slope", ("z", "y", "m", "s"), formulas.gradient),
        *(_compiled(f) for f in functions if f.__name__ not in LoopFunctions._fields),
    ])  # fmt: skip


def _function(name: str, arguments: tuple[str, ...], formula: str) -> str:
    """A function of vectors with the value of a formula."""
    return "\n".join([
        _INLINE, f"def {name}({', '.join(f'v_{a}' for a in arguments)}):",
        "    zero = fill(v_z, 0.0)", f"    return {_PRINTER.formula(formula)}",
    ])  # fmt: skip


def optimizer_source(formulas: Formulas, arrays: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """The source of the module with an optimizer's step on the rows of a table.

    ``arrays`` are those that the optimizer keeps for each parameter, ``numbers`` the others that
    its formulas read. A row without a gradient has the gradient zero. Moving means of rows that
    long had none are set to zero before they become denormal.
    """
    means, arrays = arrays, ("p", *arrays)
    head = [f"    {n} = pointer(like, fields[{k}])" for k, n in enumerate(arrays, 2)]
    constants = [f"v_{n} = fill(like, numbers[{k}])" for k, n in enumerate(numbers)]
    lines = [f"v_{n} = load({n}, i)" for n in arrays]
    for n, f in formulas:
        value = _PRINTER.formula(f)
        lines.append(f"v_{n} = {f'without_tiny({value})' if n in means else value}")
    lines += [f"store({n}, i, v_{n})" for n in dict(formulas)]
    text = [
        _ENTRY,
        "def step_rows(like, fields, numbers, gradient_rows, first, end):",
        "    E, g = fields[0], pointer(like, fields[1])", *head,
        "    zero = fill(like, 0.0)", *(f"    {line}" for line in constants),
        "    for row in range(first, end):",
        "        g_row = gradient_rows[row]",
        "        for j in range(0, E, lanes(like)):",
        "            i = row * E + j",
        "            v_g = zero if g_row < 0 else load(g, g_row * E + j)",
        *(f"            {line}" for line in lines),
    ]  # fmt: skip
    return _module([MODULE_HEAD, "\n".join(text)])


def _module(parts: Iterable[str]) -> str:
    return "\n\n\n".join(parts) + "\n"


#: Functions that Python calls.
ENTRY_POINTS = (
    "forward", "backward", "collect_outputs", "sum_by_word", "product_gradients", "softmax_head",
)  # fmt: skip
#: Functions that they call at every step, compiled as functions of their own; others are inlined.
NOT_INLINED = (
    "clear_workspace", "clear_gradients", "update_active_states", "add_input_products",
    "add_recurrent_product", "add_output_gradients", "gradient_through_U",
)  # fmt: skip

MODULE_HEAD = '''"""Written by rnnviz, to be compiled once and kept. May be removed at any time."""

from __future__ import annotations

from numba import njit

from rnnviz.engine.compiled.argument_unpacking import (
    unpack_loop_arguments, unpack_softmax_arguments, unpack_sum_arguments,
)
from rnnviz.engine.compiled.product_tiles import multiply_tile
from rnnviz.engine.compiled.simd import (
    absolute, add, broadcast, call, div, fill, first, flush_size, fma, indicator, item, lanes,
    load, log, maximum, minimum, mul, pointer, prefetch, registers, set_item, sqrt, store,
    stream, sub, without_tiny,
)
from rnnviz.engine.compiled.vector_functions import exp, largest, log1p, step, tanh, total'''

_FUNCTION = "@njit(nogil=True, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)"
_INLINE = _FUNCTION.replace(")", ", forceinline=True)")
_ENTRY = "@njit(nogil=True, cache=True)"
_CALLED_BY_ADDRESS = "@njit(nogil=True, cache=True, no_cpython_wrapper=True)"


def _functions_of(module: ModuleType) -> list[FunctionType]:
    """The functions that a module defines, in their order."""
    functions = (f for f in vars(module).values() if inspect.isfunction(f))
    return [f for f in functions if f.__module__ == module.__name__]


def _compiled(function: Callable[..., object]) -> str:
    """The source of a function with numba's decorator."""
    if function.__name__ in ENTRY_POINTS:
        decorator = _ENTRY
    elif function.__name__ in LoopFunctions._fields:
        decorator = _CALLED_BY_ADDRESS
    else:
        decorator = _FUNCTION if function.__name__ in NOT_INLINED else _INLINE
    return f"{decorator}\n{inspect.getsource(function)}".strip()


# -- products -------------------------------------------------------------------------------------

#: Rows and vectors of a product's tiles, each computed in registers: wide tiles first, and of one
#: width the high ones first, down to two rows. Tiles that need more registers than the processor
#: has are not used.
TILES = (
    (4, 6), (2, 6), (4, 5), (2, 5), (8, 2), (4, 2), (2, 2), (8, 1), (4, 1), (2, 1),
)  # fmt: skip


_OPERANDS = "A, a, A_row, A_column, B, b, B_row"


def _multiply() -> str:
    """C = I + A·B, tile by tile, in the largest tiles that there are registers for."""
    names = f"I, i, I_row, C, c, C_row, {_OPERANDS}, rows, columns, K".split(", ")
    kinds = ("FloatArray" if name in ("I", "C", "A", "B") else "int" for name in names)
    parameters = ", ".join(map("{}: {}".format, names, kinds))
    lines = [_CALLED_BY_ADDRESS, f"def multiply({parameters}):"]
    lines.append('    """C (rows, columns) = I + A (rows, K) · B (K, columns), 2 | rows."""')
    lines += ["    L = lanes(C)", "    j = 0"]
    for vectors in dict.fromkeys(v for _, v in TILES):
        heights = [r for r, v in TILES if v == vectors]
        # Not with two rows alone: such a tile reads too much for what it computes.
        fewest = _registers(4, vectors)
        lines.append(f"    while registers(C) >= {fewest} and j + {vectors} * L <= columns:")
        lines.append("        r = 0")
        for rows in heights:
            needed = _registers(rows, vectors)
            lines += [
                f"        while registers(C) >= {needed} and r + {rows} <= rows:",
                f"            multiply_tile({rows}, {vectors},",
                "                I, i + r * I_row + j, I_row, C, c + r * C_row + j, C_row,",
                "                A, a + r * A_row, A_row, A_column, B, b + j, B_row, K)",
                f"            r += {rows}",
            ]
        lines.append(f"        j += {vectors} * L")
    return "\n".join(lines)


def _registers(rows: int, vectors: int) -> int:
    """Registers of a tile: its sums, a row of B, and a number of A."""
    return rows * vectors + vectors + 1


# -- lines ----------------------------------------------------------------------------------------


def _columns(gates: tuple[Gate, ...], separate: list[str], joint: list[str]) -> dict[str, int]:
    """The block of a row of gates that has each product, or sum, and later its gradient."""
    for g in gates:
        if not (g.reads_input and g.d_xw and g.reads_state == bool(g.d_hu)):
            raise NotCompiledError(f"gate {g.name!r} lacks a product")
        if g.joint and g.d_xw != g.d_hu:
            raise NotCompiledError(f"gate {g.name!r} has two gradients of one sum")
    recurrent = [g.name for g in gates if not g.joint and g.reads_state]
    names = [f"xw_{g}" for g in separate] + [f"sum_{g}" for g in joint]
    return {name: k for k, name in enumerate([*names, *(f"hu_{g}" for g in recurrent)])}


_PRINTER = NumbaPrinter()


def _loop(signature: str, lines: list[str]) -> str:
    """A function that runs the lines for all units, a vector at a time."""
    head = [
        _INLINE, signature,
        "    for j in range(0, H_padded, lanes(states)):", "        zero = fill(states, 0.0)",
    ]  # fmt: skip
    return "\n".join([*head, *(f"        {line}" for line in lines)])


def _forward_row(cell: CellIR, columns: dict[str, int]) -> str:
    lines = [f"v_{name} = load(gates, gate + {_unit(k)})" for name, k in columns.items()]
    lines += [
        f"v_{s}_prev = load(states, {_state(i, 'before')})" for i, s in enumerate(cell.states)
    ]
    lines += [f"v_{w} = load(vectors, {_unit(k)})" for k, w in enumerate(cell.vectors)]
    lines += [f"v_{line.name} = {_PRINTER.expression(line.value)}" for line in cell.forward]
    lines += [f"stream(saved, save + {_unit(k)}, v_{name})" for k, name in enumerate(cell.saved)]
    lines += [f"store(states, {_state(i, 'after')}, v_{s})" for i, s in enumerate(cell.states)]
    return _loop(
        "def forward_row(gates, gate, saved, save, states, state_size, before, after,"
        " vectors, H_padded):",
        lines,
    )


def _backward_row(cell: CellIR, columns: dict[str, int]) -> str:
    lines = ["tiny = flush_size(zero)", "v_d_h_out = zero"]
    for i, s in enumerate(cell.states):
        lines.append(f"v_d_{s}_next = load(d_states, {_d_state(i)})")
        lines.append(f"v_d_{s}_next = sub(add(v_d_{s}_next, tiny), tiny)")
        lines.append(f"v_{s} = load(states, {_state(i, 'after')})")
        lines.append(f"v_{s}_prev = load(states, {_state(i, 'before')})")
    lines += [f"prefetch(saved, ahead + {_unit(k)})" for k in range(len(cell.saved))]
    lines += [f"v_{name} = load(saved, save + {_unit(k)})" for k, name in enumerate(cell.saved)]
    lines += [f"v_{w} = load(vectors, {_unit(k)})" for k, w in enumerate(cell.vectors)]
    lines += [f"v_{line.name} = {_PRINTER.expression(line.value)}" for line in cell.backward]
    for g in cell.gates:
        column = columns[f"sum_{g.name}" if g.joint else f"xw_{g.name}"]
        lines.append(f"store(d_gates, d_gate + {_unit(column)}, v_{g.d_xw})")
        if g.reads_state and not g.joint:
            column = columns[f"hu_{g.name}"]
            lines.append(f"store(d_gates, d_gate + {_unit(column)}, v_{g.d_hu})")
    for i, s in enumerate(cell.states):
        value = f"v_d_{s}_prev" if s in cell.around else "zero"
        lines.append(f"store(d_states, {_d_state(i)}, {value})")
    for k, w in enumerate(cell.vectors):
        at = f"(block * {len(cell.vectors)} + {k}) * H_padded + j"
        lines += [
            f"store(d_vectors, {at}, add(load(d_vectors, {at}), {term}))"
            for term in _vector_gradients(cell, w)
        ]
    return _loop(
        "def backward_row(saved, save, ahead, states, state_size, before, after, d_states,"
        " d_state_size, d_state, d_gates, d_gate, vectors, d_vectors, block, H_padded):",
        lines,
    )


def _unit(k: int) -> str:
    """The offset of unit j in block k of a row."""
    return f"{k} * H_padded + j"


def _state(i: int, row: str) -> str:
    """The index of unit j of state i, ``row`` being "before" or "after" the step."""
    return f"{i} * state_size + {row} + j"


def _d_state(i: int) -> str:
    """The index of the gradient of unit j of state i."""
    return f"{i} * d_state_size + d_state + j"


def _vector_gradients(cell: CellIR, weight: str) -> list[str]:
    """The terms of a vector's gradient: one for each product with the vector."""
    terms = []
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
            terms.append(f"mul(v_d_{line.name}, {_PRINTER.expression(factor)})")
    return terms
