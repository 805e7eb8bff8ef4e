"""A graph from its inputs to its outputs: constants evaluated, elements followed, layers found."""

from __future__ import annotations

import math
from collections import ChainMap, Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.contents import IgnoredEntry, InputOperation
from rnnviz.interop.onnx import arithmetic
from rnnviz.interop.onnx.elements import (
    MAX_ELEMENTS,
    Constant,
    ElementNumbers,
    Fill,
    LongSequencesError,
    Numbered,
    Unshaped,
    Value,
    same_elements,
)
from rnnviz.interop.onnx.layer_nodes import LayerNode, LayerNotes
from rnnviz.interop.onnx.layers import HANDLERS
from rnnviz.interop.onnx.messages import (
    FileMessage,
    GraphMessage,
    NodeMessage,
    TensorMessage,
    ValueMessage,
)
from rnnviz.interop.onnx.movement import MOVEMENTS
from rnnviz.interop.onnx.net import NetOperations
from rnnviz.interop.onnx.node_visit import NodeVisit, Scope, has_gates, has_recurrence
from rnnviz.interop.onnx.output_shapes import output_shape
from rnnviz.interop.onnx.recurrent import UnsupportedNodeError
from rnnviz.interop.onnx.tensor_data import TensorData, type_name
from rnnviz.interop.onnx.wire import MAX_DEPTH, WireError
from rnnviz.messages import N_

#: The most nodes that are walked, those of functions and branches once for each call.
MAX_NODES: Final = 10_000
#: Lengths of axes that a file leaves open, by their place.
_OPEN_AXES: Final = (2, 3, 5, 7)
#: Bytes that constants computed from others may have, besides twice the file's size.
_COMPUTED_BYTES: Final = 60_000_000
#: Operators whose output has all elements of their first input.
_REARRANGING: Final = frozenset(["Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten"])
#: Operators whose output is their first input after training.
_PASSING: Final = frozenset(["Identity", "Dropout", "Cast", "CastLike"])

