"""The engine gives what PyTorch and Keras gave: values, gradients, masks, losses, updates.

``make_golden.py`` beside this file made the numbers and says how to make them anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from golden.make_golden import (
    CELL_B,
    CELL_H,
    CELL_LENGTHS,
    CELL_T,
    IDS,
    LOSS_LOGITS,
    MAKERS,
    MASKED_IDS,
    RATE,
    RECIPES,
    SPECS,
    TARGETS,
    cell_case,
    flat,
    recipe_batches,
    recipe_optimizer,
    recipe_weights,
    stored,
    unflat,
    update_case,
    weights,
)
from strategies import recorded_gradients

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.data.batches import Batch
from rnnviz.engine import losses
from rnnviz.engine.jacobians import jacobians
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import shapes
from rnnviz.engine.pass_results import Recording
from rnnviz.engine.scan import Scan, scan, scan_backward
from rnnviz.engine.spec import FitSpec
from rnnviz.progress import TrainingStep
from rnnviz.training.fit import fit

READ = np.arange(CELL_T)[:, None] < np.array(CELL_LENGTHS)  # (T, B)

every_model = pytest.mark.parametrize("name", SPECS)
every_cell = pytest.mark.parametrize("name", CELLS)


def cell_pass(name: str, rows: slice = slice(None)) -> tuple[Values, Values, Scan]:
    """The stored case of a cell, its weights, and our pass over some rows of it."""
    case = cell_case(name)
    p = {key.removeprefix("p."): a for key, a in case.items() if key.startswith("p.")}
    initial = {s: case[f"initial.{s}"][rows] for s in CELLS[name].states}
    mask = None if rows != slice(None) else READ
    return case, p, scan(CELLS[name], p, case["x"][:, rows], mask, initial=initial)


def cell_results(name: str, golden: dict[str, Array]) -> None:
    """Compare one cell with the step that PyTorch walked back through."""
    cell = CELLS[name]
    case, p, done = cell_pass(name)
    d_last = {s: case[f"d_last.{s}"] for s in cell.states}
    back = scan_backward(cell, p, done, d_h=case["d_h"], d_last=d_last)
    named = [line.name for line in cell.lines]
    like = dict.fromkeys([*named, *(f"kept.{s}" for s in cell.states)], (CELL_T, CELL_B, CELL_H))
    values = unflat(golden[f"{name}.values"], like)
    grads = unflat(golden[f"{name}.grads"], like)
    read = READ[:, :, None]
    for key in named:
        value, grad = values[key], grads[key]
        if key in cell.states:
            # A masked step keeps the state; the gradient is that of the state kept.
            value, grad = values[f"kept.{key}"], np.where(read, grad, grads[f"kept.{key}"])
        np.testing.assert_allclose(done.stack(key), value, 1e-9, 1e-12, err_msg=key)
        np.testing.assert_allclose(back.stack(key), grad, 1e-9, 1e-12, err_msg=f"d_{key}")
    leaves = unflat(
        golden[f"{name}.leaves"],
        {key: a.shape for key, a in case.items() if not key.startswith("d_")},
    )
    ours = {"x": back.x} | {f"p.{key}": a for key, a in back.params.items()}
    ours |= {f"initial.{s}": a for s, a in back.initial.items()}
    assert ours.keys() == leaves.keys()
    for key, leaf in leaves.items():
        np.testing.assert_allclose(ours[key], leaf, 1e-9, 1e-12, err_msg=f"d_{key}")


def model_pass(name: str, ids: Array) -> tuple[Recording, Array, Values]:
    """Our loss of each row and our gradients of their sum, the same by both passes."""
    net, kind = Model(SPECS[name], weights(name)), SPECS[name].head.kind
    y = np.array(TARGETS[kind][: ids.shape[1]])
    done = net.record(ids)
    grads = recorded_gradients(net, done, losses.d_logits(kind, done.logits, y))
    trained = net.forward(ids)
    np.testing.assert_allclose(trained.logits, done.logits, 1e-6, 1e-7)
    other = net.gradients(trained, losses.d_logits(kind, trained.logits, y))
    assert other.keys() == grads.keys()
    for key, grad in grads.items():
        np.testing.assert_allclose(other[key], grad, 1e-5, 1e-6, err_msg=key)
    return done, losses.losses(kind, done.logits, y), grads


def torch_results(name: str, golden: dict[str, Array]) -> None:
    """Compare one model with PyTorch's layers over packed sequences."""
    done, loss, grads = model_pass(name, IDS)
    output = np.concatenate([s.stack("h") for s in done.scans[-1]], axis=-1)
    # PyTorch writes zeros behind the end of a row where a mask repeats the last state.
    real = (IDS != 0)[:, :, None]
    np.testing.assert_allclose(output * real, golden[f"{name}.output"], 1e-9, 1e-12)
    np.testing.assert_allclose(done.logits, golden[f"{name}.logits"], 1e-9)
    np.testing.assert_allclose(loss.sum(), golden[f"{name}.loss"], 1e-9)
    theirs = unflat(golden[f"{name}.grads"], shapes(SPECS[name]))
    assert grads.keys() == theirs.keys()
    for key, grad in theirs.items():
        np.testing.assert_allclose(grads[key], grad, 1e-9, 1e-12, err_msg=key)


def jacobian_results(name: str, golden: dict[str, Array]) -> None:
    """Compare the Jacobians of one cell with those of autograd."""
    _, p, done = cell_pass(name, slice(0, 1))
    tokens_seen = 0
    for tokens, J, scale in jacobians(CELLS[name], p, done):
        ours = J * scale[:, None, None]
        np.testing.assert_allclose(ours, golden[name][tokens], 1e-9, 1e-12)
        tokens_seen += len(tokens)
    assert tokens_seen == CELL_T == len(golden[name])


