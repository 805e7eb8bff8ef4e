"""Queries of a trace, and the types of what answers them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from rnnviz.clamps import Clamp
from rnnviz.initial_states import InitialState
from rnnviz.toy_net import ToyNet
from rnnviz.trace import Trace


@dataclass(frozen=True)
class Query:
    """Trace ``text`` through ``model``, with gradients of the log-loss of ``target``.

    ``target`` is a label; None means the class the model predicts. ``random`` is a seed: fresh,
    untrained weights of the same shapes instead of the trained ones. ``clamps`` set values instead
    of computing them. ``hand`` is a net of literal weights that reads the text as numbers; then
    the model's name gives its cell only. ``initial`` are states before the first token that are
    not zero, or not those that the model itself begins with.
    """

    text: str
    model: str
    target: str | None = None
    random: int | None = None
    clamps: tuple[Clamp, ...] = ()
    hand: ToyNet | None = None
    initial: tuple[InitialState, ...] = ()


#: Answers a query; raises RnnvizError with a message for the user.
Tracer = Callable[[Query], Trace]

#: A Query, whose answer is a Trace, or a question of ``rnnviz.analysis``.
Question = Hashable

#: Answers a query or a question; raises RnnvizError with a message for the user.
Explorer = Callable[[Question], Any]
