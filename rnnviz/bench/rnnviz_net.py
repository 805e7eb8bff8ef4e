"""The net in rnnviz, updated as in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnviz.bench.peers.worker import BenchJob
from rnnviz.engine import memory
from rnnviz.engine.backend import HOST
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.training.fit import update
from rnnviz.version import VERSION


class RnnvizTrainer:
    """A model, its optimizer and its generator."""

    version = VERSION

    def __init__(self, job: BenchJob, *, compiled: bool = False) -> None:
        backend = compiled_backend() if compiled else HOST
        self.model = Model(ModelSpec.from_json(job.spec), job.weights, backend)
        self.fit = FitSpec(epochs=1, optimizer=job.optimizer, rate=job.rate)
        self.optimizer = OPTIMIZERS[job.optimizer](job.rate)
        self.rng = np.random.default_rng(0)
        memory.keep()

    def prepare(self, inputs: Any, y: Any) -> Any:
        """Inputs, targets, and a weight of 1 for every example."""
        return inputs, y, np.ones(y.shape[-1], np.float32)

    def train(self, batches: list[Any]) -> float:
        """One update per batch; the loss of the last one."""
        for batch in batches:
            loss = update(self.model, self.optimizer, batch, self.fit, self.rng).loss
        return loss
