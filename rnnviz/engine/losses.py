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
from rnnviz.engine.spec import NUMERIC_KINDS, HeadKind
from rnnviz.equations import sigmoid, step
from rnnviz.equations.functions import IDENTITY, RELU, SIGMOID, TANH

#: The function of the output layer, of kinds that have one and are elementwise.
ELEMENTWISE = {
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "linear": IDENTITY,
    "state": IDENTITY,
}


def outputs(kind: HeadKind, logits: Array) -> Array:
    """The output of the head from its logits (..., K): probabilities, or numbers."""
    if kind in ("linear", "state"):
        return logits
    if kind != "softmax":
        y: Array = ELEMENTWISE[kind](logits)
        return y
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def label_outputs(kind: HeadKind, logits: Array) -> Array:
    """The output of every label (..., K): a sigmoid head of one logit has two classes."""
    y = outputs(kind, logits)
    return with_other_class(y) if kind == "sigmoid" and y.shape[-1] == 1 else y


def with_other_class(y: Array) -> Array:
    """The probabilities of two classes, (..., 2), from that of the second one (..., 1)."""
    return np.concatenate([1 - y, y], axis=-1)


class LossFormula(NamedTuple):
    """A loss, and its gradient with respect to each logit.

    Formulas of ``z``, a logit; ``y``, the target; ``m``, the largest logit of the row, and ``s``,
    the sum of exp(z - m) over the row. With softmax, ``z`` in the loss is the logit of the right
    class, and ``y`` in the gradient is 1 for the right class and 0 for the others. With the other
    kinds the loss of several outputs is the mean over them, as in Keras.
    """

    loss: str
    gradient: str


#: From logits, so that a confident mistake keeps a finite loss.
FORMULAS: dict[HeadKind, LossFormula] = {
    "sigmoid": LossFormula("maximum(z, 0) - z * y + log1p(exp(-absolute(z)))", "sigmoid(z) - y"),
    "linear": LossFormula("absolute(z - y)", "sign(z - y)"),
    "softmax": LossFormula("log(s) - (z - m)", "exp(z - m) / s - y"),
    "tanh": LossFormula("absolute(tanh(z) - y)", "sign(tanh(z) - y) * (1 - tanh(z)**2)"),
    "relu": LossFormula("absolute(maximum(z, 0) - y)", "sign(maximum(z, 0) - y) * step(z)"),
    "state": LossFormula("absolute(z - y)", "sign(z - y)"),
}
_FUNCTIONS = {
    name: getattr(np, name)
    for name in ("maximum", "log1p", "exp", "absolute", "sign", "log", "tanh")
}


@cache
def _compiled(formula: str) -> Callable[..., Any]:
    """A formula as a function of z, y, m and s."""
    source = f"lambda z, y, m=None, s=None: {formula}"
    function: Callable[..., Any] = eval(source, {**_FUNCTIONS, "sigmoid": sigmoid, "step": step})
    return function


def _row_numbers(logits: Array) -> tuple[Array, Array]:
    """m and s of each row, (..., 1)."""
    m = logits.max(-1, keepdims=True)
    return m, np.exp(logits - m).sum(-1, keepdims=True)


def losses(kind: HeadKind, logits: Array, y: Array, read: Array | None = None) -> Array:
    """The loss of each sequence (B): log-loss in nats for classes, absolute error for numbers.

    ``logits`` (B, K). ``y`` (B): class numbers for softmax and for one sigmoid (0 or 1; fractions
    are soft labels), values for numbers; of several sigmoids or numbers (B, K). With logits of
    every step, (T, B, K), and ``y`` (T, B) or (T, B, K), the mean over the steps, or over those
    that are ``read`` (T, B).
    """
    every = _row_losses(kind, logits, y)
    return every if every.ndim == 1 else (every * _step_shares(every, read)).sum(0)


def _row_losses(kind: HeadKind, logits: Array, y: Array) -> Array:
    loss = _compiled(FORMULAS[kind].loss)
    if kind == "softmax":
        m, s = _row_numbers(logits)
        right = np.take_along_axis(logits, y.astype(np.int64)[..., None], -1)
        return loss(right, None, m, s)[..., 0]
    found: Array = loss(logits, _each_output(logits, y))
    return found[..., 0] if found.shape[-1] == 1 else found.mean(-1)


