"""Values held in a pass instead of computed, forwards and on the way back.

A cell writes its values by name into a dict, in the order it computes them, and reads the later
ones from the earlier ones. So a dict that keeps what is held is all it takes: everything later is
computed from the held value, and on the way back nothing goes on from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values


@dataclass(frozen=True, eq=False)
class Clamping:
    """Which values one pass of a cell holds, by recorded name; the same for a whole batch."""

    where: Values  # (T, 1, H) bool, of x (T, 1, D)
    values: Values  # the same shapes

    def onto(self, name: str, computed: Array) -> Array:
        """All steps of a value (T, B, ·) with the held ones in their place."""
        if name not in self.where:
            return computed
        return np.where(self.where[name], self.values[name], computed)

    def at(self, tokens: int | Sequence[int] | slice) -> Values:
        """Where something is held at these tokens."""
        return {name: where[tokens] for name, where in self.where.items()}


class ClampedValues(Values):
    """The values of step t: what is held stays as it is when something else is written there."""

    def __init__(self, held: Clamping, t: int) -> None:
        super().__init__()
        self._held, self._t = held, t

    def __setitem__(self, name: str, computed: Array) -> None:
        where = self._held.where.get(name)
        if where is not None:
            computed = np.where(where[self._t], self._held.values[name][self._t], computed)
        super().__setitem__(name, computed)


class ClampedGradients(Values):
    """The gradients of a step as they go on: zero from where a value is held.

    What arrived there, of the names that are held somewhere, stands in ``arrived``.
    """

    def __init__(self, where: Values) -> None:
        super().__init__()
        self._where = where
        self.arrived: Values = {}

    def __setitem__(self, name: str, arriving: Array) -> None:
        where = self._where.get(name)
        if where is not None:
            self.arrived[name] = arriving
            arriving = np.where(where, 0, arriving)
        super().__setitem__(name, arriving)


def arrived(d: Values) -> Values:
    """The gradients of a step as they arrived, held or not."""
    return {**d, **d.arrived} if isinstance(d, ClampedGradients) else d
