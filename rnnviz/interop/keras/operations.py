"""From a model's configuration and the arrays of its layers to operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from rnnviz.interop.contents import FileTensor, InputOperation, TensorRole
from rnnviz.interop.keras.flow import Flow, Net
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.interop.keras.other_layers import DENSE, IDENTITIES, add_last_step, add_layer
from rnnviz.interop.keras.recurrent_layers import add_recurrent, is_recurrent
from rnnviz.interop.keras.topology import ALL_STEPS, EACH_STEP, Call, expand
from rnnviz.interop.keras.weight_stores import Weights, distribute
from rnnviz.messages import N_

#: Layers that act on each number or feature alone, so that more axes change nothing.
_POINTWISE: Final = IDENTITIES | {"Activation", "BatchNormalization", "Masking", "ReLU", *DENSE}
#: Layers whose output has the shape of their first input.
_SAME_SHAPE: Final = frozenset({
    "Add", "Multiply", "Average", "Maximum", "Minimum", "LeakyReLU", "PReLU", "LayerNormalization",
})  # fmt: skip
_REASONS: Final = {
    "Lambda": N_("its code is in the file, and no code of a file is run"),
    "Concatenate": N_("it joins several layers"), "Merge": N_("it joins several layers"),
    "Add": N_("it adds several layers"), "Flatten": N_("it joins the steps of a sequence"),
    "ConvLSTM1D": N_("a convolution in place of the matrix products of an LSTM"),
    "ConvLSTM2D": N_("a convolution in place of the matrix products of an LSTM"),
    "ConvLSTM3D": N_("a convolution in place of the matrix products of an LSTM"),
    "RepeatVector": N_("it repeats one vector for the steps of a decoder"),
}  # fmt: skip


def build(net: Net, model: LayerConfig, weights: Weights) -> None:
    """Add the operations of a model; ValueError for a graph that cannot be followed."""
    calls, _ = expand(model)
    weights = dict(weights)
    for call in calls:
        if call.layer.class_name == "InputLayer":
            _add_input(net, call)
        elif call.layer.class_name in (EACH_STEP, ALL_STEPS):
            _add_steps(net, call, weights)
        else:
            _add_call(net, call, weights.get(call.path, ()))


def _add_input(net: Net, call: Call) -> None:
    dtype = call.layer.config.get("dtype")
    dtype = dtype if isinstance(dtype, str) else "float32"
    shape = call.shape or ()
    net.add(InputOperation(call.name, (), shape, dtype))
    net.set_output(call.name, Flow(call.name, shape))


def _add_steps(net: Net, call: Call, weights: Weights) -> None:
    """Go from a sequence to its steps, which a model reads one by one, and back.

    The arrays of the model may stand in one list.
    """
    flow, inner = net.at(call.reads[0]), call.layer.inner()
    if call.layer.class_name == ALL_STEPS:
        net.set_output(call.name, replace(flow, inner=True))
        return
    net.set_output(call.name, replace(net.each_step(flow), inner=False))
    tensors = weights.get(call.path)
    if tensors and inner is not None:
        own = distribute(tensors, inner)
        weights |= {(*call.path, inner.name, *path): found for path, found in own.items()}


def _add_call(net: Net, call: Call, tensors: Sequence[FileTensor]) -> None:
    """Add a layer that is applied; one that cannot be expressed becomes opaque."""
    layer, before = call.layer, net.marks()
    try:
        if layer.class_name == "TimeDistributed":
            flow = _each_step(net, call, tensors)
        elif is_recurrent(layer):
            flow = _recurrent(net, call, layer, tensors)
        else:
            flow = _single(net, call, layer, tensors)
        reason = ""
    except ValueError as error:
        net.undo(before)
        flow, reason = None, str(error)
    if flow is None:
        for tensor in tensors:
            net.roles[tensor.name] = TensorRole(call.name, "other")
        reason = reason or _REASONS.get(
            layer.class_name, N_("a layer that rnnviz does not compute")
        )
        feeds = tuple(net.read(endpoint) for endpoint in (*call.reads, *call.states))
        kind = layer.class_name
        inner = layer.inner()
        if inner is not None:
            kind = f"{kind}({inner.class_name})"
        shape = _opaque_shape(layer, feeds)
        flow = replace(net.opaque(call.name, kind, feeds, reason), shape=shape)
    net.set_output(call.name, flow)


def _recurrent(net: Net, call: Call, layer: LayerConfig, tensors: Sequence[FileTensor]) -> Flow:
    # Keras 2 lists initial states behind the input.
    states = tuple(net.read(e).name for e in (*call.reads[1:], *call.states))
    if not call.reads:
        raise ValueError(N_("it has no input"))
    return add_recurrent(net, call.name, layer, tensors, net.read(call.reads[0]), states)


def _single(net: Net, call: Call, layer: LayerConfig, tensors: Sequence[FileTensor]) -> Flow | None:
    """A layer with one input; None for a class that is not known."""
    if len(call.reads) != 1:
        return None
    if layer.class_name in ("GetItem", "SlicingOpLambda"):
        return add_last_step(net, call.name, net.read(call.reads[0])) if _last(call) else None
    pointwise = layer.class_name in _POINTWISE
    feed = net.at(call.reads[0]) if pointwise and layer.class_name not in DENSE else None
    return add_layer(net, call.name, layer, tensors, feed or net.read(call.reads[0]))


def _each_step(net: Net, call: Call, tensors: Sequence[FileTensor]) -> Flow | None:
    """A layer that TimeDistributed applies to each step of its input."""
    inner = call.layer.inner()
    if inner is None or len(call.reads) != 1:
        return None
    feed = net.at(call.reads[0])
    if is_recurrent(inner):
        return add_recurrent(net, call.name, inner, tensors, net.each_step(feed))
    if inner.class_name in _POINTWISE:
        return add_layer(net, call.name, inner, tensors, feed)
    if inner.class_name == "Embedding":
        return add_layer(net, call.name, inner, tensors, net.each_step(feed))
    return None


def _last(call: Call) -> bool:
    """Whether a slice takes ``[:, -1]`` or ``[:, -1, :]``."""
    for spec in _slices(call.arguments):
        whole = [isinstance(s, dict) and _whole(s) for s in spec]
        if len(spec) in (2, 3) and spec[1] == -1 and whole[0] and all(whole[2:]):
            return True
    return False


def _slices(value: Any) -> list[list[Any]]:
    """The lists in the arguments of a call that may be indices."""
    if isinstance(value, dict):
        return [found for inner in value.values() for found in _slices(inner)]
    if not isinstance(value, list):
        return []
    own = [value] if value and isinstance(value[0], dict) else []
    return own + [found for inner in value for found in _slices(inner)]


def _whole(bounds: dict[str, Any]) -> bool:
    """Whether an index is ``:``, as Keras 2 or Keras 3 writes it."""
    config = bounds.get("config")
    values = (
        config if isinstance(config, list) else [bounds.get(k) for k in ("start", "stop", "step")]
    )
    if isinstance(config, dict):
        values = list(config.values())
    return all(value is None for value in values)


def _opaque_shape(layer: LayerConfig, feeds: Sequence[Flow]) -> tuple[int | None, ...] | None:
    """The shape of what an opaque layer gives, where that is sure."""
    shapes = [feed.shape for feed in feeds]
    first = shapes[0] if shapes else None
    if layer.class_name in _SAME_SHAPE:
        return first
    if layer.class_name == "Concatenate" and first and layer.number("axis", -1) in (-1, len(first)):
        widths = [shape[-1] if shape else None for shape in shapes]
        known = [width for width in widths if width is not None]
        return (*first[:-1], sum(known) if len(known) == len(widths) else None)
    return None
