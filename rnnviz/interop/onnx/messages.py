"""The messages of an ONNX file that reading a net needs.

Field numbers are those of ``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
Attributes and tensors stay bytes until they are asked for: a forest of decision trees beside the
net is not parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rnnviz.interop.onnx.wire import (
    MAX_DEPTH,
    FieldBudget,
    WireError,
    as_bytes,
    fixed,
    integers,
    parse_fields,
    signed,
    single,
    text,
    texts,
)
from rnnviz.messages import N_

#: Fields that a node or a tensor counts for besides its own.
NODE_COST = 5
#: Kinds of attributes (AttributeProto.AttributeType) that are read.
_FLOAT, _INT, _STRING, _TENSOR, _GRAPH, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 4, 5, 6, 7, 8


@dataclass(frozen=True, eq=False)
class TensorMessage:
    """A tensor as it is stored: ``fields`` are those of TensorProto by number."""

    fields: Mapping[int, list[Any]]

    @cached_property
    def name(self) -> str:
        """Its name; "" in an attribute."""
        return text(self.fields.get(8))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions, unchecked."""
        return tuple(int(n) for n in integers(self.fields.get(1)))

    @cached_property
    def data_type(self) -> int:
        """A number of TensorProto.DataType."""
        return signed(self.fields.get(2, [0])[-1])

    @cached_property
    def external(self) -> dict[str, str] | None:
        """``location``, ``offset`` and ``length`` of data in another file, None without it."""
        if signed(self.fields.get(14, [0])[-1]) != 1:
            return None
        budget = FieldBudget(1000)
        pairs = [parse_fields(as_bytes(v), budget) for v in self.fields.get(13, ())]
        return {text(pair.get(1)): text(pair.get(2)) for pair in pairs}


@dataclass(frozen=True, eq=False)
class ValueMessage:
    """An input or output of a graph. ``shape`` is None where its rank is unknown.

    A dimension is a number, a name, or None. ``data_type`` is 0 for what is no tensor.
    """

    name: str
    shape: tuple[int | str | None, ...] | None
    data_type: int


