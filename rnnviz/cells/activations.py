"""What a layer may choose: its activations, and which way the update gate of a GRU is read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnviz.equations.functions import SIGMOID, TANH, Function, clip, step


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


#: What the cells' own lines say.
USUAL = Activations()


def clipped(function: Function, limit: float) -> Function:
    """The function of its argument clipped to ±``limit``.

    No activation falls, so an argument was clipped where the output is that of the limit; there
    the slope is zero.
    """

    def slope(y: Any) -> Any:
        most = np.full_like(y, limit, shape=(1,))  # rounded as the outputs are
        return function.slope(y) * step(y - function(-most)) * step(function(most) - y)

    def value(a: Any) -> Any:
        return function(clip(a, limit))

    return Function(function.name, function.symbol, value, "", slope)
