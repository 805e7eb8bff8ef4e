"""A corpus is read as each of its texts would be read alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnviz.analysis.units import SATURATED, CorpusStates, UnitQuestion
from rnnviz.data.vocabulary import Encoding
from rnnviz.engine.model import Model
from rnnviz.errors import UsageError
from rnnviz.explore import explorer
from rnnviz.explore import units as module
from rnnviz.model_files import load
from rnnviz.query import Query
from rnnviz.tracer import trace
from rnnviz.tracer.model_input import PAD
from tests.tui.small_models import stored

TEXTS = [
    "this movie was not good",
    "",
    "good",
    "not good movie " * 9 + "was",
    "was it",
    "it was not",
]
#: Model, layer of the trace, place of a text in the corpus.
SHIPPED = [
    ("sentiment-lstm", 0, 5), ("sentiment-gru", 0, 17), ("imdb-rnn", 0, 3),
    ("agnews-bilstm", 1, 2), ("agnews-bilstm", 2, 9),
    ("sentiment-lstm-tr", 0, 64)]  # fmt: skip


def states(heard: CorpusStates, text: int) -> np.ndarray:
    """The states of a text, in the order of its tokens."""
    places = np.flatnonzero(heard.text == text)
    return heard.h[places[np.argsort(heard.token[places])]]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "lstm-slide", "gru-2014"])
@pytest.mark.parametrize("both", [False, True])
def test_states_are_those_of_a_trace_of_each_text(cell: str, both: bool) -> None:
    net = stored(cell, layers=2, bidirectional=both)
    kept = [text for text in TEXTS if text]
    for layer in range(4 if both else 2):
        heard = module.corpus_states(net, layer, "made", TEXTS)
        assert len(heard.texts) == len(kept)
        values = []
        for n, text in enumerate(kept):
            alone = trace(net, Query(text, cell))
            assert heard.texts[n] == alone.tokens
            np.testing.assert_allclose(
                states(heard, n), alone.layers[layer].values["h"], rtol=1e-5, atol=1e-6
            )
            values.append(alone.layers[layer].values)
        gates = {g for g in alone.layers[layer].gates if g != "g" and g in values[0]}
        assert set(heard.right_saturated) == set(heard.left_saturated) == gates
        for gate in gates:
            every = np.concatenate([v[gate] for v in values])
            np.testing.assert_allclose(heard.right_saturated[gate], (every > SATURATED).mean(0))
            np.testing.assert_allclose(heard.left_saturated[gate], (every < 1 - SATURATED).mean(0))


@pytest.mark.parametrize("padding", ["front", "end"])
def test_texts_are_cut_and_padded_as_a_net_of_one_length_reads_them(padding: str) -> None:
    net = stored("lstm")
    words = replace(net.encoder, encoding=Encoding(padding=padding, length=6))  # type: ignore
    spec = replace(net.model.spec, source=replace(net.model.spec.source, mask_zero=False))
    cut = replace(net, model=Model(spec, net.model.params), encoder=words)
    heard = module.corpus_states(cut, 0, "made", TEXTS)
    for n, text in enumerate(text for text in TEXTS if text):
        alone = trace(cut, Query(text, "lstm"))
        real = [t for t, token in enumerate(alone.tokens) if token != PAD]
        assert heard.texts[n] == tuple(alone.tokens[t] for t in real)
        np.testing.assert_allclose(
            states(heard, n), alone.layers[0].values["h"][real], rtol=1e-5, atol=1e-6
        )


def test_a_net_that_reads_its_padding_reads_each_text_without_any() -> None:
    net = stored("rnn")
    spec = replace(net.model.spec, source=replace(net.model.spec.source, mask_zero=False))
    plain = replace(net, model=Model(spec, net.model.params))
    assert not plain.masks
    heard = module.corpus_states(plain, 0, "made", TEXTS)
    alone = trace(plain, Query("good", "rnn")).layers[0].values["h"]
    n = heard.texts.index(("good",))
    np.testing.assert_allclose(states(heard, n), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("model", "layer", "n"), SHIPPED)
def test_the_shipped_models_read_their_sample(model: str, layer: int, n: int) -> None:
    heard = explorer()(UnitQuestion(model, layer))
    assert len(heard.texts) > 100 and len(heard.h) == sum(map(len, heard.texts))
    net = load(model)
    _, texts = module.corpus(net)
    text = [t for t in texts if net.tokenize(t)][n]
    alone = trace(net, Query(text, model))
    assert alone.tokens == heard.texts[n]
    np.testing.assert_allclose(
        states(heard, n), alone.layers[layer].values["h"], rtol=1e-4, atol=1e-5
    )


def test_untrained_weights_are_heard_when_they_are_shown() -> None:
    heard = explorer()(UnitQuestion("sentiment-rnn", 0, random=3))
    alone = explorer()(Query(" ".join(heard.texts[4]), "sentiment-rnn", random=3))
    np.testing.assert_allclose(states(heard, 4), alone.layers[0].values["h"], rtol=1e-4, atol=1e-6)


def test_a_model_of_a_series_has_no_corpus() -> None:
    with pytest.raises(UsageError, match="reads a series"):
        explorer()(UnitQuestion("jena-gru"))
