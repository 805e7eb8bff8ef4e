"""What a cell bends its sums with: tanh and sigmoid, or what Keras lets stand in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import hard_sigmoid, relu, sigmoid, slope, step


@dataclass(frozen=True)
class Activation:
    """A function by its name in formulas; its slope at an *output* y, and how lines write that."""

    name: str
    of: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    slope_formula: str

    def __call__(self, a: Array) -> Array:
        """The function's value."""
        return self.of(a)


class Activations(NamedTuple):
    """A layer's pair; Keras calls them ``activation`` and ``recurrent_activation``."""

    state: Activation
    gate: Activation


TANH = Activation("tanh", np.tanh, lambda y: 1 - y**2, "(1 - {y}**2)")
RELU = Activation("relu", relu, step, "step({y})")
SIGMOID = Activation("sigmoid", sigmoid, lambda y: y * (1 - y), "{y} * (1 - {y})")
HARD_SIGMOID = Activation("hard_sigmoid", hard_sigmoid, slope, "slope({y})")

#: What may stand where the lines say tanh, and where they say sigmoid.
FOR_STATE = MappingProxyType({a.name: a for a in (TANH, RELU)})
FOR_GATE = MappingProxyType({a.name: a for a in (SIGMOID, HARD_SIGMOID)})
#: What the cells' own lines say.
USUAL = Activations(TANH, SIGMOID)
