"""Heads and losses: from logits to outputs, the loss, and its gradient at the logits."""

from __future__ import annotations

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


def losses(kind: HeadKind, logits: Array, y: Array) -> Array:
    """The loss of each row (B): log-loss in nats for classes, absolute error for numbers.

    ``y`` (B): class numbers for sigmoid (0 or 1; fractions are soft labels) and softmax, values
    for linear. From logits, so that a confident mistake keeps a finite loss.
    """
    if kind == "sigmoid":
        z = logits[:, 0]
        return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
    if kind == "linear":
        return np.abs(logits[:, 0] - y)
    shifted = logits - logits.max(-1, keepdims=True)
    chosen = np.take_along_axis(shifted, y.astype(np.int64)[:, None], -1)[:, 0]
    return np.log(np.exp(shifted).sum(-1)) - chosen


def d_logits(kind: HeadKind, logits: Array, y: Array) -> Array:
    """The gradient of each row's loss with respect to its logits, (B, K)."""
    if kind == "sigmoid":
        return sigmoid(logits) - y[:, None].astype(logits.dtype)
    if kind == "linear":
        return np.sign(logits - y[:, None].astype(logits.dtype))
    d = outputs(kind, logits)
    d[np.arange(len(d), like=d), y.astype(np.int64)] -= 1
    return d


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
