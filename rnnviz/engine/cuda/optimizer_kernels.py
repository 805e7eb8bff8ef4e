"""The source of the kernels for an update: ``update.cu``, and each optimizer's formulas as C."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from rnnviz.engine.codegen.cuda_printer import CudaPrinter
from rnnviz.engine.optimizers import OPTIMIZERS, Formulas, Optimizer
from rnnviz.equations.terms import names_in


@cache
def update_source() -> str:
    """The source of all kernels but the layers', with one kernel for each optimizer."""
    text = files("rnnviz.engine.cuda").joinpath("update.cu").read_text("utf-8")
    optimizers = [step_source(name, optimizer()) for name, optimizer in OPTIMIZERS.items()]
    return "\n\n".join([*optimizers, text])


def step_source(name: str, optimizer: Optimizer) -> str:
    """The kernel of an optimizer's step, on all parameters, gradients and the optimizer's arrays.

    ``decision`` is written by ``check_gradients``: the factor of the gradients, and whether to skip
    the update.
    """
    numbers = number_names(optimizer)
    arrays = "".join(f"float *__restrict__ a_{n}, " for n in optimizer.names)
    scalars = "".join(f", float n_{n}" for n in numbers)
    printer = CudaPrinter()
    changed = [n for n, _ in optimizer.formulas]
    lines = [
        f'extern "C" __global__ void {kernel_name(name)}(',
        f"    float *__restrict__ a_p, const float *__restrict__ a_g, {arrays}",
        f"    const float *__restrict__ decision, int count{scalars})",
        "{",
        "    const int k = blockIdx.x * blockDim.x + threadIdx.x;",
        "    if (k >= count || decision[1] != 0.0f)",
        "        return;",
        "    float n_p = a_p[k], n_g = a_g[k] * decision[0];",
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


def kernel_numbers(optimizer: Optimizer, numbers: Mapping[str, float]) -> list[Any]:
    """The numbers of a step as arguments of its kernel."""
    return [np.float32(numbers[name]) for name in number_names(optimizer)]
