"""A net as layers of Keras: for calls in text, for the configuration of a file, and for weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rnnviz.engine.spec import DenseSpec, EmbeddingSpec, HeadReads, ModelSpec, RecurrentSpec
from rnnviz.interop.export.limits import KERAS, layer_refusal

#: The layer class of a cell.
CLASSES: Final = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU", "gru-2014": "GRU"}
#: The name of each class in weight files and as a default name of a layer.
SNAKE: Final = {
    "SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru", "Bidirectional": "bidirectional",
    "Embedding": "embedding", "Masking": "masking", "Flatten": "flatten", "Dropout": "dropout",
    "Dense": "dense",
}  # fmt: skip
#: What Keras takes where an argument is not given; calls leave it out.
DEFAULTS: Final[Mapping[str, Any]] = {
    "mask_zero": False, "use_bias": True, "recurrent_activation": "sigmoid", "dropout": 0.0,
    "recurrent_dropout": 0.0, "return_sequences": False, "go_backwards": False, "reset_after": True,
}  # fmt: skip
#: Arguments that a call gives without their names, by class.
POSITIONAL: Final = {"Embedding": ("input_dim", "output_dim"), "Masking": (), "Dropout": ("rate",)}


@dataclass(frozen=True)
class KerasLayer:
    """A layer of Keras, and the beginning of the names of its arrays here ("" without any).

    ``merge`` is the merge mode of a Bidirectional around it, None without one.
    """

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    arrays: str = ""
    merge: str | None = None

    @property
    def default_activation(self) -> str:
        """What the class takes for ``activation`` where it is not given."""
        return "linear" if self.kind == "Dense" else "tanh"

    def call(self, module: str = "") -> str:
        """The layer as a call, each class with ``module`` before it: ``LSTM(32)``."""
        positional = POSITIONAL.get(self.kind, ("units",))
        usual = {**DEFAULTS, "activation": self.default_activation}
        said = [
            _literal(value) if name in positional else f"{name}={_literal(value)}"
            for name, value in self.arguments.items()
            if name in positional or name not in usual or value != usual[name]
        ]
        call = f"{module}{self.kind}({', '.join(said)})"
        if self.merge is None:
            return call
        merged = "" if self.merge == "concat" else f', merge_mode="{self.merge}"'
        return f"{module}Bidirectional({call}{merged})"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:g}" if isinstance(value, float) else str(value)


#: What Keras calls the activations that have another name there; its hard sigmoid is that of
#: Keras 3, of which that of Keras 2 is a multiple of the argument (``keras_files``).
ACTIVATION_NAMES: Final = {"identity": "linear", "hard_sigmoid_sixth": "hard_sigmoid"}


def keras_activation(name: str) -> str:
    """What Keras calls an activation."""
    return ACTIVATION_NAMES.get(name, name)


def source_layers(spec: ModelSpec) -> list[KerasLayer]:
    """What comes before the recurrent layers, without the input."""
    source = spec.source
    if isinstance(source, EmbeddingSpec):
        arguments = {
            "input_dim": source.vocabulary, "output_dim": source.width,
            "mask_zero": source.mask_zero,
        }  # fmt: skip
        return [KerasLayer("Embedding", arguments, "embedding")]
    if source.mask_value is not None:
        return [KerasLayer("Masking", {"mask_value": source.mask_value})]
    return []


def recurrent_layer(layer: RecurrentSpec, arrays: str, sequences: bool) -> KerasLayer:
    """A recurrent layer that Keras has; ``sequences``: it returns its outputs of all steps."""
    arguments: dict[str, Any] = {
        "units": layer.units, "activation": keras_activation(layer.activation)
    }  # fmt: skip
    if layer.cell != "rnn":
        arguments["recurrent_activation"] = keras_activation(layer.recurrent_activation)
    arguments |= {
        "use_bias": layer.bias, "dropout": layer.dropout,
        "recurrent_dropout": layer.recurrent_dropout, "return_sequences": sequences,
    }  # fmt: skip
    if not layer.bidirectional:
        arguments["go_backwards"] = layer.reverse
    if CLASSES[layer.cell] == "GRU":
        arguments["reset_after"] = layer.cell == "gru"
    merge = layer.merge if layer.bidirectional else None
    return KerasLayer(CLASSES[layer.cell], arguments, arrays, merge)


def dense_layers(spec: ModelSpec) -> list[KerasLayer]:
    """The head's layers from bottom to top."""
    head = spec.head
    layers = [KerasLayer("Dropout", {"rate": head.dropout})] if head.dropout else []
    for name, dense in head.below:
        layers.append(_dense(dense, keras_activation(dense.activation), name))
    if head.kind != "state":
        layers.append(_dense(DenseSpec(head.outputs, bias=head.bias), head.kind, "head"))
    return layers


