"""The head's kernel compared with NumPy in float64; and the kernels of an update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels import standin
from kernels.emulated import ALL_SCHEDULES, KernelError

from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.dropout import draw_masks
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer, clip_by_norm
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import FitSpec, HeadKind, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.training.cuda import CudaUpdater
from rnnviz.training.cuda.head import head_gradients
from rnnviz.training.fit import update

TOLERANCE = 2e-5


@dataclass(frozen=True)
class HeadCase:
    """A head on a small layer."""

    kind: HeadKind
    K: int = 1
    B: int = 19  # more rows than a block has warps
    bidirectional: bool = False
    dropout: float = 0.0
    scale: float = 1.0  # of the logits

    def __str__(self) -> str:
        ends = ("-both" * self.bidirectional, "-dropout" * bool(self.dropout))
        return f"{self.kind}-K{self.K}-B{self.B}" + "".join(ends)


CASES = (
    HeadCase("sigmoid"), HeadCase("sigmoid", B=1, bidirectional=True), HeadCase("linear"),
    HeadCase("sigmoid", dropout=0.4, scale=500), HeadCase("linear", B=8, bidirectional=True),
    HeadCase("softmax", 4, bidirectional=True, dropout=0.4), HeadCase("softmax", 46, B=5),
    HeadCase("softmax", 3, scale=500),
)  # fmt: skip


def head_difference(backend: CudaBackend, case: HeadCase) -> float:
    """The largest relative difference of loss, metric and gradients."""
    rng = np.random.default_rng(3)
    layer = RecurrentSpec("rnn", 10, bidirectional=case.bidirectional)
    spec = ModelSpec(SeriesSpec(2), (layer,), HeadSpec(case.kind, case.K, dropout=case.dropout))
    params = initialise(spec, 1)
    params["head.W"] *= case.scale
    params["head.b"] += rng.normal(size=case.K).astype(np.float32)
    inputs, weight = rng.normal(size=(3, case.B, 2)), rng.uniform(0.1, 2, case.B)
    y = {"softmax": rng.integers(0, case.K, case.B), "linear": rng.normal(size=case.B),
         "sigmoid": rng.random(case.B)}[case.kind]  # fmt: skip

    def single(a: Array) -> Any:
        return backend.asarray(a.astype(np.float32))

    host, device = Model(spec, params).astype(np.float64), Model(spec, params, backend)
    done = host.forward(inputs, np.random.default_rng(2))
    share = weight / case.B
    d = losses.d_logits(case.kind, done.logits, y) * share[:, None]
    grads, d_features = host.head_gradients(done.head, d)
    loss = (losses.losses(case.kind, done.logits, y) * share).sum()
    wanted = [loss, losses.metric(case.kind, done.logits, y), d_features, *grads.values()]

    out = {name: np.full_like(a, np.nan) for name, a in device.params.items()}
    results, state = single(np.full((3, 7), np.nan)), single(np.array([1, 0, 2]))
    rng, dtype = np.random.default_rng(2), np.dtype(np.float32)
    masks = draw_masks(spec, inputs.shape[:2], dtype, rng, backend.asarray)
    layers = device.layers_pass(single(inputs), masks)
    computed, d_last = head_gradients(
        device, layers, single(y), single(weight), out, results, state, 2
    )
    assert all(computed[name] is out[name] for name in grads)
    row = backend.host(results)[2]
    found = [row[0], row[1], *(backend.host(a) for a in (d_last, *(out[n] for n in grads)))]
    differences = [
        np.max(np.abs(a - b)) / max(1e-6, np.max(np.abs(b)))
        for a, b in zip(found, wanted, strict=True)
    ]
    written_elsewhere = not np.isnan(backend.host(results)[:2]).all()
    return np.inf if written_elsewhere else float(np.max(differences))


@pytest.mark.parametrize("order", ALL_SCHEDULES, indirect=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_head_s_kernel_equals_numpy(backend: CudaBackend, case: HeadCase, order: str) -> None:
    assert head_difference(backend, case) <= TOLERANCE


def test_the_head_s_kernel_has_no_races(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standin, "races", True)
    assert head_difference(emulated_backend, CASES[5]) <= TOLERANCE
    assert standin.record.launches[-1] == "head"


BUGS = {
    "rows are left out": ("first = blockIdx.x * 8;", "first = blockIdx.x * 9;"),
    "dropout is left out of the gradient": ("mask ? sum * mask[row * F + f] : sum;", "sum;"),
    "the second direction is read as the first": ("h_1[r * H + f - H]", "h_0[r * H + f - H]"),
    "the largest logit is that of a lane": ("if (its > largest || (", "if (false && ("),
    "weights are left out": ("share = weight[row] / B", "share = 1.0f / B"),
    "results are written to the first row": ("int(state[STEP]) * width", "0 * width"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_the_head_s_kernel_is_detected(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    plant(monkeypatch, *BUGS[bug])
    assert not head_difference(emulated_backend, CASES[5]) <= TOLERANCE


@pytest.mark.parametrize("after", ["is_last", "if (is_last)"])
def test_a_missing_fence_is_a_race(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    plant(monkeypatch, f"__threadfence();\n        {after}", after)
    monkeypatch.setattr(standin, "races", True)
    with pytest.raises(KernelError, match=r"race: reads what thread .* of another block wrote"):
        head_difference(emulated_backend, CASES[5])


def plant(monkeypatch: pytest.MonkeyPatch, original: str, replacement: str) -> None:
    """Compile the shared kernels with a bug in them."""
    compile_source = CudaBackend.compile

    def compile_with_bug(self: CudaBackend, source: str) -> Any:
        if "head(" in source:
            assert original in source
        return compile_source(self, source.replace(original, replacement))

    monkeypatch.setattr(CudaBackend, "compile", compile_with_bug)


# -- the update ------------------------------------------------------------------------------------

SPEC = ModelSpec(SeriesSpec(2), (RecurrentSpec("rnn", 10),), HeadSpec("linear", 1))


@pytest.mark.parametrize("order", ALL_SCHEDULES, indirect=True)
@pytest.mark.parametrize("clip", [None, 0.01])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_clip_and_change_all_arrays_as_on_the_cpu(
    backend: CudaBackend, name: str, clip: float | None, order: str
) -> None:
    fit, rng = FitSpec(1, clip=clip), np.random.default_rng(0)
    hosts: tuple[Model, Optimizer] = Model(SPEC, initialise(SPEC, 0)), OPTIMIZERS[name](1e-2)
    device = Model(SPEC, initialise(SPEC, 0), backend)
    updater = CudaUpdater(device, OPTIMIZERS[name](1e-2), fit, rng)
    for step in range(3):
        hosts[1].rate = updater.optimizer.rate = 1e-2 / (step + 1)  # a schedule
        x, y = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 5, 2), (5,)))
        done = hosts[0].forward(x)
        d = losses.d_logits("linear", done.logits, y) / np.float32(5)
        grads = hosts[0].gradients(done, d)
        if clip is not None:
            assert clip_by_norm(grads, clip) > clip
        hosts[1].step(hosts[0].params, grads)
        updater.update(tuple(map(backend.asarray, (x, y, np.ones(5, np.float32)))))
        assert not backend.host(updater._flat.all_g).any()  # zero again, for the next step
    for key, a in hosts[0].params.items():
        np.testing.assert_allclose(backend.host(device.params[key]), a, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layers", [(RecurrentSpec("rnn", 10),), ()], ids=["rnn", "none"])
def test_a_head_with_a_hidden_layer_is_computed_array_by_array(
    backend: CudaBackend, layers: tuple[RecurrentSpec, ...]
) -> None:
    spec = ModelSpec(SeriesSpec(2, steps=4), layers, HeadSpec("linear", 1, hidden=6))
    models = [Model(spec, initialise(spec, 0)), Model(spec, initialise(spec, 0), backend)]
    fit, rng, optimizer = FitSpec(1), np.random.default_rng(0), OPTIMIZERS["rmsprop"]()
    updater = CudaUpdater(models[1], OPTIMIZERS["rmsprop"](), fit, rng)
    x, y = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 5, 2), (5,)))
    batch = x, y, np.ones(5, np.float32)
    for _ in range(3):
        wanted = update(models[0], optimizer, batch, fit, rng)
        assert not updater.update(tuple(map(backend.asarray, batch)))
    *_, result = updater.flush()
    assert (result.loss, result.metric) == pytest.approx((wanted.loss, wanted.metric), rel=1e-5)
    assert result.norms == pytest.approx(dict(wanted.norms), rel=1e-4)


def test_an_update_has_no_races(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standin, "races", True)
    model = Model(SPEC, initialise(SPEC, 0), emulated_backend)
    updater = CudaUpdater(model, OPTIMIZERS["adam"](), FitSpec(1), np.random.default_rng(0))
    batch = [np.ones(shape, np.float32) for shape in ((2, 3, 2), (3,), (3,))]
    x, y, weight = map(emulated_backend.asarray, batch)
    updater.update((x, y, weight))
    (result,) = updater.flush()
    assert np.isfinite(result.loss)
