"""What must hold whatever the weights are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import arrays, cells, lengths, model, run, seeds, sizes, specs

from rnnviz.cells import CELLS, Cell
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine import initializers
from rnnviz.engine.embedding import summed_rows, table_of
from rnnviz.engine.losses import d_logits, losses, outputs
from rnnviz.engine.optimizers import clip_by_norm
from rnnviz.engine.param_count import parameters
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.scan import scan, scan_backward
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.tracer import trace

every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
every_name = pytest.mark.parametrize("cell", CELLS)
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reversed"])


def text_spec(cell: str, *, both: bool, depth: int, masked: bool = True) -> ModelSpec:
    """A model of nine words with three classes."""
    layer = RecurrentSpec(cell, 3, both)
    return ModelSpec(EmbeddingSpec(9, 2, masked), (layer,) * depth, HeadSpec("softmax", 3))


@every_name
def test_the_arithmetic_of_parameter_counts_adds_up(cell: str) -> None:
    """As printed: ``3·(32·32 + 32·32 + 2·32) = 6,336``."""
    for row in parameters(text_spec(cell, both=True, depth=2)):
        left, _, right = row.arithmetic.partition(" = ")
        assert eval(left.replace("·", "*")) == row.count == int(right.replace(",", ""))


# -- masks, batches, directions -------------------------------------------------------------------


@settings(max_examples=60)
@given(
    cell=st.sampled_from(list(CELLS)),
    both=st.booleans(),
    depth=st.integers(1, 2),
    before=st.integers(0, 3),
    behind=st.integers(0, 3),
    hole=st.booleans(),
    seed=seeds,
)
def test_masked_padding_changes_nothing_wherever_it_is(
    cell: str, both: bool, depth: int, before: int, behind: int, hole: bool, seed: int
) -> None:
    """In front, behind, in between: the same logits and gradients, and none for the padding."""
    rng = np.random.default_rng(seed)
    net = model(text_spec(cell, both=both, depth=depth), rng)
    words, y = rng.integers(1, 9, (4, 3)), rng.integers(0, 3, 3)
    padded = np.pad(words, ((before, behind), (0, 0)))
    if hole:
        padded = np.insert(padded, before + 2, 0, axis=0)
    results = []
    for ids in (words, padded):
        done = net.forward(ids)
        results.append((done.logits, net.gradients(done, d_logits("softmax", done.logits, y))))
    (logits, grads), (padded_logits, padded_grads) = results
    np.testing.assert_allclose(padded_logits, logits, 1e-12, 1e-14)
    for name, grad in grads.items():
        np.testing.assert_allclose(padded_grads[name], grad, 1e-10, 1e-13, err_msg=name)
    assert not padded_grads["embedding"][0].any()


@every_name
def test_padding_that_is_not_masked_changes_the_prediction(cell: str) -> None:
    """The lecture's trap, and the proof that the test above can fail."""
    rng = np.random.default_rng(0)
    net = model(text_spec(cell, both=False, depth=1, masked=False), rng)
    words = rng.integers(1, 9, (4, 1))
    padded = np.pad(words, ((0, 3), (0, 0)))
    assert np.abs(net.forward(padded).logits - net.forward(words).logits).max() > 1e-3


@settings(max_examples=40)
@given(cell=st.sampled_from(list(CELLS)), B=st.integers(1, 6), both=st.booleans(), seed=seeds)
def test_the_order_of_a_batch_changes_nothing(cell: str, B: int, both: bool, seed: int) -> None:
    """Rows do not know of each other; the gradients of the weights are sums over rows."""
    rng = np.random.default_rng(seed)
    net = model(text_spec(cell, both=both, depth=2), rng)
    ids, y = rng.integers(0, 9, (5, B)), rng.integers(0, 3, B)
    order = rng.permutation(B)
    done, again = net.forward(ids), net.forward(ids[:, order])
    np.testing.assert_allclose(again.logits, done.logits[order], 1e-11, 1e-13)
    grads = net.gradients(done, d_logits("softmax", done.logits, y))
    shuffled = net.gradients(again, d_logits("softmax", again.logits, y[order]))
    alone = [net.forward(ids[:, [b]]) for b in range(B)]
    each = [net.gradients(f, d_logits("softmax", f.logits, y[[b]])) for b, f in enumerate(alone)]
    for name, grad in grads.items():
        np.testing.assert_allclose(shuffled[name], grad, 1e-10, 1e-12, err_msg=name)
        np.testing.assert_allclose(sum(g[name] for g in each), grad, 1e-10, 1e-12, err_msg=name)


