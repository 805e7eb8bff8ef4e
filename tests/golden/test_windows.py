"""A carried, truncated window of a text against PyTorch, finite differences, and sums of steps."""

from __future__ import annotations

import numpy as np
import pytest
from golden.make_golden import unflat
from golden.make_windows import FILE, NAMES, B, E, T, case, spec_of
from gradcheck import relative_error
from strategies import recorded_gradients

from rnnviz.arrays import Array, Values
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.model import InitialStates, Model
from rnnviz.training.carried_states import CarriedStates

BOUNDS = 1e-9, 1e-11


def second_window(name: str, params: Values) -> tuple[Model, Array, Array, InitialStates]:
    """The net, the second window, the ids that follow, and the states that it begins with."""
    _, ids, following = case(name)
    net, carried = Model(spec_of(name), params), CarriedStates()
    carried.store(net.forward(ids[0]).layers.last_states)
    initial = carried.initial()
    assert initial is not None
    return net, ids[1], following[1], initial


def batch_gradients(net: Model, logits: Array, ids: Array, y: Array) -> tuple[float, Array]:
    """The loss of the batch, and its gradient at the logits, as a training computes them."""
    read = net.mask(ids)
    share = losses.batch_shares(logits, np.ones(B), read)
    loss = float((losses.losses("softmax", logits, y, read) * share).sum())
    return loss, losses.d_logits("softmax", logits, y, read) * share[:, None]


@pytest.mark.parametrize("name", NAMES)
def test_a_carried_window_has_the_values_and_gradients_of_pytorch(name: str) -> None:
    """Both walks, and that of compiled loops; of the recorded one the word vectors as well."""
    params, _, _ = case(name)
    net, ids, y, initial = second_window(name, params)
    with np.load(FILE) as golden:
        logits, loss = golden[f"{name}.logits"], float(golden[f"{name}.loss"])
        shapes = {**{key: a.shape for key, a in params.items()}, "x": (T, B, E)}
        wanted = unflat(golden[f"{name}.grads"], shapes)
    done = net.record(ids, initial=initial)
    found, d = batch_gradients(net, done.logits, ids, y)
    np.testing.assert_allclose(done.logits, logits, *BOUNDS)
    np.testing.assert_allclose(found, loss, 1e-9)
    recorded = recorded_gradients(net, done, d) | {"x": net.record_backward(done, d).x}
    walks = {"recorded": recorded}
    for backend in (HOST, compiled_backend()):
        other = Model(net.spec, params, backend)
        trained = other.forward(ids, initial=initial)
        np.testing.assert_allclose(trained.logits, logits, *BOUNDS)
        walks[backend.name] = other.gradients(trained, d)
    for walk, grads in walks.items():
        assert wanted.keys() - {"x"} <= grads.keys()
        for key, grad in grads.items():
            np.testing.assert_allclose(grad, wanted[key], *BOUNDS, err_msg=f"{walk} {key}")


@pytest.mark.parametrize("name", NAMES)
def test_a_carried_window_has_the_slopes_of_its_loss(name: str) -> None:
    """The states that it begins with are constants: the walk back ends there."""
    params, _, _ = case(name)
    net, ids, y, initial = second_window(name, params)
    done = net.forward(ids, initial=initial)
    grads = net.gradients(done, batch_gradients(net, done.logits, ids, y)[1])

    def objective(at: Values) -> float:
        logits = Model(net.spec, at).forward(ids, initial=initial).logits
        return batch_gradients(net, logits, ids, y)[0]

    assert relative_error(objective, params, grads, np.random.default_rng(0)) < 1e-7


@pytest.mark.parametrize("name", ["rnn.none", "lstm.behind", "gru.none"])
def test_the_gradient_of_the_head_is_a_sum_of_one_term_a_step(name: str) -> None:
    """∂L/∂W_O = Σ_t h_tᵀ · ∂L/∂logits_t."""
    params, _, _ = case(name)
    net, ids, y, initial = second_window(name, params)
    done = net.record(ids, initial=initial)
    d = batch_gradients(net, done.logits, ids, y)[1]
    h = done.scans[0][0].stack("h")
    terms = [h[t].T @ d[t] for t in range(T)]
    np.testing.assert_allclose(sum(terms), net.record_backward(done, d).head["head.W"], 1e-12)
