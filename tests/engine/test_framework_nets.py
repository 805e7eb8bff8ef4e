"""What nets of other frameworks have: merges, one backward direction, heads, masked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from framework_nets import NETS, inputs_of, targets_of
from gradcheck import relative_error
from strategies import model, recorded_gradients

from rnnviz.arrays import Array, Values
from rnnviz.engine import losses
from rnnviz.engine.backend import HOST
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.model import Model
from rnnviz.engine.param_count import parameters
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import DenseSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec

T, B = 6, 5


@pytest.mark.parametrize("name", NETS)
def test_the_gradients_are_slopes_of_the_loss(name: str) -> None:
    """Of every trained array, dense layers and initial states included; in float64."""
    spec, rng = NETS[name], np.random.default_rng(3)
    net, inputs = model(spec, rng), inputs_of(spec, T, B, rng)
    y, kind, read = targets_of(spec.head, T, B, rng), spec.head.kind, net.mask(inputs)

    def objective(params: Values) -> float:
        done = Model(spec, params).record(inputs, np.random.default_rng(1))
        return float(losses.losses(kind, done.logits, y, read).sum())

    done = net.record(inputs, np.random.default_rng(1))
    d = losses.d_logits(kind, done.logits, y, read)
    grads = recorded_gradients(net, done, d)
    assert relative_error(objective, net.params, grads, rng) < 1e-7


@pytest.mark.parametrize("name", NETS)
def test_every_pass_gives_the_same_numbers(name: str) -> None:
    """The recording pass, the training pass in NumPy, and that of compiled loops."""
    spec, rng = NETS[name], np.random.default_rng(4)
    net, inputs = model(spec, rng), inputs_of(spec, T, B, rng)
    y, kind, read = targets_of(spec.head, T, B, rng), spec.head.kind, net.mask(inputs)
    done = net.record(inputs, np.random.default_rng(1))
    d = losses.d_logits(kind, done.logits, y, read)
    wanted = {"logits": done.logits, **recorded_gradients(net, done, d)}
    for backend in (HOST, compiled_backend()):
        other = Model(spec, net.params, backend)
        found = other.forward(inputs, np.random.default_rng(1))
        grads = {"logits": found.logits, **other.gradients(found, d)}
        assert grads.keys() == wanted.keys()
        for key, array in wanted.items():
            np.testing.assert_allclose(grads[key], array, 1e-8, 1e-11, err_msg=key)
        np.testing.assert_allclose(other.logits(inputs), net.record(inputs).logits, 1e-9, 1e-12)


def test_a_merge_is_the_arithmetic_it_is_called() -> None:
    """Of the outputs of all steps, where a layer above reads them, and of the last states."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((T, 1, 3))
    layers = (RecurrentSpec("lstm", 4, True), RecurrentSpec("gru", 2))
    spec = ModelSpec(SeriesSpec(3), layers, HeadSpec("linear", 1))
    merges = {"sum": np.add, "mul": np.multiply, "ave": lambda a, b: (a + b) / 2}
    for merge, joined in merges.items():
        below = RecurrentSpec("lstm", 4, True, merge=merge)  # type: ignore[arg-type]
        net = model(ModelSpec(spec.source, (below, layers[1]), spec.head), rng)
        done = net.record(x)
        forward, backward = (scan.stack("h") for scan in done.scans[0])
        np.testing.assert_array_equal(done.scans[1][0].x, joined(forward, backward))
        alone = model(ModelSpec(spec.source, (below,), spec.head), rng).record(x)
        last = [scan.last["h"] for scan in alone.scans[0]]
        np.testing.assert_array_equal(alone.head.features, joined(*last))


def test_a_head_of_each_step_reads_what_prefixes_end_in() -> None:
    """Reading forward, the output of step t is that of the first t tokens alone."""
    spec, rng = NETS["labels of each step"], np.random.default_rng(0)
    net, ids = model(spec, rng), rng.integers(1, 9, (T, 1))
    every = net.logits(ids)
    assert every.shape == (T, 1, 5)
    for t in range(1, T + 1):
        last = losses.outputs("softmax", every[t - 1])
        np.testing.assert_allclose(net.predict(ids[:t]), last, 1e-9)
    padded = np.concatenate([ids[:3], np.zeros((2, 1), int)])
    np.testing.assert_allclose(net.predict(padded), net.predict(ids[:3]), 1e-9)


def test_a_masked_step_of_numbers_changes_nothing() -> None:
    """Steps of which every number is the value are skipped, and no others."""
    spec, rng = NETS["masked numbers"], np.random.default_rng(0)
    net, x = model(spec, rng), rng.standard_normal((T, 1, 3))
    x[2, 0, 1] = -1.0  # one number of a step is not all of them
    padded = np.concatenate([x[:3], np.full((2, 1, 3), -1.0), x[3:]])
    np.testing.assert_allclose(net.logits(padded), net.logits(x), 1e-12)
    other = x.copy()
    other[2] = -1.0
    assert np.abs(net.logits(other) - net.logits(x)).max() > 1e-3


