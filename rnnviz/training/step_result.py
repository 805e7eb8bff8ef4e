"""The result of an optimizer update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.messages import _


@dataclass(frozen=True)
class StepResult:
    """Mean loss, sum of the metric, and gradient norms of the batch of one update."""

    loss: float
    metric: float  # correct answers for classes, the sum of absolute errors for numbers
    norms: Mapping[str, float]  # by layer, before clipping
    examples: int = 0

    @property
    def fault(self) -> str:
        """What is not finite; "" if all is finite."""
        names = [
            _("the gradient of {name}").format(name=name)
            for name, n in self.norms.items()
            if not np.isfinite(n)
        ]
        if not np.isfinite(self.loss):
            names.insert(0, _("the loss"))
        return ", ".join(names)


def layer_norms(grads: Mapping[str, Array]) -> dict[str, float]:
    """The joint gradient norm of each layer: "embedding", "layers.0" …, "head"."""
    return by_layer({name: float(np.vdot(g, g)) for name, g in grads.items()})


def by_layer(squares: Mapping[str, float]) -> dict[str, float]:
    """The same from the sum of squares of each array, by its name."""
    total: dict[str, float] = {}
    for name, square in squares.items():
        layer = ".".join(name.split(".")[:2]) if name.startswith("layers.") else name.split(".")[0]
        total[layer] = total.get(layer, 0.0) + square
    return {layer: float(np.sqrt(square)) for layer, square in sorted(total.items(), key=_order)}


def _order(entry: tuple[str, float]) -> tuple[int, int]:
    kind, _, number = entry[0].partition(".")
    return ("embedding", "layers", "head").index(kind), int(number or 0)
