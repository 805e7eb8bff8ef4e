"""The layers of a net as Keras lists them, with the arithmetic of their parameter counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnviz.toy_net import ToyNet

#: What a layer is in the net: what makes x, a recurrent layer, or the head.
Place = Literal["source", "recurrent", "head"]


@dataclass(frozen=True)
class NetQuestion:
    """The layers of a model; ``hand`` is the net of literal weights, if it is one."""

    model: str
    hand: ToyNet | None = None


@dataclass(frozen=True)
class LayerSummary:
    """One layer: its Keras call, the shape of its output and its parameters."""

    place: Place
    keras: str  # LSTM(32, return_sequences=True); "" for a layer that Keras does not have
    title: str  # "Bidirectional LSTM"
    output: str  # "(T, 64)"
    count: int
    arithmetic: str  # "4·(32·32 + 32·32 + 32) = 8,320"


@dataclass(frozen=True)
class NetSummary:
    """The layers from bottom to top."""

    layers: tuple[LayerSummary, ...]

    @property
    def total(self) -> int:
        """The number of all parameters."""
        return sum(layer.count for layer in self.layers)

    def at(self, place: Place) -> tuple[LayerSummary, ...]:
        """The layers of one place, from bottom to top."""
        return tuple(layer for layer in self.layers if layer.place == place)
