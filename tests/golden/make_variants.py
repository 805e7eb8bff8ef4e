"""Golden values of layers with other activations, clip, peepholes, projection or without bias.

Written to ``variants.npz``, which the tests compare with. To make it anew, in the environment that
``make_golden.py`` describes and with ``onnx`` and ``onnxruntime``::

    KERAS_BACKEND=torch golden-venv/bin/python tests/golden/make_variants.py

PyTorch (float64) and Keras (float32): a layer's outputs, and the gradients of its arrays and of its
input, of the objective Σ output · d_h. ONNX Runtime (float32): the outputs, since it has no
gradients. Arrays and inputs are drawn by NumPy, in rnnviz's names and layout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import RecurrentSpec

FILE = Path(__file__).parent / "variants.npz"
T, B, D, H = 5, 3, 3, 4

#: By framework, the layers that it can say.
TORCH = {
    "projection": RecurrentSpec("lstm-projection", H, projection=2),
    "projection, no bias": RecurrentSpec("lstm-projection", H, projection=3, bias=False),
    "lstm, no bias": RecurrentSpec("lstm", H, bias=False),
    "gru, no bias": RecurrentSpec("gru", H, bias=False),
    "rnn relu, no bias": RecurrentSpec("rnn", H, activation="relu", bias=False),
}
KERAS = {
    "lstm softsign, hard sigmoid of Keras 3": RecurrentSpec(
        "lstm", H, activation="softsign", recurrent_activation="hard_sigmoid_sixth"
    ),
    "lstm elu, tanh gates": RecurrentSpec("lstm", H, activation="elu", recurrent_activation="tanh"),
    "gru selu, softplus gates": RecurrentSpec(
        "gru", H, activation="selu", recurrent_activation="softplus"
    ),
    "gru-2014 softplus, no bias": RecurrentSpec("gru-2014", H, activation="softplus", bias=False),
    "gru linear, relu gates": RecurrentSpec(
        "gru", H, activation="identity", recurrent_activation="relu"
    ),
    "rnn hard tanh": RecurrentSpec("rnn", H, activation="hard_tanh"),
    "rnn linear, no bias": RecurrentSpec("rnn", H, activation="identity", bias=False),
}
ONNX = {
    "peepholes": RecurrentSpec("lstm-peephole", H),
    "peepholes, clip": RecurrentSpec("lstm-peephole", H, activation="softsign", clip=0.7),
    "lstm clip, elu output": RecurrentSpec("lstm", H, output_activation="elu", clip=0.5),
    "gru clip": RecurrentSpec("gru", H, recurrent_activation="hard_sigmoid_sixth", clip=0.6),
    "gru-2014 clip, leaky relu": RecurrentSpec("gru-2014", H, activation="leaky_relu", clip=0.6),
    "rnn clip, softplus": RecurrentSpec("rnn", H, activation="softplus", clip=0.9),
}
SPECS = {**TORCH, **KERAS, **ONNX}


def case(name: str) -> Values:
    """The arrays p.* of a layer, its input x, and the gradients d_h of its outputs."""
    rng, spec = np.random.default_rng(list(SPECS).index(name)), SPECS[name]
    drawn = {"x": rng.normal(0, 1, (T, B, D)), "d_h": rng.normal(0, 1, (T, B, spec.output_width))}
    for key, shape in cell_of(spec).shapes(D, H).items():
        drawn[f"p.{key}"] = rng.normal(0, 0.35, shape)
    return {key: a.astype(np.float32).astype(np.float64) for key, a in drawn.items()}


def _arrays(name: str) -> tuple[Values, Values]:
    made = case(name)
    return made, {k.removeprefix("p."): a for k, a in made.items() if k.startswith("p.")}


# -- PyTorch --------------------------------------------------------------------------------------


def _torch_results(name: str) -> Values:
    import torch

    spec, (made, p) = TORCH[name], _arrays(name)
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU}.get(spec.cell, torch.nn.LSTM)
    more: dict[str, Any] = {"nonlinearity": spec.activation} if spec.cell == "rnn" else {}
    more |= {"proj_size": spec.projection} if spec.projection else {}
    net = kind(D, H, bias=spec.bias, **more).double()
    names = {"W": "weight_ih_l0", "U": "weight_hh_l0", "V": "weight_hr_l0", "b": "bias_ih_l0"}
    with torch.no_grad():
        for key, a in p.items():
            own = _torch_order(spec.cell, a) if key != "V" else a
            getattr(net, names[key]).copy_(torch.tensor(own.T.copy()))
        if spec.bias:
            net.bias_hh_l0.zero_()
    x = torch.tensor(made["x"], requires_grad=True)
    out = net(x)[0]
    (out * torch.tensor(made["d_h"])).sum().backward()
    found = {"h": out.detach().numpy(), "d_x": x.grad.numpy()}
    for key in p:
        grad = getattr(net, names[key]).grad.numpy().T
        found[f"d_{key}"] = _torch_order(spec.cell, grad) if key != "V" else grad
    return found


def _torch_order(cell: str, a: Array) -> Array:
    """The columns z r g of a GRU as r z g, and back."""
    if cell != "gru":
        return a
    z, r, g = np.split(a, 3, axis=-1)
    return np.concatenate([r, z, g], axis=-1)


# -- Keras ----------------------------------------------------------------------------------------


def _keras_results(name: str) -> Values:
    import keras
    import torch

    spec, (made, p) = KERAS[name], _arrays(name)
    kinds = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU", "gru-2014": "GRU"}
    said = {"identity": "linear", "hard_sigmoid_sixth": "hard_sigmoid"}
    more: dict[str, Any] = {"activation": said.get(spec.activation, spec.activation)}
    if spec.cell != "rnn":
        gate = spec.recurrent_activation
        more["recurrent_activation"] = said.get(gate, gate)
    if spec.cell.startswith("gru"):
        more["reset_after"] = spec.cell == "gru"
    layer = getattr(keras.layers, kinds[spec.cell])(
        H, return_sequences=True, use_bias=spec.bias, **more
    )
    layer.build((B, T, D))
    keys = [key for key in "WUb" if key in p]
    layer.set_weights([p[key].astype(np.float32) for key in keys])
    x = torch.tensor(made["x"].swapaxes(0, 1).astype(np.float32), requires_grad=True)
    out = layer(x)
    (out * torch.tensor(made["d_h"].swapaxes(0, 1).astype(np.float32))).sum().backward()
    found = {"h": out.detach().numpy().swapaxes(0, 1), "d_x": x.grad.numpy().swapaxes(0, 1)}
    for key, weight in zip(keys, layer.trainable_weights, strict=True):
        found[f"d_{key}"] = weight.value.grad.numpy()
    return found


# -- ONNX -----------------------------------------------------------------------------------------

#: Names of ONNX and, where it has one, α and β.
_ONNX_ACTIVATIONS = {
    "tanh": ("Tanh",), "sigmoid": ("Sigmoid",), "softsign": ("Softsign",), "elu": ("Elu", 1.0),
    "leaky_relu": ("LeakyRelu", 0.01), "softplus": ("Softplus",),
    "hard_sigmoid_sixth": ("HardSigmoid", 1 / 6, 0.5),
}  # fmt: skip


def _onnx_results(name: str) -> Values:
    import onnxruntime
    from onnx import TensorProto, helper

    spec, (made, p) = ONNX[name], _arrays(name)
    kind = {"rnn": "RNN", "gru": "GRU", "gru-2014": "GRU"}.get(spec.cell, "LSTM")
    order = {"RNN": (0,), "GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2)}[kind]

    def gates(a: Array) -> Array:
        parts = np.split(a, len(order), axis=-1)
        return np.concatenate([parts[k] for k in order], axis=-1)

    b = p["b"] if p["b"].ndim == 2 else np.stack([p["b"], np.zeros_like(p["b"])])
    inputs = {
        "X": made["x"], "W": gates(p["W"]).T[None], "R": gates(p["U"]).T[None],
        "B": gates(b).reshape(1, -1),
    }  # fmt: skip
    if "p_i" in p:
        inputs["P"] = np.concatenate([p["p_i"], p["p_o"], p["p_f"]])[None]
    functions = [spec.activation]
    if kind != "RNN":
        functions = [spec.recurrent_activation, spec.activation]
    if kind == "LSTM":
        functions.append(spec.output_activation or spec.activation)
    described = [_ONNX_ACTIVATIONS[f] for f in functions]
    more: dict[str, Any] = {} if spec.clip is None else {"clip": float(spec.clip)}
    more |= {"linear_before_reset": int(spec.cell == "gru")} if kind == "GRU" else {}
    # ONNX Runtime takes the numbers one after the other, from those functions that have them.
    alphas = [float(d[1]) for d in described if len(d) > 1]
    betas = [float(d[2]) for d in described if len(d) > 2]
    more |= {"activation_alpha": alphas} if alphas else {}
    more |= {"activation_beta": betas} if betas else {}
    names = ["X", "W", "R", "B", *(("", "", "", "P") if "P" in inputs else ())]
    node = helper.make_node(
        kind, names, ["Y"], hidden_size=H, activations=[d[0] for d in described], **more
    )
    values = [
        helper.make_tensor_value_info(key, TensorProto.FLOAT, a.shape) for key, a in inputs.items()
    ]
    out = helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph([node], "layer", values, [out]),
        opset_imports=[helper.make_opsetid("", 14)], ir_version=8,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given = {key: np.ascontiguousarray(a, np.float32) for key, a in inputs.items()}
    return {"h": session.run(None, given)[0][:, 0]}


def make_variants() -> dict[str, Array]:
    """All results, as NAME/RESULT."""
    made = {name: _torch_results(name) for name in TORCH}
    made |= {name: _keras_results(name) for name in KERAS}
    made |= {name: _onnx_results(name) for name in ONNX}
    return {f"{name}/{key}": a for name, found in made.items() for key, a in found.items()}


if __name__ == "__main__":
    np.savez_compressed(FILE, **make_variants())
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")
