"""The net in Keras, on TensorFlow (with or without XLA) or on JAX."""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from .worker import BenchJob


def build(job: BenchJob, backend: str, *how: str) -> KerasTrainer:
    """The compiled model; ``how`` may hold "xla" (TensorFlow's jit_compile=True)."""
    os.environ["KERAS_BACKEND"] = backend
    return KerasTrainer(job, jit="xla" in how if backend == "tensorflow" else True)


class KerasTrainer:
    """Trains with ``train_on_batch``."""

    def __init__(self, job: BenchJob, *, jit: bool) -> None:
        self.keras: Any = import_module("keras")
        self.version = f"{self.keras.__version__}"
        self.job, self.kind = job, job.spec["head"]["kind"]
        self.model, order = self._model()
        self.model.set_weights([job.weights[name] for name in order])
        optimizers = {"rmsprop": self.keras.optimizers.RMSprop, "adam": self.keras.optimizers.Adam}
        self.model.compile(optimizers[job.optimizer](job.rate), loss=self._loss(), jit_compile=jit)

    def _loss(self) -> Any:
        losses = self.keras.losses
        if self.kind == "sigmoid":
            return losses.BinaryCrossentropy(from_logits=True)
        if self.kind == "softmax":
            return losses.SparseCategoricalCrossentropy(from_logits=True)
        return losses.MeanAbsoluteError()

    def _model(self) -> tuple[Any, list[str]]:
        """The model, and our names of its weights in Keras's order."""
        layers, spec = self.keras.layers, self.job.spec
        T, B = self.job.inputs.shape[1:3]
        order: list[str] = []
        if "vocabulary" in spec["source"]:
            source = spec["source"]
            net = [
                self.keras.Input((T,), B, dtype="int32"),
                layers.Embedding(
                    source["vocabulary"], source["width"], mask_zero=source["mask_zero"]
                ),
            ]
            order.append("embedding")
        else:
            net = [self.keras.Input((T, spec["source"]["width"]), B)]
        for k, layer in enumerate(spec["layers"]):
            every = k + 1 < len(spec["layers"]) or self.job.every_step
            net.append(self._layer(layer, sequences=every))
            ways = ("forward", "backward") if layer["bidirectional"] else ("forward",)
            order += [f"layers.{k}.{way}.{key}" for way in ways for key in "WUb"]
        if not spec["layers"]:
            net.append(layers.Flatten())
        if spec["head"]["hidden"]:
            net.append(layers.Dense(spec["head"]["hidden"], "relu"))
            order += ["head.hidden.W", "head.hidden.b"]
        net.append(layers.Dense(spec["head"]["outputs"]))
        return self.keras.Sequential(net), [*order, "head.W", "head.b"]

    def _layer(self, spec: dict[str, Any], *, sequences: bool) -> Any:
        layers, more = self.keras.layers, {}
        kind = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[spec["cell"]]
        if spec["cell"] != "rnn":
            hard = partial(_hard_sigmoid, self.keras.ops)
            more["recurrent_activation"] = (
                "sigmoid" if spec["recurrent_activation"] == "sigmoid" else hard
            )
        layer = kind(
            spec["units"], activation=spec["activation"], dropout=spec["dropout"],
            recurrent_dropout=spec["recurrent_dropout"], return_sequences=sequences, **more,
        )  # fmt: skip
        return layers.Bidirectional(layer) if spec["bidirectional"] else layer

    def prepare(self, inputs: Any, y: Any) -> Any:
        """Tensors, batch first."""
        own, ops = np.int32 if inputs.dtype.kind == "i" else np.float32, self.keras.ops
        x = np.ascontiguousarray(inputs.swapaxes(0, 1).astype(own))
        kind = np.int32 if self.kind == "softmax" else np.float32
        target = np.ascontiguousarray(y.T) if self.job.every_step else y[:, None]
        return ops.convert_to_tensor(x), ops.convert_to_tensor(target.astype(kind))

    def train(self, batches: list[Any]) -> float:
        """One update per batch."""
        for x, y in batches:
            loss = self.model.train_on_batch(x, y)
        return float(np.asarray(loss))


def _hard_sigmoid(ops: Any, a: Any) -> Any:
    """As in Keras 2; Keras 3 has another slope."""
    return ops.clip(0.2 * a + 0.5, 0, 1)
