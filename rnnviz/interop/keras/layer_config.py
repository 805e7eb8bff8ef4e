"""Layers as configurations of Keras 1, 2, 3 and TensorFlow.js describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnviz.messages import N_

#: Classes of models, whose configuration lists layers.
MODELS = frozenset({"Sequential", "Functional", "Model"})

#: Keys of Keras 1 and what Keras 2 calls them.
_KERAS_1 = {
    "output_dim": "units", "inner_activation": "recurrent_activation", "bias": "use_bias",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "p": "rate", "sigma": "stddev",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerConfig:
    """A layer of a configuration, by the names of Keras 2. ``layers`` are those of a model."""

    name: str
    class_name: str
    config: Mapping[str, Any]
    inbound: Any = None
    layers: tuple[LayerConfig, ...] = ()
    input_shape: tuple[int | None, ...] | None = None  # without the batch

    @property
    def is_model(self) -> bool:
        """Whether it consists of layers."""
        return bool(self.layers)

    def number(self, key: str, usual: float) -> float:
        """A number of the configuration."""
        value = self.config.get(key)
        return value if isinstance(value, int | float) else usual

    def flag(self, key: str, usual: bool = False) -> bool:
        """A truth value of the configuration."""
        value = self.config.get(key)
        return value if isinstance(value, bool) else usual

    def whole(self, key: str) -> int | None:
        """A whole number of the configuration, None without it."""
        value = self.config.get(key)
        return value if type(value) is int else None

    def inner(self, key: str = "layer") -> LayerConfig | None:
        """The layer, or the cell, that this one wraps."""
        value = self.config.get(key)
        return read_layer(value) if isinstance(value, dict) else None

    def activation(self, key: str = "activation", usual: str = "linear") -> str:
        """The name of an activation in lower case; one that is an object gives its own name."""
        return activation_name(self.config.get(key, usual))


def activation_name(value: Any) -> str:
    """The name of an activation, ``linear`` where there is none."""
    if isinstance(value, dict):
        inner, name = value.get("config"), value.get("class_name")
        # A function ({"class_name": "function", "config": NAME}) or a layer (LeakyReLU).
        if isinstance(inner, str):
            return inner
        if isinstance(inner, dict) and isinstance(inner.get("activation"), str):
            return str(inner["activation"])
        return str(name)
    if value is None:
        return "linear"
    text = str(value)
    return re.sub("([a-z])([A-Z])", r"\1_\2", text).lower()  # TensorFlow.js: hardSigmoid


def read_layer(data: Any, input_shape: Any = None) -> LayerConfig:
    """A layer, or a model with its layers; ValueError for what is none."""
    if not isinstance(data, dict) or not isinstance(data.get("class_name"), str):
        raise ValueError(N_("a layer of its configuration has no class"))
    class_name = data["class_name"].rpartition(">")[2]
    raw = data.get("config")
    layers: tuple[LayerConfig, ...] = ()
    listed = raw if isinstance(raw, list) else raw.get("layers") if isinstance(raw, dict) else None
    if isinstance(listed, list) and (class_name in MODELS or _are_layers(listed)):
        layers = tuple(read_layer(layer) for layer in listed)
    config: dict[str, Any] = dict(raw) if isinstance(raw, dict) else {}
    for old, new in _KERAS_1.items():
        if old in config and new not in config and not (class_name == "Embedding" and "p" == old):
            config[new] = config[old]
    built = data.get("build_config")
    if isinstance(built, dict):
        input_shape = built.get("input_shape", input_shape)
    name = data.get("name") or config.get("name") or class_name.lower()
    return LayerConfig(
        str(name), class_name, config, data.get("inbound_nodes"), layers, _shape(input_shape)
    )


def _are_layers(listed: list[Any]) -> bool:
    return bool(listed) and all(isinstance(x, dict) and "class_name" in x for x in listed)


def _shape(value: Any) -> tuple[int | None, ...] | None:
    """A shape without the batch; None for what is none (several inputs)."""
    if not isinstance(value, list | tuple) or not value:
        return None
    if not all(n is None or type(n) is int for n in value):
        return None
    return tuple(value[1:])


def declared_shape(layer: LayerConfig) -> tuple[int | None, ...] | None:
    """The shape of the input that a layer itself declares, without the batch."""
    for key in ("batch_shape", "batch_input_shape"):
        shape = _shape(layer.config.get(key))
        if shape is not None:
            return shape
    length, width = layer.config.get("input_length"), layer.whole("input_dim")
    if layer.class_name == "Embedding":
        return (length if type(length) is int else None,)
    return (length if type(length) is int else None, width) if width else layer.input_shape
