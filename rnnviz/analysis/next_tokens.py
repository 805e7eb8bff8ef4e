"""What a net that writes expects after each token of a trace, and how surprised it is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import MINUS, number
from rnnviz.trace import Trace, frozen

if TYPE_CHECKING:
    from rnnviz.analysis.shared_weights import Growth


@lru_cache(maxsize=16)
def next_ids(trace: Trace) -> tuple[int, ...]:
    """The token that follows each token (T); the target of the gradients after the last one."""
    head = trace.head
    last = head.labels.index(head.target) if head.target in head.labels else 0
    return (*trace.ids[1:], last)


@lru_cache(maxsize=16)
def next_probabilities(trace: Trace) -> Array:
    """The probability that the net gave to each next token, (T) float64."""
    rows = trace.head.readout.astype(np.float64)
    return frozen(rows[np.arange(len(rows)), next_ids(trace)])


@lru_cache(maxsize=16)
def surprises(trace: Trace) -> Array:
    """−log₂ of the probability of each next token, in bits: (T) float64."""
    losses = trace.head.step_losses
    assert losses is not None
    return frozen(losses.astype(np.float64) / np.log(2))


@lru_cache(maxsize=8)
def logit_gradients(trace: Trace) -> Array:
    """∂L/∂s of each step, (T, K) float64: p − 1 for the token that comes, p for the others."""
    rows = trace.head.readout.astype(np.float64)
    rows[np.arange(len(rows)), next_ids(trace)] -= 1
    return frozen(rows)


@lru_cache(maxsize=8)
def head_growth(trace: Trace) -> Growth:
    """How the gradient of the head's W grows along the walk back: h_t ⊗ (p − y)_t a step.

    For a head that reads the h of one layer: see :func:`reads_h`.
    """
    from rnnviz.analysis.shared_weights import Growth

    h, d = trace.layers[-1].values["h"].astype(np.float64), logit_gradients(trace)
    steps = np.arange(len(h))[::-1]
    full = np.zeros((h.shape[1], d.shape[1]))
    total = np.empty(len(h))
    for t in steps:
        full += np.outer(h[t], d[t])
        total[t] = np.linalg.norm(full)
    term = np.linalg.norm(h, axis=1) * np.linalg.norm(d, axis=1)
    return Growth(term, total, full)


def with_its_logarithm(p: float, loss: float) -> str:
    """A probability with as many digits as it takes for −ln of it to be the loss as printed."""
    texts = [number(p, digits) for digits in range(3, 9)]
    losses = (-np.log(float(text.replace(MINUS, "-")) or 1e-300) for text in texts)
    pairs = zip(texts, losses, strict=True)
    return next((text for text, each in pairs if number(each) == number(loss)), texts[0])


def comes(trace: Trace, t: int) -> bool:
    """Whether a token follows token t in the text; after the last one nothing has come yet."""
    return t < len(trace.tokens) - 1


def likeliest(trace: Trace, t: int) -> int:
    """The most probable token after token t."""
    return int(np.argmax(trace.head.readout[t]))


def reads_h(trace: Trace) -> bool:
    """Whether a head that writes reads the h of the last layer itself."""
    head = trace.head
    width = trace.layers[-1].values["h"].shape[1]
    return head.writes and not head.below and len(head.W) == width
