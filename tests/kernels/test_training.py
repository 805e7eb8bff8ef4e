"""The losses of ten training steps on the GPU equal those on the CPU, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.nets import NETS, STEPS, losses_of

from rnnviz.engine.backend import HOST
from rnnviz.engine.cuda.backend import CudaBackend


@pytest.mark.parametrize("name", NETS)
def test_the_losses_of_ten_steps_are_those_on_the_cpu(
    backend: CudaBackend, messages: list[str], name: str
) -> None:
    on_gpu = losses_of(NETS[name], backend)
    on_cpu = losses_of(NETS[name], HOST)
    assert len(set(on_cpu)) == STEPS
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=1e-5)
    assert not messages  # computed by kernels, not step by step