def _each_output(logits: Array, y: Array) -> Array:
    """The targets as (..., K)."""
    return (y if y.ndim == logits.ndim else y[..., None]).astype(logits.dtype)


def _step_shares(a: Array, read: Array | None) -> Array:
    """The share of each step (T, B) in the loss of its sequence; zero where none is read."""
    if read is None:
        return np.full_like(a, 1 / len(a))
    return read.astype(a.dtype) / np.maximum(read.sum(0), 1).astype(a.dtype)


def d_logits(kind: HeadKind, logits: Array, y: Array, read: Array | None = None) -> Array:
    """The gradient of each sequence's loss with respect to its logits, (B, K) or (T, B, K)."""
    slope = _compiled(FORMULAS[kind].gradient)
    if kind == "softmax":
        every = np.arange(logits.shape[-1], like=logits)
        right = (every == y.astype(np.int64)[..., None]).astype(logits.dtype)
        d: Array = slope(logits, right, *_row_numbers(logits))
    else:
        d = slope(logits, _each_output(logits, y))
        d = d if d.shape[-1] == 1 else d / d.shape[-1]
    return d if d.ndim == 2 else d * _step_shares(d[..., 0], read)[..., None]


def batch_shares(logits: Array, weight: Array, read: Array | None = None) -> Array:
    """The share of each sequence's loss in that of its batch (B), given the weights (B).

    Every decision counts the same, as in Keras and PyTorch: with logits of every step (T, B, K) a
    sequence counts as often as it has steps that are ``read`` (T, B).
    """
    if logits.ndim == 2 or read is None:
        return weight / logits.dtype.type(len(weight))
    steps = read.sum(0).astype(logits.dtype)
    return weight * steps / np.maximum(steps.sum(), 1)


def decision_shares(y: Array, weight: Array, read: Array | None = None) -> Array:
    """The share of each decision's loss in that of its batch, (B), or (T, B) for one a step."""
    like = np.empty_like(weight, shape=(*y.shape, 1))
    share = batch_shares(like, weight, read)
    return share if y.ndim == 1 else share * _step_shares(like[..., 0], read)


def squared(logits: Array, y: Array) -> tuple[Array, Array]:
    """The squared errors (logit − y)² of each row (B), and their gradients at the logits (B, 1)."""
    error = logits - y[:, None].astype(logits.dtype)
    return error[:, 0] ** 2, 2 * error


def correct(kind: HeadKind, logits: Array, y: Array) -> Array:
    """Which rows (...) are classified right; a soft label counts as its nearer class.

    Of several sigmoids (..., K): each is a decision of its own.
    """
    if kind == "sigmoid":
        right = (logits > 0) == (_each_output(logits, y) > 0.5)
        return right[..., 0] if right.shape[-1] == 1 else right
    return logits.argmax(-1) == y


def metric(kind: HeadKind, logits: Array, y: Array, read: Array | None = None) -> Array:
    """Over a batch, (): the number of right classes, or the sum of absolute errors.

    Of several decisions about a sequence, labels or steps, the share of right ones counts; every
    step of the batch counts the same.
    """
    if kind in NUMERIC_KINDS:
        rows = losses(kind, logits, y, read)
    else:
        right = correct(kind, logits, y).astype(logits.dtype)
        if kind == "sigmoid" and logits.shape[-1] > 1:
            right = right.mean(-1)
        rows = right if right.ndim == 1 else (right * _step_shares(right, read)).sum(0)
    if logits.ndim == 2 or read is None:
        return _total(rows)
    return _total(rows * batch_shares(logits, np.ones_like(rows), read)) * len(rows)


def totals(
    kind: HeadKind, logits: Array, y: Array, read: Array | None = None
) -> tuple[Array, Array, Array]:
    """Loss and metric summed over the decisions of a batch, and the number of these, each ().

    A decision is about a sequence, or, of a head that reads every step, about a step that is read.
    """
    rows, found = losses(kind, logits, y, read), metric(kind, logits, y, read)
    if logits.ndim == 2:
        return _total(rows), found, np.full_like(rows, len(rows), shape=())
    steps = np.full_like(rows, len(logits)) if read is None else read.sum(0).astype(logits.dtype)
    return _total(rows * steps), found * (steps.sum() / len(rows)), _total(steps)


def _total(rows: Array) -> Array:
    """The sum (), as an array on the device of the rows."""
    return np.asarray(rows.sum()) if isinstance(rows, np.ndarray) else rows.sum()
