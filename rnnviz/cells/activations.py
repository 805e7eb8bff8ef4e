"""What a cell may choose: its activations, and which way the update gate of a GRU is read."""

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
    """A function by its name in formulas; its slope at an *output* y, and how lines write that.

    Lines leave the identity and its slope, 1, out.
    """

    name: str
    of: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    slope_formula: str

    def __call__(self, a: Array) -> Array:
        """The function's value."""
        return self.of(a)


TANH = Activation("tanh", np.tanh, lambda y: 1 - y**2, "(1 - {y}**2)")
IDENTITY = Activation("identity", np.positive, np.ones_like, "")
RELU = Activation("relu", relu, step, "step({y})")
SIGMOID = Activation("sigmoid", sigmoid, lambda y: y * (1 - y), "{y} * (1 - {y})")
HARD_SIGMOID = Activation("hard_sigmoid", hard_sigmoid, slope, "slope({y})")


class Activations(NamedTuple):
    """A layer's choices; Keras calls the first two ``activation`` and ``recurrent_activation``.

    ``output`` bends a state that a gate lets out (tanh of c in LSTM); Keras takes ``state``.
    ``keeps``: z is the share of the old state that a GRU keeps (Keras, PyTorch); else the share
    that it renews, h = (1 − z) ⊙ h₋ + z ⊙ g.
    """

    state: Activation = TANH
    gate: Activation = SIGMOID
    output: Activation = TANH
    keeps: bool = True


#: What may stand where the lines say tanh, and where they say sigmoid.
FOR_STATE = MappingProxyType({a.name: a for a in (TANH, RELU, SIGMOID, IDENTITY)})
FOR_GATE = MappingProxyType({a.name: a for a in (SIGMOID, HARD_SIGMOID)})
#: What the cells' own lines say.
USUAL = Activations()
