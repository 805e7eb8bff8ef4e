"""Which models read the same words with another cell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rnnviz.hand import is_hand, model_of
from rnnviz.query import Query

#: The cells of a lecture, in the order it meets them.
TRIO = ("rnn", "lstm", "gru")

#: Shipped models that no key switches to, but that stand beside each other all the same.
SHIPPED = tuple(f"imdb-{cell}" for cell in TRIO)


def named(model: str, cell: str) -> str:
    """The model of the same family with another cell: sentiment-lstm-8, gru → sentiment-gru."""
    if is_hand(model):
        return model_of(cell)
    family = model.partition("-")[0]
    return cell if family in TRIO else f"{family}-{cell}"


def trio(model: str, offered: Collection[str]) -> tuple[str, ...]:
    """The three cells of the model's family; the model alone where it has none.

    ``offered`` are the models that the screen can switch to.
    """
    names = tuple(named(model, cell) for cell in TRIO)
    return names if {*names} <= {*offered, *SHIPPED} else (model,)


def siblings(model: str, offered: Collection[str]) -> tuple[str, ...]:
    """The same, where the model is itself one of the three."""
    names = trio(model, offered)
    return names if model in names else (model,)


def likes(model: str, offered: Collection[str]) -> dict[str, str]:
    """Every model of the family by its cell: {"rnn": "sentiment-rnn", "lstm-8": ...}."""
    family = named(model, "")
    found = [m for m in dict.fromkeys((*offered, *SHIPPED)) if named(m, "") == family]
    return {m.removeprefix(family).removesuffix(family): m for m in found}


def beside(query: Query, model: str, random: int | None) -> Query:
    """The same text read by another model, with nothing held: values have other names there."""
    return replace(query, model=model, random=random, target=None, clamps=())
