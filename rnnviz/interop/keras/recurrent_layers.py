"""Recurrent layers of Keras, also as cells and in wrappers, as operations of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast, get_args

from rnnviz.arrays import Values
from rnnviz.engine.spec import Activation, Merge, RecurrentSpec
from rnnviz.interop.contents import FileTensor, RecurrentOperation
from rnnviz.interop.keras.cell_arrays import CellArrays, Direction, Kind, per_gate, read_cell
from rnnviz.interop.keras.flow import Flow, Net, Shape
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.interop.keras.weight_stores import array_count
from rnnviz.messages import N_

_KINDS: Final[dict[str, Kind]] = {
    "LSTM": "lstm", "LSTMCell": "lstm", "CuDNNLSTM": "lstm",
    "GRU": "gru", "GRUCell": "gru", "CuDNNGRU": "gru",
    "SimpleRNN": "rnn", "SimpleRNNCell": "rnn",
}  # fmt: skip
#: What Keras calls functions that have another name here.
_STATE_NAMES: Final = {"linear": "identity"}
_LEAVES: Final = ("kernel", "recurrent_kernel", "bias")


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of a layer, from bottom to top, with the layer that says how it reads."""

    layer: LayerConfig
    cells: tuple[LayerConfig, ...]


def cells_of(layer: LayerConfig) -> tuple[LayerConfig, ...]:
    """The cells of a recurrent layer; none where a class is not known.

    Raises ValueError for a configuration that is none.
    """
    if layer.class_name in _KINDS and not layer.class_name.endswith("Cell"):
        return (layer,)
    cell = layer.inner("cell")
    if layer.class_name != "RNN" or cell is None:
        return ()
    from rnnviz.interop.keras.layer_config import read_layer

    listed = cell.config.get("cells") if cell.class_name == "StackedRNNCells" else None
    cells = tuple(map(read_layer, listed)) if isinstance(listed, list) else (cell,)
    return cells if all(c.class_name in _KINDS for c in cells) else ()


def is_recurrent(layer: LayerConfig) -> bool:
    """Whether the layer, or what it wraps for two directions, consists of known cells."""
    inner = layer.inner()
    if layer.class_name == "Bidirectional":
        return inner is not None and len(cells_of(inner)) == 1
    return bool(cells_of(layer))


def add_recurrent(
    net: Net, name: str, layer: LayerConfig, tensors: Sequence[FileTensor], feed: Flow,
    states: tuple[str, ...] = (),
) -> Flow:  # fmt: skip
    """Add the operations of a recurrent layer; raises ValueError with the reason if it cannot be.

    Above a layer that gives its outputs in the order of reading, tokens are read the other way.
    """
    if layer.class_name == "Bidirectional":
        return _add_bidirectional(net, name, layer, tensors, feed, states)
    cells = cells_of(layer)
    if layer.flag("time_major"):
        raise ValueError(N_("its axes are time, batch (time_major)"))
    reverse = feed.flipped != layer.flag("go_backwards")
    every_step = layer.flag("return_sequences")
    parts = _split(tensors, cells)
    if len(cells) > 1 and states:
        raise ValueError(N_("stacked cells with initial states from other layers"))
    at = feed
    for k, (cell, own) in enumerate(zip(cells, parts, strict=True)):
        last = k == len(cells) - 1
        arrays = _arrays(own, cell, name, "backward" if reverse else "")
        spec = replace(_spec(net, name, cell, arrays), reverse=reverse)
        own_name = name if last else f"{name}.{k}"
        at = _add(
            net, own_name, at, spec, arrays, {spec.directions[0]: arrays.params},
            not last or every_step, states,
        )  # fmt: skip
    _notes(net, name, layer, reverse and every_step, feed.masked)
    return replace(at, flipped=reverse and every_step, masked=feed.masked and every_step)


