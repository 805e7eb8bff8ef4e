"""The layers of Keras that are not recurrent: dense, embedding, normalisation and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    FileTensor,
    IdentityOperation,
    LastStepOperation,
    MaskingOperation,
    Part,
    TensorRole,
)
from rnnviz.interop.keras.flow import Flow, Net
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.interop.keras.vocabulary import add_vectorization
from rnnviz.messages import N_

#: Layers without effect after training.
IDENTITIES: Final = frozenset({
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise",
    "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity",
})  # fmt: skip
#: Functions that Keras applies elementwise, and softmax.
FUNCTIONS: Final = frozenset({
    "linear", "relu", "tanh", "sigmoid", "softmax", "hard_sigmoid", "elu", "selu", "softplus",
    "softsign", "exponential", "gelu", "swish", "silu", "relu6", "mish", "leaky_relu",
    "log_softmax",
})  # fmt: skip
DENSE: Final = ("Dense", "TimeDistributedDense")


def add_layer(
    net: Net, name: str, layer: LayerConfig, tensors: Sequence[FileTensor], feed: Flow
) -> Flow | None:
    """Add the operation of a layer with one input; None for a class that is not known here.

    Raises ValueError with the reason for a known one that cannot be expressed.
    """
    kind = layer.class_name
    if kind in IDENTITIES or (kind == "Flatten" and feed.shape is not None and len(feed.shape) < 2):
        return _identity(net, name, kind, feed)
    if kind == "Reshape" and feed.shape and _same_shape(layer.config.get("target_shape"), feed):
        return _identity(net, name, kind, feed)
    match kind:
        case "Dense" | "TimeDistributedDense":
            return add_dense(net, name, layer, tensors, feed)
        case "Embedding":
            return _add_embedding(net, name, layer, tensors, feed)
        case "BatchNormalization":
            return _add_normalisation(net, name, layer, tensors, feed)
        case "Activation" | "ReLU" | "Softmax":
            return add_activation(net, name, _layer_function(layer), feed)
        case "Masking":
            net.add(MaskingOperation(name, (feed.name,), float(layer.number("mask_value", 0.0))))
            return Flow(name, feed.shape, feed.flipped, True, feed.inner)
        case "TextVectorization":
            return add_vectorization(net, name, layer, feed)
    return None


def add_last_step(net: Net, name: str, feed: Flow) -> Flow:
    """Add the choice of the outputs at the last index: the last token's, or the first token's."""
    if feed.flipped:
        raise ValueError(N_("it reads the first token's outputs"))
    net.add(LastStepOperation(name, (feed.name,)))
    return Flow(name, feed.shape and feed.shape[1:])


def add_dense(
    net: Net, name: str, layer: LayerConfig, tensors: Sequence[FileTensor], feed: Flow
) -> Flow:
    """Add a dense layer; an activation that is no function of Keras becomes one that is opaque."""
    if len(tensors) not in (1, 2) or len(tensors[0].shape) != 2:
        raise ValueError(N_("its arrays are not those of a dense layer"))
    arrays = [np.asarray(t.array, np.float32) for t in tensors]
    W, b = arrays[0], arrays[1] if len(arrays) > 1 else None
    if b is not None and b.shape != W.shape[1:]:
        raise ValueError(
            N_("a bias of the shape {shape} does not fit {outputs} outputs").format(
                shape=b.shape, outputs=W.shape[1]
            )
        )
    if feed.width is not None and feed.width != len(W):
        raise ValueError(
            N_("its kernel reads {inputs} numbers, the layer below gives {width}").format(
                inputs=len(W), width=feed.width
            )
        )
    each_step = feed.shape is not None and len(feed.shape) > 1
    said = layer.activation()
    known = said in FUNCTIONS
    net.add(
        DenseOperation(
            name, (feed.name,), W, b, _function(net, said) if known else "linear", each_step
        )
    )
    for tensor, part in zip(tensors, _DENSE_PARTS, strict=False):
        net.roles[tensor.name] = TensorRole(name, part)
    shape = None if feed.shape is None else (*feed.shape[:-1], W.shape[1])
    flow = Flow(name, shape, feed.flipped, feed.masked, feed.inner)
    if known:
        return flow
    reason = N_("a function that Keras does not have")
    after = net.opaque(f"{name}.activation", said, (flow,), reason)
    return Flow(after.name, shape, feed.flipped, feed.masked, feed.inner)


_DENSE_PARTS: Final[tuple[Part, Part]] = ("dense kernel", "dense bias")


def add_activation(net: Net, name: str, said: str, feed: Flow) -> Flow:
    """Add a function; ValueError for one that Keras does not have."""
    if said not in FUNCTIONS:
        raise ValueError(N_("the function {function} is not known").format(function=said[:40]))
    net.add(ActivationOperation(name, (feed.name,), _function(net, said)))
    return Flow(name, feed.shape, feed.flipped, feed.masked, feed.inner)


def _function(net: Net, name: str) -> str:
    """The name with the version's hard sigmoid in it."""
    return "hard_sigmoid_sixth" if name == "hard_sigmoid" and net.keras_3 else name