#: What NumPy and Python raise where inputs or attributes are not what an operator is defined for.
_MISFITS: Final = (
    ValueError, RuntimeError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError,
)  # fmt: skip
#: Why a recurrence that is there cannot be stepped through.
WRITTEN_OUT: Final = N_("a recurrence written out step by step, not as an LSTM, GRU or RNN node")


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor of the file under a name of its own."""

    name: str
    message: TensorMessage
    array: Array | None


class GraphTrace:
    """Walks a model's graph.

    ``size`` is that of the file in bytes, ``longest`` the largest length that an axis (but the last
    one) of an input may have; without it, inputs have the lengths that the file states.
    """

    def __init__(
        self, model: FileMessage, data: TensorData, size: int, longest: int | None = None
    ) -> None:
        self.net = NetOperations(ElementNumbers(shortened=longest is not None))
        self.notes = LayerNotes()
        self.tensors: dict[str, StoredTensor] = {}
        self.complete = True  # whether every node was walked
        self._model, self._data = model, data
        self._nodes = MAX_NODES
        self._bytes = 2 * size + _COMPUTED_BYTES
        self._longest = longest
        self._depth = 0  # of the graph that is being walked
        self._tensor_names: Counter[str] = Counter()
        self._axes: dict[str, int] = {}

    def run(self) -> tuple[Value, ...]:
        """Walk the graph; the values of its outputs."""
        graph = self._model.graph
        scope: Scope = {}
        stored = {tensor.name for tensor in graph.initializers}
        for value in graph.inputs:
            if value.name not in stored:
                scope[value.name] = self._input(value)
        self._walk(graph, scope, {}, "")
        return tuple(scope[name] for name in graph.outputs if name in scope)

    def _input(self, value: ValueMessage) -> Value:
        name = self.net.unique(value.name)
        dtype = type_name(value.data_type) if value.data_type else "other"
        open_shape = tuple(n if isinstance(n, int) else None for n in value.shape or ())
        self.net.add(InputOperation(name, (), open_shape, dtype))
        return self._shaped(name, value)

    def _sizes(self, shape: Sequence[int | str | None]) -> tuple[int, ...]:
        """Lengths for the axes that are open, the same for the same name."""
        sizes = [
            n if isinstance(n, int) else self._open_axis(n, place) for place, n in enumerate(shape)
        ]
        if self._longest is not None:
            sizes[:-1] = [min(n, self._longest) for n in sizes[:-1]]
        return tuple(sizes)

    def _open_axis(self, name: str | None, place: int) -> int:
        usual = _OPEN_AXES[min(place, len(_OPEN_AXES) - 1)]
        return usual if name is None else self._axes.setdefault(name, usual)

    # -- graphs ----------------------------------------------------------------------------------

    def _walk(
        self, graph: GraphMessage, scope: Scope, bindings: Mapping[str, Any], where: str
    ) -> None:
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:
            raise WireError(
                N_("its graphs are nested deeper than {most}").format(most=2 * MAX_DEPTH)
            )
        for tensor in graph.initializers:
            scope[tensor.name] = self._stored(tensor, tensor.name)
        for node in graph.nodes:
            self._nodes -= 1
            if self._nodes < 0:
                self.complete = False
                break
            values = tuple(scope.get(name) if name else None for name in node.inputs)
            visit = NodeVisit(node, graph, scope, bindings, where, values, self.net)
            for name, value in zip(node.outputs, self._outputs(visit), strict=False):
                if name:
                    scope[name] = value
        self._depth -= 1

    def _stored(self, tensor: TensorMessage, name: str) -> Value:
        array = self._data.array(tensor)
        self._tensor_names[name] += 1
        if self._tensor_names[name] > 1:
            name = f"{name} ({self._tensor_names[name]})"
        self.tensors[name] = StoredTensor(name, tensor, array)
        if array is None:
            return Unshaped(self.net.opaque(self.net.unique(name), "Tensor", ()))
        return Constant(array, name)

    def _outputs(self, visit: NodeVisit) -> Sequence[Value]:
        node = visit.node
        work = sum(value.size for value in visit.values if isinstance(value, Numbered))
        if not self.net.elements.may_search(work):
            self.complete = False
            return [
                Unshaped(self.net.opaque(visit.name, node.op_type, (), N_("it is too large")))
            ] * len(node.outputs)
        function = self._model.functions.get((node.domain, node.op_type))
        if function is not None:
            return self._called(function, visit)
        if node.domain:
            return self._unknown(visit, N_("an operator of {domain}").format(domain=node.domain))
        match node.op_type:
            case "If":
                return self._branches(visit)
            case "Loop" | "Scan":
                return self._loop(visit)
            case "Constant":
                return [self._constant(visit)]
        reason = ""
        try:
            outputs = self._evaluated(node, visit.values, visit.attributes)
            if outputs is None and node.op_type in HANDLERS:
                layer = LayerNode(
                    node.op_type, visit.name, visit.attributes, node.inputs, visit.values,
                    self._model.opsets.get("", 1),
                )  # fmt: skip
                outputs = HANDLERS[node.op_type](self.net, self.notes, layer)
            if outputs is not None:
                return outputs
        except UnsupportedNodeError as error:
            reason = str(error)
        except (MemoryError, RecursionError):
            reason = N_("it is too large")
        except _MISFITS:
            reason = N_("its inputs have shapes that do not fit together, or are not known")
        return self._unknown(visit, reason)

    # -- graphs in nodes -------------------------------------------------------------------------

    def _called(self, function: GraphMessage, visit: NodeVisit) -> Sequence[Value]:
        """A function of the file: its nodes in the place of the one that calls it."""
        scope: Scope = {
            formal.name: value
            for formal, value in zip(function.inputs, visit.values, strict=False)
            if value is not None
        }
        self._walk(function, scope, visit.attributes, visit.where)
        return [scope.get(name, Fill(0)) for name in function.outputs]

    def _branches(self, visit: NodeVisit) -> Sequence[Value]:
        """If: the branch that is taken, or both where the net decides it."""
        condition = visit.values[0] if visit.values else None
        taken = None
        if isinstance(condition, Constant) and condition.array.size == 1:
            taken = "then" if condition.array.ravel()[0] else "else"
        results: dict[str, list[Value]] = {}
        for side in ("then", "else"):
            branch = visit.attributes.get(f"{side}_branch")
            if not isinstance(branch, GraphMessage):
                continue
            layers = has_recurrence(branch)
            if taken not in (None, side) and not layers:
                continue
            name = f"{side} branch of {visit.label}"
            scope: Scope = ChainMap({}, visit.scope)
            where = visit.where if side == taken else f"{visit.where}, {name}"
            self._walk(branch, scope, visit.bindings, where)
            results[side] = [scope[out] for out in branch.outputs if out in scope]
            if layers and side != taken:
                said = (
                    N_("the net decides")
                    if taken is None
                    else N_("not taken by a sequence of usual form")
                )
                self.notes.ignored.append(
                    IgnoredEntry(name, N_("a branch with layers: {reason}").format(reason=said))
                )
        if taken is not None:
            return results.get(taken, [])
        pairs = list(zip(*results.values(), strict=False))
        if len(results) == 2 and all(same_elements(*pair) for pair in pairs):
            return [pair[0] for pair in pairs]
        found = [value for pair in pairs for value in pair]
        return self._unknown(visit, N_("the net decides which branch is taken"), found)

    def _loop(self, visit: NodeVisit) -> Sequence[Value]:
        """Loop and Scan are not followed; recurrent nodes in them are listed."""
        body = visit.attributes.get("body")
        if isinstance(body, GraphMessage) and has_recurrence(body):
            scope: Scope = ChainMap({}, visit.scope)
            for value in body.inputs:
                name = self.net.unique(f"{value.name} of {visit.label}")
                self.net.opaque(name, visit.node.op_type, (), N_("an input of the body of a loop"))
                scope[value.name] = self._shaped(name, value)
            self._walk(
                body,
                scope,
                visit.bindings,
                f"{visit.where}, body of {visit.label}",
            )
        written_out = isinstance(body, GraphMessage) and has_gates(body)
        return self._unknown(visit, WRITTEN_OUT if written_out else N_("a loop"))

    def _shaped(self, operation: str, value: ValueMessage) -> Value:
        if value.shape is None:
            return Unshaped(operation)
        shape = self._sizes(value.shape)
        if math.prod(shape) > MAX_ELEMENTS and self._longest is None:
            raise LongSequencesError
        return self.net.elements.raw(operation, shape)

    # -- nodes -----------------------------------------------------------------------------------

    def _constant(self, visit: NodeVisit) -> Value:
        attributes, outputs = visit.attributes, visit.node.outputs
        tensor = attributes.get("value")
        if isinstance(tensor, TensorMessage):
            if tensor.shape and tensor.data_type not in (6, 7, 9):
                return self._stored(tensor, outputs[0] if outputs else visit.name)
            array = self._data.array(tensor)
            if array is not None:
                return Constant(array)
        for key, dtype in (
            ("value_float", np.float32), ("value_floats", np.float32),
            ("value_int", np.int64), ("value_ints", np.int64),
        ):  # fmt: skip
            if key in attributes:
                return Constant(np.asarray(attributes[key], dtype))
        return Unshaped(self.net.opaque(visit.name, "Constant", ()))

    def _evaluated(
        self, node: NodeMessage, values: Sequence[Value | None], attributes: Mapping[str, Any]
    ) -> Sequence[Value] | None:
        """A node on constants, or one that only moves elements; None for all others."""
        first = values[0] if values else None
        if node.op_type in ("Shape", "Size") and isinstance(first, Numbered):
            shape = np.array(first.shape, np.int64)
            whole = shape[slice(attributes.get("start"), attributes.get("end"))]
            return [Constant(whole if node.op_type == "Shape" else np.asarray(shape.prod()))]
        if node.op_type in _PASSING and isinstance(first, Numbered | Unshaped):
            return [first]
        if node.op_type == "ConstantOfShape":
            attributes = {**attributes, "value": self._fill(attributes)}
            if not isinstance(first, Constant):
                return [Fill(float(attributes["value"].ravel()[0]))]
        if node.op_type in MOVEMENTS:
            return self._moved(node, values, attributes)
        arrays = [value.array for value in values if isinstance(value, Constant)]
        if node.op_type in arithmetic.OPERATORS and arrays and len(arrays) == len(values):
            self._require_memory()
            return [self._computed(arithmetic.evaluate(node.op_type, arrays, attributes))]
        return None

    def _fill(self, attributes: Mapping[str, Any]) -> Array:
        tensor = attributes.get("value")
        array = self._data.array(tensor) if isinstance(tensor, TensorMessage) else None
        return np.zeros(1, np.float32) if array is None or not array.size else array

    def _computed(self, array: Array, *, view: bool = False) -> Constant:
        """A constant computed from others, within the limit of memory."""
        if not view or array.nbytes > self._bytes:
            self._bytes -= array.nbytes
        self._require_memory()
        return Constant(array)

    def _require_memory(self) -> None:
        """MemoryError once the constants that were computed are too large."""
        if self._bytes < 0:
            raise MemoryError

    def _moved(
        self, node: NodeMessage, values: Sequence[Value | None], attributes: Mapping[str, Any]
    ) -> Sequence[Value] | None:
        moved = list(values if node.op_type == "Concat" else values[:1])
        others = values[len(moved) :]
        if node.op_type == "Split":
            attributes = {"outputs": len(node.outputs), **attributes}
        first = moved[0] if moved else None
        if isinstance(first, Fill) and moved.count(first) == len(moved):
            return [first] * len(node.outputs)
        if not all(value is None or isinstance(value, Constant) for value in others):
            if node.op_type == "Expand" and isinstance(first, Constant):
                return _filled(first.array)
            return None
        arrays = [value.array if isinstance(value, Constant) else None for value in others]
        constants = [value.array for value in moved if isinstance(value, Constant)]
        if len(constants) == len(moved):
            if isinstance(first, Constant) and node.op_type == "Identity":
                return [first]
            self._require_memory()
            results = MOVEMENTS[node.op_type]([*constants, *arrays], attributes)
            return [self._computed(a, view=np.may_share_memory(a, constants[0])) for a in results]
        if isinstance(first, Unshaped) and node.op_type in _REARRANGING:
            return [first]  # all of what has no known axes
        if not all(isinstance(value, Numbered | Constant) for value in moved):
            return None
        numbers = [self._numbers(value) for value in moved]
        results = MOVEMENTS[node.op_type]([*numbers, *arrays], attributes)
        for ids in results:
            self.net.elements.store(ids.size)
        return [Numbered(ids.shape, moved=ids, made_by=node.op_type) for ids in results]

    def _numbers(self, value: Value | None) -> Array:
        """Elements by number; constants among them get numbers of no operation."""
        if isinstance(value, Constant):
            value = self.net.elements.raw("", value.array.shape)
        if not isinstance(value, Numbered):
            raise MemoryError
        return value.ids

    def _unknown(
        self, visit: NodeVisit, reason: str = "", values: Sequence[Value | None] | None = None
    ) -> Sequence[Value]:
        """A node that is not followed: new elements, of known shape where the file says it."""
        node = visit.node
        reads = visit.values if values is None else values
        operation = self.net.opaque(visit.name, node.op_type, reads, reason)
        outputs: list[Value] = []
        for k, name in enumerate(node.outputs):
            stated = visit.graph.shapes.get(name)
            shape: tuple[int, ...] | None = None
            if stated is not None and stated.shape is not None and None not in stated.shape:
                shape = self._sizes(stated.shape)
            if shape is None and not k and not node.domain:
                shape = output_shape(node.op_type, visit.values, visit.attributes)
            if shape is None:
                outputs.append(Unshaped(operation))
            else:
                outputs.append(self.net.elements.raw(operation, shape))
        return outputs


def _filled(array: Array) -> Sequence[Value] | None:
    """One number that is expanded to a shape that is not known."""
    same = array.size and (array == array.flat[0]).all()
    return [Fill(float(array.flat[0]))] if same else None
