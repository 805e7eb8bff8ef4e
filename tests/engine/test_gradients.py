"""Every gradient is the slope it claims to be, for every cell, mask, direction, depth, dropout."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from gradcheck import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    HEADS,
    MASKS,
    arrays,
    cells,
    ids,
    lengths,
    masks,
    model,
    recorded_gradients,
    seeds,
    sizes,
    targets,
)

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.scan import scan, scan_backward
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec

BOUND = 1e-7
DROPOUTS = {"none": {}, "input": {"dropout": 0.3}, "recurrent": {"recurrent_dropout": 0.3}}


def model_error(net: Model, inputs: Array, y: Array, seed: int, dropout: bool) -> float:
    """The relative error of the gradients of all the arrays of a model at once."""
    rng = np.random.default_rng(seed)

    def draws() -> np.random.Generator | None:
        # The same generator for every pass: the same numbers are dropped.
        return np.random.default_rng(seed) if dropout else None

    def objective(params: Values) -> float:
        logits = Model(net.spec, params).record(inputs, draws()).logits
        return float(losses.losses(net.spec.head.kind, logits, y).sum())

    done = net.record(inputs, draws())
    grads = recorded_gradients(net, done, losses.d_logits(net.spec.head.kind, done.logits, y))
    return relative_error(objective, net.params, grads, rng)


@pytest.mark.parametrize("dropout", DROPOUTS)
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("masked", MASKS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_model_has_the_gradients_of_its_loss(
    cell: str, masked: str, bidirectional: bool, depth: int, dropout: str
) -> None:
    """Every trained array, the embedding included, under each head and loss."""
    case = list(product(CELLS, MASKS, [False, True], [1, 2], DROPOUTS))
    seed = case.index((cell, masked, bidirectional, depth, dropout))
    rng = np.random.default_rng(seed)
    layer = RecurrentSpec(cell, 3, bidirectional, **DROPOUTS[dropout])
    inputs = ids(masked, 5, 3, 7, rng)
    for kind, outputs in HEADS.items():
        spec = ModelSpec(EmbeddingSpec(7, 2), (layer,) * depth, HeadSpec(kind, outputs))
        net, y = model(spec, rng), targets(kind, 3, rng)
        assert model_error(net, inputs, y, seed, dropout != "none") < BOUND, kind


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_of_words_and_of_the_heads_input_is_walked_back_through(cell: str) -> None:
    """The two dropouts that no recurrent layer draws."""
    rng = np.random.default_rng(5)
    spec = ModelSpec(
        EmbeddingSpec(7, 3, dropout=0.3), (RecurrentSpec(cell, 4),), HeadSpec("softmax", 3, 0.4)
    )
    net, y = model(spec, rng), targets("softmax", 4, rng)
    assert model_error(net, ids("right", 6, 4, 7, rng), y, 5, True) < BOUND


@pytest.mark.parametrize("cell", CELLS)
def test_padding_that_is_not_masked_is_read_like_a_word(cell: str) -> None:
    """The lecture's nets: the padding has a word vector, and a gradient."""
    rng = np.random.default_rng(6)
    spec = ModelSpec(
        EmbeddingSpec(7, 3, mask_zero=False), (RecurrentSpec(cell, 4),), HeadSpec("sigmoid", 1)
    )
    net, y, inputs = model(spec, rng), targets("sigmoid", 3, rng), ids("left", 5, 3, 7, rng)
    assert model_error(net, inputs, y, 6, False) < BOUND
    done = net.forward(inputs)
    grads = net.gradients(done, losses.d_logits("sigmoid", done.logits, y))
    assert np.abs(grads["embedding"][0]).min() > 0


