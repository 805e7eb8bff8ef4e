"""The parallel scan: the states of the loop in ⌈log₂ T⌉ levels, and the cells it is not for."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log2

import numpy as np
import pytest

import rnnviz
from rnnviz.analysis.parallel_scan import parallel_scan, reads_state, sources, steps
from rnnviz.model_files import load
from rnnviz.trace import LayerTrace


def layer_of(ids: np.ndarray, initial: float = 0.0) -> LayerTrace:
    """The layer of sentiment-mingru over ids, computed in float64."""
    model = load("sentiment-mingru").model.astype(np.float64)
    H = model.spec.layers[0].units
    start = [[{"h": np.full((1, H), initial)}]]
    scan = model.record(ids[:, None], initial=start).scans[0][0]
    layer = rnnviz.step("good", model="sentiment-mingru").layers[0]
    values = {name: scan.stack(name)[:, 0] for name in scan.names} | {"x": scan.x[:, 0]}
    mask = np.ones(len(ids), bool) if scan.mask is None else scan.mask[:, 0]
    return replace(layer, values=values, mask=mask, initial={"h": start[0][0]["h"][0]})


@pytest.mark.parametrize("T", [1, 2, 3, 4, 5, 8, 9, 31, 500])
@pytest.mark.parametrize("initial", [0.0, 0.7])
def test_the_levels_give_the_states_of_the_loop(T: int, initial: float) -> None:
    ids = np.random.default_rng(T).integers(2, 900, T)
    layer = layer_of(ids, initial)
    scan = parallel_scan(layer)
    assert scan.depth == ceil(log2(T))
    np.testing.assert_allclose(scan.h, layer.values["h"], rtol=1e-11, atol=1e-12)
    assert set(scan.levels[-1].first) == {0}


def test_five_hundred_steps_are_nine_levels() -> None:
    assert parallel_scan(layer_of(np.full(500, 7))).depth == 9


def test_every_pair_is_the_loop_over_the_tokens_it_spans() -> None:
    layer = layer_of(np.arange(10, 21))
    a, b = steps(layer)
    for number, level in enumerate(parallel_scan(layer).levels):
        for last, first in enumerate(level.first):
            assert last - first + 1 == min(2**number, last + 1)
            product, state = np.ones_like(a[0]), np.zeros_like(b[0])
            for t in range(first, last + 1):
                product, state = product * a[t], a[t] * state + b[t]
            np.testing.assert_allclose(level.a[last], product, rtol=1e-12)
            np.testing.assert_allclose(level.b[last], state, rtol=1e-9, atol=1e-12)


def test_a_masked_token_leaves_the_state_alone() -> None:
    layer = layer_of(np.array([0, 0, 40, 0, 41]))
    assert not layer.mask.all()
    np.testing.assert_allclose(parallel_scan(layer).h, layer.values["h"], rtol=1e-12)


def test_a_layer_that_reads_from_the_right() -> None:
    forward = layer_of(np.arange(30, 37))
    values = {name: a[::-1] for name, a in forward.values.items()}
    backward = replace(forward, direction="backward", values=values)
    np.testing.assert_allclose(parallel_scan(backward).h, forward.values["h"], rtol=1e-12)


def test_the_lit_places_are_those_the_state_depends_on() -> None:
    assert sources(1, 0, 0) == {(0, 0)}
    assert sources(5, 3, 4) == {(3, 4), (2, 4), (2, 0), *((1, t) for t in (4, 2, 0))} | {
        (0, t) for t in range(5)
    }
    for T in (3, 7, 8):
        for t in range(T):
            lit = sources(T, ceil(log2(T)), t)
            assert {k for level, k in lit if level == 0} == set(range(t + 1))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("sentiment-mingru", None),
        ("sentiment-rnn", "a"),
        ("sentiment-lstm", "a_f"),
        ("sentiment-lstm-slide", "a_f"),
        ("sentiment-gru", "a_r"),
    ],
)
def test_a_gate_that_reads_the_state_makes_the_next_word_wait(model: str, name: str | None) -> None:
    line = reads_state(rnnviz.step("not good", model=model).layers[0])
    assert (None if line is None else line.name) == name
