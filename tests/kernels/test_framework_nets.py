"""Nets of other frameworks on the GPU: the same numbers and the same training as on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from framework_nets import NETS, inputs_of, targets_of

from rnnviz.arrays import Array
from rnnviz.data.batches import Batch
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.progress import TrainingStep
from rnnviz.training.fit import fit

T, B, STEPS = 6, 5, 3
#: A head without trained arrays is not trained.
TRAINED = {name: spec for name, spec in NETS.items() if spec.head.kind != "state"}


class _Examples:
    """STEPS batches of one net."""

    def __init__(self, spec: ModelSpec) -> None:
        rng = np.random.default_rng(5)
        self.rows: list[Batch] = [
            (self._inputs(spec, rng), targets_of(spec.head, T, B, rng), np.ones(B, np.float32))
            for _ in range(STEPS)
        ]

    @staticmethod
    def _inputs(spec: ModelSpec, rng: np.random.Generator) -> Array:
        x = inputs_of(spec, T, B, rng)
        return x if x.dtype.kind == "i" else x.astype(np.float32)

    def __len__(self) -> int:
        return STEPS * B

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        yield from self.rows


@pytest.mark.parametrize("name", NETS)
def test_forward_and_backward_are_the_hosts(
    backend: CudaBackend, messages: list[str], name: str
) -> None:
    spec, rng = NETS[name], np.random.default_rng(4)
    params, inputs = initialise(spec, 1), _Examples._inputs(spec, rng)
    y, kind = targets_of(spec.head, T, B, rng), spec.head.kind
    host, net = Model(spec, params), Model(spec, params, backend)
    read = host.mask(inputs)
    done = host.forward(inputs, np.random.default_rng(1))
    d = losses.d_logits(kind, done.logits, y, read)
    wanted = {"logits": done.logits, **host.gradients(done, d)}
    on_device = net.forward(backend.asarray(inputs), np.random.default_rng(1))
    grads = net.gradients(on_device, backend.asarray(d))
    found = {"logits": on_device.logits, **grads}
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        np.testing.assert_allclose(backend.host(found[key]), array, 1e-4, 1e-5, err_msg=key)
    assert not messages


@pytest.mark.parametrize("name", TRAINED)
def test_a_few_steps_have_the_losses_of_the_host(backend: CudaBackend, name: str) -> None:
    spec = TRAINED[name]
    on_host, on_gpu = _losses(spec, HOST), _losses(spec, backend)
    assert len(set(on_host)) == STEPS
    np.testing.assert_allclose(on_gpu, on_host, 1e-4)


def _losses(spec: ModelSpec, backend: Backend) -> list[float]:
    examples = _Examples(spec)
    net = Model(spec, initialise(spec, 1), backend)
    events = fit(net, lambda *_: examples, examples, FitSpec(1, B, rate=0.01, monitor="loss"))
    return [event.loss for event in events if isinstance(event, TrainingStep)]