@settings(max_examples=60)
@given(data=st.data(), seed=seeds, cell=st.sampled_from(list(CELLS)))
def test_a_model_of_any_shape_has_the_gradients_of_its_loss(
    data: st.DataObject, seed: int, cell: str
) -> None:
    """Shapes drawn down to one step of one row of one unit; measurements as inputs."""
    rng = np.random.default_rng(seed)
    T, B, D, H = data.draw(lengths), data.draw(sizes), data.draw(sizes), data.draw(sizes)
    kind = data.draw(st.sampled_from(list(HEADS)))
    layers = data.draw(st.lists(st.booleans(), min_size=1, max_size=2))
    spec = ModelSpec(
        SeriesSpec(D),
        tuple(RecurrentSpec(cell, H, both) for both in layers),
        HeadSpec(kind, HEADS[kind]),
    )
    net, y = model(spec, rng), targets(kind, B, rng)
    x = rng.standard_normal((T, B, D))
    assert model_error(net, x, y, seed, False) < BOUND
    done = net.record(x)
    back = net.record_backward(done, losses.d_logits(kind, done.logits, y))

    def objective(at: Values) -> float:
        return float(losses.losses(kind, net.record(at["x"]).logits, y).sum())

    assert relative_error(objective, {"x": x}, {"x": back.x}, rng) < BOUND


@settings(max_examples=120)
@given(data=st.data(), seed=seeds, cell=cells, reverse=st.booleans(), dropped=st.booleans())
def test_a_scan_has_the_gradients_of_outputs_last_states_inputs_and_initial_states(
    data: st.DataObject, seed: int, cell: Cell, reverse: bool, dropped: bool
) -> None:
    """An objective of every output and of every last state, for any mask and shape."""
    rng = np.random.default_rng(seed)
    T, B, D, H = data.draw(lengths), data.draw(sizes), data.draw(sizes), data.draw(sizes)
    read = data.draw(masks(T, B))
    drop = None
    if dropped:
        drop = (rng.random((len(cell.gates), B, H)) < 0.7) / 0.7
    states = dict.fromkeys(cell.states, (B, H))
    at = {"x": rng.standard_normal((T, B, D))}
    at |= {f"p.{name}": a for name, a in arrays(cell.shapes(D, H), rng).items()}
    at |= {f"initial.{name}": a for name, a in arrays(states, rng).items()}
    d_h, d_last = rng.standard_normal((T, B, H)), arrays(states, rng)

    def part(values: Values, prefix: str) -> Values:
        return {n.removeprefix(prefix): a for n, a in values.items() if n.startswith(prefix)}

    def forward(values: Values):  # type: ignore[no-untyped-def]
        return scan(
            cell,
            part(values, "p."),
            values["x"],
            read,
            reverse=reverse,
            initial=part(values, "initial."),
            recurrent_mask=drop,
        )

    def objective(values: Values) -> float:
        done = forward(values)
        ends = sum(float(np.vdot(d_last[s], done.last[s])) for s in cell.states)
        return float(np.vdot(d_h, done.stack("h"))) + ends

    back = scan_backward(cell, part(at, "p."), forward(at), d_h=d_h, d_last=d_last)
    grads = {"x": back.x}
    grads |= {f"p.{name}": g for name, g in back.params.items()}
    grads |= {f"initial.{name}": g for name, g in back.initial.items()}
    assert relative_error(objective, at, grads, rng) < BOUND


@pytest.mark.parametrize("kind", HEADS)
def test_each_loss_has_the_gradient_of_its_logits(kind: losses.HeadKind) -> None:
    """From small to very large logits, and for soft labels."""
    rng = np.random.default_rng(3)
    for scale in (0.1, 3.0, 30.0):
        logits, y = scale * rng.standard_normal((6, HEADS[kind])), targets(kind, 6, rng)
        soft = rng.random(6) if kind == "sigmoid" else y
        for labels in (y, soft):

            def objective(at: Values, labels: Array = labels) -> float:
                return float(losses.losses(kind, at["logits"], labels).sum())

            grads = {"logits": losses.d_logits(kind, logits, labels)}
            assert relative_error(objective, {"logits": logits}, grads, rng) < BOUND


def test_the_check_itself_finds_one_wrong_entry() -> None:
    """A checker that lets a small mistake in one of many entries pass would prove nothing."""
    rng = np.random.default_rng(1)
    at = {"a": rng.standard_normal((20, 20))}
    right = {"a": np.cos(at["a"])}

    def objective(values: Values) -> float:
        return float(np.sin(values["a"]).sum())

    assert relative_error(objective, at, right, rng) < 1e-9
    wrong = right["a"].copy()
    wrong[7, 3] *= 1.001
    assert relative_error(objective, at, {"a": wrong}, rng) > 1e-7
