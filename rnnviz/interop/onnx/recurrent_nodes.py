"""LSTM, GRU and RNN nodes in the graph: what they read, and what their outputs are."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.spec import RecurrentSpec
from rnnviz.interop.contents import IgnoredEntry, Part, RecurrentOperation, TensorRole
from rnnviz.interop.onnx.elements import Constant, Fill, Form, Numbered, Value
from rnnviz.interop.onnx.layer_nodes import LayerNode, LayerNotes
from rnnviz.interop.onnx.net import STATE, NetOperations
from rnnviz.interop.onnx.recurrent import (
    GATES,
    ORDERS,
    STATES,
    NodeWeights,
    UnsupportedNodeError,
    convert,
    directions_of,
    gate_ranges,
)
from rnnviz.messages import N_

#: The length and the batch of a layer whose input has no known shape.
_STEPS: Final = 3
_BATCH: Final = 2
#: The most recurrent nodes of a file.
MOST_NODES: Final = 1000


def recurrent(net: NetOperations, notes: LayerNotes, node: LayerNode) -> list[Value]:
    """LSTM, GRU, RNN. Raises UnsupportedNodeError with the reason where no cell computes it."""
    batch_first = bool(node.attributes.get("layout"))
    notes.layers += 1
    if notes.layers > MOST_NODES:
        raise UnsupportedNodeError(
            N_("the file has more than {most} such nodes").format(most=MOST_NODES)
        )
    weights, initial = _weights(net, notes, node, batch_first)
    layer = convert(node.op_type, node.attributes, weights)
    _say_roles(notes, node, layer.spec.units)
    notes.conversions.append(f"{node.name}: {layer.conversion}")
    source, spec, backwards, (T, B) = _input(net, node, layer.spec, batch_first)
    if backwards:
        notes.conversions.append(
            N_(
                "{node}: its input is reversed in the file; here each output stands at its token"
            ).format(node=node.name)
        )
        layer.params[spec.directions[0]] = next(iter(layer.params.values()))
    params = {direction: layer.params[direction] for direction in spec.directions}
    name = net.add(
        RecurrentOperation(node.name, (source,), spec, layer.width, params, initial=initial)
    )
    value = node.value(0)
    if isinstance(value, Numbered):
        _say_input_axes(net, notes, value.ids.swapaxes(0, 1) if batch_first else value.ids)
    _say_lengths(notes, node, T)
    return _outputs(net, name, spec, (T, B), batch_first, backwards)


def _weights(
    net: NetOperations, notes: LayerNotes, node: LayerNode, batch_first: bool
) -> tuple[NodeWeights, tuple[str, ...]]:
    """The constant inputs of a node, and what its initial states are computed from."""
    for k in (1, 2, 3, 7):
        value = node.value(k)
        if value is not None and not isinstance(value, Constant | Fill):
            raise UnsupportedNodeError(
                N_("its weights {name} are inputs, or computed").format(name=node.names[k])
            )
    W, R = node.constant(1), node.constant(2)
    if W is None or R is None:
        raise UnsupportedNodeError(N_("its weights W and R are not in the file"))
    N = len(directions_of(node.attributes))
    constants: dict[str, Array] = {}
    computed: dict[str, None] = {}
    for k, state in enumerate(STATES[node.op_type], 5):
        value = node.value(k)
        if isinstance(value, Constant):
            array = value.array.swapaxes(0, 1) if batch_first else value.array
            rows = _same_rows(array, N, R.shape[-1])
            if rows.any():
                constants[state] = rows
        elif isinstance(value, Fill):
            if value.number:
                constants[state] = np.full((N, R.shape[-1]), value.number, W.dtype)
        elif value is not None:
            sources = net.sources(value)
            computed |= dict.fromkeys(sources)
            if isinstance(value, Numbered) and len(value.shape) == 3:
                for source in sources:
                    notes.input_axes.setdefault(source, (None, 0 if batch_first else 1))
    if constants and computed:
        raise UnsupportedNodeError(N_("one of its initial states is a constant, the other is not"))
    P = node.constant(7) if node.op_type == "LSTM" else None
    return NodeWeights(W, R, node.constant(3), P, constants), tuple(computed)


def _same_rows(state: Array, N: int, H: int) -> Array:
    """(N, H) of an initial state (N, B, H) that is the same for every sequence of a batch."""
    if state.ndim != 3 or state.shape[::2] != (N, H) or not state.shape[1]:
        raise UnsupportedNodeError(
            N_("an initial state has the shape {shape}").format(shape=state.shape)
        )
    if (state != state[:, :1]).any():
        raise UnsupportedNodeError(
            N_("its initial state differs from sequence to sequence of a batch")
        )
    return state[:, 0]


def _input(
    net: NetOperations, node: LayerNode, spec: RecurrentSpec, batch_first: bool
) -> tuple[str, RecurrentSpec, bool, tuple[int, int]]:
    """What a node reads, its spec, whether it is read from the last step, its length and batch."""
    value = node.value(0)
    if not isinstance(value, Numbered):
        source = net.read(value)[0] if value is not None else ""
        return source, spec, False, (_STEPS, _BATCH)
    if len(value.shape) != 3:
        raise UnsupportedNodeError(
            N_("its input has the shape {shape}, not three axes").format(shape=value.shape)
        )
    ids = value.ids.swapaxes(0, 1) if batch_first else value.ids
    T, B = ids.shape[:2]
    candidates = (
        [(ids, False)] if spec.bidirectional or T < 2 else [(ids, False), (ids[::-1], True)]
    )
    for moved, backwards in candidates:
        ordered = Numbered(moved.shape, moved=moved, made_by=value.made_by)
        match = net.match(ordered)
        if match is not None and match.reads in ("steps", "raw") and match.in_order:
            spec = replace(spec, reverse=not spec.reverse) if backwards else spec
            return net.read(ordered)[0], spec, backwards, (T, B)
    return net.rearrangement(value), spec, False, (T, B)


def _say_lengths(notes: LayerNotes, node: LayerNode, T: int) -> None:
    """Lengths of sequences in a padded batch: here every sequence is read whole, by itself."""
    value = node.value(4)
    lengths = node.constant(4)
    if value is None or isinstance(value, Fill) or (lengths is not None and (lengths == T).all()):
        return
    reason = N_("lengths of sequences that {node} reads; every sequence is read whole here").format(
        node=node.name
    )
    notes.ignored.append(IgnoredEntry(node.names[4], reason))


def _outputs(
    net: NetOperations, name: str, spec: RecurrentSpec, size: tuple[int, int],
    batch_first: bool, backwards: bool,
) -> list[Value]:  # fmt: skip
    """Y, Y_h and Y_c as numbers. The states after the last step are elements of Y."""
    (T, B), N, H = size, len(spec.directions), spec.units
    net.elements.store(T * B * N * H)
    block = net.elements.new_block(name, T * B * N * H)
    steps = block.start + np.arange(T * B * N * H).reshape(T, B, N * H)
    ends = {"forward": T - 1, "backward": 0}
    parts = [
        steps[ends[direction], :, n * H : (n + 1) * H]
        for n, direction in enumerate(spec.directions)
    ]
    state = np.concatenate(parts, -1)
    # The last step of a forward layer is its state; where there is one step, three axes are steps.
    block.forms += [
        Form(name, "state", Numbered(state.shape, moved=state)),
        Form(name, "steps", Numbered(steps.shape, moved=steps)),
    ][:: -1 if T == 1 else 1]
    Y = steps.reshape(T, B, N, H)
    Y = Y[::-1] if backwards else Y
    Y_h = state.reshape(B, N, H)
    cells = net.elements.new_block(name + STATE, B * N * H)
    Y_c = cells.start + np.arange(B * N * H).reshape(B, N, H)
    arrays = (
        [Y.transpose(1, 0, 2, 3), Y_h, Y_c]
        if batch_first
        else [Y.transpose(0, 2, 1, 3), Y_h.transpose(1, 0, 2), Y_c.transpose(1, 0, 2)]
    )
    return [Numbered(a.shape, moved=a, made_by="Slice") for a in arrays]


def _say_input_axes(net: NetOperations, notes: LayerNotes, ids: Array) -> None:
    """Which axes of the net's input are time and batch, as this layer reads it."""
    T, B = ids.shape[:2]
    block, first = net.elements.graph_element(int(ids[0, 0, 0]))
    form = next((f for f in block.forms if f.kind == "raw"), None)
    if form is None or block.operation in notes.input_axes:
        return
    shape = form.value.shape

    def axis(number: int) -> int | None:
        other, place = net.elements.graph_element(number)
        if other is not block:
            return None
        moved = np.flatnonzero(
            np.array(np.unravel_index(place, shape)) != np.array(np.unravel_index(first, shape))
        )
        return int(moved[0]) if len(moved) == 1 else None

    time = axis(int(ids[1, 0, 0])) if T > 1 else None
    batch = axis(int(ids[0, 1, 0])) if B > 1 else None
    notes.input_axes[block.operation] = (time, batch)


