"""The effect of clamps: a trace with clamps minus the same trace without."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import Trace, frozen

#: Tolerance, relative and absolute, for two runs of the same net on the same text.
TOLERANCE = 1e-4


@lru_cache(maxsize=16)
def is_comparable(clamped: Trace, free: Trace) -> bool:
    """Whether two traces are of the same net and text, apart from the clamps of the first."""
    nets = [[(la.name, la.units, tuple(la.recorded)) for la in t.layers] for t in (clamped, free)]
    if (
        nets[0] != nets[1]
        or clamped.tokens != free.tokens
        or clamped.head.labels != free.head.labels
    ):
        return False
    expected = clamped.head.output if clamped.head.unclamped is None else clamped.head.unclamped
    return bool(np.allclose(expected, free.head.output, TOLERANCE, TOLERANCE))


@lru_cache(maxsize=64)
def clamp_effect(clamped: Trace, free: Trace, layer: int, name: str) -> Array:
    """A recorded array with clamps minus the same without: (T, width), float64."""
    one, other = (t.layers[layer].values[name] for t in (clamped, free))
    return frozen(one.astype(np.float64) - other)


@lru_cache(maxsize=64)
def largest_effect(clamped: Trace, free: Trace, layer: int, name: str) -> float:
    """The largest absolute effect on a recorded array; 1 if nothing changes."""
    return float(np.abs(clamp_effect(clamped, free, layer, name)).max()) or 1.0
