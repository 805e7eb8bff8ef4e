"""Which weights a trace was read with, as one short text."""

from __future__ import annotations

import hashlib

import numpy as np

from rnnviz.trace import Trace


def weights_digest(trace: Trace) -> str:
    """The SHA-256 of the arrays of all layers and of the head, in 64 hexadecimal digits."""
    source, digest = trace.source or trace, hashlib.sha256()
    named = [(f"{n}/{k}", a) for n, la in enumerate(source.layers) for k, a in la.weights.items()]
    for name, array in (*sorted(named), ("head/W", source.head.W), ("head/b", source.head.b)):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
