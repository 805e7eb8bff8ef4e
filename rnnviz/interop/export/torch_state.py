"""A net as a state dict of PyTorch: its modules, and the tensors by their names.

Rows of gates are in PyTorch's order (LSTM i f g o, GRU r z n), and both biases are there: that of
the recurrent product is zero, except for a GRU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec
from rnnviz.interop.export.weights import in_order, layer_arrays

#: The order of the gates by cell.
ORDER = {
    "rnn": ("",), "lstm": ("i", "f", "g", "o"), "lstm-projection": ("i", "f", "g", "o"),
    "gru": ("r", "z", "g"),
}  # fmt: skip
#: The module of a cell, and the beginning of the names of its tensors.
MODULES = {"rnn": "rnn", "lstm": "lstm", "lstm-projection": "lstm", "gru": "gru"}


@dataclass(frozen=True)
class TorchStack:
    """Equal layers on each other, which are one module of PyTorch.

    ``first`` is the index of its lowest layer, ``count`` their number, ``width`` that of its input.
    """

    name: str
    layer: RecurrentSpec
    first: int
    count: int
    width: int


def stacks(spec: ModelSpec) -> list[TorchStack]:
    """The recurrent modules from bottom to top."""
    found: list[TorchStack] = []
    width = spec.source.width
    for k, layer in enumerate(spec.layers):
        bare = replace(layer, dropout=0.0, recurrent_dropout=0.0)
        if found and found[-1].layer == bare:
            found[-1] = replace(found[-1], count=found[-1].count + 1)
        else:
            found.append(TorchStack(MODULES[layer.cell], bare, k, 1, width))
        width = layer.output_width
    if len(found) < 2:
        return found
    # Some formats sort their tensors by name: several modules are named in their order.
    digits = len(str(len(found)))
    return [replace(each, name=f"layer_{n:0{digits}}") for n, each in enumerate(found, 1)]


def dense_modules(spec: ModelSpec) -> list[tuple[str, str]]:
    """The head's linear modules from bottom to top: name there, beginning of the names here."""
    below = [name for name, _ in spec.head.below]
    names = [
        (f"dense_{k + 1}" if len(below) > 1 else "dense", name) for k, name in enumerate(below)
    ]
    return names if spec.head.kind == "state" else [*names, ("output", "head")]


def state_dict(spec: ModelSpec, params: Values) -> dict[str, Array]:
    """The tensors by name, float32, for a net that PyTorch's layers can say."""
    tensors: dict[str, Array] = {}
    if isinstance(spec.source, EmbeddingSpec):
        tensors["embedding.weight"] = params["embedding"]
    for stack in stacks(spec):
        for k in range(stack.count):
            for direction in stack.layer.directions:
                end = f"_l{k}" + ("_reverse" if direction == "backward" else "")
                arrays = layer_arrays(spec, params, stack.first + k, direction)
                for name, array in _tensors(stack.layer, arrays):
                    tensors[f"{stack.name}.{name}{end}"] = array
    for module, name in dense_modules(spec):
        tensors[f"{module}.weight"] = params[f"{name}.W"].T
        if f"{name}.b" in params:
            tensors[f"{module}.bias"] = params[f"{name}.b"]
    return {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}


def _tensors(layer: RecurrentSpec, arrays: Values) -> Iterator[tuple[str, Array]]:
    """The tensors of one layer and direction, without the end of their names."""
    order = ORDER[layer.cell]
    yield "weight_ih", in_order(layer, arrays["W"], order).T
    yield "weight_hh", in_order(layer, arrays["U"], order).T
    if "b" in arrays:
        bias = in_order(layer, arrays["b"], order)
        both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        yield "bias_ih", both[0]
        yield "bias_hh", both[1]
    if "V" in arrays:
        yield "weight_hr", arrays["V"].T
