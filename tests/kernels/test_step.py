"""A trace computed on the GPU equals that of the CPU, and names its device."""

from __future__ import annotations

import types

import numpy as np
import pytest

import rnnviz
from rnnviz.trace import Trace

TEXT = "this movie was not good"


def largest_difference(a: Trace, b: Trace) -> float:
    """The largest difference of values, gradients and reach between two traces."""
    differences = [abs(a.head.loss - b.head.loss)]
    for one, other in zip(a.layers, b.layers, strict=True):
        for first, second in ((one.values, other.values), (one.grads, other.grads)):
            assert set(first) == set(second)
            differences += [float(np.max(np.abs(first[name] - second[name]))) for name in first]
        differences.append(float(np.max(np.abs(one.reach - other.reach))))
    return float(np.max(differences))


@pytest.mark.parametrize("model", ["sentiment-lstm", "sentiment-lstm-slide", "agnews-bilstm"])
def test_every_value_of_a_trace_is_that_of_the_cpu(xp: types.ModuleType, model: str) -> None:
    on_gpu = rnnviz.step(TEXT, model=model, device="cuda")
    on_cpu = rnnviz.step(TEXT, model=model)
    assert (on_gpu.device, on_cpu.device) == ("cuda", "cpu")
    assert on_gpu.tokens == on_cpu.tokens
    assert largest_difference(on_gpu, on_cpu) < 1e-6


def test_clamped_traces_are_computed_on_the_cpu(xp: types.ModuleType) -> None:
    on_gpu = rnnviz.step(TEXT, clamps=("f[*]=1",), device="cuda")
    on_cpu = rnnviz.step(TEXT, clamps=("f[*]=1",))
    assert on_gpu.device == "cpu"
    assert largest_difference(on_gpu, on_cpu) == 0
