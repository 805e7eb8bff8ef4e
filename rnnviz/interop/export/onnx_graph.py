"""A net as an ONNX graph: Gather, one LSTM, GRU or RNN node for each layer, Gemm.

Inputs are ids (batch, steps) or measurements (batch, steps, D). A net that skips padding counts the
ids other than 0 and gives the nodes these lengths: in a batch padding is at the end.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import MissingError
from rnnviz.interop.export.keras_layers import head_reads
from rnnviz.interop.export.weights import in_order, layer_arrays
from rnnviz.messages import _

#: The operator of a cell, and the order of its gates.
OPERATORS: Final = {
    "rnn": ("RNN", ("",)), "lstm": ("LSTM", ("i", "o", "f", "g")),
    "lstm-peephole": ("LSTM", ("i", "o", "f", "g")), "gru": ("GRU", ("z", "r", "g")),
    "gru-2014": ("GRU", ("z", "r", "g")),
}  # fmt: skip
#: What ONNX calls the activations, with alpha and beta of those that have them.
ACTIVATIONS: Final[dict[str, tuple[str, tuple[float, ...]]]] = {
    "tanh": ("Tanh", ()), "sigmoid": ("Sigmoid", ()), "relu": ("Relu", ()),
    "identity": ("Affine", (1.0, 0.0)), "hard_sigmoid": ("HardSigmoid", (0.2, 0.5)),
    "hard_sigmoid_sixth": ("HardSigmoid", (1 / 6, 0.5)), "leaky_relu": ("LeakyRelu", (0.01,)),
    "softsign": ("Softsign", ()), "softplus": ("Softplus", ()), "elu": ("Elu", (1.0,)),
}  # fmt: skip
#: How the outputs of two directions become one, besides side by side and their sum.
MERGES: Final = {"mul": "ReduceProd", "ave": "ReduceMean"}
#: Operators of the dense layers and the head's kinds that no recurrent layer has.
OPERATORS_ABOVE: Final = {"softmax": "Softmax", "selu": "Selu"}
OPSET, IR_VERSION = 17, 8


class OnnxGraph:
    """Nodes and initializers in the order in which they are added."""

    def __init__(self, helper: Any, numpy_helper: Any) -> None:
        self.helper, self.numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, name: str, array: Array) -> str:
        """An initializer; its name."""
        self.initializers.append(self.numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def whole(self, name: str, *numbers: int) -> str:
        """An initializer of whole numbers, (n)."""
        return self.constant(name, np.array(numbers, np.int64))

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node of one output; the output's name."""
        return self.add_outputs(kind, inputs, [output], **attributes)[0]

    def add_outputs(
        self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any
    ) -> list[str]:
        """A node; the names of its outputs."""
        name = f"{next((o for o in outputs if o), kind)}/{kind}"
        self.nodes.append(self.helper.make_node(kind, inputs, outputs, name, **attributes))
        return outputs


