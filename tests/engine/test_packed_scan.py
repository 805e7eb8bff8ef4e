"""A packed walk gives what the unpacked one gives: every cell, mask, dropout and direction."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import recorded_gradients, state_shapes

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.variants import variant
from rnnviz.engine import initializers, losses, packed_scan
from rnnviz.engine import scan as recorded
from rnnviz.engine.embedding import Lookup, summed_rows, table_of
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec

TRAINED = {
    **CELLS,
    "lstm-projection to 2": variant(CELLS["lstm-projection"], bias=False, projection=2),
    "gru relu": variant(CELLS["gru"], "relu"),
    "gru renews": variant(CELLS["gru"], keeps=False),
    "lstm relu": variant(CELLS["lstm"], "relu"),
    "lstm hard_sigmoid": variant(CELLS["lstm"], "tanh", "hard_sigmoid"),
}
PADDING = (
    "none", "mask in front", "mask behind", "mask with holes", "same in front", "same, any order"
)  # fmt: skip
V = 7


def drawn(cell: Cell, rng: np.random.Generator, D: int, H: int) -> Values:
    """Weights that are not those of a fresh net: biases differ, too."""
    p = initializers.recurrent(rng, cell, D, H)
    return {key: a + 0.1 * rng.standard_normal(a.shape) for key, a in p.items()}


def padded_ids(
    padding: str, reverse: bool, T: int, B: int, rng: np.random.Generator
) -> tuple[Array, Array | None, Array | None]:
    """Ids (T, B), the mask or None, and how long the common beginning is, or None."""
    ids, t = rng.integers(1, V, (T, B)), np.arange(T)[:, None]
    lengths = np.sort(rng.integers(0, T + 1, B))[::-1]
    if padding == "none":
        return ids, None, None
    if padding == "mask with holes":
        real = rng.random((T, B)) < 0.6
        return np.where(real, ids, 0), real, None
    if padding.startswith("mask"):
        real = t >= T - lengths if "front" in padding else t < lengths
        return np.where(real, ids, 0), real, None
    if "any order" in padding:
        lengths = rng.permutation(lengths)
    real = t < lengths if reverse else t >= T - lengths
    return np.where(real, ids, 0), None, T - lengths


@settings(max_examples=150, deadline=None)
@given(
    cell=st.sampled_from(sorted(TRAINED)), padding=st.sampled_from(PADDING), reverse=st.booleans(),
    recurrent_dropout=st.booleans(), input_masks=st.sampled_from(["none", "one", "each gate"]),
    start=st.booleans(), every=st.booleans(), lookup=st.booleans(),
    T=st.sampled_from([1, 2, 19, 20, 21, 45]), B=st.integers(1, 6), D=st.integers(1, 4),
    H=st.integers(1, 5), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_a_packed_walk_equals_the_unpacked_one(
    cell: str, padding: str, reverse: bool, recurrent_dropout: bool, input_masks: str, start: bool,
    every: bool, lookup: bool, T: int, B: int, D: int, H: int, seed: int,
) -> None:  # fmt: skip
    """Outputs, last states, and the gradients of weights, inputs and initial states."""
    rng, c = np.random.default_rng(seed), TRAINED[cell]
    p, table, G = drawn(c, rng, D, H), rng.standard_normal((V, D)), len(c.gates)
    ids, mask, lead = padded_ids(padding, reverse, T, B, rng)
    x = table[ids]
    states = state_shapes(c, p, B)
    given = {s: rng.standard_normal((1, n)).repeat(B, 0) for s, (_, n) in states.items()}
    first = given if start else None
    h_mask = (rng.random((G, *states["h"])) > 0.3) / 0.7 if recurrent_dropout else None
    n = {"none": 0, "one": 1, "each gate": G}[input_masks]
    x_mask = (rng.random((n, B, D)) > 0.3) / 0.7 if n else None
    d_h = rng.standard_normal((T, *states["h"])) if every else None
    d_last = {s: rng.standard_normal(shape) for s, shape in states.items()}

    plain = recorded.scan(
        c, p, x, mask, reverse=reverse, initial=first, recurrent_mask=h_mask, input_mask=x_mask
    )
    back = recorded.scan_backward(c, p, plain, d_h, d_last)
    quick = packed_scan.scan(
        c, p, Lookup(table, ids) if lookup else x, mask, reverse=reverse, initial=first,
        recurrent_mask=h_mask, input_mask=x_mask, lead=lead,
    )  # fmt: skip
    found = packed_scan.scan_backward(c, p, quick, d_h, d_last)

    close = {"rtol": 1e-8, "atol": 1e-9}
    np.testing.assert_allclose(quick.stack("h"), plain.stack("h"), **close)
    for s in c.states:
        np.testing.assert_allclose(quick.last[s], plain.last[s], **close)
        # Sequences that share their beginning share its gradient: the sum is what counts.
        np.testing.assert_allclose(found.initial[s].sum(0), back.initial[s].sum(0), **close)
        if lead is None:
            np.testing.assert_allclose(found.initial[s], back.initial[s], **close)
    for key, g in back.params.items():
        np.testing.assert_allclose(found.params[key], g, err_msg=key, **close)
    wanted = table_of(summed_rows(ids.ravel(), back.x.reshape(-1, D), len(table)), table.shape)
    if lookup:
        rows = table_of(summed_rows(*found.rows(), len(table)), table.shape)
    else:
        rows = table_of(summed_rows(ids.ravel(), found.x.reshape(-1, D), len(table)), table.shape)
        if lead is None:
            np.testing.assert_allclose(found.x, back.x, **close)
    np.testing.assert_allclose(rows, wanted, **close)


MODELS = {
    "gates no wider than the words, SimpleRNN": ModelSpec(
        EmbeddingSpec(V, 8, mask_zero=False), (RecurrentSpec("rnn", 4),), HeadSpec("sigmoid", 1)
    ),
    "gates no wider than the words, GRU": ModelSpec(
        EmbeddingSpec(V, 12), (RecurrentSpec("gru", 4, bidirectional=True),), HeadSpec("softmax", 3)
    ),
    "embedding, unmasked": ModelSpec(
        EmbeddingSpec(V, 3, mask_zero=False), (RecurrentSpec("lstm", 4),), HeadSpec("sigmoid", 1)
    ),
    "four deep, unmasked": ModelSpec(
        EmbeddingSpec(V, 3, mask_zero=False), (RecurrentSpec("rnn", 4),) * 4, HeadSpec("sigmoid", 1)
    ),
    "both ways, unmasked": ModelSpec(
        EmbeddingSpec(V, 3, mask_zero=False), (RecurrentSpec("lstm", 4, True),) * 2,
        HeadSpec("sigmoid", 1),
    ),
    "both ways twice, masked": ModelSpec(
        EmbeddingSpec(V, 3), (RecurrentSpec("lstm", 4, True),) * 2, HeadSpec("softmax", 3)
    ),
    "dropout in two layers": ModelSpec(
        SeriesSpec(3),
        (RecurrentSpec("gru", 4, dropout=0.2, recurrent_dropout=0.3),
         RecurrentSpec("gru", 3, True, dropout=0.4, activation="relu")),
        HeadSpec("linear", 1, dropout=0.2),
    ),
    "dropout of words": ModelSpec(
        EmbeddingSpec(V, 3, dropout=0.3), (RecurrentSpec("gru", 4),), HeadSpec("sigmoid", 1)
    ),
    "a cell with a product of its own": ModelSpec(
        EmbeddingSpec(V, 3), (RecurrentSpec("lstm-slide", 4),), HeadSpec("sigmoid", 1)
    ),
    "no recurrent layer": ModelSpec(SeriesSpec(3, steps=25), (), HeadSpec("linear", 1, hidden=5)),
}  # fmt: skip


@pytest.mark.parametrize("order", ["longest first", "any"])
@pytest.mark.parametrize("front", [True, False], ids=["front", "behind"])
@pytest.mark.parametrize("name", MODELS)
def test_a_models_quick_gradients_are_the_plain_ones(name: str, front: bool, order: str) -> None:
    """From the same seed the same dropout, the same loss, the same gradient of every array."""
    spec, rng = MODELS[name], np.random.default_rng(5)
    T, B = 25, 6
    model = Model(spec, {k: a.astype(np.float64) for k, a in initialise(spec, 1).items()})
    lengths = np.sort(rng.integers(0, T + 1, B))[::-1] if order != "any" else rng.integers(0, 26, B)
    t = np.arange(T)[:, None]
    real = t >= T - lengths if front else t < lengths
    inputs = np.where(real, rng.integers(1, V, (T, B)), 0)
    if isinstance(spec.source, SeriesSpec):
        inputs = rng.standard_normal((T, B, 3))
    kind = spec.head.kind
    y = rng.integers(0, 3 if kind == "softmax" else 2, B)
    found = []
    for run, gradients in (
        (model.record, partial(recorded_gradients, model)), (model.forward, model.gradients)
    ):  # fmt: skip
        done = run(inputs, np.random.default_rng(3))
        found.append((done.logits, gradients(done, losses.d_logits(kind, done.logits, y))))
    np.testing.assert_allclose(found[1][0], found[0][0], 1e-9, 1e-12)
    assert found[0][1].keys() == found[1][1].keys() == model.params.keys()
    for key, g in found[0][1].items():
        np.testing.assert_allclose(found[1][1][key], g, 1e-8, 1e-11, err_msg=key)
    np.testing.assert_allclose(model.logits(inputs), model.record(inputs).logits, 1e-9)


def test_a_long_way_back_of_vanishing_gradients_ends_in_zeros() -> None:
    """What is below 1e-25 becomes zero; everything else is what the plain loop gives."""
    cell, rng = CELLS["gru"], np.random.default_rng(0)
    p = {k: a.astype(np.float32) for k, a in drawn(cell, rng, 2, 3).items()}
    x = rng.standard_normal((400, 2, 2)).astype(np.float32)
    d_last = {"h": np.ones((2, 3), np.float32)}
    back = recorded.scan_backward(cell, p, recorded.scan(cell, p, x), None, d_last)
    found = packed_scan.scan_backward(cell, p, packed_scan.scan(cell, p, x), None, d_last)
    tiny = np.abs(found.x[found.x != 0]).min()
    assert not found.x[0].any() and 0 < tiny < 1e-20
    np.testing.assert_allclose(found.x, back.x, 1e-4, 1e-20)
    for key, g in back.params.items():
        np.testing.assert_allclose(found.params[key], g, 1e-4, 1e-6)
