"""The head in a training step: from what it reads to the loss, and to all gradients of the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rnnviz.arrays import Array, Values
from rnnviz.engine import losses
from rnnviz.engine.head import HeadPass, head_gradients
from rnnviz.engine.spec import HeadSpec


class HeadFeatures(NamedTuple):
    """What a head reads."""

    scans: tuple[Any, ...]  # of the top layer's directions
    features: Callable[[], Array]  # computes the states it reads, (B, F) or (T, B, F)
    mask: Array | None  # dropout mask of the features


class Targets(NamedTuple):
    """What the loss of a batch is computed from, beside the logits."""

    y: Array  # see ``losses.losses``
    weight: Array  # (B): of the sequences
    read: Array | None  # (T, B): the tokens that are read; None if all are


class HeadStep(NamedTuple):
    """The loss of a batch, its metric, and the gradients of the loss."""

    loss: Array  # ()
    metric: Array  # (): see ``losses.metric``
    grads: Values  # of the head's arrays
    d_features: Array  # (B, F), or (T, B, F) where the head reads every step


def head_step(
    head: HeadSpec, params: Mapping[str, Array], done: HeadPass, targets: Targets, need_x: bool
) -> HeadStep:
    """The loss of a head that has read, and its gradients, array by array: the reference.

    Without ``need_x`` the gradients of the features are zero.
    """
    logits, (y, weight, read) = done.logits, targets
    share = losses.batch_shares(logits, weight, read)
    d_logits = losses.d_logits(head.kind, logits, y, read) * share[:, None]
    grads, d_features = head_gradients(head, params, done, d_logits, need_x)
    loss = (losses.losses(head.kind, logits, y, read) * share).sum()
    return HeadStep(loss, losses.metric(head.kind, logits, y, read), grads, d_features)
