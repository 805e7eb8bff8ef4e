"""A net from weights alone: layers connected in the order of the file where the widths fit.

What cannot be seen, such as activations, is assumed and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rnnviz.interop.contents import (
    Assumption,
    IdentityOperation,
    InputOperation,
    RecurrentOperation,
    TensorRole,
)
from rnnviz.interop.keras.cell_arrays import kind_of
from rnnviz.interop.keras.flow import Flow, Net
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.interop.keras.other_layers import add_last_step, add_layer
from rnnviz.interop.keras.recurrent_layers import add_recurrent
from rnnviz.interop.keras.unlabelled_weights import UnlabelledLayer
from rnnviz.messages import N_

_CLASSES: Final = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}


def add_guessed(net: Net, layers: Sequence[UnlabelledLayer]) -> None:
    """Add the operations of the layers, and what was assumed; ValueError for names that clash."""
    known: set[str] = set()
    for layer in layers:
        name, k = layer.name, 1
        while layer.name in known:
            k += 1
            layer.name = f"{name}:{k}"
        known.add(layer.name)
    guess = _Guess(net, layers)
    for k in range(len(layers)):
        guess.add(k)
    guess.say()


class _Guess:
    """Connects layers in the order of the file."""

    def __init__(self, net: Net, layers: Sequence[UnlabelledLayer]) -> None:
        self._net, self._layers = net, layers
        self._flow: Flow | None = None
        self._input = ""  # the name of an input whose width is not known yet
        self._recurrent: list[str] = []
        self._joined: list[str] = []
        self._masking = ""  # the name of a layer that masks the vectors above it
        self._assumed: list[Assumption] = []
        self._dense = [k for k, layer in enumerate(layers) if layer.what == "dense"]

    def add(self, k: int) -> None:
        """Add the layer of that index."""
        net, layer = self._net, self._layers[k]
        before = net.marks()
        try:
            match layer.what:
                case "input":
                    self._input, self._flow = layer.name, None
                case "other" if self._flow is None and not layer.arrays:
                    self._input = layer.name  # the first layers of a net without arrays
                case "masking":
                    self._masking = layer.name
                case "identity" if self._flow is not None:
                    net.add(IdentityOperation(layer.name, (self._flow.name,), layer.hint))
                    self._flow = Flow(layer.name, self._flow.shape, inner=self._flow.inner)
                case "identity":
                    pass
                case "recurrent":
                    self._add_recurrent(k, layer)
                case "embedding":
                    feed = self._own_input(layer, (None,), "int32")
                    feed = net.each_step(feed) if layer.deep else feed
                    self._assume(N_("whether {name} masks the id 0").format(name=layer.name), "no")
                    config = LayerConfig(layer.name, "Embedding", {})
                    self._flow = add_layer(net, layer.name, config, layer.arrays, feed)
                case "dense":
                    self._add_dense(k, layer)
                case "normalisation":
                    config = LayerConfig(layer.name, "BatchNormalization", {})
                    feed = self._feed(layer, layer.arrays[0].shape[0], (layer.arrays[0].shape[0],))
                    self._flow = add_layer(net, layer.name, config, layer.arrays, feed)
                    self._assume(N_("the epsilon of {name}").format(name=layer.name), "0.001")
                case _:
                    self._add_opaque(layer, "")
        except ValueError as error:
            net.undo(before)
            self._add_opaque(layer, str(error))

    def _add_opaque(self, layer: UnlabelledLayer, reason: str) -> None:
        usual = N_("arrays of a layer that rnnviz does not compute")
        if not layer.arrays:
            usual = N_("a layer without arrays, whose class the file does not say")
        below = [] if self._flow is None else [self._flow]
        feeds = tuple(self._net.outer(f) if f.inner else f for f in below)
        self._flow = self._net.opaque(layer.name, layer.hint, feeds, reason or usual)
        for tensor in (*layer.arrays, *layer.backward):
            self._net.roles[tensor.name] = TensorRole(layer.name, "other")

    def _add_recurrent(self, k: int, layer: UnlabelledLayer) -> None:
        net, options = self._net, self._net.options
        width = layer.arrays[0].shape[0]
        every_step, head = self._every_step(k), options.head
        config: dict[str, Any] = {
            "activation": options.activation or "tanh", "return_sequences": every_step,
            "recurrent_activation": options.gate_activation or usual_gate(net.version)[0],
        }  # fmt: skip
        if options.reset_after is not None:
            config["reset_after"] = options.reset_after
        kinds = [kind for cell in layer.cells if (kind := kind_of(cell))]
        own = LayerConfig(layer.name, _CLASSES[kinds[0]], config)
        one: dict[str, Any] = {"class_name": own.class_name, "config": config}
        if len(kinds) > 1:
            cells = [
                {"class_name": f"{_CLASSES[kind]}Cell", "config": {
                    **config, "use_bias": len(cell) > 2,
                }}
                for kind, cell in zip(kinds, layer.cells, strict=True)
            ]  # fmt: skip
            cell = {"class_name": "StackedRNNCells", "config": {"cells": cells}}
            own = LayerConfig(layer.name, "RNN", {"cell": cell, "return_sequences": every_step})
        if layer.backward:
            own = LayerConfig(layer.name, "Bidirectional", {"layer": one, "merge_mode": "concat"})
            self._joined.append(layer.name)
        feed = self._feed(layer, width, (None, width), layer.deep)
        if self._masking:
            config = {"mask_value": 0.0}
            masking = LayerConfig(self._masking, "Masking", config)
            feed = add_layer(net, self._masking, masking, (), feed) or feed
            self._assume(N_("the value that {name} skips").format(name=self._masking), "0")
            self._masking = ""
        flow = add_recurrent(net, layer.name, own, (*layer.arrays, *layer.backward), feed)
        following = self._following(k)
        if following is not None and following.what == "dense" and head == "end":
            flow = add_last_step(net, f"{layer.name}.last", flow)
        self._flow = flow
        self._recurrent.append(layer.name)
        if kinds == ["gru"] and len(layer.arrays) == 2 and options.reset_after is None:
            self._assumed.append(Assumption(
                N_("where the reset gate of {name} acts").format(name=layer.name),
                N_("before the recurrent product"),
                "--reset-after", N_("only the shape of a bias says it, and the layer has none"),
            ))  # fmt: skip

    def _every_step(self, k: int) -> bool:
        """Whether what follows reads all outputs of a recurrent layer."""
        following = self._following(k)
        if following is None:
            return self._net.options.head == "steps"
        if following.what != "dense" or following.deep:
            return True
        if self._net.options.head is None and self._fits(k, following):
            self._assumed.append(Assumption(
                N_("what {reader} reads of {name}").format(
                    reader=following.name, name=self._layers[k].name
                ),
                N_("the last state"),
                "--head",
                N_("a file of weights alone does not store return_sequences"),
            ))  # fmt: skip
        return self._net.options.head in ("end", "steps")

    def _following(self, k: int) -> UnlabelledLayer | None:
        """The next layer with arrays; batch normalisation belongs to the layer that reads it."""
        after = (x for x in self._layers[k + 1 :] if x.arrays and x.what != "normalisation")
        return next(after, None)

    def _fits(self, k: int, dense: UnlabelledLayer) -> bool:
        (*_, top) = self._layers[k].cells
        units = top[1].shape[0] if len(top) < 9 else top[0].shape[-1]
        return dense.arrays[0].shape[0] in (units, 2 * units)

    def _add_dense(self, k: int, layer: UnlabelledLayer) -> None:
        options = self._net.options
        last = k == self._dense[-1]
        if self._flow is not None and options.head == "none":
            self._flow = None
        width = layer.arrays[0].shape[0]
        feed = self._feed(layer, width, (width,))
        said = (options.output or "linear") if last else (options.dense_activation or "relu")
        config = LayerConfig(layer.name, "Dense", {"activation": said})
        self._flow = add_layer(self._net, layer.name, config, layer.arrays, feed)
        if (options.output if last else options.dense_activation) is None:
            option = "--output" if last else "--dense-activation"
            self._assume(N_("the activation of {name}").format(name=layer.name), said, option)

    def _feed(
        self, layer: UnlabelledLayer, width: int, shape: tuple[int | None, ...], deep: bool = False
    ) -> Flow:
        """What a layer reads: the one before it where the widths fit, else an input of its own."""
        flow = self._flow
        if flow is not None and flow.inner and not deep:
            flow = self._net.outer(flow)
        rank_fits = flow is not None and (flow.shape is None or len(shape) <= len(flow.shape))
        if flow is None or not rank_fits or flow.width not in (None, width):
            flow = self._own_input(layer, shape, "float32")
            return self._net.each_step(Flow(flow.name, (None, *shape))) if deep else flow
        return flow

    def _own_input(self, layer: UnlabelledLayer, shape: tuple[int | None, ...], dtype: str) -> Flow:
        name, self._input = self._input or f"{layer.name}_input", ""
        shape = (None, *shape) if layer.deep else shape
        self._net.add(InputOperation(name, (), shape, dtype))
        return Flow(name, shape)

    def _assume(self, what: str, value: str, option: str = "--config") -> None:
        reason = N_("a file of weights alone does not store it")
        self._assumed.append(Assumption(what, value, option, reason))

    def say(self) -> None:
        """Note what was assumed for all layers."""
        net, options = self._net, self._net.options
        net.assumptions.append(Assumption(
            N_("how the layers are connected"),
            N_("in the order of the file where widths fit, each reading from the first step"),
            "--config",
            N_("a file of weights alone does not store it"),
        ))  # fmt: skip
        names = ", ".join(self._recurrent)
        gated = [
            op.name
            for op in net.operations
            if isinstance(op, RecurrentOperation) and op.spec.cell != "rnn"
        ]
        if names and options.activation is None:
            net.assumptions.append(Assumption(
                N_("the activation of {name}").format(name=names), "tanh", "--activation",
                N_("a file of weights alone does not store it; it is Keras's default"),
            ))  # fmt: skip
        gated = [name for name in gated if not self._is_cudnn(name)]
        if gated and options.gate_activation is None:
            value, reason = usual_gate(net.version)
            net.assumptions.append(Assumption(
                N_("the gate activation of {name}").format(name=", ".join(gated)),
                value, "--gate-activation", reason,
            ))  # fmt: skip
        if self._joined:
            what = N_("how the two directions of {names} are joined").format(
                names=", ".join(self._joined)
            )
            self._assume(what, "concat")
        net.assumptions += self._assumed

    def _is_cudnn(self, name: str) -> bool:
        """Whether a layer's arrays are those for cuDNN, whose gates are always sigmoid."""
        roles = (role for role in self._net.roles.values() if role.layer == name)
        return any(role.order.startswith("CuDNN") for role in roles)


def usual_gate(version: tuple[int, ...]) -> tuple[str, str]:
    """The gate activation of a version's layers unless they say another, and the reason."""
    start = N_("a file of weights alone does not store it")
    if version == (3,):
        newer = N_("Keras has used sigmoid since 2.3, and its files of this kind are newer")
        return "sigmoid", f"{start}; {newer}"
    if version == (0,):
        first = N_("Keras 1 used hard_sigmoid, and the file names no version")
        return "hard_sigmoid", f"{start}; {first}"
    said = ".".join(map(str, version))
    if version < (2, 3):
        used = N_("Keras {version} used hard_sigmoid").format(version=said)
        return "hard_sigmoid", f"{start}; {used}"
    return "sigmoid", f"{start}; {N_('Keras 2.3 and later use sigmoid')}"