def _say_roles(notes: LayerNotes, node: LayerNode, units: int) -> None:
    order = ORDERS[node.op_type]
    directions = directions_of(node.attributes)
    size = len(GATES[node.op_type]) * units
    halves = N_("{what}, Wb in columns 0–{end}, Rb in {start}–{last}") if order else (
        N_("Wb in columns 0–{end}, Rb in {start}–{last}")
    )  # fmt: skip
    halves = halves.format(what=order, end=size - 1, start=size, last=2 * size - 1)
    said: list[tuple[int, Part, str]] = [
        (1, "kernel", order),
        (2, "recurrent kernel", order),
        (3, "bias", halves),
    ]
    if node.op_type == "LSTM":
        said.append((7, "peepholes", N_("ONNX order i o f")))
    direction: Literal["", "forward", "backward"] = "" if len(directions) == 2 else directions[0]
    for k, part, words in said:
        if len(directions) == 2:
            axis = N_("{what}, axis 0: 0 forward, 1 backward") if words else (
                N_("axis 0: 0 forward, 1 backward")
            )  # fmt: skip
            words = axis.format(what=words)
        gates = gate_ranges(node.op_type, part, units)
        role = TensorRole(node.name, part, direction, 1, gates, words)
        notes.give_role(node, k, role)
    for k in range(5, 5 + len(STATES[node.op_type])):
        state = node.constant(k)
        if state is not None and state.any():
            notes.give_role(node, k, TensorRole(node.name, "initial state", direction))
