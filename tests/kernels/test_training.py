"""Ten steps of the lessons' nets lose on a card what they lose on the processor, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.nets import NETS, STEPS, losses_of

from rnnviz.engine.backend import HOST
from rnnviz.engine.cuda.backend import CudaBackend


@pytest.mark.parametrize("name", NETS)
def test_ten_steps_lose_what_they_lose_on_the_processor(
    card: CudaBackend, said: list[str], name: str
) -> None:
    there = losses_of(NETS[name], card)
    here = losses_of(NETS[name], HOST)
    assert len(set(here)) == STEPS
    np.testing.assert_allclose(there, here, rtol=1e-5)
    assert not said  # kernels computed it, not the loop step by step
