"""A sentence read with every snapshot is read as each snapshot reads it by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnviz.analysis.learning import LONGEST, LearningQuestion
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.errors import UsageError
from rnnviz.explore import explorer
from rnnviz.explore.learning import learning
from rnnviz.model_files import StoredModel, load
from rnnviz.query import Query
from rnnviz.toy_net import model_of
from rnnviz.tracer import trace
from tests.tui.small_models import TEXT, stored


def nets(of: StoredModel) -> list[Model]:
    """Its net, and the same net with other weights."""
    return [Model(of.model.spec, initialise(of.model.spec, 8)), of.model]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("both", [False, True])
def test_every_snapshot_reads_as_its_trace(cell: str, both: bool) -> None:
    of = stored(cell, layers=2, bidirectional=both)
    found = learning(of, nets(of), (0, 7), (0, 1), TEXT)
    assert found.outputs.shape == (2, 5, 2)
    for n, model in enumerate(nets(of)):
        own = replace(of, model=model)
        alone = trace(own, Query(TEXT, cell))
        np.testing.assert_array_equal(found.outputs[n], alone.head.readout)
        assert list(found.values) == [layer.name for layer in alone.layers]
        for layer in alone.layers:
            for name, values in found.values[layer.name].items():
                np.testing.assert_array_equal(values[n], layer.values[name])
        for t in range(5):
            words = TEXT.split()
            del words[t]
            rest = trace(own, Query(" ".join(words), cell))
            np.testing.assert_allclose(found.without[n, t], rest.head.output, atol=1e-6)


def test_a_padded_net_reads_its_padding_with_the_weights_of_each_snapshot() -> None:
    of = load("imdb-rnn")
    found = learning(of, nets(of), (0, 7), (0, 1), "not good")
    for n, model in enumerate(nets(of)):
        own = replace(of, model=model)
        np.testing.assert_allclose(
            found.outputs[n], trace(own, Query("not good", "")).head.readout, atol=1e-5
        )
        alone = own.predict(["good"])  # token 0 marks the start
        np.testing.assert_allclose(found.without[n, 1], alone[0], atol=1e-5)
        assert np.isnan(found.without[n, 0]).all()


def test_padding_that_is_shown_does_not_count_as_words() -> None:
    of = load("imdb-rnn")
    layer = replace(of.model.spec.layers[0], units=3, bidirectional=True)
    spec = replace(of.model.spec, layers=(layer,))
    both = Model(spec, initialise(spec, 1))
    found = learning(replace(of, model=both), [both], (0,), (0,), "not good")
    assert found.tokens[-2:] == ("not", "good")
    assert len(found.tokens) == 500 > LONGEST
    assert np.isfinite(found.without[0, :, 0]).tolist() == [False] * 498 + [True] * 2


def test_a_single_word_cannot_be_left_out() -> None:
    of = stored()
    found = learning(of, nets(of), (0, 7), (0, 1), "good")
    assert np.isnan(found.without).all()
    assert found.onset(0, 1) is None


def test_a_text_that_is_too_long_is_refused() -> None:
    of = stored()
    with pytest.raises(UsageError, match="at most 200"):
        learning(of, nets(of), (0, 7), (0, 1), "good " * (LONGEST + 1))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("sentiment-lstm", "sentiment-lstm has no snapshots"),
        (model_of("lstm"), "by hand is not trained"),
    ],
)
def test_models_without_snapshots_are_refused(model: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        explorer()(LearningQuestion(model, TEXT))
