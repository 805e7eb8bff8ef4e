"""Heads and losses: from logits to outputs, the loss, and its gradient at the logits.

The losses and their gradients are defined once, as formulas; NumPy code and the CUDA kernel come
from these.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.spec import HeadKind
from rnnviz.equations import sigmoid


def outputs(kind: HeadKind, logits: Array) -> Array:
    """The output of the head from its logits (..., K): probabilities, or the numbers themselves."""
    if kind == "sigmoid":
        return sigmoid(logits)
    if kind == "linear":
        return logits
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def label_outputs(kind: HeadKind, logits: Array) -> Array:
    """The output of every label (..., K): a sigmoid head has one logit, but two classes."""
    y = outputs(kind, logits)
    return np.concatenate([1 - y, y], axis=-1) if kind == "sigmoid" else y


class LossFormula(NamedTuple):
    """A loss, and its gradient with respect to each logit.

    Formulas of ``z``, a logit; ``y``, the target; ``m``, the largest logit of the row, and ``s``,
    the sum of exp(z - m) over the row. With softmax, ``z`` in the loss is the logit of the right
    class, and ``y`` in the gradient is 1 for the right class and 0 for the others.
    """

    loss: str
    gradient: str


#: From logits, so that a confident mistake keeps a finite loss.
FORMULAS: dict[HeadKind, LossFormula] = {
    "sigmoid": LossFormula("maximum(z, 0) - z * y + log1p(exp(-absolute(z)))", "sigmoid(z) - y"),
    "linear": LossFormula("absolute(z - y)", "sign(z - y)"),
    "softmax": LossFormula("log(s) - (z - m)", "exp(z - m) / s - y"),
}
_FUNCTIONS = {
    name: getattr(np, name) for name in ("maximum", "log1p", "exp", "absolute", "sign", "log")
}


@cache
def _compiled(formula: str) -> Callable[..., Any]:
    """A formula as a function of z, y, m and s."""
    source = f"lambda z, y, m=None, s=None: {formula}"
    function: Callable[..., Any] = eval(source, {**_FUNCTIONS, "sigmoid": sigmoid})
    return function


def _row_numbers(logits: Array) -> tuple[Array, Array]:
    """m and s of each row, (B, 1)."""
    m = logits.max(-1, keepdims=True)
    return m, np.exp(logits - m).sum(-1, keepdims=True)


def losses(kind: HeadKind, logits: Array, y: Array) -> Array:
    """The loss of each row (B): log-loss in nats for classes, absolute error for numbers.

    ``y`` (B): class numbers for sigmoid (0 or 1; fractions are soft labels) and softmax, values
    for linear.
    """
    loss = _compiled(FORMULAS[kind].loss)
    if kind != "softmax":
        return loss(logits[:, 0], y)
    m, s = _row_numbers(logits)
    right = np.take_along_axis(logits, y.astype(np.int64)[:, None], -1)
    return loss(right, None, m, s)[:, 0]


def d_logits(kind: HeadKind, logits: Array, y: Array) -> Array:
    """The gradient of each row's loss with respect to its logits, (B, K)."""
    slope = _compiled(FORMULAS[kind].gradient)
    if kind != "softmax":
        return slope(logits, y[:, None].astype(logits.dtype))
    every = np.arange(logits.shape[-1], like=logits)
    right = (every == y.astype(np.int64)[:, None]).astype(logits.dtype)
    return slope(logits, right, *_row_numbers(logits))


def squared(logits: Array, y: Array) -> tuple[Array, Array]:
    """The squared errors (logit − y)² of each row (B), and their gradients at the logits (B, 1)."""
    error = logits - y[:, None].astype(logits.dtype)
    return error[:, 0] ** 2, 2 * error


def correct(kind: HeadKind, logits: Array, y: Array) -> Array:
    """Which rows (B) are classified right; a soft label counts as its nearer class."""
    if kind == "sigmoid":
        return (logits[:, 0] > 0) == (y > 0.5)
    return logits.argmax(-1) == y


def metric(kind: HeadKind, logits: Array, y: Array) -> Array:
    """Over a batch, (): the number of right classes, or the sum of absolute errors."""
    rows = losses(kind, logits, y) if kind == "linear" else correct(kind, logits, y)
    return np.asarray(rows.sum()) if isinstance(rows, np.ndarray) else rows.sum()
