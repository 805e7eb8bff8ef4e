"""Which models a screen offers for what the model on it reads."""

from __future__ import annotations

from dataclasses import replace

import rnnviz
from rnnviz.analysis.model_family import SWITCH_MODELS, input_kind, switch_models
from rnnviz.query import Query


def test_ids_and_vectors_are_not_sent_to_models_of_words() -> None:
    """No digit key switches from a net that reads ids or vectors; words have their models."""
    trace, query = rnnviz.step("not good"), Query("not good", "sentiment-lstm")
    assert switch_models(input_kind(query, trace)) == SWITCH_MODELS
    for form in ("ids", "vectors"):
        assert switch_models(input_kind(query, replace(trace, reads=form))) == ()