def _add_bidirectional(
    net: Net, name: str, layer: LayerConfig, tensors: Sequence[FileTensor], feed: Flow,
    states: tuple[str, ...],
) -> Flow:  # fmt: skip
    forward = layer.inner()
    assert forward is not None
    (cell,) = cells_of(forward)
    other = layer.inner("backward_layer")
    back = cells_of(other) if other is not None else (cell,)
    merge = layer.config.get("merge_mode", "concat")
    every_step = forward.flag("return_sequences")
    halves = [[t for t in tensors if way in _parts_of(t.name)] for way in ("forward", "backward")]
    if not all(halves):
        middle = len(tensors) // 2
        halves = [list(tensors[:middle]), list(tensors[middle:])]
    if len(back) != 1:
        raise ValueError(N_("its layer for the backward direction is of an unknown class"))
    arrays = [
        _arrays(own, one, name, direction)
        for own, one, direction in zip(halves, (cell, back[0]), _DIRECTIONS, strict=True)
    ]
    specs = [_spec(net, name, one, a) for one, a in zip((cell, back[0]), arrays, strict=True)]
    # Forward of Keras reads tokens from the last one where outputs below stand in that order.
    swapped = feed.flipped != forward.flag("go_backwards")
    if specs[0] != specs[1] or arrays[0].width != arrays[1].width:
        if swapped or states:
            raise ValueError(N_("its two directions differ in cell, units or activations"))
        return _add_apart(net, name, feed, specs, arrays, every_step)
    known = merge in get_args(Merge)
    if swapped and merge not in ("sum", "mul", "ave"):
        raise ValueError(
            N_("it reads outputs in the order of reading and joins its two directions")
        )
    spec = replace(specs[0], bidirectional=True, merge=cast(Merge, merge) if known else "concat")
    params = dict(zip(_DIRECTIONS, reversed(arrays) if swapped else arrays, strict=True))
    joined = replace(arrays[0], roles=arrays[0].roles | arrays[1].roles)
    flow = _add(
        net, name, feed, spec, joined, {d: a.params for d, a in params.items()}, every_step, states
    )
    _notes(net, name, forward, swapped and every_step, False)
    flow = replace(flow, flipped=swapped and every_step, masked=feed.masked and every_step)
    if known:
        return flow
    return net.opaque(
        f"{name}.directions", "Bidirectional", (flow,),
        N_("merge_mode {merge}: the outputs of the two directions are not joined").format(
            merge=str(merge)[:20]
        ),
    )  # fmt: skip


def _add_apart(
    net: Net, name: str, feed: Flow, specs: Sequence[RecurrentSpec], arrays: Sequence[CellArrays],
    every_step: bool,
) -> Flow:  # fmt: skip
    """Two directions that are different layers, each as one of its own."""
    ways = []
    for spec, own, way in zip(specs, arrays, _DIRECTIONS, strict=True):
        spec = replace(spec, reverse=way == "backward")
        params: dict[str, Values] = {way: own.params}
        ways.append(_add(net, f"{name}.{way}", feed, spec, own, params, every_step, ()))
    reason = N_("its two directions differ in cell, units or activations and are read apart")
    return net.opaque(name, "Bidirectional", tuple(ways), reason)


_DIRECTIONS: Final[tuple[Direction, Direction]] = ("forward", "backward")


def _parts_of(name: str) -> set[str]:
    """The words that say a direction: of ``forward_lstm_1/kernel:0`` and ``forward_layer``."""
    return {way for way in _DIRECTIONS for part in name.split("/") if part.startswith(f"{way}_")}


def _split(
    tensors: Sequence[FileTensor], cells: Sequence[LayerConfig]
) -> list[Sequence[FileTensor]]:
    """The arrays of each cell of a layer."""
    if len(cells) == 1:
        return [tensors]
    left = list(tensors)
    parts: list[Sequence[FileTensor]] = []
    for cell in cells:
        count = array_count(cell) or 0
        parts.append(left[:count])
        left = left[count:]
    return parts


def _arrays(
    tensors: Sequence[FileTensor], cell: LayerConfig, name: str, direction: Direction
) -> CellArrays:
    # Keras 1 wrote W_i, U_i, b_i …; all others kernel, recurrent kernel, bias, mostly in order.
    leaves = [t.name.rpartition("/")[2].removesuffix(":0") for t in tensors]
    if not per_gate(tensors) and set(leaves) <= set(_LEAVES) and len(set(leaves)) == len(leaves):
        tensors = sorted(tensors, key=lambda t: _LEAVES.index(
            t.name.rpartition("/")[2].removesuffix(":0")
        ))  # fmt: skip
    after = cell.config.get("reset_after")
    return read_cell(
        tensors, _KINDS[cell.class_name], name, direction,
        after if isinstance(after, bool) else None,
    )  # fmt: skip


