"""The functions that formulas may call: one row a function, for the screen and for every target.

NumPy computes ``value`` and ``slope``. The printers of compiled loops and CUDA kernels write a
function's ``definition``, so that what they have to know are its primitives: ``tanh``, ``sqrt``,
``step``, ``maximum`` and ``minimum``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Function:
    """A function of one argument, elementwise.

    ``definition`` is a formula of the argument ``a``; "" for a primitive. ``slope`` gives the
    derivative from an *output* y, and ``slope_formula`` is how lines write it, with ``{y}``; "" is
    a slope of 1, which lines leave out.
    """

    name: str
    symbol: str  # on the screen
    value: Callable[[Any], Any]
    definition: str = ""
    slope: Callable[[Any], Any] = np.ones_like
    slope_formula: str = ""

    def __call__(self, a: Any) -> Any:
        """The function's value."""
        return self.value(a)

    @cached_property
    def tree(self) -> ast.expr | None:
        """The definition as an expression; None for a primitive."""
        return ast.parse(self.definition, mode="eval").body if self.definition else None


def sigmoid(a: Any) -> Any:
    """1 / (1 + e⁻ᵃ), written with tanh so that no argument overflows."""
    half = np.tanh(0.5 * a)
    half *= 0.5
    half += 0.5
    return half


def relu(a: Any) -> Any:
    """max(a, 0)."""
    return np.maximum(a, 0)


def step(y: Any) -> Any:
    """1 where y > 0, else 0, in y's precision: the slope of relu from its output y."""
    return np.sign(relu(y))


def hard_sigmoid(a: Any) -> Any:
    """min(max(0.2·a + 0.5, 0), 1): sigmoid in three straight pieces, as in Keras 1 and 2.

    The published numbers of that time used this one. Keras 3 and PyTorch call another function by
    the same name, min(max(a/6 + 0.5, 0), 1).
    """
    return np.minimum(relu(0.2 * a + 0.5), 1)


def slope(y: Any) -> Any:
    """0.2 where 0 < y < 1, else 0: the slope of :func:`hard_sigmoid` from its output y."""
    return 0.2 * step(y * (1 - y))


TANH = Function("tanh", "tanh", np.tanh, "", lambda y: 1 - y**2, "(1 - {y}**2)")
SIGMOID = Function(
    "sigmoid", "σ", sigmoid, "0.5 * tanh(0.5 * a) + 0.5", lambda y: y * (1 - y), "{y} * (1 - {y})"
)
RELU = Function("relu", "relu", relu, "maximum(a, 0)", step, "step({y})")
HARD_SIGMOID = Function(
    "hard_sigmoid", "hardσ", hard_sigmoid, "minimum(maximum(0.2 * a + 0.5, 0), 1)",
    slope, "slope({y})",
)  # fmt: skip
#: What lines leave out, with its slope; no formula calls it.
IDENTITY = Function("identity", "id", np.positive)

#: What a formula may call.
FUNCTIONS = {
    f.name: f
    for f in (
        SIGMOID, TANH, RELU, Function("step", "step", step), HARD_SIGMOID,
        Function("slope", "slope", slope, "0.2 * step(a * (1 - a))"),
    )
}  # fmt: skip