@dataclass(frozen=True, eq=False)
class NodeMessage:
    """A node: its operator, the names of the values that it reads and gives, its attributes."""

    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    raw_attributes: tuple[memoryview, ...]
    budget: FieldBudget
    depth: int

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Values by name: float, int, str, TensorMessage, GraphMessage, or a list of the former.

        An attribute that stands for one of its function's node is an :class:`AttributeReference`.
        """
        fields = [parse_fields(raw, self.budget) for raw in self.raw_attributes]
        return {text(f.get(1)): _attribute(f, self.budget, self.depth) for f in fields}


@dataclass(frozen=True)
class AttributeReference:
    """The value of an attribute of the node that calls the function."""

    name: str


@dataclass(frozen=True, eq=False)
class GraphMessage:
    """A graph, or a branch or body within a node, or the body of a function."""

    nodes: tuple[NodeMessage, ...]
    inputs: tuple[ValueMessage, ...]
    outputs: tuple[str, ...]
    initializers: tuple[TensorMessage, ...] = ()
    shapes: Mapping[str, ValueMessage] = field(default_factory=dict)  # of values inside


@dataclass(frozen=True, eq=False)
class FileMessage:
    """The model. ``opsets`` are versions by domain, "" for ONNX's own; ``functions`` are graphs by
    domain and name."""

    graph: GraphMessage
    ir_version: int
    producer: str
    opsets: Mapping[str, int]
    functions: Mapping[tuple[str, str], GraphMessage]
    metadata: Mapping[str, str]


def parse_model(data: bytes) -> FileMessage:
    """Parse the bytes of a file; WireError for what is no model, or one beyond the limits."""
    budget = FieldBudget()
    fields = parse_fields(memoryview(data), budget)
    if 7 not in fields:
        raise WireError(N_("it has no graph"))
    pairs = [parse_fields(as_bytes(v), budget) for v in fields.get(14, ())]
    return FileMessage(
        graph=_graph(as_bytes(fields[7][-1]), budget, 0),
        ir_version=signed(fields.get(1, [0])[-1]),
        producer=" ".join(filter(None, (text(fields.get(2)), text(fields.get(3))))),
        opsets=_opsets(fields.get(8), budget),
        functions=dict(_function(as_bytes(v), budget) for v in fields.get(25, ())),
        metadata={text(pair.get(1)): text(pair.get(2)) for pair in pairs},
    )


def _opsets(values: list[Any] | None, budget: FieldBudget) -> dict[str, int]:
    records = [parse_fields(as_bytes(v), budget) for v in values or ()]
    return {_domain(record.get(1)): signed(record.get(2, [0])[-1]) for record in records}


def _domain(values: list[Any] | None) -> str:
    """A domain's name; "" for ONNX's own, under either of its two names."""
    name = text(values)
    return "" if name == "ai.onnx" else name


def _graph(data: memoryview, budget: FieldBudget, depth: int) -> GraphMessage:
    if depth > MAX_DEPTH:
        raise WireError(N_("its graphs are nested deeper than {most}").format(most=MAX_DEPTH))
    fields = parse_fields(data, budget)
    values = [_value(as_bytes(v), budget) for v in fields.get(13, ())]
    outputs = [_value(as_bytes(v), budget) for v in fields.get(12, ())]
    return GraphMessage(
        nodes=tuple(_node(as_bytes(v), budget, depth) for v in fields.get(1, ())),
        inputs=tuple(_value(as_bytes(v), budget) for v in fields.get(11, ())),
        outputs=tuple(value.name for value in outputs),
        initializers=tuple(_tensor(as_bytes(v), budget) for v in fields.get(5, ())),
        shapes={value.name: value for value in (*values, *outputs)},
    )


def _function(data: memoryview, budget: FieldBudget) -> tuple[tuple[str, str], GraphMessage]:
    fields = parse_fields(data, budget)
    graph = GraphMessage(
        nodes=tuple(_node(as_bytes(v), budget, 1) for v in fields.get(7, ())),
        inputs=tuple(ValueMessage(name, None, 0) for name in texts(fields.get(4))),
        outputs=texts(fields.get(5)),
    )
    return (text(fields.get(10)), text(fields.get(1))), graph


def _node(data: memoryview, budget: FieldBudget, depth: int) -> NodeMessage:
    budget.take(NODE_COST)
    fields = parse_fields(data, budget)
    return NodeMessage(
        op_type=text(fields.get(4)),
        domain=_domain(fields.get(7)),
        name=text(fields.get(3)),
        inputs=texts(fields.get(1)),
        outputs=texts(fields.get(2)),
        raw_attributes=tuple(as_bytes(v) for v in fields.get(5, ())),
        budget=budget,
        depth=depth,
    )


def _tensor(data: memoryview, budget: FieldBudget) -> TensorMessage:
    budget.take(NODE_COST)
    return TensorMessage(parse_fields(data, budget))


def _value(data: memoryview, budget: FieldBudget) -> ValueMessage:
    fields = parse_fields(data, budget)
    kind = parse_fields(as_bytes(fields[2][-1]), budget) if 2 in fields else {}
    tensor = parse_fields(as_bytes(kind[1][-1]), budget) if 1 in kind else {}
    shape: tuple[int | str | None, ...] | None = None
    if 2 in tensor:
        dims = parse_fields(as_bytes(tensor[2][-1]), budget).get(1, ())
        shape = tuple(_dimension(as_bytes(v), budget) for v in dims)
    return ValueMessage(text(fields.get(1)), shape, signed(tensor.get(1, [0])[-1]))


def _dimension(data: memoryview, budget: FieldBudget) -> int | str | None:
    fields = parse_fields(data, budget)
    if 1 in fields:
        size = signed(fields[1][-1])
        return size if size > 0 else None  # 0 and -1 are written by some exporters for unknown
    return text(fields.get(2)) or None


def _attribute(fields: Mapping[int, list[Any]], budget: FieldBudget, depth: int) -> Any:
    if 21 in fields:
        return AttributeReference(text(fields[21]))
    kind = signed(fields.get(20, [0])[-1])
    if kind == 0:  # files of 2017 do not say it
        numbers = {2: _FLOAT, 3: _INT, 4: _STRING, 5: _TENSOR, 6: _GRAPH, 7: _FLOATS, 8: _INTS}
        kind = next((k for number, k in numbers.items() if number in fields), 0)
    match kind:
        case 1:
            return single(fields[2][-1]) if 2 in fields else 0.0
        case 2:
            return signed(fields.get(3, [0])[-1])
        case 3:
            return text(fields.get(4))
        case 4:
            return _tensor(as_bytes(fields[5][-1]), budget) if 5 in fields else None
        case 5:
            return _graph(as_bytes(fields[6][-1]), budget, depth + 1) if 6 in fields else None
        case 6:
            return fixed(fields.get(7), "<f4").tolist()
        case 7:
            return integers(fields.get(8)).tolist()
        case 8:
            return list(texts(fields.get(9)))
    return None
