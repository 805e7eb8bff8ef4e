"""A node of a graph while the graph is walked."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnviz.interop.onnx.elements import Value
from rnnviz.interop.onnx.messages import AttributeReference, GraphMessage, NodeMessage
from rnnviz.interop.onnx.net import NetOperations

Scope = MutableMapping[str, Value]


@dataclass(eq=False)
class NodeVisit:
    """A node as it is walked: where it stands, and the values that it reads."""

    node: NodeMessage
    graph: GraphMessage
    scope: Scope
    bindings: Mapping[str, Any]  # the attributes of the function that the node is in
    where: str  # the branches and bodies that it is in
    values: tuple[Value | None, ...]
    net: NetOperations

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The node's attributes, those of its function in the place of references."""
        found = {
            name: self.bindings.get(value.name) if isinstance(value, AttributeReference) else value
            for name, value in self.node.attributes.items()
        }
        return {name: value for name, value in found.items() if value is not None}

    @cached_property
    def label(self) -> str:
        """The node's name in the file, or that of its first output."""
        node = self.node
        return node.name or next(filter(None, node.outputs), node.op_type)

    @cached_property
    def name(self) -> str:
        """A name of its own for the operation that the node becomes."""
        where = f" ({self.where.removeprefix(', ')})" if self.where else ""
        return self.net.unique(self.label + where)
