"""A lesson on the step screen: how far it has come, and what its pane shows beside the texts."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.analysis.readout import shown_class
from rnnviz.analysis.series import forecasts
from rnnviz.lessons.player import LessonPlayer
from rnnviz.trace import Trace


@dataclass(frozen=True, eq=False)
class LessonState:
    """A lesson in progress; ``before`` is the trace that a change is compared with.

    ``next`` is the lesson that comes after this one, "" for none. ``training`` is how far the
    training of a change has come, in words; "" while none runs.
    """

    player: LessonPlayer
    before: Trace | None = None
    next: str = ""
    training: str = ""


def last_output(trace: Trace) -> float:
    """What the net says at the end: the probability of the shown class, or the forecast."""
    if trace.series is not None:
        return float(forecasts(trace)[-1])
    return float(trace.head.readout[-1, shown_class(trace.head)])
