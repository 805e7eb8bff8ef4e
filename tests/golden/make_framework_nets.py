"""Golden values of Keras for the nets of ``tests/framework_nets.py``: ``framework_nets.npz``.

Recurrent layers, merges and masks are Keras's, float64, with the backend of PyTorch; dense layers,
losses and gradients are PyTorch's. To make it anew:

    python -m venv golden-venv
    golden-venv/bin/pip install torch==2.13.0 keras==3.15.1 numpy . '.[test]'
    export PYTHONPATH=tests:. KERAS_BACKEND=torch
    golden-venv/bin/python tests/golden/make_framework_nets.py

Of each net: the logits, the loss of each sequence, and the gradient of their sum for every array.
Stored is float32: the loops of Keras that read a mask compute in part in float32 as well.
Trained initial states are given to Keras's layers as arguments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from framework_nets import NETS, inputs_of, targets_of

from rnnviz.arrays import Array, Values
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import ModelSpec, RecurrentSpec

FILE = Path(__file__).with_name("framework_nets.npz")
T, B = 6, 5
#: Nets without dropout, whose masks each framework draws in its own way.
NAMES = [name for name in NETS if name != "dropout"]


def case(name: str) -> tuple[Model, Array, Array]:
    """The net in float64, its inputs and targets."""
    spec, rng = NETS[name], np.random.default_rng(NAMES.index(name))
    params = {key: 0.7 * rng.standard_normal(shape) for key, shape in shapes(spec).items()}
    inputs = inputs_of(spec, T, B, rng)
    return Model(spec, params), inputs, targets_of(spec.head, T, B, rng)


def _layer(keras: Any, layer: RecurrentSpec, sequences: bool) -> Any:
    kind = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[layer.cell]
    made = getattr(keras.layers, kind)(
        layer.units, return_sequences=sequences,
        go_backwards=layer.directions == ("backward",),
    )  # fmt: skip
    if layer.bidirectional:
        return keras.layers.Bidirectional(made, merge_mode=layer.merge)
    return made


class _Net:
    """A net as Keras's layers, and the variable or tensor of each array."""

    def __init__(self, keras: Any, torch: Any, net: Model) -> None:
        self.keras, self.torch, self.spec = keras, torch, net.spec
        self.params = net.params
        self.leaves: dict[str, Any] = {}

    def leaf(self, name: str) -> Any:
        """The array as a tensor that gets a gradient."""
        tensor = self.torch.tensor(self.params[name], requires_grad=True)
        self.leaves[name] = tensor
        return tensor

    def logits(self, inputs: Array, read: Array | None) -> Any:
        """The logits: (B, K), or (B, T, K) where the head reads every step."""
        torch, spec = self.torch, self.spec
        ids = torch.tensor(inputs.swapaxes(0, 1).copy())
        x = self.leaf("embedding")[ids] if "embedding" in self.params else ids
        mask = None if read is None else torch.tensor(read.T.copy())
        for k, layer in enumerate(spec.layers):
            top = k + 1 == len(spec.layers)
            x = self._recurrent(k, layer, not top or spec.head.reads != "last", x, mask)
        x = x[:, -1] if spec.head.reads == "end" else x
        for name, dense in spec.head.below:
            x = self._dense(name, x, dense.activation)
        return x if spec.head.kind == "state" else self._dense("head", x, "identity")

    def _recurrent(self, k: int, layer: RecurrentSpec, sequences: bool, x: Any, mask: Any) -> Any:
        made = _layer(self.keras, layer, sequences)
        made.build(tuple(x.shape))
        parts = [made.forward_layer, made.backward_layer] if layer.bidirectional else [made]
        states: list[Any] = []
        for direction, part in zip(layer.directions, parts, strict=True):
            prefix = f"layers.{k}.{direction}."
            for key, variable in zip("WUb", part.weights, strict=True):
                variable.assign(self.params[prefix + key])
                self.leaves[prefix + key] = variable.value
            if layer.trained_initial:
                own = [s for s in ("h0", "c0") if prefix + s in self.params]
                states += [self.leaf(prefix + s).expand(len(x), -1) for s in own]
        given = {"initial_state": states} if states else {}
        y = made(x, mask=mask, **given)
        backwards = layer.directions == ("backward",) and sequences
        return self.torch.flip(y, (1,)) if backwards else y

    def _dense(self, name: str, x: Any, activation: str) -> Any:
        y = x @ self.leaf(f"{name}.W")
        y = y + self.leaf(f"{name}.b") if f"{name}.b" in self.params else y
        return {"identity": self.torch.positive, "sigmoid": self.torch.sigmoid,
                "tanh": self.torch.tanh, "relu": self.torch.relu}[activation](y)  # fmt: skip


def _losses(torch: Any, spec: ModelSpec, logits: Any, wanted: Array, read: Any) -> Any:
    """The loss of each sequence (B), by PyTorch: Keras's means are float32."""
    functional, kind, steps = torch.nn.functional, spec.head.kind, spec.head.reads == "steps"
    target = torch.tensor(wanted.swapaxes(0, 1).copy() if steps else wanted)
    if kind == "softmax":
        rows = functional.cross_entropy(logits.movedim(-1, 1), target, reduction="none")
    else:
        target = (target if target.ndim == logits.ndim else target[..., None]).to(torch.float64)
        if kind == "sigmoid":
            every = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        else:
            output = {"tanh": torch.tanh, "relu": torch.relu}.get(kind, torch.positive)(logits)
            every = (output - target).abs()
        rows = every.mean(-1)
    if not steps:
        return rows
    if read is None:
        return rows.mean(1)
    weights = torch.tensor(read.T.astype(np.float64))
    return (rows * weights).sum(1) / weights.sum(1)


def make() -> dict[str, Array]:
    """Every number of the file, by net and what it is."""
    import keras
    import torch

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    found: dict[str, Array] = {}
    for name in NAMES:
        net, inputs, wanted = case(name)
        theirs, read = _Net(keras, torch, net), net.mask(inputs)
        logits = theirs.logits(inputs, read)
        loss = _losses(torch, net.spec, logits, wanted, read)
        loss.sum().backward()
        found[f"{name}/logits"] = logits.detach().numpy()
        found[f"{name}/loss"] = loss.detach().numpy()
        grads: Values = {key: leaf.grad.numpy() for key, leaf in theirs.leaves.items()}
        assert grads.keys() == net.params.keys(), name
        found |= {f"{name}/d {key}": grad for key, grad in grads.items()}
    return found


if __name__ == "__main__":
    arrays = {key: a.astype(np.float32) for key, a in make().items()}
    np.savez_compressed(FILE, **arrays)  # type: ignore[arg-type]
