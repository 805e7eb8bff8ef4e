"""A training on a card is the training on the processor, to rounding; and nobody waits for it."""

from __future__ import annotations

import types
import numpy as np
import pytest
from cuda.nets import NETS, losses_of
from rnnviz.engine.loops import HOST


@pytest.mark.parametrize("name", NETS)
def test_ten_steps_lose_what_they_lose_on_the_processor(xp: types.ModuleType, name: str) -> None:
    from rnnviz.engine.device import card

    there = losses_of(NETS[name], card())
    here = losses_of(NETS[name], HOST)
    assert len(here) == 10
    assert len(set(here)) == 10
    np.testing.assert_allclose(there, here, rtol=1e-5)