@settings(max_examples=60)
@given(cell=cells, T=lengths, B=sizes, D=sizes, H=sizes, seed=seeds)
def test_reading_from_the_right_is_reading_the_reversed_text_from_the_left(
    cell: Cell, T: int, B: int, D: int, H: int, seed: int
) -> None:
    """The same numbers at mirrored places: values, gradients, masks, last states."""
    rng = np.random.default_rng(seed)
    p, x = arrays(cell.shapes(D, H), rng), rng.standard_normal((T, B, D))
    mask, d_h = rng.random((T, B)) < 0.7, rng.standard_normal((T, B, H))
    left = scan(cell, p, x[::-1], mask[::-1])
    right = scan(cell, p, x, mask, reverse=True)
    for name in left.steps[0]:
        np.testing.assert_allclose(right.stack(name)[::-1], left.stack(name), 1e-12, 1e-14)
    np.testing.assert_array_equal(right.last["h"], right.steps[0]["h"])
    back_left = scan_backward(cell, p, left, d_h=d_h[::-1])
    back_right = scan_backward(cell, p, right, d_h=d_h)
    np.testing.assert_allclose(back_right.x[::-1], back_left.x, 1e-11, 1e-13)
    for name, grad in back_left.params.items():
        np.testing.assert_allclose(back_right.params[name], grad, 1e-11, 1e-13)


@every_name
@pytest.mark.parametrize("masked", ["none", "left", "right"])
def test_the_last_layers_directions_are_joined_forward_first(cell: str, masked: str) -> None:
    """Forward's state after the last token, then backward's after the first."""
    rng = np.random.default_rng(2)
    net = model(text_spec(cell, both=True, depth=1), rng)
    ids = rng.integers(1, 9, (5, 2))
    if masked != "none":
        ids[0 if masked == "left" else 4, 0] = 0
    done = net.record(ids)
    forward, backward = done.scans[0]
    features = np.concatenate([forward.steps[4]["h"], backward.steps[0]["h"]], axis=-1)
    np.testing.assert_array_equal(done.head.features, features)
    reverse = run(CELLS[cell], rng, reverse=True).done
    assert list(reverse.order) == list(backward.order) == [4, 3, 2, 1, 0]


@every_name
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
def test_the_trace_of_one_text_is_its_row_of_a_batch(cell: str, both: bool) -> None:
    """What the screen shows is what training computed: values, gradients, prediction."""
    words = ("", "[UNK]", "this", "movie", "was", "not", "good", "bad", "at")
    spec = text_spec(cell, both=both, depth=2)
    net = model(spec, np.random.default_rng(1))
    stored = StoredModel("m", net, Vocabulary(words), ("a", "b", "c"), {})
    texts = ["this movie was not good", "bad movie", "was it good"]
    ids = np.zeros((5, 3), np.int64)
    for b, text in enumerate(texts):
        row = stored.vocabulary.encode(stored.tokenize(text))
        ids[: len(row), b] = row
    done = net.record(ids)
    y = done.logits.argmax(-1)
    back = net.record_backward(done, d_logits("softmax", done.logits, y))
    for b, text in enumerate(texts):
        seen = trace(stored, Query(text, "m"))
        T = len(seen.tokens)
        flat_scans = [
            pair
            for layer in zip(done.scans, back.scans, strict=True)
            for pair in zip(*layer, strict=True)
        ]
        for layer, (s, u) in zip(seen.layers, flat_scans, strict=True):
            for name in layer.recorded:
                value = s.x if name == "x" else s.stack(name)
                grad = u.x if name == "x" else u.stack(name)
                np.testing.assert_allclose(layer.values[name], value[:T, b], 1e-11, 1e-13)
                np.testing.assert_allclose(layer.grads[name], grad[:T, b], 1e-10, 1e-13)
        np.testing.assert_allclose(seen.head.output, outputs("softmax", done.logits)[b], 1e-12)
        assert seen.head.loss == pytest.approx(losses("softmax", done.logits, y)[b], rel=1e-12)
        assert seen.head.target == ("a", "b", "c")[y[b]]
        alone = stored.predict([text])[0]
        np.testing.assert_allclose(stored.predict(texts)[b], alone, 1e-12)
        np.testing.assert_allclose(seen.head.output, alone, 1e-12)


