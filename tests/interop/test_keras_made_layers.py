"""Layers of Keras from arrays made here: weights alone, and what no small file has."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.interop.contents import FileTensor, ImportOptions, OpaqueOperation, RecurrentOperation
from rnnviz.interop.keras.flow import Flow, Net
from rnnviz.interop.keras.guessed_net import add_guessed
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.interop.keras.recurrent_layers import add_recurrent
from rnnviz.interop.keras.unlabelled_weights import UnlabelledLayer


def layer(name: str, hint: str, *arrays: tuple[str, tuple[int, ...]]) -> UnlabelledLayer:
    tensors = [
        FileTensor(f"{name}/{leaf}:0", shape, "float32", np.full(shape, 0.5, np.float32))
        for leaf, shape in arrays
    ]
    return UnlabelledLayer(name, tensors, hint=hint)


def test_a_dense_layer_above_a_normalised_one_reads_the_last_state() -> None:
    gru = layer("gru", "gru", ("kernel", (2, 9)), ("recurrent_kernel", (3, 9)), ("bias", (2, 9)))
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    norm = layer("norm", "batch_normalization", *((name, (3,)) for name in names))
    top = layer("top", "dense", ("kernel", (3, 1)), ("bias", (1,)))
    net = Net(ImportOptions(), version=(2, 4))
    add_guessed(net, [gru, norm, top])
    (operation,) = [op for op in net.operations if isinstance(op, RecurrentOperation)]
    assert not operation.every_step
    said = {a.what: a.value for a in net.assumptions}
    assert said["what top reads of gru"] == "the last state"
    assert "from the first step" in said["how the layers are connected"]


def test_two_directions_that_differ_are_read_apart() -> None:
    arrays = (("kernel", (2, 12)), ("recurrent_kernel", (3, 12)), ("bias", (12,)))
    ways = [layer(f"both/{way}_lstm", "lstm", *arrays) for way in ("forward", "backward")]
    said = {"units": 3, "return_sequences": True}
    each = {"class_name": "LSTM", "config": said}
    other = {"class_name": "LSTM", "config": {**said, "activation": "relu"}}
    config = LayerConfig("both", "Bidirectional", {"layer": each, "backward_layer": other})
    net = Net(ImportOptions(), version=(3, 0))
    tensors = [tensor for way in ways for tensor in way.arrays]
    add_recurrent(net, "both", config, tensors, Flow("in", (None, 2)))
    forward, backward, joined = net.operations
    assert isinstance(forward, RecurrentOperation) and not forward.spec.reverse
    assert isinstance(backward, RecurrentOperation) and backward.spec.reverse
    assert (forward.spec.activation, backward.spec.activation) == ("tanh", "relu")
    assert isinstance(joined, OpaqueOperation)
    assert joined.reads == (forward.name, backward.name)


@pytest.mark.parametrize("dtype", [
    "float16", {"class_name": "Policy", "config": {"name": "mixed_float16"}},
])  # fmt: skip
def test_a_layer_that_computes_in_half_precision_says_so(dtype: object) -> None:
    tensors = layer("gru", "gru", ("kernel", (2, 9)), ("recurrent_kernel", (3, 9))).arrays
    config = LayerConfig("gru", "GRU", {"units": 3, "use_bias": False, "dtype": dtype})
    net = Net(ImportOptions(), version=(2, 15))
    add_recurrent(net, "gru", config, tensors, Flow("in", (None, 2)))
    assert any("float16 in Keras, in float32 here" in text for text in net.conversions)
