"""A node of the graph as the handlers of layers see it, and what they say besides operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnviz.arrays import Array
from rnnviz.interop.contents import IgnoredEntry, TensorRole
from rnnviz.interop.onnx.elements import Constant, Value


@dataclass(frozen=True, eq=False)
class LayerNode:
    """A node with what its handler needs. ``names`` are the names of the values it reads."""

    op_type: str
    name: str
    attributes: Mapping[str, Any]
    names: Sequence[str]
    values: Sequence[Value | None]
    opset: int

    def value(self, k: int) -> Value | None:
        """The value that is input k; None where it is left out."""
        return self.values[k] if k < len(self.values) else None

    def constant(self, k: int) -> Array | None:
        """The array of input k; None where it is left out or not a constant."""
        value = self.value(k)
        return value.array if isinstance(value, Constant) else None


@dataclass(eq=False)
class LayerNotes:
    """What is said about tensors and conversions besides the operations."""

    roles: dict[str, TensorRole] = field(default_factory=dict)  # by tensor
    folded: dict[str, Constant] = field(default_factory=dict)  # computed weights, by value
    layers: int = 0  # recurrent nodes
    conversions: list[str] = field(default_factory=list)
    ignored: list[IgnoredEntry] = field(default_factory=list)
    #: The axes of time and batch of inputs, as a layer reads them.
    input_axes: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)

    def give_role(self, node: LayerNode, k: int, role: TensorRole) -> None:
        """Say what the tensor behind input k is; the first layer that uses it names it."""
        value = node.value(k)
        if isinstance(value, Constant):
            name = value.origin or node.names[k]
            if not value.origin:
                self.folded.setdefault(name, value)
            self.roles.setdefault(name, role)
