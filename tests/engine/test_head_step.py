"""The compiled pass over a softmax head equals the array-by-array one, which defines it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST, HostBackend
from rnnviz.engine.compiled import threads
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.head_step import HeadStep
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec

numba = pytest.importorskip("numba")

V, T, B = 9, 21, 6
RNN = RecurrentSpec("rnn", 4)
BOTH = replace(RNN, bidirectional=True)
STEPS = HeadSpec("softmax", V, reads="steps")
MASKED, PLAIN = EmbeddingSpec(V, 3), EmbeddingSpec(V, 3, mask_zero=False)
CASES: dict[str, tuple[ModelSpec, str]] = {
    "every step": (ModelSpec(PLAIN, (RNN,), STEPS), "none"),
    "whole vectors": (
        ModelSpec(PLAIN, (replace(RNN, units=16),), replace(STEPS, outputs=16)), "none",
    ),
    "65 classes": (ModelSpec(PLAIN, (RNN,), replace(STEPS, outputs=65)), "none"),
    "one class": (ModelSpec(PLAIN, (RNN,), replace(STEPS, outputs=1)), "none"),
    "no bias": (ModelSpec(PLAIN, (RNN,), replace(STEPS, bias=False)), "none"),
    "masked behind": (ModelSpec(MASKED, (RNN,), STEPS), "behind"),
    "masked in front": (ModelSpec(MASKED, (RNN,), STEPS), "front"),
    "holes": (ModelSpec(MASKED, (RNN,), STEPS), "holes"),
    "shared padding": (ModelSpec(PLAIN, (RNN,), STEPS), "front"),
    "two layers": (ModelSpec(MASKED, (RNN, RNN), STEPS), "behind"),
    "backwards": (ModelSpec(PLAIN, (replace(RNN, reverse=True),), STEPS), "none"),
    "both directions": (ModelSpec(MASKED, (BOTH,), STEPS), "behind"),
    "their mean": (ModelSpec(PLAIN, (replace(BOTH, merge="ave"),), STEPS), "none"),
    "dropout": (ModelSpec(MASKED, (RNN,), replace(STEPS, dropout=0.4)), "behind"),
    "the last state": (ModelSpec(MASKED, (RNN,), HeadSpec("softmax", 3)), "behind"),
    "the last of both": (ModelSpec(PLAIN, (BOTH,), HeadSpec("softmax", 3, dropout=0.4)), "none"),
    "the last token": (ModelSpec(PLAIN, (BOTH,), HeadSpec("softmax", 3, reads="end")), "none"),
    "a layer below": (ModelSpec(PLAIN, (RNN,), HeadSpec("softmax", 3, hidden=5)), "none"),
    "sigmoid": (ModelSpec(PLAIN, (RNN,), HeadSpec("sigmoid", 1)), "none"),
}  # fmt: skip
#: Those that NumPy computes.
NOT_COMPILED = ("a layer below", "sigmoid")


def batch(spec: ModelSpec, padding: str) -> tuple[Array, Array, Array]:
    """Ids, targets and weights; of the sequences one is empty and one whole."""
    rng, t = np.random.default_rng(0), np.arange(T)[:, None]
    lengths = np.array([T, 0, 1, 13, 8, T - 1])
    real = {
        "none": np.full((T, B), True), "behind": t < lengths, "front": t >= T - lengths,
        "holes": rng.random((T, B)) < 0.6,
    }[padding]  # fmt: skip
    ids = np.where(real, rng.integers(1, V, (T, B)), 0)
    y = rng.integers(0, spec.head.outputs, (T, B) if spec.head.reads == "steps" else B)
    return ids, y, rng.random(B) + 0.5


def net(backend: HostBackend, spec: ModelSpec, dtype: Any = np.float64) -> Model:
    """With large logits, so that some probabilities are small."""
    params = {n: (20 if n == "head.W" else 1) * a for n, a in initialise(spec, 1).items()}
    return Model(spec, {name: a.astype(dtype) for name, a in params.items()}, backend)


def head_step(model: Model, ids: Array, y: Array, weight: Array) -> HeadStep:
    done = model.layers_pass(ids, model.dropout_masks(ids, np.random.default_rng(2)))
    return model.head_step(done, y, weight.astype(model.dtype))


def close(found: HeadStep, wanted: HeadStep, tolerance: float) -> None:
    np.testing.assert_allclose(found.loss, wanted.loss, tolerance)
    np.testing.assert_allclose(found.metric, wanted.metric, 1e-6)
    assert found.grads.keys() == wanted.grads.keys()
    pairs = [(found.d_features, wanted.d_features)]
    pairs += [(found.grads[name], g) for name, g in wanted.grads.items()]
    for a, b in pairs:
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, tolerance, tolerance * np.abs(b).max(initial=1e-30))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_a_compiled_head_equals_numpys(name: str, dtype: Any) -> None:
    spec, padding = CASES[name]
    given = batch(spec, padding)
    wanted = head_step(net(HOST, spec, dtype), *given)
    tolerance = 1e-10 if dtype is np.float64 else 1e-5
    close(head_step(net(compiled_backend(), spec, dtype), *given), wanted, tolerance)


@pytest.mark.parametrize("name", CASES)
def test_a_compiled_head_leaves_nothing_to_numpy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for heads that are not one dense layer with softmax."""

    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(losses, "d_logits", refuse)
    spec, padding = CASES[name]
    left = name in NOT_COMPILED
    with pytest.raises(NotImplementedError) if left else nullcontext():
        head_step(net(compiled_backend(), spec), *batch(spec, padding))


