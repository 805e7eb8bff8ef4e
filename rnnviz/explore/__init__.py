"""Answers to the questions of pages that a trace alone cannot answer."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.engine.backend import HOST, Backend
from rnnviz.query import Explorer, Query, Question
from rnnviz.tracer import tracer

#: Class name of a question → the module whose ``answer(question, tracer)`` computes its answer.
ANSWERED_IN: dict[str, str] = {
    "UnitQuestion": "rnnviz.explore.units",
    "SpectrumQuestion": "rnnviz.explore.reach",
    "HoldQuestion": "rnnviz.explore.interventions",
    "LeaveOutQuestion": "rnnviz.explore.interventions",
    "PaddingQuestion": "rnnviz.explore.padding",
    "NetQuestion": "rnnviz.explore.net",
    "ModelListQuestion": "rnnviz.explore.models",
    "TrainingHistoryQuestion": "rnnviz.explore.training_history",
    "ModelChoiceQuestion": "rnnviz.explore.default_model",
    "LearningQuestion": "rnnviz.explore.learning",
    "NextTokensQuestion": "rnnviz.explore.next_tokens",
    "GradientCheck": "rnnviz.explore.gradient_check",
    "PropertyQuestion": "rnnviz.explore.unit_properties",
    "AblationQuestion": "rnnviz.explore.unit_properties",
}


def explorer(data: str | Path | None = None, backend: Backend | None = None) -> Explorer:
    """Return a function that answers the questions of pages, or raises RnnvizError.

    ``data`` is the folder with the tables of series models; None means the default folder.
    ``backend`` computes the traces; None means the host.
    """
    read = tracer(data, backend or HOST)

    def answer(question: Question) -> Any:
        if isinstance(question, Query):
            return read(question)
        module = import_module(ANSWERED_IN[type(question).__name__])
        with np.errstate(over="ignore", invalid="ignore"):  # as in a trace
            return module.answer(question, read)

    return answer
