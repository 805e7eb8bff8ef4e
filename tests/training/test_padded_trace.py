"""The stepper on nets that read their padding: what is shown is what the whole reading has."""

from __future__ import annotations

import numpy as np
import pytest
from training import tiny

from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.tracer import trace

WORDS = ("", "[START]", "[UNK]", "[UNUSED]", "good", "not", "film")
KERAS = Encoding("keras", unknown=2, start=1, padding="front", length=20)
NETS = {
    "rnn": (RecurrentSpec("rnn", 4),),
    "lstm": (RecurrentSpec("lstm", 4),),
    "gru": (RecurrentSpec("gru", 4),),
    "stacked": (RecurrentSpec("rnn", 4), RecurrentSpec("rnn", 3)),
    "both ways": (RecurrentSpec("lstm", 3, bidirectional=True),),
}


def stored(name: str, mask: bool = False) -> StoredModel:
    spec = ModelSpec(EmbeddingSpec(9, 3, mask_zero=mask), NETS[name], HeadSpec("sigmoid", 1))
    params = initialise(spec, 3)
    params["embedding"][0] = 1.5  # a padding that is felt
    return StoredModel(name, Model(spec, params), Vocabulary(WORDS, KERAS), ("no", "yes"), {})


@pytest.mark.parametrize("name", NETS)
def test_values_gradients_and_answers_are_those_of_the_padded_reading(name: str) -> None:
    net = stored(name)
    found = trace(net, Query("film not strange", name, "yes"))
    ids = [1, 6, 5, 2]
    whole = np.array([[0] * 16 + ids]).T
    done = net.model.record(whole)
    back = net.model.record_backward(done, losses.d_logits("sigmoid", done.logits, np.array([1.0])))
    T = len(found.tokens)
    assert found.ids[-4:] == tuple(ids)
    assert found.tokens[-4:] == ("[START]", "film", "not", "strange")
    assert found.unknown[-4:] == (False, False, False, True)
    assert T == (20 if name == "both ways" else 4)
    passes = [pair for k in range(len(NETS[name])) for pair in
              zip(done.scans[k], back.scans[k], strict=True)]  # fmt: skip
    for layer, (s, u) in zip(found.layers, passes, strict=True):
        for value in layer.values:
            wanted = s.x if value == "x" else s.stack(value)
            np.testing.assert_allclose(layer.values[value], wanted[-T:, 0], atol=1e-6)
        for value in layer.grads:
            wanted = u.x if value == "x" else u.stack(value)
            np.testing.assert_allclose(layer.grads[value], wanted[-T:, 0], atol=1e-6)
        if T == 4:
            for state, a in layer.initial.items():
                np.testing.assert_allclose(a, s.stack(state)[15, 0], atol=1e-6)
                assert np.abs(a).max() > 0.01
    if T == 4:
        said = net.model.head(done.scans[-1][0].stack("h")[-4:, 0])
        np.testing.assert_allclose(found.head.logits, said, atol=1e-6)
        return
    for words in range(5):  # a net that reads backwards is asked anew, padded as in training
        text = np.array([[0] * (20 - words) + ids[:words]]).T
        said = net.model.record(text).logits[0]
        np.testing.assert_allclose(found.head.logits[15 + words], said, atol=1e-6)
    np.testing.assert_allclose(found.head.logits[0], found.head.logits[15])


@pytest.mark.parametrize("name", NETS)
def test_predict_pads_as_training_did(name: str) -> None:
    net = stored(name)
    found = net.predict(["film not strange", "", "good " * 30])
    rows = [[0] * 16 + [1, 6, 5, 2], [0] * 19 + [1], [4] * 20]
    for n, row in enumerate(rows):
        np.testing.assert_allclose(found[n, 1:], net.model.predict(np.array([row]).T)[0], atol=1e-6)
    assert found[0, 1] == pytest.approx(
        float(trace(net, Query("film not strange", name)).head.output[1]), abs=1e-6
    )


def test_of_a_longer_text_the_end_is_read_and_said_so() -> None:
    found = trace(stored("gru"), Query("film " + "good " * 25, "gru"))
    assert found.tokens == ("good",) * 20
    assert "last 20 of 27 tokens" in found.about
    assert not found.layers[0].initial["h"].any()


def test_a_net_that_masks_shows_its_words_and_begins_at_zero() -> None:
    found = trace(stored("gru", mask=True), Query("film not", "gru"))
    assert found.tokens == ("[START]", "film", "not")
    assert not found.layers[0].initial["h"].any()


def test_a_series_is_not_asked_with_words() -> None:
    task = tiny.SERIES.prepare(tiny.Path(), None, 0, print)
    spec = ModelSpec(SeriesSpec(2), (RecurrentSpec("gru", 4),), HeadSpec("linear", 1))
    net = StoredModel("waves", Model(spec, initialise(spec, 0)), task.encoder, task.labels, {})
    with pytest.raises(UsageError, match="names no moment"):
        trace(net, Query("good", "waves"))
