"""A node of a graph while the graph is walked."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnviz.interop.onnx.elements import Value
from rnnviz.interop.onnx.messages import AttributeReference, GraphMessage, NodeMessage
from rnnviz.interop.onnx.net import NetOperations
from rnnviz.interop.onnx.recurrent import GATES
from rnnviz.interop.onnx.wire import MAX_DEPTH, WireError
from rnnviz.messages import N_

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


def has_recurrence(graph: GraphMessage, depth: int = 0) -> bool:
    """Whether there is an LSTM, GRU or RNN node in a graph, or in one within it."""
    if depth > MAX_DEPTH:
        raise WireError(N_("its graphs are nested too deep"))
    return any(
        (node.op_type in GATES and not node.domain)
        or (
            node.op_type in ("If", "Loop", "Scan")
            and any(
                isinstance(value, GraphMessage) and has_recurrence(value, depth + 1)
                for value in node.attributes.values()
            )
        )
        for node in graph.nodes
    )


def has_gates(body: GraphMessage) -> bool:
    """Whether a loop multiplies by weights and bends the result, as a recurrent layer does."""
    operators = {node.op_type for node in body.nodes}
    return bool(operators & {"MatMul", "Gemm"}) and bool(operators & {"Tanh", "Sigmoid", "Relu"})
