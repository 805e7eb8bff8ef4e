"""A recurrence h = a ⊙ h₋ + b computed in ⌈log₂ T⌉ levels instead of T steps.

Two steps one after the other are one step of the same kind: (a₂, b₂) ∘ (a₁, b₁) =
(a₂ ⊙ a₁, a₂ ⊙ b₁ + b₂). At each level every pair is combined with the one that ends where it
begins, so that it spans twice as many tokens (Hillis and Steele, 1986). This takes an a and a b
that do not depend on h₋: the gates have to read the input alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import Line, evaluate, names
from rnnviz.trace import LayerTrace


@dataclass(frozen=True, eq=False)
class ScanLevel:
    """The pairs after a level, in the order in which the tokens are read."""

    first: tuple[int, ...]  # (T) the first token that each pair spans; it ends at its own
    a: Array  # (T, H) float64
    b: Array  # (T, H) float64


@dataclass(frozen=True, eq=False)
class ParallelScan:
    """All levels, from the single tokens to the pairs that all begin at the first one."""

    levels: tuple[ScanLevel, ...]
    h: Array  # (T, H) float64: a ⊙ h₀ + b of the last level

    @property
    def depth(self) -> int:
        """The number of levels in which pairs are combined: ⌈log₂ T⌉."""
        return len(self.levels) - 1


def reads_state(layer: LayerTrace) -> Line | None:
    """The first line that reads a state before and is not a state itself; None if none does.

    Without one the states of all tokens can be computed at once.
    """
    before = {f"{state}_prev" for state in layer.states}
    lines = (line for line in layer.lines if line.name not in layer.states)
    found = next((line for line in lines if before & {*names(line.formula)}), None)
    if found is None and len(layer.states) == 1:
        own = next(line for line in layer.lines if line.name == layer.states[0])
        # h itself may read h₋ as it is, but not through a matrix or a function.
        return None if _is_linear(own, layer) else own
    return found or layer.lines[-1]


def _is_linear(line: Line, layer: LayerTrace) -> bool:
    """Whether h = a ⊙ h₋ + b: checked by three values of h₋, each the same for all units."""
    values = {name: array.astype(np.float64) for name, array in layer.values.items()}
    try:
        zero, one, three = (
            evaluate(line.formula, {**values, "h_prev": np.full_like(values["h"], x)})
            for x in (0.0, 1.0, 3.0)
        )
    except KeyError:  # it needs weights: h₋ goes through a matrix
        return False
    return bool(np.allclose(three - zero, 3 * (one - zero), rtol=1e-9, atol=1e-12))


def steps(layer: LayerTrace) -> tuple[Array, Array]:
    """a and b of h = a ⊙ h₋ + b at every token, (T, H) float64; a masked token leaves h alone."""
    line = next(line for line in layer.lines if line.name == "h")
    values = {name: array.astype(np.float64) for name, array in layer.values.items()}
    zero = np.zeros_like(values["h"])
    b = evaluate(line.formula, {**values, "h_prev": zero})
    a = evaluate(line.formula, {**values, "h_prev": zero + 1}) - b
    read = layer.mask[:, None]
    return np.where(read, a, 1.0), np.where(read, b, 0.0)


@lru_cache(maxsize=16)
def parallel_scan(layer: LayerTrace) -> ParallelScan:
    """Combine the steps of a layer whose gates read the input alone; see :func:`reads_state`."""
    order = list(layer.order)
    a, b = (array[order] for array in steps(layer))
    T = len(a)
    levels = [ScanLevel(tuple(range(T)), a, b)]
    apart = 1
    while apart < T:
        first, (a, b) = levels[-1].first, (levels[-1].a.copy(), levels[-1].b.copy())
        before = levels[-1]
        # All pairs of a level at once: none reads another one of the same level.
        a[apart:] = before.a[apart:] * before.a[:-apart]
        b[apart:] = before.a[apart:] * before.b[:-apart] + before.b[apart:]
        levels.append(ScanLevel((*first[:apart], *first[:-apart]), a, b))
        apart *= 2
    last = levels[-1]
    return ParallelScan(tuple(levels), last.a * layer.initial["h"].astype(np.float64) + last.b)


def sources(T: int, depth: int, t: int) -> frozenset[tuple[int, int]]:
    """The places (level, token) from which the state of token t is combined, in reading order."""
    found, here = {(depth, t)}, {t}
    for level in range(depth, 0, -1):
        here |= {k - 2 ** (level - 1) for k in here if k >= 2 ** (level - 1)}
        found |= {(level - 1, k) for k in here}
    return frozenset(found)