def onnx_file(spec: ModelSpec, params: Values) -> bytes:
    """The bytes of the model. MissingError if the onnx package is not installed."""
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ModuleNotFoundError as error:
        raise MissingError(
            _("Writing ONNX needs the onnx package.\nInstall it: pip install 'rnnviz[import]'")
        ) from error
    graph = OnnxGraph(helper, numpy_helper)
    words = isinstance(spec.source, EmbeddingSpec)
    if words:
        shape: list[Any] = ["batch", "steps"]
    else:
        assert isinstance(spec.source, SeriesSpec)
        shape = ["batch", "steps" if spec.layers else spec.source.steps, spec.source.width]
    result = _net(graph, spec, params)
    kind = TensorProto.INT64 if words else TensorProto.FLOAT
    source = helper.make_tensor_value_info("ids" if words else "series", kind, shape)
    steps: list[Any] = ["batch", "steps"] if head_reads(spec) == "steps" else ["batch"]
    target = helper.make_tensor_value_info(
        result, TensorProto.FLOAT, [*steps, spec.head.outputs]
    )  # fmt: skip
    model = helper.make_model(
        helper.make_graph(graph.nodes, "rnnviz", [source], [target], graph.initializers),
        producer_name="rnnviz",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _net(graph: OnnxGraph, spec: ModelSpec, params: Values) -> str:
    """Add all nodes; the name of the output."""
    lengths = ""
    if isinstance(spec.source, EmbeddingSpec):
        table = graph.constant("embedding", np.asarray(params["embedding"], np.float32))
        x = graph.add("Gather", [table, "ids"], "embedded", axis=0)
        if spec.source.mask_zero:
            lengths = _lengths(graph)
    else:
        x = "series"
    if spec.layers:
        x = graph.add("Transpose", [x], "steps_first", perm=[1, 0, 2])
        for k in range(len(spec.layers)):
            x = _layer(graph, spec, params, k, x, lengths)
        if head_reads(spec) == "steps":
            x = graph.add("Transpose", [x], "states", perm=[1, 0, 2])
    else:
        x = graph.add("Flatten", [x], "flat", axis=1)
    return _head(graph, spec, params, x)


def _lengths(graph: OnnxGraph) -> str:
    """The number of ids other than 0 of each sequence, (B) int32."""
    from onnx import TensorProto

    padding = graph.add("Equal", ["ids", graph.whole("padding_id", 0)], "is_padding")
    read = graph.add("Not", [padding], "is_read")
    counted = graph.add("Cast", [read], "read", to=TensorProto.INT32)
    return graph.add("ReduceSum", [counted, graph.whole("steps_axis", 1)], "lengths", keepdims=0)


# -- a recurrent layer -------------------------------------------------------------------------


def _layer(graph: OnnxGraph, spec: ModelSpec, params: Values, k: int, x: str, lengths: str) -> str:
    """Layer k on ``x`` (T, B, D): its outputs (T, B, F), or what the head reads of them (B, F)."""
    layer = spec.layers[k]
    kind, order = OPERATORS[layer.cell]
    arrays = [layer_arrays(spec, params, k, direction) for direction in layer.directions]
    inputs = [x]
    for letter, name in (("W", "W"), ("U", "R")):
        packed = np.stack([in_order(layer, a[letter], order).T for a in arrays])
        inputs.append(graph.constant(f"layers.{k}.{name}", packed))
    if layer.bias:
        both = np.stack([_biases(layer, a["b"], order) for a in arrays])
        inputs.append(graph.constant(f"layers.{k}.B", both))
    else:
        inputs.append("")
    inputs += [lengths, *_initial(graph, layer, arrays, k, x)]
    if "p_i" in arrays[0]:
        peepholes = [np.concatenate([a[f"p_{gate}"] for gate in "iof"]) for a in arrays]
        inputs += [""] * (7 - len(inputs))
        inputs.append(graph.constant(f"layers.{k}.P", np.stack(peepholes)))
    while not inputs[-1]:
        inputs.pop()
    top = k + 1 == len(spec.layers)
    last = top and head_reads(spec) == "last"
    outputs = ["", f"layers.{k}.Y_h"] if last else [f"layers.{k}.Y"]
    found = graph.add_outputs(kind, inputs, outputs, **_attributes(layer, kind))[-1]
    merged = _merged(graph, layer, found, f"layers.{k}.h", last)
    if top and head_reads(spec) == "end":
        return graph.add("Gather", [merged, graph.constant("end", np.array(-1))], "end_h", axis=0)
    return merged


def _biases(layer: RecurrentSpec, b: Array, order: tuple[str, ...]) -> Array:
    """(2·G·H): of the input's product and of the recurrent one."""
    found = in_order(layer, b, order)
    return found.ravel() if found.ndim == 2 else np.concatenate([found, np.zeros_like(found)])


def _initial(
    graph: OnnxGraph, layer: RecurrentSpec, arrays: list[Values], k: int, x: str
) -> list[str]:
    """The initial states that are trained, for each sequence of the batch."""
    if not layer.trained_initial:
        return []
    names = []
    for state in CELLS[layer.cell].states:
        rows = np.stack([a[f"{state}0"] for a in arrays])[:, None]  # (directions, 1, H)
        one = graph.constant(f"layers.{k}.{state}0", rows.astype(np.float32))
        shape = graph.add("Shape", [x], f"layers.{k}.{state}0_x", start=1, end=2)
        sizes = [graph.whole(f"layers.{k}.{state}0_{n}", rows.shape[n]) for n in (0, 2)]
        wide = graph.add(
            "Concat", [sizes[0], shape, sizes[1]], f"layers.{k}.{state}0_shape", axis=0
        )
        names.append(graph.add("Expand", [one, wide], f"layers.{k}.{state}0_batch"))
    return names


def _attributes(layer: RecurrentSpec, kind: str) -> dict[str, Any]:
    """The attributes of the node: those that differ from ONNX's defaults."""
    direction = "bidirectional" if layer.bidirectional else "forward"
    direction = "reverse" if layer.directions == ("backward",) else direction
    found: dict[str, Any] = {"hidden_size": layer.units, "direction": direction}
    state = [layer.activation]
    if kind == "LSTM":
        state.append(layer.output_activation or layer.activation)
    functions = [*([layer.recurrent_activation] if kind != "RNN" else []), *state]
    usual = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}
    if functions != usual[kind]:
        named = [ACTIVATIONS[function] for function in functions] * len(layer.directions)
        found["activations"] = [name for name, _ in named]
        # Consumed in the order of the functions, by those that have them.
        if alphas := [numbers[0] for _, numbers in named if numbers]:
            found["activation_alpha"] = alphas
        if betas := [numbers[1] for _, numbers in named if len(numbers) > 1]:
            found["activation_beta"] = betas
    if layer.cell == "gru":
        found["linear_before_reset"] = 1
    if layer.clip is not None:
        found["clip"] = layer.clip
    return found


