"""The net in PyTorch: nn.RNN, nn.LSTM and nn.GRU where possible, else a loop over time."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from .worker import BenchJob


def build(job: BenchJob, threads: str = "") -> TorchTrainer:
    """The net with the job's weights and its optimizer; ``threads``: "" for PyTorch's choice."""
    trainer = TorchTrainer(job)
    if threads:
        trainer.torch.set_num_threads(int(threads))
    return trainer


class TorchTrainer:
    """A net with a fused optimizer."""

    def __init__(self, job: BenchJob, device: str = "cpu") -> None:
        self.device = device
        self.torch: Any = import_module("torch")
        # Gradients that vanish over hundreds of steps become denormal, which is slow; XLA and
        # TensorFlow flush them to zero by default.
        self.torch.set_flush_denormal(True)
        self.version = self.torch.__version__
        self.job, self.kind = job, job.spec["head"]["kind"]
        self.params = {
            name: self.torch.nn.Parameter(self.torch.tensor(a, device=device))
            for name, a in job.weights.items()
        }
        self.layers = [self._layer(k, layer) for k, layer in enumerate(job.spec["layers"])]
        fused = [p for layer in self.layers for p in getattr(layer, "parameters", list)()]
        own = [p for n, p in self.params.items() if not (fused and n.startswith("layers."))]
        self.optimizer = self._optimizer(own + fused)

    def _optimizer(self, params: list[Any]) -> Any:
        optim, rate = self.torch.optim, self.job.rate
        if self.job.optimizer == "adam":
            return optim.Adam(params, rate, eps=1e-7, fused=True)
        return optim.RMSprop(params, rate, alpha=0.9, eps=1e-7)

    def prepare(self, inputs: Any, y: Any) -> Any:
        """Tensors, and the lengths where the padding is masked."""
        lengths = self.torch.tensor((inputs != 0).sum(0)) if self.job.masked else None
        kind = np.int64 if self.kind == "softmax" else np.float32
        target = self.torch.tensor(y.astype(kind), device=self.device)
        own = np.int64 if inputs.dtype.kind == "i" else np.float32
        return self.torch.tensor(inputs.astype(own), device=self.device), lengths, target

    def train(self, batches: list[Any]) -> float:
        """One update per batch."""
        for inputs, lengths, y in batches:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.logits(inputs, lengths), y)
            loss.backward()
            self.optimizer.step()
        return float(loss.detach())

    def loss(self, logits: Any, y: Any) -> Any:
        """The mean loss of a batch."""
        functional = self.torch.nn.functional
        if self.kind == "sigmoid":
            return functional.binary_cross_entropy_with_logits(logits[:, 0], y)
        if self.kind == "softmax":
            return functional.cross_entropy(logits.flatten(0, -2), y.flatten())
        return functional.l1_loss(logits[:, 0], y)

    def logits(self, x: Any, lengths: Any) -> Any:
        """(B, K), of ids (T, B) or measurements (T, B, D); (T, B, K) of every step."""
        nn, p = self.torch.nn, self.params
        if "embedding" in p:
            x = nn.functional.embedding(x, p["embedding"])
        if lengths is not None:
            x = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        features = x.permute(1, 0, 2).flatten(1) if not self.layers else x
        for spec, layer in zip(self.job.spec["layers"], self.layers, strict=True):
            x, features = layer(self._input_dropout(x, spec["dropout"]))
        features = x if self.job.every_step else features
        if "head.hidden.W" in p:
            features = self.torch.relu(features @ p["head.hidden.W"] + p["head.hidden.b"])
        return features @ p["head.W"] + p["head.b"]

    def _input_dropout(self, x: Any, rate: float) -> Any:
        if not rate:
            return x
        return x * self.torch.nn.functional.dropout(self.torch.ones_like(x[0]), rate)

    def _layer(self, k: int, spec: dict[str, Any]) -> Any:
        """A callable from inputs to all outputs and the concatenated last states."""
        plain = spec["activation"] == "tanh" or spec["cell"] == "rnn"
        sigmoid = spec["recurrent_activation"] == "sigmoid"
        if plain and sigmoid and not spec["recurrent_dropout"]:
            return FusedLayer(self.torch, self.job.weights, k, spec, self.device)
        passes = []
        for way in ("forward", "backward") if spec["bidirectional"] else ("forward",):
            p = {name: self.params[f"layers.{k}.{way}.{name}"] for name in "WUb"}
            passes.append(partial(_loop, self.torch, spec, p, way == "backward"))
        return partial(_both, self.torch, passes)


class FusedLayer:
    """A layer of torch.nn with the job's weights."""

    def __init__(
        self, torch: Any, weights: dict[str, Any], k: int, spec: dict[str, Any], device: str
    ) -> None:
        self.torch, self.spec = torch, spec
        kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[spec["cell"]]
        more = {"nonlinearity": spec["activation"]} if spec["cell"] == "rnn" else {}
        width = weights[f"layers.{k}.forward.W"].shape[0]
        self.net = kind(width, spec["units"], bidirectional=spec["bidirectional"], **more)
        for suffix, way in (("", "forward"), ("_reverse", "backward")):
            if way == "forward" or spec["bidirectional"]:
                self._fill(weights, f"layers.{k}.{way}.", f"_l0{suffix}")
        self.net.to(device)

    def _fill(self, weights: dict[str, Any], prefix: str, suffix: str) -> None:
        def own(a: Any) -> Any:
            if self.spec["cell"] == "gru":  # from z r g to r z n
                z, r, g = np.split(a, 3, axis=-1)
                a = np.concatenate([r, z, g], axis=-1)
            return self.torch.tensor(np.ascontiguousarray(a.T))

        b = weights[f"{prefix}b"]
        rows = b if b.ndim == 2 else np.stack([b, np.zeros_like(b)])
        with self.torch.no_grad():
            getattr(self.net, f"weight_ih{suffix}").copy_(own(weights[f"{prefix}W"]))
            getattr(self.net, f"weight_hh{suffix}").copy_(own(weights[f"{prefix}U"]))
            getattr(self.net, f"bias_ih{suffix}").copy_(own(rows[0]))
            getattr(self.net, f"bias_hh{suffix}").copy_(own(rows[1]))

    def parameters(self) -> list[Any]:
        """The parameters to update."""
        return list(self.net.parameters())

    def __call__(self, x: Any) -> tuple[Any, Any]:
        """All outputs, and the last states of the directions concatenated."""
        outputs, last = self.net(x)
        h = last[0] if self.spec["cell"] == "lstm" else last  # (directions, B, H)
        return outputs, self.torch.cat(list(h), dim=-1)