def _spec(net: Net, name: str, cell: LayerConfig, arrays: CellArrays) -> RecurrentSpec:
    """One direction's spec; ValueError for units or an activation that it cannot have."""
    units = cell.whole("units")
    if units is not None and units != arrays.units:
        raise ValueError(
            N_("its arrays have {own_units} units, its configuration {units}").format(
                own_units=arrays.units, units=units
            )
        )
    activation, gate = "tanh", "sigmoid"
    if not cell.class_name.startswith("CuDNN"):
        activation = cell.activation("activation", "tanh")
        if arrays.cell != "rnn" and not arrays.cudnn:
            usual = "hard_sigmoid" if net.version < (2, 3) else "sigmoid"
            gate = cell.activation("recurrent_activation", usual)
    return RecurrentSpec(
        arrays.cell, arrays.units,
        dropout=_share(cell.number("dropout", 0)),
        recurrent_dropout=_share(cell.number("recurrent_dropout", 0)),
        activation=state_activation(activation, net.keras_3),
        recurrent_activation=state_activation(gate, net.keras_3),
        bias="b" in arrays.params,
    )  # fmt: skip


def _share(rate: float) -> float:
    return float(rate) if 0 <= rate < 1 else 0.0


def state_activation(name: str, keras_3: bool) -> Activation:
    """Keras's name of an activation of the state as the engine calls it; ValueError without one.

    The hard sigmoid depends on the version; a leaky relu has another slope here.
    """
    own = _STATE_NAMES.get(name, name)
    own = "hard_sigmoid_sixth" if own == "hard_sigmoid" and keras_3 else own
    if own not in get_args(Activation) or own == "leaky_relu":
        raise ValueError(
            N_("its activation {activation} is not one that rnnviz computes").format(
                activation=own[:40]
            )
        )
    return cast(Activation, own)


def _add(
    net: Net, name: str, feed: Flow, spec: RecurrentSpec, arrays: CellArrays,
    params: dict[str, Values], every_step: bool, states: tuple[str, ...],
) -> Flow:  # fmt: skip
    if feed.width is not None and feed.width != arrays.width:
        raise ValueError(
            N_("its kernel reads {inputs} numbers, the layer below gives {width}").format(
                inputs=arrays.width, width=feed.width
            )
        )
    net.add(
        RecurrentOperation(
            name, (feed.name, *states), spec, arrays.width, params, every_step, states
        )
    )
    net.roles |= arrays.roles
    if arrays.conversion:
        net.conversions.append(f"{name}: {arrays.conversion}")
    width = arrays.units * (2 if spec.bidirectional and spec.merge == "concat" else 1)
    time = feed.shape[0] if feed.shape else None
    shape: Shape = (time, width) if every_step else (width,)
    return Flow(name, shape, inner=feed.inner)


def _notes(net: Net, name: str, layer: LayerConfig, flipped: bool, masked: bool) -> None:
    if flipped:
        net.conversions.append(
            N_(
                "{name}: its outputs stand in the order of tokens; Keras has them last token first"
            ).format(name=name)
        )
    if flipped and masked:
        from rnnviz.interop.contents import IgnoredEntry

        net.ignored.append(IgnoredEntry(
            N_("the mask above {name}").format(name=name),
            N_(
                "Keras leaves the mask in the order of tokens although the outputs are turned "
                "round; here each token keeps its own mask, so that only sequences without padding "
                "agree"
            ),
        ))  # fmt: skip
    dtype = layer.config.get("dtype")
    policy = dtype.get("config") if isinstance(dtype, dict) else None
    said = str(policy.get("name") if isinstance(policy, dict) else dtype)
    if said.endswith("float16"):
        net.conversions.append(
            N_("{name} computes in {dtype} in Keras, in float32 here").format(
                name=name, dtype=said[:20]
            )
        )
    if layer.flag("stateful"):
        net.conversions.append(
            N_(
                "{name} is stateful: in Keras a batch begins with the states of the one "
                "before; here each sequence begins with zeros"
            ).format(name=name)
        )
