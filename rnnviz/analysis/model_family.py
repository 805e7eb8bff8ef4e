"""Families of models: the same vocabulary and task with different cells."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from rnnviz.query import Query
from rnnviz.toy_net import CELLS, is_toy_net, model_of
from rnnviz.trace import Trace

#: The three cells that are compared, in the order of the lectures.
TRIO = ("rnn", "lstm", "gru")

#: Least and greatest number of models in a comparison.
MIN_MODELS, MAX_MODELS = 2, 4

#: The models that read a sentence, behind the keys 1, 2, 3 … of its screen.
SWITCH_MODELS = (
    "sentiment-rnn", "sentiment-lstm", "sentiment-gru", "sentiment-lstm-8", "sentiment-lstm-slide",
    "sentiment-mingru",
)  # fmt: skip

#: Those that read a Turkish one.
TURKISH_MODELS = tuple(f"sentiment-{cell}-tr" for cell in TRIO)
_TURKISH = "-tr"

#: Those that write names.
NAMES_MODELS = tuple(f"names-{cell}" for cell in TRIO)

#: The kinds of input of a model: words, Turkish words, names, a series, the numbers of a toy net;
#: a text to write on, ids or vectors that no other model reads.
Kind = Literal["words", "turkish words", "names", "series", "numbers", "own"]


def switch_models(kind: Kind) -> tuple[str, ...]:
    """The models behind the keys 1, 2, 3 … of a screen: those that read the same input."""
    if kind == "numbers":
        return tuple(model_of(cell) for cell in CELLS)
    models = {"words": SWITCH_MODELS, "turkish words": TURKISH_MODELS, "names": NAMES_MODELS}
    return models.get(kind, ())


def input_kind(query: Query, trace: Trace) -> Kind:
    """What the model of a trace reads."""
    if trace.series is not None:
        return "series"
    if query.hand is not None or is_toy_net(query.model):
        return "numbers"
    if query.model in NAMES_MODELS:
        return "names"
    if trace.reads != "words" or trace.head.writes:
        return "own"
    return "turkish words" if query.model in TURKISH_MODELS else "words"


#: Shipped models that can be compared although no key switches to them.
SHIPPED = tuple(f"imdb-{cell}" for cell in TRIO)


def with_cell(model: str, cell: str) -> str:
    """The model of the same family with another cell: sentiment-lstm-8, gru → sentiment-gru."""
    if is_toy_net(model):
        return model_of(cell)
    family = model.partition("-")[0]
    if family in TRIO:
        return cell
    return f"{family}-{cell}{_TURKISH if model in TURKISH_MODELS else ''}"


def model_in_other_language(model: str) -> str:
    """The sentiment net that reads the other language, with the same cell where there is one."""
    if model in TURKISH_MODELS:
        return model.removesuffix(_TURKISH)
    return f"{model}{_TURKISH}" if f"{model}{_TURKISH}" in TURKISH_MODELS else "sentiment-lstm-tr"


def family_trio(model: str, offered: Collection[str]) -> tuple[str, ...]:
    """The RNN, LSTM and GRU of the model's family, or the model alone if one is missing.

    ``offered`` are the models that the screen can switch to.
    """
    names = tuple(with_cell(model, cell) for cell in TRIO)
    return names if {*names} <= {*offered, *SHIPPED} else (model,)


def trio_with(model: str, offered: Collection[str]) -> tuple[str, ...]:
    """:func:`family_trio` if the model is one of the three, else the model alone."""
    names = family_trio(model, offered)
    return names if model in names else (model,)


def family_by_cell(model: str, offered: Collection[str]) -> dict[str, str]:
    """Every model of the family by its cell: {"rnn": "sentiment-rnn", "lstm-8": ...}."""
    family = with_cell(model, "")
    members = [m for m in dict.fromkeys((*offered, *SHIPPED)) if with_cell(m, "") == family]
    return {_cell_in(m, family): m for m in members}


def _cell_in(model: str, family: str) -> str:
    """What stands in a model's name for its cell: "lstm-8" of "sentiment-lstm-8"."""
    if model in TURKISH_MODELS:
        family, model = family.removesuffix(_TURKISH), model.removesuffix(_TURKISH)
    return model.removeprefix(family).removesuffix(family)


def query_for(query: Query, model: str, random: int | None) -> Query:
    """The query for another model, without clamps, whose names may not exist there."""
    return replace(query, model=model, random=random, target=None, clamps=())
