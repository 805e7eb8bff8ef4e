"""What screens show of the output of a net, and how sensitive its loss is to each token."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import HeadTrace, Trace


def shown_class(head: HeadTrace) -> int:
    """The class whose probability is shown: the second of two, otherwise the target."""
    if len(head.labels) == 2 or head.target not in head.labels:
        return min(1, int(head.readout.shape[1]) - 1)
    return head.labels.index(head.target)


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
