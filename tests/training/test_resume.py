"""A training resumed at any event gives the numbers of an uninterrupted one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training import tiny  # type: ignore[import-not-found, unused-ignore]

from rnnviz.data.batches import Examples, Texts
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import FitSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import InvalidFileError, RnnvizError
from rnnviz.progress import Epoch, Evaluation, TrainingStep
from rnnviz.training.fit import evaluate, fit, layer_norms, update
from rnnviz.training.state import State

NET = tiny.words_net(12)
FITS = {
    "adam, averaged, clipped, cosine": replace(tiny.FIT, epochs=3),
    "rmsprop, plain": FitSpec(epochs=3, batch_size=16, optimizer="rmsprop", seed=5),
}
POOL, VALID = tiny.texts(200, 1), tiny.texts(300, 2)


def draw(epoch: int, rng: np.random.Generator) -> Texts:
    rows = rng.permutation(len(POOL))[:100]
    return Texts([POOL.ids[int(n)] for n in rows], POOL.y[rows])


def run(
    spec: FitSpec,
    stop: Callable[[object], bool] = lambda event: False,
    state: State | None = None,
    valid: Examples = VALID,
) -> tuple[list[object], State]:
    """Events up to the one at which ``stop`` is true, and the state there."""
    model = Model(NET, initialise(NET, 0))
    state = state or State.fresh(model.params, spec)
    events: list[object] = []
    for event in fit(model, draw, valid, spec, state):
        events.append(event)
        if stop(event):
            break
    return events, state


def epochs(events: list[object]) -> list[dict[str, object]]:
    return [{**e.to_json(), "seconds": 0} for e in events if isinstance(e, Epoch)]


@pytest.mark.parametrize("name", FITS)
def test_a_training_stopped_at_any_event_goes_on_bit_for_bit(name: str) -> None:
    spec = FITS[name]
    events, whole = run(spec)
    wanted = whole.pack()
    for at in range(len(events)):
        left = iter(range(len(events)))
        first, state = run(spec, lambda event, at=at, left=left: next(left) == at)
        again = State.unpack(state.pack(), shapes(NET), "here")
        rest, ended = run(spec, state=again)
        assert epochs(first) + epochs(rest) == epochs(events), at
        found = State.unpack(ended.pack(), shapes(NET), "here")
        found.progress.seconds = whole.progress.seconds
        assert found.pack() == wanted, at


def test_an_epoch_goes_on_with_the_batches_that_are_left() -> None:
    spec = FITS["rmsprop, plain"]
    events, _ = run(spec)
    _, state = run(spec, lambda e: isinstance(e, TrainingStep) and (e.epoch, e.batch) == (2, 3))
    rest, _ = run(spec, state=State.unpack(state.pack(), shapes(NET), "here"))
    assert isinstance(rest[0], TrainingStep)
    assert (rest[0].epoch, rest[0].batch, rest[0].batches) == (2, 4, 7)
    same = next(e for e in events if isinstance(e, TrainingStep) and (e.epoch, e.batch) == (2, 4))
    assert rest[0] == same


def test_more_epochs_are_those_of_a_longer_training() -> None:
    spec = FITS["rmsprop, plain"]
    _, state = run(spec)
    longer = replace(spec, epochs=5)
    more, _ = run(longer, state=state)
    assert epochs(more) == epochs(run(longer)[0])[3:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-8],
        lambda data: b"",
        lambda data: data.replace(b"rnnviz.state/1", b"rnnviz.state/9"),
        lambda data: data.replace(b"PCG64", b"PCG65"),
        lambda data: data.replace(b"head.b", b"head.c"),
        lambda data: data.replace(b'\\"epoch\\": 2', b'\\"epoch\\":-2'),
        lambda data: data[:-4] + b"\xff\xff\xff\x7f",
    ],
    ids=["cut", "empty", "schema", "generator", "array", "epoch", "NaN"],
)
def test_a_damaged_state_is_refused_with_its_name(damage: Callable[[bytes], bytes]) -> None:
    _, state = run(FITS["rmsprop, plain"], lambda e: isinstance(e, Epoch))
    damaged = damage(state.pack())
    assert damaged != state.pack()
    with pytest.raises(InvalidFileError, match="run/last"):
        State.unpack(damaged, shapes(NET), "run/last.safetensors")


def test_a_state_of_another_net_is_refused() -> None:
    _, state = run(FITS["rmsprop, plain"], lambda e: isinstance(e, TrainingStep))
    with pytest.raises(InvalidFileError, match="embedding"):
        State.unpack(state.pack(), shapes(tiny.words_net(13)), "here")


def test_the_state_is_json_and_arrays_and_no_pickle() -> None:
    _, state = run(FITS["adam, averaged, clipped, cosine"], lambda e: isinstance(e, Epoch))
    data = state.pack()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    record = json.loads(header.pop("__metadata__")["state"])
    assert record["progress"]["epoch"] == 2
    assert {"head.W", "average.head.W", "optimizer.mean.head.W", "optimizer.steps"} <= set(header)


# -- stopping early, and what is best -------------------------------------------------------------


def coin(n: int) -> Texts:
    """Labels that nothing can learn."""
    found = tiny.texts(n, 9)
    return replace(found, y=np.random.default_rng(4).permutation(found.y))


def test_patience_ends_a_training_and_stays_at_its_end_when_resumed() -> None:
    spec = replace(FITS["rmsprop, plain"], epochs=40, patience=2, monitor="loss", rate=0.02)
    events, state = run(spec, valid=coin(60))
    done = [e for e in events if isinstance(e, Epoch)]
    best = min(range(len(done)), key=lambda n: done[n].valid["loss"])
    assert len(done) == best + 3 < 40
    assert [e.number for e in done if e.best][-1] == best + 1 == state.progress.best_epoch
    assert run(spec, state=State.unpack(state.pack(), shapes(NET), "here"))[0] == []


def test_of_equally_good_epochs_the_first_is_the_best() -> None:
    spec = replace(FITS["rmsprop, plain"], rate=0.0, epochs=3)
    assert [e.best for e in run(spec)[0] if isinstance(e, Epoch)] == [True, False, False]


# -- numbers ----------------------------------------------------------------------------------


def test_a_linear_head_is_measured_in_mean_absolute_error() -> None:
    net = ModelSpec(SeriesSpec(2), (RecurrentSpec("gru", 4),), HeadSpec("linear", 1))
    task = tiny.SERIES.prepare(Path(), None, 0, print)
    model = Model(net, initialise(net, 0))
    spec = replace(tiny.SERIES.fit, epochs=25)
    found = [e for e in fit(model, task.draw, task.valid, spec) if isinstance(e, Epoch)]
    assert set(found[0].train) == set(found[0].valid) == {"loss", "mae"}
    assert found[-1].valid["mae"] < 0.6 * found[0].valid["mae"]
    inputs, y, _ = next(task.valid.batches(len(task.valid)))
    direct = float(np.abs(model.logits(inputs)[:, 0] - y).mean())
    assert evaluate(model, task.valid)["mae"] == pytest.approx(direct, rel=1e-6)
    with pytest.raises(ValueError, match="monitor"):
        next(fit(model, task.draw, task.valid, replace(spec, monitor="accuracy")))


def test_gradient_norms_are_those_of_the_layers() -> None:
    grads = {
        "head.W": np.full((2, 2), 2.0), "head.b": np.zeros(2),
        "layers.1.forward.W": np.array([3.0]), "layers.1.backward.U": np.array([4.0]),
        "layers.0.forward.b": np.array([-1.0]), "embedding": np.array([[0.5]]),
    }  # fmt: skip
    norms = layer_norms(grads)
    assert norms == {"embedding": 0.5, "layers.0": 1.0, "layers.1": 5.0, "head": 4.0}
    assert list(norms) == ["embedding", "layers.0", "layers.1", "head"]


def test_every_batch_and_epoch_tells_the_norms() -> None:
    events, _ = run(FITS["rmsprop, plain"], lambda e: isinstance(e, Epoch))
    steps = [e for e in events if isinstance(e, TrainingStep)]
    last = events[-1]
    assert isinstance(last, Epoch)
    assert sum(e.examples for e in steps) == 100
    for layer in ("embedding", "layers.0", "head"):
        mean = np.mean([e.norms[layer] for e in steps])
        assert last.norms[layer] == pytest.approx(mean) and mean > 0
    assert [e.batch for e in events if isinstance(e, Evaluation)] == [1, 2]


def test_a_gradient_that_is_no_number_is_named_and_changes_nothing() -> None:
    spec = FITS["rmsprop, plain"]
    model = Model(NET, initialise(NET, 0))
    state = State.fresh(model.params, spec)
    model.params["layers.0.forward.U"][0, 0] = np.inf
    before = {name: a.copy() for name, a in model.params.items()}
    batch = next(POOL.batches(16))
    result = update(model, state.optimizer, batch, spec, np.random.default_rng(0))
    assert "layers.0" in result.fault
    for name, a in model.params.items():
        np.testing.assert_array_equal(a, before[name])
    with pytest.raises(RnnvizError, match=r"epoch 1, batch 1: .*layers\.0"):
        list(fit(model, draw, VALID, spec))


def test_the_rate_of_every_step_follows_the_schedule_of_the_whole_run() -> None:
    spec = replace(tiny.FIT, epochs=3, rate=1.0, final_rate=0.5, warmup=2)
    model = Model(NET, initialise(NET, 0))
    state = State.fresh(model.params, spec)
    rates = [
        state.optimizer.rate
        for event in fit(model, draw, VALID, spec, state)
        if isinstance(event, TrainingStep)
    ]
    share = np.arange(21) / 21
    wanted = (0.75 + 0.25 * np.cos(np.pi * share)) * np.minimum(1, (np.arange(21) + 1) / 2)
    np.testing.assert_allclose(rates, wanted)