def _merged(graph: OnnxGraph, layer: RecurrentSpec, found: str, name: str, last: bool) -> str:
    """The directions of outputs (T, directions, B, H), or of last states (directions, B, H)."""
    axis = 0 if last else 1
    if not layer.bidirectional:
        return graph.add("Squeeze", [found, graph.whole(f"{name}_axis", axis)], name)
    if layer.merge == "sum":
        axes = graph.whole(f"{name}_axis", axis)
        return graph.add("ReduceSum", [found, axes], name, keepdims=0)
    if layer.merge != "concat":  # until opset 18 these have their axes as an attribute
        return graph.add(MERGES[layer.merge], [found], name, axes=[axis], keepdims=0)
    beside = graph.add("Transpose", [found], f"{name}_2", perm=[1, 0, 2] if last else [0, 2, 1, 3])
    shape = graph.whole(f"{name}_shape", *([0, -1] if last else [0, 0, -1]))
    return graph.add("Reshape", [beside, shape], name)


# -- the head ----------------------------------------------------------------------------------


def _head(graph: OnnxGraph, spec: ModelSpec, params: Values, x: str) -> str:
    """The dense layers on features (B, F) or (B, T, F)."""
    head = spec.head
    layers: list[tuple[str, str]] = [(name, dense.activation) for name, dense in head.below]
    if head.kind != "state":
        layers.append(("head", "identity" if head.kind == "linear" else head.kind))
    for name, activation in layers:
        W = graph.constant(f"{name}.W", np.asarray(params[f"{name}.W"], np.float32))
        b = params.get(f"{name}.b")
        bias = [] if b is None else [graph.constant(f"{name}.b", np.asarray(b, np.float32))]
        if head_reads(spec) != "steps":
            x = graph.add("Gemm", [x, W, *bias], f"{name}.a")
        else:
            x = graph.add("MatMul", [x, W], f"{name}.xW" if bias else f"{name}.a")
            x = graph.add("Add", [x, *bias], f"{name}.a") if bias else x
        x = _activated(graph, x, activation, f"{name}.y")
    return graph.add("Identity", [x], "output")


def _activated(graph: OnnxGraph, x: str, activation: str, output: str) -> str:
    """A function of a dense layer; Softmax is over the last axis."""
    if activation == "identity":
        return x
    if activation == "hard_tanh":
        ends = [graph.constant(f"{output}_{n}", np.array(n, np.float32)) for n in (-1, 1)]
        return graph.add("Clip", [x, *ends], output)
    if activation in OPERATORS_ABOVE:
        return graph.add(OPERATORS_ABOVE[activation], [x], output)
    kind, numbers = ACTIVATIONS[activation]
    return graph.add(kind, [x], output, **dict(zip(("alpha", "beta"), numbers, strict=False)))