def test_the_loss_of_steps_is_their_mean_over_those_that_are_read() -> None:
    """Padding counts neither in the loss nor in the share of right labels."""
    logits = np.log(np.array([[[1.0, 3]], [[3, 1]], [[1, 1]]]))  # (T, 1, K)
    y, read = np.array([[1], [1], [0]]), np.array([[True], [True], [False]])
    wanted = -(np.log(0.75) + np.log(0.25)) / 2
    np.testing.assert_allclose(losses.losses("softmax", logits, y, read), [wanted])
    assert losses.metric("softmax", logits, y, read) == 0.5
    assert not losses.d_logits("softmax", logits, y, read)[2].any()


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (HeadSpec("state", 5), "head.outputs: expected 4"),
        (HeadSpec("linear", 1, hidden=2, dense=(DenseSpec(3),)), "head.hidden: expected 0"),
        (HeadSpec("state", 4, dense=(DenseSpec(4),)), "head.dense: expected none"),
    ],
)
def test_a_head_that_contradicts_itself_is_refused(head: HeadSpec, why: str) -> None:
    spec = ModelSpec(SeriesSpec(3), (RecurrentSpec("gru", 4),), head)
    with pytest.raises(ValueError, match=why):
        shapes(ModelSpec.from_json(spec.to_json()))


@pytest.mark.parametrize("name", NETS)
def test_a_spec_survives_json_and_names_its_arrays(name: str) -> None:
    spec = NETS[name]
    assert ModelSpec.from_json(_plain(spec.to_json())) == spec
    drawn = initialise(spec, 0)
    assert {n: a.shape for n, a in drawn.items()} == shapes(spec)


def _plain(data: object) -> object:
    """Through JSON, where tuples are lists."""
    import json

    return json.loads(json.dumps(data))


def test_hidden_is_written_as_before() -> None:
    """The files of older versions, and their arrays, mean the same."""
    spec = ModelSpec(SeriesSpec(3), (RecurrentSpec("gru", 4),), HeadSpec("linear", 1, hidden=8))
    assert spec.to_json()["head"] == {
        "kind": "linear", "outputs": 1, "dropout": 0.0, "hidden": 8
    }  # fmt: skip
    names = ["head.hidden.W", "head.hidden.b", "head.W", "head.b"]
    assert [name for name in shapes(spec) if name.startswith("head")] == names


def test_a_fit_learns_a_label_for_each_step() -> None:
    """The class of a token is that of the token before it: only a state can know that."""
    rng, layer = np.random.default_rng(0), RecurrentSpec("gru", 8)
    spec = ModelSpec(SeriesSpec(2), (layer,), HeadSpec("softmax", 2, reads="steps"))
    net = Model(spec, initialise(spec, 1))
    from rnnviz.engine.spec import FitSpec
    from rnnviz.training.fit import evaluate, fit

    classes = rng.integers(0, 2, (400, 12))
    x = np.eye(2, dtype=np.float32)[classes]

    class Examples:
        def __len__(self) -> int:
            return len(classes)

        def batches(self, size: int, rng: np.random.Generator | None = None):  # type: ignore[no-untyped-def]
            for at in range(0, len(classes), size):
                rows = slice(at, at + size)
                y = np.roll(classes[rows], 1, axis=1).T.copy()
                y[0] = 0
                yield x[rows].transpose(1, 0, 2).copy(), y, np.ones(y.shape[1], np.float32)

    examples = Examples()
    before = evaluate(net, examples)
    events = list(fit(net, lambda *_: examples, examples, FitSpec(10, 50, rate=0.03)))
    after = evaluate(net, examples)
    assert events and before["accuracy"] < 0.7 and after["accuracy"] > 0.97


def test_trained_initial_states_are_replaced_by_given_ones() -> None:
    spec, rng = NETS["trained initial"], np.random.default_rng(0)
    net = model(spec, rng)
    ids = rng.integers(1, 9, (T, 1))
    own = [net.initial_states(k, 1) for k in range(2)]
    assert own[0] is not None and own[1] is not None
    given: list[list[dict[str, Array]]] = [own[0], own[1]]
    np.testing.assert_array_equal(net.record(ids, initial=given).logits, net.record(ids).logits)
    given[0] = [{s: a + 1 for s, a in own[0][0].items()}]
    assert np.abs(net.record(ids, initial=given).logits - net.record(ids).logits).max() > 1e-3


@pytest.mark.parametrize("name", NETS)
def test_the_counted_parameters_are_those_of_the_arrays(name: str) -> None:
    """And their arithmetic gives the count that stands behind it."""
    spec, rows = NETS[name], parameters(NETS[name])
    assert sum(row.count for row in rows) == sum(a.size for a in initialise(spec, 0).values())
    for row in rows:
        formula, count = row.arithmetic.replace(",", "").split(" = ")
        assert eval(formula.replace("·", "*")) == int(count) == row.count, row
