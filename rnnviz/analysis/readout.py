"""What screens show of the output of a net, and how sensitive its loss is to each token."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import FUNCTIONS
from rnnviz.trace import HeadTrace, Trace


def shown_class(head: HeadTrace) -> int:
    """The class whose probability is shown: the second of two, otherwise the target."""
    if head.other_class(0) is not None:
        return 1
    return head.labels.index(head.target) if head.target in head.labels else 0


def label_outputs(head: HeadTrace, logits: Array) -> Array:
    """The outputs (K) of the head's labels for logits (K')."""
    if head.kind in ("linear", "state"):
        return logits
    if head.kind == "softmax" or head.is_binary:
        if head.is_binary:  # one logit for two classes: it belongs to the second, the first has 0
            logits = np.concatenate([np.zeros_like(logits), logits])
        powers = np.exp(logits - logits.max())
        return np.asarray(powers / powers.sum())
    found: Array = FUNCTIONS[head.kind](logits)
    return found


@lru_cache(maxsize=8)
def saliency(trace: Trace) -> Array:
    """|∂L/∂x| of each token, (T), summed over all layers that read the input itself."""
    bottom = trace.layers[0]
    total = bottom.grads["x"].astype(np.float64)
    for layer in trace.layers[1:]:
        x = layer.values["x"]
        if x.shape == bottom.values["x"].shape and np.array_equal(x, bottom.values["x"]):
            total = total + layer.grads["x"]
    return np.asarray(np.linalg.norm(total, axis=1))
