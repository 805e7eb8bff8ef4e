"""Training learns, repeats by seed, averages, and stops at a loss that is no number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnviz.arrays import Values
from rnnviz.data.batches import Texts, drop_tokens, pad_sequences
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import RnnvizError
from rnnviz.progress import Epoch, TrainingStep
from rnnviz.training.fit import evaluate, fit
from rnnviz.training.state import State

SPEC = ModelSpec(EmbeddingSpec(12, 6), (RecurrentSpec("gru", 8),), HeadSpec("sigmoid", 1))
FIT = FitSpec(epochs=8, batch_size=16, rate=1e-2, seed=3)


def order_matters(n: int, seed: int) -> Texts:
    """Texts over words 2…9 whose class is whether word 2 comes before word 3: no bag of words."""
    rng = np.random.default_rng(seed)
    ids, y = [], []
    for _ in range(n):
        rest = rng.integers(4, 10, rng.integers(2, 7)).tolist()
        at = sorted(rng.integers(0, len(rest) + 1, 2))
        first, second = (2, 3) if rng.random() < 0.5 else (3, 2)
        ids.append([*rest[: at[0]], first, *rest[at[0] : at[1]], second, *rest[at[1] :]])
        y.append(float(first == 2))
    return Texts(ids, np.array(y, np.float32))


def trained(spec: FitSpec, model: Model) -> tuple[list[Epoch], Values]:
    """The epochs, and the weights that were validated last."""
    train, valid = order_matters(400, 1), order_matters(200, 2)
    state = State.fresh(model.params, spec)
    events = list(fit(model, lambda epoch, rng: train, valid, spec, state))
    steps = [e for e in events if isinstance(e, TrainingStep)]
    assert len(steps) == spec.epochs * 25
    return [e for e in events if isinstance(e, Epoch)], state.copy_eval_params()


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "rmsprop-2017"])
def test_a_small_net_learns_the_order_of_words(optimizer: str) -> None:
    spec = replace(FIT, optimizer=optimizer, epochs=12)
    history, _ = trained(spec, Model(SPEC, initialise(SPEC, 0)))
    assert history[-1].valid["accuracy"] > 0.97
    assert history[-1].train["loss"] < 0.5 * history[0].train["loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    model = replace(SPEC, source=replace(SPEC.source, dropout=0.3))
    runs = []
    for seed in (3, 3, 4):
        spec = replace(FIT, epochs=2, seed=seed, token_dropout=0.1)
        runs.append(trained(spec, Model(model, initialise(model, 0)))[1])
    for name in runs[0]:
        np.testing.assert_array_equal(runs[0][name], runs[1][name])
    assert any((runs[0][name] != runs[2][name]).any() for name in runs[0])


def test_averaged_weights_are_validated_and_differ_from_the_last_ones() -> None:
    model = Model(SPEC, initialise(SPEC, 0))
    history, params = trained(replace(FIT, average=0.99), model)
    assert any((params[n] != model.params[n]).any() for n in params)
    assert history[-1].valid == evaluate(Model(SPEC, params), order_matters(200, 2))


def test_the_average_follows_quickly_at_first() -> None:
    model = Model(SPEC, initialise(SPEC, 0))
    spec = replace(FIT, average=0.99)
    state = State.fresh(model.params, spec)
    wanted = {name: a.astype(np.float64) for name, a in model.params.items()}
    events = fit(model, lambda e, r: order_matters(64, 1), order_matters(8, 2), spec, state)
    for n in (1, 2, 3):
        next(events)
        decay = (1 + n) / (10 + n)  # far below 0.99: else it would be the initial weights for long
        assert state.averaged is not None
        for name, a in state.averaged.items():
            wanted[name] += (1 - decay) * (model.params[name] - wanted[name])
            np.testing.assert_allclose(a, wanted[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_the_rate_rises_over_the_warmup_and_falls_to_the_final_rate() -> None:
    from rnnviz.training.fit import _rate

    spec = replace(FIT, rate=1.0, final_rate=0.1, warmup=10)
    assert _rate(spec, 0, 1000) == pytest.approx(0.1, abs=1e-4)
    assert _rate(spec, 9, 1000) == pytest.approx(1.0, abs=1e-3)
    assert _rate(spec, 500, 1000) == pytest.approx(0.55, abs=1e-3)
    assert _rate(spec, 1000, 1000) == pytest.approx(0.1)
    assert _rate(FIT, 77, 1000) == FIT.rate


def test_a_loss_that_is_no_number_stops_with_its_place() -> None:
    model = Model(SPEC, initialise(SPEC, 0))
    model.params["head.W"][0, 0] = np.nan
    with pytest.raises(RnnvizError, match="epoch 1, batch 1"):
        list(fit(model, lambda e, r: order_matters(32, 1), order_matters(8, 2), FIT))


def test_a_weight_of_zero_leaves_an_example_out() -> None:
    train = order_matters(32, 1)
    flipped = Texts(
        [*train.ids, *train.ids],
        np.concatenate([train.y, 1 - train.y]),
        np.repeat([1.0, 0.0], 32).astype(np.float32),
    )
    model, spec = Model(SPEC, initialise(SPEC, 0)), replace(FIT, epochs=80, batch_size=64)
    *_, last = fit(model, lambda e, r: flipped, train, spec)
    assert isinstance(last, Epoch)
    assert last.valid["accuracy"] == 1


def test_batches_hold_every_example_once_and_hardly_pad() -> None:
    examples = order_matters(1000, 5)
    seen, padding = [], 0
    for ids, y, weight in examples.batches(32, np.random.default_rng(0)):
        assert ids.shape[1] == len(y) == len(weight)
        padding += int((ids == 0).sum())
        seen += [tuple(column[column != 0].tolist()) for column in ids.T]
    assert sorted(seen) == sorted(tuple(row) for row in examples.ids)
    assert padding < 0.05 * sum(map(len, examples.ids))


def test_padding_stands_at_the_end_and_unknown_words_never_replace_it() -> None:
    ids = pad_sequences([[5, 6], [7], [8, 9, 4]])
    assert ids.T.tolist() == [[5, 6, 0], [7, 0, 0], [8, 9, 4]]
    hidden = drop_tokens(np.tile(ids, 200), 0.5, np.random.default_rng(0))
    assert ((hidden == 0) == (np.tile(ids, 200) == 0)).all()
    assert 0.4 < (hidden == 1).sum() / (hidden != 0).sum() < 0.6


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "rmsprop-2017"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-2014", "lstm-slide"])
def test_a_step_changes_every_array_of_a_fresh_net(cell: str, optimizer: str) -> None:
    """Also one that was drawn in another memory order, as orthogonal matrices are."""
    layers = (RecurrentSpec(cell, 8, bidirectional=True),)
    spec = replace(SPEC, layers=layers)
    params = initialise(spec, 0)
    params = {name: np.asfortranarray(a) for name, a in params.items()}
    model = Model(spec, params)
    before = {name: a.copy() for name, a in model.params.items()}
    next(fit(model, lambda epoch, rng: order_matters(32, 1), order_matters(16, 2),
             replace(FIT, optimizer=optimizer)))  # fmt: skip
    for name, a in model.params.items():
        assert (a != before[name]).any(axis=-1).mean() > 0.5, name


def test_an_array_that_cannot_be_changed_in_place_is_refused() -> None:
    params = {"W": np.asfortranarray(np.ones((2, 3)))}
    for make in OPTIMIZERS.values():
        with pytest.raises(ValueError, match="contiguous"):
            make(1e-3).step(params, {"W": np.ones((2, 3))})