def _layer_function(layer: LayerConfig) -> str:
    """The function of an activation layer; ValueError for a relu or softmax of another form."""
    if layer.class_name == "Activation":
        return layer.activation()
    if layer.class_name == "Softmax":
        if layer.config.get("axis", -1) != -1:
            raise ValueError(N_("a softmax over an axis that is not the last"))
        return "softmax"
    if layer.number("negative_slope", 0) or layer.number("threshold", 0):
        raise ValueError(N_("a relu with another slope or threshold"))
    if layer.config.get("max_value") is not None:
        raise ValueError(N_("a relu with an upper bound"))
    return "relu"


def _identity(net: Net, name: str, kind: str, feed: Flow) -> Flow:
    net.add(IdentityOperation(name, (feed.name,), kind))
    return Flow(name, feed.shape, feed.flipped, feed.masked, feed.inner)


def _same_shape(target: object, feed: Flow) -> bool:
    if not isinstance(target, list) or feed.shape is None or len(target) != len(feed.shape):
        return False
    return all(n in (-1, own) for n, own in zip(target, feed.shape, strict=True))


def _add_embedding(
    net: Net, name: str, layer: LayerConfig, tensors: Sequence[FileTensor], feed: Flow
) -> Flow:
    if len(tensors) != 1 or len(tensors[0].shape) != 2:
        raise ValueError(N_("its arrays are not those of an embedding"))
    table = np.asarray(tensors[0].array, np.float32)
    mask_zero = layer.flag("mask_zero")
    net.add(EmbeddingOperation(name, (feed.name,), table, mask_zero))
    net.roles[tensors[0].name] = TensorRole(name, "embedding")
    shape = (*(feed.shape or (None,)), table.shape[1])
    return Flow(name, shape, feed.flipped, mask_zero, feed.inner)


def _add_normalisation(
    net: Net, name: str, layer: LayerConfig, tensors: Sequence[FileTensor], feed: Flow
) -> Flow:
    """y = (x − mean) · gamma / √(variance + ε) + beta, by feature."""
    axis = layer.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    rank = None if feed.shape is None else len(feed.shape) + feed.inner
    if axis != -1 and (rank is None or axis != rank):
        raise ValueError(N_("it normalises over an axis that is not the last"))
    if layer.number("mode", 0) == 1:
        raise ValueError(N_("it normalises each sample by itself (mode 1)"))
    scaled, centred = layer.flag("scale", True), layer.flag("center", True)
    arrays = [np.asarray(t.array, np.float32) for t in tensors]
    if len(arrays) != 2 + scaled + centred or len({a.shape for a in arrays}) != 1:
        raise ValueError(N_("its arrays are not those of a batch normalisation"))
    mean, variance = arrays[-2:]
    gamma = arrays[0] if scaled else np.ones_like(mean)
    beta = arrays[int(scaled)] if centred else np.zeros_like(mean)
    usual = 1e-5 if net.version < (2,) else 1e-3  # Keras 1 had 1e-5
    scale = gamma / np.sqrt(variance + np.float32(layer.number("epsilon", usual)))
    net.add(AffineOperation(name, (feed.name,), scale, beta - mean * scale))
    for tensor in tensors:
        net.roles[tensor.name] = TensorRole(name, "other")
    net.conversions.append(
        N_("{name}: batch normalisation became a scale and a shift").format(name=name)
    )
    return Flow(name, feed.shape, feed.flipped, feed.masked, feed.inner)
