"""The worker that runs our own engine, through exactly what training does."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnviz.bench.peers.worker import BenchJob
from rnnviz.engine import memory
from rnnviz.engine.backend import HOST
from rnnviz.engine.device import with_compiled
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.training.fit import update
from rnnviz.version import VERSION


class RnnvizTrainer:
    """A model, its optimizer and its generator."""

    version = VERSION

    def __init__(self, job: BenchJob, *, compiled: bool = False) -> None:
        loops = with_compiled() if compiled else HOST
        self.model = Model(ModelSpec.from_json(job.spec), job.weights, loops)
        self.fit = FitSpec(epochs=1, optimizer=job.optimizer, rate=job.rate)
        self.optimizer = OPTIMIZERS[job.optimizer](job.rate)
        self.rng = np.random.default_rng(0)
        memory.keep()

    def prepare(self, inputs: Any, y: Any) -> Any:
        """A batch as the data floor makes it; every example counts the same."""
        return inputs, y, np.ones(len(y), np.float32)

    def train(self, batches: list[Any]) -> float:
        """An update a batch; the loss of the last one."""
        for batch in batches:
            loss = update(self.model, self.optimizer, batch, self.fit, self.rng).loss
        return loss
