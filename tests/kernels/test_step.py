"""A trace computed on a card is the trace of the processor, and says where it was computed."""

from __future__ import annotations

import types

import numpy as np
import pytest

import rnnviz
from rnnviz.trace import Trace

TEXT = "this movie was not good"


def furthest(a: Trace, b: Trace) -> float:
    """The largest difference of any recorded value, gradient or reach of two traces."""
    found = [abs(a.head.loss - b.head.loss)]
    for one, other in zip(a.layers, b.layers, strict=True):
        for mine, yours in ((one.values, other.values), (one.grads, other.grads)):
            assert set(mine) == set(yours)
            found += [float(np.max(np.abs(mine[name] - yours[name]))) for name in mine]
        found.append(float(np.max(np.abs(one.reach - other.reach))))
    return float(np.max(found))


@pytest.mark.parametrize("model", ["sentiment-lstm", "sentiment-lstm-slide", "agnews-bilstm"])
def test_every_value_of_a_trace_is_the_processors(xp: types.ModuleType, model: str) -> None:
    there = rnnviz.step(TEXT, model=model, device="cuda")
    here = rnnviz.step(TEXT, model=model)
    assert (there.device, here.device) == ("cuda", "cpu")
    assert there.tokens == here.tokens
    assert furthest(there, here) < 1e-6


def test_with_a_clamp_the_processor_computes(xp: types.ModuleType) -> None:
    there = rnnviz.step(TEXT, clamps=("f[*]=1",), device="cuda")
    here = rnnviz.step(TEXT, clamps=("f[*]=1",))
    assert there.device == "cpu"
    assert furthest(there, here) == 0