@every_name
def test_a_net_without_masks_predicts_a_text_in_a_batch_as_it_does_alone(cell: str) -> None:
    """The length of another text is no reason to change one's mind."""
    words = ("", "[UNK]", "this", "movie", "was", "not", "good", "bad", "at")
    net = model(text_spec(cell, both=False, depth=1, masked=False), np.random.default_rng(1))
    stored = StoredModel("m", net, Vocabulary(words), ("a", "b", "c"), {})
    texts = ["bad movie", "this movie was not good"]
    np.testing.assert_allclose(stored.predict(texts)[0], stored.predict(texts[:1])[0], 1e-12)


@every_name
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
def test_the_readout_after_a_token_is_the_prediction_of_the_text_so_far(
    cell: str, both: bool
) -> None:
    """Also where a layer reads from the right and would otherwise see the future."""
    words = ("", "[UNK]", "this", "movie", "was", "not", "good", "bad", "at")
    net = model(text_spec(cell, both=both, depth=2), np.random.default_rng(4))
    stored = StoredModel("m", net, Vocabulary(words), ("a", "b", "c"), {})
    tokens = "this movie was not good".split()
    readout = trace(stored, Query(" ".join(tokens), "m")).head.readout
    for t in range(5):
        so_far = stored.predict([" ".join(tokens[: t + 1])])[0]
        np.testing.assert_allclose(readout[t], so_far, 1e-12)


# -- specs ----------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "source": {"vocabulary": 5, "width": 3, "mask_zero": True, "dropout": 0.1},
    "layers": [
        {"cell": "lstm", "units": 4, "bidirectional": True, "dropout": 0, "recurrent_dropout": 0.2,
         "activation": "relu", "recurrent_activation": "hard_sigmoid"},
    ],
    "head": {"kind": "sigmoid", "outputs": 1, "dropout": 0.5, "hidden": 7},
}  # fmt: skip


@given(spec=specs())
def test_a_spec_survives_json(spec: ModelSpec) -> None:
    """Every model that can be described is read back equal."""
    assert ModelSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_spec_becomes_plain_lists_and_dicts() -> None:
    """As its docstring says, so that it can be read back without a file in between."""
    spec = ModelSpec.from_json(GOOD)
    assert spec.to_json() == GOOD
    assert ModelSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("source", 3), ("source", None), ("source.width", "3"), ("source.width", 0),
        ("source.width", 2.0), ("source.width", True), ("source.vocabulary", -1),
        ("source.vocabulary", 10**9), ("source.mask_zero", 1), ("source.dropout", 1),
        ("source.dropout", float("nan")), ("source.colour", "red"), ("layers", {}), ("layers", []),
        ("layers", "lstm"), ("layers.0", "lstm"), ("layers.0.cell", "lstn"), ("layers.0.cell", 3),
        ("layers.0.cell", None), ("layers.0.units", None), ("layers.0.units", [4]),
        ("layers.0.bidirectional", "no"), ("layers.0.dropout", "0.1"), ("layers.0.dropout", -0.1),
        ("layers.0.recurrent_dropout", True), ("layers.0.gates", 4), ("head", []),
        ("head.kind", "tanhh"), ("head.kind", ["sigmoid"]), ("head.outputs", 0),
        ("head.outputs", "1"), ("head.hidden", -1), ("layers.0.activation", "sin"),
        ("layers.0.recurrent_activation", "gelu"), ("layers.0.clip", 0), ("layers.0.clip", 1e7),
        ("layers.0.bias", 1), ("layers.0.projection", 2), ("layers.0.projection", 0),
        ("source.steps", 3),
        ("head.dropout", 2), ("head.bias", 1), ("foot", {}),
        ("layers.0.cell", ["lstm"]), ("layers.0.cell", {"name": "lstm"}),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(where: str, value: object) -> None:
    """A wrong type, an unknown field, a value that cannot be: ValueError, with the field's name."""
    bad = json.loads(json.dumps(GOOD))
    at, *path = bad, *where.split(".")
    for key in path[:-1]:
        at = at[int(key) if key.isdigit() else key]
    at[int(path[-1]) if path[-1].isdigit() else path[-1]] = value
    name = path[-1] if not path[-1].isdigit() else "layers"
    with pytest.raises(ValueError, match=name):
        ModelSpec.from_json(bad)


