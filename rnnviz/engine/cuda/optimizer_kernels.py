"""Each optimizer's formulas as a kernel that updates all arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

from rnnviz.engine.codegen.cuda_printer import CudaPrinter
from rnnviz.engine.optimizers import Formulas, Optimizer
from rnnviz.equations.terms import names_in


def step_source(name: str, optimizer: Optimizer) -> str:
    """The kernel of an optimizer's step, on all parameters, gradients and the optimizer's arrays.

    ``state`` is that of ``check_gradients``: the factor of the gradients, and whether to skip the
    update. ``numbers`` are in the order of :func:`number_names`. The gradients are zero afterwards,
    so that those of an embedding can be added to.
    """
    arrays = "".join(f"float *__restrict__ a_{n}, " for n in optimizer.names)
    printer = CudaPrinter()
    changed = [n for n, _ in optimizer.formulas]
    lines = [
        f'extern "C" __global__ void __launch_bounds__(256) {kernel_name(name)}(',
        f"    float *__restrict__ a_p, float *__restrict__ a_g, {arrays}",
        "    const float *__restrict__ numbers, const float *__restrict__ state, int count)",
        "{",
        "    const int k = blockIdx.x * blockDim.x + threadIdx.x;",
        "    if (k >= count)",
        "        return;",
        "    const float n_g = a_g[k] * state[FACTOR];",
        "    a_g[k] = 0.0f;",
        "    if (state[FAULT] != 0.0f)",
        "        return;",
        *(f"    const float n_{n} = numbers[{k}];" for k, n in enumerate(number_names(optimizer))),
        "    float n_p = a_p[k];",
        *(f"    float n_{n} = a_{n}[k];" for n in optimizer.names),
        *(f"    n_{n} = {printer.formula(f)};" for n, f in optimizer.formulas),
        *(f"    a_{n}[k] = n_{n};" for n in changed),
        "}",
    ]
    return "\n".join(lines)


def kernel_name(optimizer: str) -> str:
    """The kernel of an optimizer, by the optimizer's name in specs."""
    return "step_" + optimizer.replace("-", "_")


def number_names(optimizer: Optimizer) -> tuple[str, ...]:
    """The scalars that the formulas read, in the order of the kernel's parameters."""
    return _number_names(optimizer.formulas, optimizer.names)


@cache
def _number_names(formulas: Formulas, arrays: tuple[str, ...]) -> tuple[str, ...]:
    trees = (ast.parse(formula, mode="eval").body for _, formula in formulas)
    return tuple(sorted(set().union(*map(names_in, trees)) - {"p", "g", *arrays}))


def kernel_numbers(optimizer: Optimizer, numbers: Mapping[str, float]) -> list[float]:
    """The numbers of a step in the order in which its kernel reads them."""
    return [numbers[name] for name in number_names(optimizer)]
