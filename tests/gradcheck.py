"""A gradient checked by value: one inner product in a random direction, as HIPS/autograd does.

Every entry of every array moves at once, each by its own random amount, so that no wrong entry
can hide, and no loop over entries is needed. Everything is float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rnnviz.arrays import Array

#: The central difference of fourth order: offsets in units of EPSILON, and their weights.
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
EPSILON = 4e-5


def relative_error(
    objective: Callable[[dict[str, Array]], float],
    at: Mapping[str, Array],
    grads: Mapping[str, Array],
    rng: np.random.Generator,
) -> float:
    """How far ``grads`` is from the slope of ``objective`` in a random direction from ``at``."""
    assert grads.keys() == at.keys()
    for name, array in at.items():
        assert grads[name].shape == array.shape, name
        assert array.dtype == grads[name].dtype == np.float64, name
    direction = {name: rng.standard_normal(array.shape) for name, array in at.items()}
    parts = [float(np.vdot(grads[name], d)) for name, d in direction.items()]

    def along(step: float) -> float:
        return objective({name: a + step * direction[name] for name, a in at.items()})

    slope = sum(weight * along(k * EPSILON) for k, weight in STENCIL) / EPSILON
    # The parts may cancel; their sizes may not. The floor is what rounding the objective costs.
    floor = 1e-3 * (1 + abs(along(0)))
    return abs(sum(parts) - slope) / max(sum(map(abs, parts)), abs(slope), floor)
