"""Held states and words left out, against readings that are made one at a time."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from rnnviz.analysis.interventions import (
    HeldStates,
    HoldQuestion,
    LeaveOutQuestion,
    OutputsWithout,
    memory,
    strongest_unit,
    strongest_word,
)
from rnnviz.clamps import Clamp, parse
from rnnviz.explore import explorer
from rnnviz.query import Explorer, Query
from rnnviz.toy_net import model_of
from rnnviz.trace import Trace

NOT_GOOD = "this movie was not good"
MODELS = ["sentiment-lstm", "sentiment-gru", "sentiment-rnn", "imdb-lstm", "sentiment-mingru"]


@cache
def explore() -> Explorer:
    return explorer()


def held(query: Query, layer: int, t: int) -> HeldStates:
    answer: HeldStates = explore()(HoldQuestion(query, layer, t))
    return answer


def without(query: Query) -> OutputsWithout:
    answer: OutputsWithout = explore()(LeaveOutQuestion(query))
    return answer


def one_held(query: Query, layer: int, t: int, unit: int) -> Trace:
    """The same by a clamp, in a trace of its own."""
    chosen = explore()(query).layers[layer]
    value = float(chosen.state_before(t, memory(chosen))[unit])
    clamp = Clamp(memory(chosen), value, t, unit, chosen.name)
    clamped: Trace = explore()(Query(**{**vars(query), "clamps": (*query.clamps, clamp)}))
    return clamped


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("t", [0, 3, 4])
def test_holding_is_a_clamp(model: str, t: int) -> None:
    query = Query(NOT_GOOD, model)
    found = held(query, 0, t)
    for unit in (0, 7, 31):
        trace = one_held(query, 0, t, unit)
        assert found.here is not None and found.end is not None
        np.testing.assert_allclose(found.here[unit], trace.head.readout[t], atol=2e-6)
        np.testing.assert_allclose(found.end[unit], trace.head.output, atol=2e-6)


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_holding_in_a_net_of_two_layers_and_directions(layer: int) -> None:
    query = Query("Oil prices rise again", "agnews-bilstm")
    found = held(query, layer, 2)
    assert found.here is None
    for unit in (0, 40):
        trace = one_held(query, layer, 2, unit)
        np.testing.assert_allclose(found.end[unit], trace.head.output, atol=2e-6)  # type: ignore[index]


def test_holding_under_clamps() -> None:
    query = Query(NOT_GOOD, "sentiment-lstm", clamps=(parse("f[3]=0"), parse("c[3,2]=1")))
    found = held(query, 0, 3)
    for unit in (2, 5):
        trace = one_held(query, 0, 3, unit)
        np.testing.assert_allclose(found.end[unit], trace.head.output, atol=2e-6)  # type: ignore[index]


def test_holding_in_a_toy_net_and_a_series() -> None:
    for query, t in ((Query("1 0 .5", model_of("lstm")), 1), (Query("", "jena-gru"), 200)):
        found = held(query, 0, t)
        trace = one_held(query, 0, t, 0)
        np.testing.assert_allclose(found.end[0], trace.head.output, atol=2e-6)  # type: ignore[index]


@pytest.mark.parametrize("model", [*MODELS, "agnews-bilstm", "imdb-gru"])
def test_leaving_out_is_another_text(model: str) -> None:
    query = Query(NOT_GOOD, model)
    trace: Trace = explore()(query)
    found = without(query)
    words = NOT_GOOD.split()
    starts = len(trace.tokens) - len(words)
    assert not found.possible[:starts].any()
    for n in range(len(words)):
        text = " ".join(words[:n] + words[n + 1 :])
        other: Trace = explore()(Query(text, model))
        np.testing.assert_allclose(found.outputs[starts + n], other.head.output, atol=3e-6)


def test_leaving_out_under_clamps_moves_them_with_their_words() -> None:
    query = Query(NOT_GOOD, "sentiment-lstm", clamps=(parse("h[3]=0"), parse("f[*]=1")))
    found = without(query)
    moved = Query("movie was not good", "sentiment-lstm", clamps=(parse("h[2]=0"), parse("f[*]=1")))
    gone = Query("this movie was good", "sentiment-lstm", clamps=(parse("f[*]=1"),))
    np.testing.assert_allclose(found.outputs[0], explore()(moved).head.output, atol=2e-6)
    np.testing.assert_allclose(found.outputs[3], explore()(gone).head.output, atol=2e-6)


def test_the_only_word_is_not_left_out() -> None:
    assert not without(Query("good", "sentiment-lstm")).possible.any()
    assert strongest_word(without(Query("good", "imdb-lstm")), 0.5, 1) is None


def test_a_text_longer_than_the_training_is_cut_after_a_word_is_left_out() -> None:
    words = [f"{'good' if n % 3 else 'bad'}" for n in range(510)]
    query = Query(" ".join(words), "imdb-rnn")
    found = without(query)
    other: Trace = explore()(Query(" ".join(words[:400] + words[401:]), "imdb-rnn"))
    trace: Trace = explore()(query)
    shown = 400 - (len(words) + 1 - len(trace.tokens)) + 1
    np.testing.assert_allclose(found.outputs[shown], other.head.output, atol=3e-6)


def test_an_hour_of_a_series_is_replaced_by_the_means() -> None:
    found = without(Query("", "jena-gru"))
    held_at_mean: Trace = explore()(Query("", "jena-gru", clamps=(Clamp("x", 0.0, 239),)))
    assert found.averaged and found.possible.all()
    np.testing.assert_allclose(found.outputs[239], held_at_mean.head.output, atol=2e-6)


def test_a_token_of_a_toy_net_is_left_out() -> None:
    found = without(Query("1 0 .5", model_of("lstm")))
    other: Trace = explore()(Query("1 .5", model_of("lstm")))
    np.testing.assert_allclose(found.outputs[1], other.head.output, atol=1e-12)


def test_one_unit_does_it_in_one_net_and_none_alone_in_another() -> None:
    """Two nets of the package at the same word of the same sentence."""
    found = {}
    for model in ("sentiment-lstm", "sentiment-lstm-8"):
        query = Query(NOT_GOOD, model)
        p = explore()(query).head.readout[:, 1].astype(float)
        here = held(query, 0, 3).here
        assert here is not None
        found[model] = strongest_unit(here[:, 1], p[2], p[3])
    assert not found["sentiment-lstm"].alone
    assert found["sentiment-lstm-8"].alone
