"""Stateful training on the GPU: the losses of the host, launched as graphs."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.data.next_tokens import TextWindows
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.progress import Epoch, TrainingStep
from rnnviz.training.fit import fit
from rnnviz.training.state import State

V = 5
TEXT = np.random.default_rng(0).integers(0, V, 200)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_losses_of_a_stateful_training_are_the_hosts(backend: CudaBackend, cell: str) -> None:
    spec = ModelSpec(
        EmbeddingSpec(V, 3, mask_zero=False), (RecurrentSpec(cell, 4),),
        HeadSpec("softmax", V, reads="steps"),
    )  # fmt: skip
    fit_spec = FitSpec(2, 4, rate=0.03, clip=1.0, monitor="loss", stateful=True)
    train, valid = TextWindows(TEXT, 6, stateful=True), TextWindows(TEXT[:60], 6)

    def losses_on(where: Backend) -> list[float]:
        net = Model(spec, initialise(spec, 0), where)
        state = State.fresh(net.params, fit_spec)
        state.backend = where
        events = list(fit(net, lambda *_: train, valid, fit_spec, state))
        last = [e.valid["loss"] for e in events if isinstance(e, Epoch)]
        return [e.loss for e in events if isinstance(e, TrainingStep)] + last

    np.testing.assert_allclose(losses_on(backend), losses_on(HOST), 2e-4, 1e-5)
