"""The functions that formulas may call: one row a function, for the screen and for every target.

NumPy computes ``value`` and ``slope``. The printers of compiled loops and CUDA kernels write a
function's ``definition``, so that what they have to know are its primitives: ``tanh``, ``sqrt``,
``step``, ``maximum``, ``minimum``, ``absolute``, ``exp`` and ``log1p``.

A cell's backward pass reads the outputs of its gates and not what they were computed from, so an
activation is one whose slope follows from its output. GELU, SiLU (swish) and Mish are left out:
they fall and rise, and the same output has two slopes. ONNX's Affine, ThresholdedRelu and
ScaledTanh have parameters of their own, and are left out, too.
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
    """A function of one argument, elementwise; ``clip`` has its limit as a second one.

    ``definition`` is a formula of the argument ``a``; "" for a primitive. ``slope`` gives the
    derivative from an *output* y, and ``slope_formula`` is how lines write it, with ``{y}``; "" is
    a slope of 1, which lines leave out.
    """

    name: str
    symbol: str  # on the screen
    value: Callable[..., Any]
    definition: str = ""
    slope: Callable[[Any], Any] = np.ones_like
    slope_formula: str = ""

    def __call__(self, a: Any, *constants: float) -> Any:
        """The function's value."""
        return self.value(a, *constants)

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
    the same name, :func:`hard_sigmoid_sixth`.
    """
    return np.minimum(relu(0.2 * a + 0.5), 1)


def hard_sigmoid_sixth(a: Any) -> Any:
    """min(max(a/6 + 0.5, 0), 1): what Keras 3 and PyTorch call hard_sigmoid."""
    return np.minimum(relu(a / 6 + 0.5), 1)


def slope(y: Any) -> Any:
    """0.2 where 0 < y < 1, else 0: the slope of :func:`hard_sigmoid` from its output y."""
    return 0.2 * step(y * (1 - y))


def slope_sixth(y: Any) -> Any:
    """1/6 where 0 < y < 1, else 0: the slope of :func:`hard_sigmoid_sixth` from its output y."""
    return step(y * (1 - y)) / 6


def hard_tanh(a: Any) -> Any:
    """min(max(a, −1), 1)."""
    return np.minimum(np.maximum(a, -1), 1)


def leaky_relu(a: Any) -> Any:
    """max(a, 0.01·a): the slope below zero is that of ONNX and PyTorch; Keras has 0.2."""
    return np.maximum(a, 0.01 * a)


def softsign(a: Any) -> Any:
    """a / (1 + |a|)."""
    return a / (1 + np.abs(a))


def softplus(a: Any) -> Any:
    """log(1 + eᵃ), written so that no argument overflows."""
    return relu(a) + np.log1p(np.exp(-np.abs(a)))


def elu(a: Any) -> Any:
    """a, below zero eᵃ − 1; Clevert, Unterthiner and Hochreiter, 2016, with α = 1."""
    return relu(a) + np.expm1(np.minimum(a, 0))


#: λ and λ·α of SELU.
SELU_SCALE, SELU_FLOOR = 1.0507009873554805, 1.7580993408473766


def selu(a: Any) -> Any:
    """λ·a, below zero λ·α·(eᵃ − 1); Klambauer and others, 2017."""
    return SELU_SCALE * relu(a) + SELU_FLOOR * np.expm1(np.minimum(a, 0))


def selu_slope(y: Any) -> Any:
    """The slope of :func:`selu` from its output y: λ where y > 0, else y + λ·α."""
    above = step(y)
    return SELU_SCALE * above + (y + SELU_FLOOR) * (1 - above)


def clip(a: Any, limit: float) -> Any:
    """min(max(a, −limit), limit)."""
    return np.minimum(np.maximum(a, -limit), limit)


#: e to the power of the negative part of a, minus 1, without cancellation near zero.
_EXPM1 = "tanh(0.5 * minimum(a, 0)) / (1 - tanh(0.5 * minimum(a, 0)))"

TANH = Function("tanh", "tanh", np.tanh, "", lambda y: 1 - y**2, "(1 - {y}**2)")
SIGMOID = Function(
    "sigmoid", "σ", sigmoid, "0.5 * tanh(0.5 * a) + 0.5", lambda y: y * (1 - y), "{y} * (1 - {y})"
)
RELU = Function("relu", "relu", relu, "maximum(a, 0)", step, "step({y})")
HARD_SIGMOID = Function(
    "hard_sigmoid", "hardσ", hard_sigmoid, "minimum(maximum(0.2 * a + 0.5, 0), 1)",
    slope, "slope({y})",
)  # fmt: skip
HARD_SIGMOID_SIXTH = Function(
    "hard_sigmoid_sixth", "hardσ₆", hard_sigmoid_sixth, "minimum(maximum(a / 6 + 0.5, 0), 1)",
    slope_sixth, "slope_sixth({y})",
)  # fmt: skip
HARD_TANH = Function(
    "hard_tanh", "hardtanh", hard_tanh, "minimum(maximum(a, -1), 1)",
    lambda y: step(1 - y**2), "step(1 - {y}**2)",
)  # fmt: skip
LEAKY_RELU = Function(
    "leaky_relu", "leakyrelu", leaky_relu, "maximum(a, 0.01 * a)",
    lambda y: 0.01 + 0.99 * step(y), "(0.01 + 0.99 * step({y}))",
)  # fmt: skip
SOFTSIGN = Function(
    "softsign", "softsign", softsign, "a / (1 + absolute(a))",
    lambda y: (1 - np.abs(y)) ** 2, "(1 - absolute({y}))**2",
)  # fmt: skip
SOFTPLUS = Function(
    "softplus", "softplus", softplus, "maximum(a, 0) + log1p(exp(-absolute(a)))",
    lambda y: -np.expm1(-y), "(1 - exp(-{y}))",
)  # fmt: skip
ELU = Function(
    "elu", "elu", elu, f"maximum(a, 0) + 2 * {_EXPM1}",
    lambda y: 1 - relu(-y), "(1 - relu(-{y}))",
)  # fmt: skip
SELU = Function(
    "selu", "selu", selu, f"{SELU_SCALE} * maximum(a, 0) + {2 * SELU_FLOOR} * {_EXPM1}",
    selu_slope, "selu_slope({y})",
)  # fmt: skip
#: What lines leave out, with its slope; no formula calls it.
IDENTITY = Function("identity", "id", np.positive)

#: What formulas of cells may have for tanh and for sigmoid, by the names of specs.
ACTIVATIONS = {
    f.name: f
    for f in (
        TANH, SIGMOID, RELU, IDENTITY, HARD_SIGMOID, HARD_SIGMOID_SIXTH, HARD_TANH, LEAKY_RELU,
        SOFTSIGN, SOFTPLUS, ELU, SELU,
    )
}  # fmt: skip

#: Activations from 0 to 1 of which 1 − f(a) = f(−a): those of gates, as a rule.
SIGMOIDS = (SIGMOID.name, HARD_SIGMOID.name, HARD_SIGMOID_SIXTH.name)
#: Activations from −1 to 1.
TANHS = (TANH.name, HARD_TANH.name, SOFTSIGN.name)


def outer_function(formula: str) -> str:
    """The function that a formula begins with: ``hard_sigmoid`` of ``hard_sigmoid(a_f)``."""
    return formula.partition("(")[0]


def is_gate(formula: str) -> bool:
    """Whether a formula is one of :data:`SIGMOIDS` of something, clipped or not."""
    return outer_function(formula) in SIGMOIDS


#: What a formula may call.
FUNCTIONS = {
    f.name: f
    for f in (
        *(f for f in ACTIVATIONS.values() if f != IDENTITY),
        Function("step", "step", step),
        Function("slope", "slope", slope, "0.2 * step(a * (1 - a))"),
        Function("slope_sixth", "slope₆", slope_sixth, "step(a * (1 - a)) / 6"),
        Function(
            "selu_slope", "seluslope", selu_slope,
            f"{SELU_SCALE} * step(a) + (a + {SELU_FLOOR}) * (1 - step(a))",
        ),
        Function("absolute", "abs", np.abs), Function("exp", "exp", np.exp),
        Function("clip", "clip", clip),
    )
}  # fmt: skip
