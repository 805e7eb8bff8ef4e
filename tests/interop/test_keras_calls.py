"""The Keras calls of nets."""

from __future__ import annotations

import pytest

from rnnviz.engine.param_count import parameters
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.interop.export.keras_layers import keras_calls
from rnnviz.model_files import load

WORDS = EmbeddingSpec(100, 8)
YES = HeadSpec("sigmoid", 1)


@pytest.mark.parametrize(
    ("layer", "call"),
    [
        (RecurrentSpec("rnn", 4), "SimpleRNN(4)"),
        (RecurrentSpec("lstm", 4, True), "Bidirectional(LSTM(4))"),
        (RecurrentSpec("gru-2014", 4), "GRU(4, reset_after=False)"),
        (RecurrentSpec("gru", 4, dropout=0.1, recurrent_dropout=0.5),
         "GRU(4, dropout=0.1, recurrent_dropout=0.5)"),
        (RecurrentSpec("lstm", 4, activation="relu", recurrent_activation="hard_sigmoid"),
         'LSTM(4, activation="relu", recurrent_activation="hard_sigmoid")'),
        (RecurrentSpec("mingru", 4), ""),
        (RecurrentSpec("lstm-slide", 4), ""),
        (RecurrentSpec("gru", 4, keeps=False), ""),
        (RecurrentSpec("lstm", 4, output_activation="relu"), ""),
    ],
)  # fmt: skip
def test_a_recurrent_layer(layer: RecurrentSpec, call: str) -> None:
    assert keras_calls(ModelSpec(WORDS, (layer,), YES))[1] == call


def test_all_layers_but_the_last_return_sequences() -> None:
    spec = ModelSpec(WORDS, (RecurrentSpec("gru", 4),) * 3, YES)
    calls = keras_calls(spec)
    assert ["return_sequences=True" in call for call in calls] == [False, True, True, False, False]


def test_sources_and_heads() -> None:
    layers = (RecurrentSpec("rnn", 4),)
    unmasked = ModelSpec(EmbeddingSpec(100, 8, False), layers, HeadSpec("softmax", 3, 0.2, 16))
    assert keras_calls(unmasked)[0] == "Embedding(100, 8)"
    assert keras_calls(unmasked)[2:] == [
        'Dropout(0.2), Dense(16, activation="relu")',
        'Dense(3, activation="softmax")',
    ]
    assert keras_calls(ModelSpec(WORDS, layers, YES))[0] == "Embedding(100, 8, mask_zero=True)"
    series = ModelSpec(SeriesSpec(12, 24), layers, HeadSpec("linear", 1))
    assert keras_calls(series) == ["SimpleRNN(4)", "Dense(1)"]
    flat = ModelSpec(SeriesSpec(12, 24), (), HeadSpec("linear", 1))
    assert keras_calls(flat) == ["Flatten()", "Dense(1)"]


@pytest.mark.parametrize("name", ["sentiment-lstm", "agnews-bilstm", "jena-gru", "imdb-rnn"])
def test_a_call_for_each_row_of_parameters(name: str) -> None:
    spec = load(name).model.spec
    assert len(keras_calls(spec)) == len(parameters(spec))
    assert all(keras_calls(spec))
