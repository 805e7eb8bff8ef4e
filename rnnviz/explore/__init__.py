"""Answers to what the pages of the stepper ask, where a trace alone does not hold them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.engine.backend import HOST, Backend
from rnnviz.query import Explorer, Query, Question
from rnnviz.tracer import tracer

#: The class of a question → the module that has ``answer(question, trace_of)`` for it.
ANSWERED_IN: dict[str, str] = {
    "UnitResponses": "rnnviz.explore.units",
    "Spectrum": "rnnviz.explore.reach",
    "PaddingQuestion": "rnnviz.explore.padding",
}


def explorer(data: str | Path | None = None, backend: Backend | None = None) -> Explorer:
    """A function that answers every question the pages ask; RnnvizError where it cannot.

    ``data`` is the folder of tables for nets that read a series; None takes the one in use.
    ``backend``: the device that traces are computed on; None is the host.
    """
    read = tracer(data, backend or HOST)

    def answer(question: Question) -> Any:
        if isinstance(question, Query):
            return read(question)
        module = import_module(ANSWERED_IN[type(question).__name__])
        with np.errstate(over="ignore", invalid="ignore"):  # as in a trace
            return module.answer(question, read)

    return answer
