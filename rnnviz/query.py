"""What can be asked of a tracer; the screen and the command line hand these over."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from rnnviz.clamps import Clamp
from rnnviz.hand import Hand
from rnnviz.trace import Trace


@dataclass(frozen=True)
class Query:
    """Read ``text`` with ``model`` and walk back from ``target``.

    ``target`` is a label; None means the class the model predicts. ``random`` is a seed: fresh,
    untrained weights of the same shapes instead of the trained ones. ``clamps`` are values that
    are held instead of computed. ``hand`` is a net of literal weights that reads the text as
    numbers; the model's name only says its cell then.
    """

    text: str
    model: str
    target: str | None = None
    random: int | None = None
    clamps: tuple[Clamp, ...] = ()
    hand: Hand | None = None


#: Answers a query; raises RnnvizError with a message for the user.
Tracer = Callable[[Query], Trace]

#: What a page may ask: a Query, whose answer is a Trace, or a question of ``rnnviz.analysis``.
Question = Hashable

#: Answers a question; raises RnnvizError with a message for the user.
Explorer = Callable[[Question], Any]
