"""What a clamp changes: the same text read with values held and without, value by value."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.trace import Trace, frozen

#: Two runs of the same net on the same text agree at least this well.
CLOSE = 1e-4


@lru_cache(maxsize=16)
def comparable(held: Trace, free: Trace) -> bool:
    """Is ``free`` the reading that ``held`` would be with nothing held: same net, same text?"""
    nets = [[(la.name, la.units, tuple(la.recorded)) for la in t.layers] for t in (held, free)]
    if nets[0] != nets[1] or held.tokens != free.tokens or held.head.labels != free.head.labels:
        return False
    told = held.head.output if held.head.unclamped is None else held.head.unclamped
    return bool(np.allclose(told, free.head.output, CLOSE, CLOSE))


@lru_cache(maxsize=64)
def changed(held: Trace, free: Trace, layer: int, name: str) -> Array:
    """A value with clamps minus the same without, (T, ·) float64."""
    one, other = (t.layers[layer].values[name] for t in (held, free))
    return frozen(one.astype(np.float64) - other)


@lru_cache(maxsize=64)
def largest(held: Trace, free: Trace, layer: int, name: str) -> float:
    """The largest change of a value, without its sign; 1 where nothing changes."""
    return float(np.abs(changed(held, free, layer, name)).max()) or 1.0
