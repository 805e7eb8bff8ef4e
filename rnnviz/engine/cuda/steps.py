"""Optimizers' steps as kernels, written from the formulas that NumPy computes."""

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
    """The kernels of all that is not a walk over time, one step of each optimizer included."""
    text = files("rnnviz.engine.cuda").joinpath("update.cu").read_text("utf-8")
    made = [step_source(name, optimizer()) for name, optimizer in OPTIMIZERS.items()]
    return "\n\n".join([*made, text])


def step_source(name: str, optimizer: Optimizer) -> str:
    """One step of an optimizer: of every parameter, its gradient and what is gathered of it.

    ``verdict``: the factor of the gradients, and whether nothing may change.
    """
    gathered = optimizer.names
    numbers = number_names(optimizer)
    arrays = "".join(f"float *__restrict__ a_{n}, " for n in gathered)
    scalars = "".join(f", float n_{n}" for n in numbers)
    printer = CudaPrinter()
    changed = [n for n, _ in optimizer.formulas]
    lines = [
        f'extern "C" __global__ void {kernel_name(name)}(',
        f"    float *__restrict__ a_p, const float *__restrict__ a_g, {arrays}",
        f"    const float *__restrict__ verdict, int count{scalars})",
        "{",
        "    const int k = blockIdx.x * blockDim.x + threadIdx.x;",
        "    if (k >= count || verdict[1] != 0.0f)",
        "        return;",
        "    float n_p = a_p[k], n_g = a_g[k] * verdict[0];",
        *(f"    float n_{n} = a_{n}[k];" for n in gathered),
        *(f"    n_{n} = {printer.formula(f)};" for n, f in optimizer.formulas),
        *(f"    a_{n}[k] = n_{n};" for n in changed),
        "}",
    ]
    return "\n".join(lines)


def kernel_name(optimizer: str) -> str:
    """Of the step of an optimizer by its name in specs."""
    return "step_" + optimizer.replace("-", "_")


def number_names(optimizer: Optimizer) -> tuple[str, ...]:
    """What the formulas read that is no array, in the order in which a kernel takes it."""
    return _number_names(optimizer.formulas, optimizer.names)


@cache
def _number_names(formulas: Formulas, arrays: tuple[str, ...]) -> tuple[str, ...]:
    trees = (ast.parse(formula, mode="eval").body for _, formula in formulas)
    return tuple(sorted(set().union(*map(names_in, trees)) - {"p", "g", *arrays}))


def in_order(optimizer: Optimizer, numbers: Mapping[str, float]) -> list[Any]:
    """The numbers of a step as its kernel takes them."""
    return [np.float32(numbers[name]) for name in number_names(optimizer)]