def _both(torch: Any, passes: list[Any], x: Any) -> tuple[Any, Any]:
    done = [run(x) for run in passes]
    return torch.cat([o for o, _ in done], dim=-1), torch.cat([h for _, h in done], dim=-1)


def _loop(
    torch: Any, spec: dict[str, Any], p: dict[str, Any], reverse: bool, x: Any
) -> tuple[Any, Any]:
    """One direction, step by step; the product of the inputs is computed once for all steps."""
    b, b_u = (p["b"][0], p["b"][1]) if p["b"].dim() == 2 else (p["b"], 0)
    xw = x @ p["W"] + b
    h = c = x.new_zeros(x.shape[1], spec["units"])
    rate = spec["recurrent_dropout"]
    keep = torch.nn.functional.dropout(torch.ones_like(h), rate) if rate else None
    outputs = [h] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        hu = (h if keep is None else h * keep) @ p["U"] + b_u
        h, c = _step(torch, spec, xw[t], hu, h, c)
        outputs[t] = h
    return torch.stack(outputs), h


def _step(torch: Any, spec: dict[str, Any], xw: Any, hu: Any, h: Any, c: Any) -> tuple[Any, Any]:
    act = torch.tanh if spec["activation"] == "tanh" else torch.relu
    gate = torch.sigmoid
    if spec["recurrent_activation"] == "hard_sigmoid":

        def gate(a: Any) -> Any:
            return (0.2 * a + 0.5).clamp(0, 1)

    if spec["cell"] == "rnn":
        return act(xw + hu), c
    if spec["cell"] == "lstm":
        i, f, g, o = (xw + hu).chunk(4, dim=-1)
        c = gate(f) * c + gate(i) * act(g)
        return gate(o) * act(c), c
    x_z, x_r, x_g = xw.chunk(3, dim=-1)
    h_z, h_r, h_g = hu.chunk(3, dim=-1)
    z = gate(x_z + h_z)
    g = act(x_g + gate(x_r + h_r) * h_g)
    return z * h + (1 - z) * g, c
