"""Jacobians from the equations on the screen: against finite differences and the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tui.small_models import DRAWN, TEXT, made, stored

from rnnviz.analysis.reach import (
    BLOCK,
    SpectrumQuestion,
    block_of,
    keep_gate_product,
    last_faded,
    spectra,
    step_jacobian,
)
from rnnviz.arrays import Array
from rnnviz.clamps import Clamp, parse
from rnnviz.engine.model import Model
from rnnviz.engine.scan import scan
from rnnviz.explore.reach import answer
from rnnviz.query import Query
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tracer import trace as trace_of

NUDGE = 1e-5
LONG = " ".join([TEXT] * 5)


def last_states(cell: str, layer: LayerTrace, t: int) -> Callable[[Array], Array]:
    """All last states (S) as a function of all states after token t, by the engine in float64."""
    net = stored(cell, layers=1)
    model = Model(net.model.spec, {n: a.astype(float) for n, a in net.model.params.items()})
    module, p = model.cell(0), model.layer_params(0, "forward")
    x, mask = layer.values["x"][t + 1 :, None].astype(float), layer.mask[t + 1 :, None]

    def run(states: Array) -> Array:
        parts = np.split(states[None], len(layer.states), axis=-1)
        initial = dict(zip(layer.states, parts, strict=True))
        last = scan(module, p, x, mask, initial=initial).last if len(x) else initial
        return np.concatenate([last[s][0] for s in layer.states])

    return run


def slope(run: Callable[[Array], Array], states: Array) -> Array:
    """∂run/∂states, by central differences: (S, S)."""
    eye = np.eye(len(states)) * NUDGE
    columns = [(run(states + e) - run(states - e)) / (2 * NUDGE) for e in eye]
    return np.stack(columns, axis=-1)


def with_a_masked_token(trace: Trace) -> Trace:
    """The same trace, token 2 skipped: what it computed is as it was, the step did nothing."""
    layer = trace.layers[0]
    mask = np.array([t != 2 for t in range(len(trace.tokens))])
    net = stored(layer.cell, layers=1)
    p, x = net.model.layer_params(0, "forward"), layer.values["x"][:, None]
    done = scan(net.model.cell(0), p, x, mask[:, None])
    values = {n: layer.values["x"] if n == "x" else done.stack(n)[:, 0] for n in layer.values}
    return replace(trace, layers=(replace(layer, mask=mask, values=values),))


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("cell", DRAWN)
def test_singular_values_are_those_of_finite_differences(cell: str, masked: bool) -> None:
    trace = made(cell=cell, layers=1)
    layer = (with_a_masked_token(trace) if masked else trace).layers[0]
    found = spectra(layer, 0)
    for t in range(len(trace.tokens)):
        states = np.concatenate([layer.values[s][t] for s in layer.states]).astype(float)
        J = slope(last_states(cell, layer, t), states)
        values, _ = found.at(t)
        np.testing.assert_allclose(values, np.linalg.svd(J)[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("cell", DRAWN)
def test_the_last_token_is_the_identity_and_a_masked_step_too(cell: str) -> None:
    layer = with_a_masked_token(made(cell=cell, layers=1)).layers[0]
    values, _ = spectra(layer, 0).at(len(layer.mask) - 1)
    np.testing.assert_array_equal(values, 1)
    S = layer.units * len(layer.states)
    np.testing.assert_array_equal(step_jacobian(layer, 2), np.eye(S))
    _, step = spectra(layer, 0).at(2)
    assert step == 1


@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("cell", DRAWN)
def test_the_largest_singular_value_is_the_reach_of_the_trace(cell: str, both: bool) -> None:
    trace = made(LONG, cell, layers=2, bidirectional=both)
    for layer in trace.layers:
        found = spectra(layer, 0)
        assert found.tokens == tuple(reversed(layer.order))
        for t in layer.order:
            assert found.at(t)[0][0] == pytest.approx(layer.reach[t], rel=2e-4)


def test_blocks_join_where_one_ends() -> None:
    layer = made(" ".join([TEXT] * 30), "gru").layers[0]
    T = len(layer.mask)
    blocks = [spectra(layer, n) for n in range(3)]
    assert [t for b in blocks for t in b.tokens] == list(range(T - 1, -1, -1))
    for t in (T - 1, T - BLOCK, T - BLOCK - 1, 0):
        values, _ = blocks[block_of(layer, t)].at(t)
        assert values[0] == pytest.approx(layer.reach[t], rel=2e-3)
    with pytest.raises(KeyError):
        blocks[0].at(0)


def test_a_product_that_would_underflow_keeps_its_digits() -> None:
    layer = made(" ".join([TEXT] * 4), "gru").layers[0]
    apart = {n: np.zeros_like(a) if n[0] == "U" else a for n, a in layer.weights.items()}
    z = np.full_like(layer.values["z"], 1e-20)
    found = spectra(replace(layer, weights=apart, values={**layer.values, "z": z}), 0)
    far = found.at(len(layer.mask) - 13)[0]
    np.testing.assert_allclose(far, float(z[0, 0]) ** 12, rtol=1e-9)


def test_what_rounding_leaves_over_is_no_singular_value() -> None:
    layer = made(" ".join([TEXT] * 12), "rnn").layers[0]
    values, _ = spectra(layer, 0).at(0)
    assert values[0] > 0 and values[-1] == 0
    assert np.all(np.diff(values) <= 0)


HELD = (
    ("rnn", "h[3,1]=0"), ("rnn", "a[2]=0.1"), ("lstm", "h[2]=0"), ("lstm", "c[2]=0.3"),
    ("lstm", "f[*]=1"), ("lstm", "i[1,2]=0"), ("gru", "z[*]=0.5"), ("gru", "a_g[2]=0.1"),
    ("gru", "q[3]=0"),
)  # fmt: skip


@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize(("cell", "held"), HELD)
def test_nothing_passes_through_what_is_held(cell: str, held: str, both: bool) -> None:
    query = Query(TEXT, cell, clamps=(parse(held),))
    layer = trace_of(stored(cell, bidirectional=both), query).layers[0]
    free = made(cell=cell, bidirectional=both).layers[0]
    found = spectra(layer, 0)
    for t in layer.order:
        assert found.at(t)[0][0] == pytest.approx(layer.reach[t], rel=2e-4, abs=1e-6)
    assert any(abs(layer.reach - free.reach) > 1e-4)


def test_a_held_state_is_no_way_around_a_masked_step() -> None:
    layer = with_a_masked_token(made(cell="lstm", layers=1)).layers[0]
    layer = replace(layer, clamps=(Clamp("c", 0.0, t=2, unit=1, layer="lstm"),))
    expected = np.eye(2 * layer.units)
    expected[layer.units + 1] = 0
    np.testing.assert_array_equal(step_jacobian(layer, 2), expected)


def test_an_answer_is_of_the_layer_that_was_asked_about() -> None:
    trace = made(layers=2)
    for k, layer in enumerate(trace.layers):
        found = answer(SpectrumQuestion(Query(TEXT, "lstm"), k), lambda q: trace)
        np.testing.assert_array_equal(found.values, spectra(layer, 0).values)


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z"), ("lstm-slide", "f")])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
def test_the_product_of_gates_is_of_the_tokens_read_after(cell: str, gate: str, both: bool) -> None:
    for layer in made(cell=cell, bidirectional=both).layers:
        order = list(layer.order)
        for n, t in enumerate(order):
            expected = np.ones(layer.units)
            for later in order[n + 1 :]:
                expected = expected * layer.values[gate][later].astype(float)
            np.testing.assert_allclose(keep_gate_product(layer)[t], expected, rtol=1e-12)


def test_a_masked_token_keeps_everything() -> None:
    layer = with_a_masked_token(made(cell="gru", layers=1)).layers[0]
    np.testing.assert_array_equal(keep_gate_product(layer)[1], keep_gate_product(layer)[2])


def test_a_cell_without_such_a_gate_has_no_product() -> None:
    with pytest.raises(ValueError, match="no gate"):
        keep_gate_product(made(cell="rnn").layers[0])


def test_faded_is_the_end_of_the_stretch_at_the_start() -> None:
    layer = replace(made().layers[0], reach=np.array([0.001, 0.005, 0.2, 0.001, 1.0]))
    assert last_faded(layer, 0.01) == 1
    assert last_faded(layer, 0.0001) is None
    backward = replace(layer, direction="backward")
    assert last_faded(backward, 0.01) is None and last_faded(backward, 2) == 0