def _dense(dense: DenseSpec, activation: str, arrays: str) -> KerasLayer:
    arguments = {"units": dense.units, "activation": activation, "use_bias": dense.bias}
    return KerasLayer("Dense", arguments, arrays)


# -- the whole net -----------------------------------------------------------------------------


@dataclass(frozen=True)
class StepOperation:
    """What stands between layers: Flip, all steps in reverse order; GetItem, those of the last."""

    kind: Literal["Flip", "GetItem"]

    @property
    def code(self) -> str:
        """As it is written, of x."""
        return "keras.ops.flip(x, axis=1)" if self.kind == "Flip" else "x[:, -1]"


def keras_net(spec: ModelSpec) -> list[KerasLayer | StepOperation]:
    """The layers from bottom to top, without the input, of a net that Keras can say.

    A layer that reads backwards only returns its outputs in the order in which it read; they are
    put back into the order of the text. The last state of a layer that reads forwards is its output
    at the last token.
    """
    net: list[KerasLayer | StepOperation] = list(source_layers(spec))
    if isinstance(spec.source, EmbeddingSpec) and spec.source.dropout:
        net.append(KerasLayer("Dropout", {"rate": spec.source.dropout}))
    top = len(spec.layers) - 1
    for k, layer in enumerate(spec.layers):
        reads = "steps" if k < top else head_reads(spec)
        net.append(recurrent_layer(layer, f"layers.{k}", reads != "last"))
        if layer.directions == ("backward",) and reads != "last":
            net.append(StepOperation("Flip"))
        if reads == "end":
            net.append(StepOperation("GetItem"))
    if not spec.layers:
        net.append(KerasLayer("Flatten"))
    return [*net, *dense_layers(spec)]


def head_reads(spec: ModelSpec) -> HeadReads:
    """What the head reads; "last" where that is the same."""
    forwards = bool(spec.layers) and spec.layers[-1].directions == ("forward",)
    return "last" if forwards and spec.head.reads == "end" else spec.head.reads


def keras_calls(spec: ModelSpec) -> list[str]:
    """A call for each row of :func:`rnnviz.engine.param_count.parameters`; "" where there is none.

    Masking and Dropout of the head, which have no rows, stand before the call of the layer above.
    """
    calls: list[str] = []
    before = ""
    for layer in source_layers(spec):
        if layer.kind == "Masking":
            before = f"{layer.call()}, "
        else:
            calls.append(layer.call())
    top = len(spec.layers) - 1
    for k, recurrent in enumerate(spec.layers):
        # Where z renews, its weights are negated for Keras: no call says that.
        if layer_refusal(recurrent, KERAS) is not None or not recurrent.keeps:
            calls.append("")
        else:
            sequences = k < top or head_reads(spec) != "last"
            calls.append(before + recurrent_layer(recurrent, "", sequences).call())
        before = ""
    if not spec.layers:
        calls.append("Flatten()")
    for layer in dense_layers(spec):
        if layer.kind == "Dropout":
            before = f"{layer.call()}, "
        else:
            calls.append(before + layer.call())
            before = ""
    return calls
