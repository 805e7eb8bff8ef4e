"""The states that a batch of a stateful training begins with."""

from __future__ import annotations

from collections.abc import Mapping

from rnnviz.arrays import Array, Values
from rnnviz.engine.model import InitialStates

#: The arrays' names in a file begin with it.
PREFIX = "carried."


class CarriedStates:
    """The states that a batch ended with, with which the next one begins.

    The arrays stay the same ones from batch to batch, so that a CUDA graph can read them and write
    to them.
    """

    def __init__(self) -> None:
        self._states: list[list[Values]] | None = None

    def initial(self) -> InitialStates | None:
        """Of each layer and direction, (B, H) by name; None before the first batch: zeros."""
        return self._states

    def store(self, states: InitialStates) -> None:
        """Copy the states that a batch ended with; ValueError for another number of sequences."""
        if self._states is None:
            self._states = [[_copies(own) for own in layer] for layer in states]
            return
        for kept, layer in zip(self._states, states, strict=True):
            for own, new in zip(kept, layer, strict=True):
                for name, a in own.items():
                    if a.shape != new[name].shape:
                        raise ValueError("stateful: every batch must have as many sequences")
                    a[...] = new[name]

    def reset(self) -> None:
        """Begin with zeros again."""
        for layer in self._states or ():
            for own in layer:
                for a in own.values():
                    a.fill(0)

    def arrays(self) -> Values:
        """By name, to be saved: ``carried.LAYER.DIRECTION.STATE``."""
        return {
            f"{PREFIX}{k}.{n}.{name}": a
            for k, layer in enumerate(self._states or ())
            for n, own in enumerate(layer)
            for name, a in own.items()
        }

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take the arrays that :meth:`arrays` gave; ValueError for other names."""
        states: list[list[Values]] = []
        for name in sorted(arrays):
            layer, direction, state = name.removeprefix(PREFIX).split(".")
            if int(layer) == len(states):
                states.append([])
            if int(direction) == len(states[int(layer)]):
                states[int(layer)].append({})
            states[int(layer)][int(direction)][state] = arrays[name]
        self._states = states or None


def _copies(arrays: Values) -> Values:
    return {name: a.copy() for name, a in arrays.items()}