@pytest.mark.parametrize("where", ["source.width", "layers.0.cell", "layers.0.units", "head.kind"])
def test_a_missing_field_is_named(where: str) -> None:
    """The same for a field that has no default."""
    bad = json.loads(json.dumps(GOOD))
    group, *_, key = where.split(".")
    del (bad[group][0] if group == "layers" else bad[group])[key]
    with pytest.raises(ValueError, match=key):
        ModelSpec.from_json(bad)


@pytest.mark.parametrize("data", [None, 3, "model", [], [GOOD], True])
def test_what_is_no_object_is_no_spec(data: object) -> None:
    """Whatever JSON can hold."""
    with pytest.raises(ValueError, match="model"):
        ModelSpec.from_json(data)


# -- small parts ----------------------------------------------------------------------------------


@settings(max_examples=80)
@given(T=lengths, B=sizes, E=sizes, V=st.integers(1, 6), seed=seeds)
@example(T=1, B=1, E=1, V=1, seed=0)
def test_scattered_rows_are_those_of_add_at(T: int, B: int, E: int, V: int, seed: int) -> None:
    """Each word's row sums the gradients of its occurrences."""
    rng = np.random.default_rng(seed)
    ids, d_x = rng.integers(0, V, (T, B)), rng.standard_normal((T, B, E))
    table = np.zeros((V + 1, E))
    np.add.at(table, ids, d_x)
    found = table_of(summed_rows(ids.ravel(), d_x.reshape(-1, E), V + 1), (V + 1, E))
    np.testing.assert_allclose(found, table, 1e-12, 1e-14)
    assert found.dtype == d_x.dtype
    assert not found[V].any()


@given(scale=st.floats(1e-3, 1e3), limit=st.floats(1e-2, 1e2), seed=seeds)
def test_clipping_scales_all_gradients_to_the_limit_or_leaves_them(
    scale: float, limit: float, seed: int
) -> None:
    """The joint norm is returned as it was; the direction stays."""
    rng = np.random.default_rng(seed)
    grads = arrays({"W": (3, 4), "b": (4,)}, rng, scale)
    before = {name: g.copy() for name, g in grads.items()}
    joint = float(np.linalg.norm(np.concatenate([g.ravel() for g in before.values()])))
    assert clip_by_norm(grads, limit) == pytest.approx(joint)
    for name, g in grads.items():
        np.testing.assert_allclose(g, before[name] * min(1, limit / joint), 1e-12)


def test_clipping_changes_the_arrays_in_place() -> None:
    """The optimizer holds the same arrays."""
    g = np.array([3.0, 4.0])
    assert clip_by_norm({"g": g}, 1.0) == 5.0
    np.testing.assert_allclose(g, [0.6, 0.8])
    assert clip_by_norm({"g": np.zeros(2)}, 1.0) == 0.0


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=seeds)
def test_orthogonal_weights_are_orthogonal(rows: int, columns: int, seed: int) -> None:
    """Orthonormal rows, or columns if they are fewer."""
    q = initializers.orthogonal(np.random.default_rng(seed), rows, columns)
    assert q.shape == (rows, columns)
    product = q @ q.T if rows <= columns else q.T @ q
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_weights_have_no_preferred_sign() -> None:
    """QR alone gives the first entry one sign; a Haar-distributed matrix has both."""
    rng = np.random.default_rng(0)
    signs = [np.sign(initializers.orthogonal(rng, 4, 4)[0, 0]) for _ in range(200)]
    assert 60 < signs.count(1.0) < 140


def test_glorot_weights_fill_their_limits_and_word_vectors_theirs() -> None:
    """±√(6 / (fan_in + fan_out)), and ±0.05."""
    rng = np.random.default_rng(0)
    limit = np.sqrt(6 / (30 + 50))
    for drawn, edge in (
        (initializers.glorot_uniform(rng, 30, 50), limit),
        (initializers.embedding(rng, 99, 9), 0.05),
    ):
        assert edge * 0.98 < np.abs(drawn).max() <= edge
        assert abs(drawn.mean()) < edge / 10
        assert drawn.std() == pytest.approx(edge / np.sqrt(3), rel=0.05)


