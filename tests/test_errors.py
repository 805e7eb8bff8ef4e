"""Suggestions for names that do not exist."""

from __future__ import annotations

import pytest

from rnnviz.errors import nearest

LANGUAGES, CELLS = ("en", "tr"), ("rnn", "lstm", "gru", "lstm-slide", "gru-2014")
MODELS = ("sentiment-rnn", "sentiment-lstm", "imdb-lstm", "jena-gru")


@pytest.mark.parametrize(
    ("word", "valid", "meant"),
    [
        ("EN", LANGUAGES, "en"), ("en-US", LANGUAGES, "en"), ("tr_TR.UTF-8", LANGUAGES, "tr"),
        ("rt", LANGUAGES, "tr"), ("gur", CELLS, "gru"), ("rn", CELLS, "rnn"),
        ("lsmt", CELLS, "lstm"), ("cud", ("cpu", "cuda"), "cuda"), ("olt", ("new", "old"), "old"),
        ("W_k", ("b_f", "W_f"), "W_f"),
        ("sentiment-lstn", MODELS, "sentiment-lstm"), ("imdb-ltsm", MODELS, "imdb-lstm"),
        ("backwrd", ("backward", "weights"), "backward"),
    ],
)  # fmt: skip
def test_what_is_near_is_suggested(word: str, valid: tuple[str, ...], meant: str) -> None:
    assert nearest(word, valid) == f" Did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("word", "valid"),
    [("fr", LANGUAGES), ("de", LANGUAGES), ("e", LANGUAGES), ("es", LANGUAGES), ("", LANGUAGES),
     ("cnn", CELLS[1:]), ("transformer", CELLS), ("bert", MODELS)],
)  # fmt: skip
def test_what_is_alike_by_chance_is_not(word: str, valid: tuple[str, ...]) -> None:
    assert nearest(word, valid) == ""
