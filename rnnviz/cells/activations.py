"""What a layer may choose: its activations, and which way the update gate of a GRU is read."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from rnnviz.equations.functions import HARD_SIGMOID, IDENTITY, RELU, SIGMOID, TANH, Function


class Activations(NamedTuple):
    """A layer's choices; Keras calls the first two ``activation`` and ``recurrent_activation``.

    ``output`` bends a state that a gate lets out (tanh of c in LSTM); Keras takes ``state``.
    ``keeps``: z is the share of the old state that a GRU keeps (Keras, PyTorch); else the share
    that it renews, h = (1 − z) ⊙ h₋ + z ⊙ g.
    """

    state: Function = TANH
    gate: Function = SIGMOID
    output: Function = TANH
    keeps: bool = True


#: What may stand where the lines say tanh, and where they say sigmoid.
FOR_STATE = MappingProxyType({a.name: a for a in (TANH, RELU, SIGMOID, IDENTITY)})
FOR_GATE = MappingProxyType({a.name: a for a in (SIGMOID, HARD_SIGMOID)})
#: What the cells' own lines say.
USUAL = Activations()