@every_cell
def test_fresh_weights_are_keras_defaults(cell: Cell) -> None:
    """W within glorot's limit, U orthogonal, biases zero but a forget gate's."""
    H = 16
    p = initializers.recurrent(np.random.default_rng(0), cell, 8, H)
    assert {name: a.shape for name, a in p.items()} == cell.shapes(8, H)
    limit = np.sqrt(6 / (8 + len(cell.gates) * H))
    assert limit * 0.95 < np.abs(p["W"]).max() <= limit
    rows = np.eye(H) if p["U"].size else np.zeros((H, H))  # minGRU reads no h
    np.testing.assert_allclose(p["U"] @ p["U"].T, rows, atol=1e-12)
    expected = np.zeros_like(p["b"])
    if "f" in cell.gates:
        expected[H : 2 * H] = 1  # i f g o
    np.testing.assert_array_equal(p["b"], expected)


@pytest.mark.parametrize(
    ("cell", "count"),
    [("rnn", 2_080), ("lstm", 8_320), ("gru", 6_336), ("lstm-slide", 8_320 + 1_024)],
)
def test_a_layer_of_32_units_has_the_number_of_weights_the_lecture_counts(
    cell: str, count: int
) -> None:
    """32 units over 32 inputs, and one more direction doubles it."""
    for both in (False, True):
        spec = ModelSpec(
            EmbeddingSpec(10_000, 32), (RecurrentSpec(cell, 32, both),), HeadSpec("sigmoid", 1)
        )
        drawn = initialise(spec, 0)
        found = sum(a.size for name, a in drawn.items() if name.startswith("layers."))
        assert found == count * (1 + both)
        assert {name: a.shape for name, a in drawn.items()} == shapes(spec)
        assert {a.dtype for a in drawn.values()} == {np.dtype(np.float32)}
        assert sum(a.size for a in drawn.values()) == 320_000 + found + 32 * (1 + both) + 1


def test_fresh_weights_depend_on_the_seed_alone() -> None:
    """The same seed, the same net; another seed, another."""
    spec = text_spec("gru", both=True, depth=2)
    one, same, other = initialise(spec, 3), initialise(spec, 3), initialise(spec, 4)
    for name, a in one.items():
        np.testing.assert_array_equal(a, same[name])
    assert not np.array_equal(one["embedding"], other["embedding"])


@every_name
def test_dropout_keeps_the_mean_is_constant_over_steps_and_off_without_a_generator(
    cell: str,
) -> None:
    """One mask a gate and sequence, for the state before and then for inputs, as in Keras."""
    rate = 0.25
    layer = RecurrentSpec(cell, 40, dropout=rate, recurrent_dropout=rate)
    spec = ModelSpec(EmbeddingSpec(9, 40), (layer,), HeadSpec("sigmoid", 1, rate))
    net, ids = model(spec, np.random.default_rng(0)), np.ones((3, 50), np.int64)
    done = net.record(ids, np.random.default_rng(1))
    drop, kept = done.scans[0][0].input_mask, done.scans[0][0].recurrent_mask
    assert drop is not None and kept is not None and done.head.features_mask is not None
    assert drop.shape == (len(CELLS[cell].gates), 50, 40)
    assert kept.shape == (len(CELLS[cell].gates), 50, 40)
    for mask in (drop, kept, done.head.features_mask):
        np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - rate)])
        assert mask.mean() == pytest.approx(1, abs=0.06)
    if len(kept) > 1:
        assert not np.array_equal(kept[0], kept[1])
    plain = replace(layer, dropout=0.0, recurrent_dropout=0.0)
    same = type(net)(ModelSpec(spec.source, (plain,), HeadSpec("sigmoid", 1)), net.params)
    np.testing.assert_array_equal(net.record(ids).logits, same.record(ids).logits)
    assert np.abs(done.logits - net.record(ids).logits).max() > 1e-3


def test_a_saved_spec_is_read_from_its_file(tmp_path: Path) -> None:
    """Through the disk, as a run directory keeps it."""
    spec = text_spec("lstm-slide", both=True, depth=2)
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
    assert ModelSpec.from_json(json.loads((tmp_path / "spec.json").read_text())) == spec
