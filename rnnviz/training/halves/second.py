"""What the second process does until the first one closes the line, or is gone."""

from __future__ import annotations

import json
import signal
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from rnnviz.engine import memory
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import ModelSpec
from rnnviz.training.halves.half import part
from rnnviz.training.halves.memory import Place, Shared


def main() -> None:
    """Answer on the socket that is its stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    memory.keep()
    line = Connection(0)
    try:
        _serve(line)
    except (EOFError, OSError):
        pass  # nobody is there any more


def _serve(line: Connection) -> None:
    begun = json.loads(line.recv_bytes())
    spec = ModelSpec.from_json(begun["spec"])
    work = _Work(spec, Shared(begun["memory"], spec, begun["dtype"]))
    _say(line, {})
    while True:
        request = json.loads(line.recv_bytes())
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                answer = getattr(work, request.pop("task"))(**request)
        except Exception as error:
            _say(line, {"failed": f"{type(error).__name__}: {error}"})
            return
        _say(line, answer)


def _say(line: Connection, message: dict[str, Any]) -> None:
    line.send_bytes(json.dumps(message).encode())


class _Work:
    """Its tasks; what they come to is written where the first process looks for it."""

    def __init__(self, spec: ModelSpec, shared: Shared) -> None:
        self.shared = shared
        self.trained, self.other = Model(spec, shared.params), Model(spec, shared.read)

    def part(self, arrays: list[Place], seed: list[int] | None) -> dict[str, Any]:
        """Gradients of a half."""
        inputs, y, share = self.shared.take(arrays)
        rng = None if seed is None else np.random.default_rng(seed)
        found = part(self.trained, (inputs, y, share), rng)
        for name, g in found.grads.items():
            self.shared.grads[name][...] = g
        words = 0
        if found.words is not None:
            assert self.shared.words is not None and self.shared.rows is not None
            words = len(found.words.words)
            self.shared.words[:words], self.shared.rows[:words] = found.words
        return {"arrays": self.shared.put([found.logits]), "words": words}

    def update(
        self, arrays: list[Place], first: int, optimizer: str, numbers: dict[str, float]
    ) -> dict[str, Any]:
        """One step of the embedding's rows from ``first`` on."""
        words, rows = self.shared.take(arrays)
        table = self.shared.params["embedding"][first:]
        made = OPTIMIZERS[optimizer]()
        for name, value in numbers.items():
            setattr(made, name, value)
        made.adopt("embedding", [a[first:] for a in self.shared.gathered])
        made.step_rows("embedding", table, WordRows(words, rows))
        return {}

    def read(self, arrays: list[Place], trained: bool) -> dict[str, Any]:
        """Logits of a half."""
        (inputs,) = self.shared.take(arrays)
        model = self.trained if trained else self.other
        done = model.forward(inputs, quick=True, keep=False)
        return {"arrays": self.shared.put([done.logits])}
