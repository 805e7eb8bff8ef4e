"""Values that a pass sets instead of computing them, and the gradients around them.

A cell writes its values by name into a dict, in the order it computes them, and reads the later
ones from the earlier ones. So a dict that replaces what is written under a clamped name is enough:
everything later is computed from the clamped value, and its gradient goes no further back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Values


@dataclass(frozen=True, eq=False)
class Clamping:
    """The clamped values of one pass of a cell, by recorded name; the same for a whole batch."""

    where: Values  # (T, 1, H) bool, of x (T, 1, D)
    values: Values  # the same shapes

    def apply(self, name: str, computed: Array) -> Array:
        """All steps of a value (T, B, ·), with the clamped ones in their place."""
        if name not in self.where:
            return computed
        return np.where(self.where[name], self.values[name], computed)

    def at(self, tokens: int | Sequence[int] | slice) -> Values:
        """Where values are clamped at these tokens, by name."""
        return {name: where[tokens] for name, where in self.where.items()}


class ClampedValues(Values):
    """The values of step t: writing under a clamped name stores the clamped value."""

    def __init__(self, clamping: Clamping, t: int) -> None:
        super().__init__()
        self._clamping, self._t = clamping, t

    def __setitem__(self, name: str, computed: Array) -> None:
        where = self._clamping.where.get(name)
        if where is not None:
            computed = np.where(where[self._t], self._clamping.values[name][self._t], computed)
        super().__setitem__(name, computed)


class ClampedGradients(Values):
    """The gradients of a step, zero at clamped values; ``full`` has those before zeroing."""

    def __init__(self, where: Values) -> None:
        super().__init__()
        self._where = where
        self.full: Values = {}  # only of names that are clamped somewhere

    def __setitem__(self, name: str, gradient: Array) -> None:
        where = self._where.get(name)
        if where is not None:
            self.full[name] = gradient
            gradient = np.where(where, 0, gradient)
        super().__setitem__(name, gradient)


def unclamped(d: Values) -> Values:
    """The gradients of a step, also those of clamped values."""
    return {**d, **d.full} if isinstance(d, ClampedGradients) else d
