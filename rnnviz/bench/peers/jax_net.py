"""The net in JAX: forward, backward and update are one jitted function, time is lax.scan."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from .worker import BenchJob


def build(job: BenchJob) -> JaxTrainer:
    """The jitted step with the job's weights."""
    return JaxTrainer(job)


class JaxTrainer:
    """Parameters, optimizer state and dropout key; the step is one jitted function."""

    def __init__(self, job: BenchJob) -> None:
        self.jax: Any = import_module("jax")
        self.np = self.jax.numpy
        self.version = self.jax.__version__
        self.job, self.kind = job, job.spec["head"]["kind"]
        self.params = {name: self.np.asarray(a) for name, a in job.weights.items()}
        zeros = {name: self.np.zeros_like(a) for name, a in self.params.items()}
        again = {name: self.np.zeros_like(a) for name, a in self.params.items()}
        self.state = {"step": self.np.zeros((), "float32"), "square": zeros, "mean": again}
        self.key = self.jax.random.key(0)
        self.step = self.jax.jit(self._step, donate_argnums=(0, 1))

    def prepare(self, inputs: Any, y: Any) -> Any:
        """Arrays of 32 bits."""
        own = np.int32 if inputs.dtype.kind == "i" else np.float32
        kind = np.int32 if self.kind == "softmax" else np.float32
        return self.np.asarray(inputs.astype(own)), self.np.asarray(y.astype(kind))

    def train(self, batches: list[Any]) -> float:
        """One update per batch, queued asynchronously and awaited at the end."""
        for x, y in batches:
            self.params, self.state, self.key, loss = self.step(
                self.params, self.state, self.key, x, y
            )
        return float(loss)

    def _step(self, params: Any, state: Any, key: Any, x: Any, y: Any) -> Any:
        key, now = self.jax.random.split(key)
        loss, grads = self.jax.value_and_grad(self._loss)(params, x, y, now)
        params, state = self._update(params, state, grads)
        return params, state, key, loss

    def _update(self, params: Any, state: Any, grads: Any) -> Any:
        """RMSprop or Adam with Keras's formulas."""
        tree, np, rate = self.jax.tree.map, self.np, self.job.rate
        if self.job.optimizer == "rmsprop":
            v = tree(lambda v, g: 0.9 * v + 0.1 * g * g, state["square"], grads)
            params = tree(lambda p, g, v: p - rate * g / np.sqrt(v + 1e-7), params, grads, v)
            return params, state | {"square": v}
        step = state["step"] + 1
        alpha = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, state["mean"], grads)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, state["square"], grads)
        params = tree(lambda p, m, v: p - alpha * m / (np.sqrt(v) + 1e-7), params, m, v)
        return params, {"step": step, "square": v, "mean": m}

    def _loss(self, params: Any, x: Any, y: Any, key: Any) -> Any:
        np, nn = self.np, self.jax.nn
        logits = self._logits(params, x, key)
        if self.kind == "softmax":
            chosen = np.take_along_axis(nn.log_softmax(logits), y[..., None], -1)
            return -chosen.mean()
        z = logits[:, 0]
        if self.kind == "linear":
            return np.abs(z - y).mean()
        return (np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))).mean()

    def _logits(self, params: Any, x: Any, key: Any) -> Any:
        np = self.np
        mask = (x != 0) if self.job.masked else None
        if "embedding" in params:
            x = params["embedding"][x]
        features = None
        for k, spec in enumerate(self.job.spec["layers"]):
            key, now = self.jax.random.split(key)
            x = self._drop(now, spec["dropout"], x, x.shape[1:])
            passes = []
            for way in ("forward", "backward") if spec["bidirectional"] else ("forward",):
                key, now = self.jax.random.split(key)
                p = {name: params[f"layers.{k}.{way}.{name}"] for name in "WUb"}
                passes.append(self._scan(spec, p, x, mask, now, reverse=way == "backward"))
            features = np.concatenate([last for last, _ in passes], -1)
            x = np.concatenate([outputs for _, outputs in passes], -1)
        if self.job.every_step:
            features = x
        if features is None:
            features = x.swapaxes(0, 1).reshape(x.shape[1], -1)
        if "head.hidden.W" in params:
            hidden = features @ params["head.hidden.W"] + params["head.hidden.b"]
            features = self.jax.nn.relu(hidden)
        return features @ params["head.W"] + params["head.b"]

    def _drop(self, key: Any, rate: float, x: Any, shape: tuple[int, ...]) -> Any:
        if not rate:
            return x
        return x * self.jax.random.bernoulli(key, 1 - rate, shape) / (1 - rate)

    def _scan(
        self, spec: dict[str, Any], p: Any, x: Any, mask: Any, key: Any, *, reverse: bool
    ) -> tuple[Any, Any]:
        """One direction: the last hidden state (B, H), and all of them (T, B, H)."""
        b, b_u = (p["b"][0], p["b"][1]) if p["b"].ndim == 2 else (p["b"], 0)
        xw = x @ p["W"] + b
        zero = self.np.zeros((x.shape[1], spec["units"]), x.dtype)
        keep = self._drop(key, spec["recurrent_dropout"], self.np.ones_like(zero), zero.shape)
        step = partial(_cell, self.jax, spec)

        def onward(state: Any, now: Any) -> Any:
            xw_t, read = now
            h, c = state
            masked_h = h * keep if spec["recurrent_dropout"] else h
            new = step(xw_t, masked_h @ p["U"] + b_u, h, c)
            if read is not None:
                new = tuple(
                    self.np.where(read[:, None], n, s) for n, s in zip(new, state, strict=True)
                )
            return new, new[0]

        # Unrolling by four or eight makes it slower to run and to compile.
        (h, _), outputs = self.jax.lax.scan(onward, (zero, zero), (xw, mask), reverse=reverse)
        return h, outputs


def _cell(jax: Any, spec: dict[str, Any], xw: Any, hu: Any, h: Any, c: Any) -> tuple[Any, Any]:
    np = jax.numpy
    act = np.tanh if spec["activation"] == "tanh" else jax.nn.relu

    def gate(a: Any) -> Any:
        if spec["recurrent_activation"] == "hard_sigmoid":
            return np.clip(0.2 * a + 0.5, 0, 1)
        return jax.nn.sigmoid(a)

    if spec["cell"] == "rnn":
        return act(xw + hu), c
    if spec["cell"] == "lstm":
        i, f, g, o = np.split(xw + hu, 4, -1)
        c = gate(f) * c + gate(i) * act(g)
        return gate(o) * act(c), c
    x_z, x_r, x_g = np.split(xw, 3, -1)
    h_z, h_r, h_g = np.split(hu, 3, -1)
    z = gate(x_z + h_z)
    g = act(x_g + gate(x_r + h_r) * h_g)
    return z * h + (1 - z) * g, c