def test_many_rows_in_many_parts_are_the_same_on_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the last bit; chunks that end in the middle of a vector, and at its end."""
    spec, rng = ModelSpec(PLAIN, (RNN,), STEPS), np.random.default_rng(0)
    for shape in ((53, 17), (64, 16)):
        given = rng.integers(1, V, shape), rng.integers(0, V, shape), np.ones(shape[1])
        found = []
        for cores in (1, 3):
            monkeypatch.setattr(threads, "thread_count", lambda n=cores: n)
            threads._pool.cache_clear()
            found.append(head_step(net(compiled_backend(), spec), *given))
        threads._pool.cache_clear()
        close(found[0], head_step(net(HOST, spec), *given), 1e-10)
        for one, three in zip(found[0], found[1], strict=True):
            np.testing.assert_equal(one, three)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(number: float) -> None:
    """The loss is no number, and of the gradients those that NumPy's are not."""
    spec, padding = CASES["every step"]
    given, found = batch(spec, padding), []
    for backend in (HOST, compiled_backend()):
        model = net(backend, spec)
        model.params["embedding"][3] = number if np.isnan(number) else 0
        if np.isinf(number):
            model.params["head.b"][2] = number
        with np.errstate(invalid="ignore"):
            found.append(head_step(model, *given))
    for a, b in zip(found[0].grads.values(), found[1].grads.values(), strict=True):
        np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b))
    assert np.isfinite(found[0].loss) == np.isfinite(found[1].loss)
    np.testing.assert_array_equal(
        np.isfinite(found[0].d_features), np.isfinite(found[1].d_features)
    )
    assert not np.isfinite(found[0].loss)


def test_a_class_that_there_is_not_is_refused_as_by_numpy() -> None:
    """The compiled loop does not check: it would read other memory."""
    spec, padding = CASES["every step"]
    ids, y, weight = batch(spec, padding)
    y[3, 2] = V
    for backend in (HOST, compiled_backend()):
        with pytest.raises(IndexError):
            head_step(net(backend, spec), ids, y, weight)


def test_a_batch_of_padding_alone_has_no_loss() -> None:
    spec, padding = CASES["masked behind"]
    ids, y, weight = batch(spec, padding)
    found = head_step(net(compiled_backend(), spec), np.zeros_like(ids), y, weight)
    close(found, head_step(net(HOST, spec), np.zeros_like(ids), y, weight), 1e-10)
    assert found.loss == 0 and not found.d_features.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_in_vectors_is_exact_but_for_rounding(dtype: Any) -> None:
    """In float32 0 below 1.7e-38, where numbers are denormal soon."""
    from rnnviz.engine.compiled.simd import lanes, load, pointer, store
    from rnnviz.engine.compiled.vector_functions import exp

    @numba.njit
    def write_exp(a, x, y):  # type: ignore[no-untyped-def]
        numbers, results = pointer(a, x), pointer(a, y)
        for i in range(0, len(a), lanes(a)):
            store(results, i, exp(load(numbers, i)))

    a = np.concatenate([np.linspace(-86, 88.7, 4001), np.geomspace(1e-9, 1, 83), [-np.inf]])
    a = np.concatenate([a, -a[:5], [0, -800, 800, np.inf, np.nan, 89.0]]).astype(dtype)
    assert len(a) % 64 == 0
    found = np.empty_like(a)
    write_exp(a, a.ctypes.data, found.ctypes.data)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(found, np.exp(a), 3e-7 if dtype is np.float32 else 1e-15)