def keras_results(name: str, golden: dict[str, Array]) -> None:
    """Compare one model with Keras's layers under masks of every kind."""
    done, loss, grads = model_pass(name, MASKED_IDS)
    np.testing.assert_allclose(done.logits, golden[f"{name}.logits"], 1e-5, 1e-6)
    np.testing.assert_allclose(loss, golden[f"{name}.loss"], 1e-5, 1e-6)
    theirs = unflat(golden[f"{name}.grads"], shapes(SPECS[name]))
    for key, grad in theirs.items():
        np.testing.assert_allclose(grads[key], grad, 1e-5, 3e-6, err_msg=key)


class Given:
    """Examples that come in exactly these batches."""

    def __init__(self, batches: list[tuple[Array, Array]]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return sum(len(y) for _, y in self._batches)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """All of them, in order."""
        for x, y in self._batches:
            yield x, y, np.ones(len(y), np.float32)


def recipe_results(name: str, golden: dict[str, Array]) -> None:
    """Train one of the recipes' nets for five batches and compare losses and weights."""
    net, given = Model(RECIPES[name], recipe_weights(name)), Given(recipe_batches(name))
    spec = FitSpec(
        epochs=1, batch_size=6, optimizer=recipe_optimizer(name), rate=RATE, monitor="loss"
    )
    seen = [
        e.loss
        for e in fit(net, lambda epoch, rng: given, given, spec)
        if isinstance(e, TrainingStep)
    ]
    np.testing.assert_allclose(seen, golden[f"{name}.losses"], 1e-4)
    theirs, start = unflat(golden[f"{name}.weights"], shapes(RECIPES[name])), recipe_weights(name)
    assert net.params.keys() == theirs.keys()
    for key, array in theirs.items():
        np.testing.assert_allclose(net.params[key], array, 1e-4, 1e-5, err_msg=key)
        assert np.abs(array - start[key]).max() > 100 * 1e-4, f"{key} hardly moved"


@every_cell
def test_a_cell_has_pytorchs_value_and_gradient_of_every_name(name: str) -> None:
    """Pre-activations, gates, states, weights, inputs and initial states; rows of three lengths."""
    cell_results(name, stored("cells"))


@every_model
def test_a_model_has_pytorchs_outputs_loss_and_gradients(name: str) -> None:
    """One and two layers, one and two directions, rows padded behind."""
    torch_results(name, stored("torch"))


@every_cell
def test_a_cell_has_pytorchs_jacobians(name: str) -> None:
    """∂(h, c) after the last step / ∂(h, c) after each step."""
    jacobian_results(name, stored("jacobians"))


@every_model
def test_a_model_has_keras_outputs_loss_and_gradients_under_masks(name: str) -> None:
    """Padding in front, behind, in between and everywhere, in one batch."""
    keras_results(name, stored("keras"))


@pytest.mark.parametrize("kind", TARGETS)
def test_a_loss_and_its_gradient_are_those_of_keras(kind: losses.HeadKind) -> None:
    """From logits, with a confident mistake among them."""
    golden, y = stored("keras"), np.array(TARGETS[kind])
    logits = LOSS_LOGITS[:, : 3 if kind == "softmax" else 1]
    np.testing.assert_allclose(losses.losses(kind, logits, y), golden[f"losses.{kind}"], 1e-5, 1e-6)
    ours = losses.d_logits(kind, logits, y)
    np.testing.assert_allclose(ours, golden[f"losses.{kind}.d_logits"], 1e-5, 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_moves_parameters_as_keras_does(name: str, dtype: type) -> None:
    """One, two and three steps with the defaults, gradients from 1e2 to 1e-6."""
    params, steps = update_case()
    params = {key: a.astype(dtype) for key, a in params.items()}
    optimizer, golden = OPTIMIZERS[name](), stored("keras")
    for n, grads in enumerate(steps, start=1):
        optimizer.step(params, {key: g.astype(dtype) for key, g in grads.items()})
        assert all(a.dtype == dtype for a in params.values())
        np.testing.assert_allclose(flat(params), golden[f"{name}.{n}"], 1e-5, 2e-9)


@pytest.mark.parametrize("name", RECIPES)
def test_five_batches_move_a_recipes_net_as_they_do_in_keras(name: str) -> None:
    """Every loss on the way and every weight at the end, through the loop that trains."""
    recipe_results(name, stored("recipes"))


def test_the_golden_files_hold_nothing_that_is_not_compared() -> None:
    """Every entry belongs to a cell, a model, a loss or an optimizer."""
    owners = {*SPECS, *CELLS, *OPTIMIZERS, *RECIPES, "losses"}
    for file in MAKERS:
        for key in stored(file):
            assert key in owners or key.rpartition(".")[0] in owners or key[:6] == "losses", key
    assert {type(net) for net in SPECS.values()} and len(SPECS) == 12


@pytest.mark.live
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("file", MAKERS)
def test_the_frameworks_still_give_the_golden_values(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files made anew here, where PyTorch and Keras are installed, and compared with ours."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    fresh, old = MAKERS[file](), stored(file)
    assert fresh.keys() == old.keys()
    close = (1e-5, 3e-6) if file in ("keras", "recipes") else (1e-9, 1e-12)
    for key, array in fresh.items():
        np.testing.assert_allclose(array, old[key], *close, err_msg=key)
    compare = {
        "cells": (cell_results, CELLS), "torch": (torch_results, SPECS),
        "jacobians": (jacobian_results, CELLS), "keras": (keras_results, SPECS),
        "recipes": (recipe_results, RECIPES),
    }  # fmt: skip
    check, names = compare[file]
    for name in names:
        check(name, fresh)
