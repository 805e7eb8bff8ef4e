"""Make the small Keras files of this folder, and what the frameworks compute with them.

    python make_files.py 3 && python make_files.py 2 && python make_files.py 1

Keras 3 (``keras``) writes the first, Keras 2 (``tf_keras``) the second. Files of Keras 1 are
written here in its layout, with outputs by Keras 2, whose layers of that time are the same.
Each ``NAME.npz`` has the inputs ``in|LAYER`` and the outputs ``out|LAYER`` (``out|LAYER|k`` of a
layer with several). Made with keras 3.15.1, tf_keras 2.21.0, tensorflow 2.21.0.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
HERE = Path(__file__).parent

import h5py  # noqa: E402
import numpy as np  # noqa: E402

VERSION = sys.argv[1]
if VERSION == "3":
    import keras
else:
    import tf_keras as keras
L = keras.layers
RNG = np.random.default_rng(int(VERSION))
VECTORS = RNG.normal(size=(2, 6, 3)).astype("float32")
IDS = np.array([[1, 2, 3, 4, 5, 6], [3, 0, 2, 2, 0, 0]])


def randomise(model: Any) -> None:
    """Weights that are far from their initial values; variances stay positive."""
    model.set_weights([RNG.normal(0, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
    inner = [x for layer in model.layers for x in getattr(layer, "layers", [layer])]
    for layer in inner:
        if type(layer).__name__ == "BatchNormalization":
            *others, variance = layer.get_weights()
            layer.set_weights([*others, np.abs(variance) + 0.5])


def expected(name: str, model: Any, *inputs: Any) -> None:
    """Save inputs, and the outputs of all layers that are not models."""
    found = {"final": model.outputs[0]}
    for layer in model.layers:
        if not hasattr(layer, "layers"):
            outputs = layer.output if isinstance(layer.output, list | tuple) else [layer.output]
            found |= {f"{layer.name}|{k}" if k else layer.name: o for k, o in enumerate(outputs)}
    whole = keras.Model(model.inputs, list(found.values()))
    values = whole.predict(list(inputs) if len(inputs) > 1 else inputs[0], verbose=0)
    arrays = {f"out|{key}": value for key, value in zip(found, values, strict=True)}
    names = [tensor.name.partition(":")[0] for tensor in model.inputs]
    arrays |= {f"in|{key}": value for key, value in zip(names, inputs, strict=True)}
    np.savez(HERE / f"{name}.npz", **arrays)


def vectors(*layers: Any) -> Any:
    return keras.Sequential([keras.Input((6, 3), name="vectors"), *layers])


def keras_3() -> None:
    words = keras.Sequential([
        keras.Input((6,), dtype="int32", name="ids"),
        L.Embedding(9, 4, mask_zero=True, name="words"),
        L.SpatialDropout1D(0.2, name="drop"),
        L.Bidirectional(L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"),
                        merge_mode="mul", name="both"),
        L.GRU(4, use_bias=False, name="memory"),
        L.Dense(3, activation="relu", name="hidden"),
        L.Dense(2, activation="softmax", name="classes"),
    ])  # fmt: skip
    randomise(words)
    words.save(HERE / "keras3_words.keras")
    expected("keras3_words", words, IDS)
    backward = vectors(
        L.LSTM(4, go_backwards=True, return_sequences=True, name="first"),
        L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum", name="second"),
        L.LSTM(3, return_sequences=True, name="third"),
        L.GRU(2, go_backwards=True, return_sequences=True, name="fourth"),
        L.Dense(2, name="each"),
    )
    randomise(backward)
    backward.save(HERE / "keras3_backward.keras")
    expected("keras3_backward", backward, VECTORS)
    cells = vectors(
        L.RNN([L.LSTMCell(4), L.GRUCell(3), L.SimpleRNNCell(2)], return_sequences=True,
              name="stack"),
        L.Bidirectional(L.RNN(L.GRUCell(3, reset_after=False), return_sequences=True), name="both"),
        L.RNN(L.LSTMCell(2, use_bias=False), name="top"),
    )  # fmt: skip
    randomise(cells)
    cells.save_weights(HERE / "keras3_cells.weights.h5")
    (HERE / "keras3_cells.json").write_text(cells.to_json())
    expected("keras3_cells", cells, VECTORS)
    sentence = keras.Sequential([
        keras.Input((4,), dtype="int32"), L.Embedding(9, 3, name="words"),
        L.GRU(2, name="memory"), L.Dense(3, activation="tanh", name="above"),
    ], name="sentence")  # fmt: skip
    x = keras.Input((3, 4), dtype="int32", name="document")
    y = L.TimeDistributed(sentence, name="sentences")(x)
    document = keras.Model(x, L.LSTM(2, name="whole")(y))
    randomise(document)
    document.save(HERE / "keras3_document.keras")
    expected("keras3_document", document, RNG.integers(0, 9, (2, 3, 4)))


def keras_2() -> None:
    tower = keras.Sequential([
        keras.Input((6, 3)), L.LSTM(4, return_sequences=True, trainable=False, name="low"),
        L.BatchNormalization(name="norm"), L.Bidirectional(L.GRU(3), name="both"),
    ], name="tower")  # fmt: skip
    x = keras.Input((6, 3), name="vectors")
    nested = keras.Model(x, L.Dense(2, name="scores")(tower(x)), name="outer")
    randomise(nested)
    nested.save(HERE / "keras2_nested.h5")
    expected("keras2_nested", nested, VECTORS)
    x = keras.Input((4, 6), dtype="int32", name="characters")
    y = L.TimeDistributed(L.Embedding(9, 3), name="letters")(x)
    y = L.TimeDistributed(L.Bidirectional(L.LSTM(2)), name="spelling")(y)
    deep = keras.Model(x, L.LSTM(3, name="sentence")(y))
    randomise(deep)
    deep.save(HERE / "keras2_deep.h5")
    expected("keras2_deep", deep, RNG.integers(0, 9, (2, 4, 6)))
    x = keras.Input((6, 3), name="source")
    _, h, c = L.LSTM(4, return_state=True, name="encoder")(x)
    start = keras.Input((6, 3), name="target")
    y = L.LSTM(4, return_sequences=True, name="decoder")(start, initial_state=[h, c])
    pair = keras.Model([x, start], L.TimeDistributed(L.Dense(2), name="scores")(y))
    randomise(pair)
    pair.save(HERE / "keras2_pair.h5")
    expected("keras2_pair", pair, VECTORS, VECTORS[:, ::-1].copy())


#: A recurrent layer's configuration in Keras 1.
OLD = {
    "trainable": True, "init": "glorot_uniform", "inner_init": "orthogonal",
    "forget_bias_init": "one", "activation": "tanh", "inner_activation": "hard_sigmoid",
    "return_sequences": True, "go_backwards": False, "stateful": False, "unroll": False,
    "consume_less": "cpu", "dropout_W": 0.2, "dropout_U": 0.0,
}  # fmt: skip


def per_gate(arrays: list[Any], name: str, order: str, columns: str) -> list[tuple[str, Any]]:
    """Arrays of Keras 1 from kernel, recurrent kernel and bias of Keras 2."""
    H = arrays[1].shape[0]
    return [
        (f"{name}_{part}_{gate}:0", a[..., columns.index(gate) * H : (columns.index(gate) + 1) * H])
        for gate in order
        for part, a in zip("WUb", arrays, strict=True)
    ]


def write_keras_1(name: str, groups: dict[str, list[tuple[str, Any]]], config: Any) -> None:
    with h5py.File(HERE / name, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [layer.encode() for layer in groups]
        for layer, arrays in groups.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [weight.encode() for weight, _ in arrays]
            for weight, array in arrays:
                group[weight] = array


def keras_1() -> None:
    old = {"recurrent_activation": "hard_sigmoid"}
    model = keras.Sequential([
        keras.Input((6,), name="embedding_1_input"), L.Embedding(9, 4, name="embedding_1"),
        L.Bidirectional(L.LSTM(3, return_sequences=True, name="lstm_1", **old),
                        name="bidirectional_1"),
        L.GRU(4, reset_after=False, name="gru_1", **old),
        L.Dense(2, activation="softmax", name="dense_1"),
    ])  # fmt: skip
    randomise(model)
    expected("keras1_words", model, IDS)
    w = {layer.name: layer.get_weights() for layer in model.layers}
    both = w["bidirectional_1"]
    groups = {
        "embedding_1": [("embedding_1_W:0", w["embedding_1"][0])],
        "bidirectional_1": per_gate(both[:3], "forward_lstm_1", "icfo", "ifco")
        + per_gate(both[3:], "backward_lstm_1", "icfo", "ifco"),
        "gru_1": per_gate(w["gru_1"], "gru_1", "zrh", "zrh"),
        "dropout_1": [],
        "dense_1": [("dense_1_W:0", w["dense_1"][0]), ("dense_1_b:0", w["dense_1"][1])],
    }
    lstm = {**OLD, "name": "lstm_1", "output_dim": 3, "input_dim": 4}
    layers = {
        "Embedding": {"name": "embedding_1", "batch_input_shape": [None, 6], "input_dim": 9,
                      "output_dim": 4, "input_dtype": "int32", "mask_zero": False, "dropout": 0.0},
        "Bidirectional": {"name": "bidirectional_1", "merge_mode": "concat",
                          "layer": {"class_name": "LSTM", "config": lstm}},
        "GRU": {**OLD, "name": "gru_1", "output_dim": 4, "return_sequences": False},
        "Dropout": {"name": "dropout_1", "p": 0.5},
        "Dense": {"name": "dense_1", "output_dim": 2, "activation": "softmax", "bias": True},
    }  # fmt: skip
    listed = [{"class_name": name, "config": config} for name, config in layers.items()]
    write_keras_1("keras1_words.h5", groups, {"class_name": "Sequential", "config": listed})


{"1": keras_1, "2": keras_2, "3": keras_3}[VERSION]()
