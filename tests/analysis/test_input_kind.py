"""Which models a screen offers for what the model on it reads."""

from __future__ import annotations

from dataclasses import replace

import rnnviz
from rnnviz.analysis.model_family import (
    NAMES_MODELS,
    SWITCH_MODELS,
    TRIO,
    TURKISH_MODELS,
    family_by_cell,
    family_trio,
    input_kind,
    switch_models,
    with_cell,
)
from rnnviz.query import Query


def test_ids_and_vectors_are_not_sent_to_models_of_words() -> None:
    """No digit key switches from a net that reads ids or vectors; words have their models."""
    trace, query = rnnviz.step("not good"), Query("not good", "sentiment-lstm")
    assert switch_models(input_kind(query, trace)) == SWITCH_MODELS
    for form in ("ids", "vectors"):
        assert switch_models(input_kind(query, replace(trace, reads=form))) == ()


def test_turkish_words_are_sent_to_the_turkish_models() -> None:
    """The number keys and the comparison of cells stay with the language of the sentence."""
    trace, query = rnnviz.step("not good"), Query("iyi değil", "sentiment-lstm-tr")
    kind = input_kind(query, trace)
    assert switch_models(kind) == TURKISH_MODELS
    assert with_cell("sentiment-lstm-tr", "gru") == "sentiment-gru-tr"
    assert family_trio("sentiment-gru-tr", TURKISH_MODELS) == TURKISH_MODELS
    cells = family_by_cell("sentiment-lstm-tr", (*SWITCH_MODELS, *TURKISH_MODELS))
    assert cells == dict(zip(TRIO, TURKISH_MODELS, strict=True))
    assert TURKISH_MODELS[0] not in family_by_cell("sentiment-lstm", TURKISH_MODELS).values()


def test_nets_that_write_names_are_beside_one_another_and_others_stand_alone() -> None:
    trace, query = rnnviz.step("emma", model="names-gru"), Query("emma", "names-gru")
    assert switch_models(input_kind(query, trace)) == NAMES_MODELS
    assert family_trio("names-gru", NAMES_MODELS) == NAMES_MODELS
    assert family_by_cell("names-gru", NAMES_MODELS) == dict(zip(TRIO, NAMES_MODELS, strict=True))
    assert switch_models(input_kind(replace(query, model="my-run"), trace)) == ()
